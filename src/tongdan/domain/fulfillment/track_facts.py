"""What happens when a parcel is said to be signed for and nobody has a track of it, and what is asked then."""

from datetime import datetime

from tongdan.domain.kernel.messages import Command, Effect, Fact
from tongdan.domain.kernel.tracks import Track


class CheckTracks(Command, frozen=True, kw_only=True):
    """`by` calls these departures of a shipment signed (none named: all of it)."""

    shipment: str
    by: str
    said_at: datetime
    dispatches: tuple[str, ...] = ()


class RecordTrackSearch(Command, frozen=True, kw_only=True):
    """The outcome of `SearchTracks`: of `waybills`, `source` knows nodes of those `seen` and of no other.

    `tracks` are the nodes where they are the carrier's own.
    """

    shipment: str
    source: str
    waybills: tuple[str, ...]
    seen: tuple[str, ...]
    tracks: tuple[Track, ...] = ()


class TrackCheckOpened(Fact, frozen=True, kw_only=True):
    """`by` calls parcels signed of which no node is known; whoever may know one is asked at `ask_at`.

    `parcels`: carrier and waybill. Who has not answered by `late_at` is late.
    """

    order: str
    parcels: tuple[tuple[str, str], ...]
    by: str
    said_at: datetime
    ask_at: datetime
    late_at: datetime


class TrackSourcesAsked(Fact, frozen=True, kw_only=True):
    """`sources` are asked whether they know a node of these parcels."""

    waybills: tuple[str, ...]
    sources: tuple[str, ...]


class TrackSourceAnswered(Fact, frozen=True, kw_only=True):
    """Of these parcels `source` knows nodes of those `seen`, and none of those `unseen`.

    `was_late`: its alarm is over. `again_at`: when all are asked again, should all know none.
    """

    source: str
    seen: tuple[str, ...]
    unseen: tuple[str, ...]
    was_late: bool = False
    again_at: datetime | None = None


class SignedWithoutTrack(Fact, frozen=True, kw_only=True):
    """Every one of `sources` says that it knows no node of a parcel that `by` called signed at `said_at`."""

    order: str
    carrier: str
    waybill: str
    by: str
    said_at: datetime
    sources: tuple[str, ...]
    found_at: datetime


class TracksUnknown(Fact, frozen=True, kw_only=True):
    """These sources have not answered in time: whether there is a track is not known."""

    waybills: tuple[str, ...]
    sources: tuple[str, ...]


class TrackTurnedUp(Fact, frozen=True, kw_only=True):
    """A node is known after all. `found`: all had known none, and said so."""

    order: str
    carrier: str
    waybill: str
    found: bool
    ends: tuple[str, ...] = ()


class SearchTracks(Effect, frozen=True, kw_only=True):
    """SF `EXP_RECE_SEARCH_ROUTES`, Cainiao `guoguo.pickup.query.logistics.detail`: a read."""

    shipment: str
    carrier: str
    waybills: tuple[str, ...]
