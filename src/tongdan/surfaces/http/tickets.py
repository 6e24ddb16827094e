"""The inbox of tickets over the API: found and counted under what its reader may see, with both sides of a difference
and what may be chosen; how many differences were repaired, by whom and how fast; the same list as a file.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, computed_field

from tongdan.domain.kernel.messages import Refusal, RefusalKind
from tongdan.domain.kernel.pulse import head
from tongdan.domain.sync.kinds import NOT_UNDERSTOOD, words_of
from tongdan.domain.sync.ticket import Dispute, Side
from tongdan.domain.sync.ticket import Ticket as TicketState
from tongdan.ports import COUNTED, TicketQuery, TicketRow, TooWide
from tongdan.surfaces import ticket_file
from tongdan.surfaces.board import COLUMNS
from tongdan.surfaces.http.access import Reader
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.keys import Principal, Scope
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.refusals import INVALID_FIELD
from tongdan.surfaces.tickets import choices_of, stage_of
from tongdan.surfaces.words import Language

router: Final = APIRouter(prefix="/tickets", tags=["operations"])

NOT_YOURS: Final = RefusalKind(
    "not-your-ticket",
    403,
    en="This ticket waits for {owner}: somebody of that role, or of operations, decides it.",
    zh="此工单由{owner_zh}处理，请该角色成员或运营人员选择处理方式。",
)
_ROLE_ZH: Final = {
    "operations": "运营",
    "warehouse": "仓库",
    "service": "客服",
    "finance": "财务",
    "admin": "管理员",
}

Short = Annotated[str, Field(max_length=64)]


class TicketQuestion(BaseModel):
    """Which tickets; all that is said must hold."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["open", "closed", "all"] = "open"
    owner: Short = Field("", description="The role that it waits for.")
    kind: Short = Field("", description="What it is about, as `kind` says; `differs`: every difference.")
    partner: str = Field("", max_length=128, description="Who sees something differently.")
    order: Short = Field("", description="Only of this order.")
    channel: str = Field("", max_length=8)
    column: str = Field("", max_length=32, description="Of orders that stand in this column of the board.")
    shop: Annotated[list[Short], Field(max_length=200)] = Field([], description="One of these shops.")
    overdue: bool = Field(False, description="Only open ones that should be closed by now.")

    def query(self, now: datetime) -> TicketQuery:
        """Raises Refused naming a field."""
        return TicketQuery(
            open=None if self.state == "all" else self.state == "open", owner=self.owner, kind=self.kind,
            partner=self.partner, order=self.order, channel=self.channel, shops=tuple(self.shop),
            statuses=_statuses(self.column), overdue_at=now if self.overdue else None,
        )  # fmt: skip


class TicketsPaged(TicketQuestion):
    """Which tickets, and which page of them."""

    cursor: str = Field("", max_length=400, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=200)
    count: bool = Field(False, description=f"Count them, exactly up to {COUNTED:,}.")


class TicketsExported(TicketQuestion):
    form: ticket_file.Form = "xlsx"
    language: Language = "zh"


class RefusalShape(BaseModel):
    """Why something may not be done."""

    error: str
    message: str
    message_zh: str


class RepairChoice(BaseModel):
    """read: theirs is taken over; tell: they are told ours again; leave: it stays as it is."""

    choice: str
    refusal: RefusalShape | None = Field(description="Why it may not be chosen; null: it may.")


class SideShape(BaseModel):
    """What a partner says beside us. `repair`: read (theirs is taken over), tell (it is told again) or person."""

    model_config = ConfigDict(from_attributes=True)

    partner: str
    ours: str
    theirs: str
    found_at: datetime | None = Field(description="When both said so.")
    record: str = Field(description="The kind of system whose word counts; order: ours.")
    repair: str
    impossible: bool = Field(description="No lag explains it.")
    tried: int
    again_at: datetime | None = Field(description="Before then no further attempt is made.")
    given_up: bool = Field(description="Every attempt was made: a person has it.")
    left: bool = Field(description="A person leaves it as it is.")
    stage: str = Field("", description="choose (a person is to), waiting (for proof) or left.")
    says: str = Field("", description="Whose word counts between the two: ours, theirs, or other.")
    choices: list[RepairChoice] = []


