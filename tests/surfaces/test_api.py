"""The JSON API against a whole centre: what is asked is answered from committed state, every no has a name."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from tests.surfaces.conftest import ALL, API, SECRETS, Served, get, refused, rows_of

from tongdan.domain.orders.commands import RecordPayment
from tongdan.domain.orders.model import Order
from tongdan.ports import Accepted, Inbound
from tongdan.surfaces.http import push_reference
from tongdan.surfaces.http.errors import MAX_BODY_BYTES
from tongdan.surfaces.http.keys import Scope

# -- looking


async def test_an_order_can_be_looked_at_as_soon_as_it_is_answered(served: Served) -> None:
    id = await served.place("A1")
    async with served.client(Scope.READ) as client:
        order = await get(client, f"/orders/{id}")
        assert (order["id"], order["native"], order["amount_fen"]) == (id, "A1", 6_080)
        assert order["status"] == {"code": 1, "name": "created", "name_zh": "待付款", "partly": []}
        assert await get(client, "/orders/lookup?channel=MP&shop=mp-main&native=A1") == order


async def test_personal_data_is_masked_until_it_is_asked_for_by_who_may(served: Served) -> None:
    id = await served.place()
    async with served.client(Scope.READ) as client, served.client(Scope.READ, Scope.REVEAL) as privileged:
        for who, path in [(client, ""), (client, "/timeline"), (privileged, ""), (privileged, "/timeline")]:
            shown = json.dumps(await get(who, f"/orders/{id}{path}"), ensure_ascii=False)
            assert not any(secret in shown for secret in SECRETS)
        person = (await get(client, f"/orders/{id}"))["person"]
        assert (person["name"], person["phone"], person["district"]) == ("张**", "138****0000", "西湖区")
        await refused(await client.get(f"{API}/orders/{id}?reveal=true"), 403, "not-allowed")
        await refused(await client.get(f"{API}/orders/{id}/timeline?reveal=true"), 403, "not-allowed")
        revealed = await get(privileged, f"/orders/{id}?reveal=true")
        assert (revealed["person"]["name"], revealed["person"]["phone"]) == ("张三", "13800000000")
        facts = (await get(privileged, f"/orders/{id}/timeline?reveal=true"))["facts"]
        assert facts[0]["raw"] == push_reference.EXAMPLE_BODY.replace("A2026012700001", "A1")
        assert [(f["fact"], f["operator"]) for f in facts[-2:]] == [("PersonRevealed", "key-1")] * 2
        before = rows_of(served)
        await refused(await client.get(f"{API}/orders/{id}?reveal=true"), 403, "not-allowed")
        assert rows_of(served) == before


async def test_what_the_staff_says_stands_on_the_timeline(served: Served) -> None:
    id = await served.place()
    async with served.client(Scope.READ) as client, served.client(*ALL) as writer:
        path, said = f"{API}/orders/{id}/comment", {"text": "the buyer rang: blue paper, please"}
        await refused(await client.post(path, json=said), 403, "not-allowed")
        before = rows_of(served)
        await refused(await writer.post(path, json={"text": "ring 13812345678"}), 422, "comment-names-person")
        assert rows_of(served) == before
        assert (await writer.post(path, json=said)).status_code == 200
        last = (await get(client, f"/orders/{id}/timeline"))["facts"][-1]
        assert (last["sentence"], last["operator"], last["source"]) == (said["text"], "key-1", "api")


async def test_the_timeline_tells_every_fact_with_its_place_in_the_chain(served: Served) -> None:
    id = await served.place()
    async with served.client(*ALL) as client:
        held = await client.post(f"{API}/orders/{id}/hold", json={"hold": "review", "note": "rings twice"})
        facts = (await get(client, f"/orders/{id}/timeline"))["facts"]
        own = [fact for fact in facts if fact["aggregate"] == id]
        assert [fact["version"] for fact in own] == list(range(1, len(own) + 1))
        assert len({fact["hash"] for fact in facts}) == len(facts)
        first, last = own[0], own[-1]
        assert (first["fact"], first["source"], first["operator"]) == (
            "OrderCreated",
            "channel/own",
            "client/mp-main",
        )
        assert (last["fact"], last["source"], last["operator"]) == ("HoldPlaced", "api", "key-0")
        assert last["position"] == held.json()["position"]
        assert (last["sentence"], last["sentence_zh"]) == (
            "held: review rings twice",
            "挂起：review rings twice",
        )


async def test_the_state_as_of_an_instant_is_the_one_recorded_then(served: Served) -> None:
    before = served.centre.clock.now()
    id = await served.place()
    between = served.centre.clock.now()
    async with served.client(*ALL) as client:
        await client.post(f"{API}/orders/{id}/amount", json={"amount_fen": 5_000, "reason": "damaged box"})
        at = between.isoformat()  # its + is not escaped, as people paste it
        assert (await get(client, f"/orders/{id}/as-of?at={at}"))["amount_fen"] == 6_080
        assert (await get(client, f"/orders/{id}"))["amount_fen"] == 5_000
        await refused(
            await client.get(f"{API}/orders/{id}/as-of", params={"at": before.isoformat()}),
            404,
            "not-yet-recorded",
        )
        for wrong in ("2026-01-27", "2026-01-27T15:00:00", "yesterday", "9999-12-31T23:59:59-23:59"):
            answer = await client.get(f"{API}/orders/{id}/as-of", params={"at": wrong})
            await refused(answer, 422, "invalid-field")


@pytest.mark.parametrize("prefix", [API, ""])
async def test_downstream_systems_ask_for_the_status_at_the_path_they_share(
    served: Served, prefix: str
) -> None:
    id = await served.place()
    async with served.client(Scope.READ) as client:
        answer = (await client.get(f"{prefix}/order/{id}/status?sync=1")).json()
        assert (answer["id"], answer["code"], answer["name"], answer["name_zh"]) == (
            id,
            1,
            "created",
            "待付款",
        )
        last = (await get(client, f"/orders/{id}/timeline"))["facts"][-1]
        assert (answer["position"], answer["changed_at"]) == (last["position"], last["recorded_at"])
        assert answer["as_of"] >= answer["changed_at"]


async def test_many_are_asked_about_at_once_and_what_is_not_known_is_named(served: Served) -> None:
    ids = [await served.place(f"A{n}") for n in range(2)]
    async with served.client(Scope.READ) as client:
        ask = "&".join(f"id={each}" for each in [*ids, ids[0], "MP20260127099999", "x"])
        many = await get(client, f"/orders/status?sync=1&{ask}")
        assert [each["id"] for each in many["orders"]] == ids
        assert many["unknown"] == ["MP20260127099999", "x"]
        alone = await get(client, f"/order/{ids[0]}/status?sync=1")
        assert many["orders"][0] | {"as_of": ""} == alone | {"as_of": ""}
        await refused(await client.get(f"{API}/orders/status"), 422, "invalid-field")
        most = "&".join(["id=x"] * 51)
        await refused(await client.get(f"{API}/orders/status?{most}"), 422, "invalid-field")


async def test_lists_are_paged_and_filtered(served: Served) -> None:
    ids = {await served.place(f"A{n}") for n in range(5)}
    await asyncio.sleep(0.6)  # lists come from a view
    async with served.client(Scope.READ) as client:
        first = await get(client, "/orders?limit=3")
        rest = await get(client, f"/orders?limit=3&cursor={first['next']}")
        assert {row["id"] for row in first["orders"] + rest["orders"]} == ids
        assert (len(first["orders"]), len(rest["orders"]), rest["next"]) == (3, 2, None)
        assert len((await get(client, "/orders?shop=mp-main&status=1"))["orders"]) == 5
        assert (await get(client, "/orders?status=5"))["orders"] == []
        assert (await get(client, "/orders?shop=dy-main"))["orders"] == []


@pytest.mark.parametrize(
    "path",
    ["/orders/DY20260127000892", "/orders/MP20260127000892-P1", "/orders/x", "/orders/stock%2FTEA",
     "/orders/MP20260127000892/timeline", "/order/MP20260127000892/status"],
)  # fmt: skip
async def test_an_id_that_does_not_exist_is_refused_by_name(served: Served, path: str) -> None:
    async with served.client(*ALL) as client:
        name = "unknown-path" if "%2F" in path else "unknown-id"
        await refused(await client.get(API + path), 404, name)


# -- acting


async def test_actions_are_committed_answered_with_their_place_and_repeat_without_harm(
    served: Served,
) -> None:
    id = await served.place()
    async with served.client(*ALL) as client:
        key = {"Idempotency-Key": "k1"}
        first = await client.post(f"{API}/orders/{id}/hold", json={"hold": "review"}, headers=key)
        again = await client.post(f"{API}/orders/{id}/hold", json={"hold": "review"}, headers=key)
        assert first.json() | {"duplicate": True} == again.json()
        assert (await get(client, f"/orders/{id}"))["holds"] == ["review"]
        await client.post(f"{API}/orders/{id}/lift-hold", json={"hold": "review"})
        assert (await get(client, f"/orders/{id}"))["holds"] == []
        person = {
            "name": "李四",
            "phone": "13900001111",
            "province": "江苏省",
            "city": "南京市",
            "detail": "中山路 2 号",
        }
        await client.post(f"{API}/orders/{id}/address", json=person)
        order = await get(client, f"/orders/{id}")
        assert (order["region"], order["person"]["name"]) == ("江苏", "李**")
        await client.post(f"{API}/orders/{id}/cancel", json={"reason": "out of tea"})
        assert (await get(client, f"/orders/{id}"))["status"]["code"] == 8


async def test_what_a_decider_refuses_is_told_by_its_name_and_nothing_is_written(served: Served) -> None:
    id = await served.place()
    async with served.client(*ALL) as client:
        await client.post(f"{API}/orders/{id}/cancel", json={"reason": "out of tea"})
        await served.centre.quiet()
        before = rows_of(served)
        answer = await client.post(f"{API}/orders/{id}/amount", json={"amount_fen": 1, "reason": "late"})
        assert answer.status_code in (409, 422)
        assert set(answer.json()) == {"error", "message", "message_zh"}
        assert rows_of(served) == before


async def pay(served: Served, id: str) -> None:
    order = served.centre.reads.order(id)
    assert isinstance(order, Order)
    now = served.centre.clock.now()
    paid = RecordPayment(order=id, attempt=1, transaction="T-1", amount_fen=order.amount_fen, paid_at=now)
    message = Inbound(command=paid, key=("paid", id), source="test", shop="", happened_at=now, raw=b"{}")
    assert isinstance(await served.centre.bus.ask(message), Accepted)


async def test_a_part_of_what_was_paid_goes_back_once(served: Served) -> None:
    await served.stock(10)
    id = await served.place()
    await pay(served, id)
    body, key = {"amount_fen": 100, "reason": "goodwill"}, {"Idempotency-Key": "r-1"}
    async with served.client(*ALL) as client:
        first = await client.post(f"{API}/orders/{id}/refund", json=body, headers=key)
        again = await client.post(f"{API}/orders/{id}/refund", json=body, headers=key)
        assert (first.status_code, again.json()) == (200, first.json() | {"duplicate": True})
        order = await get(client, f"/orders/{id}")
        assert (order["owed_fen"], order["refunded_fen"]) == (100, 0)
        (refund,) = order["refunds"]
        assert (refund.pop("confirmation")["missing"], refund) == (
            ["finance"],
            {
                "id": f"{id}-R1",
                "payment": f"{id}-P1",
                "transaction": "T-1",
                "amount_fen": 100,
                "stage": "held",
            },
        )
        await served.centre.quiet()
        before = rows_of(served)
        whole = await client.post(f"{API}/orders/{id}/refund", json={"reason": "all of it"})
        await refused(whole, 409, "cancel-instead")
        assert rows_of(served) == before


async def test_the_price_of_a_line_goes_back_and_what_has_not_left_stays(served: Served) -> None:
    await served.stock(10)
    id = await served.place()
    await pay(served, id)
    async with served.client(*ALL) as client:
        line = (await get(client, f"/orders/{id}"))["lines"][0]
        body = {"lines": [{"line": line["no"], "units": 1}], "amount_fen": 100, "reason": "broken"}
        answer = await client.post(f"{API}/orders/{id}/refund-lines", json=body)
        assert answer.status_code == 200, answer.text
        order = await get(client, f"/orders/{id}")
        after = order["lines"][0]
        assert (order["owed_fen"], after["refunded"], after["withdrawn"]) == (100, 1, 1)
        await served.centre.quiet()
        before = rows_of(served)
        wrong = await client.post(
            f"{API}/orders/{id}/refund-lines", json=body | {"lines": [{"line": 99, "units": 1}]}
        )
        await refused(wrong, 422, "no-such-line")
        assert rows_of(served) == before


async def test_nothing_is_sent_again_that_has_not_left(served: Served) -> None:
    id = await served.place()
    async with served.client(*ALL) as client:
        before = rows_of(served)
        line = (await get(client, f"/orders/{id}"))["lines"][0]["no"]
        body = {"lines": [{"line": line, "units": 1}], "reason": "lost"}
        await refused(await client.post(f"{API}/orders/{id}/reissue", json=body), 409, "nothing-to-reissue")
        undo = await client.post(f"{API}/orders/{id}/reissues/1/undo", json={"reason": "found"})
        await refused(undo, 404, "no-such-reissue")
        assert rows_of(served) == before


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("hold", {"hold": "Review!"}, "hold"),
        ("hold", {}, "hold"),
        ("hold", {"hold": "review", "extra": 1}, "extra"),
        ("hold", [], "body"),
        ("cancel", {"reason": " "}, "reason"),
        ("cancel", {"reason": "x" * 201}, "reason"),
        ("amount", {"amount_fen": "100", "reason": "x"}, "amount_fen"),
        ("amount", {"amount_fen": -1, "reason": "x"}, "amount_fen"),
        ("amount", {"amount_fen": 10**14, "reason": "x"}, "amount_fen"),
        ("address", {"name": "张三"}, "phone"),
        ("refund", {"amount_fen": 0, "reason": "x"}, "amount_fen"),
        ("refund", {"amount_fen": 1}, "reason"),
    ],
)
async def test_a_wrong_field_is_named_and_its_value_is_not_repeated(
    served: Served, action: str, body: object, field: str
) -> None:
    id = await served.place()
    before = rows_of(served)
    async with served.client(*ALL) as client:
        answer = await client.post(f"{API}/orders/{id}/{action}", json=body)
        await refused(answer, 422, "invalid-field")
        assert answer.json()["message"].startswith(f"Field {field}: ")
        assert answer.json()["message_zh"].startswith(f"字段 {field}：")
        assert "张三" not in answer.text and "Review!" not in answer.text
    assert rows_of(served) == before


async def test_broken_json_and_wrong_queries_are_named_too(served: Served) -> None:
    id = await served.place()
    async with served.client(*ALL) as client:
        await refused(await client.post(f"{API}/orders/{id}/hold", content=b'{"hold'), 422, "invalid-field")
        await refused(await client.post(f"{API}/orders/{id}/hold", content=b"\xff"), 422, "invalid-field")
        await refused(await client.get(f"{API}/orders?limit=201"), 422, "invalid-field")
        await refused(await client.get(f"{API}/orders?status=signed"), 422, "invalid-field")
        await refused(await client.get(f"{API}/orders?cursor=nonsense"), 422, "invalid-field")
        await refused(await client.get(f"{API}/orders/lookup?channel=MP"), 422, "invalid-field")
        await refused(await client.delete(f"{API}/orders"), 405, "wrong-method")


async def test_a_body_too_large_is_413(served: Served) -> None:
    async with served.client(*ALL) as client:
        body = b'{"reason":"' + b"x" * MAX_BODY_BYTES + b'"}'
        await refused(
            await client.post(f"{API}/orders/MP20260127000892/cancel", content=body), 413, "body-too-large"
        )


async def test_an_effect_that_is_not_outstanding_cannot_be_skipped(served: Served) -> None:
    before = rows_of(served)
    async with served.client(*ALL) as client:
        for what in ("skip", "replay"):
            answer = await client.post(f"{API}/dead-letters/7.1.1.0/{what}", json={"reason": "sent by hand"})
            await refused(answer, 404, "unknown-effect")
        await refused(
            await client.post(f"{API}/dead-letters/x/skip", json={"reason": "x"}), 422, "invalid-field"
        )
    assert rows_of(served) == before


async def first_dead_letter(client: httpx.AsyncClient) -> Any:
    for _ in range(300):
        if letters := await get(client, "/dead-letters"):
            return letters[0]
        await asyncio.sleep(0.01)
    raise AssertionError("no dead letter came")


async def test_a_dead_letter_is_listed_and_can_be_replayed_and_skipped(served: Served) -> None:
    served.finance_status = 400
    id = await served.place()
    async with served.client(*ALL) as client:
        await client.post(f"{API}/orders/{id}/cancel", json={"reason": "out of tea"})
        for what, fact in [("replay", "EffectReplayed"), ("skip", "EffectSkipped")]:
            letter = await first_dead_letter(client)
            assert (letter["aggregate"], letter["verb"], letter["error"]) == (id, "TellFinance", "HTTP 400")
            done = await client.post(
                f"{API}/dead-letters/{letter['effect']}/{what}", json={"reason": "seen to"}
            )
            assert (done.status_code, done.json()["aggregate"]) == (200, id)
            facts = (await get(client, f"/orders/{id}/timeline"))["facts"]
            assert (fact, "key-0") in {(each["fact"], each["operator"]) for each in facts}
        assert await get(client, "/dead-letters") == []


async def test_a_full_queue_says_when_to_come_again(served: Served) -> None:
    id = await served.place()
    served.centre.bus.lag = lambda: 10**9
    async with served.client(*ALL) as client:
        answer = await client.post(f"{API}/orders/{id}/hold", json={"hold": "review"})
        await refused(answer, 429, "reactions-behind")
        assert int(answer.headers["retry-after"]) > 0
    served.centre.bus.lag = lambda: 0


# -- who may


@pytest.mark.parametrize("path", ["/orders", "/orders/x", "/tickets", "/quarantine", "/dead-letters", "/metrics",
                                  "/audit/export", "/strangers", "/order/x/status", "/orders/lookup"])  # fmt: skip
async def test_nothing_is_told_without_a_key(served: Served, path: str) -> None:
    async with served.stranger() as nobody, served.stranger({"X-Api-Key": "td_wrong"}) as wrong:
        await refused(await nobody.get(API + path), 401, "no-api-key")
        await refused(await wrong.get(API + path), 401, "wrong-api-key")


async def test_each_scope_opens_its_own(served: Served) -> None:
    id = await served.place()
    before = rows_of(served)
    async with served.client(Scope.READ) as reader, served.client(Scope.WRITE) as writer:
        await refused(
            await reader.post(f"{API}/orders/{id}/hold", json={"hold": "review"}), 403, "not-allowed"
        )
        await refused(
            await reader.post(f"{API}/dead-letters/1.1.1.0/skip", json={"reason": "x"}), 403, "not-allowed"
        )
        await refused(await reader.get(f"{API}/strangers"), 403, "not-allowed")
        await refused(await writer.get(f"{API}/orders/{id}"), 403, "not-allowed")
        assert rows_of(served) == before
        assert (await writer.post(f"{API}/orders/{id}/hold", json={"hold": "review"})).status_code == 200


async def test_a_key_in_its_own_header_is_as_good(served: Served) -> None:
    async with served.client(Scope.READ) as client:
        token = client.headers["authorization"].removeprefix("Bearer ")
    async with served.stranger({"X-Api-Key": token}) as client:
        assert (await client.get(f"{API}/orders")).status_code == 200
