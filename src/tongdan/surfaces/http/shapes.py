"""What the API answers with. Times are RFC 3339 in UTC, money integer fen, a position `slot.epoch.seq`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tongdan.domain.kernel.ids import payment_id, refund_id
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.status import Status
from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.confirmation.model import Confirmation, Undo
from tongdan.domain.orders.deadlines import deadlines
from tongdan.domain.orders.model import LineState, Order, Refund
from tongdan.domain.orders.status import partly, status
from tongdan.ports import JournalRow, OrderRow
from tongdan.surfaces.masking import mask_person, mask_raw
from tongdan.surfaces.notices import NoticeRow
from tongdan.surfaces.words import WORRYING, sentence, status_name

OrderId = Annotated[str, StringConstraints(max_length=64)]


class StatusShape(BaseModel):
    """A canonical status. `code` never changes its meaning (signed = 5)."""

    code: int
    name: str = Field(examples=["signed"])
    name_zh: str = Field(examples=["已签收"])
    partly: list[str] = Field(
        [],
        description="Which of shipped, signed, stopped, refunded hold for some units, or of the price, only.",
    )


class OrderItem(BaseModel):
    """One line of a list of orders."""

    id: str = Field(examples=["DY20260127000892"])
    channel: str
    shop: str
    native: str = Field(description="The platform's or client's own number.")
    status: StatusShape
    amount_fen: int
    placed_at: datetime = Field(description="Or first heard of.")
    updated_at: datetime
    odd: bool = Field(description="Its systems disagree.")
    held: bool


class LineShape(BaseModel):
    """One line; `units_at` tells how many units are at which stage and adds up to `units`."""

    no: int
    sku: str
    title: str
    units: int
    amount_fen: int
    gift: bool
    warehouse: str
    short: bool
    units_at: dict[str, int]
    withdrawn: int = Field(description="Units that are not to leave, or have not.")
    gift_rule: str = Field(description="The rule that gave it, for a gift of ours.")
    replaces: int = Field(description="The line whose units it sends again; 0: none.")
    refunded: int = Field(description="Units whose price goes back, or has gone back.")


class ParcelShape(BaseModel):
    dispatch: str
    shipment: str
    carrier: str
    waybill: str
    shipped_at: datetime


class MarkShape(BaseModel):
    """`party`: finance or centre; `by`: a member, a system, or a rule."""

    model_config = ConfigDict(from_attributes=True)

    party: str
    by: str
    at: datetime


class StepShape(BaseModel):
    """A system that was told of it. `said`: the last word; `proven`: its answer came; `undone`: to the withdrawal."""

    partner: str
    said: str
    proven: bool
    undone: bool


class RecoveryShape(BaseModel):
    """Money that left although it was withdrawn."""

    model_config = ConfigDict(from_attributes=True)

    amount_fen: int
    repaid_fen: int
    left_fen: int
    written_off: bool


class ConfirmationShape(BaseModel):
    """How two parties stand to it. `due_at`: when the money goes, unless one withdraws; null: not yet, or it has."""

    cause: str = Field(examples=["asked"])
    reason: str
    proposed_at: datetime
    marks: list[MarkShape]
    missing: list[str] = Field(examples=[["finance"]])
    due_at: datetime | None
    executed: bool
    withdrawn: MarkShape | None
    undone: bool = Field(description="After a withdrawal: every system has proven that it is undone there.")
    steps: list[StepShape]
    recovery: RecoveryShape | None


class RefundShape(BaseModel):
    """Money of one payment that goes back. `confirmation` null: it needs none."""

    id: str = Field(examples=["MP20260127000892-R1"])
    payment: str = Field(examples=["MP20260127000892-P1"])
    transaction: str
    amount_fen: int
    stage: str = Field(examples=["succeeded"])
    confirmation: ConfirmationShape | None


class ReissueShape(BaseModel):
    """Units that are sent again; `lines` are the numbers of the lines they go as."""

    no: int
    lines: list[int]
    reason: str


class SaidShape(BaseModel):
    """What a system last said of the order."""

    system: str
    native: str
    status: str
    said_at: datetime


class PersonShape(BaseModel):
    """The people behind an order; `masked` unless revealed. `sealed` are fields a platform encrypted itself."""

    masked: bool
    name: str
    phone: str
    province: str
    city: str
    district: str
    detail: str
    buyer: str
    sealed: dict[str, str]


class NoticeShape(BaseModel):
    """`stage`: waiting, sending, sent, delivered, failed, unknown, withheld, or missing where none was ever made."""

    model_config = ConfigDict(from_attributes=True)
    notice: str = Field(examples=["notice/MP20260127000892/shipped/MP20260127000892-S1.1"])
    order: str
    shop: str
    kind: str
    stage: str
    means: str
    sendings: int = Field(description="How often it was handed to a provider.")
    reason: str = Field(description="Why the last sending led to nothing, as the provider says it.")
    waybill: str
    happened_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None


class OrderShape(BaseModel):
    """An order as it stands, or as it stood at `as_of`."""

    id: str = Field(examples=["DY20260127000892"])
    channel: str
    shop: str
    native: str
    status: StatusShape
    amount_fen: int
    freight_fen: int
    discount_fen: int
    owed_fen: int = Field(description="What of the money received is to go, or has gone, back to the buyer.")
    refunded_fen: int = Field(description="What of that has gone back.")
    receivable_fen: int = Field(
        description="What went back although it was withdrawn, and is to be recovered."
    )
    refunds: list[RefundShape]
    platform_refunded_fen: int = Field(description="What the platform has paid back by itself.")
    placed_at: datetime | None
    paid_at: datetime | None
    transaction: str
    settled_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    region: str
    holds: list[str]
    worries: list[str]
    waits_until: dict[str, datetime] = Field(description="What the order waits for, and until when.")
    lines: list[LineShape]
    reissues: list[ReissueShape]
    parcels: list[ParcelShape]
    said: list[SaidShape]
    notices: list[NoticeShape] = Field([], description="What its buyer was told, and whether it arrived.")
    person: PersonShape | None = None
    as_of: datetime | None = None


class StatusAnswer(BaseModel):
    """What a downstream system is told when it asks how an order stands."""

    id: str
    code: int
    name: str
    name_zh: str
    partly: list[str]
    as_of: datetime = Field(description="The instant of this answer; everything committed by then is in it.")
    changed_at: datetime = Field(description="When the order last changed.")
    position: str = Field(examples=["137.1.4711"], description="The order's last place in the log.")


class StatusAnswers(BaseModel):
    """How many orders stand. `unknown`: the ids that are none, or not the asker's to see."""

    orders: list[StatusAnswer]
    unknown: list[str]


