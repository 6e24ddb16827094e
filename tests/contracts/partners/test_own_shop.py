"""Own shops: orders and actions, and how a client is told of its mistakes."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from tests.contracts.partners.played import (
    CONF,
    NOW,
    credentials,
    golden,
    only,
    own_push,
)

from tongdan.adapters.partners.miniprogram import OwnShopDoor
from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleStage
from tongdan.domain.kernel.messages import Command, Person
from tongdan.domain.orders.after_sale_commands import RequestAfterSale, TellAfterSale
from tongdan.domain.orders.commands import (
    CancelOrder,
    ChangeAddress,
    ChangeAmount,
    PlaceOrder,
    RequestPayment,
)
from tongdan.domain.orders.lines import Line, Units
from tongdan.ports import Accepted, Mistake, PushRequest

DOOR = OwnShopDoor(CONF.policy.shops["mp-main"], credentials())


def test_an_own_shops_order() -> None:
    message = only(DOOR, own_push(golden("own/order.json")))
    placed_at = datetime(2026, 1, 27, 4, 0, 0, 250_000, tzinfo=UTC)
    person = Person(
        name="陈小明",
        phone="12012345678",
        province="浙江省",
        city="杭州市",
        district="余杭区",
        detail="良渚街道 12 号 3 幢 1201 室",
        buyer="U1042",
    )
    assert message.command == PlaceOrder(
        channel="MP",
        shop="mp-main",
        native="M-20260127-77",
        buyer="U1042",
        lines=(
            Line(no=1, sku="DOWN-JACKET-M", units=1, amount_fen=19_900, title="羽绒服 M"),
            Line(no=2, sku="SOCKS", units=2, amount_fen=600),
        ),
        amount_fen=20_500,
        freight_fen=500,
        discount_fen=500,
        placed_at=placed_at,
        region="浙江",
        person=person,
    )
    assert (message.key[:3], message.happened_at) == (("own", "mp-main", "M-20260127-77"), placed_at)
    assert (message.raw, message.operator) == (golden("own/order.json"), "client/mp-main")


def test_a_presale_names_its_deposit_and_the_time_for_its_balance() -> None:
    body = json.loads(golden("own/order.json")) | {
        "deposit_fen": 2_000,
        "balance_by": "2026-02-03T12:00:00+08:00",
    }
    command = only(DOOR, own_push(json.dumps(body).encode())).command
    assert isinstance(command, PlaceOrder)
    assert (command.deposit_fen, command.balance_by) == (2_000, datetime(2026, 2, 3, 4, tzinfo=UTC))


def test_a_repeat_is_the_same_message_and_a_number_used_again_is_another() -> None:
    body = golden("own/order.json")
    other = body.replace("羽绒服 M".encode(), "羽绒服 L".encode())
    first, again, reused = (only(DOOR, own_push(each)).key for each in (body, body, other))
    assert first == again
    assert reused != first


MP_ORDER = "MP20260127000892"


def act(action: str, body: bytes, order: str = MP_ORDER) -> PushRequest:
    return own_push(body, f"/own/mp-main/orders/{order}/{action}")


@pytest.mark.parametrize(
    ("action", "name", "expected"),
    [
        (
            "payments",
            "payment",
            RequestPayment(order=MP_ORDER, method="wechat"),
        ),
        ("cancel", "cancel", CancelOrder(order=MP_ORDER, reason="不想要了")),
        ("amount", "amount", ChangeAmount(order=MP_ORDER, amount_fen=19_500, reason="改价")),
        (
            "after-sale",
            "after-sale",
            RequestAfterSale(
                order=MP_ORDER,
                number="AS-77",
                kind=AfterSaleKind.RETURN_REFUND,
                units=(Units(1, 1),),
                amount_fen=19_900,
                reason="尺码不合适",
            ),
        ),
        (
            "after-sale-withdraw",
            "after-sale-withdraw",
            TellAfterSale(order=MP_ORDER, number="AS-77", stage=AfterSaleStage.CLOSED),
        ),
        (
            "after-sale-return",
            "after-sale-return",
            TellAfterSale(
                order=MP_ORDER,
                number="AS-77",
                stage=AfterSaleStage.RETURNING,
                carrier="SF",
                waybill="SF7444703608799",
            ),
        ),
    ],
)
def test_an_own_shops_actions(action: str, name: str, expected: Command) -> None:
    message = only(DOOR, act(action, golden(f"own/{name}.json")))
    assert message.command == expected
    assert message.key == ("own", "mp-main", MP_ORDER, action, f"M-20260127-77-{name}")
    assert message.happened_at == NOW


def test_an_own_shops_new_address() -> None:
    command = only(DOOR, act("address", golden("own/address.json"))).command
    assert isinstance(command, ChangeAddress)
    assert (command.order, command.region, command.person.name) == (MP_ORDER, "浙江", "陈小明")


def refused(push: PushRequest) -> tuple[str, int, str, str]:
    with pytest.raises(Mistake) as mistake:
        DOOR.open(push)
    refusal = mistake.value.refusal
    return refusal.name, refusal.status, refusal.en, refusal.zh


def test_a_signed_body_of_one_action_or_order_is_good_for_no_other() -> None:
    """The path is not signed; whoever could change it in transit would still gain nothing."""
    actions = {
        "payments": "payment",
        "cancel": "cancel",
        "address": "address",
        "amount": "amount",
        "after-sale": "after-sale",
        "after-sale-withdraw": "after-sale-withdraw",
        "after-sale-return": "after-sale-return",
    }
    for action, own in actions.items():
        for name in {*actions.values(), "order"} - {own}:
            assert refused(act(action, golden(f"own/{name}.json")))[0] == "invalid-body"
        assert refused(own_push(golden(f"own/{own}.json")))[0] == "invalid-body"
        another = act(action, golden(f"own/{own}.json"), "MP20260127001148")
        assert refused(another)[0] == "order-id-mismatch"


LINE = {"sku": "SOCKS", "units": 1, "amount_fen": 1}


@pytest.mark.parametrize(
    ("change", "field", "expected_en", "expected_zh"),
    [
        ({"amount_fen": "20500"}, "amount_fen", "Expected `int`, got `str`", "应为 `int`,实为 `str`"),
        ({"amount_fen": 205.0}, "amount_fen", "Expected `int`, got `float`", "应为 `int`,实为 `float`"),
        ({"amount_fen": -1}, "amount_fen", "Expected `int` >= 0", "应为 `int` >= 0"),
        ({"amount_fen": True}, "amount_fen", "Expected `int`, got `bool`", "应为 `int`,实为 `bool`"),
        ({"lines": []}, "lines", "Expected `array` of length >= 1", "应为 `array` 长度 >= 1"),
        ({"discount": 5}, "(body)", "Object contains unknown field `discount`", "多出未知字段 `discount`"),
        ({"placed_at": "2026-01-27 12:00"}, "placed_at", "Invalid RFC3339", "不是 RFC 3339 时间"),
        ({"placed_at": "2026-01-27T12:00:00"}, "placed_at", "a timezone component", "时区"),
        ({"placed_at": "0001-01-01T00:00:00+23:59"}, "(body)", "out of range", "超出范围"),
        ({"placed_at": "2100-01-01T00:00:00Z"}, "(body)", "out of range", "超出范围"),
        ({"order_no": ""}, "order_no", "length >= 1", "长度 >= 1"),
        ({"order_no": "单号"}, "order_no", "printable ASCII", "可见 ASCII"),
        ({"order_no": "A\n"}, "order_no", "printable ASCII", "可见 ASCII"),
        ({"user": "U 1042"}, "user", "printable ASCII", "可见 ASCII"),
        ({"lines": [LINE, LINE | {"sku": "袜子"}]}, "lines[1].sku", "printable ASCII", "可见 ASCII"),
        ({"receiver": {}}, "receiver", "missing required field `name`", "缺少字段 `name`"),
    ],
)
def test_a_mistake_is_named_with_its_field_in_both_languages(
    change: dict[str, object], field: str, expected_en: str, expected_zh: str
) -> None:
    body = json.dumps(json.loads(golden("own/order.json")) | change).encode()
    name, status, en, zh = refused(own_push(body))
    assert (name, status) == ("invalid-body", 422)
    assert en.startswith(f"Field {field}: ") and expected_en in en
    assert zh.startswith(f"字段 {field}:") and expected_zh in zh


def test_a_request_id_with_a_space_is_named() -> None:
    body = golden("own/cancel.json").replace(b"M-20260127-77-cancel", b"M 77")
    name, _, en, _ = refused(act("cancel", body))
    assert name == "invalid-body" and en.startswith("Field request_id: ")


def test_another_currency_is_refused_by_name() -> None:
    body = golden("own/order.json").replace(b"CNY", b"USD")
    name, status, en, zh = refused(own_push(body))
    assert (name, status) == ("currency-not-supported", 422)
    assert "USD" in en and "USD" in zh


@pytest.mark.parametrize(
    "order", ["", "MP2026", "DY20260127000892", "MP20260127000892-P1", "MP20261327000892"]
)
def test_an_id_that_is_no_order_of_the_shops_channel_is_refused(order: str) -> None:
    body = json.dumps({"order_id": order or "x", "request_id": "1", "reason": "x"}).encode()
    assert refused(act("cancel", body, order))[:2] == ("order-id-malformed", 404)


@pytest.mark.parametrize(
    "rest", ["", "order", f"orders/{MP_ORDER}", f"orders/{MP_ORDER}/refund", f"orders/{MP_ORDER}/cancel/"]
)
def test_a_path_that_is_none_is_refused_with_those_that_are(rest: str) -> None:
    name, status, en, _ = refused(own_push(golden("own/order.json"), f"/own/mp-main/{rest}"))
    assert (name, status) == ("unknown-action", 404)
    assert "payments, cancel, address, amount, after-sale" in en


def test_too_many_lines_are_refused() -> None:
    order = json.loads(golden("own/order.json"))
    order["lines"] = order["lines"][:1] * 201
    name, _, en, _ = refused(own_push(json.dumps(order).encode()))
    assert name == "invalid-body" and "200" in en


def test_an_order_is_answered_with_its_id_and_place_in_the_log() -> None:
    push, reply = own_push(golden("own/order.json")), Accepted(MP_ORDER, 124, 1, 7)
    answer = DOOR.answer(push, [reply])
    position = {"slot": 124, "epoch": 1, "seq": 7}
    assert answer.status == 201
    assert json.loads(answer.body) == {"order_id": MP_ORDER, "position": position, "duplicate": False}
    again = DOOR.answer(push, [msgspec.structs.replace(reply, duplicate=True)])
    assert again.status == 200
    assert json.loads(again.body) == {"order_id": MP_ORDER, "position": position, "duplicate": True}
    paid = DOOR.answer(act("payments", golden("own/payment.json")), [reply])
    assert paid.status == 200
