"""Days on which the seller takes the numbers of parcels: at the end each has one, and no other is live at a carrier."""

import re
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.world.seeded import Day, run_day
from tests.world.stage import START, Stage
from tests.world.unhurried import unhurried

from tongdan.adapters.clock import SeededEntropy, run_virtual
from tongdan.adapters.policy_files import load_conf
from tongdan.domain.fulfillment.facts import Item
from tongdan.domain.fulfillment.shipment import LabelStage
from tongdan.domain.fulfillment.waybill_commands import (
    RecordWaybill,
    RecordWaybillCancelled,
    RecordWaybillPrinted,
    RecordWaybillRefused,
)
from tongdan.domain.fulfillment.waybill_facts import CancelWaybill, GetWaybill, PrintWaybill
from tongdan.flow.repacking import Repacking
from tongdan.labs.world.cainiao import GET
from tongdan.labs.world.faults import ANSWER_LOST, BUSY, LIMITED, Faults
from tongdan.labs.world.in_process import Pair
from tongdan.labs.world.packing import PackingRoom
from tongdan.labs.world.provision import provision
from tongdan.labs.world.sf_waybill import CREATE
from tongdan.ports import Clock, Done, Failed

SHIPMENT = "MP20260127000892-S1"


@pytest.fixture(scope="module")
def conf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seller_numbers(tmp_path_factory.mktemp("numbers"))


def seller_numbers(place: Path) -> Path:
    """The first warehouse's numbers come from SF, the second's from Cainiao; the third takes its own."""
    folder = place / "conf"
    shutil.copytree(unhurried(), folder)
    path, carriers = folder / "warehouses.yml", iter(["SF", "ZTO"])
    text = re.sub(
        r"partner: qimen\n",
        lambda found: f"{found[0]}  waybill: seller\n  carrier: {next(carriers)}\n",
        path.read_text(),
        count=2,
    )
    path.write_text(text)
    return folder


def books(pair: Pair) -> tuple[Counter[str], list[str]]:
    """What became of the numbers, and what is wrong with them."""
    counted: Counter[str] = Counter()
    wrong: list[str] = []
    numbers, reads = pair.world.carrier.numbers, pair.centre.reads
    for (code, key), number in numbers.by_key.items():
        shipment: Any = reads.order(key.partition(".")[0])
        label = shipment.label(key, number.waybill)
        known = "nothing" if label is None else label.stage.name
        counted[f"{code} {known} {'live' if number.live else 'dead'}"] += 1
        if number.live != (known == LabelStage.LIVE.name):
            wrong.append(f"{key}: {known} in the centre, {'live' if number.live else 'dead'} at {code}")
        if number.live != (number.parcel == f"{shipment_of(key)}/1"):
            wrong.append(f"{key}: live, but {number.parcel or 'nothing'} travels under it")
        if not number.live and number.parcel:
            wrong.append(f"{key}: {number.parcel} travels under a dead number")
    live = Counter(shipment_of(number.key) for number in numbers.live())
    wrong += [f"{key} has {count} live numbers" for key, count in live.items() if count > 1]
    for delivery in pair.world.warehouses.deliveries.values():
        if delivery.express and delivery.waybills and delivery.waybills[0] != delivery.express:
            wrong.append(f"{delivery.code} did not travel under its number")
    return counted, wrong


def shipment_of(key: str) -> str:
    return key.partition(".")[0]


def ran(data: Path, conf: Path, **how: Any) -> tuple[Day, Counter[str], list[str], Counter[str]]:
    told: list[Any] = []
    facts: Counter[str] = Counter()
    after = how.pop("after", lambda pair: None)

    def look(pair: Pair) -> None:
        after(pair)
        told.extend(books(pair))
        facts.update(row.fact for row in pair.centre.reads.journal())

    day = run_day(data, conf=conf, after=look, **how)
    return day, told[0], told[1], facts


@pytest.mark.parametrize("seed", range(1, 5))
def test_every_parcel_has_one_live_number_and_no_other_is_live(data: Path, conf: Path, seed: int) -> None:
    day, counted, wrong, facts = ran(data, conf, seed=seed, orders=24)
    assert wrong == []
    assert counted["SF LIVE live"] + counted["ZTO LIVE live"] > 0
    assert day.ledger.offenders == ()
    assert day.ledger.holds
    assert facts["WaybillLeft"] > 0  # receivers that platforms seal
    assert (day.counts["effects_outstanding"], day.counts["dead_letters"]) == (0, 0)
    assert day.findings == []


def test_the_same_seed_gives_the_same_numbers(data: Path, conf: Path) -> None:
    first, second = (ran(data / name, conf, seed=3, orders=12) for name in ("a", "b"))
    assert first == second


