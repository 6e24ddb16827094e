"""Telling a partner again: only what it was told before, word for word, and nothing to whom nothing was to be told."""

from hypothesis import given
from hypothesis import strategies as st
from tests.domain.centre import Centre, after, detail, left, line, pay, platform_order, signed

from tongdan.domain.kernel.messages import Decision, Effect
from tongdan.domain.orders.commands import CancelOrder, TellAgain
from tongdan.domain.orders.facts import TellFinance, WriteBackShipment

CHANNEL = "channel/DY/dy-1"


def again(centre: Centre, order: str, partner: str) -> tuple[list[str], list[Effect]]:
    """What it is said to have been told again, and the effects that do so."""
    decision = centre.tell(TellAgain(order=order, partner=partner))
    assert isinstance(decision, Decision)
    told = [part for fact in decision.facts for part in fact.what]  # type: ignore[attr-defined]
    return told, list(decision.effects)


def distinct(centre: Centre) -> list[TellFinance]:
    """What finance was told, each thing once."""
    return list(dict.fromkeys(centre.effects_of(TellFinance)))


def sold(centre: Centre, units: int) -> str:
    """A platform's order of one line, paid and released."""
    centre.stocked(SHIRT=20).told(
        detail(line(units=units, native="N1"), status="2", seconds=61, paid_at=after(60))
    )
    return platform_order(centre)


def test_finance_hears_the_same_milestones_again_with_the_same_sums_and_times(
    centre: Centre, order: str
) -> None:
    centre.told(left(f"{order}-S1", "SF1", ("SHIRT", 2)))
    centre.told(signed(f"{order}-S1"))
    first = centre.effects_of(TellFinance)
    assert [each.milestone for each in first] == ["paid", "signed"]
    assert again(centre, order, "finance") == (["paid", "signed"], first)


def test_a_cancelled_order_is_not_said_to_have_been_signed(centre: Centre, order: str) -> None:
    centre.told(CancelOrder(order=order, reason="changed mind"))
    told, effects = again(centre, order, "finance")
    assert told == ["paid", "cancelled"]
    assert all(each in centre.effects_of(TellFinance) for each in effects)


def test_who_was_never_told_anything_is_told_nothing_again(centre: Centre) -> None:
    unpaid = centre.stocked(SHIRT=5).placed(line())
    for partner in ("finance", "carrier/SF", "payment/wechat", "channel/MP/mp-1"):
        assert again(centre, unpaid, partner) == ([], [])
    assert "ToldAgain" not in centre.facts()


def test_another_shops_channel_is_told_nothing(centre: Centre) -> None:
    order = sold(centre, 1)
    centre.told(left(f"{order}-S1", "SF1", ("SHIRT", 1)))
    assert again(centre, order, "channel/DY/dy-2") == ([], [])
    assert again(centre, order, "channel/PD/pd-1") == ([], [])


@given(
    parcels=st.lists(st.integers(1, 3), min_size=1, max_size=4),
    more=st.integers(0, 2),
    cancelled=st.booleans(),
)
def test_a_channel_hears_the_same_parcels_again_in_the_order_in_which_they_left(
    parcels: list[int], more: int, cancelled: bool
) -> None:
    """Whatever has left so far, told as often as you like: the same requests, units and numbers, and no other."""
    centre = Centre()
    order = sold(centre, sum(parcels) + more)
    for no, units in enumerate(parcels):
        final = no == len(parcels) - 1 and not more
        centre.told(left(f"{order}-S1", f"SF{no}", ("SHIRT", units), seconds=100 + no, final=final))
    if cancelled:
        centre.send(CancelOrder(order=order, reason="changed mind"))
    first = centre.effects_of(WriteBackShipment)
    assert len(first) == len(parcels)
    for _ in range(2):
        told, effects = again(centre, order, CHANNEL)
        assert effects == first
        assert len(told) == len(set(told)) == len(parcels)


@given(parcels=st.lists(st.integers(1, 3), min_size=1, max_size=3), signs=st.booleans())
def test_what_finance_is_told_again_it_was_told_before(parcels: list[int], signs: bool) -> None:
    """At no point of its life does an order tell finance anything again that it has not told once."""
    centre = Centre()
    order = centre.stocked(SHIRT=20).placed(line(units=sum(parcels)))
    centre.told(pay(order))
    for no, units in enumerate(parcels):
        final = no == len(parcels) - 1
        centre.told(left(f"{order}-S1", f"SF{no}", ("SHIRT", units), seconds=100 + no, final=final))
        before = distinct(centre)
        assert again(centre, order, "finance")[1] == before
    if signs:
        centre.told(signed(f"{order}-S1"))
    before = distinct(centre)
    assert [each.milestone for each in before] == ["paid", "signed"][: 1 + signs]
    assert again(centre, order, "finance")[1] == before
