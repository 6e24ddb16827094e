"""Members sign in with a password, may do what their role says, and are out the moment they are barred."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.surfaces.conftest import API, Served, refused

from tongdan.surfaces.http.callers import CONSOLE
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.members import ROLES, Members, Role
from tongdan.surfaces.http.owner_file import FileRefused
from tongdan.surfaces.http.sessions import FREE_TRIES, LASTS_S, LONGEST_WAIT_S, Patience

OURS = {CONSOLE: "1"}
PASSWORD = "correct horse battery"
NOW = datetime(2026, 1, 27, 4, tzinfo=UTC)


@asynccontextmanager
async def signed_in(served: Served, name: str, password: str = PASSWORD) -> AsyncIterator[httpx.AsyncClient]:
    async with served.stranger(OURS) as browser:
        answer = await browser.post("/session", json={"name": name, "password": password})
        assert answer.status_code == 204, answer.text
        yield browser


def member(served: Served, role: Role = Role.OPERATIONS, name: str = "chen") -> None:
    served.members.add(name, role, PASSWORD, served.centre.clock.now())


async def test_a_member_signs_in_acts_under_its_name_and_signs_out(served: Served) -> None:
    id = await served.place()
    member(served)
    async with signed_in(served, "chen") as browser:
        who = (await browser.get("/session")).json()["who"]
        assert (who["name"], who["role"], who["scopes"]) == (
            "chen",
            "operations",
            sorted(ROLES[Role.OPERATIONS]),
        )
        assert (await browser.post(f"{API}/orders/{id}/hold", json={"hold": "review"})).status_code == 200
        placed = [row for row in served.centre.reads.timeline(id) if row.fact == "HoldPlaced"]
        assert [row.operator for row in placed] == ["chen"]
        assert (await browser.delete("/session")).status_code == 204
        assert (await browser.get("/session")).json()["who"] is None
        await refused(await browser.get(f"{API}/orders"), 401, "no-api-key")


async def test_wrong_passwords_open_nothing_and_make_wait(served: Served) -> None:
    member(served)
    async with served.stranger(OURS) as browser:
        for name in ("chen", "nobody"):
            tries = [
                browser.post("/session", json={"name": name, "password": "wrong"}) for _ in range(FREE_TRIES)
            ]
            for answer in await asyncio.gather(*tries):
                await refused(answer, 401, "wrong-password")
            for _ in range(5):  # so that the wait outlasts a slow machine
                served.parts.patience.failed(name, served.centre.clock.now())
            late = await browser.post("/session", json={"name": name, "password": PASSWORD})
            await refused(late, 429, "too-many-tries")
            assert 32 < int(late.headers["retry-after"]) <= 64
        assert (await browser.get("/session")).json()["who"] is None


def test_waiting_grows_to_a_limit_and_success_forgives() -> None:
    patience, at = Patience(), NOW
    for _ in range(FREE_TRIES - 1):
        patience.failed("chen", at)
    assert patience.wait_s("chen", at) == 0
    waits = []
    for _ in range(12):
        patience.failed("chen", at)
        waits.append(patience.wait_s("chen", at))
    assert waits[:4] == [2, 4, 8, 16] and waits[-1] == LONGEST_WAIT_S
    assert patience.wait_s("chen", at + timedelta(seconds=LONGEST_WAIT_S)) == 0
    patience.succeeded("chen")
    assert patience.wait_s("chen", at) == 0


@pytest.mark.parametrize(
    "change",
    [{"barred": True}, {"password": "another one, longer"}, {"role": Role.FINANCE}, {"shops": ("mp-main",)}],
)
async def test_whatever_changes_about_a_member_ends_the_sessions(
    served: Served, change: dict[str, object]
) -> None:
    member(served, Role.ADMIN, "boss")
    member(served)
    async with signed_in(served, "chen") as browser:
        assert (await browser.get(f"{API}/orders")).status_code == 200
        served.members.change("chen", **change)  # type: ignore[arg-type]
        await refused(await browser.get(f"{API}/orders"), 401, "session-over")


async def test_a_session_is_over_in_time_and_forged_ones_are_nobodys(served: Served) -> None:
    member(served)
    sessions = served.parts.sessions
    found = served.members.named("chen")
    assert found is not None
    token = sessions.of_member(found)
    assert sessions.check(token) == found.principal
    said, _, digest = token.rpartition(".")
    seal = served.centre.vault.token
    issued = int(said.rpartition(":")[2])
    old = f"member:chen:1:{issued - LASTS_S}"
    forged = [
        "", ".", "x", said, f"{said}.", f"{said}.zz", f"member:boss:1:{issued}.{digest}", f"{said}0.{digest}",
        f"{old}.{seal('session', old).hex()}", f"{said}.{seal('x', said).hex()}",
    ]  # fmt: skip
    assert [sessions.check(each) for each in forged] == [None] * len(forged)


async def test_only_managers_manage_members_and_one_administrator_is_always_left(served: Served) -> None:
    member(served, Role.ADMIN, "boss")
    async with signed_in(served, "boss") as boss:
        body = {"name": "li", "role": "service", "password": PASSWORD, "shops": ["mp-main"]}
        made = await boss.post(f"{API}/members", json=body)
        assert made.status_code == 201 and made.json()["shops"] == ["mp-main"]
        await refused(await boss.post(f"{API}/members", json=body), 409, "member-refused")
        await refused(
            await boss.post(f"{API}/members", json={**body, "password": "short"}), 422, "invalid-field"
        )
        await refused(await boss.post(f"{API}/members", json={**body, "shops": ["x"]}), 404, "no-such-shop")
        await refused(await boss.patch(f"{API}/members/boss", json={"barred": True}), 409, "member-refused")
        listed = (await boss.get(f"{API}/members")).json()["members"]
        assert [each["name"] for each in listed] == ["boss", "li"]
        assert PASSWORD not in str(listed) and "argon2" not in str(listed)
        async with signed_in(served, "li") as li:
            await refused(await li.get(f"{API}/members"), 403, "not-allowed")
            own = {"old": PASSWORD, "new": "a new one, longer"}
            assert (await li.post(f"{API}/members/self/password", json=own)).status_code == 204
            await refused(await li.get(f"{API}/orders"), 401, "session-over")
        assert (await boss.patch(f"{API}/members/li", json={"barred": True})).json()["barred"]
        again = {"name": "li", "password": "a new one, longer"}
        async with served.stranger(OURS) as browser:
            await refused(await browser.post("/session", json=again), 401, "wrong-password")


async def test_a_session_made_from_a_key_ends_with_the_key(served: Served) -> None:
    async with served.client(Scope.READ) as client, served.stranger(OURS) as browser:
        key = client.headers["authorization"].removeprefix("Bearer ")
        assert (await browser.post("/session", json={"key": key})).status_code == 204
        assert key not in str(browser.cookies.jar)
        assert (await browser.get(f"{API}/orders")).status_code == 200
        served.keys.revoke(served.keys.all()[0].name)
        await refused(await browser.get(f"{API}/orders"), 401, "session-over")


def test_passwords_are_kept_as_hashes_in_a_file_of_the_owner(tmp_path: Path) -> None:
    members = Members(tmp_path / "members.json")
    members.add("chen", Role.ADMIN, PASSWORD, NOW)
    assert PASSWORD not in (tmp_path / "members.json").read_text()
    assert (tmp_path / "members.json").stat().st_mode & 0o777 == 0o600
    assert members.check("chen", PASSWORD) is not None and members.check("chen", PASSWORD + "x") is None
    for name, password in (("Chen", PASSWORD), ("a/b", PASSWORD), ("li", "short"), ("li", "x" * 201)):
        with pytest.raises(FileRefused):
            members.add(name, Role.FINANCE, password, NOW)
    assert [each.name for each in members.all()] == ["chen"]
