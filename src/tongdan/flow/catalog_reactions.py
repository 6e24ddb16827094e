"""Between orders, the catalogue and stock: lines ask for their SKU, the answer goes back, and bundles are opened.

An offer keeps at most so many lines waiting, so a match releases them with one fact and one command each; an answer
that comes twice finds the line matched and changes nothing.
"""

from tongdan.domain.catalog import commands as catalog
from tongdan.domain.catalog import facts as found
from tongdan.domain.fulfillment import commands as stock
from tongdan.domain.fulfillment import facts as told
from tongdan.domain.kernel.ids import parse
from tongdan.domain.orders.goods import commands as goods
from tongdan.domain.orders.goods import match_facts as matched
from tongdan.domain.sync import kinds
from tongdan.domain.sync.commands import RaiseTicket
from tongdan.flow.routing import Commands, Recorded


def find_matches(fact: matched.LinesUnmatched, at: Recorded) -> Commands:
    id = parse(at.aggregate)
    assert id is not None
    for line in fact.lines:
        yield catalog.FindMatch(
            channel=id.channel,
            shop=at.shop,
            offer=line.platform_sku or line.outer or line.title,
            outer=line.outer,
            title=line.title,
            order=at.aggregate,
            line=line.no,
        )


def note_matched(fact: found.MatchFound, at: Recorded) -> Commands:
    for each in fact.lines:
        yield goods.NoteMatched(order=each.order, line=each.line, sku=fact.sku)


def reserve_matched(fact: matched.LineMatched, at: Recorded) -> Commands:
    yield stock.ReserveStock(
        sku=fact.sku,
        order=at.aggregate,
        line=fact.line,
        attempt=fact.attempt,
        units=fact.units,
        region=fact.region,
        until=fact.until,
    )


def set_parts(fact: found.BundleDefined, at: Recorded) -> Commands:
    yield stock.SetParts(sku=fact.sku, parts=fact.parts)


def open_bundle(fact: told.BundleAsked, at: Recorded) -> Commands:
    yield goods.OpenBundle(order=fact.order, line=fact.line, attempt=fact.attempt, parts=fact.parts)


def reserve_parts(fact: matched.BundleOpened, at: Recorded) -> Commands:
    for line in fact.lines:
        yield stock.ReserveStock(
            sku=line.sku,
            order=at.aggregate,
            line=line.no,
            attempt=fact.attempt,
            units=line.bundle_units * fact.wanted or line.units,
            region=fact.region,
            until=fact.until,
        )


def offer_unmatched(fact: found.MatchAwaited, at: Recorded) -> Commands:
    if fact.first:
        yield RaiseTicket(subject=at.aggregate, kind=kinds.OFFER_UNMATCHED, summary=fact.order)
