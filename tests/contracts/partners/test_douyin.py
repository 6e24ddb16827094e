"""Douyin pushes: golden messages and the events they stand for."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.contracts.partners.played import (
    CONF,
    NOW,
    credentials,
    douyin_push,
    golden,
    only,
    why,
)

from tongdan.adapters.partners.channel_door import ChannelDoor
from tongdan.adapters.partners.douyin_api import DOUYIN
from tongdan.domain.kernel.messages import Person
from tongdan.domain.orders.commands import (
    NoteChannelEvent,
)
from tongdan.ports import Inbound, Mistake, NotUnderstood

DOOR = ChannelDoor(DOUYIN, credentials(), CONF.policy)
NATIVE = "4781234567890123456"


def after(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def event(**differs: Any) -> NoteChannelEvent:
    whole = {"channel": "DY", "shop": "dy-main", "native": NATIVE, **differs}
    return NoteChannelEvent(**whole)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("created-100", event(event="created", native_status="1", said_at=NOW)),
        ("paid-101", event(event="paid", native_status="2", said_at=after(60), amount_fen=12_900)),
        ("single", event(event="paid", native_status="2", said_at=after(60), amount_fen=12_900)),
        ("shipped-102", event(event="shipped", native_status="3", said_at=after(7_200))),
        ("finished-103", event(event="completed", native_status="5", said_at=after(900_000))),
        (
            "cancelled-106",
            event(event="cancelled", native_status="4", said_at=after(1_800), reason="超时未支付"),
        ),
        ("partly-108", event(event="shipped", native_status="101", said_at=after(7_300))),
        ("amount-109", event(event="amount", native_status="1", said_at=after(30), amount_fen=11_900)),
        ("pending-110", event(event="other", native_status="105", said_at=after(61), reason="tag 110")),
        ("promise-126", event(event="other", native_status="", said_at=after(62), reason="tag 126")),
        (
            "refund-206",
            event(
                event="other",
                native_status="",
                said_at=datetime(2026, 1, 27, 5, 23, 20, tzinfo=UTC),
                reason="tag 206",
                after_sale="7012345678901234567",
            ),
        ),
    ],
)
def test_a_douyin_message_is_an_event_of_its_order(name: str, expected: NoteChannelEvent) -> None:
    message = only(DOOR, douyin_push(golden(f"douyin/{name}.json")))
    assert message.command == expected
    assert (message.shop, message.source, message.happened_at) == (
        "dy-main",
        "channel/douyin",
        expected.said_at,
    )
    assert message.key[:2] == ("douyin", "dy-main") and len(message.key) == 3


def test_a_new_address_is_read_out_of_three_layers_and_its_ciphertexts_stay_shut() -> None:
    command = only(DOOR, douyin_push(golden("douyin/address-105.json"))).command
    assert isinstance(command, NoteChannelEvent)
    assert (command.event, command.region) == ("address", "浙江")
    assert command.person == Person(
        name="陈**",
        phone="120****5678",
        province="浙江省",
        city="杭州市",
        district="余杭区",
        detail="良渚街道",
        sealed={
            "encrypt_name": "##aZ3f#NmQ=#",
            "encrypt_tel": "$$kP9$x7Y=$1$$",
            "encrypt_detail": "#zJ8kf2#q1w2e3r4#5t6y7u8i==#",
        },
    )


def test_one_bad_message_of_an_array_does_not_lose_the_others() -> None:
    good, bad = golden("douyin/paid-101.json")[1:-1], b'{"tag":"101","msg_id":"1","data":"{"}'
    also_good = golden("douyin/amount-109.json")[1:-1]
    messages = DOOR.open(douyin_push(b"[" + b" ,".join((good, bad, also_good)) + b" ]"))
    assert [type(message) for message in messages] == [Inbound, NotUnderstood, Inbound]
    assert [message.raw for message in messages] == [good, bad, also_good]
    assert len({message.key for message in messages if isinstance(message, Inbound)}) == 2


def test_the_address_check_stands_for_no_message_and_is_answered_with_success() -> None:
    for body in (
        b'[{"tag":"0","msg_id":"0","data":"2026-01-27 12:00:00"}]',
        b'{"tag":"0","msg_id":"0"}',
        b"[]",
    ):
        push = douyin_push(body)
        assert list(DOOR.open(push)) == []
        assert DOOR.answer(push, []).body == b'{"code":0,"msg":"success"}'


def test_numbers_of_19_digits_are_the_same_as_number_and_as_text() -> None:
    as_number = golden("douyin/paid-101.json")
    as_text = as_number.replace(b'\\"p_id\\":4781234567890123456', b'\\"p_id\\":\\"4781234567890123456\\"')
    assert as_text != as_number
    assert only(DOOR, douyin_push(as_text)).command == only(DOOR, douyin_push(as_number)).command


def test_the_app_of_another_key_is_unauthentic_and_a_shop_not_ours_is_not_understood() -> None:
    other = golden("douyin/paid-101.json").replace(b"323423", b"999")
    assert why(DOOR, douyin_push(other)) == "its shop is no shop of channel DY in conf/shops.yml"


def test_the_events_own_time_comes_before_that_of_the_update_and_of_the_message() -> None:
    def said_at(**times: object) -> datetime:
        data = json.dumps({"p_id": 1, "shop_id": 323423, **times})
        body = json.dumps({"tag": "101", "msg_id": "7:0:1769486403", "data": data}).encode()
        return only(DOOR, douyin_push(body)).happened_at

    assert said_at(pay_time=1_769_486_401, update_time=1_769_486_402) == after(1)
    assert said_at(pay_time=0, update_time="1769486402") == after(2)
    assert said_at() == after(3)


@pytest.mark.parametrize("message", ["9" * 129, ""])
def test_a_message_whose_id_cannot_be_kept_is_kept_whole(message: str) -> None:
    body = json.dumps({"tag": "101", "msg_id": message, "data": '{"p_id":1,"shop_id":323423}'}).encode()
    assert why(DOOR, douyin_push(body)) == "expected a message id of 1 to 128 characters"


def test_too_many_messages_at_once_are_kept_as_one() -> None:
    body = b"[" + b",".join([b"0"] * 1_001) + b"]"
    assert why(DOOR, douyin_push(body)) == "expected at most 1000 messages"


def test_douyin_is_told_of_a_failure_in_its_own_words() -> None:
    push = douyin_push(golden("douyin/paid-101.json"))
    with pytest.raises(Mistake) as refused:
        DOOR.open(msgspec.structs.replace(push, body=b" " * 2_000_000))
    answer = DOOR.refuse(push, refused.value.refusal)
    assert answer.status == 413
    assert json.loads(answer.body)["code"] == 40_041
