"""Refunds over the API: each party marks once, nobody for both, and what waits for whom is listed."""

import httpx
from tests.surfaces.conftest import API, Served, eventually, refused, rows_of
from tests.surfaces.test_api import pay

from tongdan.adapters.clock import SystemEntropy
from tongdan.domain.orders.model import Order
from tongdan.surfaces.http.keys import Scope

CENTRE, FINANCE = (Scope.READ, Scope.REFUND), (Scope.READ, Scope.FINANCE)


def owned_by(served: Served, owner: str, *scopes: Scope) -> httpx.AsyncClient:
    """A client with a key of `owner`'s."""
    name = f"key-{len(served.keys.all())}"
    token = served.keys.issue(name, scopes, SystemEntropy(), served.centre.clock.now(), owner)
    return served.stranger({"Authorization": f"Bearer {token}"})


def undone(served: Served, id: str) -> bool:
    order = served.centre.reads.order(id)
    assert isinstance(order, Order)
    return all(each.undone for each in order.confirmations)


async def asked_for(served: Served, owner: str = "ann") -> str:
    """A paid order of which `owner` of the order centre has asked one yuan back."""
    await served.stock(10)
    id = await served.place()
    await pay(served, id)
    async with owned_by(served, owner, *CENTRE) as client:
        answer = await client.post(f"{API}/orders/{id}/refund", json={"amount_fen": 100, "reason": "late"})
        assert answer.status_code == 200, answer.text
    await served.centre.quiet()
    served.centre.views.flush()
    return id


async def test_finance_marks_what_the_order_centre_has_asked_for(served: Served) -> None:
    id = await asked_for(served)
    async with owned_by(served, "bob", *FINANCE) as client:
        (waiting,) = (await client.get(f"{API}/confirmations")).json()
        assert (waiting["id"], waiting["mine"]) == (f"{id}-R1", "finance")
        assert waiting["confirmation"]["missing"] == ["finance"]
        path = f"{API}/orders/{id}/refunds/1/confirm"
        await refused(await client.post(path, json={"amount_fen": 99}), 409, "refund-sum-differs")
        await refused(await client.post(path, json={"party": "centre"}), 403, "not-allowed")
        assert (await client.post(path, json={"amount_fen": 100})).status_code == 200
        order = (await client.get(f"{API}/orders/{id}")).json()
        its = order["refunds"][0]["confirmation"]
        assert [(mark["party"], mark["by"]) for mark in its["marks"]] == [
            ("centre", "ann"),
            ("finance", "bob"),
        ]
        assert its["due_at"] == order["waits_until"]["cooling"]
        await served.centre.quiet()
        served.centre.views.flush()
        assert (await client.get(f"{API}/confirmations")).json() == []


async def test_another_key_of_the_same_owner_is_the_same_person(served: Served) -> None:
    id = await asked_for(served, "ann")
    rows = rows_of(served)
    async with owned_by(served, "ann", *FINANCE) as client:
        assert [each["mine"] for each in (await client.get(f"{API}/confirmations")).json()] == [None]
        marked = await client.post(f"{API}/orders/{id}/refunds/1/confirm", json={})
        await refused(marked, 409, "refund-same-marker")
    assert rows_of(served) == rows


async def test_a_withdrawn_refund_is_undone_by_the_systems_and_waits_for_nobody(served: Served) -> None:
    id = await asked_for(served)
    async with owned_by(served, "bob", *FINANCE) as client:
        path = f"{API}/orders/{id}/refunds/1/withdraw"
        assert (await client.post(path, json={"reason": "found"})).status_code == 200
        await eventually(lambda: undone(served, id))
        served.centre.views.flush()
        order = (await client.get(f"{API}/orders/{id}")).json()
        (refund,) = order["refunds"]
        its = refund["confirmation"]
        assert (refund["stage"], its["undone"], order["owed_fen"]) == ("withdrawn", True, 0)
        assert [(each["partner"], each["undone"]) for each in its["steps"]] == [("finance", True)]
        for list_ in ("confirmations", "recoveries"):
            assert (await client.get(f"{API}/{list_}")).json() == []
        body = {"amount_fen": 100, "reference": "B1"}
        repaid = await client.post(f"{API}/orders/{id}/refunds/1/repayment", json=body)
        await refused(repaid, 404, "no-recovery")
