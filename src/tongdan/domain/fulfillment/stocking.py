"""How a SKU's stock is counted, reserved, kept, released, deducted and expires.

Reactions and timers are the only ones who ask, so nothing is refused: a shortage is a fact. `evolve` is written for
SKUs with thousands of reservations; see `stock.py`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from msgspec.structs import replace

from tongdan.domain.fulfillment import facts as f
from tongdan.domain.fulfillment import watch_folding
from tongdan.domain.fulfillment.commands import (
    CountStock,
    DeductStock,
    KeepReservation,
    MoveStock,
    ReleaseStock,
    ReserveStock,
)
from tongdan.domain.fulfillment.stock import (
    MAX_TOMBSTONES,
    MAX_WAITING,
    Bucket,
    Level,
    Reservation,
    Stock,
    Waiting,
    line_key,
    share_key,
)
from tongdan.domain.kernel.messages import (
    EFFECT_FACTS,
    NOTHING,
    Context,
    Decision,
    Fact,
    Refusal,
    WakeUp,
)
from tongdan.domain.kernel.policy import Policy

MAX_EXPIRED: Final = 500

# ---- deciding


def count_stock(stock: Stock | None, command: CountStock, ctx: Context) -> Decision | Refusal:
    stock = stock or Stock(sku=command.sku)
    level = stock.levels.get(command.warehouse)
    if level is not None and level.counted_at is not None and command.counted_at <= level.counted_at:
        return NOTHING
    fact = f.StockCounted(
        sku=command.sku,
        warehouse=command.warehouse,
        on_hand=max(0, command.on_hand),
        counted_at=command.counted_at,
    )
    return _serving(stock, [fact], ctx)


def reserve_stock(stock: Stock | None, command: ReserveStock, ctx: Context) -> Decision | Refusal:
    stock = stock or Stock(sku=command.sku)
    order, line, attempt = command.order, command.line, command.attempt
    bucket = stock.bucket(order)
    held = bucket.reservation(order, line)
    known = held.attempt if held is not None else bucket.last_ended(order, line)
    if attempt <= known or _waiting(stock, order, line) is not None:
        return NOTHING
    wanted = Waiting(order, line, attempt, command.units, command.region, command.until is not None)
    if held is None:
        return Decision((_promise(stock, wanted, command.until, ctx),))
    released = _released(stock, held, held.attempt)
    promised = _promise(evolve(stock, released), wanted, command.until, ctx)
    return _serving(stock, [released, promised], ctx)


def _promise(stock: Stock, wanted: Waiting, until: datetime | None, ctx: Context) -> Fact:
    warehouse = _choose(stock, wanted, ctx.policy)
    return _short(stock, wanted) if warehouse is None else _reserved(stock, wanted, warehouse, until)


def keep_reservation(stock: Stock | None, command: KeepReservation, ctx: Context) -> Decision | Refusal:
    if stock is None:
        return NOTHING
    held = stock.bucket(command.order).reservation(command.order, command.line)
    waiting = _waiting(stock, command.order, command.line)
    expiring = held is not None and held.attempt == command.attempt and held.until is not None
    if not expiring and not (waiting is not None and waiting.expires):
        return NOTHING
    kept = f.ReservationKept(sku=command.sku, order=command.order, line=command.line, attempt=command.attempt)
    return Decision((kept,))


def release_stock(stock: Stock | None, command: ReleaseStock, ctx: Context) -> Decision | Refusal:
    stock = stock or Stock(sku=command.sku)
    bucket = stock.bucket(command.order)
    held = bucket.reservation(command.order, command.line)
    if held is not None and held.attempt <= command.attempt:
        return _serving(stock, [_released(stock, held, command.attempt)], ctx)
    if held is not None or bucket.last_ended(command.order, command.line) >= command.attempt:
        return NOTHING
    tombstone = f.StockReleased(
        sku=command.sku,
        order=command.order,
        line=command.line,
        attempt=command.attempt,
        units=0,
        tombstone=True,
    )
    return Decision((tombstone,))


def deduct_stock(stock: Stock | None, command: DeductStock, ctx: Context) -> Decision | Refusal:
    stock = stock or Stock(sku=command.sku)
    if _departure(command.dispatch, command.line) in stock.bucket(command.order).deducted:
        return NOTHING
    fact = f.StockDeducted(
        sku=command.sku,
        order=command.order,
        line=command.line,
        warehouse=command.warehouse,
        units=command.units,
        dispatch=command.dispatch,
    )
    return _serving(stock, [fact], ctx)


def move_stock(stock: Stock | None, command: MoveStock, ctx: Context) -> Decision | Refusal:
    """What is reserved stays reserved, elsewhere. It may be more than is free there: then somebody has to look."""
    if stock is None:
        return NOTHING
    bucket = stock.bucket(command.order)
    shares = bucket.shares(command.order, command.line)
    units = min(command.units, sum(each.units for each in shares))
    if not units or _departure(command.key, command.line) in bucket.deducted:
        return NOTHING
    fact = f.StockMoved(
        sku=command.sku,
        order=command.order,
        line=command.line,
        units=units,
        origin=command.origin,
        warehouse=command.warehouse,
        key=command.key,
        missing=max(0, units - stock.levels.get(command.warehouse, _NO_LEVEL).available),
    )
    return _serving(stock, [fact], ctx)


def wake(stock: Stock, command: WakeUp, ctx: Context) -> Decision | Refusal:
    """Let expire what is due, at most MAX_EXPIRED at once: what is left is due still, and wakes the stock again."""
    due = list(islice(stock.due(ctx.now), MAX_EXPIRED))
    expired = [
        f.ReservationExpired(
            sku=stock.sku, order=held.order, line=held.line, attempt=held.attempt, units=held.units
        )
        for held in due
    ]
    return _serving(stock, expired, ctx)


def _serving(stock: Stock, facts: Sequence[Fact], ctx: Context) -> Decision:
    """`facts`, and then a reservation for everyone who waits and whose units are there now, in order of arrival."""
    for fact in facts:
        stock = evolve(stock, fact)
    served: list[Fact] = []
    until = ctx.now + timedelta(seconds=ctx.policy.deadlines.reservation_s)
    for wanted in stock.waiting:
        warehouse = _choose(stock, wanted, ctx.policy)
        if warehouse is not None:
            served.append(_reserved(stock, wanted, warehouse, until if wanted.expires else None))
            stock = evolve(stock, served[-1])
    return Decision((*facts, *served))


def _choose(stock: Stock, wanted: Waiting, policy: Policy) -> str | None:
    """The first warehouse that has all units: those that serve the region first, then the others as listed."""
    fitting = [
        warehouse
        for code, warehouse in policy.warehouses.items()
        if (level := stock.levels.get(code)) is not None and level.available >= wanted.units
    ]
    fitting.sort(key=lambda warehouse: wanted.region not in warehouse.regions)
    return fitting[0].code if fitting else None


def _waiting(stock: Stock, order: str, line: int) -> Waiting | None:
    return next((each for each in stock.waiting if each.line == line and each.order == order), None)


def _reserved(stock: Stock, wanted: Waiting, warehouse: str, until: datetime | None) -> f.StockReserved:
    return f.StockReserved(
        sku=stock.sku,
        order=wanted.order,
        line=wanted.line,
        attempt=wanted.attempt,
        units=wanted.units,
        warehouse=warehouse,
        until=until,
    )


def _short(stock: Stock, wanted: Waiting) -> f.StockShort:
    return f.StockShort(
        sku=stock.sku,
        order=wanted.order,
        line=wanted.line,
        attempt=wanted.attempt,
        units=wanted.units,
        available=max((level.available for level in stock.levels.values()), default=0),
        region=wanted.region,
        expires=wanted.expires,
        queued=len(stock.waiting) < MAX_WAITING,
    )


def _released(stock: Stock, held: Reservation, attempt: int) -> f.StockReleased:
    return f.StockReleased(
        sku=stock.sku,
        order=held.order,
        line=held.line,
        attempt=attempt,
        units=held.units,
        tombstone=False,
    )


def _departure(dispatch: str, line: int) -> str:
    return f"{dispatch}/{line}"


# ---- folding


def evolve(stock: Stock | None, fact: Fact) -> Stock:
    """The state after `fact`. Raises KeyError for a fact that is none of a stock's."""
    apply = _EVOLVE.get(type(fact))
    if apply is None:
        if stock is None or type(fact) not in EFFECT_FACTS:
            raise KeyError(type(fact).__name__)
        return stock
    return apply(stock or Stock(sku=fact.sku), fact)  # type: ignore[attr-defined]


