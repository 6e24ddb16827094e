"""What goes out: each effect takes place once in effect, lanes keep their order, and one failure stays where it is."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from tests.flow.parties import Partner, count, detail, everybody, place
from tests.flow.rig import NOON, Rig, as_after_a_crash, findings, opened, virtual
from tests.flow.toys import Emit

from tongdan.adapters.store_sqlite import SqliteShard
from tongdan.domain.kernel.keys import key_slot
from tongdan.domain.kernel.messages import Effect, Refusal, ReplayEffect, SkipEffect
from tongdan.domain.orders.commands import CancelOrder, PlaceHold, RequestPayment
from tongdan.domain.orders.facts import Prepay, TellFinance, WriteBackShipment
from tongdan.flow import effects as runner
from tongdan.ports import Clock, Repeat, StoreFailure, Undo, Verb


class Sick(SqliteShard):
    """A store whose commits fail while it is told to."""

    failing = False

    def commit(self) -> None:
        if self.failing:
            raise StoreFailure("the disk is sick")
        super().commit()


TRIP_AFTER = 5  # failures in a row that open a breaker


def tell(order: str, milestone: str = "paid", partner: str = "finance") -> TellFinance:
    return TellFinance(
        partner=partner, order=order, channel="MP", shop="mp-1", milestone=milestone, amount_fen=1, at=NOON
    )


def write_back(request: str = "R-1") -> WriteBackShipment:
    return WriteBackShipment(
        partner="finance",
        channel="MP",
        shop="mp-1",
        native="A-1",
        carrier="SF",
        waybill="SF1",
        units=(),
        request=request,
    )


def finance(clock: Clock, repeat: Repeat = Repeat.NATURAL, **more: float) -> Partner:
    """A partner that is told milestones and write-backs, and may be told again as `repeat` says."""
    verb = Verb(repeat, Undo.REVERSIBLE, **more)  # type: ignore[arg-type]
    return Partner("finance", clock, {TellFinance: verb, WriteBackShipment: verb})


def shard_of(order: str) -> int:
    return key_slot(order) % 4


async def order_in(rig: Rig, native: str = "1001") -> str:
    """An order that waits for nothing and emits nothing by itself."""
    await rig.accepted(count(100))
    order = (await rig.accepted(detail(native, paid=False))).aggregate
    await rig.quiet()
    return order


async def emit(rig: Rig, order: str, *effects: Effect) -> list[str]:
    """Have the order emit these; their ids."""
    reply = await rig.accepted(Emit(order=order, effects=effects))
    return [f"{reply.slot}.{reply.epoch}.{reply.seq}.{n}" for n in range(len(effects))]


def dead(rig: Rig) -> list[str]:
    return [letter.effect for letter in rig.reads.dead_letters()]


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


# ---- the partner as a whole


@virtual
async def test_an_outage_opens_the_breaker_and_lanes_go_on_by_themselves(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        orders = [await order_in(rig, str(n)) for n in range(20)]
        partner.otherwise = partner.down
        ids = [(await emit(rig, order, tell(order)))[0] for order in orders]
        await clock.sleep(300)
        assert rig.runner.partners()["finance"][0] != "closed"
        assert rig.meters.breakers_open == {"finance"}
        asked = len(partner.asked)
        assert TRIP_AFTER <= asked < 60  # one probe at a time, more and more seldom
        assert rig.rows()["effects"] == 20
        partner.otherwise = partner.well
        await clock.sleep(400)
        assert partner.happened == dict.fromkeys(ids, 1)
        assert rig.runner.partners()["finance"] == ("closed", 0, 0)
        assert rig.meters.breakers_open == set()
        assert rig.rows()["effects"] == 0
    assert findings(tmp_path / "data") == []


@virtual
async def test_after_an_outage_a_probe_comes_within_the_breakers_pause(clock: Clock, tmp_path: Path) -> None:
    """A probe that fails at once must not hold the next one back for as long as a lost probe would."""
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        orders = [await order_in(rig, str(n)) for n in range(20)]
        partner.next.extend([partner.down] * 8)
        for order in orders:
            await emit(rig, order, tell(order))
        await clock.sleep(20)
        assert sum(partner.happened.values()) == 20


@pytest.mark.parametrize("restarts", [0, 3])
@virtual
async def test_the_deadline_stands_still_while_the_partner_is_out(
    clock: Clock, tmp_path: Path, restarts: int
) -> None:
    """Two hours of outage, also over restarts, take nothing of a deadline of two minutes."""
    partner = finance(clock, deadline_s=120)
    data = tmp_path / "data"
    async with opened(data, clock, actors=[partner]) as rig:
        orders = [await order_in(rig, str(n)) for n in range(7)]
        partner.otherwise = partner.down
        ids = [(await emit(rig, order, tell(order)))[0] for order in orders]
        await clock.sleep(7_200 / (restarts + 1))
        assert dead(rig) == []
        if not restarts:
            partner.otherwise = partner.well
            await clock.sleep(400)
            assert sorted(partner.happened) == sorted(ids)
    for _ in range(restarts):
        async with opened(data, clock, actors=[partner]) as rig:
            await clock.sleep(7_200 / (restarts + 1))
            assert dead(rig) == []
    if restarts:
        partner.otherwise = partner.well
        async with opened(data, clock, actors=[partner]) as rig:
            await clock.sleep(400)
            assert sorted(partner.happened) == sorted(ids)


@virtual
async def test_an_outage_of_one_partner_is_no_other_partners(clock: Clock, tmp_path: Path) -> None:
    partner, other = (
        finance(clock),
        Partner("bank", clock, {TellFinance: Verb(Repeat.NATURAL, Undo.REVERSIBLE)}),
    )
    partner.otherwise = partner.down
    async with opened(tmp_path / "data", clock, actors=[partner, other]) as rig:
        orders = [await order_in(rig, str(n)) for n in range(10)]
        for order in orders:
            await emit(rig, order, tell(order), tell(order, partner="bank"))
        await clock.sleep(1)
        assert sum(other.happened.values()) == 10
        assert sum(partner.happened.values()) == 0


@virtual
async def test_effects_for_nobody_wait_and_are_told_of(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        order = await order_in(rig)
        await emit(rig, order, tell(order), tell(order, "signed"))
        await clock.sleep(60)
        assert rig.runner.unattended() == {"finance": 1}
        assert rig.rows()["effects"] == 2


# ---- replay and skip


@virtual
async def test_a_skipped_dead_letter_frees_its_lane(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.append(partner.never)
        first, second = await emit(rig, order, tell(order, "paid"), tell(order, "signed"))
        await clock.sleep(10)
        message = rig.inbound(SkipEffect(effect=first, reason="told by phone"), operator="li.na")
        await rig.bus.ask(message)
        await clock.sleep(10)
        assert partner.asked == [first, second]
        assert dead(rig) == []
        assert rig.rows()["effects"] == rig.rows()["runs"] == 0
        skipped = next(row for row in rig.reads.timeline(order) if row.fact == "EffectSkipped")
        assert (skipped.operator, skipped.closes, skipped.body["reason"]) == (
            "li.na",
            (first,),
            "told by phone",
        )
        assert [ticket.open for ticket in rig.reads.tickets(open_only=False)] == [False]
    assert findings(tmp_path / "data") == []


@virtual
async def test_a_replayed_dead_letter_is_tried_with_a_fresh_deadline(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock, deadline_s=30)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.append(partner.never)
        first, second = await emit(rig, order, tell(order, "paid"), tell(order, "signed"))
        await clock.sleep(3_600)
        partner.next.extend([partner.busy] * 2)
        message = rig.inbound(ReplayEffect(effect=first, reason="mended"), operator="li.na")
        await rig.bus.ask(message)
        await clock.sleep(20)
        assert partner.asked == [first, first, first, first, second]
        assert dead(rig) == []
        replayed = next(row for row in rig.reads.timeline(order) if row.fact == "EffectReplayed")
        assert (replayed.operator, replayed.closes) == ("li.na", ())
        assert [ticket.open for ticket in rig.reads.tickets(open_only=False)] == [False]
    assert findings(tmp_path / "data") == []


@pytest.mark.parametrize("verb", [SkipEffect, ReplayEffect])
@pytest.mark.parametrize("id", ["1.1.1.0", "no such thing", "", "999.1.1.1"])
@virtual
async def test_tending_an_effect_that_is_not_there_is_refused(
    clock: Clock, tmp_path: Path, verb: Callable[..., SkipEffect | ReplayEffect], id: str
) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        before = rig.rows()
        refusal = await rig.ask(verb(effect=id, reason="?"))
        assert isinstance(refusal, Refusal)
        assert (refusal.name, refusal.status) == ("unknown-effect", 404)
        assert rig.rows() == before


@virtual
async def test_skipping_what_is_just_under_way_leaves_nothing_behind(clock: Clock, tmp_path: Path) -> None:
    """Its outcome comes to a closed effect; the next of the lane is sent once, and no run row is left over."""
    partner = finance(clock, Repeat.QUERY_FIRST)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.extend([partner.after(10, partner.busy), partner.after(30)])
        first, second = await emit(rig, order, tell(order, "paid"), tell(order, "signed"))
        await clock.sleep(5)
        await rig.accepted(SkipEffect(effect=first, reason="no longer wanted"))
        await clock.sleep(60)
        assert partner.asked == [first, second]
        assert rig.rows()["effects"] == rig.rows()["runs"] == 0
    assert findings(tmp_path / "data") == []


@virtual
async def test_after_a_skip_the_next_of_the_lane_is_sent_once(clock: Clock, tmp_path: Path) -> None:
    """The timer of the one that was skipped still rings, while the next is under way."""
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.extend([partner.busy, partner.after(20)])
        first, second = await emit(rig, order, tell(order, "paid"), tell(order, "signed"))
        await clock.sleep(0.1)
        await rig.accepted(SkipEffect(effect=first, reason="told by phone"))
        await clock.sleep(60)
        assert partner.asked == [first, second]
        assert rig.rows()["effects"] == 0


@virtual
async def test_a_failure_and_a_skip_in_one_commit_leave_no_run_behind(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner], commit_s=1.0) as rig:
        order = await order_in(rig)
        partner.next.append(partner.after(0.5, partner.busy))
        (first,) = await emit(rig, order, tell(order, "paid"))
        await clock.sleep(0.2)
        holding = asyncio.ensure_future(rig.ask(PlaceHold(order=order, hold="review")))  # commits until 1.2
        await clock.sleep(0.5)  # the failure waits to be noted
        await rig.accepted(SkipEffect(effect=first, reason="told by phone"))
        await holding
        await clock.sleep(10)
        assert partner.asked == [first]
        assert rig.rows()["effects"] == rig.rows()["runs"] == 0
    assert findings(tmp_path / "data") == []


# ---- withdrawing


@virtual
async def test_superseding_withdraws_what_was_not_sent_and_never_what_was_taken_up(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        partner.next.append(partner.after(10))
        sent, unsent, other = await emit(rig, order, tell(order, "paid"), tell(order, "signed"), write_back())
        await clock.sleep(1)
        reply = await rig.accepted(
            Emit(order=order, effects=(tell(order, "cancelled"),), supersedes=("TellFinance",))
        )
        newest = f"{reply.slot}.{reply.epoch}.{reply.seq}.0"
        await clock.sleep(30)
        assert partner.asked == [sent, other, newest]
        superseding = next(row for row in rig.reads.timeline(order) if row.closes == (unsent,))
        assert superseding.seq == reply.seq
        assert rig.rows()["effects"] == 0
    assert findings(tmp_path / "data") == []


@virtual
async def test_superseding_reaches_what_the_same_batch_emitted(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        order = await order_in(rig)
        replies = await rig.submit(
            rig.inbound(Emit(order=order, effects=(tell(order), write_back()))),
            rig.inbound(Emit(order=order, supersedes=("TellFinance",))),
        )
        await clock.sleep(10)
        assert len(replies) == 2
        assert [id.rpartition(".")[2] for id in partner.asked] == ["1"]
        assert rig.rows()["effects"] == 0
    assert findings(tmp_path / "data") == []


@pytest.mark.parametrize("disk", ["well", "sick"])
@virtual
async def test_what_a_commit_under_way_may_withdraw_is_not_sent_meanwhile(
    clock: Clock, tmp_path: Path, disk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is decided and on its way to the disk; whether it stands is known when it is there."""
    monkeypatch.setattr(runner, "IN_FLIGHT_LIMIT", 1)
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner], commit_s=1.0, shard=Sick) as rig:
        orders = [await order_in(rig, str(n)) for n in range(8)]
        mine = orders[0]
        other = next(order for order in orders if shard_of(order) != shard_of(mine))
        partner.next.append(partner.after(5))
        (first,) = await emit(rig, other, tell(other))
        (second,) = await emit(rig, mine, tell(mine))
        await clock.sleep(4.5)  # the first is over, its outcome on its way to the disk
        store = rig.stores[shard_of(mine)]
        assert isinstance(store, Sick)
        store.failing = disk == "sick"
        asking = asyncio.ensure_future(rig.ask(Emit(order=mine, supersedes=("TellFinance",))))
        await clock.sleep(0.9)  # now it would be the second's turn
        assert partner.happened[first] == 1
        assert (rig.rows()["effects"], partner.asked) == (1, [first])
        reply = await asking
        store.failing = False
        await clock.sleep(10)
        assert isinstance(reply, Refusal) == (disk == "sick")
        assert partner.asked == ([first, second] if disk == "sick" else [first])
        assert rig.rows()["effects"] == 0
    assert findings(tmp_path / "data") == []