class DisputeShape(BaseModel):
    """A field on which systems disagree, with what each of them says."""

    field: str
    owner: str = Field(description="The role that mends what does not mend itself.")
    repair_by: datetime
    tries: int = Field(description="Attempts that a repair has before a person has it.")
    by_person: bool = Field(description="Somebody has chosen a repair.")
    sides: list[SideShape]


class OrderOf(BaseModel):
    """The order that a ticket is about."""

    model_config = ConfigDict(from_attributes=True)

    order: str
    channel: str
    shop: str
    native: str


class Ticket(BaseModel):
    """`place`: its order; null: it is about none."""

    id: str
    subject: str
    kind: str
    summary: str
    times: int
    open: bool
    raised_at: datetime
    owner: str = ""
    closed_at: datetime | None = None
    by: str = Field("", description="Whom a difference was mended by: itself, person, or time.")
    evidence: str = Field("", description="What closed it.")
    repair_by: datetime | None = None
    overdue: bool = False
    place: OrderOf | None = None
    dispute: DisputeShape | None = None

    @computed_field
    def title(self) -> str:
        return words_of(self.kind)[0]

    @computed_field
    def title_zh(self) -> str:
        return words_of(self.kind)[1]


class TicketPage(BaseModel):
    tickets: list[Ticket]
    next: str | None = Field(description="Pass as `cursor` for the next page; null on the last.")
    count: int | None = Field(description="How many there are; null: not asked, or too many to look through.")
    more: bool = Field(description="There are more than `count`.")
    as_of: datetime


class NumbersShape(BaseModel):
    """Differences that were found in `days`, by whom they were mended, and how long that took."""

    model_config = ConfigDict(from_attributes=True)

    days: int = 0
    found: int
    by_itself: int
    by_person: int
    by_time: int = Field(description="Both came to agree before anything was tried.")
    open: int
    median_s: int | None = Field(description="Half of the closed ones took no longer; null: none is closed.")
    p90_s: int | None
    more: bool = Field(description="There were more; only the newest are counted.")


@router.get("")
async def tickets(parts: PartsOf, who: Reader, asked: Annotated[TicketsPaged, Query()]) -> TicketPage:
    """What needs a person's eyes, newest first.

    工单列表，最新的在前。
    """
    query = asked.query(parts.clock.now())
    try:
        rows = parts.reads.find_tickets(query, before=asked.cursor, limit=asked.limit)
    except ValueError:
        no = INVALID_FIELD.of(field="cursor", en="expected the `next` of a page", zh="应为上一页返回的 next")
        raise Refused(no) from None
    count, more = _counted(parts, query) if asked.count else (None, False)
    return TicketPage(
        tickets=[ticket_shape(parts, who, row) for row in rows],
        next=rows[-1].cursor if len(rows) == asked.limit else None, count=count, more=more,
        as_of=parts.clock.now(),
    )  # fmt: skip


@router.get("/numbers")
async def numbers(
    parts: PartsOf, who: Reader,
    days: Annotated[int, Query(ge=1, le=366, description="So many days back.")] = 7,
) -> NumbersShape:  # fmt: skip
    """Differences found in the last days: by whom they were mended, how many are open, how long it took.

    近期发现的差异：由谁修复、未关闭数、修复用时。
    """
    now = parts.clock.now()
    found = parts.reads.repaired(TicketQuery(), now - timedelta(days=days), now)
    return NumbersShape.model_validate(found).model_copy(update={"days": days})


