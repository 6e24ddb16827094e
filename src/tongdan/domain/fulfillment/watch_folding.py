"""How stock folds what its watchers are told, and what one buyer may have of it."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.fulfillment import quota_facts as q
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.kernel.messages import Fact


def _on_watched(stock: Stock, fact: q.StockWatched) -> Stock:
    return replace(stock, watchers=(*stock.watchers, fact.watcher))


def _on_unwatched(stock: Stock, fact: q.StockUnwatched) -> Stock:
    return replace(stock, watchers=tuple([each for each in stock.watchers if each != fact.watcher]))


def _on_parts_watched(stock: Stock, _: q.PartsWatched) -> Stock:
    return stock


def _on_told(stock: Stock, fact: q.AvailabilityTold) -> Stock:
    """What was told to one watcher only is not known to all."""
    stock = replace(stock, told_no=fact.no)
    if fact.watchers != stock.watchers:
        return stock if stock.quiet_until is not None else replace(stock, quiet_until=fact.quiet_until)
    told = fact.levels, fact.waiting_units
    return replace(stock, told=told, touched=(), quiet_until=fact.quiet_until)


def _on_limit_set(stock: Stock, fact: q.LimitSet) -> Stock:
    return replace(stock, limit_units=fact.limit_units)


def _on_limit_found(stock: Stock, _: q.LimitFound) -> Stock:
    return stock


FOLDS: Final[dict[type[Fact], Callable[..., Stock]]] = {
    q.StockWatched: _on_watched,
    q.StockUnwatched: _on_unwatched,
    q.PartsWatched: _on_parts_watched,
    q.AvailabilityTold: _on_told,
    q.LimitSet: _on_limit_set,
    q.LimitFound: _on_limit_found,
}
