"""Differences planted in partners' books behind the centre's back, and what the heartbeat makes of them.

Finance never tells some settlements, and forgets orders it had known; a channel forgets parcels; the WMS never confirms
some deliveries; some orders finance strikes out by mistake, which no system of record can decide. All of that is done
under a seed, and nothing of it is pushed to anybody. Meanwhile the partners that are asked lose answers, are slow, lie,
or are dead for a while.
"""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

from tongdan.domain.kernel.ids import parse
from tongdan.domain.orders.model import Order
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.douyin import FINISHED, TO_SHIP
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.troubles import DEAD, LOSSY, LYING, SLOW, STALE, Troubles
from tongdan.labs.world.world import World
from tongdan.ports import Clock, Reads

MUTE, FORGOTTEN, STRUCK = "settlement never told", "order forgotten", "struck out by mistake"
UNSHIPPED, UNCONFIRMED = "parcel forgotten", "delivery never confirmed"
MUTE_SHARE, FORGOTTEN_SHARE, STRUCK_SHARE, UNSHIPPED_SHARE = 0.15, 0.15, 0.03, 0.15
UNCONFIRMED_SHARE = 0.1
SHARES = {LOSSY: 0.04, SLOW: 0.03, LYING: 0.02, STALE: 0.02}
ASKED = ("finance", "qimen", "sf", "wechat", "douyin")
DEAD_S = (900.0, 2_400.0)


class Found(NamedTuple):
    """What came of planted differences. `decided` of the planted ones have a side that is right, by the systems of
    record. `missed` and `false` name orders: a difference that was only ever a lie is none once it is over. `troubles`
    are how often an answer was lost, late or a lie, and how many partners were dead for a while."""

    planted: Counter[str]
    found: int
    by_itself: int
    ticketed: int
    missed: list[str]
    false: list[str]
    troubles: Counter[str]

    @property
    def decided(self) -> int:
        return self.planted.total() - self.planted[STRUCK]

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind} {n}" for kind, n in sorted(self.planted.items()))
        met = ", ".join(f"{kind} {self.troubles[kind]}" for kind in (LOSSY, SLOW, LYING, STALE, DEAD))
        return (
            f"planted {self.planted.total()} ({kinds}), found {self.found}, repaired by itself {self.by_itself} "
            f"({self.by_itself / max(1, self.decided):.0%} of those that a system of record decides), ticketed "
            f"{self.ticketed}, missed {len(self.missed)}, false {len(self.false)}; answers: {met}"
        )


NOTHING_PLANTED = Found(Counter(), 0, 0, 0, [], [], Counter())


def together_found(found: Sequence[Found]) -> Found:
    return Found(
        sum((each.planted for each in found), Counter()),
        sum(each.found for each in found),
        sum(each.by_itself for each in found),
        sum(each.ticketed for each in found),
        [order for each in found for order in each.missed],
        [order for each in found for order in each.false],
        sum((each.troubles for each in found), Counter()),
    )


def mute(world: World) -> dict[str, str]:
    """Let finance keep some settlements to itself from now on, and the WMS some confirmations; the orders concerned
    fill what is returned."""
    silent: dict[str, str] = {}
    _keep(world, world.finance.outbox, "finance.settled", (MUTE, MUTE_SHARE), silent)
    _keep(world, world.warehouses.outbox, "wms.confirm", (UNCONFIRMED, UNCONFIRMED_SHARE), silent)
    return silent


def _keep(
    world: World, outbox: Outbox[Any], what: str, how: tuple[str, float], silent: dict[str, str]
) -> None:
    """Post no more of `what` in a share of cases."""
    (kind, share), tell = how, outbox.post
    stream = Stream(world.seed, "planting", kind)

    def post(message: Any, where: str, order: str) -> None:
        if where == what and stream.chance(share):
            silent[order] = kind
        else:
            tell(message, where, order)

    outbox.post = post  # type: ignore[method-assign]


