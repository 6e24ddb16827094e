"""The policy as plain files in `conf/` that a team can review: read once, checked whole, named by content.

A mistake in a file stops the start with the file, the place and what was expected there, rather than
showing up later as an order that goes astray. The digest is that of the bytes read, so equal revisions are
the same text.
"""

from collections.abc import Callable, Hashable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import yaml

from tongdan.adapters import (
    confirmation_rules,
    finance_rules,
    gift_rules,
    health_rules,
    hold_rules,
    notice_rules,
    pulse_rules,
    quota_rules,
    sign_in_rules,
)
from tongdan.adapters.bill_map import BillMap
from tongdan.adapters.gift_rules import WrittenRule
from tongdan.adapters.partners import CHANNELS, tasks_of
from tongdan.adapters.partners.channel_format import ChannelFormat, check_format
from tongdan.adapters.partners.erp_map import ImportMap, check_map
from tongdan.adapters.partners.labels import CAINIAO, check_waybills
from tongdan.adapters.partners.regions import PROVINCES
from tongdan.adapters.partners.settings import Partners
from tongdan.domain.fulfillment.shipment import ParcelStatus
from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleStage
from tongdan.domain.kernel.confirmation import ConfirmationPolicy
from tongdan.domain.kernel.gifts import MAX_RULES as MAX_GIFT_RULES
from tongdan.domain.kernel.gifts import GiftRule
from tongdan.domain.kernel.notices import NoticePolicy
from tongdan.domain.kernel.policy import (
    CURSOR,
    LAST_FIRST,
    AfterSaleMap,
    CarrierMap,
    ChannelMap,
    Deadlines,
    HoldRule,
    Listing,
    Policy,
    Shop,
    Warehouse,
)
from tongdan.domain.kernel.pulse import PulsePolicy
from tongdan.domain.kernel.quotas import QuotaPolicy
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.model import BESIDE
from tongdan.ports.identity import SignIn

MAX_FILE_BYTES: Final = 2**20
MAX_TRACK_GRACE_S: Final = 540
HOLDS: Final = "holds.yml"
GIFTS: Final = "gifts.yml"
MAX_RULES: Final = 50
WMS: Final = ("qimen",)
# Codes and names that a channel by map cannot have: those of the adapters, and the other doors of the push port.
TAKEN: Final = {channel.code: channel.name for channel in CHANNELS} | {
    "MP": "own", "finance": "finance", "qimen": "qimen", "sf": "sf", "wechat": "wechat",
}  # fmt: skip
CANONICAL: Final = frozenset({status.name.lower() for status in Status} | BESIDE)

T = TypeVar("T")


class ConfError(Exception):
    """A file in `conf/` that cannot be meant: which, where in it, and what was expected."""

    def __init__(self, file: str, place: str, expected: str) -> None:
        super().__init__(f"{file}: {place or 'the file'}: {expected}")
        self.file: Final = file
        self.place: Final = place
        self.expected: Final = expected


class Conf(NamedTuple):
    """What `conf/` says, the SHA-256 (hex) of the files it was read from, and where they lie.

    `by_map`: how the channels without an adapter of their own speak, by their codes. `sign_in`: by which provider
    people may sign in, beside their passwords here.
    """

    policy: Policy
    partners: Partners
    digest: str
    folder: Path
    by_map: Mapping[str, ChannelFormat] = {}
    sign_in: SignIn | None = None
    health: health_rules.HealthText = health_rules.HealthText()


def load_conf(folder: Path) -> Conf:
    """Read and check every file of `folder`. Raises ConfError."""
    files = _Files(folder)
    partners = files.one("partners.yml", Partners)
    channels, by_map = _channels(files, partners.channels)
    carriers = _carriers(files)
    warehouses = _keyed("warehouses.yml", files.many("warehouses.yml", Warehouse), lambda one: one.code)
    shops = _keyed("shops.yml", files.many("shops.yml", Shop), lambda one: one.id)
    _check_shops(shops, channels)
    _check_warehouses(warehouses)
    deadlines = files.one("deadlines.yml", Deadlines)
    for name in Deadlines.__struct_fields__:
        if getattr(deadlines, name) <= 0:
            raise ConfError("deadlines.yml", name, "expected a positive number of seconds")
    if deadlines.signed_track_grace_s > MAX_TRACK_GRACE_S:
        expected = f"expected at most {MAX_TRACK_GRACE_S} seconds, so that it is found within ten minutes"
        raise ConfError("deadlines.yml", "signed_track_grace_s", expected)
    _check_partners(partners, shops)
    _check_trackers(carriers, partners)
    holds = _holds(files, shops, channels)
    notices = _notices(files, shops, channels, partners)
    policy = Policy(
        shops=shops, channels=channels, carriers=carriers, warehouses=warehouses, deadlines=deadlines,
        holds=holds,
        gifts=_gifts(files, shops),
        notices=notices,
        quotas=_quotas(files, shops, warehouses),
        confirmation=_confirmation(files, shops, partners),
        pulse=_pulse(files),
    )  # fmt: skip
    if wrong := check_waybills(policy, partners):
        raise ConfError(*wrong)
    sign_in = _sign_in(files, policy)
    conf = Conf(policy, partners, "", folder, by_map, sign_in)
    health = _health(files, conf)
    policy = msgspec.structs.replace(policy, health=health_rules.policy_of(health))
    return conf._replace(policy=policy, digest=files.digest(), health=health)


