"""What goes out: each effect takes place once in effect, lanes keep their order, a failure stays where it is."""

from itertools import pairwise
from pathlib import Path

import pytest
from tests.flow.errands import dead, emit, finance, order_in, tell, write_back
from tests.flow.parties import Partner
from tests.flow.rig import Rig, as_after_a_crash, findings, opened, virtual

from tongdan.domain.kernel.messages import Effect, ReplayEffect
from tongdan.domain.orders.facts import Prepay, TellFinance
from tongdan.flow import effects as runner
from tongdan.ports import Clock, Repeat, Undo, Verb

# ---- the four ways of repeating


@pytest.mark.parametrize("repeat", [Repeat.KEYED, Repeat.NATURAL, Repeat.AT_LEAST_ONCE])
@virtual
async def test_a_lost_outcome_is_sent_again_where_a_repeat_is_harmless(
    clock: Clock, tmp_path: Path, repeat: Repeat
) -> None:
    partner = finance(clock, repeat)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.append(partner.lost_answer)
        (id,) = await emit(rig, order, tell(order))
        await clock.sleep(5)
        assert partner.asked == [id, id]
        assert partner.looked == []
        assert rig.rows()["effects"] == 0
        assert rig.facts(order).count("EffectSettled") == 1
    assert findings(tmp_path / "data") == []


@virtual
async def test_query_first_looks_before_it_sends_again_and_learns_that_it_took_place(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock, Repeat.QUERY_FIRST)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.append(partner.lost_answer)
        (id,) = await emit(rig, order, tell(order))
        await clock.sleep(5)
        assert (partner.asked, partner.looked) == ([id], [id])
        assert partner.happened[id] == 1
        assert rig.rows()["effects"] == 0


@virtual
async def test_query_first_sends_again_what_certainly_did_not_take_place(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock, Repeat.QUERY_FIRST)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.append(partner.busy)
        (id,) = await emit(rig, order, tell(order))
        await clock.sleep(5)
        assert (partner.asked, partner.looked) == ([id, id], [id])
        assert partner.happened[id] == 1


@virtual
async def test_query_first_is_looked_up_after_a_time_out(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock, Repeat.QUERY_FIRST, timeout_s=2.0)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.append(partner.silent)
        (id,) = await emit(rig, order, tell(order))
        await clock.sleep(2 * 2.0 + runner.GRACE_S + 5)
        assert (partner.asked, partner.looked) == ([id], [id])
        assert partner.happened[id] == 1
        assert rig.rows()["effects"] == 0


@pytest.mark.parametrize(
    ("repeat", "sent_again", "looked"),
    [
        (Repeat.KEYED, True, False),
        (Repeat.NATURAL, True, False),
        (Repeat.AT_LEAST_ONCE, True, False),
        (Repeat.QUERY_FIRST, False, True),
    ],
)
@virtual
async def test_after_a_crash_between_effect_and_outcome(
    clock: Clock, tmp_path: Path, repeat: Repeat, sent_again: bool, looked: bool
) -> None:
    partner = finance(clock, repeat)
    rig = Rig(tmp_path / "data", clock, actors=[partner])
    await rig.start()
    order = await order_in(rig)
    partner.next.append(partner.after(20))
    (id,) = await emit(rig, order, tell(order))
    await clock.sleep(10)
    left = as_after_a_crash(tmp_path / "data", tmp_path / "left")
    await rig.stop()
    assert partner.happened[id] == 1
    second = finance(clock, repeat)
    second.happened[id] = 1  # the same partner, who remembers
    async with opened(left, clock, actors=[second]) as rig:
        await clock.sleep(5)
        assert second.asked == [id] * sent_again
        assert second.looked == [id] * looked
        assert rig.rows()["effects"] == 0
    assert findings(left) == []


@virtual
async def test_a_replayed_dead_letter_of_query_first_is_looked_up_before_it_is_sent(
    clock: Clock, tmp_path: Path
) -> None:
    """It may have taken place before anybody gave it up; a restart between the two does not make it forgotten."""
    partner = finance(clock, Repeat.QUERY_FIRST, deadline_s=10)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.append(partner.lost_answer)
        partner.blind = True
        (id,) = await emit(rig, order, tell(order))
        await clock.sleep(60)
        assert dead(rig) == [id]
    partner.blind = False
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        await rig.accepted(ReplayEffect(effect=id, reason="they can be asked again"))
        await clock.sleep(10)
        assert partner.asked == [id]
        assert partner.happened[id] == 1
        assert rig.rows()["effects"] == 0
    assert findings(tmp_path / "data") == []


# ---- lanes


