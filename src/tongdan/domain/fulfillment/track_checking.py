"""Signed without a track: what a system calls signed while no carrier's node is known is looked into at once.

After a grace, because nodes come late, every source is asked; only when all of them know none it is found, and a node
that turns up closes it again. Who does not answer is asked on by its lane, and has an alarm of its own meanwhile.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from tongdan.domain.fulfillment import track_facts as f
from tongdan.domain.fulfillment.shipment import Shipment, carrier
from tongdan.domain.fulfillment.track_check import TrackCheck, Verdict, verdict
from tongdan.domain.fulfillment.track_folding import CHECKS
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Effect, Fact, Refusal

WITHIN_S: Final = 600  # from the word "signed" to a verdict or an alarm
AGAIN_S: Final = 1_800
MAX_SEARCHES: Final = 48
WAYBILLS_A_SEARCH: Final = 10
UNTRACKED: Final = "signed-without-track"


def check_tracks(shipment: Shipment, command: f.CheckTracks, ctx: Context) -> Decision | Refusal:
    parcels = {
        waybill: code
        for code, waybill in _numbers(shipment, command.dispatches)
        if waybill not in shipment.checks and not _has_node(shipment, waybill) and _sources(code, ctx)
    }
    if not parcels:
        return NOTHING
    opened = f.TrackCheckOpened(
        order=shipment.order,
        parcels=tuple([(code, waybill) for waybill, code in parcels.items()]),
        by=command.by,
        said_at=command.said_at,
        ask_at=ctx.now + timedelta(seconds=ctx.policy.deadlines.signed_track_grace_s),
        late_at=ctx.now + timedelta(seconds=WITHIN_S),
    )
    return Decision((opened,))


def _numbers(shipment: Shipment, dispatches: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Carrier and number of what has left and is not back; when all is meant, also of what has a number and has not."""
    for each in shipment.departures:
        if (
            each.waybill
            and each.dispatch not in shipment.returned
            and (not dispatches or each.dispatch in dispatches)
        ):
            yield each.carrier, each.waybill
    label = shipment.live_label
    if label is not None and not dispatches:
        yield label.carrier, label.waybill


def _has_node(shipment: Shipment, waybill: str) -> bool:
    return any(node.waybill == waybill for node in shipment.tracks)


def _sources(code: str, ctx: Context) -> tuple[str, ...]:
    """Who can be asked for tracks of this carrier's parcels."""
    known = ctx.policy.carriers.get(code)
    if known is None:
        return ()
    own = (carrier(code),) if known.is_followed else ()
    return (*own, *[f"tracks/{name}" for name in known.tracked_by])


# ---- time


def look(shipment: Shipment, ctx: Context) -> tuple[list[Fact], list[Effect]]:
    """What is due of its checks: sources are asked, or are late."""
    due = {
        waybill: check
        for waybill, check in shipment.checks.items()
        if check.due is not None and check.due <= ctx.now
    }
    facts: list[Fact] = []
    effects: list[Effect] = []
    for code in dict.fromkeys([check.carrier for check in due.values() if check.ask_at is not None]):
        waybills = [each for each, check in due.items() if check.carrier == code and check.ask_at is not None]
        facts.append(f.TrackSourcesAsked(waybills=tuple(waybills), sources=_sources(code, ctx)))
        effects += _searches(code, waybills, ctx)
    late = {waybill: check for waybill, check in due.items() if check.ask_at is None}
    if late:
        sources = dict.fromkeys([source for check in late.values() for source in check.missing])
        facts.append(f.TracksUnknown(waybills=tuple(late), sources=tuple(sources)))
    return facts, effects


def _searches(code: str, waybills: list[str], ctx: Context) -> Iterator[f.SearchTracks]:
    for source in _sources(code, ctx):
        for at in range(0, len(waybills), WAYBILLS_A_SEARCH):
            some = tuple(waybills[at : at + WAYBILLS_A_SEARCH])
            yield f.SearchTracks(partner=source, shipment=ctx.id, carrier=code, waybills=some)


# ---- answers


def answered(shipment: Shipment, command: f.RecordTrackSearch, ctx: Context) -> list[Fact]:
    """What an answer means for what was asked and waits for it."""
    source = command.source
    waiting = {
        waybill: check
        for waybill in command.waybills
        if (check := shipment.checks.get(waybill)) is not None and source in check.missing
    }
    if not waiting:
        return []
    more = any(check.times < MAX_SEARCHES for check in waiting.values())
    said = f.TrackSourceAnswered(
        source=source,
        seen=tuple([waybill for waybill in waiting if waybill in command.seen]),
        unseen=tuple([waybill for waybill in waiting if waybill not in command.seen]),
        was_late=any(source in check.late for check in waiting.values()),
        again_at=ctx.now + timedelta(seconds=AGAIN_S) if more else None,
    )
    after = CHECKS[type(said)](shipment, said)
    found = [_found(after, waybill, ctx) for waybill in said.unseen if _is_found(after.checks.get(waybill))]
    return [said, *found]


def _is_found(check: TrackCheck | None) -> bool:
    return check is not None and not check.found and verdict(check.answers) is Verdict.UNTRACKED


def _found(shipment: Shipment, waybill: str, ctx: Context) -> f.SignedWithoutTrack:
    check = shipment.checks[waybill]
    return f.SignedWithoutTrack(
        order=shipment.order,
        carrier=check.carrier,
        waybill=waybill,
        by=check.by,
        said_at=check.said_at,
        sources=check.sources,
        found_at=ctx.now,
    )


def closed(shipment: Shipment) -> Iterator[f.TrackTurnedUp]:
    """The checks of parcels that a node is known of, here or to a source."""
    for waybill, check in shipment.checks.items():
        if not check.over and (check.known or _has_node(shipment, waybill)):
            yield f.TrackTurnedUp(
                order=shipment.order,
                carrier=check.carrier,
                waybill=waybill,
                found=check.found,
                ends=(f"{UNTRACKED}:{waybill}",) if check.found else (),
            )
