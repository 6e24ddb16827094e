"""The bus promises: every message has its answer, and one message's trouble is its own."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import apsw
import msgspec
import pytest
from tests.flow.parties import Partner, count, everybody, pay, place, say
from tests.flow.rig import Rig, findings, opened, shard_file, virtual
from tests.flow.toys import Explode

from tongdan.adapters.store_sqlite import SqliteShard
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.domain.orders.commands import PlaceHold, RequestPayment
from tongdan.flow import bus as bus_module
from tongdan.flow import shard as shard_module
from tongdan.ports import Accepted, Clock, NotUnderstood, Reply, StoreFailure, WriteSet

COMMIT_S = 0.02


# ---- refusals


@pytest.mark.parametrize(
    ("command", "name", "status"),
    [
        (pay("DY20260127000892"), "unknown-id", 404),
        (pay("no such thing"), "unknown-id", 404),
        (place(units=0), "units-out-of-range", 422),
    ],
    ids=["an id that does not exist", "no id at all", "a mistake"],
)
@virtual
async def test_a_refusal_writes_nothing(
    clock: Clock, tmp_path: Path, command: Command, name: str, status: int
) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        before = rig.rows()
        refusal = await rig.ask(command, raw=b"as received")
        await rig.quiet()
        assert isinstance(refusal, Refusal)
        assert (refusal.name, refusal.status) == (name, status)
        assert rig.rows() == before == dict.fromkeys(before, 0)
        assert rig.meters.refused[name] == 1


@virtual
async def test_a_number_means_one_order_of_its_shop(clock: Clock, tmp_path: Path) -> None:
    """Channel, shop and native id map to one order: a repeat finds it, other content under it is refused."""
    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place("A-1"))).aggregate
        pushed = (await rig.accepted(say("A-1"))).aggregate
        assert order != pushed
        assert (await rig.accepted(place("A-1"))).aggregate == order
        assert (await rig.accepted(say("A-1", "paid", "2"))).aggregate == pushed
        await rig.quiet()
        before = rig.rows()
        refusal = await rig.ask(place("A-1", units=2))
        assert isinstance(refusal, Refusal)
        assert refusal.name == "order-number-reused"
        assert rig.rows() == before
        assert rig.reads.find("MP", "mp-1", "A-1") == order
        assert rig.reads.find("DY", "dy-1", "A-1") == pushed


@virtual
async def test_a_refused_message_may_come_again_and_be_accepted(clock: Clock, tmp_path: Path) -> None:
    """Refusals do not enter the inbox: a retry under the same key is decided afresh."""
    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place())).aggregate
        await rig.quiet()
        ask = RequestPayment(order=order, method="wechat")
        assert isinstance(await rig.ask(ask, "pay", "1"), Refusal)  # no stock yet
        await rig.accepted(count(1))
        await rig.quiet()
        assert not (await rig.accepted(ask, "pay", "1")).duplicate


# ---- one message's trouble is its own


@virtual
async def test_a_decider_that_fails_fails_its_command_alone(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place("A-1"))).aggregate
        await rig.quiet()
        inbox = rig.rows()["inbox"]
        replies = await rig.submit(
            rig.inbound(PlaceHold(order=order, hold="review")),
            rig.inbound(Explode(order=order), raw=b"poison"),
            rig.inbound(PlaceHold(order=order, hold="risk")),
        )
        assert [type(reply) for reply in replies] == [Accepted, Refusal, Accepted]
        refusal = replies[1]
        assert isinstance(refusal, Refusal)
        assert (refusal.name, refusal.status) == ("internal-error", 500)
        assert rig.facts(order)[-2:] == ["HoldPlaced", "HoldPlaced"]
        assert rig.rows()["inbox"] == inbox + 2
    assert findings(tmp_path / "data") == []


@virtual
async def test_what_cannot_be_stored_leaves_no_trace(clock: Clock, tmp_path: Path) -> None:
    """A sum that no row can hold fails after the decision; its name, id and effects must not remain."""
    async with opened(tmp_path / "data", clock) as rig:
        before = rig.rows()
        huge = msgspec.structs.replace(say("5001", "amount"), amount_fen=2**70)
        refusal = await rig.ask(huge, raw=b"huge")
        assert isinstance(refusal, Refusal)
        assert (refusal.name, refusal.status) == ("internal-error", 500)
        assert rig.rows() == before
        replies = await rig.submit(
            rig.inbound(huge), rig.inbound(say("5001")), rig.inbound(huge), rig.inbound(say("5002"))
        )
        assert [type(reply) for reply in replies] == [Refusal, Accepted, Refusal, Accepted]
        assert rig.rows()["names"] == 2
    assert findings(tmp_path / "data") == []


@virtual
async def test_a_state_that_cannot_be_read_fails_its_own_commands_alone(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        whole = (await rig.accepted(place("A-1"))).aggregate
        torn = (await rig.accepted(place("A-2"))).aggregate
    for shard in range(4):
        with apsw.Connection(str(shard_file(tmp_path / "data", shard))) as db:
            db.execute("UPDATE states SET body = x'00' WHERE agg = ?", (torn,))
    async with opened(tmp_path / "data", clock) as rig:
        holds = [rig.inbound(PlaceHold(order=order, hold="review")) for order in (whole, torn, whole)]
        replies = await rig.submit(*holds)
        assert [type(reply) for reply in replies] == [Accepted, Refusal, Accepted]


class Picky(SqliteShard):
    """A store that fails, `times` times, when a given state is written, as a full or sick disk would."""

    bad = ""
    times = 1_000_000
    error: type[Exception] = StoreFailure

    def write(self, rows: WriteSet) -> None:
        if Picky.times and any(row[0] == Picky.bad for row in rows.states):
            Picky.times -= 1
            raise Picky.error("the disk is sick")
        super().write(rows)


@pytest.mark.parametrize(
    ("error", "name", "status"),
    [(StoreFailure, "store-unavailable", 503), (OverflowError, "internal-error", 500)],
)
@virtual
async def test_a_store_that_fails_on_one_command_takes_all_others(
    clock: Clock,
    tmp_path: Path,
    error: type[Exception],
    name: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(tmp_path / "data", clock, shard=Picky) as rig:
        orders = [(await rig.accepted(place(f"A-{n}"))).aggregate for n in range(16)]
        await rig.quiet()
        monkeypatch.setattr(Picky, "bad", orders[11])
        monkeypatch.setattr(Picky, "error", error)
        before = rig.rows()
        replies = await rig.submit(*[rig.inbound(PlaceHold(order=o, hold="review")) for o in orders])
        failed = [n for n, reply in enumerate(replies) if isinstance(reply, Refusal)]
        assert failed == [11]
        assert isinstance(replies[11], Refusal)
        assert (replies[11].name, replies[11].status) == (name, status)
        assert rig.rows() == before | {"journal": before["journal"] + 15, "inbox": before["inbox"] + 15}
        assert rig.facts(orders[11])[-1] != "HoldPlaced"
    assert findings(tmp_path / "data") == []


@virtual
async def test_a_reaction_whose_write_fails_is_neither_lost_nor_overtaken(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody outside sends a reaction again, so it is tried until it is written, before those that follow it."""
    async with opened(tmp_path / "data", clock, shard=Picky) as rig:
        await rig.accepted(count(100))
        monkeypatch.setattr(Picky, "bad", "stock/SHIRT")
        monkeypatch.setattr(Picky, "times", 9)
        await rig.submit(*[rig.inbound(place(f"A-{n}")) for n in range(8)])
        await rig.quiet(60)
        assert Picky.times == 0
        assert rig.facts("stock/SHIRT") == ["StockCounted"] + ["StockReserved"] * 8
        assert rig.state("stock/SHIRT").levels["EAST"].reserved == 8


