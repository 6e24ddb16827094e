"""Bills of WeChat Pay, fetched by the centre itself from the simulated provider, settle what they match to the fen."""

from collections import Counter
from pathlib import Path

import pytest
from tests.world.seeded import run_day

from tongdan.domain.orders.model import Order
from tongdan.domain.sync.kinds import BILL_MISSING, BILL_ROW_OPEN
from tongdan.labs.world.in_process import Pair
from tongdan.labs.world.wechat_books import SUCCESS


@pytest.mark.parametrize("faults", [0.0, 1.0])
def test_a_bill_settles_orders_and_finance_books_them_later(data: Path, faults: float) -> None:
    facts: Counter[str] = Counter()
    tickets: Counter[str] = Counter()

    def look(pair: Pair) -> None:
        facts.update(row.fact for row in pair.centre.reads.journal())
        tickets.update(each.kind.partition(":")[0] for each in pair.centre.reads.tickets(open_only=False))
        for trade in pair.world.wechat.trades.values():
            order = pair.centre.reads.order(trade.out_trade_no.partition("-")[0])
            assert isinstance(order, Order)
            if (
                trade.state == SUCCESS
                and order.paid is not None
                and not order.cancelled
                and not order.refunds
            ):
                assert order.settled_at is not None

    day = run_day(data, seed=3, orders=30, outages=0, faults=faults, after=look, shares={})
    assert day.ledger.holds
    assert day.findings == []
    assert facts["SettlementBooked"] > 10
    assert facts["SettlementMismatched"] == tickets[BILL_MISSING] == tickets[BILL_ROW_OPEN] == 0
