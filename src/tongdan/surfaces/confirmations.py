"""Refunds that wait for a mark, and money to be recovered: found by their open tickets, told from their orders."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from tongdan.domain.kernel.ids import parse, refund_id
from tongdan.domain.orders.confirmation.model import Confirmation
from tongdan.domain.orders.model import Order, Refund
from tongdan.domain.sync.kinds import RECOVERY_OPEN, REFUND_UNCONFIRMED
from tongdan.ports import Reads

MOST: Final = 1_000  # open tickets that are looked at


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One refund with its confirmation, of an order of `shop`."""

    id: str
    order: str
    shop: str
    refund: Refund
    confirmation: Confirmation
    since: datetime


def unconfirmed(reads: Reads) -> list[Waiting]:
    """Refunds of which a mark is missing, the oldest first."""
    return [each for each in _of(reads, REFUND_UNCONFIRMED) if each.confirmation.missing]


def recoveries(reads: Reads) -> list[Waiting]:
    """Refunds whose money is still to be recovered, the oldest first."""
    found = _of(reads, RECOVERY_OPEN)
    return [each for each in found if each.confirmation.recovery and each.confirmation.recovery.is_open]


def _of(reads: Reads, kind: str) -> Iterator[Waiting]:
    tickets = [row for row in reads.tickets(limit=MOST) if row.kind.partition(":")[0] == kind]
    for row in sorted(tickets, key=lambda row: row.raised_at):
        no = int(row.kind.rpartition("R")[2])
        order = reads.order(row.subject) if parse(row.subject) is not None else None
        refund = order.refund(no) if isinstance(order, Order) else None
        its = order.confirmation(no) if isinstance(order, Order) else None
        if isinstance(order, Order) and refund is not None and its is not None:
            yield Waiting(
                id=refund_id(row.subject, no), order=row.subject, shop=order.shop, refund=refund, confirmation=its,
                since=row.raised_at,
            )  # fmt: skip
