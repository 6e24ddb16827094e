"""Buyers of a day are told, and every list of it can be believed: what arrived, what failed, what was never sent."""

import asyncio
import shutil
from pathlib import Path

from tests.world.seeded import run_day
from tests.world.stage import START
from tests.world.unhurried import unhurried

from tongdan.adapters.clock import run_virtual
from tongdan.adapters.policy_files import load_conf
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.notices.commands import PlanNotice, ResendNotice
from tongdan.domain.notices.model import NoticeStage
from tongdan.labs.world.in_process import Pair, together
from tongdan.labs.world.notice_books import Books
from tongdan.labs.world.phones import Weather
from tongdan.labs.world.retail import SeededRetail
from tongdan.ports import Accepted, Clock, Inbound
from tongdan.surfaces import notices


def _mute(folder: Path) -> Path:
    """The configuration of a seller whose buyers nobody tells yet."""
    shutil.copytree(unhurried(), folder)
    (folder / "notices.yml").unlink()
    return folder


def test_customer_service_hears_of_every_parcel_once_in_effect(data: Path) -> None:
    def check(pair: Pair) -> None:
        desk = pair.world.tellers.service
        assert desk is not None
        left = {waybill for each in pair.world.warehouses.deliveries.values() for waybill in each.waybills}
        told = [said["waybill"] for said in desk.told.values() if said["event"] == "shipped"]
        assert set(told) == left
        assert len(told) == len(set(told)) > 5
        for said in desk.told.values():
            order = pair.centre.reads.order(said["order_id"])
            assert order.said["service"].native in ("linked", "waiting")  # type: ignore[attr-defined]

    assert run_day(data, seed=5, orders=10, faults=0.5, after=check).ledger.holds


def test_what_the_lists_say_is_what_the_providers_did(data: Path) -> None:
    def before(pair: Pair) -> None:
        for teller in (pair.world.tellers.sms, pair.world.tellers.mini):
            assert teller is not None
            teller.weather = Weather(off=0.4, refusing=0.6)

    def check(pair: Pair) -> None:
        reads, policy = pair.centre.reads, pair.world.policy
        rows = {row.notice: row for row in notices.every(reads, 1_000, failed=False)}
        failed = {row.notice for row in notices.every(reads, 1_000, failed=True)}
        assert rows and failed
        books = Books(pair.world)
        for key, row in rows.items():
            reached = books.has_arrived(key, reads.order(key))  # type: ignore[arg-type]
            assert (row.stage == "delivered") == reached
            assert (key in failed) == (row.stage in ("failed", "unknown"))
            assert row in notices.of_order(reads, row.order)
        tickets = {each.subject for each in reads.tickets(limit=1_000) if each.kind == "notice-missed"}
        assert failed == tickets
        assert notices.missing(reads, policy, 100) == []
        assert len(notices.every(reads, 1, failed=False)) == 1

    day = run_day(data, seed=2, orders=12, faults=0.0, outages=0, shares={}, before=before, after=check)
    assert day.ledger.holds


def test_what_left_before_there_was_a_rule_is_missing_and_can_be_sent(data: Path, tmp_path: Path) -> None:
    telling = load_conf(unhurried()).policy

    async def main(clock: Clock) -> None:
        async with together(
            data / "centre", _mute(tmp_path / "conf"), clock=clock, seed=3, orders=5, faults=0.0, outages=0,
            most_lines=2, retail=SeededRetail(3), shares={},
        ) as pair:  # fmt: skip
            await pair.world.run()
            pair.centre.views.flush()
            reads = pair.centre.reads
            assert notices.every(reads, 10, failed=False) == []
            assert notices.missing(reads, pair.world.policy, 10) == []
            missing = notices.missing(reads, telling, 100)
            assert {row.kind for row in missing} == {"shipped", "signed"}
            found = notices.sending(reads, telling, missing[0].notice, "asked by phone")
            assert not isinstance(found, Refusal)
            assert isinstance(found[0], PlanNotice)
            unknown = notices.sending(reads, telling, missing[0].notice + "9", "r")
            assert isinstance(unknown, Refusal) and unknown.name == "unknown-id"
            mute = notices.sending(reads, pair.world.policy, missing[0].notice, "r")
            assert isinstance(mute, Refusal) and mute.name == "notice-without-rule"
            assert isinstance(notices.sending(reads, telling, "notice/x", "r"), Refusal)

    run_virtual(main, START)


