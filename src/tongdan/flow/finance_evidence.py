"""What the audit trail knows of one order that stands on one list only: its moments, what went back, what was told.

Each thing is cited by the row of the chain it stands in. A milestone's effect is found by the row that emitted it (its
id begins with that row's place) and by the rows that say what became of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from tongdan.domain.finance.books import PAID, Cited
from tongdan.domain.finance.causes import Evidence, Stage, Telling
from tongdan.domain.fulfillment.shipment import Shipment
from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.keys import kind_of
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.orders.goods.delivery import FINANCE
from tongdan.domain.orders.model import Order
from tongdan.flow.journal import effect_id
from tongdan.ports import JournalRow, Reads

_TELLS: Final = (
    "OrderPaid",
    "OrderDetailed",
    "MilestoneRetold",
)  # finance hears of it with these
_ENDS: Final = {
    "EffectSettled": Stage.TOLD,
    "EffectDied": Stage.DEAD,
    "EffectSkipped": Stage.SKIPPED,
    "EffectReplayed": Stage.WAITING,
}


def evidence_of(reads: Reads, policy: Policy, key: str, moment: str) -> Evidence | None:
    """None: there is no such order, or whoever asks may not see it."""
    parsed = parse(key)
    order = reads.order(key) if parsed is not None and not parsed.part else None
    if not isinstance(order, Order):
        return None
    rows = [row for row in reads.timeline(key) if row.aggregate == key]
    paid = next((row for row in rows if row.fact == "OrderPaid"), None)
    paid_at = _instant(paid, "paid_at")
    shop = policy.shops.get(order.shop)
    cited: dict[str, Cited] = {}
    for row in rows:
        cited.setdefault(row.fact, cite(row))
    return Evidence(
        order=key,
        channel=order.channel,
        shop=order.shop,
        native=order.native,
        amount_fen=order.paid.amount_fen if order.paid is not None else order.amount_fen,
        counted_at=paid_at if moment == PAID else order.placed_at,
        placed_at=order.placed_at,
        paid_at=paid_at,
        cancelled_at=order.cancelled_at,
        refunds=_refunds(rows),
        discount_fen=order.discount_fen,
        freight_fen=order.freight_fen,
        siblings=_siblings(reads, key, order),
        watched=shop is not None and not shop.owned,
        telling=_telling(reads, rows),
        cited=cited,
    )


def cite(row: JournalRow) -> Cited:
    return Cited(row.slot, row.epoch, row.seq, row.fact, row.recorded_at)


def _refunds(rows: Sequence[JournalRow]) -> tuple[tuple[int, datetime], ...]:
    """(fen, when) of what has gone back: through us, or by the platform itself, each reference once."""
    back: dict[str, tuple[int, datetime]] = {}
    for row in rows:
        if row.fact == "RefundSucceeded":
            back[f"R{row.body['refund']}"] = int(str(row.body["amount_fen"])), _at(row, "succeeded_at")
        elif row.fact == "LinesRefunded" and row.body.get("reference"):
            back[str(row.body["reference"])] = int(str(row.body["amount_fen"])), _at(row, "refunded_at")
    return tuple(back.values())


def _at(row: JournalRow, field: str) -> datetime:
    return _instant(row, field) or row.happened_at


def _instant(row: JournalRow | None, field: str) -> datetime | None:
    said: Any = row.body.get(field) if row is not None else None
    return datetime.fromisoformat(said) if isinstance(said, str) else said


def _siblings(reads: Reads, key: str, order: Order) -> tuple[str, ...]:
    """Orders with lines in one shipment with this one."""
    names = {each.shipment for each in order.parcels} | {f"{key}-S{each.no}" for each in order.shipments}
    names |= {name for name in order.packed if kind_of(name) == "shipment"}
    found = set[str]()
    for name in sorted(names):
        shipment = reads.order(name)
        if isinstance(shipment, Shipment):
            found |= {shipment.order, *[item.order or shipment.order for item in shipment.items]}
    return tuple(sorted(found - {key}))


def _telling(reads: Reads, rows: Sequence[JournalRow]) -> Telling | None:
    """How the last effect stands by which finance was told of the payment."""
    for at in range(len(rows) - 1, -1, -1):
        if rows[at].fact in _TELLS:
            last = rows[_last_of_commit(rows, at)]
            for n in range(last.effects):
                effect = effect_id(last.slot, last.epoch, last.seq, n)
                if (told := _stands(reads, rows, last, effect)) is not None:
                    return told
    return None


def _last_of_commit(rows: Sequence[JournalRow], at: int) -> int:
    """Effects hang on the last row of the decision that emitted them."""
    first = rows[at]
    while at + 1 < len(rows) and not rows[at].effects and _same_decision(first, rows[at + 1]):
        at += 1
    return at


def _same_decision(one: JournalRow, other: JournalRow) -> bool:
    return (one.command, one.cause, one.command_key, one.recorded_at) == (
        other.command, other.cause, other.command_key, other.recorded_at
    )  # fmt: skip


def _stands(reads: Reads, rows: Sequence[JournalRow], emitted: JournalRow, effect: str) -> Telling | None:
    """None: it is another partner's."""
    about = [row for row in rows if row.fact in _ENDS and row.body.get("effect") == effect]
    partners = {str(row.body["partner"]) for row in about if row.fact == "EffectDied"}
    partners |= {row.source for row in about if row.fact == "EffectSettled"}
    if (outstanding := reads.waiting(effect)) is not None:
        partners.add(outstanding[0])
    if FINANCE not in partners:
        return None
    stage, last = Stage.WAITING, emitted
    why = ""
    for row in about:
        stage, last = _ENDS[row.fact], row
        why = str(row.body.get("error") or row.body.get("reason") or why)
    cited = tuple(cite(row) for row in about)
    return Telling(effect=effect, stage=stage, at=last.recorded_at, cited=cited or (cite(emitted),), why=why)
