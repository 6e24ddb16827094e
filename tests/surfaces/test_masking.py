"""Whoever may not see personal data does not: nothing of a name, phone or address is left in what is shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdan.domain.kernel.messages import Person
from tongdan.surfaces.masking import HIDDEN, mask_name, mask_person, mask_phone, mask_raw

ZHANG = Person(
    name="张三丰", phone="13812341234", province="浙江省", city="杭州市", district="西湖区", detail="文三路 1 号",
    buyer="o6_bmjrPTlm6", sealed={"encrypt_tel": "##cipher##"},
)  # fmt: skip
SECRETS = ("张三", "三丰", "13812341234", "文三路", "##cipher##")


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13812341234", "138****1234"),
        ("+86 138-1234-1234", "138****1234"),
        ("0571-88881234", "571****1234"),
        ("138****1234", "138****1234"),
        ("12345", "****"),
        ("", ""),
    ],
)
def test_phones(phone: str, shown: str) -> None:
    assert mask_phone(phone) == shown


def test_a_name_keeps_its_first_character_and_not_its_length() -> None:
    assert (mask_name("张三"), mask_name("欧阳震华"), mask_name("")) == ("张**", "欧**", "")


def test_an_address_keeps_its_region_only() -> None:
    masked = mask_person(ZHANG)
    assert (masked.province, masked.city, masked.district, masked.detail) == (
        "浙江省",
        "杭州市",
        "西湖区",
        "",
    )
    assert not any(secret in str(masked) for secret in SECRETS)


def test_json_keeps_its_codes_and_hides_the_rest_three_deep() -> None:
    addr = json.dumps(
        {"province": {"name": "浙江省"}, "city": "杭州市", "detail": "文三路 1 号"}, ensure_ascii=False
    )
    data = json.dumps(
        {"p_id": 4781234567890123456, "order_status": 2, "receiver_msg": {"name": "张三丰", "tel": 13812341234,
         "addr": addr}, "pay_amount": 1999, "pay_time": 1769486400}, ensure_ascii=False,
    )  # fmt: skip
    shown = mask_raw(json.dumps([{"tag": "101", "msg_id": "7:101", "data": data}]).encode())
    (item,) = json.loads(shown)
    assert (item["tag"], item["data"]["p_id"], item["data"]["pay_amount"]) == (
        "101",
        4781234567890123456,
        1999,
    )
    assert item["data"]["receiver_msg"] == {
        "name": HIDDEN, "tel": HIDDEN, "addr": {"province": {"name": HIDDEN}, "city": "杭州市", "detail": HIDDEN},
    }  # fmt: skip


def test_xml_keeps_its_codes_and_hides_the_rest() -> None:
    shown = mask_raw(
        "<request v='张三丰'><deliveryOrderCode>MP20260127000892-S1</deliveryOrderCode><status>DELIVERED</status>"
        "<receiverInfo><name>张三丰</name><mobile>13812341234</mobile>文三路</receiverInfo></request>".encode()
    )
    assert "<deliveryOrderCode>MP20260127000892-S1</deliveryOrderCode>" in shown and "DELIVERED" in shown
    assert not any(secret in shown for secret in SECRETS)


@pytest.mark.parametrize(
    "raw",
    [
        b"content=%E5%BC%A0%E4%B8%89&tel=13812341234",
        b'<!DOCTYPE x [<!ENTITY a "13812341234">]><x>&a;</x>',
        b'{"name": "13812341234"',
        b"[" * 50_000,
        b"\xff\xfe13812341234",
        b'{"tel": "' + b"13812341234" * 10_000 + b'"}',
        b"",
    ],
    ids=["form", "entities", "broken", "deep", "bytes", "large", "empty"],
)
def test_what_is_not_understood_is_not_shown(raw: bytes) -> None:
    assert mask_raw(raw) == f"{HIDDEN} ({len(raw)} bytes)"


@pytest.mark.parametrize("name", ["status", "order_no", "p_id", "code"])
def test_a_phone_in_the_place_of_a_code_is_hidden(name: str) -> None:
    for value in ("13812341234", 13812341234, "+8613812341234", "张三丰"):
        assert json.loads(mask_raw(json.dumps({name: value}).encode())) == {name: HIDDEN}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda of: st.lists(of) | st.dictionaries(st.text(), of),
    )
)
def test_no_payload_makes_it_fail_and_no_chinese_word_gets_through(value: object) -> None:
    shown = mask_raw(json.dumps({"note": value, "名": "张三丰"}).encode())
    assert "张三丰" not in shown
