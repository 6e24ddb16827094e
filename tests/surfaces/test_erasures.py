"""Promises of the API that forgets people: only a key of scope `erase` may, looking changes nothing, and neither
answers nor refusals repeat what was asked.
"""

from collections.abc import AsyncIterator

import pytest
from tests.surfaces.conftest import ALL, API, Served, refused, rows_of

from tongdan.surfaces.http.erasures import router_of
from tongdan.surfaces.http.keys import Scope

PHONE = "13800000000"  # of whoever `place` orders for


@pytest.fixture
async def erasing(served: Served) -> AsyncIterator[Served]:
    served.app.include_router(router_of(served.centre.erasure))
    yield served


async def test_looking_changes_nothing_and_erasing_is_for_good(erasing: Served) -> None:
    order = await erasing.place()
    before = rows_of(erasing)
    async with erasing.client(Scope.ERASE) as client:
        answer = await client.post(f"{API}/erasures/preview", json={"phone": PHONE})
        assert answer.status_code == 200, answer.text
        assert [each["order"] for each in answer.json()["orders"]] == [order]
        assert PHONE not in answer.text
        assert rows_of(erasing) == before
        done = await client.post(f"{API}/erasures", json={"subjects": [order, "MP20260127000001"]})
        assert done.json() == {
            "orders": [order], "quarantined": [], "pending": [], "unknown": ["MP20260127000001"], "scrubbed": True
        }  # fmt: skip
        assert rows_of(erasing) == before + 1
        again = await client.post(f"{API}/erasures/preview", json={"phone": PHONE})
        assert again.json() == {"orders": [], "possible": [], "quarantined": [], "erased": [], "unknown": []}
    assert erasing.centre.reads.person(order) is None


async def test_other_keys_and_wrong_bodies_are_refused_by_name(erasing: Served) -> None:
    order = await erasing.place()
    before = rows_of(erasing)
    others = [scope for scope in ALL if scope is not Scope.ERASE]
    for path, body in (("/preview", {"phone": PHONE}), ("", {"subjects": [order]})):
        async with erasing.client(*others) as client:
            await refused(await client.post(f"{API}/erasures{path}", json=body), 403, "not-allowed")
        async with erasing.stranger() as client:
            await refused(await client.post(f"{API}/erasures{path}", json=body), 401, "no-api-key")
    async with erasing.client(Scope.ERASE) as client:
        await refused(await client.post(f"{API}/erasures/preview", json={}), 422, "nobody-named")
        answer = await client.post(f"{API}/erasures/preview", json={"phone": PHONE * 9})
        await refused(answer, 422, "invalid-field")
        assert PHONE not in answer.text
        await refused(await client.post(f"{API}/erasures", json={"subjects": []}), 422, "invalid-field")
    assert rows_of(erasing) == before
    assert erasing.centre.reads.person(order) is not None
