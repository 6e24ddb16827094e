"""What every door promises, whoever stands before it."""

import msgspec
import pytest
from tests.contracts.partners.played import NOW, Played, everybody

from tongdan.adapters.partners.reading import MAX_BODY_BYTES
from tongdan.domain.kernel.messages import Refusal
from tongdan.ports import Accepted, Inbound, Mistake, NotUnderstood, PushRequest, Translator, Unauthentic

OVERLOADED = Refusal("overloaded", 503, "Too much is waiting.", "等待写入的请求过多。", retry_after_s=7)
LAGGING = Refusal("reactions-behind", 429, "Too far behind.", "后续处理积压过多。", retry_after_s=5)
SECRETS = ("2ad2355c", "secret of the", "qimen-secret", "a-key-of-exactly", "push-secret", "bWVzc2Fn")

replace = msgspec.structs.replace


@pytest.fixture(params=everybody(), ids=lambda played: played.name)
def played(request: pytest.FixtureRequest) -> Played:
    found: Played = request.param
    return found


@pytest.fixture(params=[each for each in everybody() if each.signed], ids=lambda played: played.name)
def signed(request: pytest.FixtureRequest) -> Played:
    """Those whose messages prove themselves; what only its address vouches for can be anything."""
    found: Played = request.param
    return found


@pytest.fixture(
    params=[each for each in everybody() if each.signed and not each.sealed], ids=lambda played: played.name
)
def headed(request: pytest.FixtureRequest) -> Played:
    """Those whose proof stands beside the body."""
    found: Played = request.param
    return found


def test_a_golden_message_is_understood(played: Played) -> None:
    for content in played.contents:
        messages = played.door.open(played.push(content))
        assert [type(message) for message in messages] == [Inbound]