def tamper(world: World, reads: Reads) -> dict[str, str]:
    """Change the partners' books; Tongdan id → what was done."""
    stream, done = Stream(world.seed, "planting", "books"), dict[str, str]()
    for order, account in sorted(world.finance.accounts.items()):
        if account.settled_fen is None or account.refunds_fen or account.status != "settled":
            continue
        if stream.chance(FORGOTTEN_SHARE):
            del world.finance.accounts[order]
            done[order] = FORGOTTEN
        elif stream.chance(STRUCK_SHARE):
            account.heard["cancelled"] = 1
            done[order] = STRUCK
        elif stream.chance(UNSHIPPED_SHARE) and _forget_parcels(world, reads, order):
            done[order] = UNSHIPPED
    return done


def _forget_parcels(world: World, reads: Reads, id: str) -> bool:
    """Douyin has the order as it was before anything left; False for an order of somebody else."""
    order = reads.order(id)
    sold = world.platforms.douyin.orders.get(order.native) if isinstance(order, Order) else None
    if sold is None or sold.status != FINISHED:
        return False
    sold.status = TO_SHIP
    sold.packs.clear()
    sold.waybills.clear()
    for child in sold.children:
        child.shipped = 0
    return True


def listen(world: World, clock: Clock | None = None, most_slow: int = 1_000) -> Troubles:
    """What partners answer is remembered from now on, so that they can say it again when it is no longer true.

    `clock` is the one that time-outs go by, if not everybody's.
    """
    world.troubles = Troubles(world.seed, clock or world.setting.common, most_slow)
    return world.troubles


def trouble(world: World, shares: Mapping[str, float] = SHARES, dead_s: tuple[float, float] = DEAD_S) -> None:
    """From now on partners answer as they do on a bad day, and one of them is dead for a while."""
    assert world.troubles is not None
    world.troubles.shares = shares
    stream = Stream(world.seed, "planting", DEAD)
    world.bustle.start(world.die(stream.pick(ASKED), stream.between(*dead_s)))


def standing(reads: Reads) -> dict[str, set[str]]:
    """Orders about which systems have differed, each with the fields on which a ticket is open."""
    found: dict[str, set[str]] = {}
    for row in reads.journal():
        if not row.aggregate.startswith("ticket/") or "/differs-" not in row.aggregate:
            continue
        _, order, kind = row.aggregate.split("/")
        if row.fact == "DifferenceFound":
            found.setdefault(order, set()).add(kind)
        elif row.fact == "TicketResolved":
            found[order].discard(kind)
    assert all(parse(order) for order in found)
    return found


def judged(
    reads: Reads, planted: Mapping[str, str], troubles: Troubles, late: Container[str] = frozenset()
) -> Found:
    """`planted`: Tongdan id → kind. `late`: the channels' numbers of orders of which a message was lost or came late,
    so that they did differ for a while."""
    told = standing(reads)
    found, ticketed = set(told), {order for order, kinds in told.items() if kinds}
    mended = found - ticketed
    lied = {order for order in mended if _is_lied_about(reads, order, troubles)}
    differed = {order for order in mended if _order(reads, order).native in late}
    return Found(
        planted=Counter(planted.values()),
        found=len(found & planted.keys()),
        by_itself=len((found & planted.keys()) - ticketed),
        ticketed=len(ticketed & planted.keys()),
        missed=sorted(planted.keys() - found),
        false=sorted(found - planted.keys() - lied - differed),
        troubles=troubles.met,
    )


def _order(reads: Reads, id: str) -> Order:
    order = reads.order(id)
    assert isinstance(order, Order)
    return order


def _is_lied_about(reads: Reads, id: str, troubles: Troubles) -> bool:
    order = _order(reads, id)
    names = [id, order.native, *[parcel.waybill for parcel in order.parcels if parcel.waybill]]
    return any(name in about for _, about in troubles.lied_about for name in names)