def import_names(folder: Path) -> list[str]:
    """The import maps there are, by name."""
    return sorted(path.stem for path in (folder / "imports").glob("*.yml"))


def load_bill(folder: Path, name: str) -> BillMap:
    """The map of a platform's bills, `bills/NAME.yml`, read when it is used. Raises ConfError."""
    file = f"bills/{name}.yml"
    if not name or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-"):
        raise ConfError("bills/", name, "expected a name of small letters, digits and hyphens")
    how = _Files(folder).one(file, BillMap)
    _check_zone(file, "zone", how.zone)
    if "name" not in how.columns:
        raise ConfError(file, "columns", "expected a heading for name")
    if ("amount" in how.columns) == ({"income", "spending"} <= how.columns.keys()):
        raise ConfError(file, "columns", "expected headings for amount, or for income and spending")
    return how


def load_import(folder: Path, name: str, policy: Policy) -> ImportMap:
    """The import map `imports/NAME.yml`; no part of the policy, read when it is used. Raises ConfError."""
    file = f"imports/{name}.yml"
    if not name or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-"):
        raise ConfError("imports/", name, "expected a name of small letters, digits and hyphens")
    how = _Files(folder).one(file, ImportMap)
    _check_zone(file, "zone", how.zone)
    if wrong := check_map(how, policy):
        place, _, expected = wrong.partition(": ")
        raise ConfError(file, place, expected)
    return how


class _Files:
    """Reads the files of one folder and remembers what it read."""

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._read: Final[dict[str, bytes]] = {}

    def names(self, subfolder: str) -> list[str]:
        found = sorted((self._folder / subfolder).glob("*.yml"))
        return [f"{subfolder}/{path.name}" for path in found]

    def one(self, name: str, kind: type[T]) -> T:
        return _convert(name, "", self._load(name), kind)

    def many(self, name: str, kind: type[T]) -> list[T]:
        entries = self._load(name)
        if not isinstance(entries, list) or not entries:
            raise ConfError(name, "", "expected a list of at least one entry")
        return [_convert(name, f"[{at}]", entry, kind) for at, entry in enumerate(entries)]

    def maybe(self, name: str, kind: type[T]) -> list[T]:
        """`many` of a file that need not be there."""
        return self.many(name, kind) if self.has(name) else []

    def has(self, name: str) -> bool:
        return (self._folder / name).exists()

    def digest(self) -> str:
        whole = sha256()
        for name, raw in sorted(self._read.items()):
            whole.update(f"{name}\n{len(raw)}\n".encode())
            whole.update(raw)
        return whole.hexdigest()

    def _load(self, name: str) -> object:
        try:
            raw = (self._folder / name).read_bytes()
        except OSError as error:
            raise ConfError(name, "", f"expected a readable file, got: {error.strerror}") from None
        if len(raw) > MAX_FILE_BYTES:
            raise ConfError(name, "", f"expected at most {MAX_FILE_BYTES} bytes")
        try:
            content: object = yaml.load(raw, _Loader)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            place = f"line {mark.line + 1}" if mark else ""
            raise ConfError(name, place, f"expected YAML: {getattr(error, 'problem', error)}") from None
        self._read[name] = raw
        return content


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key stands once: a second one would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _convert(file: str, place: str, entry: object, kind: type[T]) -> T:
    """The entry as `kind`; unknown keys are refused, because a misspelt key is a rule that does not apply."""
    fields: tuple[str, ...] = getattr(kind, "__struct_fields__", ())
    if not isinstance(entry, dict):
        raise ConfError(file, place, f"expected keys {', '.join(fields)}")
    for key in entry:
        if key not in fields:
            raise ConfError(
                file, f"{place}.{key}".lstrip("."), f"expected one of the keys {', '.join(fields)}"
            )
    try:
        return msgspec.convert(entry, kind)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `$")
        raise ConfError(file, (place + at.rstrip("`")).lstrip("."), what) from None


