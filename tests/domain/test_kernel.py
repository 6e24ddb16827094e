"""Ids, slots, money, instants and transition tables: what is stored for ever must never read differently."""

from datetime import UTC, date, datetime, timedelta, timezone
from enum import IntEnum
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdan.domain.kernel import ids, instants, keys
from tongdan.domain.kernel.machine import Machine, MachineError
from tongdan.domain.kernel.money import MAX_FEN, check_fen, fen_from_yuan, yuan_from_fen
from tongdan.domain.kernel.slots import SLOTS, digest, slot_of

CHANNELS = st.sampled_from(["DY", "PD", "MP", "TB", "JD", "KS"])
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(lambda d: d.strftime("%Y%m%d"))
SLOT = st.integers(0, SLOTS - 1)


# ---- ids


@given(CHANNELS, DAYS, st.integers(0, 10**9), SLOT, st.integers(1, 9_999))
def test_an_id_tells_its_channel_and_slot(channel: str, day: str, n: int, slot: int, no: int) -> None:
    order = ids.make_order_id(channel, day, n, slot)
    assert ids.parse(order) == (order, channel, slot, "", 0)
    assert ids.parse(ids.payment_id(order, no)) == (order, channel, slot, "P", no)
    assert ids.parse(ids.shipment_id(order, no)) == (order, channel, slot, "S", no)


@given(st.sets(st.tuples(st.integers(0, 10**6), SLOT), min_size=2, max_size=50))
def test_ids_of_one_day_never_collide(places: set[tuple[int, int]]) -> None:
    assert len({ids.make_order_id("DY", "20260127", n, slot) for n, slot in places}) == len(places)


def test_the_id_of_the_specification_is_one() -> None:
    assert ids.parse("DY20260127000892") == ("DY20260127000892", "DY", 892 % 256, "", 0)
    assert ids.make_order_id("DY", "20260127", 3, 124) == "DY20260127000892"
    assert ids.make_order_id("DY", "20260127", 10**6, 255) == "DY20260127256000255"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DY2026012700089",
        "dy20260127000892",
        "DY20260230000892",
        "DY20260127000892-X1",
        "DY20260127000892-S0",
        "DY20260127000892-S01",
        "DY20260127000892-S1 ",
        "DY２０２６０１２７000892",
        "DY20260127" + "1" * 19,
        "DY20260127000892\n",
    ],
)
def test_what_cannot_be_an_id_is_none(text: str) -> None:
    assert ids.parse(text) is None


def test_the_business_day_is_that_of_shanghai() -> None:
    assert ids.business_day(datetime(2026, 1, 26, 16, tzinfo=UTC)).isoformat() == "2026-01-27"
    assert ids.business_day(datetime(2026, 1, 26, 15, 59, 59, tzinfo=UTC)).isoformat() == "2026-01-26"


# ---- slots and keys


def test_slots_are_part_of_the_data_format() -> None:
    """Golden vectors, made with `printf 4:user4:mp-13:u-1 | b2sum -l 64`: another slot, and orders are not found."""
    assert slot_of("user", "mp-1", "u-1") == 61
    assert slot_of("DY", "dy-1", "4781") == 136
    assert slot_of("stock/SHIRT") == 147
    assert slot_of("") == 64
    assert slot_of("订单", "同单") == 219


@given(st.text(max_size=20), st.text(max_size=20))
def test_parts_do_not_run_together(a: str, b: str) -> None:
    assert digest(a, b) != digest(a + b)
    assert digest(a, b, "") != digest(a, b)


def test_what_belongs_to_an_order_lies_beside_it() -> None:
    order = "DY20260127000892"
    slot = 892 % 256
    for key in (
        order,
        f"{order}-S2",
        keys.ticket_key(order, "line-short"),
        f"ticket/{order}-S2/recall-failed",
    ):
        assert keys.key_slot(key) == slot
        assert keys.subject_of(key).startswith(order)
    assert keys.key_slot("ticket/stock/A B/dead-letter:1.1.1.0") == keys.key_slot(keys.stock_key("A B"))
    assert keys.subject_of(f"ticket/{order}-S2/recall-failed") == order


