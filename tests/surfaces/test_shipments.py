"""Promises of packing anew over the API: it is shown unless `apply` is said, done once, and refused by name."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.surfaces.conftest import API, SECRETS, Served, refused, rows_of

from tongdan.domain.orders.commands import RecordPayment
from tongdan.flow.repacking import Repacking
from tongdan.ports import Accepted, Inbound
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.push_reference import EXAMPLE_BODY
from tongdan.surfaces.http.shipments import router_of

AMOUNT_FEN = msgspec.json.decode(EXAMPLE_BODY)["amount_fen"]


@pytest.fixture
async def packing(served: Served) -> AsyncIterator[Served]:
    centre = served.centre
    served.app.include_router(router_of(Repacking(centre.reads, centre.policy, centre.clock)))
    await served.stock(50)
    yield served


async def sold(served: Served, native: str) -> str:
    """An order of two units, paid and handed to a warehouse that nobody can reach."""
    order = await served.place(native)
    now = served.centre.clock.now()
    paid = RecordPayment(order=order, attempt=1, transaction=native, amount_fen=AMOUNT_FEN, paid_at=now)
    message = Inbound(command=paid, key=("pay", native), source="test", shop="", happened_at=now, raw=b"{}")
    assert isinstance(await served.centre.bus.ask(message), Accepted)
    await served.centre.quiet()
    return order


async def test_a_merge_is_shown_then_done_and_the_journal_says_who(packing: Served) -> None:
    a, b = await sold(packing, "A1"), await sold(packing, "A2")
    before = rows_of(packing)
    async with packing.client(Scope.WRITE) as client:
        shown = await client.post(f"{API}/shipments/merge", json={"orders": [a, b]})
        assert shown.status_code == 200, shown.text
        assert shown.json()["sources"] == [f"{a}-S1", f"{b}-S1"]
        assert shown.json()["done"] is None
        (parcel,) = shown.json()["parcels"]
        assert (parcel["shipment"], [each["units"] for each in parcel["lines"]]) == (f"{a}-S1001", [2, 2])
        assert not any(secret in shown.text for secret in SECRETS)
        assert rows_of(packing) == before
        done = await client.post(f"{API}/shipments/merge", json={"orders": [a, b], "apply": True})
        assert done.json()["done"]["aggregate"] == f"packing/{a}"
        await packing.centre.quiet()
        again = await client.post(f"{API}/shipments/merge", json={"orders": [a, b], "apply": True})
        await refused(again, 409, "cannot-be-called-back")
    (started,) = [row for row in packing.centre.reads.journal() if row.fact == "PackingStarted"]
    assert (started.operator, started.source, started.shop) == ("key-0", "api", "mp-main")
    assert getattr(packing.centre.reads.order(f"{b}-S1"), "called", None) == (a, 1)


async def test_a_split_is_shown_by_line_and_warehouse(packing: Served) -> None:
    a = await sold(packing, "A1")
    parcels = [{"lines": [{"line": 1, "units": 1}]}]
    async with packing.client(Scope.WRITE) as client:
        shown = await client.post(f"{API}/shipments/{a}-S1/split", json={"parcels": parcels})
        told = [[each["units"] for each in parcel["lines"]] for parcel in shown.json()["parcels"]]
        assert told == [[1], [1]]
        parcels[0]["warehouse"] = "NOWHERE"  # type: ignore[assignment]
        wrong = await client.post(f"{API}/shipments/{a}-S1/split", json={"parcels": parcels})
        assert [each["error"] for each in wrong.json()["refused"]] == ["no-such-warehouse"]


async def test_other_keys_and_wrong_requests_are_refused_and_nothing_is_written(packing: Served) -> None:
    a = await sold(packing, "A1")
    before = rows_of(packing)
    body = {"orders": [a, "MP20260127000001"], "apply": True}
    async with packing.client(Scope.READ) as client:
        await refused(await client.post(f"{API}/shipments/merge", json=body), 403, "not-allowed")
    async with packing.stranger() as client:
        await refused(await client.post(f"{API}/shipments/merge", json=body), 401, "no-api-key")
    async with packing.client(Scope.WRITE) as client:
        await refused(await client.post(f"{API}/shipments/merge", json=body), 404, "unknown-id")
        empty: dict[str, object] = {"parcels": [{"lines": []}]}
        await refused(await client.post(f"{API}/shipments/{a}-S1/split", json=empty), 422, "invalid-field")
        undo = await client.post(f"{API}/shipments/{a}-S1/undo", json={"apply": True})
        await refused(undo, 404, "unknown-id")
    assert rows_of(packing) == before