def _keyed(file: str, entries: list[T], key: Callable[[T], str]) -> dict[str, T]:
    keyed: dict[str, T] = {}
    for entry in entries:
        if keyed.setdefault(key(entry), entry) is not entry:
            raise ConfError(file, key(entry), "expected each entry once")
    return keyed


class _ChannelFile(ChannelMap, frozen=True, kw_only=True):
    """A channel's file: the policy's part, and how it speaks where no adapter knows."""

    by_map: ChannelFormat | None = None


def _channels(
    files: _Files, elsewhere: Mapping[str, str]
) -> tuple[dict[str, ChannelMap], dict[str, ChannelFormat]]:
    """`elsewhere`: code → where that channel is reached instead."""
    channels: dict[str, ChannelMap] = {}
    by_map: dict[str, ChannelFormat] = {}
    for name in files.names("channels"):
        file = files.one(name, _ChannelFile)
        if name != f"channels/{file.code}.yml" or len(file.code) != 2 or not file.code.isupper():
            raise ConfError(name, "code", "expected two capital letters that are also the file's name")
        _check_zone(name, "zone", file.zone)
        _check_statuses(name, file.statuses, CANONICAL)
        if file.base_url:
            _check_url(name, "base_url", file.base_url)
        if file.listing is not None:
            _check_listing(name, "listing", file.listing)
        if file.after_sale is not None:
            _check_after_sale(name, file.after_sale)
        fields = {each: getattr(file, each) for each in ChannelMap.__struct_fields__}
        channel = ChannelMap(**fields)
        if file.by_map is not None:
            others = {code: how.name for code, how in by_map.items()}
            if wrong := check_format(file.by_map, channel, {**TAKEN, **others}):
                place, _, expected = wrong.partition(": ")
                raise ConfError(name, f"by_map.{place}", expected)
            by_map[file.code] = file.by_map
        base_url = elsewhere.get(file.code, file.base_url)
        channels[file.code] = msgspec.structs.replace(channel, base_url=base_url)
    if not channels:
        raise ConfError("channels/", "", "expected at least one channel, such as channels/DY.yml")
    return channels, by_map


def _check_after_sale(file: str, how: AfterSaleMap) -> None:
    _check_words(file, "after_sale.kinds", how.kinds, frozenset(AfterSaleKind))
    _check_words(file, "after_sale.stages", how.stages, frozenset(AfterSaleStage))
    if how.decide_within_s <= 0:
        raise ConfError(file, "after_sale.decide_within_s", "expected a number above 0")
    if how.listing is not None:
        _check_listing(file, "after_sale.listing", how.listing)


def _check_listing(file: str, place: str, listing: Listing) -> None:
    for field in ("every_s", "window_s", "page_size", "calls_per_minute"):
        if getattr(listing, field) <= 0:
            raise ConfError(file, f"{place}.{field}", "expected a number above 0")
    if not 0 <= listing.overlap_s < listing.window_s:
        raise ConfError(
            file, f"{place}.overlap_s", "expected less than window_s, or the pull would stand still"
        )
    if listing.behind_s < 0 or listing.pages not in (LAST_FIRST, CURSOR):
        field = "pages" if listing.behind_s >= 0 else "behind_s"
        expected = f"{LAST_FIRST} or {CURSOR}" if field == "pages" else "0 or more seconds"
        raise ConfError(file, f"{place}.{field}", f"expected {expected}")


def _carriers(files: _Files) -> dict[str, CarrierMap]:
    """None at all is allowed: then parcels are known by what warehouses say of them."""
    carriers = {}
    for name in files.names("carriers"):
        carrier = files.one(name, CarrierMap)
        if name != f"carriers/{carrier.code}.yml" or not (carrier.code.isascii() and carrier.code.isalnum()):
            raise ConfError(name, "code", "expected letters and digits that are also the file's name")
        _check_zone(name, "zone", carrier.zone)
        _check_statuses(name, carrier.statuses, frozenset(ParcelStatus))
        carriers[carrier.code] = carrier
    return carriers


def _check_statuses(file: str, statuses: dict[str, str], known: frozenset[str]) -> None:
    _check_words(file, "statuses", statuses, known)


def _check_words(file: str, place: str, words: dict[str, str], known: frozenset[str]) -> None:
    for native, status in words.items():
        if status not in known:
            expected = f"expected one of {', '.join(sorted(known))}, got {status!r}"
            raise ConfError(file, f"{place}.{native}", expected)