@pytest.mark.parametrize("kind", [ANSWER_LOST, BUSY, LIMITED])
def test_a_carrier_that_did_it_and_did_not_say_so_gives_no_second_number(
    data: Path, conf: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every order meets the fault where its number is asked for first."""
    met: set[str] = set()

    def meet(self: Faults, where: str, order: str, kinds: Any) -> str:
        if where not in (f"sf.{CREATE}", f"cainiao.{GET}") or order in met:
            return ""
        met.add(order)
        self._record(kind, where, order)
        return kind

    monkeypatch.setattr(Faults, "meet", meet)
    day, counted, wrong, facts = ran(data, conf, seed=5, orders=12, outages=0, shares={})
    assert wrong == []
    assert day.ledger.injected == day.ledger.healed == len(met) > 5
    assert sum(counted.values()) == facts["WaybillAsked"] == facts["WaybillGot"]
    assert day.ledger.holds


def test_numbers_of_parcels_packed_anew_are_given_back(data: Path, conf: Path) -> None:
    rooms: list[PackingRoom] = []

    def open_room(pair: Pair) -> None:
        centre = pair.centre
        repacking = Repacking(centre.reads, centre.policy, centre.clock)
        rooms.append(PackingRoom(pair.world, repacking, centre.bus, centre.reads, 14))
        rooms[0].open()

    def shut(pair: Pair) -> None:
        assert rooms[0].left_open() == []

    how: dict[str, Any] = {"faults": 0.0, "outages": 0, "before": open_room, "after": shut}
    day, counted, wrong, facts = ran(data, conf, seed=2, orders=6, **how)
    assert wrong == []
    assert facts["WaybillCancelled"] > 0
    assert facts["WaybillCancelled"] == facts["WaybillDropped"]
    assert counted["SF CANCELLED dead"] + counted["ZTO CANCELLED dead"] > 0
    assert day.findings == []


def test_a_carrier_out_of_reach_for_hours_holds_its_parcels_and_loses_none(data: Path, conf: Path) -> None:
    def away(pair: Pair) -> None:
        faults = pair.world.faults
        for partner in ("sf", "cainiao"):
            pair.world.bustle.start(faults.suffer(partner, 30_000, 14_400))

    how: dict[str, Any] = {"faults": 0.0, "outages": 0, "shares": {}}
    day, _, wrong, facts = ran(data, conf, seed=4, orders=12, before=away, **how)
    assert wrong == []
    assert facts["WaybillGot"] > 0 and facts["WaybillGot"] == facts["WaybillAsked"]
    assert day.ledger.holds
    assert day.findings == []


def test_an_exhausted_balance_is_a_ticket_and_all_goes_on_when_it_is_topped_up(
    data: Path, conf: Path
) -> None:
    seen: list[tuple[str, int]] = []

    def topped_up(pair: Pair) -> None:
        assert "waybills-exhausted" not in {ticket.kind for ticket in pair.centre.reads.tickets()}

    def empty(pair: Pair) -> None:
        balance = pair.world.carrier.numbers.balance
        balance.update(SF=1, ZTO=1)

        async def top_up() -> None:
            await pair.world.clock.sleep(86_400 + 7_200)
            tickets = pair.centre.reads.tickets()
            seen.extend((ticket.kind, ticket.times) for ticket in tickets)
            balance.clear()

        pair.world.bustle.start(top_up())

    how: dict[str, Any] = {"faults": 0.0, "outages": 0, "shares": {}}
    day, _, wrong, facts = ran(data, conf, seed=4, orders=12, before=empty, after=topped_up, **how)
    exhausted = [times for kind, times in seen if kind == "waybills-exhausted"]
    assert 1 <= len(exhausted) <= 2  # one a carrier, however many parcels wait
    assert wrong == []
    assert facts["WaybillGot"] == facts["WaybillAsked"]
    assert day.findings == []


def test_a_place_nobody_goes_to_is_a_ticket_and_its_parcels_wait(data: Path, conf: Path) -> None:
    def far(pair: Pair) -> None:
        numbers = pair.world.carrier.numbers
        numbers.out_of_range.update(
            {
                "浙江省",
                "江苏省",
                "广东省",
                "上海市",
                "福建省",
                "四川省",
                "湖北省",
                "山东省",
                "安徽省",
                "湖南省",
            }
        )

    def refused(pair: Pair) -> None:
        tickets = [ticket for ticket in pair.centre.reads.tickets() if ticket.kind == "waybill-refused"]
        assert tickets
        for ticket in tickets:
            shipment: Any = pair.centre.reads.order(ticket.subject)
            assert shipment.unpushed and shipment.last_label.stage is LabelStage.REFUSED
            assert ticket.subject not in pair.world.warehouses.deliveries

    how: dict[str, Any] = {"faults": 0.0, "outages": 0, "shares": {}}
    run_day(data, conf=conf, seed=4, orders=12, before=far, after=refused, **how)


# ---- the interfaces one by one


async def ended(outcome: Awaitable[Done | Failed]) -> Done:
    result = await outcome
    assert isinstance(result, Done), result
    return result


def effects(code: str, waybill: str = "") -> tuple[GetWaybill, CancelWaybill, PrintWaybill]:
    partner = f"carrier/{code}"
    return (
        GetWaybill(
            partner=partner, shipment=SHIPMENT, key=SHIPMENT, carrier=code, warehouse="WH-EAST", channel="MP",
            shop="mp-main", natives=("M-1",), items=(Item(1, "TEA", 2, 100),),
        ),
        CancelWaybill(partner=partner, shipment=SHIPMENT, key=SHIPMENT, carrier=code, waybill=waybill),
        PrintWaybill(partner=partner, shipment=SHIPMENT, key=SHIPMENT, carrier=code, waybill=waybill),
    )  # fmt: skip


def staged(data: Path, conf: Path, body: Callable[[Stage], Awaitable[None]]) -> None:
    read = load_conf(conf)
    provision(data, read.policy, read.partners, SeededEntropy("credentials"))

    async def main(clock: Clock) -> None:
        on = Stage(clock, read, data, 1, 0, 0.0)
        try:
            await body(on)
        finally:
            await on.world.close()

    run_virtual(main, START)


@pytest.mark.parametrize("code", ["SF", "ZTO"])
def test_adapter_and_simulation_agree_from_getting_to_cancelling(data: Path, conf: Path, code: str) -> None:
    async def body(on: Stage) -> None:
        get, by_key, _ = effects(code)
        first = await ended(on.perform(get, SHIPMENT))
        again = await ended(on.perform(get, SHIPMENT, tries=2))
        assert isinstance(first.command, RecordWaybill) and first.command == again.command
        (number,) = on.world.carrier.numbers.live()
        assert (number.key, number.waybill, number.asked) == (SHIPMENT, first.command.waybill, 2)
        _, cancel, show = effects(code, number.waybill)
        label = await ended(on.perform(show, SHIPMENT))
        assert isinstance(label.command, RecordWaybillPrinted)
        assert label.command.length_bytes == len(label.raw) > 0
        for effect in (by_key, cancel):  # the second time it was cancelled before
            done = await ended(on.perform(effect, SHIPMENT))
            assert isinstance(done.command, RecordWaybillCancelled) and done.command.cancelled
            assert on.world.carrier.numbers.live() == []
        assert isinstance(await on.perform(show, SHIPMENT), Failed)

    staged(data, conf, body)


@pytest.mark.parametrize("code", ["SF", "ZTO"])
def test_what_travels_is_not_cancelled_and_nobody_goes_everywhere(data: Path, conf: Path, code: str) -> None:
    async def body(on: Stage) -> None:
        get, cancel, _ = effects(code)
        numbers = on.world.carrier.numbers
        assert getattr((await ended(on.perform(cancel, SHIPMENT))).command, "cancelled", None) is True
        numbers.out_of_range.add("浙江省")
        refused = await ended(on.perform(get, SHIPMENT))
        assert isinstance(refused.command, RecordWaybillRefused)
        assert numbers.live() == []
        numbers.out_of_range.clear()
        other = msgspec.structs.replace(get, key=f"{SHIPMENT}.2")
        got = await ended(on.perform(other, SHIPMENT))
        assert isinstance(got.command, RecordWaybill)
        on.world.carrier.hand_over(f"{SHIPMENT}/1", got.command.waybill)
        travels = msgspec.structs.replace(cancel, key=other.key, waybill=got.command.waybill)
        kept = (await ended(on.perform(travels, SHIPMENT))).command
        assert isinstance(kept, RecordWaybillCancelled) and not kept.cancelled

    staged(data, conf, body)


@pytest.mark.parametrize("code", ["SF", "ZTO"])
def test_an_empty_account_and_a_wrong_secret_are_the_partners_as_a_whole(
    data: Path, conf: Path, code: str
) -> None:
    async def body(on: Stage) -> None:
        get, _, _ = effects(code)
        on.world.carrier.numbers.balance[code] = 0
        empty = await on.perform(get, SHIPMENT)
        assert isinstance(empty, Failed)
        assert (empty.partner_wide, empty.final, empty.ticket) == (True, False, "waybills-exhausted")
        if code == "SF":
            on.world.sf._account = {**on.world.sf._account, "check_word": "another"}  # type: ignore[misc]
        else:
            on.forge("cainiao/main")
        wrong = await on.perform(get, SHIPMENT)
        assert isinstance(wrong, Failed)
        assert (wrong.partner_wide, wrong.final, wrong.ticket) == (True, False, "")
        assert on.world.carrier.numbers.by_key == {}

    staged(data, conf, body)


def test_after_a_time_out_cainiao_is_asked_whether_it_gave_one(data: Path, conf: Path) -> None:
    async def body(on: Stage) -> None:
        get, _, _ = effects("ZTO")
        assert await on.look_up(get, SHIPMENT) is None
        first = await ended(on.perform(get, SHIPMENT))
        found = await on.look_up(get, SHIPMENT)
        assert isinstance(found, Done) and found.command == first.command

    staged(data, conf, body)
