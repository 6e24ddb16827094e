"""A partner that is out as a whole: its lanes wait, deadlines stand still, and all goes on by itself."""

from pathlib import Path

import pytest
from tests.flow.errands import dead, emit, finance, order_in, tell
from tests.flow.parties import Partner
from tests.flow.rig import findings, opened, virtual

from tongdan.domain.guard.breaker import TRIP_AFTER
from tongdan.domain.orders.facts import TellFinance
from tongdan.ports import Clock, Errand, Failed, Repeat, Undo, Verb


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
async def test_what_only_a_person_can_mend_is_one_ticket_for_all_that_wait(
    clock: Clock, tmp_path: Path
) -> None:
    partner = finance(clock)

    async def empty(errand: Errand) -> Failed:
        return Failed("the balance is used up", partner_wide=True, ticket="balance")

    async with opened(tmp_path / "data", clock, actors=[partner]) as rig:
        orders = [await order_in(rig, str(n)) for n in range(10)]
        partner.otherwise = empty
        for order in orders:
            await emit(rig, order, tell(order))
        await clock.sleep(3_600)
        (ticket,) = rig.reads.tickets()
        assert (ticket.kind, ticket.times, ticket.summary) == ("balance", 1, "finance the balance is used up")
        assert ticket.subject in orders
        partner.otherwise = partner.well
        await clock.sleep(400)
        assert rig.rows()["effects"] == 0
        # used up once more: it is told once more
        partner.otherwise = empty
        other = next(order for order in orders if order != ticket.subject)
        await emit(rig, other, tell(other, "shipped"))
        await clock.sleep(60)
        assert {each.subject for each in rig.reads.tickets()} == {ticket.subject, other}
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