def _check_shops(shops: dict[str, Shop], channels: dict[str, ChannelMap]) -> None:
    natives: set[tuple[str, str]] = set()
    for shop in shops.values():
        if not shop.id or not set(shop.id) <= set("abcdefghijklmnopqrstuvwxyz0123456789-"):
            raise ConfError("shops.yml", f"{shop.id}.id", "expected small letters, digits and hyphens")
        if shop.channel not in channels:
            known = ", ".join(sorted(channels))
            raise ConfError(
                "shops.yml", f"{shop.id}.channel", f"expected one of {known}, got {shop.channel!r}"
            )
        if (shop.channel, shop.native) in natives:
            raise ConfError(
                "shops.yml", f"{shop.id}.native", "expected a number that no other shop of the channel has"
            )
        natives.add((shop.channel, shop.native))


def _holds(files: _Files, shops: dict[str, Shop], channels: dict[str, ChannelMap]) -> tuple[HoldRule, ...]:
    rules = _keyed(HOLDS, files.maybe(HOLDS, HoldRule), lambda rule: rule.name)
    if len(rules) > MAX_RULES:
        raise ConfError(HOLDS, "", f"expected at most {MAX_RULES} rules")
    for rule in rules.values():
        if wrong := hold_rules.mistake(rule, shops, channels, PROVINCES):
            raise ConfError(HOLDS, f"{rule.name}.{wrong[0]}", f"expected {wrong[1]}")
    return tuple(rules.values())


def load_gifts(path: Path, shops: dict[str, Shop]) -> tuple[GiftRule, ...]:
    """The gift rules of one file, which need not be in force. Raises ConfError."""
    return _gifts(_Files(path.parent), shops, path.name)


def _gifts(files: _Files, shops: dict[str, Shop], name: str = GIFTS) -> tuple[GiftRule, ...]:
    written = _keyed(name, files.maybe(name, WrittenRule), lambda rule: rule.name)
    if len(written) > MAX_GIFT_RULES:
        raise ConfError(name, "", f"expected at most {MAX_GIFT_RULES} rules")
    rules = []
    for each in written.values():
        _check_zone(name, f"{each.name}.zone", each.zone)
        rules.append(gift_rules.rule_of(each))
        if wrong := gift_rules.mistake(rules[-1], shops):
            raise ConfError(name, f"{each.name}.{wrong[0]}", f"expected {wrong[1]}")
    return tuple(rules)


def load_quotas(path: Path, shops: dict[str, Shop], warehouses: dict[str, Warehouse]) -> QuotaPolicy:
    """The quota rules of one file, which need not be in force. Raises ConfError."""
    return _quotas(_Files(path.parent), shops, warehouses, path.name)


def _quotas(
    files: _Files, shops: dict[str, Shop], warehouses: dict[str, Warehouse], name: str = quota_rules.FILE
) -> QuotaPolicy:
    """Without the file no platform is told what it may sell."""
    if name == quota_rules.FILE and not files.has(name):
        return QuotaPolicy()
    policy = files.one(name, QuotaPolicy)
    told = {channel.code for channel in CHANNELS if channel.stocks is not None}
    if wrong := quota_rules.mistake(policy, shops, warehouses, told):
        raise ConfError(name, wrong[0], f"expected {wrong[1]}")
    return policy


def _sign_in(files: _Files, policy: Policy) -> SignIn | None:
    """Without the file people sign in by their passwords here."""
    if not files.has(sign_in_rules.FILE):
        return None
    how = files.one(sign_in_rules.FILE, SignIn)
    if wrong := sign_in_rules.mistake(how, policy.shops, policy.warehouses):
        raise ConfError(sign_in_rules.FILE, wrong[0], f"expected {wrong[1]}")
    return how


def _pulse(files: _Files) -> PulsePolicy:
    """Without the file nobody is asked how they see orders."""
    if not files.has(pulse_rules.FILE):
        return PulsePolicy()
    policy = files.one(pulse_rules.FILE, PulsePolicy)
    if wrong := pulse_rules.mistake(policy):
        raise ConfError(pulse_rules.FILE, wrong[0], f"expected {wrong[1]}")
    return policy


def _health(files: _Files, conf: Conf) -> health_rules.HealthText:
    """Without the file all tasks are production, and nobody is mailed."""
    if not files.has(health_rules.FILE):
        return health_rules.HealthText()
    text = files.one(health_rules.FILE, health_rules.HealthText)
    if wrong := health_rules.mistake(text, tasks_of(conf._replace(health=text))):
        raise ConfError(health_rules.FILE, wrong[0], f"expected {wrong[1]}")
    return text


