"""Every endpoint × every role and scope; what somebody sees and may do who works for some shops only; refund limits."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from tests.surfaces.conftest import API, SKU, Served, refused, rows_of

from tongdan.cli.service import routers_of
from tongdan.surfaces.http.access import Right
from tongdan.surfaces.http.app import create_app
from tongdan.surfaces.http.keys import Principal, Scope
from tongdan.surfaces.http.members import ROLES, Role
from tongdan.surfaces.http.parts import parts_of

PASSWORD = "correct horse battery"

# Whoever is not signed in may ask these.
OPEN = {
    "GET /widget/v1/orders/{token}",  # its token is its right
    "GET /session", "POST /session", "DELETE /session", "GET /sign-in/oidc", "GET /sign-in/oidc/callback",
    "GET /sign-in/oidc/leave", "GET /enter", "GET /api/v1/health", "GET /docs",
}  # fmt: skip
# They read the machinery and nothing of any shop, past the parts that are narrowed.
LEFT_OUT = {"POST /api/v1/members/self/password"}  # all may ask it, of themselves
NOT_RUN = {
    "GET /api/v1/live/board",
    "POST /api/v1/audit/verify",
    "POST /api/v1/health/scan",
}  # without end, or long
OF_NO_SHOP = {"GET /api/v1/archive", "GET /api/v1/slots"}


@pytest.fixture
def whole(served: Served) -> FastAPI:
    """The API with all that `tongdan serve` serves."""
    return create_app(served.parts, routers=routers_of(served.centre))


def endpoints(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    for each in iter_route_contexts(app.routes):
        if isinstance(each.original_route, APIRoute):
            for method in sorted(each.methods or ()):
                yield f"{method} {each.path}", each.original_route


def calls(dependant: Dependant) -> Iterator[object]:
    for each in dependant.dependencies:
        yield each.call
        yield from calls(each)


def right_of(route: APIRoute) -> Right | None:
    return next((call for call in calls(route.dependant) if isinstance(call, Right)), None)


@asynccontextmanager
async def known_as(served: Served, app: FastAPI, who: Principal) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose caller is `who`, as a key or a session would make it."""
    served.parts.keys.check = lambda token: who  # type: ignore[method-assign]
    headers = {"Authorization": "Bearer x"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://c", headers=headers) as client:
        yield client


async def asked(client: httpx.AsyncClient, name: str, route: APIRoute, id: str = "x") -> httpx.Response:
    path = name.partition(" ")[2]
    for param in route.dependant.path_params:
        path = path.replace(f"{{{param.name}:path}}", id).replace(f"{{{param.name}}}", id)
    return await client.request(name.partition(" ")[0], path, json={})


async def test_every_endpoint_states_a_right_or_is_open_by_name(whole: FastAPI) -> None:
    found = dict(endpoints(whole))
    assert len(found) > 60
    assert {name for name, route in found.items() if right_of(route) is None} == OPEN


async def test_every_endpoint_reads_what_is_narrowed_or_needs_all_shops(whole: FastAPI) -> None:
    past = set()
    for name, route in endpoints(whole):
        right = right_of(route)
        if right is not None and not right.everywhere and parts_of not in set(calls(route.dependant)):
            past.add(name)
    assert past == OF_NO_SHOP


CALLERS = [
    *[Principal(role, scopes, role) for role, scopes in ROLES.items()],
    *[Principal(f"{scope}-key", frozenset({scope})) for scope in Scope],
]


@pytest.mark.parametrize("who", CALLERS, ids=lambda who: who.name)
async def test_each_caller_is_refused_exactly_what_its_scopes_do_not_reach(
    served: Served, whole: FastAPI, who: Principal
) -> None:
    wrong, rows = [], rows_of(served)
    async with known_as(served, whole, who) as client:
        for name, route in endpoints(whole):
            right = right_of(route)
            reached = right is not None and bool(who.scopes.intersection(right.scopes))
            if right is None or name in LEFT_OUT or (reached and name in NOT_RUN):
                continue
            answer = await asked(client, name, route)
            no = answer.status_code == 403 and answer.json()["error"] == "not-allowed"
            if no is reached:
                wrong.append((name, answer.status_code))
    assert wrong == []
    assert rows_of(served) == rows


async def test_without_a_key_every_endpoint_says_so(served: Served, whole: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(whole), base_url="http://c") as client:
        for name, route in endpoints(whole):
            if name not in OPEN:
                await refused(await asked(client, name, route), 401, "no-api-key")


def test_who_may_do_what() -> None:
    holders = {scope: {role for role in Role if scope in ROLES[role]} for scope in Scope}
    assert holders[Scope.REFUND] == {Role.OPERATIONS, Role.FINANCE, Role.ADMIN}
    assert holders[Scope.PACK] == {Role.OPERATIONS, Role.WAREHOUSE, Role.ADMIN}
    assert holders[Scope.REVEAL] == {Role.SERVICE, Role.ADMIN}
    assert holders[Scope.COST] == {Role.OPERATIONS, Role.FINANCE, Role.ADMIN}
    assert holders[Scope.ERASE] == holders[Scope.MANAGE] == {Role.ADMIN}


def working_for(*shops: str) -> Principal:
    return Principal("li", frozenset(Scope), Role.ADMIN, frozenset(shops))


def working_in(*warehouses: str) -> Principal:
    return Principal("zhao", frozenset(Scope), Role.ADMIN, warehouses=frozenset(warehouses))


@pytest.mark.parametrize(
    "who", [working_for("dy-flagship"), working_in("WH-SOUTH", "WH-NORTH")], ids=("shop", "warehouse")
)
async def test_what_lies_elsewhere_is_not_there_whatever_is_asked(
    served: Served, whole: FastAPI, who: Principal
) -> None:
    await served.stock(5)
    id = await served.place("A77")
    await asyncio.sleep(0.6)  # lists come from a view
    rows = rows_of(served)
    async with known_as(served, whole, who) as client:
        for name, route in endpoints(whole):
            if right_of(route) is not None and name not in LEFT_OUT | NOT_RUN:
                text = (await asked(client, name, route, id)).text
                assert "A77" not in text and f'"{id}"' not in text, name
                assert not who.shops or "mp-main" not in text, name
        bodies = {
            "hold": {"hold": "review"}, "cancel": {"reason": "x"}, "amount": {"amount_fen": 1, "reason": "x"},
            "refund": {"reason": "x"}, "reissue": {"lines": [{"line": 1, "units": 1}], "reason": "x"},
        }  # fmt: skip
        for what, body in bodies.items():
            await refused(await client.post(f"{API}/orders/{id}/{what}", json=body), 404, "unknown-id")
        shipment = f"{API}/shipments/{id}-S1/intercept"
        await refused(await client.post(shipment, json={"reason": "x"}), 404, "unknown-id")
        merge = {"orders": [id, id], "apply": True}
        await refused(await client.post(f"{API}/shipments/merge", json=merge), 404, "unknown-id")
        bar = {"kind": "phone", "value": "13800000000", "reason": "x"}
        await client.post(f"{API}/holds/blacklist/add", json=bar)
    assert rows_of(served) == rows


async def test_ones_own_shops_are_seen_and_acted_on(served: Served, whole: FastAPI) -> None:
    id = await served.place()
    async with known_as(served, whole, working_for("mp-main", "dy-flagship")) as client:
        await asyncio.sleep(0.6)  # lists come from a view
        listed = (await client.get(f"{API}/orders")).json()["orders"]
        assert [each["id"] for each in listed] == [id]
        assert (await client.get(f"{API}/orders?shop=ks-main")).json()["orders"] == []
        assert (await client.get(f"{API}/orders/{id}/timeline")).json()["facts"]
        assert (await client.post(f"{API}/orders/{id}/hold", json={"hold": "x"})).status_code == 200
        assert (await client.get(f"{API}/audit/export")).text.count("\n") > 0


async def test_what_lies_in_ones_own_warehouse_is_seen_and_acted_on(served: Served, whole: FastAPI) -> None:
    await served.stock(5)
    id = await served.place()
    await asyncio.sleep(0.6)  # lists come from a view
    east, south = working_in("WH-EAST"), working_in("WH-SOUTH")
    async with known_as(served, whole, east) as client:
        assert [each["id"] for each in (await client.get(f"{API}/orders")).json()["orders"]] == [id]
        assert (await client.get(f"{API}/orders?warehouse=WH-SOUTH")).json()["orders"] == []
        assert (await client.get(f"{API}/orders?count=true")).json()["count"] == 1
        assert (await client.get(f"{API}/orders/{id}/timeline")).json()["facts"]
        assert (await client.get(f"{API}/audit/facts")).json()["facts"]
        number = {"channel": "MP", "shop": "mp-main", "native": "A1"}
        assert (await client.get(f"{API}/orders/lookup", params=number)).json()["id"] == id
        board = (await client.get(f"{API}/board")).json()
        assert [each["id"] for each in board["warehouses"]] == ["WH-EAST"]
        assert sum(cell["orders"] for each in board["channels"] for cell in each["cells"]) == 1
        stock = (await client.get(f"{API}/stock/{SKU}")).json()
        assert [each["warehouse"] for each in stock["warehouses"]] == ["WH-EAST"]
        assert (await client.post(f"{API}/orders/{id}/hold", json={"hold": "x"})).status_code == 200
    async with known_as(served, whole, south) as client:
        board = (await client.get(f"{API}/board")).json()
        assert sum(cell["orders"] for each in board["channels"] for cell in each["cells"]) == 0
        assert (await client.get(f"{API}/orders?count=true")).json()["count"] == 0
        assert (await client.get(f"{API}/stock/{SKU}")).json()["warehouses"] == []
        assert (await client.get(f"{API}/audit/facts")).json()["facts"] == []
        assert (await client.get(f"{API}/audit/export")).text.count("\n") <= 1


async def test_what_a_sku_costs_is_shown_to_nobody_who_may_not_see_it(served: Served, whole: FastAPI) -> None:
    boss = Principal("boss", frozenset(Scope), Role.ADMIN)
    blind = Principal("chen", frozenset(Scope) - {Scope.COST}, Role.ADMIN)
    cost = {"costs": [{"sku": "CUP", "cost_fen": 77_123}]}
    async with known_as(served, whole, boss) as client:
        assert (
            await client.put(f"{API}/catalog/skus/CUP", json={"title": "杯", "product": "P"})
        ).status_code == 200
        no = {"costs": [*cost["costs"], {"sku": "POT", "cost_fen": 1}]}
        await refused(await client.post(f"{API}/catalog/costs", json=no), 404, "no-such-sku")
        wrong = {"costs": [{"sku": "CUP", "cost_fen": -1}]}
        await refused(await client.post(f"{API}/catalog/costs", json=wrong), 422, "out-of-range")
        assert (await client.get(f"{API}/catalog/skus/CUP")).json()["cost_fen"] is None
        assert (await client.post(f"{API}/catalog/costs", json=cost)).json() == {"defined": 1}
        await client.put(
            f"{API}/catalog/skus/CUP", json={"title": "茶杯", "product": "P"}
        )  # leaves it as it is
        assert (await client.get(f"{API}/catalog/skus/CUP")).json()["cost_fen"] == 77_123
        assert "77123" in (await client.get(f"{API}/audit/facts")).text
    rows = rows_of(served)
    async with known_as(served, whole, blind) as client:
        await refused(await client.post(f"{API}/catalog/costs", json=cost), 403, "not-allowed")
        for name, route in endpoints(whole):
            if right_of(route) is not None and name not in LEFT_OUT | NOT_RUN:
                for id in ("CUP", "P"):
                    text = (await asked(client, name, route, id)).text
                    assert "77123" not in text and "SkuCosted" not in text, name
        shown = (await client.get(f"{API}/catalog/skus")).json()["skus"]
        assert [each["cost_fen"] for each in shown] == [None]
    assert rows_of(served) >= rows


async def test_what_concerns_all_shops_is_refused_by_name(served: Served, whole: FastAPI) -> None:
    rows = rows_of(served)
    async with known_as(served, whole, working_for("mp-main")) as client:
        await refused(await client.get(f"{API}/members"), 403, "not-all-shops")
        await refused(await client.put(f"{API}/catalog/skus/CUP", json={"title": "x"}), 403, "not-all-shops")
        letter = f"{API}/dead-letters/1.1.1.1/skip"
        await refused(await client.post(letter, json={"reason": "x"}), 403, "not-all-shops")
    assert rows_of(served) == rows


async def test_no_more_goes_back_than_the_members_limit(served: Served, whole: FastAPI) -> None:
    id = await served.place()
    rows = rows_of(served)
    limited = Principal("wang", ROLES[Role.FINANCE], Role.FINANCE, refund_limit_fen=100)
    body = {"amount_fen": 101, "reason": "x"}
    lines = {**body, "lines": [{"line": 1, "units": 1}]}
    async with known_as(served, whole, limited) as client:
        for path, said in (("refund", body), ("refund-lines", lines)):
            await refused(
                await client.post(f"{API}/orders/{id}/{path}", json=said), 403, "above-refund-limit"
            )
        within = await client.post(f"{API}/orders/{id}/refund", json={**body, "amount_fen": 100})
        assert within.status_code == 409  # nothing was paid: the order itself says no
    assert rows_of(served) == rows


async def test_a_refund_limit_is_set_changed_and_taken_away(served: Served, whole: FastAPI) -> None:
    new = {"name": "wang", "role": "finance", "password": PASSWORD, "refund_limit_fen": 100}
    async with known_as(served, whole, Principal("boss", frozenset(Scope), Role.ADMIN)) as boss:
        await boss.post(f"{API}/members", json={**new, "name": "boss", "role": "admin"})
        made = await boss.post(f"{API}/members", json=new)
        assert made.json()["refund_limit_fen"] == 100
        for change, limit_fen in (({"shops": []}, 100), ({"refund_limit_fen": None}, None)):
            changed = await boss.patch(f"{API}/members/wang", json=change)
            assert changed.json()["refund_limit_fen"] == limit_fen
