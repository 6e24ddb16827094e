"""Was every buyer told, and does the centre know it? Its notices beside the books of those who carried them.

A parcel of an own shop is accounted for when its notice has arrived by a provider's books, or is known to have failed
and stands in a ticket, or is still waited for. Anything else is what this is about: nobody told them, nobody knows.
"""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

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


class Books:
    """What the providers of a world can say of a notice."""

    def __init__(self, world: World) -> None:
        sms, mini = world.tellers.sms, world.tellers.mini
        reports = sms.reports.values() if sms is not None else ()
        self._by_sms: Final = {notice_of(each.sms.out_id)[0] for each in reports if each.arrived}
        self._by_mini: Final[dict[str, list[frozenset[str]]]] = {}
        for message in [mini.taken[id] for id in mini.arrived] if mini is not None else ():
            for text in message.texts:
                self._by_mini.setdefault(text, []).append(message.texts)

    def has_arrived(self, key: str, notice: Notice) -> bool:
        """A mini-program's message is known by the order and waybill that it speaks of."""
        spoken_of = {notice.order, notice.waybill}
        by_mini = any(spoken_of <= texts for texts in self._by_mini.get(notice.order, ()))
        return key in self._by_sms or (notice.waybill != "" and by_mini)


def untold(world: World, reads: Reads, tickets: Collection[tuple[str, str]]) -> Iterator[Untold]:
    """`tickets`: (subject, kind) of those that are open. Nothing where no rule tells anybody of parcels."""
    shop, rules, books = world.shops["MP"], world.policy.notices, Books(world)
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
            if not _accounted(books, key, notice, tickets):
                yield Untold(sold.id, f"{key} {notice.stage.name.lower()} {notice.reason}")


def _accounted(books: Books, key: str, notice: Notice, tickets: Collection[tuple[str, str]]) -> bool:
    if notice.stage is NoticeStage.DELIVERED:
        return books.has_arrived(key, notice)
    if notice.stage in MISSED:
        return (key, WORRY_MISSED) in tickets
    return notice.stage in IN_HAND or notice.stage is NoticeStage.WITHHELD
