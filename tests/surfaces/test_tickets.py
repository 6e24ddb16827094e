"""The inbox of tickets over the API: what it tells, what it finds and counts, who may see and choose what."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from tests.surfaces.conftest import API, Served, refused, rows_of

from tongdan.adapters.clock import SystemClock
from tongdan.domain.kernel.messages import Command
from tongdan.domain.sync.commands import RaiseTicket
from tongdan.domain.sync.dispute_facts import NoteAgreement, NoteDifference
from tongdan.domain.sync.kinds import OWNERS, WORDS, owner_of
from tongdan.ports import Accepted, Inbound, NotUnderstood
from tongdan.surfaces.http.keys import Principal, Scope
from tongdan.surfaces.http.members import ROLES, Role
from tongdan.surfaces.http.pulse import router_of


@pytest.fixture
async def served(served: Served) -> Served:
    served.app.include_router(router_of(served.centre.heartbeat))
    return served


class Said:
    """Tells the centre, each time anew."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._no = 0

    async def __call__(self, command: Command) -> None:
        self._no += 1
        served = self._served
        message = Inbound(
            command=command, key=("t", str(self._no)), source="pulse", shop="",
            happened_at=served.centre.clock.now(), raw=b"{}",
        )  # fmt: skip
        assert isinstance(await served.centre.bus.ask(message), Accepted)
        await served.centre.quiet()
        served.centre.views.flush()


@pytest.fixture
def say(served: Served) -> Said:
    return Said(served)


def difference(order: str, **said: Any) -> NoteDifference:
    plain = NoteDifference(
        order=order, field="status", partner="finance", ours="cancelled", theirs="signed", status="signed", own=True
    )  # fmt: skip
    return replace(plain, **said)


@asynccontextmanager
async def inside(served: Served, who: Principal) -> AsyncIterator[httpx.AsyncClient]:
    served.parts.keys.check = lambda token: who  # type: ignore[method-assign]
    async with served.client(Scope.READ) as client:
        yield client


def member(role: Role, **narrowed: Any) -> Principal:
    return Principal(role, ROLES[role], role, **narrowed)


async def listed(client: httpx.AsyncClient, **query: Any) -> list[tuple[str, str]]:
    page = (await client.get(f"{API}/tickets", params={"count": True} | query)).json()
    assert page["count"] == len(page["tickets"])
    return [(each["subject"], each["kind"]) for each in page["tickets"]]


async def test_a_difference_tells_both_sides_whose_word_counts_and_what_may_be_chosen(
    served: Served, say: Said
) -> None:
    order = await served.place("A1")
    await say(difference(order))
    async with inside(served, member(Role.OPERATIONS)) as client:
        (ticket,) = (await client.get(f"{API}/tickets")).json()["tickets"]
    assert ticket["place"] == {"order": order, "channel": "MP", "shop": "mp-main", "native": "A1"}
    assert (ticket["owner"], ticket["overdue"], ticket["closed_at"], ticket["by"]) == (
        "finance", False, None, "",
    )  # fmt: skip
    dispute = ticket["dispute"]
    assert (dispute["tries"], dispute["by_person"]) == (served.centre.policy.pulse.tries, False)
    (side,) = dispute["sides"]
    assert (side["ours"], side["theirs"], side["says"], side["stage"]) == (
        "cancelled", "signed", "other", "choose",
    )  # fmt: skip
    assert side["found_at"] is not None
    choices = {each["choice"]: each["refusal"] and each["refusal"]["error"] for each in side["choices"]}
    assert choices == {"read": None, "tell": "cannot-be-told", "leave": None}, "nothing is paid or cancelled"


