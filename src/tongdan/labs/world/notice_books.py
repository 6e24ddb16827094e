"""Was every buyer told, and does the centre know it? Its notices beside the books of those who carried them.

A parcel of an own shop is accounted for when its notice has arrived by a provider's books, or is known to have failed
and stands in a ticket, or is still waited for. Anything else is what this is about: nobody told them, nobody knows.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from tongdan.domain.kernel.keys import NOTICE, notice_of
from tongdan.domain.notices.model import WORRY_MISSED, Notice, NoticeStage
from tongdan.domain.orders.model import Order
from tongdan.labs.world.world import World
from tongdan.ports import Reads

IN_HAND = (NoticeStage.WAITING, NoticeStage.SENDING, NoticeStage.SENT)
MISSED = (NoticeStage.FAILED, NoticeStage.UNKNOWN)


class Untold(NamedTuple):
    """A parcel or notice that nobody accounts for."""

    order: str
    detail: str


def has_arrived(world: World, key: str, notice: Notice) -> bool:
    """By the books of a provider. A mini-program's message is known by the order and waybill it speaks of."""
    sms, mini = world.tellers.sms, world.tellers.mini
    if sms is not None and any(
        report.arrived and notice_of(report.sms.out_id)[0] == key for report in sms.reports.values()
    ):
        return True
    spoken_of = {notice.order, notice.waybill}
    return (
        mini is not None
        and notice.waybill != ""
        and any(spoken_of <= mini.taken[id].texts for id in mini.arrived)
    )


def untold(world: World, reads: Reads, tickets: Collection[tuple[str, str]]) -> Iterator[Untold]:
    """`tickets`: (subject, kind) of those that are open. Nothing where no rule tells anybody of parcels."""
    shop, rules = world.shops["MP"], world.policy.notices
    for sold in world.own_shop.orders.values():
        order = reads.order(sold.id) if sold.id else None
        if not isinstance(order, Order) or rules.rule("shipped", shop.channel, shop.id) is None:
            continue
        notices = dict(reads.under(f"{NOTICE}/{sold.id}"))
        for parcel in order.parcels:
            key = f"{NOTICE}/{sold.id}/shipped/{parcel.dispatch}"
            if key not in notices and not order.cancelled:
                yield Untold(sold.id, f"no notice of {parcel.dispatch}")
        for key, notice in notices.items():
            if not _accounted(world, key, notice, tickets):
                yield Untold(sold.id, f"{key} {notice.stage.name.lower()} {notice.reason}")


def _accounted(world: World, key: str, notice: Notice, tickets: Collection[tuple[str, str]]) -> bool:
    if notice.stage is NoticeStage.DELIVERED:
        return has_arrived(world, key, notice)
    if notice.stage in MISSED:
        return (key, WORRY_MISSED) in tickets
    return notice.stage in IN_HAND or notice.stage is NoticeStage.WITHHELD
