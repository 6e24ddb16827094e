"""The audit trail is looked through from its end, a bounded look at a time, and checked as a whole on request."""

import asyncio

from tests.surfaces.conftest import API, Served, get, refused

from tongdan.cli.service import routers_of
from tongdan.surfaces.http.keys import Scope


async def test_the_trail_is_paged_newest_first_and_each_fact_is_there_once(served: Served) -> None:
    for n in range(30):
        await served.place(f"A{n}")
    total = sum(1 for _ in served.centre.reads.journal())
    assert total > 100
    found, cursor = [], ""
    async with served.client(Scope.READ) as client:
        while True:
            page = await get(client, f"/audit/facts?limit=10&cursor={cursor}")
            found += page["facts"]
            cursor = page["next"]
            if cursor is None:
                break
    assert len(found) == len({each["position"] for each in found}) == total
    instants = [each["recorded_at"] for each in found]
    assert instants == sorted(instants, reverse=True)


async def test_facts_are_found_by_order_person_and_kind_and_by_nothing_else(served: Served) -> None:
    id, other = await served.place("A1"), await served.place("A2")
    async with served.client(*Scope) as client:
        for each in (id, other):
            await client.post(f"{API}/orders/{each}/hold", json={"hold": "review"})
        by_person = await get(client, "/audit/facts?operator=key-0&fact=HoldPlaced")
        assert {each["aggregate"] for each in by_person["facts"]} == {id, other}
        of_order = await get(client, f"/audit/facts?order={id}&fact=HoldPlaced")
        assert [each["aggregate"] for each in of_order["facts"]] == [id]
        assert (await get(client, "/audit/facts?fact=NoSuchFact"))["facts"] == []
        assert (await get(client, "/audit/facts?until=2026-01-01T00:00:00Z"))["facts"] == []
        await refused(await client.get(f"{API}/audit/facts?cursor=x"), 422, "invalid-field")
        await refused(await client.get(f"{API}/audit/facts?order=DY0"), 404, "unknown-id")


async def test_everything_is_checked_on_request_once_at_a_time(served: Served) -> None:
    await served.place()
    for router in routers_of(served.centre):
        served.app.include_router(router)
    async with served.client(*Scope) as client:
        assert (await get(client, "/audit/verify"))["state"] == "never"
        begun = await client.post(f"{API}/audit/verify")
        assert (begun.status_code, begun.json()["by"]) == (202, "key-0")
        await refused(await client.post(f"{API}/audit/verify"), 409, "already-verifying")
        for _ in range(600):
            told = await get(client, "/audit/verify")
            if told["state"] != "running":
                break
            await asyncio.sleep(0.1)
        assert (told["state"], told["clean"], told["findings"]) == ("done", True, [])
        assert told["rows"] > 0 and told["ended_at"] is not None