async def test_what_is_asked_narrows_the_list_and_pages_are_counted(
    served: Served, say: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await served.place("A1"), await served.place("A2")
    await say(difference(first))
    await say(difference(second, field="amount", partner="payment/wechat"))
    await say(RaiseTicket(subject=second, kind="after-sale-overdue", summary="x"))
    status, amount, late = (
        (first, "differs-status"), (second, "differs-amount"), (second, "after-sale-overdue"),
    )  # fmt: skip
    async with inside(served, member(Role.ADMIN)) as client:
        assert await listed(client) == [late, amount, status]
        assert await listed(client, owner="service") == [late]
        assert await listed(client, kind="differs") == [amount, status]
        assert await listed(client, kind="differs-status") == [status]
        assert await listed(client, partner="payment/wechat") == [amount]
        assert await listed(client, order=second) == [late, amount]
        assert await listed(client, channel="DY") == await listed(client, shop="dy-main") == []
        assert await listed(client, column="created", shop="mp-main") == [late, amount, status]
        assert await listed(client, column="paid") == await listed(client, state="closed") == []
        assert await listed(client, overdue=True) == []
        one = (await client.get(f"{API}/tickets", params={"limit": 2})).json()
        rest = (await client.get(f"{API}/tickets", params={"limit": 2, "cursor": one["next"]})).json()
        assert [each["subject"] for each in one["tickets"] + rest["tickets"]] == [second, second, first]
        assert rest["next"] is None
        monkeypatch.setattr(served.parts, "clock", InTwoDays())
        assert await listed(client, overdue=True) == [amount, status]
        for wrong in ({"column": "nowhere"}, {"cursor": "x"}, {"state": "odd"}):
            await refused(await client.get(f"{API}/tickets", params=wrong), 422, "invalid-field")


class InTwoDays(SystemClock):
    def now(self) -> datetime:
        return super().now() + timedelta(days=2)


async def test_whoever_runs_orders_decides_all_and_others_what_waits_for_their_role(
    served: Served, say: Said
) -> None:
    order = await served.place("A1")
    await say(difference(order))
    body = {"subject": order, "kind": "differs-status", "choice": "read"}
    rows = rows_of(served)
    for role, name in ((Role.WAREHOUSE, "not-your-ticket"), (Role.SERVICE, "not-your-ticket")):
        async with inside(served, member(role)) as client:
            (ticket,) = (await client.get(f"{API}/tickets")).json()["tickets"]
            choices = ticket["dispute"]["sides"][0]["choices"]
            assert {each["refusal"]["error"] for each in choices} == {name}
            await refused(await client.post(f"{API}/tickets/repair", json=body), 403, name)
    reader = Principal("r", frozenset({Scope.READ}))
    async with inside(served, reader) as client:
        await refused(await client.post(f"{API}/tickets/repair", json=body), 403, "not-allowed")
    elsewhere = member(Role.OPERATIONS, shops=frozenset({"dy-main"}))
    async with inside(served, elsewhere) as client:
        await refused(await client.post(f"{API}/tickets/repair", json=body), 404, "unknown-id")
    assert rows_of(served) == rows
    async with inside(served, member(Role.FINANCE)) as client:
        no = await client.post(f"{API}/tickets/repair", json=body | {"choice": "leave"})
        await refused(no, 422, "reason-needed")
        assert rows_of(served) == rows
        assert (await client.post(f"{API}/tickets/repair", json=body)).status_code == 200
        (ticket,) = (await client.get(f"{API}/tickets")).json()["tickets"]
    assert (ticket["dispute"]["by_person"], ticket["dispute"]["sides"][0]["stage"]) == (True, "waiting")
    chosen = [row for row in served.centre.reads.timeline(order) if row.fact == "RepairChosen"]
    assert [row.operator for row in chosen] == ["finance"]


def test_every_kind_waits_for_a_role_that_there_is() -> None:
    assert set(OWNERS) <= set(WORDS)
    assert {owner_of(f"{kind}:7") for kind in WORDS} == {*Role} - {Role.ADMIN}


async def test_tickets_are_seen_with_their_order_and_nowhere_else(served: Served, say: Said) -> None:
    await served.stock(5)
    order = await served.place("A1")
    await say(difference(order))
    await say(RaiseTicket(subject="credential/sf/main", kind="credential-failed", summary="x"))
    strange = NotUnderstood(source="channel/DY", shop="dy-main", reason="unknown", raw=b"?")
    served.centre.bus.submit([strange], lambda replies: None)
    await served.centre.quiet()
    both = {(order, "differs-status"), ("credential/sf/main", "credential-failed")}
    async with inside(served, member(Role.ADMIN)) as client:
        every = set(await listed(client))
        assert every > both and {kind for _, kind in every - both} == {"not-understood"}
        assert {kind for _, kind in await listed(client, kind="not-understood", owner="operations")} == {
            "not-understood"
        }
    mine = [(order, "differs-status")]
    for narrowed, seen in (
        ({"shops": frozenset({"mp-main"})}, mine),
        ({"shops": frozenset({"dy-main"})}, []),
        ({"warehouses": frozenset({"WH-EAST"})}, mine),
        ({"warehouses": frozenset({"WH-SOUTH"})}, []),
    ):
        async with inside(served, member(Role.ADMIN, **narrowed)) as client:
            assert await listed(client) == seen
            assert (await client.get(f"{API}/tickets/numbers")).json()["found"] == len(seen)
            file = (await client.post(f"{API}/tickets/export", json={"form": "csv"})).text
            assert file.count(order) == 2 * len(seen) and "credential" not in file


async def test_the_numbers_say_by_whom_differences_were_mended(served: Served, say: Said) -> None:
    first, second, third = [await served.place(f"A{n}") for n in range(3)]
    await say(difference(first, field="amount", retold=True))  # tells them again, certainly
    await say(
        NoteAgreement(order=first, field="amount", partner="finance", seen_at=served.centre.clock.now())
    )
    await say(difference(second))
    await say(difference(third))
    async with inside(served, member(Role.ADMIN)) as client:
        body = {"subject": second, "kind": "differs-status", "choice": "leave", "reason": "both stand"}
        assert (await client.post(f"{API}/tickets/repair", json=body)).status_code == 200
        await served.centre.quiet()
        served.centre.views.flush()
        found = (await client.get(f"{API}/tickets/numbers")).json()
        (left,) = (await client.get(f"{API}/tickets", params={"state": "closed", "order": second})).json()[
            "tickets"
        ]
    assert found | {"median_s": 0, "p90_s": 0} == {
        "days": 7, "found": 3, "by_itself": 1, "by_person": 1, "by_time": 0, "open": 1, "median_s": 0, "p90_s": 0,
        "more": False,
    }  # fmt: skip
    assert (left["by"], left["evidence"]) == ("person", "both stand")
    assert left["closed_at"] is not None


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_the_list_is_had_as_a_file(served: Served, say: Said, form: str) -> None:
    order = await served.place("A1")
    await say(difference(order))
    async with inside(served, member(Role.FINANCE)) as client:
        answer = await client.post(f"{API}/tickets/export", json={"form": form, "owner": "finance"})
        none = await client.post(f"{API}/tickets/export", json={"form": "csv", "owner": "service"})
    assert answer.headers["x-tickets"] == "1"
    assert answer.content.startswith(b"PK") if form == "xlsx" else "各系统的订单状态不一致" in answer.text
    assert (none.headers["x-tickets"], order in none.text) == ("0", False)
