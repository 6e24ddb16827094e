"""`conf/` is read whole or not at all, and a mistake in it is told with its file, its place and what was expected."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tongdan.adapters.policy_files import ConfError, load_conf

CONF = Path(__file__).parents[2] / "conf"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the `conf/` that is delivered."""
    shutil.copytree(CONF, tmp_path / "conf")
    return tmp_path / "conf"


def change(folder: Path, file: str, old: str, new: str) -> ConfError:
    """What is said of the folder after one text in one file has been replaced."""
    path = folder / file
    text = path.read_text()
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfError) as refused:
        load_conf(folder)
    return refused.value


def test_what_is_delivered_is_good() -> None:
    policy = load_conf(CONF).policy
    assert sorted(policy.channels) == ["DY", "JD", "KS", "MP", "PD", "TB"]
    assert sorted(policy.shops) == ["dy-main", "jd-main", "ks-main", "mp-main", "pd-main", "tb-main"]
    assert list(policy.warehouses) == ["WH-EAST", "WH-SOUTH", "WH-NORTH"]
    assert policy.channels["DY"].statuses["105"] == "paid_hold"
    assert list(policy.carriers) == ["SF", "ZTO"]
    assert policy.carriers["SF"].statuses["8000"] == policy.carriers["SF"].statuses["80"] == "signed"


def test_every_province_is_served_first_by_one_warehouse() -> None:
    regions = [region for one in load_conf(CONF).policy.warehouses.values() for region in one.regions]
    assert len(regions) == len(set(regions)) == 34


