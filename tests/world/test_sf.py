"""SF Express beside the centre: its simulation and the adapter agree; days end well with and without its pushes."""

from collections import Counter
from pathlib import Path

from tests.world.seeded import run_day
from tests.world.stage import Stage, Staged
from tests.world.unhurried import NEVER, unhurried

from tongdan.domain.fulfillment.commands import RecordTracks
from tongdan.domain.fulfillment.facts import QueryRoutes
from tongdan.domain.kernel.ids import make_order_id
from tongdan.domain.sync.commands import SendByAlias
from tongdan.labs.world.carrier import SCANS
from tongdan.labs.world.in_process import Pair
from tongdan.ports import Done, Failed

SHIPMENT = f"{make_order_id('DY', '20260127', 0, 7)}-S1"
PARCELS = 8


def test_what_is_pushed_and_what_is_asked_for_are_the_same_nodes(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        waybills = tuple(on.world.carrier.hand_over(f"{SHIPMENT}/{n}") for n in range(PARCELS))
        await on.clock.sleep(10 * 86_400)
        by_id = [track for one in on.commands(RecordTracks) for track in one.tracks]
        by_waybill = [one.letter for one in on.commands(SendByAlias)]
        assert by_id and by_waybill
        assert len(by_id) + len(by_waybill) == PARCELS * (len(SCANS) + 1)
        effect = QueryRoutes(partner="carrier/SF", shipment=SHIPMENT, waybills=waybills)
        done = await on.perform(effect, SHIPMENT)
        assert isinstance(done, Done) and isinstance(done.command, RecordTracks)
        assert set(done.command.tracks) == {*by_id, *by_waybill}

    stage(body)


def test_a_wrong_check_word_stops_the_partner_and_a_number_too_many_the_query(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        effect = QueryRoutes(partner="carrier/SF", shipment=SHIPMENT, waybills=("SF1",) * 11)
        failure = await on.perform(effect, SHIPMENT)
        assert isinstance(failure, Failed)
        assert (failure.final, failure.partner_wide) == (True, False)
        account = on.world.sf._account
        on.world.sf._account = {**account, "check_word": "another"}  # type: ignore[misc]
        failure = await on.perform(effect, SHIPMENT)
        assert isinstance(failure, Failed)
        assert (failure.final, failure.partner_wide, failure.error) == (False, True, "SF gateway: A1006")

    stage(body)


def test_parcels_are_spoken_of_before_their_warehouse_confirms_them(data: Path) -> None:
    facts: Counter[str] = Counter()

    def count(pair: Pair) -> None:
        facts.update(row.fact for row in pair.centre.reads.journal())

    day = run_day(data, seed=5, orders=12, faults=0.5, after=count)
    assert day.ledger.holds
    assert facts["LetterParked"] > 0
    assert facts["LetterDelivered"] >= facts["LetterParked"]  # all that waited was released
    assert facts["ParcelTracked"] > facts["ShipmentDispatched"] * (len(SCANS) - 1)
    assert facts["ClaimOverdue"] == facts["ParcelsSilent"] == 0
    assert day.findings == []


def test_what_sf_does_not_push_is_asked_for(data: Path) -> None:
    facts: Counter[str] = Counter()
    queries = []

    def mute(pair: Pair) -> None:
        sf = pair.world.sf
        pair.world.carrier.on_scan[:] = [lambda scan: sf._scans.setdefault(scan.waybill, []).append(scan)]

    def count(pair: Pair) -> None:
        facts.update(row.fact for row in pair.centre.reads.journal())
        queries.append(pair.world.sf.queries)

    conf = unhurried(check_every_s=NEVER)
    day = run_day(data, seed=5, orders=12, faults=0.0, outages=0, conf=conf, before=mute, after=count)
    assert day.ledger.holds
    assert queries[0] == facts["TracksAsked"] + facts["TrackSourcesAsked"] > 0
    assert facts["ParcelTracked"] > 0
    assert day.counts["effects_outstanding"] == 0
    assert day.findings == []
