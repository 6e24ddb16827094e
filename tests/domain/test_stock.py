"""A SKU's stock: reserved once, never more than there is, and nobody who waits is forgotten."""

from typing import Any

import pytest
from tests.domain.centre import Centre, after

from tongdan.domain.fulfillment.commands import (
    CountStock,
    DeductStock,
    KeepReservation,
    ReleaseStock,
    ReserveStock,
)
from tongdan.domain.fulfillment.stock import BUCKETS, MAX_TOMBSTONES, MAX_WAITING, Level, Stock, bucket_no
from tongdan.domain.kernel.messages import Decision

ORDERS = [f"MP20260127{n:06d}" for n in range(3_000)]
A, B, C = ORDERS[:3]


class Shelf(Centre):
    """A centre whose stock is asked directly: what follows from it is not of interest here."""

    def send(self, command: Any) -> Any:
        return self.tell(command)

    @property
    def stock(self) -> Stock:
        return self.states["stock/SHIRT"]  # type: ignore[no-any-return]

    def level(self, warehouse: str = "EAST") -> tuple[int, int]:
        """(on hand, available)."""
        level = self.stock.levels[warehouse]
        return level.on_hand, level.available


def count(on_hand: int, warehouse: str = "EAST", seconds: float = 0) -> CountStock:
    return CountStock(sku="SHIRT", warehouse=warehouse, on_hand=on_hand, counted_at=after(seconds))


def reserve(
    order: str, units: int = 1, *, region: str = "浙江", attempt: int = 1, until: Any = None
) -> ReserveStock:
    return ReserveStock(
        sku="SHIRT", order=order, line=1, attempt=attempt, units=units, region=region, until=until
    )


def release(order: str, attempt: int = 1) -> ReleaseStock:
    return ReleaseStock(sku="SHIRT", order=order, line=1, attempt=attempt)


def keep(order: str, attempt: int = 1) -> KeepReservation:
    return KeepReservation(sku="SHIRT", order=order, line=1, attempt=attempt)


def deduct(order: str, units: int = 1, dispatch: str = "1", warehouse: str = "EAST") -> DeductStock:
    return DeductStock(
        sku="SHIRT", order=order, line=1, warehouse=warehouse, units=units, dispatch=f"{order}-S1.{dispatch}"
    )


@pytest.fixture
def shelf() -> Any:
    shelf = Shelf()
    yield shelf
    assert {key: shelf.folded(key) for key in shelf.states} == shelf.states


# ---- counting and choosing


def test_the_younger_count_holds(shelf: Shelf) -> None:
    assert shelf.told(count(5, seconds=10)) == ["StockCounted"]
    assert shelf.told(count(9, seconds=5)) == []
    assert shelf.told(count(5, seconds=10)) == []
    assert shelf.told(count(-3, seconds=20)) == ["StockCounted"]
    assert shelf.level() == (0, 0)


def test_the_region_s_own_warehouse_comes_first(shelf: Shelf) -> None:
    for warehouse in ("EAST", "SOUTH", "NORTH"):
        shelf.told(count(1, warehouse))
    for order, region, warehouse in ((A, "北京", "NORTH"), (B, "西藏", "EAST"), (C, "北京", "SOUTH")):
        shelf.told(reserve(order, region=region))
        held = shelf.stock.bucket(order).reservation(order, 1)
        assert held is not None
        assert held.warehouse == warehouse


def test_all_units_come_from_one_warehouse(shelf: Shelf) -> None:
    shelf.told(count(2, "EAST"))
    shelf.told(count(2, "SOUTH"))
    assert shelf.told(reserve(A, 3)) == ["StockShort"]
    assert shelf.journal[-1][1].available == 2  # type: ignore[attr-defined]
    assert shelf.told(reserve(B, 2)) == ["StockReserved"]