@pytest.mark.parametrize("key", ["", "order", "DY20260127000892-P1", "user/1", "DY1"])
def test_a_key_of_nothing_is_an_error(key: str) -> None:
    with pytest.raises(ValueError, match="no aggregate"):
        keys.kind_of(key)


# ---- money


@given(st.integers(1 - MAX_FEN, MAX_FEN - 1))
def test_fen_and_yuan_are_the_same_money(fen: int) -> None:
    assert fen_from_yuan(yuan_from_fen(fen)) == fen


@pytest.mark.parametrize(("yuan", "fen"), [("200.07", 20_007), ("0.1", 10), ("-3", -300), (" 12.30 ", 1_230)])
def test_yuan_as_partners_write_them(yuan: str, fen: int) -> None:
    assert fen_from_yuan(yuan) == fen


@pytest.mark.parametrize("yuan", ["", "1.234", "1e3", "１２", "1,000", "NaN", "+1", "1.", "9" * 12])
def test_what_is_no_yuan_is_an_error(yuan: str) -> None:
    with pytest.raises(ValueError, match="expected yuan"):
        fen_from_yuan(yuan)


@pytest.mark.parametrize("value", [True, 1.0, "1", None, MAX_FEN + 1, -MAX_FEN - 1])
def test_only_integers_are_fen(value: object) -> None:
    with pytest.raises(ValueError, match="fen"):
        check_fen(value)


# ---- time


def test_four_ways_to_write_one_instant() -> None:
    at = datetime(2026, 1, 27, 6, 5, 9, tzinfo=UTC)
    assert instants.from_epoch_s(1_769_493_909) == at
    assert instants.from_epoch_ms("1769493909000") == at
    assert instants.from_rfc3339("2026-01-27T14:05:09+08:00") == at
    assert instants.from_local("2026-01-27 14:05:09", ids.SHANGHAI) == at


def test_a_time_that_occurs_twice_is_the_first_and_one_that_never_occurs_lies_after_the_gap() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert instants.from_local("2026-10-25 02:30:00", berlin) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert instants.from_local("2026-03-29 02:30:00", berlin) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("value", [True, 1.5, "", "-1", "1e9", "１７６９", None, 2**60, "9" * 19, 0])
def test_what_is_no_epoch_time_is_an_error(value: object) -> None:
    with pytest.raises(ValueError, match=r"epoch|between"):
        instants.from_epoch_s(value)


def test_a_time_without_offset_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="offset"):
        instants.from_rfc3339("2026-01-27T14:05:09")


@given(st.integers(10**9, 4 * 10**9), st.integers(-14, 14))
def test_any_offset_gives_the_same_instant(epoch_s: int, hours: int) -> None:
    at = instants.from_epoch_s(epoch_s)
    assert instants.from_rfc3339(at.astimezone(timezone(timedelta(hours=hours))).isoformat()) == at


# ---- transition tables


class Light(IntEnum):
    RED = 0
    GREEN = 1
    OFF = 2


def build(edges: dict[Light, frozenset[Light]], finals: frozenset[Light] = frozenset()) -> Machine[Light]:
    return Machine("light", Light.RED, finals, edges)


def test_a_table_says_which_steps_there_are() -> None:
    light = build(
        {Light.RED: frozenset({Light.GREEN}), Light.GREEN: frozenset({Light.RED, Light.OFF})},
        frozenset({Light.OFF}),
    )
    assert light.allows(Light.RED, Light.GREEN)
    assert not light.allows(Light.OFF, Light.RED)
    assert light.step(Light.GREEN, Light.OFF) is Light.OFF
    with pytest.raises(MachineError, match="light: RED does not lead to OFF"):
        light.step(Light.RED, Light.OFF)
    assert light.edges() == [
        (Light.RED, Light.GREEN),
        (Light.GREEN, Light.RED),
        (Light.GREEN, Light.OFF),
    ]


def test_an_unreachable_state_is_named() -> None:
    with pytest.raises(MachineError, match=r"light: unreachable .*OFF"):
        build({Light.RED: frozenset({Light.GREEN}), Light.GREEN: frozenset({Light.RED})})


def test_a_dead_end_that_is_not_final_is_named() -> None:
    with pytest.raises(MachineError, match=r"light: dead ends .*OFF"):
        build({Light.RED: frozenset({Light.GREEN}), Light.GREEN: frozenset({Light.OFF})})
