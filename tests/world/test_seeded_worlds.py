"""Whole days under a seed: nothing is lost, everything heals or has a ticket, the same seed repeats."""

from pathlib import Path
from typing import Any

import pytest
from tests.world.seeded import run_day
from tests.world.unhurried import unhurried

from tongdan.labs.world.faults import ANSWER_LOST, KINDS, MENU, SHIFTED, Faults, Plan
from tongdan.labs.world.in_process import Pair
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.platforms import SHARES


@pytest.mark.parametrize("seed", range(1, 11))
def test_both_equations_hold_when_every_order_meets_a_fault(data: Path, seed: int) -> None:
    day = run_day(data, seed=seed, orders=12)
    ledger = day.ledger
    assert ledger.offenders == ()
    assert ledger.born == 12
    assert ledger.in_centre + sum(ledger.refused.values()) == 12
    assert ledger.injected == ledger.healed + ledger.open_tickets
    assert ledger.injected > 5
    assert ledger.holds
    assert day.counts["orders"] == ledger.in_centre
    assert (day.counts["effects_outstanding"], day.counts["dead_letters"], day.counts["quarantined"]) == (
        0,
        0,
        0,
    )
    assert day.findings == []


def test_the_same_seed_gives_the_same_chain_and_another_seed_another(data: Path) -> None:
    first, second, other = (
        run_day(data / name, seed=seed, orders=6) for name, seed in (("a", 7), ("b", 7), ("c", 8))
    )
    assert first.chain == second.chain
    assert first == second
    assert len(first.chain) > 100
    assert set(other.chain) != set(first.chain)