def test_a_person_sends_a_failed_one_again_and_its_ticket_closes(data: Path) -> None:
    async def main(clock: Clock) -> None:
        async with together(
            data / "centre", unhurried(), clock=clock, seed=4, orders=6, faults=0.0, outages=0, most_lines=2,
            retail=SeededRetail(4), shares={},
        ) as pair:  # fmt: skip
            world, reads = pair.world, pair.centre.reads
            assert world.tellers.sms is not None and world.tellers.mini is not None
            world.tellers.sms.weather = world.tellers.mini.weather = Weather(off=1.0, refusing=1.0)
            await world.run()
            failed = notices.every(reads, 100, failed=True)
            assert failed
            world.tellers.sms.weather = Weather()
            for row in failed:
                found = notices.sending(reads, world.policy, row.notice, "the template is back")
                assert not isinstance(found, Refusal) and isinstance(found[0], ResendNotice)
                reply = await pair.centre.bus.ask(_by_hand(clock, found[0]))
                assert isinstance(reply, Accepted)
            await clock.sleep(8 * 3_600)
            pair.centre.views.flush()
            assert notices.every(reads, 100, failed=True) == []
            assert [each for each in reads.tickets(limit=1_000) if each.kind == "notice-missed"] == []
            stages = {each.stage for _, each in reads.under("notice")}
            assert stages == {NoticeStage.DELIVERED}

    run_virtual(main, START)


def _by_hand(clock: Clock, command: ResendNotice) -> Inbound:
    return Inbound(
        command=command, key=("test", command.notice), source="test", shop="mp-main", happened_at=clock.now(),
        raw=b"",
    )  # fmt: skip


def test_outages_of_providers_delay_a_notice_and_lose_none(data: Path) -> None:
    """The policy's patience is shorter than the outage of one provider, so the other one tells."""

    def break_mini(pair: Pair) -> None:
        pair.world.bustle.start(pair.world.faults.suffer("wechat_mini", 0.0, 3 * 86_400))

    def check(pair: Pair) -> None:
        assert pair.world.tellers.sms is not None
        shipped = [each for _, each in pair.centre.reads.under("notice") if each.kind == "shipped"]
        assert shipped and {each.stage for each in shipped} == {NoticeStage.DELIVERED}
        by_sms = [each for each in shipped if each.means == "sms"]
        assert by_sms and all(each.no > 1 for each in by_sms)

    day = run_day(data, seed=6, orders=6, faults=0.0, outages=0, shares={}, before=break_mini, after=check)
    assert [each for each in day.ledger.offenders if "told" in each.what] == []


def test_the_erased_are_not_told(data: Path) -> None:
    """Their notices wait for providers that are down; by the time these are back, nobody can be told any more."""

    async def main(clock: Clock) -> None:
        async with together(
            data / "centre", unhurried(), clock=clock, seed=4, orders=4, faults=0.0, outages=0, most_lines=2,
            retail=SeededRetail(4), shares={},
        ) as pair:  # fmt: skip
            world, centre = pair.world, pair.centre
            for name in ("sms", "wechat_mini"):
                world.bustle.start(world.faults.suffer(name, 0.0, 4 * 86_400))
            living = asyncio.create_task(world.run())
            while not (waiting := [each for _, each in centre.reads.under("notice") if each.no]):
                await clock.sleep(60)
            ids = {each.order for each in waiting}
            erased = await centre.erasure.erase(sorted(ids), "test")
            assert not isinstance(erased, Refusal)
            await living
            after = [each for _, each in centre.reads.under("notice") if each.order in ids]
            assert {each.stage for each in after} == {NoticeStage.WITHHELD}
            assert world.tellers.sms is not None and world.tellers.mini is not None
            phones = {each.buyer.phone for each in world.own_shop.orders.values() if each.id in ids}
            assert phones and not phones & {each.phone for each in world.tellers.sms.taken.values()}

    run_virtual(main, START)