def test_stock_outlives_the_time_to_pay() -> None:
    deadlines = load_conf(CONF).policy.deadlines
    assert deadlines.reservation_s > deadlines.pay_within_s


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "expected"),
    [
        ("shops.yml", "channel: DY", "chanel: DY", "[0].chanel", "one of the keys id, channel"),
        (
            "shops.yml",
            "channel: DY",
            "channel: XX",
            "dy-main.channel",
            "one of DY, JD, KS, MP, PD, TB, got 'XX'",
        ),
        ("shops.yml", "id: mp-main", "id: dy-main", "dy-main", "each entry once"),
        ("shops.yml", "id: dy-main", "id: DY/main", "DY/main.id", "small letters"),
        ("shops.yml", '"323423"', "323423", "[0].native", "Expected `str`, got `int`"),
        ("shops.yml", "native: mp-main", 'native: "323423"\n  channel: DY', "line", "stands twice"),
        ("channels/DY.yml", "completed", "finished", "statuses.5", "got 'finished'"),
        ("channels/DY.yml", '"2"', '"3"', "line", "the key '3' stands twice"),
        ("channels/DY.yml", "code: DY", "code: TB", "code", "the file's name"),
        ("channels/MP.yml", "Asia/Shanghai", "Asia/Hangzhou", "zone", "got 'Asia/Hangzhou'"),
        ("channels/MP.yml", "Asia/Shanghai", "../../etc/passwd", "zone", "a time zone"),
        ("carriers/SF.yml", "signed", "delivered", "statuses.80", "got 'delivered'"),
        ("carriers/SF.yml", "code: SF", "code: ZTO", "code", "the file's name"),
        ("carriers/SF.yml", "Asia/Shanghai", "Asia/Hangzhou", "zone", "got 'Asia/Hangzhou'"),
        (
            "carriers/SF.yml",
            "through: sf",
            "through: cainiao",
            "waybill.through",
            "expected sf for the carrier SF",
        ),
        (
            "carriers/ZTO.yml",
            "through: cainiao",
            "through: kdniao",
            "waybill.through",
            "cainiao for every other",
        ),
        ("carriers/SF.yml", "[cainiao]", "[kdniao]", "tracked_by[0]", "expected cainiao, got 'kdniao'"),
        ("partners.yml", "cainiao_link:", "senders: {}\nx_link:", "x_link", "one of the keys"),
        ("deadlines.yml", "grace_s: 240", "grace_s: 600", "signed_track_grace_s", "at most 540 seconds"),
        ("carriers/ZTO.yml", "[MP, TB]", "[MP, DY]", "waybill.channels", "MP, TB, got 'DY'"),
        ("carriers/SF.yml", "[MP]", "[]", "waybill.channels", "whose receivers it can open: MP"),
        ("carriers/SF.yml", "  template: fm_76130_standard\n", "", "waybill.template", "the template"),
        ("carriers/SF.yml", "  through: sf\n", "", "waybill", "missing required field `through`"),
        (
            "warehouses.yml",
            "name: 华东嘉兴仓",
            "name: x\n  waybill: us",
            "WH-EAST.waybill",
            "warehouse or seller",
        ),
        (
            "warehouses.yml",
            "name: 华东嘉兴仓",
            "name: x\n  waybill: seller",
            "WH-EAST.carrier",
            "(SF, ZTO), got ''",
        ),
        (
            "partners.yml",
            "# senders:\n#   WH-SOUTH:",
            "senders:\n  WH-WEST:",
            "senders.WH-WEST",
            "a warehouse of",
        ),
        (
            "partners.yml",
            "cainiao:\n  base_url: https",
            "cainiao:\n  base_url: ftp",
            "cainiao.base_url",
            "an http",
        ),
        ("warehouses.yml", "上海", "沪", "WH-EAST.regions", "got '沪'"),
        (
            "warehouses.yml",
            "partner: qimen",
            "partner: cainiao",
            "WH-EAST.partner",
            "one of qimen, got 'cainiao'",
        ),
        ("warehouses.yml", "code: WH-EAST", "name: x", "line", "stands twice"),
        ("deadlines.yml", "pay_within_s: 1800", "pay_within_s: 0", "pay_within_s", "a positive number"),
        ("deadlines.yml", "pay_within_s: 1800", "pay_within_s: 30m", "pay_within_s", "Expected `int`"),
        ("deadlines.yml", "pay_within_s", "pay_within_m", "pay_within_m", "one of the keys pay_within_s"),
        ("partners.yml", "https://api.mch", "api.mch", "wechat.base_url", "an http or https URL"),
        (
            "partners.yml",
            "# channels:\n#   DY: https",
            "channels:\n  DY: gopher",
            "channels.DY",
            "an http or https URL",
        ),
        ("channels/DY.yml", "https://openapi", "openapi", "base_url", "an http or https URL"),
        ("channels/DY.yml", "window_s: 3600", "window_s: 60", "listing.overlap_s", "less than window_s"),
        ("channels/DY.yml", "page_size: 100", "page_size: 0", "listing.page_size", "a number above 0"),
        ("channels/DY.yml", "page_size: 100", "pages: first", "listing.pages", "last-first or cursor"),
        ("partners.yml", "mp-main:", "mp-other:", "wechat.merchants.mp-other", "a shop of shops.yml"),
        ("partners.yml", "  owner_code: TONGDAN\n", "", "qimen", "missing required field `owner_code`"),
        ("partners.yml", "zone: Asia/Shanghai", "zone: UTC+8", "qimen.zone", "a time zone"),
        ("holds.yml", "action: review", "action: refuse", "large.action", "one of review, risk"),
        ("holds.yml", "name: large", "name: La rge", "La rge.name", "small letters"),
        ("holds.yml", "name: blacklist", "name: large", "large", "each entry once"),
        ("holds.yml", "2000000", "-1", "large.amount_above_fen", "0 fen or more"),
        ("holds.yml", "  amount_above_fen: 2000000\n", "", "large.name", "at least one condition"),
        ("holds.yml", "orders_at_least: 6", "orders_at_least: 1", "many-orders.orders_at_least", "2 to 100"),
        ("holds.yml", "  within_s: 3600\n", "", "many-orders.within_s", "together"),
        (
            "holds.yml",
            "  blacklisted: true",
            "  blacklisted: true\n  by: [face]",
            "blacklist.by",
            "got 'face'",
        ),
        ("holds.yml", "2000000", "1\n  shops: [xx]", "large.shops", "got 'xx'"),
        ("gifts.yml", "name: socks", "name: So cks", "So cks.name", "small letters"),
        ("gifts.yml", "units_from: 2", "units_from: 0", "socks.units_from", "every order would get it"),
        ("gifts.yml", "  repeats: true\n", "", "socks.at_most_times", "repeats: true"),
        ("gifts.yml", "at_most_times: 3", "at_most_times: 0", "socks.at_most_times", "1 to"),
        ("gifts.yml", "until: 2026-11-12", "until: 2026-11-01", "socks.until", "after since"),
        ("gifts.yml", "until: 2026-11-12 00:00:00", "until: soon", "[0].until", "datetime"),
        ("gifts.yml", "  skus: [SHIRT]", "  zone: UTC+8", "socks.zone", "a time zone"),
        ("gifts.yml", "  skus: [SHIRT]", "  skus: [' X']", "socks.skus", "printable"),
        ("gifts.yml", "  skus: [SHIRT]", "  shops: [xx]", "socks.shops", "got 'xx'"),
        ("gifts.yml", "  skus: [SHIRT]", "  when_short: hope", "socks.when_short", "drop or wait"),
        ("gifts.yml", "  skus: [SHIRT]", "  limit_times: 10001", "socks.limit_times", "0 to 10000"),
        ("gifts.yml", "  skus: [SHIRT]", "  buys: 2", "[0].buys", "one of the keys"),
        ("gifts.yml", "units: 2}", "units: 0}", "socks.gifts", "units of each"),
        ("gifts.yml", "units: 2}", "units: 2}\n    - {sku: SOCKS}", "socks.gifts", "each SKU once"),
        ("holds.yml", "lift_after_s: 1800", "lift_after_s: 0", "moved.lift_after_s", "a positive number"),
    ],
)
def test_a_mistake_is_named(folder: Path, file: str, old: str, new: str, place: str, expected: str) -> None:
    error = change(folder, file, old, new)
    assert error.file == file
    assert error.place.startswith(place)
    assert expected in error.expected
    assert str(error).startswith(f"{file}: {place}")


