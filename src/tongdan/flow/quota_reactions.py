"""Between the catalogue, stock and quotas: a match lists an outlet, its quotas follow the stock that is behind it."""

from tongdan.domain.catalog.facts import OfferMatched
from tongdan.domain.fulfillment import quota_commands as ask
from tongdan.domain.fulfillment import quota_facts as q
from tongdan.flow.routing import Commands, Recorded


def list_outlet(fact: OfferMatched, at: Recorded) -> Commands:
    outlet = q.Outlet(fact.channel, fact.shop, fact.offer, fact.product)
    if fact.before and fact.before != fact.sku:
        yield ask.UnlistOutlet(sku=fact.before, outlet=outlet)
    if fact.sku:
        yield ask.ListOutlet(sku=fact.sku, outlet=outlet)


def watch_stock(fact: q.StockFollowed, at: Recorded) -> Commands:
    yield ask.WatchStock(sku=fact.sku, watcher=fact.sku)


def watch_parts(fact: q.PartsWatched, at: Recorded) -> Commands:
    parts = {part.sku for part in fact.parts}
    for watcher in fact.watchers:
        yield ask.NoteParts(sku=watcher, parts=fact.parts)
        for part in fact.parts:
            yield ask.WatchStock(sku=part.sku, watcher=watcher)
        for gone in fact.before:
            if gone.sku not in parts:
                yield ask.UnwatchStock(sku=gone.sku, watcher=watcher)


def note_available(fact: q.AvailabilityTold, at: Recorded) -> Commands:
    for watcher in fact.watchers:
        yield ask.NoteAvailable(
            sku=watcher,
            part=fact.sku,
            no=fact.no,
            levels=fact.levels,
            waiting_units=fact.waiting_units,
            channels=fact.channels,
        )