def _on_counted(stock: Stock, fact: f.StockCounted) -> Stock:
    level = stock.levels.get(fact.warehouse, _NO_LEVEL)
    counted = Level(fact.on_hand, level.reserved, fact.counted_at)
    return replace(stock, levels={**stock.levels, fact.warehouse: counted})


def _on_parts_set(stock: Stock, fact: f.PartsSet) -> Stock:
    return replace(stock, parts=fact.parts)


def _on_bundle_asked(stock: Stock, _: f.BundleAsked) -> Stock:
    return stock


def _on_reserved(stock: Stock, fact: f.StockReserved) -> Stock:
    held = Reservation(fact.order, fact.line, fact.attempt, fact.units, fact.warehouse, fact.until)
    return replace(
        stock.touched_by(fact.order).with_bucket(fact.order, _hold(stock.bucket(fact.order), held)),
        levels=_take(stock.levels, fact.warehouse, reserved=fact.units),
        waiting=_no_longer(stock.waiting, fact.order, fact.line),
    )


def _on_short(stock: Stock, fact: f.StockShort) -> Stock:
    if not fact.queued:
        return stock
    wanted = Waiting(fact.order, fact.line, fact.attempt, fact.units, fact.region, fact.expires)
    return replace(stock.touched_by(fact.order), waiting=(*stock.waiting, wanted))


