"""Promises of held orders over the API: listed with their why, done as was shown, marks without values."""

from pathlib import Path

import pytest
from tests.surfaces.conftest import API, Served, get, refused, rows_of

from tongdan.domain.orders.commands import PlaceHold
from tongdan.domain.orders.model import Order
from tongdan.ports import Accepted, Inbound
from tongdan.surfaces.http import holds
from tongdan.surfaces.http.keys import Scope

HOLDS = f"{API}/holds"


@pytest.fixture
async def holding(served: Served) -> Served:
    served.app.include_router(holds.router)
    return served


async def held(served: Served, native: str, hold: str = "review-large") -> str:
    order = await served.place(native)
    now = served.centre.clock.now()
    message = Inbound(
        command=PlaceHold(order=order, hold=hold), key=("hold", native), source="test", shop="", happened_at=now,
        raw=b"",
    )  # fmt: skip
    assert isinstance(await served.centre.bus.ask(message), Accepted)
    await served.centre.quiet()
    served.centre.views.flush()
    return order


async def test_the_list_says_why_in_both_languages_and_takes_filters(holding: Served) -> None:
    order, other = await held(holding, "A1"), await held(holding, "A2", "risk-blacklist")
    async with holding.client(Scope.READ) as client:
        rows = (await get(client, "/holds"))["orders"]
        assert {row["id"] for row in rows} == {order, other}
        (row,) = (await get(client, "/holds?hold=review"))["orders"]
        assert (row["why"], row["why_zh"]) == (["above 20,000 yuan"], ["金额超过 20000 元"])
        assert (await get(client, "/holds?shop=dy-main"))["orders"] == []
        await refused(await client.post(f"{HOLDS}/release", json={}), 403, "not-allowed")


async def test_many_are_let_go_as_was_shown_and_one_that_says_no_stands_in_nobodys_way(
    holding: Served,
) -> None:
    order, other = await held(holding, "A1"), await held(holding, "A2", "risk-blacklist")
    asked = {"orders": [order, other], "hold": "review-large"}
    before = rows_of(holding)
    async with holding.client(Scope.WRITE) as client:
        shown = (await client.post(f"{HOLDS}/release", json=asked)).json()
        assert [each["what"] for each in shown["outcomes"]] == ["waiting", "refused"]
        assert rows_of(holding) == before
        done = (await client.post(f"{HOLDS}/release", json={**asked, "apply": True})).json()
        assert done == shown | {"applied": True}
        cancelled = await client.post(
            f"{HOLDS}/cancel", json={"orders": [order, other], "reason": "fraud", "apply": True}
        )
        assert [each["what"] for each in cancelled.json()["outcomes"]] == ["cancelled"] * 2
    for id in (order, other):
        state = holding.centre.reads.order(id)
        assert isinstance(state, Order) and state.cancelled


async def test_the_same_request_is_done_once(holding: Served) -> None:
    order = await held(holding, "A1")
    asked = {"orders": [order], "hold": "review-large", "apply": True}
    async with holding.client(Scope.WRITE) as client:
        headers = {"Idempotency-Key": "k-1"}
        assert (await client.post(f"{HOLDS}/release", json=asked, headers=headers)).status_code == 200
        before = rows_of(holding)
        await client.post(f"{HOLDS}/release", json=asked, headers=headers)
        assert rows_of(holding) == before


async def test_a_buyer_is_listed_under_a_token_and_the_phone_stands_nowhere(
    holding: Served, tmp_path: Path
) -> None:
    body = {"kind": "phone", "value": "13900001111", "reason": "never pays"}
    async with holding.client(Scope.WRITE, Scope.READ) as client:
        (added,) = (await client.post(f"{HOLDS}/blacklist/add", json=body)).json()["listed"]
        (row,) = (await get(client, "/holds/blacklist"))["listed"]
        assert row["mark"] == added["mark"]
        wrong = await client.post(f"{HOLDS}/blacklist/add", json={**body, "value": "139****1111"})
        await refused(wrong, 422, "no-such-mark")
        assert (await client.post(f"{HOLDS}/blacklist/remove", json=body)).status_code == 200
        assert (await get(client, "/holds/blacklist"))["listed"] == []
    told = "".join(f"{row.body}{row.aggregate}" for row in holding.centre.reads.journal())
    assert "13900001111" not in told
    assert not _stands_in(tmp_path, b"13900001111")


def _stands_in(folder: Path, value: bytes) -> bool:
    return any(value in file.read_bytes() for file in folder.glob("*.sqlite*"))


async def test_a_shipment_that_is_none_cannot_be_intercepted(holding: Served) -> None:
    async with holding.client(Scope.WRITE) as client:
        before = rows_of(holding)
        none = await client.post(f"{API}/shipments/MP20260127000892-S1/intercept", json={"reason": "r"})
        await refused(none, 404, "unknown-id")
        assert rows_of(holding) == before