def _notices(
    files: _Files, shops: dict[str, Shop], channels: dict[str, ChannelMap], partners: Partners
) -> NoticePolicy:
    """Without the file nobody is told anything."""
    if not files.has(notice_rules.FILE):
        return NoticePolicy()
    text = files.one(notice_rules.FILE, notice_rules.NoticesText)
    for place, expected in notice_rules.mistakes(text, shops, channels, partners):
        raise ConfError(notice_rules.FILE, place, f"expected {expected}")
    return notice_rules.policy_of(text)


def _confirmation(files: _Files, shops: dict[str, Shop], partners: Partners) -> ConfirmationPolicy:
    """Without the file no status needs two parties."""
    if not files.has(confirmation_rules.FILE):
        return ConfirmationPolicy()
    policy = files.one(confirmation_rules.FILE, ConfirmationPolicy)
    kinds = {shop.erp: partners.erps[shop.erp].kind for shop in shops.values() if shop.erp}
    if wrong := confirmation_rules.mistake(policy, kinds):
        raise ConfError(confirmation_rules.FILE, wrong[0], f"expected {wrong[1]}")
    return policy


def _check_warehouses(warehouses: dict[str, Warehouse]) -> None:
    for warehouse in warehouses.values():
        if warehouse.partner not in WMS:
            expected = f"expected one of {', '.join(WMS)}, got {warehouse.partner!r}"
            raise ConfError("warehouses.yml", f"{warehouse.code}.partner", expected)
        if strange := sorted(set(warehouse.regions) - PROVINCES):
            expected = f"expected province names such as 浙江, got {strange[0]!r}"
            raise ConfError("warehouses.yml", f"{warehouse.code}.regions", expected)


def _check_partners(partners: Partners, shops: dict[str, Shop]) -> None:
    for code, base_url in partners.channels.items():
        _check_url("partners.yml", f"channels.{code}", base_url)
    for name in Partners.__struct_fields__:
        settings = getattr(partners, name)
        if name in ("channels", "senders", "erps") or settings is None:
            continue
        _check_url("partners.yml", f"{name}.base_url", settings.base_url)
        if zone := getattr(settings, "zone", ""):
            _check_zone("partners.yml", f"{name}.zone", zone)
    if wrong := finance_rules.mistake(partners.finance.books, shops):
        raise ConfError(finance_rules.FILE, f"finance.books.{wrong[0]}", f"expected {wrong[1]}")
    for name, erp in partners.erps.items():
        _check_url("partners.yml", f"erps.{name}.base_url", erp.base_url)
        _check_zone("partners.yml", f"erps.{name}.zone", erp.zone)
    for shop_id, erp_name in [(shop.id, shop.erp) for shop in shops.values() if shop.erp]:
        if erp_name not in partners.erps:
            known = ", ".join(partners.erps) or "none, for partners.yml has no erps"
            raise ConfError("shops.yml", f"{shop_id}.erp", f"expected one of {known}, got {erp_name!r}")
    bills_at = partners.wechat.bills_at
    if bills_at and not health_rules.TIME_OF_DAY.fullmatch(bills_at):
        raise ConfError("partners.yml", "wechat.bills_at", 'expected a time in China such as "10:30"')
    apps = {} if partners.wechat_mini is None else partners.wechat_mini.apps
    for place, named in (("wechat.merchants", partners.wechat.merchants), ("wechat_mini.apps", apps)):
        for shop in named:
            if shop not in shops:
                raise ConfError("partners.yml", f"{place}.{shop}", "expected a shop of shops.yml")


def _check_trackers(carriers: dict[str, CarrierMap], partners: Partners) -> None:
    """Who can be asked whether a parcel has a track."""
    for carrier in carriers.values():
        for at, name in enumerate(carrier.tracked_by):
            place = f"tracked_by[{at}]"
            if name != CAINIAO:
                raise ConfError(f"carriers/{carrier.code}.yml", place, f"expected {CAINIAO}, got {name!r}")
            if partners.cainiao_link is None:
                expected = "expected partners.yml to have `cainiao_link`"
                raise ConfError(f"carriers/{carrier.code}.yml", place, expected)


def _check_url(file: str, place: str, url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise ConfError(file, place, "expected an http or https URL")


def _check_zone(file: str, place: str, zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (OSError, ValueError, KeyError):  # KeyError: ZoneInfoNotFoundError
        raise ConfError(file, place, f"expected a time zone such as Asia/Shanghai, got {zone!r}") from None
