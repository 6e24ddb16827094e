"""Promises of the API around slots: everybody who reads sees where they lie, an operator moves them."""

from tests.surfaces.conftest import API, Served, get, refused

from tongdan.ports import Clock
from tongdan.surfaces.http import slots
from tongdan.surfaces.http.keys import Scope


async def test_a_slot_is_moved_by_an_operator(served: Served) -> None:
    served.app.include_router(slots.router_of(served.centre.mover))
    async with served.client(Scope.READ) as client:
        places = await get(client, "/slots")
        assert [len(shard["slots"]) for shard in places["shards"]] == [64] * 4
        await refused(await client.post(f"{API}/slots/17/move", json={"to": 3}), 403, "not-allowed")
    async with served.client(Scope.READ, Scope.OPERATE) as client:
        begun = await client.post(f"{API}/slots/17/move", json={"to": 3})
        assert (begun.status_code, begun.json()["phase"]) == (202, "copying")
        clock: Clock = served.centre.clock
        while (move := (await get(client, "/slots"))["moves"][0])["phase"] not in ("done", "failed"):
            await clock.sleep(0.01)
        assert (move["phase"], move["why"]) == ("done", "")
        assert 17 in (await get(client, "/slots"))["shards"][3]["slots"]
        await refused(await client.post(f"{API}/slots/17/move", json={"to": 3}), 409, "slot-already-there")
        await refused(await client.post(f"{API}/slots/17/move", json={"to": 9}), 422, "no-such-slot")
