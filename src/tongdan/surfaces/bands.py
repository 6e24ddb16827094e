"""What each system held an order for, over time: one lane a system, folded from the order's rows of the journal.

A lane changes when a row changes what that system has said, so equal values are one span and every span names the row
that began it. Times are those of recording: a lane shows what could be known here, and since when.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from tongdan.domain.fulfillment.shipment import ParcelStatus, Shipment, ShipmentStage
from tongdan.domain.kernel.keys import ORDER, SHIPMENT, kind_of
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import AttemptStage, RefundStage
from tongdan.domain.orders.model import WORRY_SETTLEMENT, Order
from tongdan.domain.orders.status import status
from tongdan.flow.aggregates import KINDS
from tongdan.flow.journal import upcast
from tongdan.ports import JournalRow
from tongdan.surfaces.words import REFUND_STAGES, STATUSES

# In the order in which a reader looks for where it hangs.
SYSTEMS: Final = ("centre", "channel", "payment", "erp", "wms", "carrier", "service", "finance")

SHIPMENT_STAGES: Final[dict[ShipmentStage, tuple[str, str]]] = {
    ShipmentStage.PLANNED: ("planned", "待下发"),
    ShipmentStage.ACCEPTED: ("accepted", "已接单"),
    ShipmentStage.PARTLY_DISPATCHED: ("partly dispatched", "部分出库"),
    ShipmentStage.DISPATCHED: ("dispatched", "已出库"),
    ShipmentStage.SIGNED: ("signed", "已签收"),
    ShipmentStage.REFUSED: ("refused", "已拒单"),
    ShipmentStage.RECALLED: ("recalled", "已召回"),
}
TRACKS: Final[dict[str, tuple[str, str]]] = {
    ParcelStatus.PICKED_UP: ("picked up", "已揽收"),
    ParcelStatus.IN_TRANSIT: ("in transit", "运输中"),
    ParcelStatus.OUT_FOR_DELIVERY: ("out for delivery", "派送中"),
    ParcelStatus.AT_LOCKER: ("at a locker", "待取件"),
    ParcelStatus.SIGNED: ("signed", "已签收"),
    ParcelStatus.EXCEPTION: ("exception", "异常"),
    ParcelStatus.RETURNED: ("returned", "已退回"),
}


class Value(NamedTuple):
    """`native`: the system's own word; "" where it is ours."""

    en: str
    zh: str
    native: str = ""


