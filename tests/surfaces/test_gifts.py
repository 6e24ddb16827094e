"""Gift rules over the API: what is in force, and what rules would give to orders, bounded and without changing any."""

from typing import Any

import pytest
from tests.surfaces.conftest import API, SKU, Served, get, refused, rows_of

from tongdan.surfaces.http import gifts
from tongdan.surfaces.http.keys import Scope


@pytest.fixture
def shown(served: Served) -> Served:
    served.app.include_router(gifts.router)
    return served


def rule(**more: Any) -> dict[str, Any]:
    said = {"name": "cup", "name_en": "A cup", "name_zh": "杯子", "gifts": [{"sku": "CUP"}], "units_from": 1}
    return said | more


async def test_the_rules_in_force(shown: Served) -> None:
    async with shown.client(Scope.READ) as client:
        (found,) = (await get(client, "/gifts"))["rules"]
        assert (found["rule"]["name"], found["rule"]["since"], found["given"]) == (
            "socks",
            "2026-10-31T16:00:00Z",
            None,
        )


async def test_what_rules_would_give_to_recent_orders_and_to_one(shown: Served) -> None:
    ids = [await shown.place(native) for native in ("A1", "A2", "A3")]
    async with shown.client(Scope.READ) as client:
        before = rows_of(shown)
        body = {"rules": [rule(limit_times=2)], "orders": ids}
        answer = (await client.post(f"{API}/gifts/preview", json=body)).json()
        assert (answer["orders"], len(answer["would"]), answer["units"]) == (3, 2, {"CUP": 2})
        one = {"rules": [rule(skus=[SKU])], "orders": ids[:1]}
        (would,) = (await client.post(f"{API}/gifts/preview", json=one)).json()["would"]
        assert (would["order"], would["gifts"], would["has"]) == (ids[0], [{"sku": "CUP", "units": 1}], False)
        none = (await client.post(f"{API}/gifts/preview", json={"orders": ids})).json()
        assert (none["orders"], none["would"]) == (3, [])
        assert rows_of(shown) == before


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"since": "2026-11-01T00:00:00"}, "rules.since"),
        ({"units_from": 0}, "rules.units_from"),
        ({"shops": ["nowhere"]}, "rules.shops"),
        ({"at_most_times": 3}, "rules.at_most_times"),
        ({"gifts": [{"sku": "CUP"}, {"sku": "CUP"}]}, "rules.gifts"),
    ],
)
async def test_a_rule_that_cannot_be_meant_is_named(shown: Served, more: dict[str, Any], field: str) -> None:
    async with shown.client(Scope.READ) as client:
        answer = await client.post(f"{API}/gifts/preview", json={"rules": [rule(**more)]})
        await refused(answer, 422, "invalid-field")
        assert field in answer.json()["message"]