@virtual
async def test_after_a_crash_nobody_knows_what_was_sent_so_nothing_is_withdrawn(
    clock: Clock, tmp_path: Path
) -> None:
    """What a process that died had taken up may have taken place: withdrawing it would leave the partner with it."""
    partner = finance(clock)
    rig = Rig(tmp_path / "data", clock, actors=[partner])
    await rig.start()
    order = await order_in(rig)
    partner.next.append(partner.after(20))
    (id,) = await emit(rig, order, tell(order))
    await clock.sleep(10)
    left = as_after_a_crash(tmp_path / "data", tmp_path / "left")
    await rig.stop()
    rig = Rig(left, clock, actors=[second := finance(clock)])
    await rig.accepted(Emit(order=order, supersedes=("TellFinance",)))
    await rig.start()
    await clock.sleep(10)
    assert second.asked == [id]
    await rig.stop()


# ---- in the whole


@virtual
async def test_an_order_cancelled_while_its_prepay_waits_never_opens_it(clock: Clock, tmp_path: Path) -> None:
    partners = everybody(clock)
    provider = partners[1]
    provider.otherwise = provider.down
    async with opened(tmp_path / "data", clock, actors=partners) as rig:
        await rig.accepted(count(10))
        orders = [(await rig.accepted(place(f"A-{n}"))).aggregate for n in range(TRIP_AFTER + 1)]
        await rig.quiet()
        for order in orders:
            await rig.accepted(RequestPayment(order=order, method="wechat"))
        await rig.accepted(CancelOrder(order=orders[-1], reason="changed my mind"))
        provider.otherwise = provider.well
        await clock.sleep(60)
        assert sum(provider.happened.values()) == TRIP_AFTER
        assert [rig.state(order).attempts[0].prepay != "" for order in orders] == [True] * TRIP_AFTER + [
            False
        ]
        assert rig.rows()["effects"] == 0


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