@virtual
async def test_it_stops_although_the_store_cannot_write(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not written is not lost: the next start reacts again to the facts that are."""
    data = tmp_path / "data"
    async with opened(data, clock, shard=Picky) as rig:
        await rig.accepted(count(100))
        monkeypatch.setattr(Picky, "bad", "stock/SHIRT")
        order = (await rig.accepted(place("A-1"))).aggregate
        began_s = clock.monotonic()
    assert bus_module.STOP_WITHIN_S <= clock.monotonic() - began_s < bus_module.STOP_WITHIN_S + 1
    monkeypatch.setattr(Picky, "bad", "")
    async with opened(data, clock, shard=Picky) as rig:
        await rig.quiet()
        assert rig.facts("stock/SHIRT") == ["StockCounted", "StockReserved"]
        assert rig.facts(order) == ["OrderCreated", "LineReserved"]
    assert findings(data) == []


@virtual
async def test_a_caller_who_fails_to_hear_the_answer_harms_nobody_else(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:

        def hung_up(_: object) -> None:
            raise ConnectionError("the caller is gone")

        heard: list[object] = []
        assert rig.bus.submit([rig.inbound(place("A-1"))], hung_up) is None
        assert rig.bus.submit([rig.inbound(place("A-2"))], heard.append) is None
        await rig.quiet()
        assert len(heard) == 1
        assert rig.rows()["names"] == 2


@virtual
async def test_an_answer_is_given_after_its_commit(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        committed: list[bool] = []

        def look(replies: Sequence[Reply]) -> None:
            (reply,) = replies
            assert isinstance(reply, Accepted)
            committed.append(rig.reads.order(reply.aggregate) is not None)

        assert rig.bus.submit([rig.inbound(place())], look) is None
        await rig.quiet()
        assert committed == [True]


# ---- limits


@virtual
async def test_a_full_queue_answers_overloaded_and_takes_nothing(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_module, "QUEUE_LIMIT", 10)
    async with opened(tmp_path / "data", clock) as rig:
        heard: list[object] = []
        same_slot = [rig.inbound(place(f"A-{n}")) for n in range(14)]
        refusals = [rig.bus.submit([message], heard.append) for message in same_slot]
        told = [refusal for refusal in refusals if refusal is not None]
        assert len(told) == 4
        assert {(r.name, r.status, r.retry_after_s) for r in told} == {("overloaded", 503, 1)}
        assert (
            rig.bus.submit([rig.inbound(place("B-1")), rig.inbound(place("B-2"))], heard.append) is not None
        )
        await rig.quiet()
        assert len(heard) == 10
        assert rig.rows()["names"] == 10
        assert rig.meters.refused["overloaded"] == 6
        await rig.accepted(place("A-13"))


@virtual
async def test_reactions_too_far_behind_answer_429(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "LAG_LIMIT", 2)
    rig = Rig(tmp_path / "data", clock)  # the relay is not started yet
    for n in range(3):
        await rig.accepted(place(f"A-{n}"))
    before = rig.rows()
    refusal = await rig.ask(place("A-3"))
    assert isinstance(refusal, Refusal)
    assert (refusal.name, refusal.status, refusal.retry_after_s) == ("reactions-behind", 429, 5)
    assert rig.rows() == before
    await rig.start()
    await rig.quiet()
    await rig.accepted(place("A-3"))
    await rig.stop()


# ---- what is not understood


@virtual
async def test_what_is_not_understood_is_kept_once_and_is_no_journal_row(
    clock: Clock, tmp_path: Path
) -> None:
    strange = NotUnderstood(source="channel/douyin", reason="no such tag", raw=b"{strange}", shop="dy-1")
    async with opened(tmp_path / "data", clock) as rig:
        for batch in ([strange], [strange] * 3, [strange]):
            assert await rig.submit(*batch) == []
        await rig.quiet()
        kept = {table: n for table, n in rig.rows().items() if n}
        assert kept == {"quarantine": 1, "inbox": 1}
        assert await rig.submit(msgspec.structs.replace(strange, raw=b"{stranger}")) == []
        assert rig.rows()["quarantine"] == 2
    async with opened(tmp_path / "data", clock) as rig:
        assert await rig.submit(strange) == []
        assert rig.rows()["quarantine"] == 2
        assert b"strange" not in b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())


@virtual
async def test_of_a_mixed_request_only_what_was_understood_has_replies(clock: Clock, tmp_path: Path) -> None:
    strange = NotUnderstood(source="channel/douyin", reason="no such tag", raw=b"{strange}")
    async with opened(tmp_path / "data", clock) as rig:
        replies = await rig.submit(strange, rig.inbound(say("5001")), strange, rig.inbound(say("5002")))
        assert [type(reply) for reply in replies] == [Accepted, Accepted]
        assert rig.rows()["quarantine"] == 1


# ---- waiting for a state


@virtual
async def test_waiting_ends_when_the_state_is_there_and_at_once_if_it_is(
    clock: Clock, tmp_path: Path
) -> None:
    def reserved(order: object) -> bool:
        return bool(order.lines[0].reserved)  # type: ignore[attr-defined]

    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place())).aggregate
        started = clock.monotonic()
        assert not await rig.bus.wait_for(order, reserved, 2.0)
        assert clock.monotonic() == started + 2.0
        waiting = asyncio.ensure_future(rig.bus.wait_for(order, reserved, 2.0))
        await clock.sleep(0.1)
        await rig.accepted(count(1))
        assert await waiting
        started = clock.monotonic()
        assert await rig.bus.wait_for(order, reserved, 2.0)
        assert clock.monotonic() == started


@virtual
async def test_a_condition_that_fails_fails_the_one_who_waits(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place())).aggregate
        asked: list[object] = []

        def fails(state: object) -> bool:
            asked.append(state)
            if len(asked) > 1:
                raise ZeroDivisionError
            return False

        waiting = asyncio.ensure_future(rig.bus.wait_for(order, fails, 5.0))
        await clock.sleep(0.1)
        await rig.accepted(PlaceHold(order=order, hold="review"))
        with pytest.raises(ZeroDivisionError):
            await waiting
        await rig.accepted(PlaceHold(order=order, hold="risk"))


# ---- the end


@virtual
async def test_what_is_on_its_way_to_the_disk_is_backlog(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock, commit_s=COMMIT_S) as rig:
        heard: list[object] = []
        assert rig.bus.submit([rig.inbound(place(f"A-{n}")) for n in range(3)], heard.append) is None
        await clock.sleep(COMMIT_S / 2)
        assert (rig.bus.backlog(), heard) == (3, [])
        await clock.sleep(COMMIT_S)
        assert len(heard) == 1


@virtual
async def test_stopping_answers_all_that_was_taken_and_takes_nothing_more(
    clock: Clock, tmp_path: Path
) -> None:
    slow = Partner("channel/DY/dy-1", clock)
    slow.next.append(slow.after(3.0))
    rig = Rig(tmp_path / "data", clock, actors=[slow])
    await rig.start()
    await rig.accepted(say("5001"))
    await clock.sleep(0.5)  # its detail is being fetched
    heard: list[object] = []
    assert rig.bus.submit([rig.inbound(place(f"A-{n}")) for n in range(5)], heard.append) is None
    stopping = asyncio.ensure_future(rig.stop())
    await clock.sleep(0)
    refusal = rig.bus.submit([rig.inbound(place("B-1"))], heard.append)
    assert refusal is not None
    assert refusal.name == "overloaded"
    await stopping
    assert [len(replies) for replies in heard] == [5]  # type: ignore[arg-type]
    async with opened(tmp_path / "data", clock, actors=everybody(clock)) as rig:
        order = rig.reads.find("DY", "dy-1", "5001")
        assert order is not None
        assert "OrderDetailed" in rig.facts(order)  # the answer that came while stopping was not lost
        assert rig.rows()["names"] == 6