@virtual
async def test_a_lane_is_first_in_first_out_and_others_go_on(clock: Clock, tmp_path: Path) -> None:
    partner, other = (
        finance(clock),
        Partner("bank", clock, {TellFinance: Verb(Repeat.NATURAL, Undo.REVERSIBLE)}),
    )
    async with opened(tmp_path / "data", clock, actors=[partner, other]) as rig:
        first, second = await order_in(rig, "1"), await order_in(rig, "2")
        partner.next.append(partner.busy)
        mine = await emit(rig, first, tell(first, "paid"), tell(first, "signed"), write_back())
        mine += await emit(rig, first, tell(first, "cancelled"))
        theirs = await emit(rig, second, tell(second))
        elsewhere = await emit(rig, first, tell(first, partner="bank"))
        await clock.sleep(0.1)
        assert partner.asked == [mine[0], *theirs]  # the failed one holds its lane, and only it
        assert other.asked == elsewhere
        await clock.sleep(5)
        assert partner.asked == [mine[0], *theirs, *mine]


@virtual
async def test_one_effect_of_a_lane_is_under_way_at_a_time(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.extend([partner.after(3), partner.after(3)])
        ids = await emit(rig, order, tell(order, "paid"), tell(order, "signed"))
        await clock.sleep(2.9)
        assert partner.asked == ids[:1]
        await clock.sleep(3)
        assert partner.asked == ids


@virtual
async def test_a_partner_has_a_bounded_number_under_way(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        orders = [await order_in(rig, str(n)) for n in range(40)]
        partner.next.extend([partner.after(10)] * 40)
        for order in orders:
            await emit(rig, order, tell(order))
        await clock.sleep(1)
        assert len(partner.asked) == runner.IN_FLIGHT_LIMIT == 32
        await clock.sleep(20)
        assert len(partner.asked) == 40
        assert sum(partner.happened.values()) == 40


# ---- failures


@virtual
async def test_a_failure_is_tried_again_later_and_later_with_jitter(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.extend([partner.busy] * 15)
        await emit(rig, order, tell(order))
        await clock.sleep(3_600)
        at = partner.asked_at
        waits = [late - early for early, late in pairwise(at)]
        longest = [min(runner.BACKOFF_LONGEST_S, runner.BACKOFF_FIRST_S * 2.0**n) for n in range(1, 16)]
        assert len(waits) == 15
        assert all(most / 2 <= wait <= most + 0.01 for wait, most in zip(waits, longest, strict=True)), waits
        assert len({round(wait / most, 3) for wait, most in zip(waits, longest, strict=True)}) > 10
        assert rig.rows()["effects"] == 0


@virtual
async def test_a_partner_says_when_to_come_again(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.append(partner.come_again_in(30))
        await emit(rig, order, tell(order))
        await clock.sleep(29)
        assert len(partner.asked) == 1
        await clock.sleep(2)
        assert len(partner.asked) == 2


@virtual
async def test_a_final_failure_is_a_dead_letter_with_a_ticket_and_blocks_its_lane(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order, other = await order_in(rig, "1"), await order_in(rig, "2")
        partner.next.append(partner.never)
        first, _ = await emit(rig, order, tell(order, "paid"), tell(order, "signed"))
        (third,) = await emit(rig, other, tell(other))
        await clock.sleep(3_600)
        assert partner.asked == [first, third]
        (letter,) = rig.reads.dead_letters()
        assert (letter.effect, letter.aggregate, letter.partner, letter.verb, letter.tries, letter.error) == (
            first, order, "finance", "TellFinance", 1, "cannot be",
        )  # fmt: skip
        assert rig.facts(order).count("EffectDied") == 1
        (ticket,) = rig.reads.tickets()
        assert (ticket.subject, ticket.kind) == (order, f"dead-letter:{first}")
        assert rig.meters.effects["finance", "TellFinance", "dead"] == 1
    assert findings(tmp_path / "data") == []
    again = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[again]) as rig:  # a restart does not revive it
        await clock.sleep(3_600)
        assert again.asked == []
        assert dead(rig) == [first]


@virtual
async def test_past_its_deadline_an_effect_is_a_dead_letter(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock, deadline_s=60)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.otherwise = partner.busy
        (id,) = await emit(rig, order, tell(order))
        await clock.sleep(59)
        assert dead(rig) == []
        await clock.sleep(120)
        assert dead(rig) == [id]
        tries = len(partner.asked)
        assert rig.reads.dead_letters()[0].tries == tries
        await clock.sleep(3_600)
        assert len(partner.asked) == tries


@pytest.mark.parametrize("verb", [TellFinance, Prepay], ids=["fails", "does not know the verb"])
@virtual
async def test_an_actor_that_fails_or_does_not_know_the_verb_ends_as_a_dead_letter(
    clock: Clock, tmp_path: Path, verb: type[Effect]
) -> None:
    partner = Partner("finance", clock, {verb: Verb(Repeat.NATURAL, Undo.REVERSIBLE, deadline_s=10)})
    partner.otherwise = partner.broken
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        (id,) = await emit(rig, order, tell(order))
        await clock.sleep(600)
        assert dead(rig) == [id]
    assert findings(tmp_path / "data") == []


@virtual
async def test_an_outcome_that_cannot_be_recorded_is_given_up_at_its_deadline(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock, deadline_s=60)
    partner.otherwise = partner.absurd
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        (id,) = await emit(rig, order, tell(order))
        await clock.sleep(600)
        assert dead(rig) == [id]
        assert 3 < len(partner.asked) < 20
