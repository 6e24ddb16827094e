"""The parcels of one carrier that are signed without a track: few are each a ticket, many at once are one alarm.

It names how many there are, since when, and, if the carrier did not take our key shortly before, that as the likely
cause: who was not told of a parcel has no track of it.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Command, Context, Decision, Fact, Refusal

MANY: Final = 5
MAX_COUNTED: Final = 1_000  # all of them stand in the state
CAUSE_WITHIN: Final = timedelta(days=1)
WORRY_MANY: Final = "many-signed-without-track"


class CountUntracked(Command, frozen=True, kw_only=True):
    """A parcel of `carrier` is signed without a track; a system said "signed" at `said_at`."""

    carrier: str
    waybill: str
    said_at: datetime


class UncountUntracked(Command, frozen=True, kw_only=True):
    """A track of it has turned up."""

    carrier: str
    waybill: str


class NoteKeyRefused(Command, frozen=True, kw_only=True):
    """The carrier did not take the key `key`."""

    carrier: str
    key: str
    error: str
    refused_at: datetime


class UntrackedCounted(Fact, frozen=True, kw_only=True):
    carrier: str
    waybill: str
    said_at: datetime


class UntrackedUncounted(Fact, frozen=True, kw_only=True):
    carrier: str
    waybill: str


class ManyUntracked(Fact, frozen=True, kw_only=True):
    """`parcels` of a carrier are signed without a track, the first since `first_at`. `key` "": no cause is known."""

    carrier: str
    parcels: int
    first_at: datetime
    key: str = ""
    error: str = ""
    refused_at: datetime | None = None


class UntrackedOver(Fact, frozen=True, kw_only=True):
    """The tracks of all have turned up."""

    carrier: str
    ends: tuple[str, ...] = ()


class KeyRefusalNoted(Fact, frozen=True, kw_only=True):
    carrier: str
    key: str
    error: str
    refused_at: datetime


class Untracked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`parcels`: waybill → when a system called it signed. `refused`: the last time that our key was not taken."""

    carrier: str
    parcels: dict[str, datetime] = {}
    alarmed: bool = False
    refused: KeyRefusalNoted | None = None


def count(known: Untracked | None, command: CountUntracked, ctx: Context) -> Decision | Refusal:
    known = known or Untracked(carrier=command.carrier)
    if command.waybill in known.parcels or len(known.parcels) >= MAX_COUNTED:
        return NOTHING
    counted = UntrackedCounted(carrier=command.carrier, waybill=command.waybill, said_at=command.said_at)
    after = evolve(known, counted)
    if len(after.parcels) < MANY:
        return Decision((counted,))
    first_at, refused = min(after.parcels.values()), after.refused
    many = ManyUntracked(carrier=command.carrier, parcels=len(after.parcels), first_at=first_at)
    if refused is not None and first_at - CAUSE_WITHIN <= refused.refused_at:
        many = replace(many, key=refused.key, error=refused.error, refused_at=refused.refused_at)
    return Decision((counted, many))


def uncount(known: Untracked | None, command: UncountUntracked, ctx: Context) -> Decision | Refusal:
    if known is None or command.waybill not in known.parcels:
        return NOTHING
    gone = UntrackedUncounted(carrier=command.carrier, waybill=command.waybill)
    if len(known.parcels) > 1 or not known.alarmed:
        return Decision((gone,))
    return Decision((gone, UntrackedOver(carrier=command.carrier, ends=(WORRY_MANY,))))


def note_key_refused(known: Untracked | None, command: NoteKeyRefused, ctx: Context) -> Decision | Refusal:
    noted = KeyRefusalNoted(
        carrier=command.carrier, key=command.key, error=command.error, refused_at=command.refused_at
    )
    return Decision((noted,))


def evolve(known: Untracked | None, fact: Fact) -> Untracked:
    """The state after `fact`. Raises KeyError for a fact that is none of its."""
    match fact:
        case UntrackedCounted():
            known = known or Untracked(carrier=fact.carrier)
            return replace(known, parcels={**known.parcels, fact.waybill: fact.said_at})
        case KeyRefusalNoted():
            return replace(known or Untracked(carrier=fact.carrier), refused=fact)
    assert known is not None
    match fact:
        case UntrackedUncounted():
            return replace(
                known, parcels={each: at for each, at in known.parcels.items() if each != fact.waybill}
            )
        case ManyUntracked():
            return replace(known, alarmed=True)
        case UntrackedOver():
            return replace(known, alarmed=False)
    if type(fact) in EFFECT_FACTS:
        return known
    raise KeyError(type(fact).__name__)