class Lane(NamedTuple):
    """`part`: which of several, as `S1` of two shipments; "" for the only one."""

    system: str
    part: str = ""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A value from the row at `position` (`slot.epoch.seq`) on; `until` None: it still holds."""

    value: Value
    since: datetime
    position: str
    until: datetime | None = None


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """A lane and its spans, oldest first, without gaps from the first on."""

    lane: Lane
    spans: tuple[Span, ...]


def bands(id: str, rows: Sequence[JournalRow]) -> list[Band]:
    """The lanes of order `id` that have something to say. `rows`: its timeline, as `Reads.timeline` gives it.

    Raises UnknownFact, msgspec.ValidationError for rows that are none of this version's.
    """
    states: dict[str, Any] = {}
    found: dict[Lane, _Lane] = {}
    for row in rows:
        if kind_of(row.aggregate) not in (ORDER, SHIPMENT):
            continue
        fact = upcast(row.fact, row.fact_version, dict(row.body))
        evolve = KINDS[kind_of(row.aggregate)].evolve
        states[row.aggregate] = evolve(states.get(row.aggregate), fact)
        order = states.get(id)
        if order is not None:
            for lane, value in _values(order, id, states):
                found.setdefault(lane, _Lane()).lay(value, row)
    return [Band(lane=lane, spans=found[lane].spans()) for lane in sorted(found, key=_place)]


class _Lane:
    """Lays spans. What one command tells happens at once, so of its values the last one counts."""

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self._command = ("", "", "")

    def lay(self, value: Value, row: JournalRow) -> None:
        if self._spans and self._spans[-1].value == value:
            return
        command = (row.command, row.command_key, row.cause)
        if self._spans and command == self._command:
            self._spans.pop()
            if self._spans and self._spans[-1].value == value:
                return
        position = f"{row.slot}.{row.epoch}.{row.seq}"
        self._spans.append(Span(value=value, since=row.recorded_at, position=position))
        self._command = command

    def spans(self) -> tuple[Span, ...]:
        ends = [*[each.since for each in self._spans[1:]], None]
        return tuple(
            [msgspec.structs.replace(s, until=end) for s, end in zip(self._spans, ends, strict=True)]
        )


def _place(lane: Lane) -> tuple[int, int, str]:
    return SYSTEMS.index(lane.system), len(lane.part), lane.part


def _values(order: Order, id: str, states: dict[str, Any]) -> Iterator[tuple[Lane, Value]]:
    yield Lane("centre"), Value(*STATUSES[status(order)])
    if (payment := _payment(order)) is not None:
        yield Lane("payment"), payment
    if (finance := _finance(order)) is not None:
        yield Lane("finance"), finance
    for key, shipment in states.items():
        if isinstance(shipment, Shipment):
            yield from _of_shipment(key.removeprefix(f"{id}-"), shipment)
    for system, said in order.said.items():
        name, _, part = system.partition("/")
        if f"{id}-{part}" not in states:  # else the shipment itself knows more
            lane = (
                Lane(name, part) if name in SYSTEMS else Lane("erp", name)
            )  # the one used before, taken over
            yield lane, _said(said.native, said.status)


def _of_shipment(part: str, shipment: Shipment) -> Iterator[tuple[Lane, Value]]:
    yield Lane("wms", part), Value(*SHIPMENT_STAGES[shipment.stage], shipment.process)
    if shipment.tracks:
        last = shipment.tracks[-1]
        yield Lane("carrier", part), Value(*TRACKS.get(last.status, (last.code, last.code)), last.code)


def _said(native: str, name: str) -> Value:
    status = Status.__members__.get(name.upper())
    en, zh = (native, native) if status is None else STATUSES[status]
    return Value(en, zh, native)


def _payment(order: Order) -> Value | None:
    """What payment has come to; a refund outweighs what came in."""
    if order.refunds:
        worst = min(order.refunds, key=lambda each: _URGENT.index(each.stage))
        en, zh = REFUND_STAGES[worst.stage]
        return Value(f"refund {en}", f"退款{zh}", f"R{worst.no}")
    if order.platform_refunds:
        return Value("refunded by the platform", "平台已退款")
    if order.questioned is not None and order.paid is None:
        return Value("a sum that is not the price", "金额不符")
    if order.paid is not None:
        return Value("paid", "已付款", order.paid.transaction)
    if order.presale is not None and order.presale.deposit is not None:
        return Value("deposit paid", "定金已付", order.presale.deposit.transaction)
    if order.cod:
        return Value("to be paid at the door", "货到付款")
    if order.attempts:
        return Value(*_ATTEMPTS[order.attempts[-1].stage])
    return Value("not paid yet", "未付款") if order.own else None


_URGENT: Final = (
    RefundStage.FAILED,
    RefundStage.ABNORMAL,
    RefundStage.HELD,
    RefundStage.REQUESTED,
    RefundStage.ACCEPTED,
    RefundStage.SUCCEEDED,
    RefundStage.WITHDRAWN,
)
_ATTEMPTS: Final = {
    AttemptStage.REQUESTED: ("asked for", "已发起"),
    AttemptStage.OPEN: ("may be paid", "待支付"),
    AttemptStage.FAILED: ("failed", "支付失败"),
    AttemptStage.PAID: ("paid", "已付款"),
}


def _finance(order: Order) -> Value | None:
    if WORRY_SETTLEMENT in order.worries:
        return Value("settled, not as expected", "结算金额不符", order.settlement)
    if order.settled_at is not None:
        return Value("settled", "已结算", order.settlement)
    return Value("to be settled", "待结算") if order.paid is not None else None
