"""Looking at one order: as it stands, its timeline, its state as of an instant, and the status others ask for.

All of it is committed state and never stale.
Personal data is masked unless `reveal=true` is asked for and the key may.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from tongdan.domain.kernel.instants import checked
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.orders.commands import RevealPerson
from tongdan.domain.orders.model import Order
from tongdan.ports import Inbound
from tongdan.surfaces import notices
from tongdan.surfaces.http.access import Reader, demand
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.keys import Principal, Scope
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.http.shapes import (
    OrderShape,
    StatusAnswer,
    StatusAnswers,
    Timeline,
    fact_shape,
    order_shape,
    partly_names,
    person_shape,
    position_of,
)
from tongdan.surfaces.refusals import INVALID_FIELD, NO_SUCH_ORDER, NOT_YET
from tongdan.surfaces.words import local_time, status_name

router: Final = APIRouter(tags=["orders"])
status_router: Final = APIRouter(tags=["orders"])

SOURCE: Final = "api"
MOST: Final = 50  # orders of one question

Id = Annotated[str, Path(max_length=64, description="A Tongdan id.", examples=["DY20260127000892"])]
Reveal = Annotated[
    bool,
    Query(
        description="Show personal data and payloads unmasked: needs the scope `reveal`, and is on record."
    ),
]
Name = Annotated[str, Query(min_length=1, max_length=64)]
Sync = Annotated[int, Query(ge=0, le=1, description="1: as a heartbeat asks. Both read committed state.")]

# A `+` in a query that nobody escaped arrives as a blank.
_UNESCAPED_OFFSET: Final = re.compile(r"(?<=\d) (?=\d\d:\d\d$)")


@router.get("/orders/lookup")
async def look_up(parts: PartsOf, who: Reader, channel: Name, shop: Name, native: Name) -> OrderShape:
    """An order by the number that its platform or client gave it.

    按平台或客户的订单号查询订单。
    """
    id = parts.reads.find(channel, shop, native)
    if id is None:
        raise Refused(NO_SUCH_ORDER.of(channel=channel, shop=shop, native=native))
    return await _shown(parts, who, id, reveal=False)


@router.get("/orders/status")
async def statuses(
    parts: PartsOf,
    who: Reader,
    id: Annotated[list[str], Query(min_length=1, max_length=MOST, description="Repeated, once an order.")],
    sync: Sync = 0,
) -> StatusAnswers:
    """How many orders stand, as `GET /order/{id}/status` tells of one; `unknown` are those that it knows nothing of.

    批量查询订单状态,未知订单号列于 unknown。
    """
    known = [each for each in dict.fromkeys(id) if _is_known(parts, each)]
    unknown = [each for each in dict.fromkeys(id) if each not in known]
    return StatusAnswers(orders=[_status(parts, each) for each in known], unknown=unknown)


@router.get("/orders/{id}")
async def order(parts: PartsOf, who: Reader, id: Id, reveal: Reveal = False) -> OrderShape:
    """One order as it stands.

    一张订单的现状。
    """
    return await _shown(parts, who, id, reveal)


@router.get("/orders/{id}/timeline")
async def timeline(parts: PartsOf, who: Reader, id: Id, reveal: Reveal = False) -> Timeline:
    """Everything that happened to an order, its shipments and tickets, oldest first, as it stands in the log.

    订单及其发货单、工单的全部事实，按日志顺序，最早的在前。
    """
    await _may_reveal(parts, who, id, parts.find_order(id).shop, reveal)
    return Timeline(id=id, facts=[fact_shape(row, reveal) for row in parts.reads.timeline(id, with_raw=True)])


@router.get("/orders/{id}/as-of")
async def as_of(
    parts: PartsOf,
    who: Reader,
    id: Id,
    at: Annotated[str, Query(max_length=40, description="RFC 3339.", examples=["2026-01-27T15:00:00+08:00"])],
) -> OrderShape:
    """The order as it was recorded at an instant.

    订单在某一时刻的记录。
    """
    parts.find_order(id)
    instant = read_instant("at", at)
    then = parts.reads.as_of(id, instant)
    if not isinstance(then, Order):
        raise Refused(NOT_YET.of(id=id, at=local_time(instant) + " UTC+8"))
    return order_shape(id, then, as_of=instant)


@status_router.get("/order/{id}/status")
async def status(
    parts: PartsOf,
    who: Reader,
    id: Id,
    sync: Sync = 0,
) -> StatusAnswer:
    """The status that the order centre stands for: what downstream systems compare their own with.

    订单中心认定的状态，供下游系统核对。
    """
    return _status(parts, id)


def _is_known(parts: Parts, id: str) -> bool:
    try:
        parts.find_order(id)
    except Refused:
        return False
    return True


def _status(parts: Parts, id: str) -> StatusAnswer:
    found = parts.find_order(id)
    now = parts.clock.now()
    last = [row for row in parts.reads.timeline(id) if row.aggregate == id][-1]
    return StatusAnswer(
        id=id, code=last.status_after, name=status_name(last.status_after, "en"),
        name_zh=status_name(last.status_after, "zh"), partly=partly_names(found), as_of=now,
        changed_at=last.recorded_at, position=position_of(last),
    )  # fmt: skip


def read_instant(field: str, text: str) -> datetime:
    """RFC 3339 → UTC. Raises Refused naming the field."""
    try:
        at = datetime.fromisoformat(_UNESCAPED_OFFSET.sub("+", text))
        if at.tzinfo is None:
            raise ValueError
        return checked(at.astimezone(UTC))
    except (ValueError, OverflowError):
        en = "expected RFC 3339 with an offset, such as 2026-01-27T15:00:00+08:00"
        zh = "应为带时区的 RFC 3339 时间，例如 2026-01-27T15:00:00+08:00"
        raise Refused(INVALID_FIELD.of(field=field, en=en, zh=zh)) from None


async def _shown(parts: Parts, who: Principal, id: str, reveal: bool) -> OrderShape:
    found = parts.find_order(id)
    await _may_reveal(parts, who, id, found.shop, reveal)
    told = notices.of_order(parts.reads, id)
    return order_shape(id, found, person_shape(parts.reads.person(id), reveal), notices=told)


async def _may_reveal(parts: Parts, who: Principal, id: str, shop: str, reveal: bool) -> None:
    """Nobody is shown personal data before it is on record who it was. Raises Refused."""
    if not reveal:
        return
    demand(who, Scope.REVEAL)
    said = Inbound(
        command=RevealPerson(order=id), key=("reveal", who.name, id, parts.entropy.token(16).hex()), source=SOURCE,
        shop=shop, happened_at=parts.clock.now(), raw=b"", operator=who.name,
    )  # fmt: skip
    reply = await parts.bus.ask(said)
    if isinstance(reply, Refusal):
        raise Refused(reply)