def test_one_changed_byte_of_the_body_is_unauthentic(signed: Played) -> None:
    request = signed.push(signed.contents[0])
    assert len(signed.door.open(request)) == 1
    for at in (0, len(request.body) // 2, len(request.body) - 1):
        body = bytearray(request.body)
        body[at] ^= 1
        with pytest.raises(Unauthentic):
            signed.door.open(replace(request, body=bytes(body)))


def test_authentication_comes_before_parsing(signed: Played) -> None:
    """Garbage without a good signature is unauthentic, not "not understood": no parser has seen it."""
    request = replace(signed.push(signed.contents[0]), body=b"\xff\x00 no format at all")
    with pytest.raises(Unauthentic):
        signed.door.open(request)


def test_without_any_header_and_query_it_is_unauthentic(headed: Played) -> None:
    request = headed.push(headed.contents[0])
    with pytest.raises(Unauthentic):
        headed.door.open(replace(request, headers={}, query=""))


def test_headers_of_any_characters_are_unauthentic(headed: Played) -> None:
    request = headed.push(headed.contents[0])
    for odd in ("", "\u00e9", "\ud800", "9" * 5_000, "-1", "\u0661\u0661"):
        broken = dict.fromkeys(request.headers, odd)
        query = f"sign={odd}&method={odd}".encode("utf-8", "replace").decode()
        with pytest.raises(Unauthentic):
            headed.door.open(replace(request, headers=broken, query=query))


@pytest.mark.parametrize(
    "played", [each for each in everybody() if each.name != "own"], ids=lambda each: each.name
)
def test_an_unknown_name_in_the_path_is_unauthentic(played: Played) -> None:
    for name in ("", "nobody", "../dy-main", "main/x"):
        with pytest.raises(Unauthentic):
            played.door.open(played.push(played.contents[0], played.door.path + name))


def test_a_repeat_has_the_same_key_and_another_message_has_another(played: Played) -> None:
    def key(request: PushRequest) -> tuple[str, ...]:
        (message,) = played.door.open(request)
        assert isinstance(message, Inbound)
        return message.key

    keys = [key(played.push(content)) for content in played.contents]
    assert keys == [key(played.push(content)) for content in played.contents]
    if played.name != "douyin-data":  # there the message id is the wrapper's, and the same
        assert len(set(keys)) == len(keys)


def test_raw_is_the_messages_own_bytes(played: Played) -> None:
    for content in played.contents:
        request = played.push(content)
        (message,) = played.door.open(request)
        assert message.raw and message.raw in request.body


def test_accepted_is_acknowledged_with_success(played: Played) -> None:
    request = played.push(played.contents[0])
    answer = played.door.answer(request, [Accepted("DY20260127000892", 124, 1, 7)])
    assert answer.status in (200, 201)
    assert answer.retry_after_s == 0
    duplicate = played.door.answer(request, [Accepted("DY20260127000892", 124, 1, 7, duplicate=True)])
    assert duplicate.status == 200


@pytest.mark.parametrize("refusal", [OVERLOADED, LAGGING], ids=lambda refusal: refusal.name)
def test_overload_is_told_with_a_status_that_makes_it_come_again(played: Played, refusal: Refusal) -> None:
    request = played.push(played.contents[0])
    for answer in (played.door.refuse(request, refusal), played.door.answer(request, [refusal])):
        assert (answer.status, answer.retry_after_s) == (refusal.status, refusal.retry_after_s)
        assert b"success" not in answer.body


def test_a_refused_item_is_never_acknowledged(played: Played) -> None:
    request = played.push(played.contents[0])
    unknown = Refusal("unknown-id", 404, "There is no such order.", "没有此单。")
    if played.name != "own":  # one request to an own shop is one message
        good = Accepted("DY20260127000892", 124, 1, 7)
        assert played.door.answer(request, [good, unknown]).status == 404
    assert played.door.answer(request, [unknown]).status == 404


def test_a_body_beyond_the_limit_is_refused_by_name(played: Played) -> None:
    request = replace(played.push(played.contents[0]), body=b" " * (MAX_BODY_BYTES + 1))
    with pytest.raises(Mistake) as refused:
        played.door.open(request)
    assert (refused.value.refusal.name, refused.value.refusal.status) == ("body-too-large", 413)


def test_what_is_authentic_but_unreadable_is_kept_and_acknowledged(played: Played) -> None:
    request = played.push(b"[[[")
    if played.name == "own":
        with pytest.raises(Mistake) as refused:
            played.door.open(request)
        assert (refused.value.refusal.name, refused.value.refusal.status) == ("invalid-body", 422)
        return
    messages = played.door.open(request)
    assert [type(message) for message in messages] == [NotUnderstood]
    assert messages[0].raw in request.body
    assert played.door.answer(request, []).status == 200


@pytest.mark.parametrize(
    "played", [each for each in everybody() if each.name != "own"], ids=lambda each: each.name
)
def test_what_was_not_understood_says_enough_to_be_read_again(played: Played) -> None:
    """With what was noted about a message, its bytes alone stand for the same command under the same key."""
    door = played.door
    assert isinstance(door, Translator)
    (kept,) = door.open(played.push(b"<not understood"))
    assert isinstance(kept, NotUnderstood)
    assert not any(secret in kept.about for secret in SECRETS)
    assert list(door.read(kept.about, kept.raw, NOW)) == [kept]
    requests = [played.push(content) for content in played.contents]
    again = [list(door.read(kept.about, each.body, each.received_at)) for each in requests]
    opened = [list(door.open(each)) for each in requests]
    same = sum(one == other for one, other in zip(again, opened, strict=True))
    # Qimen's method stands in the query, and what was kept has one of them.
    assert same == len(opened) if played.name != "qimen" else 0 < same < len(opened)


def test_one_route_of_a_push_is_read_again_by_itself() -> None:
    (played,) = (each for each in everybody() if each.name == "sf")
    whole = played.contents[0].replace(b'"mailno":"SF', b'"mailno":"?')
    (kept,) = played.door.open(played.push(whole))
    assert isinstance(kept, NotUnderstood) and isinstance(played.door, Translator)
    (message,) = played.door.open(played.push(played.contents[0]))
    assert list(played.door.read(kept.about, kept.raw.replace(b'"mailno":"?', b'"mailno":"SF'), NOW)) == [
        message
    ]


def test_no_reason_gives_away_a_secret(headed: Played) -> None:
    request = headed.push(headed.contents[0])
    reasons = []
    for broken in (
        replace(request, headers={}, query=""),
        replace(request, body=b"x"),
        replace(request, headers=dict.fromkeys(request.headers, "x"), query="sign=x"),
    ):
        with pytest.raises(Unauthentic) as refused:
            headed.door.open(broken)
        reasons.append(str(refused.value))
    assert not any(secret in reason for secret in SECRETS for reason in reasons)
