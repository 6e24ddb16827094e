"""Stock that is watched tells what is available of it: at once, then at most once in the policy's `every_s`.

A burst of orders is so one message at its beginning and one at its end. A bundle has no stock of its own, so whoever
watches it is led to its parts. Stock that nobody watches tells nothing and costs nothing.
"""

from datetime import timedelta
from typing import Any, Final

from msgspec.structs import replace

from tongdan.domain.fulfillment import stocking
from tongdan.domain.fulfillment.quota_commands import UnwatchStock, WatchStock
from tongdan.domain.fulfillment.quota_facts import (
    AvailabilityTold,
    PartsWatched,
    StockUnwatched,
    StockWatched,
)
from tongdan.domain.fulfillment.refusals import TOO_MANY_WATCHERS
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.kernel.messages import NOTHING, Context, Decide, Decision, Refusal

MAX_WATCHERS: Final = 1_000


def telling(decide: Decide) -> Decide:
    """A decider of stock after which the watchers know what is available, or will in a moment."""

    def decided(stock: Stock | None, command: Any, ctx: Context) -> Decision | Refusal:
        decision = decide(stock, command, ctx)
        if isinstance(decision, Refusal) or stock is None or not stock.watchers:
            return decision
        before = stock.parts
        for fact in decision.facts:
            stock = stocking.evolve(stock, fact)
        more: list[PartsWatched | AvailabilityTold] = []
        if stock.parts != before:
            more.append(_parts(stock, stock.watchers, before))
        if stock.is_untold and (stock.quiet_until is None or stock.quiet_until <= ctx.now):
            more.append(_told(stock, stock.watchers, ctx))
        return replace(decision, facts=(*decision.facts, *more)) if more else decision

    return decided


def watch_stock(stock: Stock | None, command: WatchStock, ctx: Context) -> Decision | Refusal:
    """Asked again, it is told again."""
    stock = stock or Stock(sku=command.sku)
    watched = StockWatched(sku=command.sku, watcher=command.watcher)
    known = command.watcher in stock.watchers
    if not known and len(stock.watchers) >= MAX_WATCHERS:
        return TOO_MANY_WATCHERS.of(sku=command.sku, limit=MAX_WATCHERS)
    only = (command.watcher,)
    told = _parts(stock, only) if stock.parts else _told(stock, only, ctx)
    return Decision((told,) if known else (watched, told))


def unwatch_stock(stock: Stock | None, command: UnwatchStock, ctx: Context) -> Decision | Refusal:
    if stock is None or command.watcher not in stock.watchers:
        return NOTHING
    return Decision((StockUnwatched(sku=command.sku, watcher=command.watcher),))


def _parts(stock: Stock, watchers: tuple[str, ...], before: tuple[Any, ...] = ()) -> PartsWatched:
    return PartsWatched(sku=stock.sku, watchers=watchers, parts=stock.parts, before=before)


def _told(stock: Stock, watchers: tuple[str, ...], ctx: Context) -> AvailabilityTold:
    levels, waiting = stock.available()
    return AvailabilityTold(
        sku=stock.sku,
        no=stock.told_no + 1,
        levels=levels,
        waiting_units=waiting,
        channels=stock.touched,
        watchers=watchers,
        quiet_until=ctx.now + timedelta(seconds=ctx.policy.quotas.every_s),
    )
