"""Promises of orders entered by hand: every wrong field is named at once, nothing is written then, a request sent twice
makes one order, and who entered it is on record.
"""

from typing import Any

import pytest
from tests.surfaces.conftest import API, SECRETS, SKU, Served, get, refused, rows_of

from tongdan.domain.catalog.commands import DefineSku
from tongdan.domain.catalog.model import Description
from tongdan.domain.kernel.messages import Command
from tongdan.domain.orders.model import Order
from tongdan.ports import Accepted, Inbound
from tongdan.surfaces.http.keys import Principal, Scope
from tongdan.surfaces.manual_orders import SOURCE

PATH = f"{API}/orders/manual"
BODY: dict[str, Any] = {
    "shop": "mp-main",
    "lines": [{"sku": SKU, "units": 2, "amount_fen": 12_000}],
    "receiver": {
        "name": "张三", "phone": "13800000000", "province": "浙江省", "city": "杭州市", "district": "",
        "detail": "文三路 1 号",
    },
    "amount_fen": 12_500,
    "freight_fen": 500,
    "payment": "transfer",
    "reference": "T-1",
    "reason": "电话下单",
}  # fmt: skip


async def tell(served: Served, command: Command) -> None:
    message = Inbound(
        command=command, key=("test", repr(command)), source="test", shop="", happened_at=served.centre.clock.now(),
        raw=b"",
    )  # fmt: skip
    assert isinstance(await served.centre.bus.ask(message), Accepted)
    await served.centre.quiet()


def order_of(served: Served, id: str) -> Order:
    order = served.centre.reads.order(id)
    assert isinstance(order, Order)
    return order


async def test_an_order_is_entered_paid_and_released_and_who_did_it_is_on_record(served: Served) -> None:
    await served.stock(5)
    async with served.client(Scope.OPERATE, Scope.READ) as client:
        answer = await client.post(PATH, json=BODY)
        assert answer.status_code == 200, answer.text
        id = answer.json()["aggregate"]
        await served.centre.quiet()
        first = (await get(client, f"/orders/{id}/timeline"))["facts"][0]
        shown = await get(client, f"/orders/{id}")
    order = order_of(served, id)
    assert (order.amount_fen, len(order.shipments), order.native[:3]) == (12_500, 1, "SG-")
    assert [(each.transaction, each.amount_fen) for each in order.payments] == [("T-1", 12_500)]
    assert (first["fact"], first["source"], first["operator"]) == ("OrderCreated", SOURCE, "key-0")
    assert not any(secret in str(shown) + repr(order) for secret in SECRETS)


async def test_a_request_sent_twice_makes_one_order_and_another_makes_another(served: Served) -> None:
    await served.stock(9)
    async with served.client(Scope.OPERATE) as client:
        said = [
            (await client.post(PATH, json=BODY, headers={"Idempotency-Key": key})).json()
            for key in ("k1", "k1", "k2")
        ]
    assert [each["duplicate"] for each in said] == [False, True, False]
    assert said[0]["aggregate"] == said[1]["aggregate"] != said[2]["aggregate"]


async def test_a_number_of_ones_own_is_given_once(served: Served) -> None:
    await served.stock(9)
    async with served.client(Scope.OPERATE) as client:
        body = {**BODY, "number": "PHONE-1"}
        first = (await client.post(PATH, json=body)).json()
        assert (await client.post(PATH, json=body)).json()["aggregate"] == first["aggregate"]
        rows = rows_of(served)
        other = {**body, "receiver": {**BODY["receiver"], "phone": "13900000000"}}
        await refused(await client.post(PATH, json=other), 409, "order-number-reused")
        dearer = {**body, "lines": [{**BODY["lines"][0], "amount_fen": 12_100}], "amount_fen": 12_600}
        await refused(await client.post(PATH, json=dearer), 409, "order-number-reused")
    assert rows_of(served) == rows


WRONG: dict[str, dict[str, Any]] = {
    "shop": {"shop": "dy-main"},
    "lines.0.sku": {"lines": [{"sku": "NO-SUCH", "units": 2, "amount_fen": 12_000}]},
    "lines": {"lines": [], "amount_fen": 500},
    "receiver.phone": {"receiver": {**BODY["receiver"], "phone": "12"}},
    "receiver.province": {"receiver": {**BODY["receiver"], "province": "Zhejiang"}},
    "receiver.detail": {"receiver": {**BODY["receiver"], "detail": "1 号"}},
    "amount_fen": {"amount_fen": 12_000},
    "payment": {"payment": "wechat"},
    "reference": {"reference": ""},
    "paid_at": {"paid_at": "2099-01-01T00:00:00Z"},
    "reason": {"reason": " "},
}


