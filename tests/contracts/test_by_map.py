"""A channel by map alone: what a map may say, what it does, and how a mistake in it is told.

That it keeps what every channel promises is shown in `test_channels.py`, where the example is one case of many.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import yaml
from tests.contracts.partners.called import Partner, done, errand, failed, ok, said
from tests.contracts.partners.played import (
    CONF,
    EXAMPLE,
    NOW,
    HeldCredentials,
    example_push,
    golden,
    only,
    why,
)
from tests.contracts.test_channels import CASES, write_back

from tongdan.adapters.partners import channels_of
from tongdan.adapters.partners.authentic import check_signed
from tongdan.adapters.partners.channel_actor import ChannelActor
from tongdan.adapters.partners.channel_door import ChannelDoor
from tongdan.adapters.partners.erp_csv import read_file
from tongdan.adapters.partners.erp_map import ImportMap
from tongdan.adapters.policy_files import Conf, load_conf
from tongdan.domain.kernel.policy import Shop
from tongdan.domain.orders.commands import NoteDone, RecordDetail
from tongdan.domain.orders.facts import FetchDetail
from tongdan.domain.sync.commands import RecordListing
from tongdan.domain.sync.pull_facts import ListOrders
from tongdan.ports import PushRequest

DELIVERED = Path(__file__).parents[2] / "conf"
CASE = next(each for each in CASES if each.channel is EXAMPLE)
ORDER: dict[str, Any] = json.loads(golden("example/detail.json"))["data"]
SPAN = {"since": NOW, "until": NOW + timedelta(minutes=5), "page": 0, "cursor": "c-1"}

Change = Callable[[dict[str, Any]], object]


def load(folder: Path, *changes: Change) -> Conf:
    """`conf/` with the example among its channels, changed."""
    copytree(DELIVERED, folder, dirs_exist_ok=True)
    text = (DELIVERED / "examples/channels/XX.yml").read_text()
    whole = yaml.safe_load(text)
    for change in changes:
        change(whole)
    (folder / "channels/XX.yml").write_text(yaml.safe_dump(whole, allow_unicode=True))
    conf = load_conf(folder)
    shop = Shop(id="xx-main", channel="XX", native="shop-77", name="示例", legal_entity="同单")
    policy = type(conf.policy)(
        **{name: getattr(conf.policy, name) for name in conf.policy.__struct_fields__ if name != "shops"},
        shops={**conf.policy.shops, shop.id: shop},
    )
    return conf._replace(policy=policy)


def by_map(**differs: Any) -> Change:
    """Other values in `by_map`; None takes one away."""

    def change(whole: dict[str, Any]) -> None:
        for name, value in differs.items():
            if value is None:
                del whole["by_map"][name]
            elif isinstance(value, dict) and isinstance(whole["by_map"].get(name), dict):
                whole["by_map"][name] |= value
            else:
                whole["by_map"][name] = value

    return change


class Market(Partner):
    """The channel as a test plays it, with the actor that a map made."""

    def __init__(self, conf: Conf, body: bytes, status: int = 200) -> None:
        super().__init__("api.example.com", said(status) if status != 200 else ok(body))
        (channel,) = (each for each in channels_of(conf) if each.code == "XX")
        how = conf.policy.channels["XX"]
        self.actor = ChannelActor("channel/XX/xx-main", channel, how, self.wire)

    async def detail(self) -> RecordDetail:
        effect = CASE.effect(FetchDetail, native=CASE.native)
        command = (await done(self.actor.perform(errand(effect, "O")))).command
        assert isinstance(command, RecordDetail)
        return command

    async def list(self) -> RecordListing:
        command = (await done(self.actor.perform(errand(CASE.effect(ListOrders, **SPAN), "pull")))).command
        assert isinstance(command, RecordListing)
        return command


def answer(order: dict[str, Any]) -> bytes:
    return json.dumps({"code": 0, "data": order}, ensure_ascii=False).encode()


# ---- what a map may say


async def test_yuan_are_fen_local_times_are_instants_and_gifts_cost_nothing() -> None:
    command = await Market(CONF, CASE.detail).detail()
    assert (command.amount_fen, command.freight_fen, command.discount_fen) == (12_905, 600, 1_600)
    assert [
        (line.sku, line.platform_sku, line.units, line.amount_fen, line.gift) for line in command.lines
    ] == [
        ("DOWN-JACKET-M", "10054887745652", 1, 9_905, False),
        ("SOCKS", "10054887745653", 2, 4_000, False),
        ("SOCKS", "10054887745653", 1, 0, True),
    ]
    assert command.placed_at == datetime(2026, 1, 27, 4, 0, tzinfo=UTC)
    assert (command.transaction, command.person.buyer) == ("PAY-1", "U-1001")
    assert command.person.sealed == {"name": "c1:9f86d081884c7d65", "phone": "c1:60303ae22b998861"}


@pytest.mark.parametrize(
    ("times", "written"),
    [
        ("rfc3339", "2026-01-27T12:00:00+08:00"),
        ("epoch-s", 1_769_486_400),
        ("epoch-s", "1769486400"),
        ("epoch-ms", 1_769_486_400_000),
    ],
)
async def test_times_are_read_and_asked_for_as_the_channel_writes_them(
    tmp_path: Path, times: str, written: Any
) -> None:
    conf = load(tmp_path, by_map(times=times))
    order = ORDER | dict.fromkeys(("created_at", "updated_at", "paid_at", "ship_by"), written)
    command = await Market(conf, answer(order)).detail()
    assert {command.placed_at, command.said_at, command.paid_at, command.ship_by} == {NOW}
    market = Market(conf, answer({"orders": [order], "next": ""}))
    assert [each.said_at for each in (await market.list()).orders] == [NOW]
    asked = market.query()
    assert asked["changed_from"] == {"rfc3339": "2026-01-27T12:00:00+08:00"}.get(
        times, str(1_769_486_400 * (1_000 if times == "epoch-ms" else 1))
    )
    last = {"rfc3339": "2026-01-27T12:04:59.999+08:00", "epoch-s": "1769486699", "epoch-ms": "1769486699999"}
    assert asked["changed_to"] == last[times]


async def test_fen_are_fen_and_a_price_is_of_one_unit(tmp_path: Path) -> None:
    line = {"native": "id", "sku": "code", "units": "count", "price": "each"}
    conf = load(tmp_path, by_map(money="fen", order={"line": line}))
    order = ORDER | {
        "items": [{"id": 1, "code": "TEA", "count": 3, "each": 5_001}],
        "payment": {"paid": 15_003, "freight": "0"},
    }
    command = await Market(conf, answer(order)).detail()
    assert (command.amount_fen, command.freight_fen, command.discount_fen) == (15_003, 0, 0)
    assert [(line.native, line.units, line.amount_fen) for line in command.lines] == [("1", 3, 15_003)]
    with_half = answer(order | {"payment": {"paid": 150.5}})
    effect = CASE.effect(FetchDetail, native=CASE.native)
    failure = await failed(Market(conf, with_half).actor.perform(errand(effect, "O")))
    assert failure.final and "an amount in fen at `payment.paid`" in failure.error


async def test_numbered_pages_are_counted_or_reckoned(tmp_path: Path) -> None:
    def numbered(whole: dict[str, Any]) -> None:
        whole["listing"] |= {"pages": "last-first", "page_size": 50}
        query = {"from": "{since}", "to": "{until}", "page": "{page}", "size": "{page_size}"}
        whole["by_map"]["list"] = {
            "path": "/orders",
            "query": query,
            "data": "data",
            "orders": "orders",
            "total": "n",
        }

    conf = load(tmp_path / "total", numbered)
    market = Market(conf, answer({"orders": [ORDER], "n": 101}))
    command = await market.list()
    assert (command.pages, command.cursor) == (3, "")
    assert market.query() == {
        "from": "2026-01-27 12:00:00", "to": "2026-01-27 12:05:00", "page": "1", "size": "50",
    }  # fmt: skip


def test_a_push_may_hold_the_whole_order(tmp_path: Path) -> None:
    push = {"message": "id", "shop": "shop", "order": "order", "answer": {"ok": True}}
    conf = load(tmp_path, lambda whole: whole["by_map"].update(push=push, detail=None))
    (channel,) = (each for each in channels_of(conf) if each.code == "XX")
    door = ChannelDoor(channel, CASE_CREDENTIALS, conf.policy)
    request = example_push(json.dumps({"id": 7, "shop": "shop-77", "order": ORDER}).encode())
    message = only(door, request)
    assert isinstance(message.command, RecordDetail)
    assert (message.command.native, message.command.amount_fen, message.key[-1]) == (CASE.native, 12_905, "7")
    assert json.loads(door.answer(request, []).body) == {"ok": True}
    without = example_push(b'{"id":8,"shop":"shop-77","order":{}}')
    assert why(door, without) == "expected a number or code of at most 64 characters at `order_no`"


CASE_CREDENTIALS = HeldCredentials({"example/xx-main": {"secret": "secret-of-the-xx-shop", "token": "t"}})


def test_a_push_of_many_and_of_other_things() -> None:
    created, paid = (golden(f"example/{name}.json") for name in ("created", "paid"))
    other = created.replace(b"order.created", b"goods.changed")
    bad = b'{"id":9,"topic":"order.x","shop":{}}'
    door = CASE.door
    opened = door.open(example_push(b"[" + b",".join((created, other, bad, paid)) + b"]"))
    assert [getattr(message, "reason", "") for message in opened] == [
        "", "expected a number or code of at most 64 characters at `shop.id`", "",
    ]  # fmt: skip


async def test_a_parcel_is_told_as_the_template_says() -> None:
    market = Market(CONF, b'{"code":0}')
    outcome = await done(market.actor.perform(errand(write_back(CASE), "O")))
    assert outcome.command == NoteDone(order="O", outcome="channel/written-back")
    (request,) = market.asked
    assert (request.method, request.url) == (
        "POST",
        f"https://api.example.com/v1/orders/{CASE.native}/parcels",
    )
    assert request.headers == {
        "authorization": "Bearer token-of-the-xx-shop",
        "content-type": "application/json",
    }
    assert json.loads(request.body) == {
        "carrier": "SF-EXPRESS", "waybill": "SF1", "key": "S1.1", "items": [{"id": CASE.native, "count": 1}],
    }  # fmt: skip


async def test_a_channel_that_takes_no_parcels_is_told_nothing(tmp_path: Path) -> None:
    market = Market(load(tmp_path, by_map(ship=None)), b"")
    outcome = await done(market.actor.perform(errand(write_back(CASE), "O")))
    assert outcome.command == NoteDone(order="O", outcome="channel/not-told")
    assert market.asked == []


async def test_signed_calls_carry_our_signature_over_body_and_address(tmp_path: Path) -> None:
    conf = load(tmp_path, by_map(signed=True, headers=None))
    market = Market(conf, b'{"code":0}')
    await done(market.actor.perform(errand(write_back(CASE), "O")))
    (request,) = market.asked
    push = PushRequest("POST", "", "", request.headers, request.body, NOW)
    check_signed(push, b"secret-of-the-xx-shop")
    other = Market(conf, b'{"code":0}')
    effect = CASE.effect(
        type(write_back(CASE)), native="EX-9", carrier="SF", waybill="SF1", units=(), request="r"
    )
    await done(other.actor.perform(errand(effect, "O")))
    assert other.asked[0].headers["x-tongdan-nonce"] != request.headers["x-tongdan-nonce"]


async def test_what_fills_a_path_cannot_leave_its_place() -> None:
    market = Market(CONF, CASE.detail)
    await failed(market.actor.perform(errand(CASE.effect(FetchDetail, native="../x?a=1#{token}"), "O")))
    assert market.asked[0].url == "https://api.example.com/v1/orders/..%2Fx%3Fa%3D1%23%7Btoken%7D"


@pytest.mark.parametrize(
    ("status", "wide", "final"),
    [(400, False, True), (401, True, False), (403, True, False), (404, False, True), (409, False, True),
     (418, False, False), (422, False, True)],
)  # fmt: skip
async def test_without_codes_the_status_alone_says_yes(
    tmp_path: Path, status: int, wide: bool, final: bool
) -> None:
    conf = load(tmp_path, by_map(codes=None))
    failure = await failed(Market(conf, b"", status).actor.perform(errand(write_back(CASE), "O")))
    assert (failure.partner_wide, failure.final, failure.error) == (wide, final, f"HTTP {status}")
    await done(Market(conf, b"{}").actor.perform(errand(write_back(CASE), "O")))


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b'{"code":null}', b'{"code":[]}', b'{"code":0.0}']
)
async def test_an_answer_without_a_code_is_no_yes(body: bytes) -> None:
    failure = await failed(Market(CONF, body).actor.perform(errand(write_back(CASE), "O")))
    assert failure.unknown and not failure.final


async def test_a_channel_that_sends_files_only_needs_a_name_and_no_more(tmp_path: Path) -> None:
    def files_only(whole: dict[str, Any]) -> None:
        del whole["listing"]
        whole["by_map"] = {"name": "exchange", "money": "yuan", "times": "local"}

    conf = load(tmp_path, files_only)
    columns: dict[str, str | list[str]] = {
        "native": "单号", "status": "状态", "said_at": "更新时间", "placed_at": "下单时间", "paid_at": "付款时间",
        "sku": "编码", "units": "数量", "amount": "金额", "name": "收件人", "phone": "手机", "province": "省",
        "city": "市", "detail": "地址",
    }  # fmt: skip
    how = ImportMap(kind="orders", shop="xx-main", zone="Asia/Shanghai", columns=columns)
    at, then = "2026-01-27 12:00:00", "2026-01-27 12:01:01"
    row = [
        "X1",
        "to-ship",
        then,
        at,
        then,
        "TEA",
        "2",
        "19.90",
        "陈小明",
        "12012345678",
        "广东省",
        "深圳市",
        "1 号",
    ]
    sheet = "\n".join([",".join(map(str, columns.values())), ",".join(row)]).encode()
    read = read_file(sheet, how, conf.policy, None)
    (message,) = read.messages
    assert isinstance(message.command, RecordDetail) and not read.faults
    assert (message.command.channel, message.command.native, message.command.amount_fen) == (
        "XX",
        "X1",
        1_990,
    )
    market = Market(conf, b"")
    outcome = await done(market.actor.perform(errand(write_back(CASE), "O")))
    assert outcome.command == NoteDone(order="O", outcome="channel/not-told")
    failure = await failed(market.actor.perform(errand(CASE.effect(FetchDetail, native="X1"), "O")))
    assert failure.final and failure.error == "conf/channels/XX.yml says no `detail`"
    assert market.asked == []


def test_what_needs_no_map_has_none() -> None:
    assert load_conf(DELIVERED).by_map == {}
    assert list(CONF.by_map) == ["XX"]
