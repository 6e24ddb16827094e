"""A channel by map alone in the world: Example Market, which no adapter knows, and the example map."""

from datetime import timedelta
from pathlib import Path
from shutil import copytree

import pytest
from tests.contracts.partners.played import EXAMPLE, HeldCredentials
from tests.world.pairing import BASKET, START, Pair, play
from tests.world.seeded import run_day
from tests.world.stage import CONF
from tests.world.unhurried import unhurried

from tongdan.domain.orders.facts import FetchDetail
from tongdan.labs.world.market import DONE, SHIPPED, MarketOrder
from tongdan.labs.world.people import buyer_of
from tongdan.ports import Done, Failed

SHOP = """
- id: xx-main
  channel: XX
  native: shop-77
  name: 示例
  legal_entity: 同单（杭州）贸易有限公司
"""


@pytest.fixture
def seventh(tmp_path: Path) -> Path:
    """`conf/` with the example channel taken into use: one file, and one entry among the shops."""
    conf = tmp_path / "conf"
    copytree(unhurried(), conf)
    copytree(CONF / "examples", conf, dirs_exist_ok=True)
    with (conf / "shops.yml").open("a") as shops:
        shops.write(SHOP)
    return conf


def native_of(no: int) -> str:
    return f"EX-000-{no:05d}-1234"


def test_what_it_tells_and_answers_is_read_by_the_map() -> None:
    async def body(on: Pair) -> None:
        placed = [on.platform.place(native_of(no), BASKET, buyer_of(1, str(no))) for no in range(60)]
        await on.clock.sleep(6 * 3_600)
        assert on.platform.outbox.given_up == []
        assert len({one.key for one in on.heard}) == len(on.heard) == sum(order.told for order in placed)
        seen = set()
        for order in placed:
            detail = await on.detail(order.id)
            assert detail.native_status == order.status
            seen.add(on.how.statuses[order.status])
            assert (detail.amount_fen, detail.discount_fen) == (order.amount_fen, 300)
            assert [(line.sku, line.units) for line in detail.lines] == [("A1", 3), ("A2", 2)]
            assert order.buyer.province.startswith(detail.region) and detail.region
            assert order.buyer.name not in repr(detail) and order.buyer.phone not in repr(detail)
            assert (detail.paid_at is None) == (order.paid_at is None)
        assert {"paid", "cancelled"} <= seen

    play(EXAMPLE, body)


def test_all_that_changed_is_listed_once() -> None:
    async def body(on: Pair) -> None:
        assert on.how.listing is not None
        count = 2 * on.how.listing.page_size + 3
        for no in range(count):
            on.platform.place(native_of(no), BASKET, buyer_of(1, str(no)))
        await on.clock.sleep(1)
        natives, cursor, pages = [], "", 0
        while pages == 0 or cursor:
            page = await on.list(START, START + timedelta(seconds=1), pages, cursor)
            natives += [listed.native for listed in page.orders]
            cursor, pages = page.cursor, pages + 1
        assert (pages, len(natives), len(set(natives))) == (3, count, count)

    play(EXAMPLE, body)


def test_parcels_are_told_by_units_and_each_once() -> None:
    async def body(on: Pair) -> None:
        order: MarketOrder = on.platform.place(native_of(4), BASKET, buyer_of(1, "7"))
        await on.clock.sleep(3 * 3_600)
        waybills = [on.carrier.hand_over(f"parcel {n}") for n in range(2)]
        for waybill, units in ((waybills[0], (("1", 1),)), (waybills[1], (("1", 2), ("2", 2)))):
            for _ in range(2):
                assert isinstance(await on.ship(order.id, waybill, *units), Done)
        assert (order.status, order.told_units, order.waybills) == (SHIPPED, 5, waybills)
        refused = await on.ship(order.id, "SF0000000000000", ("1", 1))
        assert isinstance(refused, Failed) and refused.final and not refused.partner_wide
        await on.clock.sleep(30 * 86_400)
        assert order.status == DONE
        forged = HeldCredentials({"example/xx-main": {"token": "another"}})
        unknown = await on.perform(FetchDetail, forged, native=order.id)
        assert isinstance(unknown, Failed) and unknown.partner_wide

    play(EXAMPLE, body)


@pytest.mark.parametrize("seed", [5, 6])
def test_a_day_on_the_seventh_channel_ends_well(tmp_path: Path, seventh: Path, seed: int) -> None:
    shares = {"XX": 0.7, "KS": 0.2}
    day = run_day(tmp_path / "data", seed=seed, orders=24, conf=seventh, shares=shares)
    assert day.ledger.holds, day.ledger.offenders
    (sold,) = (each for each in day.ledger.channels if each.code == "XX")
    assert sold.born == sold.in_centre > 8
    assert day.ledger.injected > 5
    assert day.findings == []