class FactShape(BaseModel):
    """One row of the audit trail."""

    position: str
    hash: str
    aggregate: str
    version: int
    fact: str
    fact_version: int
    sentence: str
    sentence_zh: str
    worrying: bool = Field(description="A reader's eye should stop at it.")
    body: dict[str, Any]
    status_before: int
    status_after: int
    happened_at: datetime
    recorded_at: datetime
    operator: str
    source: str
    shop: str
    owned: bool
    command: str
    command_key: str
    cause: str
    revision: int
    effects: int
    closes: list[str]
    wake_at: datetime | None
    raw: str | None = Field(None, description="The payload as received; masked unless revealed.")
    raw_masked: bool = True


class Timeline(BaseModel):
    id: str
    facts: list[FactShape]


class Done(BaseModel):
    """A command was committed."""

    aggregate: str
    position: str
    duplicate: bool = Field(description="This request had been committed before; nothing was done again.")


def position_of(row: JournalRow) -> str:
    return f"{row.slot}.{row.epoch}.{row.seq}"


def status_shape(code: int, partly_names: list[str] | None = None) -> StatusShape:
    return StatusShape(
        code=code, name=status_name(code, "en"), name_zh=status_name(code, "zh"), partly=partly_names or []
    )


def partly_names(order: Order) -> list[str]:
    return [flag.name.lower() for flag in partly(order) if flag.name]


class OrderList(BaseModel):
    orders: list[OrderItem]
    next: str | None = Field(description="Pass as `cursor` for the next page; null on the last.")


def item_shape(row: OrderRow) -> OrderItem:
    return OrderItem(
        id=row.id, channel=row.channel, shop=row.shop, native=row.native, status=status_shape(row.status),
        amount_fen=row.amount_fen, placed_at=row.at, updated_at=row.updated_at, odd=row.odd, held=row.held,
    )  # fmt: skip


