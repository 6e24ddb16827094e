"""Promises after a restore: ids go on beyond what may be lost, and a lost id that is named comes back as itself."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.flow.parties import count, detail, pay, place, say
from tests.flow.rig import NOON, POLICY, findings, later, virtual
from tests.flow.test_erasure import ErasingRig

from tongdan.domain.fulfillment.commands import RecordWmsProcess
from tongdan.domain.kernel import refusals
from tongdan.domain.kernel.ids import make_order_id
from tongdan.domain.kernel.lost import MAX_LOST_DAYS, Lost, is_lost, lost_by
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.domain.kernel.slots import slot_of
from tongdan.domain.orders.commands import CancelOrder, LiftHold, PlaceOrder, RequestPayment, ResurfaceOrder
from tongdan.domain.orders.model import RESTORED_HOLD
from tongdan.flow.reopening import LEAST_JUMP, Reopened, Reopening, jump_for
from tongdan.flow.returning import Returning
from tongdan.ports import Clock

USER = slot_of("user", "mp-1", "user-1")
LOST = make_order_id("MP", "20260127", 7, USER)  # of the slot of user-1; given out after the backup
BACKUP = NOON - timedelta(hours=1)


class RestoredRig(ErasingRig):
    """The loop on data that were restored from a backup of an hour ago."""

    def __init__(self, data: Path, clock: Clock) -> None:
        super().__init__(data, clock)
        Returning(self.bus)

    async def reopen(
        self, *known: tuple[str, str], erased: tuple[str, ...] = (), name: str = "b"
    ) -> Reopened:
        reopening = Reopening(self.bus, self.erasure, POLICY, erased)
        return await reopening.reopen(name, BACKUP, self.clock.now(), 1_000, known)

    async def refused(self, command: Command, shop: str = "") -> Refusal:
        reply = await self.bus.ask(msgspec.structs.replace(self.inbound(command), shop=shop))
        assert isinstance(reply, Refusal), reply
        return reply

    def open_tickets(self, subject: str) -> set[str]:
        self.views.flush()
        return {each.kind for each in self.reads.tickets(open_only=True) if each.subject == subject}


@asynccontextmanager
async def restored(data: Path, clock: Clock) -> AsyncIterator[RestoredRig]:
    rig = RestoredRig(data, clock)
    await rig.start()
    try:
        yield rig
    finally:
        await rig.stop()


def again(native: str, id: str) -> PlaceOrder:
    return msgspec.structs.replace(place(native), id=id)


# ---- epochs and counters


@virtual
async def test_a_new_epoch_begins_in_every_slot_and_the_chain_goes_on(clock: Clock, tmp_path: Path) -> None:
    async with restored(tmp_path / "data", clock) as rig:
        before = (await rig.accepted(place("A-1"))).aggregate
        await rig.quiet()
        old = dict(rig.readers[USER % 4].heads())
        told = await rig.reopen()
        assert (told.since, told.until, told.jump) == (BACKUP, NOON + (clock.now() - NOON), 1_000)
        heads = {slot: head for store in rig.readers for slot, head in store.heads().items()}
        assert len(heads) == 256
        assert {epoch for epoch, _, _ in heads.values()} == {int(clock.now().timestamp())}
        assert {seq for _, seq, _ in heads.values()} == {1}
        assert old[USER][0] == 1
        after = (await rig.accepted(place("A-2"))).aggregate
        assert [int(each[10:]) // 256 for each in (before, after)] == [0, 1_001]
        await rig.quiet()
    assert findings(tmp_path / "data") == []


@virtual
async def test_reopening_twice_for_one_restore_is_once_and_two_restores_are_two_epochs(
    clock: Clock, tmp_path: Path
) -> None:
    async with restored(tmp_path / "data", clock) as rig:
        await rig.reopen(name="first")
        rows = rig.rows()["journal"]
        await rig.reopen(name="first")
        assert rig.rows()["journal"] == rows == 256
        await clock.sleep(60)
        await rig.reopen(name="second")
        assert rig.rows()["journal"] == 512
        assert [len(rig.bus.shards[0].heads.losses(0))] == [2]
    assert findings(tmp_path / "data") == []


@pytest.mark.parametrize("seed", range(40))
def test_no_id_of_the_lost_time_is_ever_given_out_again(seed: int) -> None:
    chance = random.Random(seed)
    slot, since = chance.randrange(256), NOON + timedelta(seconds=chance.randrange(10**6))
    until = since + timedelta(seconds=chance.randrange(5 * 86_400))
    counters = {
        (slot, channel, day): chance.randrange(10**6)
        for channel in ("DY", "MP")
        for day in ("20260127", "20260128")
    }
    jump = jump_for(since, until)
    lost = lost_by(counters, slot, ("DY", "MP"), since, until, jump)
    for at in (since, until, since + (until - since) / 2):
        day = (at + timedelta(hours=8)).strftime("%Y%m%d")
        first = counters.get((slot, "MP", day), 0)
        given = make_order_id("MP", day, first + chance.randrange(jump), slot)
        assert lost.covers(given)
        assert is_lost((lost,), given)
        assert not lost.covers(f"{given}-S1")
        assert not lost.covers(make_order_id("MP", day, first + jump, slot))
        assert not first or not lost.covers(make_order_id("MP", day, first - 1, slot))
        assert not lost.covers(make_order_id("KS", day, first, slot))


def test_the_jump_grows_with_the_time_that_was_lost() -> None:
    assert jump_for(NOON, NOON) == LEAST_JUMP
    assert jump_for(NOON, NOON + timedelta(minutes=1)) == 12_000
    assert jump_for(NOON, NOON + timedelta(days=1)) == 17_280_000


@pytest.mark.parametrize("until", [NOON - timedelta(seconds=1), NOON + timedelta(days=MAX_LOST_DAYS + 2)])
def test_a_time_that_cannot_be_lost_is_refused(until: datetime) -> None:
    with pytest.raises(ValueError, match="from"):
        lost_by({}, 0, ("MP",), NOON, until, 1)


# ---- lost ids


@virtual
async def test_without_a_restore_an_unknown_id_stays_unknown(clock: Clock, tmp_path: Path) -> None:
    async with restored(tmp_path / "data", clock) as rig:
        before = rig.rows()
        assert (await rig.refused(pay(LOST))).name == refusals.UNKNOWN_ID.name
        assert (await rig.refused(ResurfaceOrder(order=LOST))).name == refusals.UNKNOWN_ID.name
        assert rig.rows() == before


@virtual
async def test_a_payment_for_a_lost_order_comes_again_and_counts_when_the_client_has_sent_it_again(
    clock: Clock, tmp_path: Path
) -> None:
    async with restored(tmp_path / "data", clock) as rig:
        await rig.accepted(count(10))
        await rig.reopen()
        refused = await rig.refused(pay(LOST))
        assert (refused.name, refused.status, refused.retry_after_s) == ("lost-id", 503, 60)
        await rig.quiet()
        assert rig.facts(LOST) == ["OrderResurfaced"]
        assert rig.open_tickets(LOST) == {"order-lost"}
        await rig.accepted(pay(LOST))
        assert rig.state(LOST).received_fen == 9_900
        assert rig.state(LOST).paid is None
        assert (await rig.accepted(again("A-1", LOST))).aggregate == LOST
        await rig.quiet()
        order = rig.state(LOST)
        assert (order.own, order.native, order.received_fen, order.owed_fen) == (True, "A-1", 9_900, 0)
        assert order.paid.transaction == "T-1"
        assert rig.state(f"{LOST}-S1").order == LOST
        assert rig.open_tickets(LOST) == set()
        assert (await rig.accepted(place("A-1"))).aggregate == LOST
        assert rig.reads.person(LOST) is not None
    assert findings(tmp_path / "data") == []


@virtual
async def test_the_client_may_come_first_or_never(clock: Clock, tmp_path: Path) -> None:
    async with restored(tmp_path / "data", clock) as rig:
        await rig.accepted(count(10))
        await rig.reopen()
        assert (await rig.accepted(again("A-1", LOST))).aggregate == LOST
        await rig.quiet()
        await rig.accepted(pay(LOST))
        other = make_order_id("MP", "20260127", 8, USER)
        for _ in range(3):
            for action in (
                RequestPayment(order=other, method="wechat"),
                CancelOrder(order=other, reason="no"),
            ):
                assert (await rig.refused(action, shop="mp-1")).name == "lost-id"
            await rig.quiet()
        assert rig.facts(other) == ["OrderResurfaced"]
        assert (rig.state(LOST).paid is not None, rig.open_tickets(other)) == (True, {"order-lost"})
    assert findings(tmp_path / "data") == []


@virtual
async def test_a_claim_of_what_was_not_lost_gets_an_id_of_its_own(clock: Clock, tmp_path: Path) -> None:
    async with restored(tmp_path / "data", clock) as rig:
        mine = (await rig.accepted(place("A-1"))).aggregate
        await rig.reopen()
        beyond = make_order_id("MP", "20260127", 5_000, USER)
        strange = make_order_id("MP", "20260127", 7, (USER + 1) % 256)
        for n, claimed in enumerate((mine, beyond, strange, "")):
            fresh = (await rig.accepted(again(f"B-{n}", claimed))).aggregate
            assert fresh not in (mine, beyond, strange)
        assert rig.state(mine).native == "A-1"
        await rig.accepted(again("C-1", LOST))
        taken = await rig.refused(again("C-2", LOST))
        assert taken.name == "order-number-reused"
        assert rig.state(LOST).native == "C-1"


@virtual
async def test_a_shipment_of_a_lost_order_is_told_again_until_it_is_known(
    clock: Clock, tmp_path: Path
) -> None:
    native = "6900"
    lost = make_order_id("DY", "20260127", 3, slot_of("DY", "dy-1", native))
    report = RecordWmsProcess(shipment=f"{lost}-S1", status="ACCEPT", operated_at=NOON)
    async with restored(tmp_path / "data", clock) as rig:
        await rig.accepted(count(10))
        await rig.reopen()
        for _ in range(2):
            assert (await rig.refused(report)).name == "lost-id"
            await rig.quiet()
        assert rig.open_tickets(lost) == {"order-lost"}
        await rig.accepted(ResurfaceOrder(order=lost, shop="dy-1", native=native))
        assert (await rig.accepted(say(native, "paid"))).aggregate == lost
        assert (await rig.accepted(detail(native))).aggregate == lost
        await rig.quiet()
        assert rig.open_tickets(lost) == set()
        await rig.accepted(report)
    assert findings(tmp_path / "data") == []


@virtual
async def test_a_warehouse_list_brings_orders_back_before_platforms_push_again(
    clock: Clock, tmp_path: Path
) -> None:
    natives = [str(6_900 + n) for n in range(5)]
    known = [
        (make_order_id("DY", "20260127", n, slot_of("DY", "dy-1", each)), each)
        for n, each in enumerate(natives)
    ]
    async with restored(tmp_path / "data", clock) as rig:
        wrong = (make_order_id("DY", "20260127", 1, (slot_of("DY", "dy-1", "1") + 1) % 256), "1")
        beyond = (make_order_id("DY", "20260127", 10**6, slot_of("DY", "dy-1", "2")), "2")
        told = await rig.reopen(*known, wrong, beyond)
        assert (told.back, told.unfit) == (6, (beyond[0],))
        for order, native in known:
            assert (
                await rig.accepted(say(native, "paid", said_at=NOON - timedelta(minutes=5)))
            ).aggregate == order
            assert RESTORED_HOLD not in rig.state(order).holds


@virtual
async def test_a_platforms_order_of_the_lost_time_waits_for_a_person(clock: Clock, tmp_path: Path) -> None:
    """It may have been sent already, under an id that nobody remembers."""
    async with restored(tmp_path / "data", clock) as rig:
        await rig.accepted(count(10))
        await clock.sleep(100)
        await rig.reopen()
        within = (await rig.accepted(say("71", "created", said_at=BACKUP + timedelta(minutes=1)))).aggregate
        later_on = (await rig.accepted(say("72", "created", said_at=later(200)))).aggregate
        for native in ("71", "72"):
            await rig.accepted(detail(native))
        await rig.quiet()
        assert (rig.state(within).holds, rig.state(within).shipments) == ((RESTORED_HOLD,), ())
        assert rig.open_tickets(within) == {"held-after-restore"}
        assert (rig.state(later_on).holds, len(rig.state(later_on).shipments)) == ((), 1)
        await rig.accepted(LiftHold(order=within, hold=RESTORED_HOLD))
        await rig.quiet()
        assert len(rig.state(within).shipments) == 1
        assert rig.open_tickets(within) == set()
    assert findings(tmp_path / "data") == []


@virtual
async def test_an_order_that_may_have_been_paid_is_not_cancelled_at_once(
    clock: Clock, tmp_path: Path
) -> None:
    async with restored(tmp_path / "data", clock) as rig:
        await rig.accepted(count(10))
        order = (await rig.accepted(place("A-1"))).aggregate
        await rig.quiet()
        await rig.reopen()
        await clock.sleep(1_900)
        await rig.quiet()
        assert rig.facts(order)[-1] == "PaymentAwaited"
        await rig.accepted(pay(order))
        await rig.quiet()
        assert rig.state(order).paid is not None
        unpaid = (await rig.accepted(place("A-2"))).aggregate
        await clock.sleep(3 * 86_400)
        await rig.quiet()
        assert rig.state(unpaid).cancelled
    assert findings(tmp_path / "data") == []


@virtual
async def test_who_was_erased_stays_erased_though_the_order_was_lost(clock: Clock, tmp_path: Path) -> None:
    async with restored(tmp_path / "data", clock) as rig:
        rig.log.append([LOST], NOON, "ops")
        told = await rig.reopen(erased=(LOST,))
        assert told.erased == 1
        await rig.accepted(again("A-1", LOST), raw=b'{"name": "somebody"}')
        await rig.quiet()
        assert rig.state(LOST).native == "A-1"
        assert rig.reads.person(LOST) is None
        assert [row.raw for row in rig.reads.timeline(LOST, with_raw=True) if row.raw] == []
    assert findings(tmp_path / "data") == []


@pytest.mark.parametrize("seed", range(15))
@virtual
async def test_whoever_speaks_first_it_is_one_order_under_one_id(
    clock: Clock, tmp_path: Path, seed: int
) -> None:
    """The client, the payment's notice, and what the client asks meanwhile, in any order and repeated."""
    chance = random.Random(seed)
    async with restored(tmp_path / "data", clock) as rig:
        await rig.accepted(count(10))
        await rig.reopen()
        said: list[tuple[Command, str]] = [
            (again("A-1", LOST), "mp-1"), (pay(LOST), ""), (RequestPayment(order=LOST, method="wechat"), "mp-1"),
            (RecordWmsProcess(shipment=f"{LOST}-S1", status="ACCEPT", operated_at=NOON), ""),
        ]  # fmt: skip
        left = [each for each in said for _ in range(chance.randint(1, 3))]
        chance.shuffle(left)
        for _ in range(50):
            if not left:
                break
            command, shop = left.pop(0)
            reply = await rig.bus.ask(msgspec.structs.replace(rig.inbound(command), shop=shop))
            if isinstance(reply, Refusal) and reply.status == 503:
                left.append((command, shop))
            await clock.sleep(chance.choice([0.0, 0.01, 70.0]))
        await rig.quiet()
        assert not left
        order = rig.state(LOST)
        assert (order.native, order.received_fen, order.owed_fen, len(order.shipments)) == (
            "A-1",
            9_900,
            0,
            1,
        )
        assert _orders(rig) == [LOST]
        assert rig.open_tickets(LOST) == set()
    assert findings(tmp_path / "data") == []


def _orders(rig: RestoredRig) -> list[str]:
    rig.views.flush()
    return [row.id for row in rig.reads.orders(limit=100)]


def test_a_loss_spans_what_lies_between() -> None:
    lost = Lost(since=NOON, until=later(10), ranges={})
    assert [lost.spans(later(seconds)) for seconds in (-1, 0, 5, 10, 11)] == [False, True, True, True, False]
