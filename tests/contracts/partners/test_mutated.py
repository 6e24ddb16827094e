"""A door ends in one of its known ways whatever arrives, also well signed, when its reader is reached."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, fromstring, tostring

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.contracts.partners.played import Played, everybody

from tongdan.adapters.partners.reading import MAX_REASON
from tongdan.domain.kernel import ids
from tongdan.domain.kernel.messages import Person
from tongdan.ports import Accepted, Inbound, Mistake, NotUnderstood, Unauthentic

XML_PARTNERS = ("qimen",)
BY_NAME = {played.name: played for played in everybody()}
EXAMPLES = settings(
    max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**40, 0.5, -0.0, 1e308, 4.78e18,
    "", " ", "0", "-1", "1e9", "9" * 400, "NaN", "Infinity", "\x00", "\u202e", "😀", "１２３", "null", "{}", "[]",
    "<a/>", "&#0;", "'; DROP TABLE orders; --", "2026-02-30 25:61:61", "9999-12-31T23:59:59+00:00",
    "0001-01-01T00:00:00+23:59", "2026-01-27T12:00:00", "2026-01-27 12:00:00 ", "DY20260127000892-S99999",
    "DY20269999000892-S1", "ＤＹ20260127000892-S1", [], [[]], [None], {}, {"a": {}}, {"": ""},
)  # fmt: skip

BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>
<request><deliveryOrder><deliveryOrderCode>&d;</deliveryOrderCode></deliveryOrder></request>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<request><order><orderCode>&x;</orderCode></order><process><processStatus>PICK</processStatus></process></request>"""

BARE = b"<!DOCTYPE request><request/>"


def ends_well(played: Played, body: bytes) -> str:
    """How the door ended; fails if in any way but the known ones, or if what it made cannot be used."""
    request = played.sign(body, "")
    try:
        messages = played.door.open(request)
    except Unauthentic as error:
        assert 0 < len(str(error)) <= 120
        return "unauthentic"
    except Mistake as mistake:
        refusal = mistake.refusal
        assert 400 <= refusal.status < 500 and refusal.name and refusal.en and refusal.zh
        assert played.door.refuse(request, refusal).status == refusal.status
        return "mistake"
    for message in messages:
        assert message.raw and message.raw in body
        if isinstance(message, Inbound):
            check_usable(message)
        else:
            assert isinstance(message, NotUnderstood)
            assert 0 < len(message.reason) <= MAX_REASON
    accepted = [
        Accepted("DY20260127000892", 124, 1, 1) for message in messages if isinstance(message, Inbound)
    ]
    if accepted or played.name != "own":
        assert played.door.answer(request, accepted).status in (200, 201)
    return "understood" if accepted else "not understood"


def check_usable(message: Inbound) -> None:
    """It can be stored: UTF-8, 64 bits, aware times between 2000 and 2100, ids that lead to a slot."""
    command = message.command
    msgspec.msgpack.encode(command)
    assert all(part.encode() for part in message.key[:2]) and sum(map(len, message.key)) < 1_000
    assert message.happened_at.tzinfo is UTC
    named = getattr(command, "shipment", "") or getattr(command, "order", "")
    assert not named or ids.parse(named) is not None
    for value in values_of(command):
        if isinstance(value, datetime):
            assert value.tzinfo is UTC and 2000 <= value.year < 2100
        elif isinstance(value, int):
            assert abs(value) < 2**63
        elif isinstance(value, str):
            assert len(value.encode()) <= 4_000


def values_of(value: object) -> list[object]:
    """The leaves of a command; a Person's texts are as long as the partner made them."""
    if isinstance(value, Person):
        return []
    if isinstance(value, msgspec.Struct):
        return [leaf for name in value.__struct_fields__ for leaf in values_of(getattr(value, name))]
    if isinstance(value, tuple):
        return [leaf for item in value for leaf in values_of(item)]
    return [value]


# ---- ways to be wrong


@st.composite
def wrong_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """A few bytes changed, cut out, doubled or put in."""
    body = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(body) - 1, 0)))
        upto = at + draw(st.integers(0, 12))
        body[at:upto] = draw(st.one_of(st.binary(max_size=6), st.just(bytes(body[at:upto]) * 2)))
    return bytes(body)


