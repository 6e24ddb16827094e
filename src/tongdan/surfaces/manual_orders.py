"""Orders that a person enters (手工单), before they are placed: whether shop, goods, receiver, sums and payment can be.

Whatever is wrong is told field by field and at once, so that a form or a file is mended in one go. The order is then
placed by the command of an own shop's buyer, and held, limited and reserved like one.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec.structs import replace

from tongdan.adapters.partners.miniprogram import CHANNEL as OWN
from tongdan.adapters.partners.regions import region_of
from tongdan.domain.catalog.model import Sku
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.guard.limits import Limit
from tongdan.domain.kernel.keys import limit_key, stock_key
from tongdan.domain.kernel.messages import Context, Fact, Person, Refusal, RefusalKind
from tongdan.domain.kernel.policy import Policy, Shop
from tongdan.domain.orders import entry, intake, refusals
from tongdan.domain.orders.checks.risk import SHORTEST_DETAIL
from tongdan.domain.orders.checks.risk_facts import HeldByRule
from tongdan.domain.orders.commands import PlaceOrder
from tongdan.domain.orders.goods.gift_facts import GiftGiven
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.model import Order
from tongdan.ports import Inbound, Reads
from tongdan.surfaces.catalog import available_units, find_sku

SOURCE: Final = "person"
SHORTEST_PHONE: Final = 5
_FORESEEN: Final = (HeldByRule, GiftGiven)
_NOBODY: Final = "-"  # the order has no id before it is placed

NOT_AN_OWN_SHOP: Final = RefusalKind(
    "not-an-own-shop",
    422,
    en="shop: orders are entered by hand for own shops only; expected one of {known}.",
    zh="shop：手工录单仅限自有店铺，应为 {known} 之一。",
)
UNKNOWN_SKU: Final = RefusalKind(
    "unknown-sku",
    422,
    en="lines.{at}.sku: {sku!r} is neither in the catalogue nor in stock. Define it first, or choose another.",
    zh="lines.{at}.sku：{sku!r} 不在商品资料中，也没有库存。请先建立，或另选商品。",
)
NOT_SOLD: Final = RefusalKind(
    "sku-not-sold",
    422,
    en="lines.{at}.sku: {sku!r} is no longer sold. Choose another, or make it active in the catalogue.",
    zh="lines.{at}.sku：{sku!r} 已停售。请另选商品，或在商品资料中恢复销售。",
)
OVER_LIMIT: Final = RefusalKind(
    "purchase-limit",
    422,
    en="lines.{at}.units: one buyer may have {limit_units} of {sku}, and this one has {had_units} already.",
    zh="lines.{at}.units：{sku} 每位买家限购 {limit_units} 件，该买家已购 {had_units} 件。",
)
ADDRESS_INCOMPLETE: Final = RefusalKind(
    "address-incomplete",
    422,
    en="{field}: expected {en}.",
    zh="{field}：应为{zh}。",
)
_RECEIVER: Final = {
    "name": ("who receives it", "收件人姓名"),
    "phone": (f"a phone number of at least {SHORTEST_PHONE} digits", f"至少 {SHORTEST_PHONE} 位的电话号码"),
    "province": ("the name of a province, such as 浙江", "省级行政区名称，如 浙江"),
    "city": ("the name of the city", "城市名称"),
    "detail": (
        f"street and number, {SHORTEST_DETAIL} characters or more",
        f"街道门牌，{SHORTEST_DETAIL} 个字以上",
    ),
}


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with one field, named as the API names it: `shop`, `lines.0.sku`, `receiver.city`, `amount_fen`."""

    field: str
    refusal: Refusal


class Checked(msgspec.Struct, frozen=True):
    """The order with what it leaves to us filled in; it may be placed if there are no problems."""

    command: PlaceOrder
    problems: list[Problem]


def check(reads: Reads, policy: Policy, said: PlaceOrder, ctx: Context) -> Checked:
    """`said`: as somebody entered it, without channel, region, titles, and maybe without a name of the buyer."""
    command = replace(
        said,
        channel=OWN,
        region=region_of(said.person.province),
        buyer=said.buyer or _buyer(reads, said.person),
        lines=tuple([_titled(reads, line) for line in said.lines]),
    )
    problems = [*_of_shop(policy, said.shop), *_of_number(reads, command), *_of_goods(reads, command)]
    problems += _of_receiver(command.person)
    if (wrong := intake.mistake(command)) is not None:
        problems.append(Problem("amount_fen" if wrong.name == "amounts-disagree" else "lines", wrong))
    problems += [Problem(field, wrong) for field, wrong in entry.mistakes(command, ctx).items()]
    return Checked(command, problems)


def foreseen(command: PlaceOrder, ctx: Context) -> list[Fact]:
    """Which rules would hold it and what gifts it would get, if it were placed now."""
    decision = intake.place_order(None, command, ctx)
    return [] if isinstance(decision, Refusal) else [f for f in decision.facts if isinstance(f, _FORESEEN)]


def context(policy: Policy, now: datetime) -> Context:
    return Context(now, _NOBODY, policy, 0)