def test_a_warehouse_that_is_no_longer_ours_is_not_chosen(shelf: Shelf) -> None:
    shelf.told(count(5, "MOON"))
    assert shelf.told(reserve(A)) == ["StockShort"]


# ---- reserving


def test_never_more_is_reserved_than_there_is(shelf: Shelf) -> None:
    shelf.told(count(3))
    assert [shelf.told(reserve(order, 2))[0] for order in (A, B)] == ["StockReserved", "StockShort"]
    assert shelf.level() == (3, 1)
    shelf.told(count(0, seconds=10))
    assert shelf.level() == (0, 0)


def test_a_request_that_comes_after_its_release_stays_without_effect(shelf: Shelf) -> None:
    shelf.told(count(3))
    assert shelf.told(release(A)) == ["StockReleased"]
    assert shelf.told(release(A)) == []
    assert shelf.told(reserve(A)) == []
    assert shelf.level() == (3, 3)
    assert shelf.told(reserve(A, attempt=2)) == ["StockReserved"]


def test_reserve_and_release_repeated_in_any_order_end_free(shelf: Shelf) -> None:
    shelf.told(count(3))
    for command in (reserve(A), reserve(A), release(A), reserve(A), release(A)):
        shelf.told(command)
    assert shelf.level() == (3, 3)
    assert shelf.facts() == ["StockCounted", "StockReserved", "StockReleased"]


def test_a_new_attempt_takes_the_place_of_the_old_one(shelf: Shelf) -> None:
    shelf.told(count(3))
    shelf.told(reserve(A, 3))
    assert shelf.told(reserve(A, 2, attempt=2)) == ["StockReleased", "StockReserved"]
    assert shelf.told(release(A, attempt=1)) == []
    assert shelf.level() == (3, 1)
    shelf.told(reserve(B, 2))
    assert shelf.told(reserve(A, 1, attempt=3)) == ["StockReleased", "StockReserved", "StockReserved"]
    assert shelf.level() == (3, 0)


def test_a_reservation_expires_unless_it_is_kept(shelf: Shelf) -> None:
    shelf.told(count(3))
    shelf.told(reserve(A, until=after(60)))
    shelf.told(reserve(B, until=after(90)))
    assert shelf.told(keep(B)) == ["ReservationKept"]
    assert shelf.told(keep(B)) == []
    assert shelf.wait(59) == []
    assert shelf.wait(1_000) == ["ReservationExpired"]
    assert shelf.level() == (3, 2)
    assert shelf.told(keep(A)) == []
    assert shelf.told(reserve(A, until=after(60))) == []


def test_what_expires_at_once_expires_in_bounded_steps(shelf: Shelf) -> None:
    shelf.told(count(2_000))
    for order in ORDERS[:501]:
        shelf.told(reserve(order, until=after(60)))
    shelf.wait(60)
    assert shelf.facts().count("ReservationExpired") == 501
    assert shelf.level() == (2_000, 2_000)


# ---- waiting


def test_who_was_turned_away_is_served_in_order_of_arrival(shelf: Shelf) -> None:
    for order, units in ((A, 2), (B, 4), (C, 1)):
        assert shelf.told(reserve(order, units, until=after(60))) == ["StockShort"]
    shelf.now = after(30)
    assert shelf.told(count(3)) == ["StockCounted", "StockReserved", "StockReserved"]
    assert {r.order for r in shelf.stock.reservations()} == {A, C}
    assert {r.until for r in shelf.stock.reservations()} == {after(30 + 2_700)}
    assert [w.order for w in shelf.stock.waiting] == [B]
    assert shelf.told(reserve(B, 4)) == []


def test_what_is_freed_serves_who_waits(shelf: Shelf) -> None:
    shelf.told(count(1))
    shelf.told(reserve(A, until=after(60)))
    shelf.told(reserve(B))
    shelf.told(reserve(C))
    assert shelf.told(release(A)) == ["StockReleased", "StockReserved"]
    held = shelf.stock.bucket(B).reservation(B, 1)
    assert held is not None
    assert held.until is None
    assert shelf.told(release(C)) == ["StockReleased"]
    assert shelf.stock.waiting == ()


