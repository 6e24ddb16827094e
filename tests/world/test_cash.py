"""Cash on delivery in the seeded world: JD's orders leave before anybody has paid, and every fen of them comes in."""

from collections import Counter
from pathlib import Path

from tests.world.seeded import run_day

from tongdan.labs.world.in_process import Pair


def test_a_day_of_cash_on_delivery_is_shipped_unpaid_and_paid_in_the_end(data: Path) -> None:
    facts: Counter[str] = Counter()
    orders: list[bool] = []
    paid_before_shipping: list[str] = []

    def at_the_door(pair: Pair) -> None:
        pair.world.platforms.jd.cash_share = 1.0

    def count(pair: Pair) -> None:
        rows = list(pair.centre.reads.journal())
        facts.update(row.fact for row in rows)
        orders.extend(order.cash for order in pair.world.platforms.jd.orders.values())
        released: set[str] = set()
        for row in rows:
            if row.fact == "OrderReleased":
                released.add(row.aggregate)
            elif row.fact == "OrderPaid" and row.aggregate not in released:
                paid_before_shipping.append(row.aggregate)

    day = run_day(
        data, seed=6, orders=16, faults=0.5, outages=0, shares={"JD": 1.0}, before=at_the_door, after=count
    )
    assert day.ledger.holds
    assert len(orders) > 8 and all(orders)
    assert facts["CashOnDelivery"] > 8
    assert facts["OrderPaid"] > 8 and paid_before_shipping == []
    assert facts["CashOverdue"] == facts["SettlementMismatched"] == 0
    assert day.findings == []
