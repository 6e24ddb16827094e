"""What the page of an order shows beside the order itself: bands, what belongs to it, what may be asked, its proof.

Everything is computed from committed rows when it is asked for. A page that stays open asks for the bands alone, whose
`position` tells whether anything has happened, and for the rest when something has.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from tongdan.domain.fulfillment.facts import Item
from tongdan.domain.fulfillment.shipment import Shipment
from tongdan.domain.kernel.ids import parse, shipment_id
from tongdan.domain.kernel.keys import TICKET, kind_of
from tongdan.domain.orders.model import Order
from tongdan.domain.returns.model import AfterSale
from tongdan.domain.sync.ticket import Ticket as TicketState
from tongdan.ports import JournalRow
from tongdan.surfaces import after_sales
from tongdan.surfaces.bands import SHIPMENT_STAGES, TRACKS, bands
from tongdan.surfaces.http.access import Reader
from tongdan.surfaces.http.after_sales import AfterSaleShape
from tongdan.surfaces.http.keys import Principal, Scope
from tongdan.surfaces.http.orders import Id
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.http.shapes import position_of
from tongdan.surfaces.http.tickets import RefusalShape, Ticket, refusal_shape
from tongdan.surfaces.permitted import Action, Asked
from tongdan.surfaces.refusals import NOT_ALLOWED

router: Final = APIRouter(tags=["orders"])
PAYING_BACK: Final = frozenset({"refund", "refund-lines"})


class Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class SpanShape(Shape):
    """`native`: the system's own word. `until` null: it still holds. `position`: the row that began it."""

    name: str
    name_zh: str
    native: str
    since: datetime
    until: datetime | None
    position: str


class BandShape(Shape):
    """`system`: centre, channel, payment, erp, wms, carrier, service or finance; `part`: which of several, as S1."""

    system: str
    part: str
    spans: list[SpanShape]


class Bands(BaseModel):
    as_of: datetime
    rows: int = Field(description="How many rows of the journal there are of the order.")
    position: str = Field(description="Of the last of them.")
    bands: list[BandShape]


class WordShape(Shape):
    name: str
    name_zh: str


class TrackShape(Shape):
    at: datetime
    waybill: str
    code: str
    status: WordShape


class DepartureShape(Shape):
    """Units that left together; `units` by SKU."""

    carrier: str
    waybill: str
    at: datetime
    signed: bool
    intercepted: str
    units: dict[str, int]


class LabelShape(Shape):
    carrier: str
    waybill: str
    stage: str
    reason: str
    asked_at: datetime


class ShipmentShape(Shape):
    """`process`: the warehouse's own word; `orders`: whose lines are in it."""

    id: str
    warehouse: str
    stage: WordShape
    process: str
    wms_order: str
    orders: list[str]
    units: dict[str, int]
    departures: list[DepartureShape]
    labels: list[LabelShape]
    tracks: list[TrackShape]


class Belongings(BaseModel):
    """What belongs to an order, each kind oldest first."""

    shipments: list[ShipmentShape]
    after_sales: list[AfterSaleShape]
    tickets: list[Ticket]


class SaidShape(Shape):
    en: str
    zh: str


class ChoiceShape(BaseModel):
    """What the action may be about; `units`: at most so many. `refusal` null: it may be asked."""

    about: str
    units: int
    refusal: RefusalShape | None
    facts: list[SaidShape]


class ActionShape(BaseModel):
    """`facts`: what would be recorded at once. `refusal` null: it may be asked."""

    name: str = Field(examples=["lift-hold"])
    title: str
    title_zh: str
    refusal: RefusalShape | None
    facts: list[SaidShape]
    choices: list[ChoiceShape]


class Actions(BaseModel):
    as_of: datetime
    actions: list[ActionShape]


class LinkShape(BaseModel):
    """`agrees`: the hash covers the row and the one before it; null: that one lies in the archive."""

    position: str
    aggregate: str
    fact: str
    hash: str
    agrees: bool | None


class ProofShape(BaseModel):
    """`sound`: every row that could be recomputed agrees, and the facts add up to the state. `head` is the last row of
    the slot; `archived` rows of the order are proven by `tongdan verify --full` only."""

    as_of: datetime
    sound: bool
    folds: bool
    archived: int
    slot: int
    head: str
    head_hash: str
    links: list[LinkShape]


@router.get("/orders/{id}/bands")
async def order_bands(parts: PartsOf, who: Reader, id: Id) -> Bands:
    """What each system held the order for, over time; equal values are one span.

    各系统状态随时间的变化，相同的值合并为一段。
    """
    parts.find_order(id)
    rows = parts.reads.timeline(id)
    found = [
        BandShape(
            system=band.lane.system,
            part=band.lane.part,
            spans=[
                SpanShape(name=s.value.en, name_zh=s.value.zh, native=s.value.native, since=s.since, until=s.until,
                          position=s.position)
                for s in band.spans
            ],
        )
        for band in bands(id, rows)
    ]  # fmt: skip
    return Bands(as_of=parts.clock.now(), rows=len(rows), position=position_of(rows[-1]), bands=found)


