"""What the page of an order asks for: bands, belongings, permitted actions, proof."""

from typing import Any

from tests.surfaces.conftest import ALL, API, SKU, Served, get, refused, rows_of

from tongdan.domain.orders.commands import RecordPayment
from tongdan.ports import Accepted, Inbound
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.permitted import WORDS


async def paid(served: Served) -> str:
    """An order that has left for its warehouse."""
    await served.stock(10)
    id, now = await served.place(), served.centre.clock.now()
    command = RecordPayment(order=id, attempt=1, transaction="T-1", amount_fen=6_080, paid_at=now)
    message = Inbound(
        command=command, key=("pay", id), source="test", shop="mp-main", happened_at=now, raw=b"{}"
    )
    assert isinstance(await served.centre.bus.ask(message), Accepted)
    await served.centre.quiet()
    return id


def by_name(answer: Any) -> dict[str, Any]:
    return {each["name"]: each for each in answer["actions"]}


async def test_bands_tell_each_system_and_whether_anything_has_happened(served: Served) -> None:
    id = await paid(served)
    async with served.client(*ALL) as client:
        found = await get(client, f"/orders/{id}/bands")
        facts = (await get(client, f"/orders/{id}/timeline"))["facts"]
        assert facts[found["rows"] - 1]["position"] == found["position"]  # more may have come since
        told = {band["system"]: [span["name_zh"] for span in band["spans"]] for band in found["bands"]}
        assert told["centre"] == ["待付款", "已下发"]
        assert told["payment"][-1] == "已付款"
        await client.post(f"{API}/orders/{id}/comment", json={"text": "rings twice"})
        assert (await get(client, f"/orders/{id}/bands"))["rows"] > len(facts)


async def test_what_may_be_asked_is_what_is_taken_and_the_rest_says_why(served: Served) -> None:
    id = await served.place()
    async with served.client(*ALL) as client:
        before = rows_of(served)
        found = by_name(await get(client, f"/orders/{id}/actions"))
        assert list(found) == list(WORDS)
        assert rows_of(served) == before  # asking commits nothing
        may = {name for name, each in found.items() if each["refusal"] is None}
        assert may == {"hold", "cancel", "address", "amount"}
        assert found["lift-hold"]["refusal"]["error"] == "nothing-to-act-on"
        refund = await client.post(f"{API}/orders/{id}/refund", json={"reason": "-"})
        assert refund.json() == found["refund"]["refusal"]
        assert found["cancel"]["facts"][0]["zh"].startswith("已取消")
        await client.post(f"{API}/orders/{id}/hold", json={"hold": "review"})
        lift = by_name(await get(client, f"/orders/{id}/actions"))["lift-hold"]
        assert (lift["refusal"], [each["about"] for each in lift["choices"]]) == (None, ["review"])


async def test_who_may_not_act_is_told_which_scope_is_missing(served: Served) -> None:
    id = await served.place()
    async with served.client(Scope.READ) as client:
        found = by_name(await get(client, f"/orders/{id}/actions"))
        assert {each["refusal"]["error"] for each in found.values()} == {"not-allowed"}


async def test_what_belongs_to_an_order_is_with_it(served: Served) -> None:
    id = await paid(served)
    async with served.client(*ALL) as client:
        found = await get(client, f"/orders/{id}/belongings")
        (shipment,) = found["shipments"]
        assert (shipment["id"], shipment["orders"], shipment["units"]) == (f"{id}-S1", [id], {SKU: 2})
        assert found["after_sales"] == []
        may = by_name(await get(client, f"/orders/{id}/actions"))
        assert [each["about"] for each in may["intercept"]["choices"]] == [f"{id}-S1"]


async def test_an_order_is_proven_on_demand(served: Served) -> None:
    id = await paid(served)
    async with served.client(Scope.READ) as client:
        found = await get(client, f"/orders/{id}/proof")
        assert (found["sound"], found["folds"], found["archived"]) == (True, True, 0)
        assert {link["agrees"] for link in found["links"]} == {True}
        for path in ("bands", "belongings", "actions", "proof"):
            await refused(await client.get(f"{API}/orders/DY20260127000892/{path}"), 404, "unknown-id")
