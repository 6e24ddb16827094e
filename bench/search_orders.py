"""The orders that the search is measured with: a year of six channels, the same for the same numbers.

One SKU lies in one order of ten; nine of ten orders are over; titles, names and shops are few and unevenly frequent.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from tongdan.domain.kernel.ids import make_order_id
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.model import LineState, Order, Parcel
from tongdan.ports import OrderDoc

CHUNK: Final = 20_000
NEWEST: Final = datetime(2026, 1, 27, tzinfo=UTC)
SPAN_S: Final = 365 * 86_400
CHANNELS: Final = ("DY", "PD", "TB", "JD", "KS", "MP")
_STATUSES: Final = [int(Status.COMPLETED)] * 70 + [int(Status.SETTLED)] * 20 + [int(each) for each in Status]
_SKUS: Final = 20_000
COMMON: Final = "SKU-00000"  # in one order of ten
_GOODS: Final = ("龙井", "毛尖", "普洱", "乌龙", "红茶", "白茶", "花茶", "抹茶")
_MADE: Final = ("明前", "雨前", "特级", "一级", "礼盒", "散装", "小罐", "手工")
FAMILY: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红玲芬燕彬浩宇轩子涵梓"


def doc(n: int, orders: int) -> OrderDoc:
    """The `n`-th order: the same for the same numbers."""
    dice = random.Random(n)
    at = NEWEST - timedelta(seconds=SPAN_S * (1 - n / orders), milliseconds=dice.randrange(1_000))
    channel = dice.choice(CHANNELS)
    skus = [f"SKU-{int(dice.paretovariate(0.5)) % _SKUS:05d}" for _ in range(dice.choice((1, 1, 2, 3)))]
    if n % 10 == 0:
        skus[0] = COMMON
    return OrderDoc(
        id=id_of(n, orders), channel=channel, shop=shop_of(channel, dice), native=f"47{n:011d}",
        status=dice.choice(_STATUSES), amount_fen=int(dice.lognormvariate(9, 1)), at=at, updated_at=at,
        warehouse=f"wh-{dice.randrange(4)}", odd=dice.random() < 0.001, held=dice.random() < 0.01,
        skus=tuple(skus), names=(waybill_of(n),), title=" ".join(title_of(dice) for _ in skus),
    )  # fmt: skip


def id_of(n: int, orders: int) -> str:
    day = NEWEST - timedelta(seconds=SPAN_S * (1 - n / orders))
    return make_order_id(CHANNELS[n % 6], f"{day:%Y%m%d}", n // 256, n % 256)


def shop_of(channel: str, dice: random.Random) -> str:
    return f"{channel.lower()}-{int(dice.paretovariate(1)) % 20}"


def waybill_of(n: int) -> str:
    return f"SF{n:013d}"


def title_of(dice: random.Random) -> str:
    return f"{dice.choice(_MADE)}{dice.choice(_GOODS)} {dice.choice((50, 100, 250, 500))}g"


def tokens_of(n: int) -> Iterator[bytes]:
    """Stand-ins of keyed tokens: a phone's tail and the pairs of a name."""
    dice = random.Random(-n)
    yield f"last4/{dice.randrange(10_000):04d}".encode()
    name = dice.choice(FAMILY) + "".join(dice.choices(GIVEN, k=dice.choice((1, 2, 2))))
    yield from {f"name/{name[at : at + 2]}".encode() for at in range(len(name) - 1)}


def chunks_of(orders: int) -> Iterator[range]:
    return (range(begin, min(begin + CHUNK, orders)) for begin in range(0, orders, CHUNK))


def state_of(doc: OrderDoc) -> Order:
    """The same order as a shard keeps it."""
    titles = doc.title.split("g ")
    lines = [
        LineState(line=Line(no=n, sku=sku, units=1, amount_fen=0, title=title), warehouse=doc.warehouse)
        for n, (sku, title) in enumerate(zip(doc.skus, titles, strict=False), 1)
    ]
    left = doc.at or doc.updated_at
    parcels = [
        Parcel(dispatch="1", shipment="S1", carrier="SF", waybill=waybill, units=(), shipped_at=left)
        for waybill in doc.names
    ]
    return Order(
        channel=doc.channel, shop=doc.shop, native=doc.native, amount_fen=doc.amount_fen, placed_at=doc.at,
        lines=tuple(lines), parcels=tuple(parcels), holds=("review",) if doc.held else (),
    )  # fmt: skip
