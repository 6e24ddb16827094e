"""After-sales over the API: what waits, what each is about, and how it is answered.

Without `apply` an answer is only shown: the decision that would be taken now, with what cannot be undone named so.
"""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tongdan.domain.kernel.keys import subject_of
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.returns.commands import AnswerAfterSale
from tongdan.domain.returns.facts import Answer
from tongdan.domain.returns.model import AfterSale
from tongdan.surfaces import after_sales
from tongdan.surfaces.http.access import Reader
from tongdan.surfaces.http.actions import Body, Writing
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.orders import Id
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.http.shapes import Done

PATH: Final = "/api/v1/after-sales"

router: Final = APIRouter(prefix=PATH, tags=["after-sales"])

Text = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]
Code = Annotated[str, StringConstraints(max_length=64, pattern=r"^[!-~]*$")]


class Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class WordsShape(Shape):
    name: str
    en: str
    zh: str


class UnitsShape(Shape):
    line: int
    units: int


class GivenShape(Shape):
    """An answer that was given. `taken` is null while the platform has said nothing to it."""

    answer: str
    stage: str
    taken: bool | None
    error: str


class OptionShape(Shape):
    """`undo`: reversible, compensable (a person makes it good) or irreversible."""

    answer: str
    does: str
    does_zh: str
    undo: str
    repeat: str


class AfterSaleShape(Shape):
    """`waits`: the seller is to act; by `decide_by`, where the platform decides by itself afterwards."""

    id: str = Field(examples=["DY20260127000892-A1"])
    order: str
    channel: str
    shop: str
    native: str
    number: str
    kind: WordsShape
    stage: WordsShape
    native_stage: str
    amount_fen: int
    units: list[UnitsShape]
    waits: bool
    decide_by: datetime | None
    applied_at: datetime | None
    said_at: datetime | None
    carrier: str
    waybill: str
    tracked: str
    worries: list[str]
    answers: list[GivenShape]
    options: list[OptionShape]


class Page(BaseModel):
    """`after` is that of the next page; "" when there is none."""

    after_sales: list[AfterSaleShape]
    after: str


class AnswerBody(Body):
    answer: Annotated[str, StringConstraints(pattern="^(agree|refund|refuse|send)$")]
    reason: Code = Field("", description="Of a refusal: one of the channel's codes, see conf/channels.")
    note: Text = Field("", description="What the buyer is told with it. No personal data.")
    evidence: Code = Field("", description="Where the proof of a refusal can be seen.")
    address: Code = Field("", description="The return address in the platform's book; else the shop's own.")
    carrier: Code = Field("", description="Of a replacement, as warehouses code it (SF).")
    waybill: Code = ""
    apply: bool = Field(False, description="Do it. Otherwise it is only shown what would happen.")


class Answered(BaseModel):
    """`does` is what the answer does, `facts` what would be recorded; `done` is set when it was applied."""

    option: OptionShape
    facts: list[str]
    done: Done | None = None


@router.get("")
async def listed(
    parts: PartsOf,
    who: Reader,
    shop: Annotated[str, Query(max_length=64, description="Only this shop.")] = "",
    waiting: Annotated[bool, Query(description="Only what waits for the seller.")] = True,
    after: Annotated[str, Query(max_length=200, description="`after` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page:
    """After-sales, by channel, shop and number.

    售后列表，按渠道、店铺和售后编号排列。
    """
    page = after_sales.look(parts.reads, shop=shop, waiting=waiting, after=after, limit=limit)
    return Page(after_sales=[AfterSaleShape.model_validate(each) for each in page.found], after=page.after)


@router.get("/{id}")
async def one(parts: PartsOf, who: Reader, id: Id) -> AfterSaleShape:
    """One after-sale, and what may be answered now.

    一个售后，以及当前可选的处理方式。
    """
    return AfterSaleShape.model_validate(after_sales.show(id, _found(parts, id)))


@router.post("/{id}/answer")
async def answer(asking: Writing, parts: PartsOf, id: Id, body: AnswerBody) -> Answered:
    """Agree, refund, refuse or send a replacement. The platform's word on it follows: look again.

    同意、退款、拒绝或补发；平台的结果随后到达，请再查看。
    """
    state = _found(parts, id)
    command = AnswerAfterSale(
        after_sale=id,
        answer=Answer(body.answer),
        reason=body.reason,
        note=body.note,
        evidence=body.evidence,
        address=body.address,
        carrier=body.carrier,
        waybill=body.waybill,
    )
    decided = after_sales.tried(id, state, command, parts.policy, parts.clock.now())
    if isinstance(decided, Refusal):
        raise Refused(decided)
    if command.answer in (Answer.AGREE, Answer.REFUND):
        asking.stay_within_limit(subject_of(id), state.amount_fen)
    option = next(each for each in after_sales.show(id, state).options if each.answer == body.answer)
    shown = Answered(
        option=OptionShape.model_validate(option), facts=[type(fact).__name__ for fact in decided.facts]
    )
    if body.apply:
        shown.done = await asking.of(command, state.shop)
    return shown


def _found(parts: Parts, id: str) -> AfterSale:
    """Raises Refused when there is none."""
    state = after_sales.find(parts.reads, id)
    if isinstance(state, Refusal):
        raise Refused(state)
    return state