@pytest.mark.parametrize("field", WRONG)
async def test_what_is_wrong_is_named_and_nothing_is_written(served: Served, field: str) -> None:
    await served.stock(5)
    rows = rows_of(served)
    async with served.client(Scope.OPERATE) as client:
        body = {**BODY, **WRONG[field]}
        problems = (await client.post(f"{PATH}/preview", json=body)).json()["problems"]
        assert [each["field"] for each in problems] == [field]
        await refused(await client.post(PATH, json=body), 422, problems[0]["error"])
    assert rows_of(served) == rows


async def test_all_that_is_wrong_is_named_at_once(served: Served) -> None:
    body = {**BODY, "lines": [{"sku": "NO-SUCH", "units": 1, "amount_fen": 0}], "receiver": {}, "reason": ""}
    async with served.client(Scope.OPERATE) as client:
        problems = (await client.post(f"{PATH}/preview", json=body)).json()["problems"]
    receiver = [f"receiver.{name}" for name in ("name", "phone", "province", "city", "detail")]
    assert [each["field"] for each in problems] == ["lines.0.sku", *receiver, "amount_fen", "reason"]


async def test_what_one_buyer_may_have_is_counted_before_the_order_is_placed(served: Served) -> None:
    await tell(served, DefineSku(sku=SKU, description=Description(title="龙井", limit_units=3)))
    await served.stock(9)
    async with served.client(Scope.OPERATE) as client:
        done = await client.post(PATH, json=BODY, headers={"Idempotency-Key": "k"})
        await served.centre.quiet()
        rows = rows_of(served)
        again = await client.post(PATH, json=BODY, headers={"Idempotency-Key": "k"})
        assert (again.status_code, again.json()["duplicate"]) == (200, True)
        await refused(await client.post(PATH, json=BODY), 422, "purchase-limit")
        assert rows_of(served) == rows
        other = {**BODY, "receiver": {**BODY["receiver"], "phone": "13900000000"}}
        assert (await client.post(PATH, json=other)).status_code == 200
    order = order_of(served, done.json()["aggregate"])
    assert (order.cancelled, order.lines[0].line.title) == (False, "龙井")


async def test_what_is_no_longer_sold_is_refused_and_not_offered(served: Served) -> None:
    await tell(served, DefineSku(sku=SKU, description=Description(title="龙井", active=False)))
    async with served.client(Scope.OPERATE) as client:
        await refused(await client.post(PATH, json=BODY), 422, "sku-not-sold")
        assert await get(client, "/orders/manual/skus?text=TEA") == []


async def test_goods_are_found_by_code_and_title_with_what_is_available(served: Served) -> None:
    await served.stock(5)
    await tell(served, DefineSku(sku="CUP", description=Description(title="青瓷茶杯", limit_units=2)))
    async with served.client(Scope.OPERATE) as client:
        for text, codes in (
            ("TEA", [SKU]),
            (SKU, [SKU]),
            ("茶杯", ["CUP"]),
            ("", ["CUP", SKU]),
            ("none", []),
        ):
            found = await get(client, f"/orders/manual/skus?text={text}")
            assert [each["sku"] for each in found] == codes
        tea = (await get(client, "/orders/manual/skus?text=TEA"))[0]
        assert (tea["available_units"], sum(tea["warehouses"].values())) == (5, 5)
        shown = (await client.post(f"{PATH}/preview", json={**BODY, "lines": BODY["lines"] * 3})).json()
        assert shown["short"] == [SKU]


async def test_rules_that_would_hold_it_are_foreseen(served: Served) -> None:
    await served.stock(5)
    body = {**BODY, "lines": [{"sku": SKU, "units": 1, "amount_fen": 9_000_000}], "amount_fen": 9_000_500}
    async with served.client(Scope.OPERATE) as client:
        shown = (await client.post(f"{PATH}/preview", json=body)).json()
        assert [each["fact"] for each in shown["foreseen"]] == ["HeldByRule"]
        id = (await client.post(PATH, json=body)).json()["aggregate"]
    assert order_of(served, id).holds


async def test_who_works_for_other_shops_enters_nothing(served: Served) -> None:
    rows = rows_of(served)
    narrowed = Principal("li", frozenset(Scope), "admin", frozenset({"dy-main"}))
    served.keys.check = lambda token: narrowed  # type: ignore[method-assign]
    async with served.stranger({"Authorization": "Bearer x"}) as client:
        await refused(await client.post(PATH, json=BODY), 403, "not-all-shops")
        await refused(await client.post(f"{PATH}/preview", json=BODY), 403, "not-all-shops")
        assert await get(client, "/orders/manual/shops") == []
    assert rows_of(served) == rows