def test_who_has_paid_meanwhile_is_served_for_good(shelf: Shelf) -> None:
    shelf.told(reserve(A, until=after(60)))
    assert shelf.told(keep(A)) == ["ReservationKept"]
    shelf.told(count(1))
    held = shelf.stock.bucket(A).reservation(A, 1)
    assert held is not None
    assert held.until is None


def test_the_queue_is_bounded_and_says_so(shelf: Shelf) -> None:
    for order in ORDERS[: MAX_WAITING + 1]:
        shelf.told(reserve(order))
    assert len(shelf.stock.waiting) == MAX_WAITING
    assert [fact.queued for _, fact in shelf.journal[-2:]] == [True, False]  # type: ignore[attr-defined]


# ---- leaving


def test_a_departure_is_deducted_once(shelf: Shelf) -> None:
    shelf.told(count(5))
    shelf.told(reserve(A, 3))
    assert shelf.told(deduct(A, 2, "1")) == ["StockDeducted"]
    assert shelf.told(deduct(A, 2, "1")) == []
    assert shelf.level() == (3, 2)
    assert shelf.told(deduct(A, 1, "2")) == ["StockDeducted"]
    assert shelf.told(deduct(A, 1, "2")) == []
    assert shelf.level() == (2, 2)
    assert shelf.stock.bucket(A).reservation(A, 1) is None


def test_what_leaves_without_a_reservation_is_gone_all_the_same(shelf: Shelf) -> None:
    shelf.told(count(5))
    shelf.told(release(A))
    shelf.told(deduct(A, 2))
    assert shelf.level() == (3, 3)
    shelf.told(deduct(B, 9))
    assert shelf.level() == (0, 0)


def test_what_leaves_from_elsewhere_frees_the_place_it_was_reserved_in(shelf: Shelf) -> None:
    shelf.told(count(5))
    shelf.told(count(5, "SOUTH"))
    shelf.told(reserve(A, 2))
    shelf.told(deduct(A, 2, warehouse="SOUTH"))
    assert (shelf.level("EAST"), shelf.level("SOUTH")) == ((5, 5), (3, 3))
    shelf.told(count(1, seconds=10))
    shelf.told(count(0, "SOUTH", seconds=10))
    shelf.told(reserve(B))
    shelf.told(reserve(C))
    assert shelf.told(deduct(B, 1, warehouse="SOUTH")) == ["StockDeducted", "StockReserved"]


# ---- the shape of the state


def test_tombstones_are_bounded_and_the_oldest_goes_first(shelf: Shelf) -> None:
    together = [order for order in ORDERS if bucket_no(order) == bucket_no(A)][: MAX_TOMBSTONES + 1]
    assert len(together) == MAX_TOMBSTONES + 1
    for order in together:
        shelf.told(release(order))
    assert shelf.stock.bucket(together[0]).last_ended(together[0], 1) == 0
    assert all(shelf.stock.bucket(order).last_ended(order, 1) == 1 for order in together[1:])


def test_orders_spread_over_the_buckets() -> None:
    sizes = [sum(bucket_no(order) == n for order in ORDERS) for n in range(BUCKETS)]
    assert max(sizes) < 3 * len(ORDERS) / BUCKETS


def test_buckets_are_part_of_the_stored_format() -> None:
    assert [bucket_no(order) for order in ("MP20260127000061", "DY20260127000136")] == [22, 118]


def test_a_stock_that_nobody_counted_is_empty(shelf: Shelf) -> None:
    decision = shelf.send(deduct(A))
    assert isinstance(decision, Decision)
    assert shelf.stock.levels == {"EAST": Level(0, 0)}
    assert shelf.told(keep(B)) == []