@router.get("/orders/{id}/belongings")
async def belongings(parts: PartsOf, who: Reader, id: Id) -> Belongings:
    """Shipments with their tracks, after-sales and tickets of an order.

    订单的发货单与轨迹、售后和工单。
    """
    order = parts.find_order(id)
    rows = parts.reads.timeline(id)
    return Belongings(
        shipments=_shipments(parts, order, id),
        after_sales=_after_sales(parts, rows),
        tickets=_tickets(parts, rows),
    )


@router.get("/orders/{id}/actions")
async def actions(parts: PartsOf, who: Reader, id: Id) -> Actions:
    """What may be asked of the order now, and why the rest may not. Nothing is done.

    当前可执行的操作；不可执行的附原因。只查询，不执行。
    """
    order, now = parts.find_order(id), parts.clock.now()
    found = Asked(parts.reads, parts.policy, id, order, now).actions()
    return Actions(as_of=now, actions=[_action(each, who) for each in found])


@router.get("/orders/{id}/proof")
async def proof(parts: PartsOf, who: Reader, id: Id) -> ProofShape:
    """Recompute the order's place in the chain: the hash of each of its rows, and its state from its facts.

    验证订单在链上的记录：逐行重算哈希，并由事实重算状态。
    """
    parts.find_order(id)
    found = parts.reads.prove(id)
    return ProofShape(
        as_of=parts.clock.now(), folds=found.folds, archived=found.archived, slot=found.slot,
        sound=found.folds and all(link.agrees is not False for link in found.links),
        head=f"{found.slot}.{found.head[0]}.{found.head[1]}", head_hash=found.head[2],
        links=[
            LinkShape(position=f"{each.slot}.{each.epoch}.{each.seq}", aggregate=each.aggregate, fact=each.fact,
                      hash=each.hash, agrees=each.agrees)
            for each in found.links
        ],
    )  # fmt: skip


def _shipments(parts: Parts, order: Order, id: str) -> list[ShipmentShape]:
    """Its own, and those under other orders' names that its lines left in."""
    keys = [shipment_id(id, each.no) for each in order.shipments]
    keys += [*order.packed, *[each.shipment for each in order.parcels if each.shipment]]
    found = [(key, parts.reads.order(key)) for key in dict.fromkeys(keys) if parse(key) is not None]
    return [_shipment(key, state) for key, state in found if isinstance(state, Shipment)]


def _shipment(key: str, state: Shipment) -> ShipmentShape:
    return ShipmentShape(
        id=key, warehouse=state.warehouse, stage=_word(SHIPMENT_STAGES[state.stage]), process=state.process,
        wms_order=state.wms_order, orders=list(state.orders()), units=_by_sku(state.items),
        departures=[
            DepartureShape(carrier=each.carrier, waybill=each.waybill, at=each.at, signed=each.signed,
                           intercepted=state.intercepted.get(each.dispatch, ""), units=_by_sku(each.items))
            for each in state.departures
        ],
        labels=[
            LabelShape(carrier=each.carrier, waybill=each.waybill, stage=each.stage.name.lower(), reason=each.reason,
                       asked_at=each.asked_at)
            for each in state.labels
        ],
        tracks=[
            TrackShape(at=each.at, waybill=each.waybill, code=each.code,
                       status=_word(TRACKS.get(each.status, (each.code, each.code))))
            for each in state.tracks
        ],
    )  # fmt: skip


def _by_sku(items: Iterable[Item]) -> dict[str, int]:
    units: dict[str, int] = {}
    for item in items:
        units[item.sku] = units.get(item.sku, 0) + item.units
    return units


def _word(words: tuple[str, str]) -> WordShape:
    return WordShape(name=words[0], name_zh=words[1])


def _after_sales(parts: Parts, rows: list[JournalRow]) -> list[AfterSaleShape]:
    states = [(key, parts.reads.order(key)) for key in dict.fromkeys(row.aggregate for row in rows)]
    return [
        AfterSaleShape.model_validate(after_sales.show(key, state))
        for key, state in states
        if isinstance(state, AfterSale)
    ]


def _tickets(parts: Parts, rows: list[JournalRow]) -> list[Ticket]:
    keys = [key for key in dict.fromkeys(row.aggregate for row in rows) if kind_of(key) == TICKET]
    found = [(key, parts.reads.order(key)) for key in keys]
    return [
        Ticket(id=key, subject=t.subject, kind=t.kind, summary=t.summary, times=t.times, open=t.open,
                    raised_at=t.raised_at, closed_at=t.closed_at, by=t.by, evidence=t.evidence)
        for key, t in found
        if isinstance(t, TicketState)
    ]  # fmt: skip


def _action(each: Action, who: Principal) -> ActionShape:
    refusal = each.refusal
    scope = Scope.REFUND if each.name in PAYING_BACK else Scope.WRITE
    if scope not in who.scopes:
        refusal = NOT_ALLOWED.of(name=who.name, scope=scope.value)
    return ActionShape(
        name=each.name, title=each.en, title_zh=each.zh, refusal=refusal_shape(refusal), facts=_said(each.facts),
        choices=[
            ChoiceShape(about=choice.about, units=choice.units, refusal=refusal_shape(choice.refusal),
                        facts=_said(choice.facts))
            for choice in each.choices
        ],
    )  # fmt: skip


def _said(facts: tuple[tuple[str, str], ...]) -> list[SaidShape]:
    return [SaidShape(en=en, zh=zh) for en, zh in facts]
