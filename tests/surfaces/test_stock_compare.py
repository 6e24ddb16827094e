"""Stock beside the WMS's over the API: seen by who may, taken over when asked, and nothing written otherwise."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from tests.surfaces.conftest import API, SKU, Served, refused, rows_of, serving

from tongdan.adapters.clock import SystemClock
from tongdan.adapters.transport import Handler, InProcessTransport
from tongdan.labs.world.bustle import Bustle
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.faults import Faults
from tongdan.labs.world.setting import Names, Setting
from tongdan.labs.world.warehouse import Warehouses
from tongdan.ports import HttpRequest, HttpResponse
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.stock_compare import router_of

ACCOUNT = {"app_key": "k", "secret": "secret of the WMS", "customer_id": "C1"}
CODES = ("WH-EAST", "WH-SOUTH", "WH-NORTH")
COMPARE = f"{API}/stock/compare"
EAST = {"warehouse": "WH-EAST"}


def warehouses() -> Warehouses:
    clock = SystemClock()
    nowhere, faults = InProcessTransport({}, clock), Faults(1, clock, 0.0)
    setting = Setting(1, clock, clock, nowhere, "http://centre", faults, Bustle(clock), Names())
    return Warehouses(setting, Carrier(setting), "main", ACCOUNT, CODES, ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def wms() -> Warehouses:
    return warehouses()


@pytest.fixture
async def stocked(tmp_path: Path, wms: Warehouses) -> AsyncIterator[Served]:
    """Ten here and in the books of the first warehouse."""
    hosts: dict[str, Handler] = {"qimen.api.taobao.com": lambda request: wms.handle(request)}
    async with serving(tmp_path, Path("conf"), hosts, {"qimen/main": ACCOUNT}) as served:
        served.app.include_router(router_of(served.centre.stock))
        await served.stock(10)
        wms.shelves.put("WH-EAST", SKU, 10)
        await served.centre.quiet()
        yield served


def row(sku: str, theirs: int | None, ours: int | None, warehouse: str = "WH-EAST") -> dict[str, Any]:
    difference = None if theirs is None else theirs - (ours or 0)
    return {"sku": sku, "warehouse": warehouse, "theirs": theirs, "ours": ours, "difference": difference}


async def compared(client: httpx.AsyncClient, **body: object) -> dict[str, Any]:
    answer = await client.post(COMPARE, json=body)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def test_what_either_side_has_is_compared_and_nothing_is_changed_by_looking(
    stocked: Served, wms: Warehouses
) -> None:
    wms.shelves.put("WH-EAST", SKU, 7)
    wms.shelves.put("WH-SOUTH", "HAT", 4)
    before = rows_of(stocked)
    async with stocked.client(Scope.OPERATE) as client:
        said = await compared(client)
        assert said == {
            "rows": [row(SKU, 7, 10), row("HAT", 4, None, "WH-SOUTH")], "adopted": 0, "refused": []
        }  # fmt: skip
        named = await compared(client, **EAST, skus=[SKU, "HAT", SKU])
        assert named["rows"] == [row("HAT", None, None), row(SKU, 7, 10)]
    assert rows_of(stocked) == before


async def test_their_numbers_are_taken_over_as_counts_in_the_callers_name_and_once(
    stocked: Served, wms: Warehouses
) -> None:
    wms.shelves.put("WH-EAST", SKU, 7)
    wms.shelves.put("WH-EAST", "HAT", 4)
    wms.shelves.put("WH-EAST", "CUP", 0)
    async with stocked.client(Scope.OPERATE) as client:
        first = await compared(client, **EAST, adopt=True)
        assert (first["rows"], first["adopted"], first["refused"]) == (
            [row("CUP", 0, None), row("HAT", 4, None), row(SKU, 7, 10)], 3, [],
        )  # fmt: skip
        await stocked.centre.quiet()
        before = rows_of(stocked)
        again = await compared(client, **EAST, adopt=True)
        assert ([each["difference"] for each in again["rows"]], again["adopted"]) == ([0, 0, 0], 0)
    assert rows_of(stocked) == before
    counted = [each for each in stocked.centre.reads.journal() if each.source == "wms/stock"]
    assert {(each.fact, each.operator) for each in counted} == {("StockCounted", "key-0")}
    assert len(counted) == 3


async def test_what_the_warehouse_does_not_name_stays_as_it_is(stocked: Served, wms: Warehouses) -> None:
    wms.shelves = type(wms.shelves)()  # type: ignore[misc]
    before = rows_of(stocked)
    async with stocked.client(Scope.OPERATE) as client:
        said = await compared(client, **EAST, adopt=True)
    assert (said["rows"], said["adopted"]) == ([row(SKU, None, 10)], 0)
    assert rows_of(stocked) == before


async def test_a_listing_of_several_pages_is_read_to_its_end(stocked: Served, wms: Warehouses) -> None:
    for n in range(120):  # with a damaged one beside each: three pages
        wms.shelves.put("WH-EAST", f"S{n:03d}", n)
    async with stocked.client(Scope.OPERATE) as client:
        rows = (await compared(client, **EAST))["rows"]
    assert [each["theirs"] for each in rows] == [*range(120), 10]


async def test_a_listing_that_repeats_itself_is_refused_and_nothing_is_taken_over(
    stocked: Served, wms: Warehouses
) -> None:
    page = wms.shelves.listing("WH-EAST", SKU, 1, 100, {}).replace(b"<totalCount>2<", b"<totalCount>200<")

    async def same(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {}, page.replace(b">10<", b">3<"))

    wms.handle = same  # type: ignore[method-assign]
    before = rows_of(stocked)
    async with stocked.client(Scope.OPERATE) as client:
        await refused(await client.post(COMPARE, json={**EAST, "adopt": True}), 503, "stock-unavailable")
    assert rows_of(stocked) == before


async def test_a_wms_that_says_no_is_named_with_its_reason(stocked: Served, wms: Warehouses) -> None:
    wms._account = {**ACCOUNT, "secret": "another"}  # type: ignore[misc]
    before = rows_of(stocked)
    async with stocked.client(Scope.OPERATE) as client:
        answer = await client.post(COMPARE, json={**EAST, "adopt": True})
        await refused(answer, 503, "stock-unavailable")
        assert "sign-check-failure" in answer.json()["message"]
    assert rows_of(stocked) == before


async def test_where_no_wms_tells_its_stock_or_none_is_meant_it_is_refused(stocked: Served) -> None:
    before = rows_of(stocked)
    del stocked.centre.stock._actors["wms/WH-NORTH"]
    async with stocked.client(Scope.OPERATE) as client:
        await refused(await client.post(COMPARE, json={"warehouse": "WH-NORTH"}), 409, "no-stock-query")
        await refused(await client.post(COMPARE, json={"warehouse": "WH-WEST"}), 404, "unknown-warehouse")
        await refused(await client.post(COMPARE, json={"skus": ["S"] * 101}), 422, "invalid-field")
        await refused(await client.post(COMPARE, json={"skus": [" "]}), 422, "invalid-field")
    async with stocked.client(Scope.READ, Scope.WRITE) as client:
        await refused(await client.post(COMPARE, json={}), 403, "not-allowed")
    assert rows_of(stocked) == before