def test_a_second_day_goes_on_with_the_same_data(data: Path) -> None:
    first = run_day(data, seed=1, orders=6, faults=0.0)
    second = run_day(data, seed=1, orders=6, faults=0.0, day=1)
    assert first.ledger.holds
    assert second.ledger.holds
    assert second.ledger.day != first.ledger.day
    assert second.counts["orders"] == 12
    assert second.chain[: len(first.chain)] != first.chain  # rows are by slot: each slot's chain goes on
    assert set(first.chain) < set(second.chain)
    assert second.findings == []


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {SHIFTED}))
def test_every_kind_of_fault_is_met_and_ends_well(
    data: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind alone, on the channels whose orders may meet it."""
    outage = kind == "outage"
    if not outage:
        _only(kind, monkeypatch)
    shares = SHARES if outage else _shares_of(kind)
    day = run_day(
        data, seed=11, orders=9, outages=2 if outage else 0, faults=float(not outage), shares=shares
    )
    (count,) = day.ledger.faults
    assert count.kind == kind
    assert count.injected >= 1
    assert count.injected == count.healed + count.open_tickets
    assert day.ledger.holds


@pytest.mark.parametrize("code", sorted(SHARES))
def test_a_list_that_shifts_while_it_is_read_hides_no_order(
    data: Path, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of one order, of a channel where all of them are bought: what is changed leaves the page it was on."""
    _only(SHIFTED, monkeypatch)
    day = run_day(data, seed=11, orders=12, outages=0, conf=unhurried(page_size=1), shares={code: 1.0})
    (count,) = day.ledger.faults
    assert (count.kind, count.healed) == (SHIFTED, count.injected)
    assert count.injected >= 1
    assert day.ledger.holds


WRITE_BACKS = {
    "DY": "douyin.order.logisticsAddSinglePack",
    "PD": "pinduoduo.pdd.logistics.online.send",
    "TB": "taobao.alibaba.ascp.logistics.offline.send",
    "JD": "jd.jingdong.pop.order.shipment",
    "KS": "kuaishou.open.order.goods.split.deliver",  # of orders with a gift
}


@pytest.mark.parametrize("code", sorted(WRITE_BACKS))
def test_a_parcel_the_platform_took_without_an_answer_is_told_once(
    data: Path, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The half-finished write-back: done over there, and the answer lost."""

    def expect(self: Faults, channel: str, order: str) -> None:
        self._plans[order] = Plan(ANSWER_LOST, WRITE_BACKS[code])

    monkeypatch.setattr(Faults, "expect", expect)
    parcels: list[list[str]] = []

    def look(pair: Pair) -> None:
        parcels.extend(order.waybills for order in pair.world.platforms.by_code[code].orders.values())

    day = run_day(data, seed=11, orders=4, outages=0, shares={code: 1.0}, after=look)
    assert day.ledger.holds
    (count,) = day.ledger.faults
    told = sum(map(bool, parcels))
    assert count.injected == told >= 2 or (code == "KS" and 1 <= count.injected <= told)
    assert all(len(told) == len(set(told)) for told in parcels)


# ---- the ledger is sharp: what breaks an equation is named


def test_an_order_whose_news_never_comes_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only("lost", monkeypatch)

    def never_again(pair: Pair) -> None:
        for outbox in (
            pair.world.platforms.douyin.outbox,
            pair.world.own_shop.outbox,
            pair.world.finance.outbox,
        ):
            _make_impatient(outbox)

    day = run_day(data, seed=3, orders=12, outages=0, before=never_again)
    assert not day.ledger.holds
    lost = sum(count.injected for count in day.ledger.faults)
    gave_up = [one for one in day.ledger.offenders if one.what == "a partner gave up telling the centre"]
    assert 0 < len(gave_up) <= lost


def test_an_order_that_the_centre_forgot_is_named(data: Path) -> None:
    forgotten: list[str] = []

    def forget(pair: Pair) -> None:
        native = next(iter(pair.world.platforms.douyin.orders))
        forgotten.append(native)
        find = pair.centre.reads.find

        def found(channel: str, shop: str, native: str) -> str | None:
            return None if native == forgotten[0] else find(channel, shop, native)

        pair.centre.reads.find = found  # type: ignore[method-assign]

    day = run_day(data, seed=1, orders=6, faults=0.0, outages=0, after=forget)
    assert not day.ledger.holds
    assert [(one.what, one.order) for one in day.ledger.offenders] == [
        ("born, but neither in the centre nor refused", forgotten[0])
    ]


def test_a_fen_that_differs_is_named(data: Path) -> None:
    changed: list[str] = []

    def overpay(pair: Pair) -> None:
        order = next(one for one in pair.world.platforms.douyin.orders.values() if one.paid_fen)
        changed.append(f"received_fen: {order.paid_fen + 1} ≠ {order.paid_fen}")
        order.paid_fen += 1

    day = run_day(data, seed=1, orders=6, faults=0.0, outages=0, after=overpay)
    assert not day.ledger.holds
    assert [one.detail for one in day.ledger.offenders] == changed


def test_a_fault_without_its_ticket_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only("wms-refuses", monkeypatch)

    def lose_tickets(pair: Pair) -> None:
        pair.centre.reads.tickets = lambda **_: []  # type: ignore[method-assign]

    told = run_day(data / "told", seed=11, orders=6, outages=0)
    mute = run_day(data / "mute", seed=11, orders=6, outages=0, after=lose_tickets)
    assert told.ledger.holds
    assert not mute.ledger.holds
    unhealed = [one for one in mute.ledger.offenders if one.what == "a fault neither healed nor has a ticket"]
    assert len(unhealed) == told.ledger.open_tickets > 0


def _only(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every order have this kind of fault in store, at the first place of its way that has it."""

    def expect(self: Faults, channel: str, order: str) -> None:
        places = [where for where, kinds in MENU[channel].items() if kind in kinds]
        if places:
            self._plans[order] = Plan(kind, places[len(self._plans) % len(places)])

    monkeypatch.setattr(Faults, "expect", expect)


def _shares_of(kind: str) -> dict[str, float]:
    """The same for each channel that knows this kind of fault."""
    codes = [code for code, places in MENU.items() if any(kind in kinds for kinds in places.values())]
    return {code: 1 / len(codes) for code in codes if code in SHARES}


def _make_impatient(outbox: Outbox[Any]) -> None:
    outbox._retries_s = ()  # type: ignore[misc]
