"""What who runs Tongdan sees, who may see what, what an own shop may wait for, and the reference."""

import csv
import io
import json
import re

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.surfaces.conftest import API, SECRETS, Served, get, refused

from tongdan.adapters.partners import authentic
from tongdan.adapters.partners.miniprogram import OwnShopDoor
from tongdan.cli.service import routers_of
from tongdan.ports import PushRequest
from tongdan.surfaces.front_door import WAIT_S
from tongdan.surfaces.http import push_reference
from tongdan.surfaces.http.app import create_app
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.reference import TAGS

# -- operating


async def test_the_audit_trail_is_exported_whole(served: Served) -> None:
    for n in range(3):
        await served.place(f"A{n}")
    async with served.client(Scope.READ) as client:
        lines = (await client.get(f"{API}/audit/export")).text.splitlines()
        assert len(lines) == served.centre.reads.counts()["journal_rows"]
        assert not any(secret in line for secret in SECRETS for line in lines)
        text = (await client.get(f"{API}/audit/export?format=csv")).content.decode("utf-8-sig")
        table = list(csv.DictReader(io.StringIO(text)))
        assert [row["hash"] for row in table] == [json.loads(line)["hash"] for line in lines]
        later = served.centre.clock.now().isoformat()
        assert (await client.get(f"{API}/audit/export", params={"since": later})).text == ""
        others = (await client.get(f"{API}/audit/export?shop=dy-main")).text.splitlines()
        assert [json.loads(line)["fact"] for line in others] == ["PullStarted"] * 2  # orders, after-sales


async def test_health_needs_no_key_and_says_what_is_degraded(served: Served) -> None:
    async with served.stranger() as nobody:
        assert (await nobody.get(f"{API}/health")).json() == {"live": True, "ready": True, "degraded": []}
        served.centre.meters.breakers_open.add("wms/WH-EAST")
        degraded = (await nobody.get(f"{API}/health")).json()["degraded"]
        assert [worry["what"] for worry in degraded] == ["partner/wms/WH-EAST"]
        served.centre.bus.stopping = True
        assert (await nobody.get(f"{API}/health")).status_code == 503
        served.centre.bus.stopping = False


async def test_metrics_can_be_scraped_and_add_up(served: Served) -> None:
    await served.place("A1")
    await served.place("A2")
    await served.push("/own/mp-main/orders", b"{}")
    async with served.client(Scope.READ) as client:
        families = {
            f.name: f for f in text_string_to_metric_families((await client.get(f"{API}/metrics")).text)
        }
    pushes = {(s.labels["source"], s.labels["status"]): s.value for s in families["tongdan_pushes"].samples}
    assert pushes == {("channel/own", "201"): 2, ("channel/own", "422"): 1}
    assert [s.value for s in families["tongdan_turned_away"].samples] == [1]
    sizes = {s.name: s.value for s in families["tongdan_batch_messages"].samples if "le" not in s.labels}
    counted = next(s.value for s in families["tongdan_commit_seconds"].samples if s.name.endswith("_count"))
    assert sizes["tongdan_batch_messages_count"] == counted > 0
    assert families["tongdan_journal_rows"].samples[0].value == served.centre.reads.counts()["journal_rows"]


async def test_strangers_are_remembered_without_what_they_sent(served: Served) -> None:
    request = PushRequest("POST", "/own/mp-main/orders", "", {}, b"secret", served.centre.clock.now())
    served.front.handle(request, lambda answer: None, "203.0.113.9")
    async with served.client(Scope.OPERATE) as client:
        (stranger,) = await get(client, "/strangers")
    assert (stranger["peer"], stranger["reason"]) == ("203.0.113.9", "a signature header is missing")
    assert "secret" not in str(stranger)


async def test_whatever_breaks_is_a_named_500_and_logged_without_what_it_said(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("张三 13800000000")

    monkeypatch.setattr(served.centre.reads, "find_tickets", broken)
    async with served.client(Scope.READ) as client:
        await refused(await client.get(f"{API}/tickets"), 500, "internal-error")
    assert "RuntimeError at " in caplog.text
    assert not any(secret in caplog.text for secret in SECRETS)


# -- the push port's wait


async def test_an_order_that_waits_for_its_stock_is_answered_when_it_stands(served: Served) -> None:
    await served.stock(10)
    body = push_reference.EXAMPLE_BODY.encode()
    answer = await served.push("/own/mp-main/orders", body, "wait=reserved")
    assert answer.status == 201
    order = served.centre.reads.order(msgspec.json.decode(answer.body)["order_id"])
    assert [line.reserved for line in order.lines] == [2]  # type: ignore[attr-defined]


async def test_an_order_whose_stock_is_short_is_committed_and_says_202_without_waiting_long(
    served: Served,
) -> None:
    started = served.centre.clock.monotonic()
    answer = await served.push("/own/mp-main/orders", push_reference.EXAMPLE_BODY.encode(), "wait=reserved")
    assert answer.status == 202
    assert served.centre.clock.monotonic() - started < WAIT_S
    assert served.centre.reads.order(msgspec.json.decode(answer.body)["order_id"]) is not None


# -- the reference


async def test_the_worked_example_of_the_reference_is_what_the_door_takes(served: Served) -> None:
    class OneSecret:
        def get(self, name: str) -> dict[str, str]:
            return {"secret": push_reference.EXAMPLE_SECRET}

    door = OwnShopDoor(served.centre.policy.shops["mp-main"], OneSecret())
    async with served.stranger() as client:
        schema = (await client.get("/openapi.json")).json()
    text = schema["paths"]["/own/{shop}/orders"]["post"]["description"]
    headers = {name.lower(): value for name, value in re.findall(r"(X-Tongdan-\w+): (\S+)", text)}
    assert set(headers) == {authentic.TIMESTAMP, authentic.NONCE, authentic.SIGNATURE}
    body = push_reference.EXAMPLE_BODY.encode()
    (message,) = door.open(
        PushRequest("POST", "/own/mp-main/orders", "", headers, body, push_reference.EXAMPLE_AT)
    )
    assert message.key[:3] == ("own", "mp-main", "A2026012700001")


def test_whatever_is_served_has_a_part_in_the_reference(served: Served) -> None:
    schema = create_app(served.parts, routers=routers_of(served.centre)).openapi()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert method == "servers" or set(operation["tags"]) <= TAGS.keys(), path


async def test_the_openapi_document_describes_every_path_and_refers_to_nothing_that_is_not_there(
    served: Served,
) -> None:
    async with served.stranger() as client:
        text = (await client.get("/openapi.json")).text
        page = (await client.get("/docs?lang=zh")).text
    schema = json.loads(text)
    for name in set(re.findall(r"#/components/schemas/([A-Za-z_-]+)", text)):
        assert name in schema["components"]["schemas"], name
    for path in schema["paths"]:
        assert path in page
    assert schema["paths"]["/own/{shop}/orders"]["servers"][0]["url"] == "http://push.example"
    assert "http://push.example/own/{shop}/orders" in page
    assert "<script" not in page
