"""Money that goes back, between the real adapters, a whole centre and the simulated WeChat Pay, to the fen."""

from collections import Counter
from pathlib import Path

import pytest
from tests.world.seeded import run_day
from tests.world.stage import Stage, Staged

from tongdan.domain.kernel.ids import make_order_id
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.commands import (
    RecordPayment,
    RecordPaymentFailure,
    RecordRefund,
    RecordRefundRefused,
)
from tongdan.domain.orders.facts import Prepay
from tongdan.domain.orders.money.refund_facts import ClosePayment, QueryRefund, RefundPayment
from tongdan.labs.world.faults import MENU, Faults, Plan
from tongdan.labs.world.in_process import Pair
from tongdan.labs.world.wechat_books import CLOSED, SUCCESS, Refund, Trade
from tongdan.ports import Done, NotUnderstood

ORDER = make_order_id("MP", "20260127", 0, 7)
WECHAT = "payment/wechat"
SHOP = "mp-main"
CLOSE = ClosePayment(partner=WECHAT, shop=SHOP, out_trade_no=f"{ORDER}-P1")
ASK = QueryRefund(partner=WECHAT, shop=SHOP, out_refund_no=f"{ORDER}-R1", accepted=True)
PLACES = {where: kinds for where, kinds in MENU["MP"].items() if where.startswith("wechat.")}
A_WEEK_S = 7 * 86_400


async def opened(on: Stage) -> Trade:
    number = f"{ORDER}-P1"
    prepay = Prepay(partner=WECHAT, shop=SHOP, out_trade_no=number, amount_fen=1_000)
    assert isinstance(await on.perform(prepay, ORDER), Done)
    return on.world.wechat.trades[number]


async def refunded(on: Stage, trade: Trade, amount_fen: int, no: int = 1) -> object:
    """The command that a refund of the trade is answered with."""
    effect = RefundPayment(
        partner=WECHAT,
        shop=SHOP,
        out_trade_no=trade.out_trade_no,
        transaction=trade.transaction_id,
        out_refund_no=f"{ORDER}-R{no}",
        amount_fen=amount_fen,
        total_fen=1_000,
    )
    outcome = await on.perform(effect, ORDER)
    assert isinstance(outcome, Done), outcome
    return outcome.command


def test_refunds_at_wechat_pay_and_its_adapter_believe_each_other(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        trade = await opened(on)
        on.world.wechat.pay(trade, 1_000)
        first = await refunded(on, trade, 700)
        assert isinstance(first, RecordRefund)
        assert (first.refund, first.attempt, first.amount_fen, first.stage) == (
            1,
            1,
            700,
            RefundStage.ACCEPTED,
        )
        assert await refunded(on, trade, 700) == first  # the same number is the same refund
        changed = await refunded(on, trade, 600)
        assert isinstance(changed, RecordRefund)  # refused, looked for, and told as it is
        assert changed.amount_fen == 700
        too_much = await refunded(on, trade, 301, no=2)
        assert too_much == RecordRefundRefused(order=ORDER, refund=2, reason="INVALID_REQUEST")
        assert list(on.world.wechat.refunds.books) == [f"{ORDER}-R1"]

        await on.clock.sleep(A_WEEK_S)
        (told,) = on.commands(RecordRefund)
        assert (told.stage, told.amount_fen, told.transaction) == (
            RefundStage.SUCCEEDED,
            700,
            trade.transaction_id,
        )
        asked = await on.perform(ASK, ORDER)
        assert isinstance(asked, Done)
        assert asked.command == told
        assert [one.reason for one in on.heard if isinstance(one, NotUnderstood)] == []

    stage(body)


def test_what_is_closed_cannot_be_paid_and_what_is_paid_cannot_be_closed(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        never_opened = await on.perform(CLOSE, ORDER)
        assert isinstance(never_opened, Done)
        assert never_opened.command == RecordPaymentFailure(order=ORDER, attempt=1, reason="ORDER_NOT_EXIST")
        trade = await opened(on)
        for reason in ("CLOSED", "ORDER_CLOSED"):
            closed = await on.perform(CLOSE, ORDER)
            assert isinstance(closed, Done)
            assert closed.command == RecordPaymentFailure(order=ORDER, attempt=1, reason=reason)
        on.world.wechat.pay(trade, 1_000)
        await on.clock.sleep(60)
        assert (trade.state, on.commands(RecordPayment)) == (CLOSED, [])

    stage(body)


def test_a_paid_attempt_answers_its_closing_with_the_payment(stage: Staged) -> None:
    async def body(on: Stage) -> None:
        on.world.wechat.pay(await opened(on), 1_000)
        outcome = await on.perform(CLOSE, ORDER)
        assert isinstance(outcome, Done)
        await on.clock.sleep(60)
        assert on.commands(RecordPayment) == [outcome.command]

    stage(body)


def _everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """One order of the own shop after another has the next fault that WeChat Pay can have in store for it."""
    menu = [Plan(kind, where) for where, kinds in PLACES.items() for kind in kinds]

    def expect(self: Faults, channel: str, order: str) -> None:
        if channel == "MP":
            self._plans[order] = menu.pop(0)
            menu.append(self._plans[order])

    monkeypatch.setattr(Faults, "expect", expect)


def test_both_ledgers_agree_to_the_fen_whatever_befalls_money_on_its_way(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _everything(monkeypatch)
    facts: Counter[str] = Counter()
    books: list[Refund] = []

    def look(pair: Pair) -> None:
        facts.update(row.fact for row in pair.centre.reads.journal())
        books.extend(pair.world.wechat.refunds.books.values())

    day = run_day(data, seed=3, orders=40, outages=0, after=look, shares={})
    assert day.ledger.offenders == ()
    assert day.ledger.holds
    assert day.findings == []
    assert (day.counts["effects_outstanding"], day.counts["dead_letters"], day.counts["quarantined"]) == (
        0,
        0,
        0,
    )
    met = {(one.where, one.kind): one.end for one in day.ledger.met}
    assert {where for where, _ in met} == set(PLACES)
    tickets = {kind for (_, kind), end in met.items() if end == "ticket"}
    assert tickets - {"mistold"} == {
        "wrong-amount",
        "refund-abnormal",
    }  # what is mistold may simply be refused

    succeeded = sum(refund.status == SUCCESS for refund in books)
    assert facts["RefundSucceeded"] == succeeded >= 10
    assert facts["RefundRequested"] == len(books)
    assert facts["RefundAbnormal"] == len(books) - succeeded >= 1
    assert facts["RefundContradicted"] >= 1
    back: Counter[str] = Counter()
    for refund in books:
        back[refund.trade.out_trade_no] += refund.amount_fen
    assert all(back[refund.trade.out_trade_no] <= refund.trade.paid_fen for refund in books)


def test_a_fen_that_went_back_too_much_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _everything(monkeypatch)
    changed: list[str] = []

    def overpay(pair: Pair) -> None:
        explained = {ticket.subject.partition("-")[0] for ticket in pair.centre.reads.tickets(open_only=True)}
        refund, order = next(
            (one, order)
            for one in pair.world.wechat.refunds.books.values()
            if one.status == SUCCESS and (order := one.out_refund_no.partition("-")[0]) not in explained
        )
        refund.amount_fen += 1
        changed.append(order)

    day = run_day(data, seed=3, orders=20, outages=0, after=overpay, shares={})
    assert not day.ledger.holds
    differs = [one for one in day.ledger.offenders if one.detail]
    assert "refunded_fen" in differs[0].detail
    assert {one.id for one in differs if one.id} == set(changed)
