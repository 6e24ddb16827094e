"""Who says "signed" has tracks looked for; what is found out becomes tickets, and many of a carrier one alarm."""

from tongdan.domain.confighealth.facts import KeyFailed
from tongdan.domain.fulfillment.facts import ShipmentSigned
from tongdan.domain.fulfillment.track_facts import (
    CheckTracks,
    SignedWithoutTrack,
    TrackSourceAnswered,
    TracksUnknown,
    TrackTurnedUp,
)
from tongdan.domain.fulfillment.untracked import (
    CountUntracked,
    ManyUntracked,
    NoteKeyRefused,
    UncountUntracked,
    UntrackedOver,
)
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.domain.kernel.keys import pulse_key
from tongdan.domain.orders.facts import ChannelReported, SystemSaid
from tongdan.domain.sync import kinds
from tongdan.domain.sync.commands import RaiseTicket, ResolveTicket
from tongdan.flow.routing import Commands, Recorded
from tongdan.flow.ticket_reactions import ticket

WMS, CHANNEL, CARRIER = "wms", "channel", "carrier/"


def warehouse_signed(fact: ShipmentSigned, at: Recorded) -> Commands:
    """A signature of the carrier's own is a node."""
    yield CheckTracks(shipment=at.aggregate, by=WMS, said_at=fact.signed_at, dispatches=fact.dispatches)


def system_signed(fact: ChannelReported | SystemSaid, at: Recorded) -> Commands:
    by = fact.system if isinstance(fact, SystemSaid) else CHANNEL
    for shipment in fact.shipments:
        yield CheckTracks(shipment=shipment, by=by, said_at=fact.said_at)


def signed_without_track(fact: SignedWithoutTrack, at: Recorded) -> Commands:
    said = ", ".join(f"{source} –" for source in fact.sources)
    moment = f"{fact.said_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
    summary = f"{fact.carrier} {fact.waybill}: {fact.by} ✓ {moment}; {said}"
    return ticket(at, f"{kinds.SIGNED_WITHOUT_TRACK}:{fact.waybill}", summary)


def count(fact: SignedWithoutTrack, at: Recorded) -> Commands:
    yield CountUntracked(carrier=fact.carrier, waybill=fact.waybill, said_at=fact.said_at)


def turned_up(fact: TrackTurnedUp, at: Recorded) -> Commands:
    for worry in fact.ends:
        yield ResolveTicket(subject=at.aggregate, kind=worry, evidence=type(fact).__name__)
    if fact.found:
        yield UncountUntracked(carrier=fact.carrier, waybill=fact.waybill)


def source_silent(fact: TracksUnknown, at: Recorded) -> Commands:
    """One ticket a source, however many parcels wait for its answer."""
    for source in fact.sources:
        yield RaiseTicket(subject=pulse_key(source), kind=kinds.TRACK_SOURCE_SILENT, summary=source)


def source_answers(fact: TrackSourceAnswered, at: Recorded) -> Commands:
    if fact.was_late:
        yield ResolveTicket(
            subject=pulse_key(fact.source), kind=kinds.TRACK_SOURCE_SILENT, evidence=type(fact).__name__
        )


def many_untracked(fact: ManyUntracked, at: Recorded) -> Commands:
    summary = f"{fact.carrier} ×{fact.parcels}, {fact.first_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S} →"
    if fact.refused_at is not None:
        since = f"{fact.refused_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
        summary = f"{summary} ⇐ {fact.key} ✗ {since} {fact.error}"
    return ticket(at, kinds.MANY_WITHOUT_TRACK, summary)


def untracked_over(fact: UntrackedOver, at: Recorded) -> Commands:
    for worry in fact.ends:
        yield ResolveTicket(subject=at.aggregate, kind=worry, evidence=type(fact).__name__)


def key_refused(fact: KeyFailed, at: Recorded) -> Commands:
    if fact.partner.startswith(CARRIER):
        yield NoteKeyRefused(
            carrier=fact.partner.removeprefix(CARRIER), key=f"{fact.task}/{fact.key}", error=fact.error,
            refused_at=fact.failed_at,
        )  # fmt: skip
