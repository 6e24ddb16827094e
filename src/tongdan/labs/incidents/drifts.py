"""The three drifts of the case, each done behind everybody's back to some orders of the day, and noted when it is done.

Paid and unshipped: the platform says yes to a parcel and keeps nothing of it. Shipped and not outbound: the warehouse
loses an order that it has taken, or, set back to a backup, has a parcel that has left still on its shelf. Signed and
unsettled: finance never tells that it has settled, forgets an order, or strikes one out that is long paid.
"""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from tongdan.domain.kernel.ids import parse
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.delivery import Delivery
from tongdan.labs.world.douyin import TO_SHIP, DouyinOrder
from tongdan.labs.world.finance import Account
from tongdan.labs.world.in_process import Pair

LOOK_EVERY_S: Final = 120.0
SHARES: Final = {
    "parcel-lost": 0.25, "order-lost": 0.12, "set-back": 0.08, "untold": 0.17, "forgotten": 0.15, "struck": 0.08,
}  # fmt: skip


class Drift(StrEnum):
    UNSHIPPED = "unshipped"
    NOT_OUTBOUND = "not-outbound"
    UNSETTLED = "unsettled"


class Planted(NamedTuple):
    """`system` says `word` of the order since `at` (""; it knows none). `decided`: somebody else knows better."""

    drift: Drift
    system: str
    word: str
    at: datetime
    decided: bool = True


class Drifts:
    """Plants while the day goes on; `planted` is by our id."""

    def __init__(self, pair: Pair) -> None:
        self.planted: Final[dict[str, Planted]] = {}
        self._pair: Final = pair
        self._clock: Final = pair.world.clock
        self._ids: Final[dict[str, str]] = {}
        self._fates: Final[dict[str, str]] = {}
        self._muted: Final[set[str]] = set()
        self._over = False
        pair.world.platforms.douyin.loses = self._loses
        pair.world.finance.outbox.withholds = self._withholds

    async def go_on(self, until: datetime) -> None:
        """Look at the books again and again; later nothing is planted any more."""
        world = self._pair.world
        while self._clock.now() < until:
            for code, delivery in list(world.warehouses.deliveries.items()):
                self._look_at_delivery(code, delivery)
            for order, account in list(world.finance.accounts.items()):
                self._look_at_account(order, account)
            await self._clock.sleep(LOOK_EVERY_S)
        self._over = True

    def _fate(self, native: str) -> str:
        """What an order has in store, by its channel's number: one drift at most."""
        if self._over:
            return ""
        if native not in self._fates:
            drawn = Stream(self._pair.world.seed, "drift", native).uniform()
            fate = ""
            for kind, share in SHARES.items():
                fate = kind if 0 <= drawn < share else fate
                drawn -= share
            self._fates[native] = fate
        return self._fates[native]

    def _plant(self, order: str, drift: Drift, system: str, word: str, *, decided: bool = True) -> None:
        self.planted[order] = Planted(drift, system, word, self._clock.now(), decided)

    def _native(self, order: str) -> str:
        return self._pair.world.setting.names.native_of(order)

    def _loses(self, order: DouyinOrder, shipped: Mapping[str, int]) -> bool:
        whole = order.status == TO_SHIP and all(
            shipped.get(child.id) == child.line.units for child in order.children
        )
        id = self._ids.get(order.id, "")
        if self._fate(order.id) != "parcel-lost" or not whole or not id or id in self.planted:
            return False
        self._plant(id, Drift.UNSHIPPED, "channel", "paid")
        return True

    def _look_at_delivery(self, code: str, delivery: Delivery) -> None:
        parsed = parse(code)
        assert parsed is not None
        order, fate = parsed.order, self._fate(delivery.native)
        self._ids[delivery.native] = order
        books = self._pair.world.warehouses.deliveries
        if order in self.planted:
            return
        if fate == "order-lost" and delivery.stage in ("NEW", "ACCEPT"):
            delivery.stage = "CANCELED"
            del books[code]
            self._plant(order, Drift.NOT_OUTBOUND, "wms", "")
        elif fate == "set-back" and delivery.stage == "DELIVERED":
            books[code] = before = deepcopy(delivery)
            before.stage = "CHECK"
            before.waybills.clear()
            before.sent.clear()
            for item in before.items:
                item.left = 0
            self._plant(order, Drift.NOT_OUTBOUND, "wms", "working", decided=False)

    def _look_at_account(self, order: str, account: Account) -> None:
        native = self._native(order)
        fate = self._fate(native)
        if order in self.planted:
            return
        if fate == "forgotten" and account.status == "signed":
            del self._pair.world.finance.accounts[order]
            self._muted.add(native)
            self._plant(order, Drift.UNSETTLED, "finance", "")
        elif fate == "struck" and account.status == "settled":
            account.heard["cancelled"] = 1
            self._plant(order, Drift.UNSETTLED, "finance", "cancelled", decided=False)

    def _withholds(self, where: str, native: str) -> bool:
        if where != "finance.settled":
            return False
        if native in self._muted:  # what it was about to tell is forgotten with the order
            self._muted.discard(native)
            return True
        order = self._ids.get(native, "")
        if self._fate(native) != "untold" or not order or order in self.planted:
            return False
        self._plant(order, Drift.UNSETTLED, "finance", "settled")
        return True
