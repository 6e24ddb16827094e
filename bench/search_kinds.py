"""The twelve kinds of question that the search is measured with, each over random arguments."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Final, NamedTuple

from bench.search_orders import (
    CHANNELS,
    COMMON,
    FAMILY,
    GIVEN,
    NEWEST,
    SPAN_S,
    doc,
    id_of,
    shop_of,
    title_of,
    waybill_of,
)
from tongdan.domain.kernel.status import Status
from tongdan.ports import OrderQuery

_RARE: Final = int(Status.PAID)
_STATUSES: Final = tuple(int(each) for each in Status)


class Kind(NamedTuple):
    """`asked`: a question, or the token of a person whose orders are to be looked up first."""

    name: str
    asked: Callable[[random.Random], OrderQuery | bytes]


def kinds_of(orders: int) -> list[Kind]:
    """The kinds, for an index of so many orders."""

    def id(dice: random.Random) -> str:
        return id_of(dice.randrange(orders), orders)

    def sku(dice: random.Random) -> str:
        return dice.choice(doc(dice.randrange(orders), orders).skus)

    return [
        Kind("id", lambda dice: OrderQuery(ids=(id(dice),))),
        Kind("native number", lambda dice: OrderQuery(name=doc(dice.randrange(orders), orders).native)),
        Kind("waybill", lambda dice: OrderQuery(name=waybill_of(dice.randrange(orders)))),
        Kind("phone's last four", lambda dice: f"last4/{dice.randrange(10_000):04d}".encode()),
        Kind(
            "two characters of a name",
            lambda dice: f"name/{dice.choice(FAMILY)}{dice.choice(GIVEN)}".encode(),
        ),
        Kind("SKU", lambda dice: OrderQuery(sku=sku(dice))),
        Kind("common SKU, rare status", lambda dice: OrderQuery(sku=COMMON, statuses=(_RARE,))),
        Kind("shop and status", _shop),
        Kind(
            "channel and status", lambda dice: OrderQuery(channel=dice.choice(CHANNELS), statuses=_one(dice))
        ),
        Kind("time and amount", _amount),
        Kind("words", lambda dice: OrderQuery(words=title_of(dice))),
        Kind("all, newest first", lambda dice: OrderQuery()),
    ]


def _one(dice: random.Random) -> tuple[int, ...]:
    return (dice.choice(_STATUSES),)


def _shop(dice: random.Random) -> OrderQuery:
    return OrderQuery(shops=(shop_of(dice.choice(CHANNELS), dice),), statuses=_one(dice))


def _amount(dice: random.Random) -> OrderQuery:
    since = NEWEST - timedelta(seconds=dice.random() * SPAN_S)
    least = int(dice.lognormvariate(9, 1))
    return OrderQuery(
        since=since,
        until=since + timedelta(days=dice.choice((1, 7, 30))),
        least_fen=least,
        most_fen=least + least // 10,
    )
