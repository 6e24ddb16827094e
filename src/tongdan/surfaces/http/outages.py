"""Outages of partners over the API: which there were, and the report of what each held up, also as a file."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from tongdan.adapters.csv_table import write_csv
from tongdan.domain.guard.outage import Compensation
from tongdan.surfaces.http.access import SellerReader
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.outages import (
    READ_AT_MOST,
    TOO_LARGE,
    UNKNOWN_OUTAGE,
    first_left,
    outage_list,
    outage_of,
    outage_rows,
    outage_view,
)

Partner = Annotated[str, Query(max_length=128, examples=["finance"])]
No = Annotated[int, Query(ge=1)]

router = APIRouter(tags=["health"])


class OutageShape(BaseModel):
    """An outage of a partner, and what became of what it held up."""

    model_config = ConfigDict(from_attributes=True)

    partner: str
    no: int
    cause: str = Field(examples=["key-refused", "unreachable", "no-answer"])
    cause_en: str
    cause_zh: str
    error: str = Field(description="What the attempt met after which it was known.")
    since: datetime
    ended_at: datetime | None = Field(description="null: it is out.")
    compensated_at: datetime | None = Field(description="When nothing waited any more; null: something does.")
    took_s: int | None = Field(description="From when it was back until nothing waited, or until now.")
    missed: int = Field(description="What it held up: the sum of the next four.")
    resent: int
    found: int = Field(description="A query showed it there already: it was not sent again.")
    waiting: int
    left: int = Field(description="Left to a person, as dead letters or behind one.")
    lanes: int | None = Field(
        description="For how many orders, shipments … something was sent; null in a list while something waits."
    )
    lanes_broken: int | None = Field(description="Of these, where something overtook what came before it.")


class MissedShape(BaseModel):
    """An effect that an outage held up. `how`: re-sent, found, waiting, left."""

    model_config = ConfigDict(from_attributes=True)

    effect: str
    aggregate: str
    verb: str
    how: str
    at: datetime | None
    why: str


class OutageReportShape(OutageShape):
    effects: list[MissedShape] = Field(description="The first 200, those left to a person before the others.")


@router.get("/outages")
async def outages(parts: PartsOf, who: SellerReader) -> list[OutageShape]:
    """The latest 100 outages of partners, with how far what they held up has been sent.

    最近 100 次合作方中断及其补发进度。
    """
    return [OutageShape.model_validate(each) for each in outage_list(parts.reads, parts.clock.now())]


@router.get("/outages/report")
async def outage_report(parts: PartsOf, who: SellerReader, partner: Partner, no: No) -> OutageReportShape:
    """The report of one outage.

    单次中断的补发报告。
    """
    report = _report(parts, partner, no)
    effects = [MissedShape.model_validate(each) for each in first_left(report)]
    shape = OutageShape.model_validate(outage_view(report))
    return OutageReportShape(**shape.model_dump(), effects=effects)


@router.get("/outages/export", response_class=Response)
async def outage_export(parts: PartsOf, who: SellerReader, partner: Partner, no: No) -> Response:
    """All that an outage held up, as a CSV file: what became of each, when, and why it is left.

    以 CSV 导出该次中断的全部推送及其结果。
    """
    content = write_csv(outage_rows(_report(parts, partner, no)))
    headers = {"Content-Disposition": f'attachment; filename="outage-{no}.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def _report(parts: Parts, partner: str, no: int) -> Compensation:
    now = parts.clock.now()
    named = [outage for name, outage in parts.reads.outages() if (name, outage.no) == (partner, no)]
    if not named:
        raise Refused(UNKNOWN_OUTAGE.of(partner=partner, no=no))
    missed = outage_of(parts.reads, partner, named[0], now).missed
    if missed > READ_AT_MOST:
        raise Refused(TOO_LARGE.of(missed=missed, most=READ_AT_MOST, partner=partner, no=no))
    report = parts.reads.compensation(partner, no, now)
    assert report is not None
    return report