def order_shape(
    id: str,
    order: Order,
    person: PersonShape | None = None,
    as_of: datetime | None = None,
    notices: Iterable[NoticeRow] = (),
) -> OrderShape:
    return OrderShape(
        id=id, channel=order.channel, shop=order.shop, native=order.native,
        status=status_shape(status(order), partly_names(order)),
        amount_fen=order.amount_fen, freight_fen=order.freight_fen, discount_fen=order.discount_fen,
        owed_fen=order.owed_fen, refunded_fen=order.refunded_fen, receivable_fen=order.receivable_fen,
        refunds=[refund_shape(id, each, order.confirmation(each.no)) for each in order.refunds],
        platform_refunded_fen=order.platform_refunded_fen,
        placed_at=order.placed_at, paid_at=order.paid.paid_at if order.paid else None,
        transaction=order.paid.transaction if order.paid else "", settled_at=order.settled_at,
        completed_at=order.completed_at, cancelled_at=order.cancelled_at, region=order.region,
        holds=list(order.holds), worries=list(order.worries),
        waits_until={name: at for name, at in deadlines(order).items() if at is not None},
        lines=[line_shape(each) for each in order.lines],
        reissues=[ReissueShape.model_validate(each, from_attributes=True) for each in order.reissues],
        parcels=[ParcelShape.model_validate(each, from_attributes=True) for each in order.parcels],
        said=[
            SaidShape(system=system, native=said.native, status=said.status, said_at=said.said_at)
            for system, said in sorted(order.said.items())
        ],
        notices=[NoticeShape.model_validate(each) for each in notices], person=person, as_of=as_of,
    )  # fmt: skip


def refund_shape(order: str, each: Refund, its: Confirmation | None) -> RefundShape:
    return RefundShape(
        id=refund_id(order, each.no), payment=payment_id(order, each.attempt), transaction=each.transaction,
        amount_fen=each.amount_fen, stage=each.stage.name.lower(),
        confirmation=None if its is None else confirmation_shape(its),
    )  # fmt: skip


def confirmation_shape(its: Confirmation) -> ConfirmationShape:
    return ConfirmationShape(
        cause=its.cause, reason=its.reason, proposed_at=its.proposed_at,
        marks=[MarkShape.model_validate(each) for each in its.marks], missing=list(its.missing), due_at=its.due_at,
        executed=its.executed, withdrawn=None if its.withdrawn is None else MarkShape.model_validate(its.withdrawn),
        undone=its.undone, recovery=None if its.recovery is None else RecoveryShape.model_validate(its.recovery),
        steps=[
            StepShape(partner=each.partner, said=each.said, proven=each.proven, undone=each.undo is Undo.PROVEN)
            for each in its.steps
        ],
    )  # fmt: skip


def line_shape(each: LineState) -> LineShape:
    line = each.line
    return LineShape(
        no=line.no, sku=line.sku, title=line.title, units=line.units, amount_fen=line.amount_fen, gift=line.gift,
        warehouse=each.warehouse, short=each.short,
        units_at={stage.name.lower(): each.at(stage) for stage in Stage if each.at(stage)},
        withdrawn=each.withdrawn, refunded=each.refunded, gift_rule=line.rule, replaces=line.replaces,
    )  # fmt: skip


def person_shape(person: Person | None, reveal: bool) -> PersonShape | None:
    if person is None:
        return None
    shown = person if reveal else mask_person(person)
    return PersonShape(
        masked=not reveal, name=shown.name, phone=shown.phone, province=shown.province, city=shown.city,
        district=shown.district, detail=shown.detail, buyer=shown.buyer, sealed=shown.sealed,
    )  # fmt: skip


def raw_text(raw: bytes | None, reveal: bool) -> str | None:
    """None: no payload was received, or it was erased."""
    if not raw:
        return None
    return raw.decode("utf-8", "replace") if reveal else mask_raw(raw)


def fact_shape(row: JournalRow, reveal: bool) -> FactShape:
    return FactShape(
        position=position_of(row), hash=row.hash, aggregate=row.aggregate, version=row.version, fact=row.fact,
        fact_version=row.fact_version, sentence=sentence(row.fact, row.body, "en"),
        sentence_zh=sentence(row.fact, row.body, "zh"), worrying=row.fact in WORRYING, body=row.body,
        status_before=row.status_before, status_after=row.status_after, happened_at=row.happened_at,
        recorded_at=row.recorded_at, operator=row.operator, source=row.source, shop=row.shop, owned=row.owned,
        command=row.command, command_key=row.command_key, cause=row.cause, revision=row.revision, effects=row.effects,
        closes=list(row.closes), wake_at=row.wake_at, raw=raw_text(row.raw, reveal), raw_masked=not reveal,
    )  # fmt: skip


def known_status(code: int) -> bool:
    return code in {each.value for each in Status}
