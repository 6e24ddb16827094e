"""Eight copies of one push, one order, one payment: one effect, and the same answer eight times."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.flow.parties import Partner, count, everybody, pay, place, say
from tests.flow.rig import Rig, findings, opened, virtual

from tongdan.domain.kernel.messages import Command
from tongdan.domain.orders.commands import RequestPayment
from tongdan.ports import Accepted, Clock, Inbound, Reply

COPIES = 8
COMMIT_S = 0.02


def settled(replies: list[Reply]) -> Accepted:
    """The one answer that all replies are: the first committed it, the others are told that they repeat it."""
    accepted = [reply for reply in replies if isinstance(reply, Accepted)]
    assert len(accepted) == COPIES, replies
    assert sorted(reply.duplicate for reply in accepted) == [False] + [True] * (COPIES - 1)
    places = {(r.aggregate, r.slot, r.epoch, r.seq) for r in accepted}
    assert len(places) == 1
    return next(reply for reply in accepted if not reply.duplicate)


async def copies(rig: Rig, message: Inbound, how: str) -> list[Reply]:
    """Eight copies of a message: in one request, in eight at once, while the first is written, or one by one."""
    if how == "one request":
        return await rig.submit(*[message] * COPIES)
    if how == "at once":
        return list(await asyncio.gather(*[rig.bus.ask(message) for _ in range(COPIES)]))
    if how == "while the first is written":
        first = asyncio.ensure_future(rig.bus.ask(message))
        await rig.clock.sleep(COMMIT_S / 2)
        return [await first, *await asyncio.gather(*[rig.bus.ask(message) for _ in range(COPIES - 1)])]
    return [await rig.bus.ask(message) for _ in range(COPIES)]


HOWS = pytest.mark.parametrize("how", ["one request", "at once", "while the first is written", "one by one"])


@HOWS
@virtual
async def test_eight_copies_of_a_push_announce_one_order_and_fetch_it_once(
    clock: Clock, tmp_path: Path, how: str
) -> None:
    partners = everybody(clock)
    async with opened(tmp_path / "data", clock, actors=partners, commit_s=COMMIT_S) as rig:
        message = rig.inbound(say("5001"), "DY", "dy-1", "push-1")
        first = settled(await copies(rig, message, how))
        await rig.quiet()
        assert rig.facts(first.aggregate).count("OrderAnnounced") == 1
        assert rig.rows()["names"] == 1
        assert list(partners[0].happened.values()) == [1]
    await expect_same_answer_after_restart(clock, tmp_path / "data", message, first)


@HOWS
@virtual
async def test_eight_copies_of_an_order_reserve_stock_once(clock: Clock, tmp_path: Path, how: str) -> None:
    async with opened(tmp_path / "data", clock, commit_s=COMMIT_S) as rig:
        await rig.accepted(count(10))
        message = rig.inbound(place(units=3), "MP", "mp-1", "A-1")
        first = settled(await copies(rig, message, how))
        await rig.quiet()
        assert rig.facts(first.aggregate) == ["OrderCreated", "LineReserved"]
        assert rig.state("stock/SHIRT").levels["EAST"].reserved == 3
    await expect_same_answer_after_restart(clock, tmp_path / "data", message, first)


@HOWS
@virtual
async def test_eight_copies_of_a_payment_count_once(clock: Clock, tmp_path: Path, how: str) -> None:
    finance, provider, wms = (
        Partner("finance", clock),
        Partner("payment/wechat", clock),
        Partner("wms/EAST", clock),
    )
    async with opened(tmp_path / "data", clock, actors=[finance, provider, wms], commit_s=COMMIT_S) as rig:
        await rig.accepted(count(10))
        order = (await rig.accepted(place())).aggregate
        await rig.quiet()
        await rig.accepted(RequestPayment(order=order, method="wechat"))
        message = rig.inbound(pay(order), "wechat", "T-1")
        first = settled(await copies(rig, message, how))
        await rig.quiet()
        assert rig.facts(order).count("OrderPaid") == 1
        assert rig.state(order).received_fen == 9_900
        assert list(finance.happened.values()) == [1]
        assert list(wms.happened.values()) == [1]
    await expect_same_answer_after_restart(clock, tmp_path / "data", message, first)


async def expect_same_answer_after_restart(
    clock: Clock, data: Path, message: Inbound, first: Accepted
) -> None:
    async with opened(data, clock, actors=everybody(clock)) as rig:
        before = rig.rows()
        again = await rig.bus.ask(message)
        assert again == Accepted(first.aggregate, first.slot, first.epoch, first.seq, duplicate=True)
        assert rig.rows() == before
    assert findings(data) == []


@pytest.mark.parametrize(
    ("make", "facts"),
    [
        (lambda order: place(), ["OrderCreated", "LineReserved"]),
        (lambda order: pay(order), ["OrderCreated", "LineReserved", "OrderPaid", "OrderReleased"]),
    ],
)
@virtual
async def test_the_same_content_under_eight_message_keys_still_happens_once(
    clock: Clock, tmp_path: Path, make: Callable[[str], Command], facts: list[str]
) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        await rig.accepted(count(10))
        order = (await rig.accepted(place())).aggregate
        await rig.quiet()
        replies = await asyncio.gather(*[rig.ask(make(order), "retry", str(n)) for n in range(COPIES)])
        await rig.quiet()
        assert {reply.aggregate for reply in replies if isinstance(reply, Accepted)} == {order}
        assert rig.facts(order) == facts