def test_the_period_of_a_gift_rule_is_read_in_its_zone(folder: Path) -> None:
    (rule,) = load_conf(folder).policy.gifts
    period = datetime(2026, 10, 31, 16, tzinfo=UTC), datetime(2026, 11, 11, 16, tzinfo=UTC)
    assert (rule.since, rule.until) == period
    text = (folder / "gifts.yml").read_text()
    (folder / "gifts.yml").write_text(text.replace("  active: false", "  zone: America/New_York"))
    (rule,) = load_conf(folder).policy.gifts
    assert (rule.active, rule.since) == (True, datetime(2026, 11, 1, 4, tzinfo=UTC))
    (folder / "gifts.yml").unlink()
    assert load_conf(folder).policy.gifts == ()


@pytest.mark.parametrize(
    "text", ["", "- ", "a: [", "!!python/object/apply:os.system ['true']", "\t- x", "&a [*a]", "\x00", "12"]
)
@pytest.mark.parametrize("file", ["shops.yml", "channels/DY.yml", "deadlines.yml", "partners.yml"])
def test_a_file_that_says_nothing_sensible_is_named(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(ConfError) as refused:
        load_conf(folder)
    assert refused.value.file == file


@pytest.mark.parametrize("file", ["shops.yml", "warehouses.yml", "deadlines.yml", "partners.yml"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(ConfError) as refused:
        load_conf(folder)
    assert refused.value.file == file
    assert "No such file" in refused.value.expected


def test_without_channels_it_says_so(folder: Path) -> None:
    shutil.rmtree(folder / "channels")
    with pytest.raises(ConfError) as refused:
        load_conf(folder)
    assert refused.value.file == "channels/"


def test_the_digest_names_the_text_of_all_files(folder: Path) -> None:
    first = load_conf(folder).digest
    assert load_conf(folder).digest == load_conf(CONF).digest == first
    assert len(first) == 64
    seen = {first}
    files = sorted(folder.rglob("*.yml"))
    for path in files:
        path.write_text(path.read_text() + "# reviewed\n")
        seen.add(load_conf(folder).digest)
    assert len(seen) == 1 + len(
        [path for path in files if not {"imports", "examples", "bills"} & set(path.parts)]
    )


def test_a_number_on_a_channel_belongs_to_one_shop(folder: Path) -> None:
    path = folder / "shops.yml"
    path.write_text(path.read_text().replace("channel: MP", "channel: DY"))
    error = change(folder, "shops.yml", "native: mp-main", 'native: "323423"')
    assert (error.place, error.expected) == (
        "mp-main.native",
        "expected a number that no other shop of the channel has",
    )


def test_people_sign_in_by_a_provider_only_where_it_is_configured(folder: Path) -> None:
    assert load_conf(folder).sign_in is None
    shutil.copy(folder / "examples" / "sign-in.yml", folder)
    how = load_conf(folder).sign_in
    assert how is not None and [each.role for each in how.groups] == [
        "admin",
        "finance",
        "service",
        "warehouse",
    ]
    assert how.algorithms == ("RS256",)


@pytest.mark.parametrize(
    ("old", "new", "place", "expected"),
    [
        ("issuer: https", "issuer: http", "issuer", "https"),
        ("public_url: https", "public_url: ftp", "public_url", "https"),
        ("client_id: tongdan", "client_id: ''", "client_id", "number"),
        ("role: admin", "role: root", "groups[0].role", "Invalid enum value 'root'"),
        ("group: tongdan-finance", "group: tongdan-admin", "groups[1].group", "each once"),
        ("[mp-main]", "[mp-other]", "groups[2].shops", "got 'mp-other'"),
        ("[WH-EAST]", "[WH-WEST]", "groups[3].warehouses", "got 'WH-WEST'"),
        ("500000", "-1", "groups[1].refund_limit_fen", "0 or more"),
        ("role: admin", "rolle: admin", "groups[0]", "unknown field `rolle`"),
        ("client_id: tongdan", "client_id: x\nalgorithms: [none]", "algorithms", "got ['none']"),
        ("client_id: tongdan", "client_id: x\nalgorithms: [HS256]", "algorithms", "got ['HS256']"),
        ("client_id: tongdan", "client_id: x\nscopes: [profile]", "scopes", "openid"),
        ("client_id: tongdan", "client_id: x\nleeway_s: 3600", "leeway_s", "0 to 600"),
        ("client_id: tongdan", "client_id: x\nsecret: y", "secret", "one of the keys issuer"),
    ],
)
def test_a_mistake_in_the_sign_in_is_told(
    folder: Path, old: str, new: str, place: str, expected: str
) -> None:
    shutil.copy(folder / "examples" / "sign-in.yml", folder)
    error = change(folder, "sign-in.yml", old, new)
    assert (error.file, error.place) == ("sign-in.yml", place)
    assert expected in error.expected