def _on_kept(stock: Stock, fact: f.ReservationKept) -> Stock:
    bucket = stock.bucket(fact.order)
    held = bucket.reservation(fact.order, fact.line)
    if held is not None:
        return stock.with_bucket(fact.order, _hold(bucket, replace(held, until=None)))
    waiting = [
        replace(each, expires=False) if (each.order, each.line) == (fact.order, fact.line) else each
        for each in stock.waiting
    ]
    return replace(stock, waiting=tuple(waiting))


def _on_ended(stock: Stock, fact: f.StockReleased | f.ReservationExpired) -> Stock:
    bucket = stock.bucket(fact.order)
    levels = stock.levels
    for held in bucket.shares(fact.order, fact.line):
        levels = _take(levels, held.warehouse, reserved=-held.units)
    return replace(
        stock.touched_by(fact.order).with_bucket(
            fact.order, _end(bucket, fact.order, fact.line, fact.attempt)
        ),
        levels=levels,
        waiting=_no_longer(stock.waiting, fact.order, fact.line),
    )


def _on_deducted(stock: Stock, fact: f.StockDeducted) -> Stock:
    levels = _take(stock.levels, fact.warehouse, on_hand=-fact.units)
    bucket, levels = _draw(stock.bucket(fact.order), levels, fact, fact.warehouse)
    bucket = _once(bucket, fact.dispatch, fact.line)
    held = bucket.reservation(fact.order, fact.line)
    if held is not None and not bucket.shares(fact.order, fact.line):
        bucket = _end(bucket, fact.order, fact.line, held.attempt)
    return replace(stock.with_bucket(fact.order, bucket), levels=levels)


def _on_moved(stock: Stock, fact: f.StockMoved) -> Stock:
    bucket, levels = _draw(stock.bucket(fact.order), stock.levels, fact, fact.origin)
    held = bucket.reservation(fact.order, fact.line)
    assert held is not None
    there = bucket.share(held, fact.warehouse)
    bucket = _hold(bucket, replace(there, units=there.units + fact.units))
    levels = _take(levels, fact.warehouse, reserved=fact.units)
    bucket = _once(bucket, fact.key, fact.line)
    return replace(stock.with_bucket(fact.order, bucket), levels=levels)


def _draw(
    bucket: Bucket, levels: dict[str, Level], fact: f.StockDeducted | f.StockMoved, first: str
) -> tuple[Bucket, dict[str, Level]]:
    """Take units out of a line's reservation, those that stand in warehouse `first` before others."""
    missing = fact.units
    shares = bucket.shares(fact.order, fact.line)
    for held in sorted(shares, key=lambda each: each.warehouse != first):
        units = min(held.units, missing)
        missing -= units
        levels = _take(levels, held.warehouse, reserved=-units)
        bucket = _hold(bucket, replace(held, units=held.units - units))
    return bucket, levels


def _once(bucket: Bucket, key: str, line: int) -> Bucket:
    deducted = (*bucket.deducted, _departure(key, line))[-MAX_TOMBSTONES:]
    return replace(bucket, deducted=deducted)


def _take(
    levels: dict[str, Level], warehouse: str, *, on_hand: int = 0, reserved: int = 0
) -> dict[str, Level]:
    level = levels.get(warehouse, _NO_LEVEL)
    changed = Level(max(0, level.on_hand + on_hand), level.reserved + reserved, level.counted_at)
    return {**levels, warehouse: changed}


def _hold(bucket: Bucket, held: Reservation) -> Bucket:
    """Put a reservation, or a share of one that was moved, in its place."""
    whole = bucket.reservation(held.order, held.line)
    moved = whole is not None and whole.warehouse != held.warehouse
    key = share_key(held, held.warehouse) if moved else line_key(held.order, held.line)
    return replace(bucket, held={**bucket.held, key: held})


def _end(bucket: Bucket, order: str, line: int, attempt: int) -> Bucket:
    """The reservation ended; what remains is a tombstone, the youngest of its bucket."""
    key = line_key(order, line)
    held = {k: v for k, v in bucket.held.items() if k != key and not k.startswith(f"{key}@")}
    ended = {k: v for k, v in bucket.ended.items() if k != key}
    ended[key] = attempt
    if len(ended) > MAX_TOMBSTONES:
        del ended[next(iter(ended))]
    return replace(bucket, held=held, ended=ended)


def _no_longer(waiting: tuple[Waiting, ...], order: str, line: int) -> tuple[Waiting, ...]:
    if not waiting:
        return waiting
    return tuple([each for each in waiting if each.line != line or each.order != order])


_NO_LEVEL: Final = Level(0, 0)
_EVOLVE: Final[dict[type[Fact], Callable[..., Stock]]] = {
    f.StockCounted: _on_counted,
    f.PartsSet: _on_parts_set,
    f.BundleAsked: _on_bundle_asked,
    f.StockReserved: _on_reserved,
    f.StockShort: _on_short,
    f.ReservationKept: _on_kept,
    f.StockReleased: _on_ended,
    f.ReservationExpired: _on_ended,
    f.StockDeducted: _on_deducted,
    f.StockMoved: _on_moved,
    **watch_folding.FOLDS,
}