@router.post("/export", response_class=StreamingResponse)
async def export(parts: PartsOf, who: Reader, asked: TicketsExported) -> StreamingResponse:
    """The tickets as a CSV or XLSX file; `X-Tickets` says how many, `10000+` beyond a count.

    将工单导出为 CSV 或 XLSX 文件；`X-Tickets` 为工单数，超过计数上限为 `10000+`。
    """
    query = asked.query(parts.clock.now())
    count, more = _counted(parts, query)
    headers = {
        "Content-Disposition": f'attachment; filename="tickets.{asked.form}"',
        "X-Tickets": f"{count or 0}{'+' if more else ''}",
        "Cache-Control": "no-store",
    }
    kind = ticket_file.TYPES[asked.form]
    return StreamingResponse(_file(parts, query, asked), media_type=kind, headers=headers)


async def _file(parts: Parts, query: TicketQuery, asked: TicketsExported) -> AsyncIterator[bytes]:
    for piece in ticket_file.in_file(parts.reads, query, asked.form, asked.language):
        yield piece
        await parts.clock.sleep(0)


def _counted(parts: Parts, query: TicketQuery) -> tuple[int | None, bool]:
    try:
        count = parts.reads.count_tickets(query)
    except TooWide:
        return None, False
    return min(count, COUNTED), count > COUNTED


def _statuses(column: str) -> tuple[int, ...]:
    if not column:
        return ()
    found = next((each for each in COLUMNS if each.id == column), None)
    if found is None:
        known = ", ".join(each.id for each in COLUMNS)
        raise Refused(
            INVALID_FIELD.of(field="column", en=f"expected one of {known}", zh=f"应为 {known} 之一")
        )
    return tuple([int(status) for status in found.statuses])


def ticket_shape(parts: Parts, who: Principal, row: TicketRow) -> Ticket:
    """A row of the list, and what its state has to say besides."""
    state = None if row.kind == NOT_UNDERSTOOD else parts.reads.order(row.id)
    shown = Ticket(
        id=row.id, subject=row.subject, kind=row.kind, summary=row.summary, times=row.times, open=row.open,
        raised_at=row.raised_at, owner=row.owner, closed_at=row.closed_at, by=row.by, repair_by=row.repair_by,
        overdue=row.open and row.repair_by is not None and row.repair_by < parts.clock.now(),
        place=None if row.place is None else OrderOf.model_validate(row.place),
        evidence=state.evidence if isinstance(state, TicketState) else "",
    )  # fmt: skip
    if isinstance(state, TicketState) and state.dispute is not None:
        shown.dispute = _dispute(parts, who, row, state.dispute)
    return shown


def not_yours(who: Principal, owner: str) -> Refusal | None:
    """Who runs the seller's orders decides everything, others what waits for their role."""
    if Scope.OPERATE in who.scopes or who.role == owner:
        return None
    return NOT_YOURS.of(owner=owner, owner_zh=_ROLE_ZH.get(owner, owner))


def _dispute(parts: Parts, who: Principal, row: TicketRow, dispute: Dispute) -> DisputeShape:
    return DisputeShape(
        field=dispute.field, owner=dispute.owner, repair_by=dispute.repair_by,
        tries=parts.policy.pulse.tries, by_person=dispute.by_person,
        sides=[_side(parts, who, row, dispute, side) for side in dispute.sides.values()],
    )  # fmt: skip


def _side(parts: Parts, who: Principal, row: TicketRow, dispute: Dispute, side: Side) -> SideShape:
    shown = SideShape.model_validate(side)
    shown.stage = stage_of(side)
    shown.says = {"order": "ours", head(side.partner): "theirs"}.get(side.record, "other")
    if row.open:
        no = not_yours(who, dispute.owner)
        found = choices_of(parts.reads, parts.policy, row.subject, side, parts.clock.now())
        shown.choices = [
            RepairChoice(choice=each.choice, refusal=refusal_shape(no or each.refusal)) for each in found
        ]
    return shown


def refusal_shape(refusal: Refusal | None) -> RefusalShape | None:
    if refusal is None:
        return None
    return RefusalShape(error=refusal.name, message=refusal.en, message_zh=refusal.zh)
