"""The heartbeat over the API: how partners stand, checking an order now, and deciding about a difference."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.surfaces.conftest import API, Served, rows_of

from tongdan.domain.sync.dispute_facts import NoteDifference
from tongdan.ports import Accepted, Checked, Inbound, Watched
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.pulse import router_of


@pytest.fixture
async def served(served: Served) -> Served:
    served.app.include_router(router_of(served.centre.heartbeat))
    return served


async def differing(served: Served) -> str:
    """An order that finance does not know, beyond its grace."""
    order = await served.place()
    note = NoteDifference(
        order=order,
        field="status",
        partner="finance",
        ours="paid",
        theirs="cancelled",
        status="cancelled",
        own=True,
    )
    message = Inbound(
        command=note,
        key=("t", order),
        source="pulse",
        shop="",
        happened_at=served.centre.clock.now(),
        raw=b"{}",
    )
    assert isinstance(await served.centre.bus.ask(message), Accepted)
    await served.centre.quiet()
    served.centre.views.flush()
    return order


async def repaired(client: httpx.AsyncClient, order: str, **body: Any) -> httpx.Response:
    said = {"subject": order, "kind": "differs-status", "choice": "tell", "reason": "by phone"} | body
    return await client.post(f"{API}/tickets/repair", json=said)


async def test_a_difference_is_a_ticket_that_shows_what_both_sides_say(served: Served) -> None:
    order = await differing(served)
    async with served.client(Scope.READ) as client:
        (ticket,) = (await client.get(f"{API}/tickets")).json()["tickets"]
    assert (ticket["subject"], ticket["kind"], ticket["open"]) == (order, "differs-status", True)
    assert (ticket["dispute"]["field"], ticket["dispute"]["owner"]) == ("status", "finance")
    (side,) = ticket["dispute"]["sides"]
    assert (side["partner"], side["ours"], side["theirs"]) == ("finance", "paid", "cancelled")
    assert (side["record"], side["repair"], side["tried"]) == ("order", "person", 0)


async def test_a_person_chooses_a_repair_and_is_on_record(served: Served) -> None:
    order = await differing(served)
    async with served.client(Scope.OPERATE) as client:
        assert (await repaired(client, order)).status_code == 200
    rows = [row for row in served.centre.reads.timeline(order) if row.fact == "RepairChosen"]
    assert [(row.body["choice"], row.body["reason"], row.operator) for row in rows] == [
        ("tell", "by phone", "key-0")
    ]


async def test_what_is_left_as_it_is_closes_the_ticket(served: Served) -> None:
    order = await differing(served)
    async with served.client(Scope.OPERATE, Scope.READ) as client:
        assert (await repaired(client, order, choice="leave")).status_code == 200
        await served.centre.quiet()
        served.centre.views.flush()
        assert (await client.get(f"{API}/tickets")).json()["tickets"] == []
        late = await repaired(client, order, choice="tell")
    assert (late.status_code, late.json()["error"]) == (409, "nothing-disputed")


async def test_a_choice_that_is_none_is_refused_and_nothing_is_written(served: Served) -> None:
    order = await differing(served)
    before = rows_of(served)
    async with served.client(Scope.OPERATE) as client:
        answer = await repaired(client, order, choice="guess")
    assert (answer.status_code, answer.json()["error"]) == (422, "repair-unknown")
    assert rows_of(served) == before


async def test_how_every_partner_stands_is_told_with_what_is_due(served: Served) -> None:
    order = await served.place()
    served.centre.views.flush()
    checks, now = served.centre.heartbeat.checks, served.centre.clock.now()
    checks.put([Watched(order, ("finance",), now)], {})
    async with served.client(Scope.READ) as client:
        (row,) = (await client.get(f"{API}/pulse")).json()
    assert (row["partner"], row["colour"], row["orders"], row["due"], row["odd"]) == (
        "finance",
        "green",
        1,
        1,
        0,
    )
    assert (row["beat_at"], row["error"]) == (None, "")


async def test_an_order_is_checked_at_the_next_beat_when_somebody_asks_for_it(served: Served) -> None:
    order = await served.place()
    served.centre.views.flush()
    checks, now = served.centre.heartbeat.checks, served.centre.clock.now()
    checks.put([Watched(order, ("finance",), now)], {})
    (check,) = checks.due("finance", now, 10)
    checks.done("finance", [_in_an_hour(check.order, now)], now)
    assert checks.due("finance", now, 10) == []
    async with served.client(Scope.READ) as client:
        assert (await client.post(f"{API}/orders/{order}/check")).status_code == 202
    assert [each.order for each in checks.due("finance", served.centre.clock.now(), 10)] == [order]


def _in_an_hour(order: str, now: datetime) -> Checked:
    return Checked(order, now + timedelta(hours=1))
