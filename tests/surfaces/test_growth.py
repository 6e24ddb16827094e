"""Promises of the API around what grows: a payload in quarantine needs the right to see it, retry and discard need the
right to operate, and the archive takes nothing that is not old enough.
"""

from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.surfaces.conftest import API, Served, get, refused, rows_of

from tongdan.ports import NotUnderstood
from tongdan.surfaces.http import archives, quarantine
from tongdan.surfaces.http.keys import Scope

RAW = msgspec.json.encode({"id": "m-1", "type": "settled?", "buyer_name": "欧阳雪"})


@pytest.fixture
async def growing(served: Served) -> AsyncIterator[Served]:
    served.app.include_router(quarantine.router_of(served.centre.quarantine))
    served.app.include_router(archives.router_of(served.centre.archiver))
    message = NotUnderstood(source="finance", reason="expected `type`", raw=RAW, about="main")
    served.centre.bus.submit([message], lambda replies: None)
    await served.centre.quiet()
    yield served


async def test_a_payload_is_masked_without_the_right_to_see_it(growing: Served) -> None:
    async with growing.client(Scope.READ) as client:
        ((id, listed),) = [(each["id"], each) for each in await get(client, "/quarantine")]
        assert "payload" not in listed
        shown = await get(client, f"/quarantine/{id}")
        assert "欧阳雪" not in shown["payload"] and "m-1" not in listed["reason"]
        await refused(await client.get(f"{API}/quarantine/0.999"), 404, "not-in-quarantine")
        for path, body in (
            (f"/{id}/discard", {"reason": "x"}),
            ("/retry", {"ids": [id]}),
            ("/preview", {"ids": [id]}),
        ):
            await refused(await client.post(f"{API}/quarantine{path}", json=body), 403, "not-allowed")
        await refused(await client.post(f"{API}/archive", json={}), 403, "not-allowed")
    async with growing.client(Scope.READ, Scope.REVEAL) as client:
        assert (await get(client, f"/quarantine/{id}"))["payload"] == RAW.decode()
    assert growing.centre.reads.counts()["quarantined"] == 1


async def test_a_message_is_looked_at_retried_and_thrown_away(growing: Served) -> None:
    async with growing.client(Scope.READ, Scope.OPERATE) as client:
        (id,) = [each["id"] for each in await get(client, "/quarantine")]
        before = rows_of(growing)
        for verb in ("preview", "retry"):
            answer = await client.post(f"{API}/quarantine/{verb}", json={"source": "finance"})
            assert [(each["id"], each["done"]) for each in answer.json()] == [(id, False)], answer.text
            assert answer.json()[0]["reason"]
        assert (await client.post(f"{API}/quarantine/preview", json={})).json() == []
        answer = await client.post(f"{API}/quarantine/retry", json={"ids": ["0.999"]})
        await refused(answer, 404, "not-in-quarantine")
        assert rows_of(growing) == before
        await refused(await client.post(f"{API}/quarantine/{id}/discard", json={}), 422, "invalid-field")
        assert (await client.post(f"{API}/quarantine/{id}/discard", json={"reason": "theirs"})).json() == {
            "id": id
        }
        assert await get(client, "/quarantine") == []
        assert rows_of(growing) == before + 2


async def test_the_archive_takes_what_is_old_enough(growing: Served) -> None:
    async with growing.client(Scope.READ, Scope.OPERATE) as client:
        assert (await get(client, "/archive"))["left"] == 0
        answer = await client.post(f"{API}/archive", json={})
        assert (answer.json()["rows"], answer.json()["left"]) == (0, 0), answer.text
        await refused(
            await client.post(f"{API}/archive", json={"until": "2999-01-01"}), 422, "not-sealed-yet"
        )
        await refused(await client.post(f"{API}/archive", json={"until": "soon"}), 422, "invalid-field")
