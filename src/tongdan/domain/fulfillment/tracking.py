"""Where parcels are: what carriers tell of them, unasked or asked.

A node counts once, whether it was pushed, pushed again or asked for; its time places it, not its arrival, and any node
that means "signed" signs for its parcel, because carriers add nodes after it. A carrier from which nothing was heard
for too long is asked, a bounded number of times; then a person is told.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from tongdan.domain.fulfillment import facts as f
from tongdan.domain.fulfillment.commands import RecordTracks
from tongdan.domain.fulfillment.folding import evolve
from tongdan.domain.fulfillment.interception import returns
from tongdan.domain.fulfillment.shipment import MAX_TRACKS, WORRY_SILENT, Departure, Shipment, carrier
from tongdan.domain.fulfillment.shipping import signatures
from tongdan.domain.fulfillment.track_check import earliest
from tongdan.domain.fulfillment.track_checking import answered, closed, look
from tongdan.domain.fulfillment.track_facts import RecordTrackSearch
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Fact, Refusal, WakeUp
from tongdan.domain.kernel.tracks import Track

MAX_ASKED: Final = 7  # times in a row that brought nothing new
WAYBILLS_A_QUERY: Final = 10
VERB: Final = f.QueryRoutes.__name__


def record_tracks(shipment: Shipment, command: RecordTracks, ctx: Context) -> Decision | Refusal:
    """Reports are never refused. What is older than all of MAX_TRACKS nodes is past telling."""
    return Decision(_heard(shipment, command.tracks, ctx))


def record_track_search(shipment: Shipment, command: RecordTrackSearch, ctx: Context) -> Decision | Refusal:
    """An answer to whether there is a track; nodes that come with it count like all others."""
    answer = answered(shipment, command, ctx)
    for fact in answer:
        shipment = evolve(shipment, fact)
    return Decision((*answer, *_heard(shipment, command.tracks, ctx)))


def _heard(shipment: Shipment, tracks: Iterable[Track], ctx: Context) -> tuple[Fact, ...]:
    facts: list[Fact] = []
    for track in tracks:
        if _is_news(shipment, track):
            facts.append(_tracked(shipment, track, ctx))
            shipment = evolve(shipment, facts[-1])
    if facts:
        facts.extend((*signatures(shipment), *returns(shipment)))
    return (*facts, *closed(shipment))


def _is_news(shipment: Shipment, track: Track) -> bool:
    known = shipment.tracks
    if len(known) >= MAX_TRACKS and track.at <= known[0].at:
        return False
    named = (track.waybill, track.code, track.at)
    return all((node.waybill, node.code, node.at) != named for node in known)


def _tracked(shipment: Shipment, track: Track, ctx: Context) -> f.ParcelTracked:
    known = ctx.policy.carriers.get(track.carrier)
    return f.ParcelTracked(
        order=shipment.order,
        carrier=track.carrier,
        waybill=track.waybill,
        code=track.code,
        status=known.statuses.get(track.code, "") if known is not None else "",
        at=track.at,
        next_by=_ask_next(ctx),
        ends=(WORRY_SILENT,) if shipment.silent else (),
        also=shipment.also(),
    )


def _ask_next(ctx: Context) -> datetime:
    return ctx.now + timedelta(seconds=ctx.policy.deadlines.track_within_s)


def wake_at(shipment: Shipment) -> datetime | None:
    """When the carrier is to be asked, or a check is due; None when nothing is on its way and nothing is in doubt."""
    due = (_routes_due(shipment), earliest(shipment.checks.values()))
    return min([at for at in due if at is not None], default=None)


def _routes_due(shipment: Shipment) -> datetime | None:
    return shipment.ask_at if any(_under_way(shipment, each) for each in shipment.departures) else None


def _under_way(shipment: Shipment, departure: Departure) -> bool:
    return not departure.signed and departure.dispatch not in shipment.returned


def wake(shipment: Shipment, command: WakeUp, ctx: Context) -> Decision | Refusal:
    facts, effects = look(shipment, ctx)
    asked = _ask_routes(shipment, ctx)
    return Decision((*facts, *asked.facts), (*effects, *asked.effects), supersedes=asked.supersedes)


def _ask_routes(shipment: Shipment, ctx: Context) -> Decision:
    due = _routes_due(shipment)
    if due is None or ctx.now < due:
        return NOTHING
    queries = tuple(_queries(shipment, ctx))
    waybills = tuple([waybill for query in queries for waybill in query.waybills])
    if not queries or shipment.asked >= MAX_ASKED:
        return Decision((f.ParcelsSilent(waybills=waybills),))
    asked = f.TracksAsked(waybills=waybills, times=shipment.asked + 1, again_at=_ask_next(ctx))
    return Decision((asked,), queries, supersedes=(VERB,))


def _queries(shipment: Shipment, ctx: Context) -> Iterator[f.QueryRoutes]:
    """What is under way, by carrier that can be asked."""
    under_way: dict[str, list[str]] = {}
    for each in shipment.departures:
        waybills = under_way.setdefault(each.carrier, [])
        if _under_way(shipment, each) and each.waybill and each.waybill not in waybills:
            waybills.append(each.waybill)
    for code, waybills in under_way.items():
        known = ctx.policy.carriers.get(code)
        if known is not None and known.is_followed:
            for at in range(0, len(waybills), WAYBILLS_A_QUERY):
                yield f.QueryRoutes(
                    partner=carrier(code),
                    shipment=ctx.id,
                    waybills=tuple(waybills[at : at + WAYBILLS_A_QUERY]),
                )