def number_of(*about: str) -> str:
    """A number for an order that nobody numbered; the same for the same `about`."""
    return f"SG-{blake2b(chr(0).join(about).encode(), digest_size=8).hexdigest()}"


def message(command: PlaceOrder, raw: bytes, operator: str, key: str) -> Inbound:
    """`key` names the request: the same one again changes nothing."""
    return Inbound(
        command=command, key=(SOURCE, operator, key), source=SOURCE, shop=command.shop,
        happened_at=command.placed_at, raw=raw, operator=operator,
    )  # fmt: skip


def own_shops(policy: Policy) -> list[Shop]:
    return [shop for shop in policy.shops.values() if shop.channel == OWN and shop.owned]


def _buyer(reads: Reads, person: Person) -> str:
    """Whoever has the same phone is the same buyer, known by a keyed token of it."""
    return reads.marks_of("phone", person.phone)[0].replace("/", "-")


def _titled(reads: Reads, line: Line) -> Line:
    sku = None if line.title else find_sku(reads, line.sku)
    return line if sku is None else replace(line, title=sku.description.title)


# ---- what is wrong


def _of_shop(policy: Policy, shop: str) -> Iterator[Problem]:
    own = [each.id for each in own_shops(policy)]
    if shop not in own:
        yield Problem("shop", NOT_AN_OWN_SHOP.of(known=", ".join(own)))


def _of_number(reads: Reads, command: PlaceOrder) -> Iterator[Problem]:
    """Orders lie with their buyers, so only here a number that another buyer's order has is noticed."""
    known = reads.find(command.channel, command.shop, command.native)
    order = None if known is None else reads.order(known)
    if isinstance(order, Order) and order.buyer != command.buyer:
        yield Problem("number", refusals.NUMBER_REUSED.of(native=command.native, order=known))


def _of_goods(reads: Reads, command: PlaceOrder) -> Iterator[Problem]:
    repeated = reads.find(command.channel, command.shop, command.native) is not None
    wanted: dict[str, int] = {}
    for at, line in enumerate(command.lines):
        wanted[line.sku] = wanted.get(line.sku, 0) + line.units
        sku, stock = find_sku(reads, line.sku), stock_of(reads, line.sku)
        if sku is None and stock is None:
            yield Problem(f"lines.{at}.sku", UNKNOWN_SKU.of(at=at, sku=line.sku))
        elif sku is not None and not sku.description.active:
            yield Problem(f"lines.{at}.sku", NOT_SOLD.of(at=at, sku=line.sku))
        elif stock is not None and stock.limit_units and not repeated:
            had_units = _had_units(reads, command, line.sku)
            if had_units + wanted[line.sku] > stock.limit_units:
                limit_units = stock.limit_units
                refusal = OVER_LIMIT.of(at=at, sku=line.sku, limit_units=limit_units, had_units=had_units)
                yield Problem(f"lines.{at}.units", refusal)


def _had_units(reads: Reads, command: PlaceOrder, sku: str) -> int:
    limit = reads.order(limit_key(f"{command.shop}/{command.buyer}/{sku}"))
    return limit.counted_units if isinstance(limit, Limit) else 0


def _of_receiver(person: Person) -> Iterator[Problem]:
    missing = {
        "name": not person.name.strip(),
        "phone": sum(each.isdigit() for each in person.phone) < SHORTEST_PHONE,
        "province": not region_of(person.province),
        "city": not person.city.strip(),
        "detail": len("".join(person.detail.split())) < SHORTEST_DETAIL,
    }
    for name, (en, zh) in _RECEIVER.items():
        if missing[name]:
            field = f"receiver.{name}"
            yield Problem(field, ADDRESS_INCOMPLETE.of(field=field, en=en, zh=zh))


# ---- what may be sold


def stock_of(reads: Reads, code: str) -> Stock | None:
    """Its stock if it was ever counted, or is a bundle's."""
    stock = reads.order(stock_key(code))
    return stock if isinstance(stock, Stock) and (stock.levels or stock.parts) else None


def available(reads: Reads, code: str) -> int:
    sku = find_sku(reads, code)
    if sku is not None:
        return available_units(reads, sku)
    stock = stock_of(reads, code)
    return 0 if stock is None else sum(stock.available()[0].values())


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU that may be chosen. `warehouses`: units available in each; none of a bundle."""

    sku: str
    title: str
    variant: str
    available_units: int
    limit_units: int
    warehouses: dict[str, int]


def choice(reads: Reads, code: str, sku: Sku | None) -> Choice | None:
    """None for what is unknown, or no longer sold."""
    stock = stock_of(reads, code)
    if (sku is None and stock is None) or (sku is not None and not sku.description.active):
        return None
    said = None if sku is None else sku.description
    return Choice(
        sku=code,
        title="" if said is None else said.title,
        variant="" if said is None else said.variant,
        available_units=available(reads, code),
        limit_units=0 if stock is None else stock.limit_units,
        warehouses={} if stock is None else stock.available()[0],
    )
