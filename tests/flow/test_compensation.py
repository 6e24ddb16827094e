"""After an outage all that it held up is sent in the order of its lanes, once in effect, and reported.

What died of the outage is sent again, what was refused on its merits is not.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from tests.flow.company import company
from tests.flow.errands import dead, emit, finance, order_in, tell
from tests.flow.parties import Partner, count, pay, place
from tests.flow.rig import Rig, as_after_a_crash, findings, opened, virtual

from tongdan.domain.guard.outage import FOUND, LEFT, RESENT, WAITING, Compensation
from tongdan.domain.guard.outage_facts import Cause
from tongdan.domain.kernel.keys import outage_key
from tongdan.domain.orders.commands import RequestPayment
from tongdan.flow.missed import LOST_ANSWER
from tongdan.ports import Accepted, Clock, Errand, Failed, Repeat


def report(rig: Rig, no: int = 1) -> Compensation:
    found = rig.reads.compensation("finance", no, rig.clock.now())
    assert found is not None
    if found.outage.compensated_at is None:  # what is counted is what is read
        outage = next(each for _, each in rig.reads.outages() if each.no == no)
        counted = rig.reads.progress("finance", outage, rig.clock.now())
        assert counted == (found.outage.resent, found.outage.found, found.waiting, found.outage.left)
    return found


def told(rig: Rig) -> list[str]:
    return rig.facts(outage_key("finance"))


def ways(found: Compensation, how: str) -> list[str]:
    return [each.effect for each in found.effects if each.how == how]


async def lanes(rig: Rig, orders: Sequence[str], each: int) -> list[list[str]]:
    return [[(await emit(rig, order, tell(order)))[0] for _ in range(each)] for order in orders]


async def away(errand: Errand) -> Failed:
    return Failed("HTTP 401", partner_wide=True, turned_away=True)


async def gone(errand: Errand) -> Failed:
    return Failed("unreachable: refused", partner_wide=True, unreached=True)


@pytest.mark.parametrize(("way", "cause"), [(away, Cause.KEY_REFUSED), (gone, Cause.UNREACHABLE)])
@virtual
async def test_what_an_outage_held_up_is_sent_in_the_order_of_its_lanes_and_reported(
    clock: Clock, tmp_path: Path, way: object, cause: Cause
) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        orders = [await order_in(rig, str(n)) for n in range(20)]
        began_at = clock.now()
        partner.otherwise = way  # type: ignore[assignment]
        ids = await lanes(rig, orders, 3)
        await clock.sleep(3_600)
        out = report(rig)
        assert (out.outage.cause, out.outage.ended_at) == (cause, None)
        assert began_at <= out.outage.since <= began_at + timedelta(seconds=5)
        assert (out.missed, out.waiting, out.took) == (60, 60, None)
        assert told(rig) == ["OutageBegan"]
        asked = len(partner.asked)
        partner.otherwise = partner.well
        await clock.sleep(600)
        assert partner.happened == {id: 1 for lane in ids for id in lane}
        after = partner.asked[asked:]
        assert [[id for id in after if id in lane] for lane in ids] == ids
        done = report(rig)
        assert told(rig) == ["OutageBegan", "OutageEnded", "OutageCompensated"]
        assert (done.missed, done.outage.resent, done.outage.found) == (60, 60, 0)
        assert (done.waiting, done.outage.left) == (0, 0)
        assert (done.outage.lanes, done.outage.lanes_broken) == (20, 0)
        assert sorted(ways(done, RESENT)) == sorted(id for lane in ids for id in lane)
        assert {each.verb for each in done.effects} == {"TellFinance"}
        assert done.took is not None and done.took < timedelta(seconds=400)
        ((name, listed),) = rig.reads.outages()
        assert (name, listed) == ("finance", done.outage)
        # what comes after it is nobody's compensation
        await emit(rig, orders[0], tell(orders[0]))
        await clock.sleep(5)
        assert report(rig).missed == 60
    assert findings(tmp_path / "data") == []


@virtual
async def test_a_hiccup_that_the_first_probe_ends_is_no_outage(clock: Clock, tmp_path: Path) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        orders = [await order_in(rig, str(n)) for n in range(10)]
        partner.next.extend([partner.down] * 5)
        await lanes(rig, orders, 1)
        await clock.sleep(60)
        assert len(partner.happened) == 10
        assert rig.reads.outages() == []


@virtual
async def test_what_arrived_although_its_answer_was_lost_is_found_and_not_sent_again(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock, Repeat.QUERY_FIRST)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        orders = [await order_in(rig, str(n)) for n in range(20)]
        heard = [0]

        async def lost(errand: Errand) -> Failed:
            heard[0] += 1
            if heard[0] <= 3:
                partner.happened[errand.id] += 1
            return Failed("no answer", partner_wide=True, unknown=True)

        partner.otherwise = lost
        partner.blind = True
        ids = [id for lane in await lanes(rig, orders, 1) for id in lane]
        await clock.sleep(600)
        there = [id for id in ids if partner.happened[id]]
        assert len(there) == 3
        partner.otherwise, partner.blind = partner.well, False
        await clock.sleep(600)
        assert partner.happened == dict.fromkeys(ids, 1)
        done = report(rig)
        assert (done.outage.cause, done.outage.found, done.outage.resent) == (Cause.NO_ANSWER, 3, 17)
        assert sorted(ways(done, FOUND)) == sorted(there)


@virtual
async def test_an_at_least_once_push_whose_answer_an_outage_lost_is_left_to_a_person(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock, Repeat.AT_LEAST_ONCE)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        orders = [await order_in(rig, str(n)) for n in range(20)]

        async def lost(errand: Errand) -> Failed:
            partner.happened[errand.id] += 1
            return Failed("no answer", partner_wide=True, unknown=True)

        partner.otherwise = lost
        ids = await lanes(rig, orders, 2)
        await clock.sleep(20)
        unsure = set(partner.asked)
        assert 0 < len(unsure) < 20
        partner.otherwise = partner.well
        await clock.sleep(600)
        assert set(partner.happened.values()) == {1}  # nothing is there twice
        done = report(rig)
        assert told(rig)[-1] == "OutageCompensated"
        assert set(dead(rig)) == unsure
        left = {each.effect: each.why for each in done.effects if each.how == LEFT}
        assert len(left) == done.outage.left == 2 * len(unsure)  # it, and what waits behind it
        assert {left[id] for id in unsure} == {LOST_ANSWER}
        assert done.outage.resent == 40 - 2 * len(unsure)
        assert sorted(ways(done, RESENT)) == sorted(
            id for lane in ids for id in lane if lane[0] not in unsure
        )
    assert findings(tmp_path / "data") == []


@virtual
async def test_a_letter_that_died_of_the_outage_goes_again_and_one_refused_on_its_merits_does_not(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock, deadline_s=20)
    data = tmp_path / "data"
    async with opened(data, clock, actors=[partner]) as rig:
        first, second, third = [await order_in(rig, str(n)) for n in range(3)]
        partner.next.append(partner.never)
        (refused,) = await emit(rig, first, tell(first))
        await clock.sleep(1)
        assert dead(rig) == [refused]

        async def mixed(errand: Errand) -> object:
            return await (partner.well if errand.aggregate == third else partner.down)(errand)

        partner.otherwise = mixed  # type: ignore[assignment]
        (died,) = await emit(rig, second, tell(second, "signed"))
        for _ in range(40):  # others go well, so the time that it fails counts
            await emit(rig, third, tell(third))
            await clock.sleep(2)
        assert set(dead(rig)) == {refused, died}
        assert rig.reads.outages() == []
        partner.otherwise = partner.down
        await emit(rig, third, tell(third))
        await clock.sleep(120)
        assert set(dead(rig)) == {refused, died}
    async with opened(data, clock, actors=[partner]) as rig:
        partner.otherwise = partner.well
        await clock.sleep(400)
        assert dead(rig) == [refused]
        assert partner.happened[died] == 1 and partner.happened[refused] == 0
        done = report(rig)
        assert (done.outage.resent, done.outage.left) == (2, 0)
        (replayed,) = [row for row in rig.reads.timeline(second) if row.fact == "EffectReplayed"]
        assert (replayed.operator, replayed.body["reason"]) == ("system", "outage 1 of finance is over")
        assert [each.kind for each in rig.reads.tickets()] == [f"dead-letter:{refused}"]
    assert findings(data) == []


@virtual
async def test_what_is_refused_when_it_is_sent_again_is_left_with_its_reason(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        orders = [await order_in(rig, str(n)) for n in range(10)]
        partner.otherwise = partner.down
        ids = await lanes(rig, orders, 2)
        await clock.sleep(300)
        wrong = ids[4]

        async def choosy(errand: Errand) -> object:
            return await (partner.never if errand.id == wrong[0] else partner.well)(errand)

        partner.otherwise = choosy  # type: ignore[assignment]
        await clock.sleep(600)
        done = report(rig)
        assert (done.missed, done.outage.resent, done.outage.left, done.waiting) == (20, 18, 2, 0)
        left = {each.effect: each.why for each in done.effects if each.how == LEFT}
        assert left == {wrong[0]: "cannot be", wrong[1]: f"{wrong[0]}: cannot be"}


@virtual
async def test_a_partner_that_goes_out_again_before_all_is_sent_has_one_outage(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock)
    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        orders = [await order_in(rig, str(n)) for n in range(100)]
        partner.otherwise = partner.down
        ids = await lanes(rig, orders, 1)
        await clock.sleep(300)
        partner.otherwise = partner.after(0.2)
        while not sum(partner.happened.values()):
            await clock.sleep(0.05)
        partner.otherwise = partner.down
        await clock.sleep(300)
        halfway = report(rig)
        assert 0 < halfway.outage.resent < 100 and halfway.missed == 100
        assert (len(ways(halfway, WAITING)), halfway.waiting) == (100 - halfway.outage.resent,) * 2
        partner.otherwise = partner.well
        await clock.sleep(600)
        assert told(rig) == [
            "OutageBegan",
            "OutageEnded",
            "OutageResumed",
            "OutageEnded",
            "OutageCompensated",
        ]
        assert report(rig).outage.resent == 100
        assert partner.happened == {id: 1 for (id,) in ids}


@virtual
async def test_a_crash_in_the_middle_of_it_loses_nothing_of_it_nor_of_the_report(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock)
    rig = Rig(tmp_path / "data", clock, actors=[partner])
    await rig.start()
    orders = [await order_in(rig, str(n)) for n in range(40)]
    partner.otherwise = partner.down
    ids = [id for lane in await lanes(rig, orders, 3) for id in lane]
    await clock.sleep(300)
    partner.otherwise = partner.after(1)
    while len(partner.happened) < 50:
        await clock.sleep(0.5)
    left = as_after_a_crash(tmp_path / "data", tmp_path / "left")
    before = set(partner.happened)
    await rig.stop()
    second: Partner = finance(clock)
    async with opened(left, clock, actors=[second]) as rig:
        await clock.sleep(600)
        assert set(second.happened) | before == set(ids)
        done = report(rig)
        assert told(rig) == ["OutageBegan", "OutageEnded", "OutageCompensated"]
        assert (done.missed, done.outage.resent, done.outage.lanes, done.outage.lanes_broken) == (
            120,
            120,
            40,
            0,
        )
    assert findings(left) == []


@virtual
async def test_several_processes_have_one_outage_and_one_report_whoever_dies_meanwhile(
    clock: Clock, tmp_path: Path
) -> None:
    async with company(tmp_path / "data", clock, 3) as centre:
        partner = next(each for each in centre.partners if each.partner == "finance")
        partner.otherwise = gone
        await centre.ask(0, count(1_000))
        for n in range(60):
            reply = await centre.ask(n, place(f"A-{n}", buyer=f"user-{n}"), f"place-{n}")
            assert isinstance(reply, Accepted)
            await centre.ask(n, RequestPayment(order=reply.aggregate, method="wechat"))
            await centre.ask(n + 1, pay(reply.aggregate, f"T-{n}"))
        await centre.quiet()
        await clock.sleep(300)
        assert sum(partner.happened.values()) == 0
        missed = report(centre.rigs[0]).waiting
        assert missed >= 60
        partner.otherwise = partner.after(1)
        centre.kill(1)
        await clock.sleep(400)
        assert set(partner.happened.values()) == {1} and len(partner.happened) == missed
        for rig in centre.rigs:
            assert told(rig) == ["OutageBegan", "OutageEnded", "OutageCompensated"]
            done = report(rig)
            assert (done.missed, done.outage.resent, done.outage.lanes_broken) == (missed, missed, 0)
            assert {each.effect for each in done.effects} == set(partner.happened)
    assert findings(tmp_path / "data") == []
