"""Stock and quotas over the API: read and pushed by who may, refused by name where there are none."""

import pytest
from tests.surfaces.conftest import API, SKU, Served, get, refused, rows_of

from tongdan.surfaces.http import quotas
from tongdan.surfaces.http.keys import Scope


@pytest.fixture
def shown(served: Served) -> Served:
    served.app.include_router(quotas.router)
    return served


async def test_stock_is_shown_by_warehouse(shown: Served) -> None:
    await shown.place("A1")
    async with shown.client(Scope.READ) as client:
        stock = await get(client, f"/stock/{SKU}")
        assert stock["sku"] == SKU
        assert sum(each["reserved"] for each in stock["warehouses"]) + stock["waiting_units"] > 0
        await refused(await client.get(f"{API}/stock/NOTHING"), 404, "no-such-stock")


async def test_quotas_of_what_is_matched_nowhere_are_refused_and_nothing_is_written(shown: Served) -> None:
    async with shown.client(Scope.READ, Scope.WRITE) as client:
        before = rows_of(shown)
        await refused(await client.get(f"{API}/quotas/{SKU}"), 404, "no-quotas")
        await refused(await client.post(f"{API}/quotas/{SKU}"), 409, "no-quota-rule")
        assert rows_of(shown) == before