@st.composite
def wrong_json(draw: st.DrawFn, content: bytes) -> bytes:
    """One to three places of the message hold something else, or are gone."""
    root = [json.loads(content)]
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(places(root)))
        if isinstance(holder, dict) and draw(st.booleans()) and draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = deepcopy(draw(st.sampled_from(HOSTILE)))
    return json.dumps(root[0], ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


def places(root: list[Any]) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    todo: list[Any] = [root]
    while todo:
        node = todo.pop()
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            found.append((node, key))
            if isinstance(node[key], dict | list):
                todo.append(node[key])
    return found


@st.composite
def wrong_xml(draw: st.DrawFn, content: bytes) -> bytes:
    """One to three elements say something else, stand twice, or are gone."""
    root: Element = fromstring(content)
    for _ in range(draw(st.integers(1, 3))):
        parents = [(parent, child) for parent in root.iter() for child in parent]
        parent, child = draw(st.sampled_from(parents))
        what = draw(st.sampled_from(("text", "text", "text", "twice", "gone", "nested")))
        if what == "text":
            text = str(draw(st.sampled_from(HOSTILE)))
            child.text = "".join(c for c in text if c in "\t\n\r" or c >= " ")
        elif what == "twice":
            parent.append(child)
            return bytes(tostring(root, encoding="utf-8"))
        elif what == "gone":
            parent.remove(child)
        else:
            child.append(Element("deeper"))
        if len(root) == 0:
            break
    return bytes(tostring(root, encoding="utf-8"))


JSON_NAMES = [name for name in BY_NAME if name not in XML_PARTNERS]


@pytest.mark.parametrize("name", list(BY_NAME))
@EXAMPLES
@given(data=st.data())
def test_changed_bytes(name: str, data: st.DataObject) -> None:
    played = BY_NAME[name]
    content = data.draw(wrong_bytes(data.draw(st.sampled_from(played.contents))))
    ends_well(played, played.wrap(content))


@pytest.mark.parametrize("name", JSON_NAMES)
@EXAMPLES
@given(data=st.data())
def test_wrong_values_in_json(name: str, data: st.DataObject) -> None:
    played = BY_NAME[name]
    content = data.draw(wrong_json(data.draw(st.sampled_from(played.contents))))
    ends_well(played, played.wrap(content))


@pytest.mark.parametrize("name", XML_PARTNERS)
@EXAMPLES
@given(data=st.data())
def test_wrong_values_in_xml(name: str, data: st.DataObject) -> None:
    played = BY_NAME[name]
    content = data.draw(wrong_xml(data.draw(st.sampled_from(played.contents))))
    ends_well(played, played.wrap(content))


@pytest.mark.parametrize("name", list(BY_NAME))
@EXAMPLES
@given(body=st.binary(min_size=1, max_size=200))
@example(body=b"\xff\xfe\x00")
@example(body=b'{"a":"\xff"}')
@example(body=b'{"a":"\\ud800"}')
@example(body=b'{"a":' + b"9" * 6_000 + b"}")
def test_any_bytes(name: str, body: bytes) -> None:
    played = BY_NAME[name]
    assert ends_well(played, played.wrap(body)) in ("mistake", "not understood", "unauthentic")


def nested(count: int) -> list[bytes]:
    deep: Callable[[str, str], bytes] = lambda a, b: (a * count + b * count).encode()  # noqa: E731
    return [deep("[", "]"), b'{"a":' * count + b"1" + b"}" * count, deep("<a>", "</a>"), b"[" * count]


@pytest.mark.parametrize("name", list(BY_NAME))
@pytest.mark.parametrize("count", [100, 5_000, 100_000])
def test_deep_nesting(name: str, count: int) -> None:
    played = BY_NAME[name]
    for content in nested(count):
        assert ends_well(played, played.wrap(content)) in ("mistake", "not understood")


@pytest.mark.parametrize("name", list(BY_NAME))
def test_deep_nesting_inside_a_good_message(name: str) -> None:
    played = BY_NAME[name]
    for content in played.contents:
        if name in XML_PARTNERS:
            body = content.replace(b"</request>", b"<a>" * 50_000 + b"</a>" * 50_000 + b"</request>")
        else:
            body = content.replace(b"{", b'{"deeper":' + b"[" * 50_000 + b"]" * 50_000 + b",", 1)
        ends_well(played, played.wrap(body))


@pytest.mark.parametrize("bomb", [BOMB, OUTSIDE, BARE], ids=["expansion", "external", "bare"])
def test_entities_are_refused_unexpanded(bomb: bytes) -> None:
    played = BY_NAME["qimen"]
    (message,) = played.door.open(played.push(bomb))
    assert isinstance(message, NotUnderstood)
    assert message.reason == "XML with a DTD or entities"
    assert message.raw == bomb


def test_the_mutations_reach_every_ending() -> None:
    """The net has not been woven too wide: the same few mutations end in all the ways there are."""
    ends = set()
    for played in everybody():
        content = played.contents[0]
        cut = content[: len(content) // 2]
        ends |= {ends_well(played, played.wrap(body)) for body in (content, cut, b"[]", b"{}")}
    assert ends >= {"understood", "not understood", "mistake"}
