"""The outages of a partner, and what was held up by them.

Which effects those are no fact says: the rows that record their outcomes do, and the tables of what is outstanding.
`reckon` puts both together, so the report of an outage that goes on is as good as that of one long past.

For replays and pages: `ports.Reads.outages()` lists every `Outage` with its partner, the latest first, and
`ports.Reads.compensation(partner, no)` gives its `Compensation`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from tongdan.domain.guard.outage_facts import (
    Cause,
    OutageBegan,
    OutageCompensated,
    OutageEnded,
    OutageResumed,
    RecordCompensation,
    ReportPartnerBack,
    ReportPartnerOut,
)
from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Context, Decision, Fact, Refusal

MAX_OUTAGES: Final = 100  # the latest; the journal has all
RESENT, FOUND = "re-sent", "found"  # how an effect got through: it was sent again, or a query showed it there
NUMBERS: Final = ("resent", "found", "left", "lanes", "lanes_broken")
WAITING, LEFT = "waiting", "left"  # or did not yet; a person has to say what becomes of what is left


class Outage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`since`: the first failure. `back_at`: when it was back first, `ended_at`: last; None: it is out.

    The numbers are those of the report when nothing waited any more, at `compensated_at`: what was sent again, found
    there already, `left` to a person; the `lanes` of how many aggregates that were, and in how many of them something
    overtook what came before it.
    """

    no: int
    cause: Cause
    error: str
    since: datetime
    back_at: datetime | None = None
    ended_at: datetime | None = None
    compensated_at: datetime | None = None
    resent: int = 0
    found: int = 0
    left: int = 0
    lanes: int = 0
    lanes_broken: int = 0


class Outages(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Of one partner, oldest first."""

    partner: str
    outages: tuple[Outage, ...] = ()

    @property
    def last(self) -> Outage | None:
        """The one that is not over with all that follows from it."""
        last = self.outages[-1] if self.outages else None
        return last if last is not None and last.compensated_at is None else None


def report_out(outages: Outages | None, command: ReportPartnerOut, ctx: Context) -> Decision | Refusal:
    last = None if outages is None else outages.last
    if last is None:
        began = OutageBegan(
            partner=command.partner,
            no=outages.outages[-1].no + 1 if outages and outages.outages else 1,
            cause=command.cause,
            error=command.error,
            since=command.since,
            began_at=ctx.now,
        )
        return Decision((began,))
    if last.ended_at is None:
        return NOTHING
    resumed = OutageResumed(
        partner=command.partner, no=last.no, cause=command.cause, error=command.error, resumed_at=ctx.now
    )
    return Decision((resumed,))


def report_back(outages: Outages | None, command: ReportPartnerBack, ctx: Context) -> Decision | Refusal:
    last = None if outages is None else outages.last
    if last is None or last.ended_at is not None:
        return NOTHING
    return Decision((OutageEnded(partner=command.partner, no=last.no, ended_at=ctx.now),))


def record_compensation(
    outages: Outages | None, command: RecordCompensation, ctx: Context
) -> Decision | Refusal:
    last = None if outages is None else outages.last
    if last is None or last.no != command.no or last.ended_at is None:
        return NOTHING
    done = OutageCompensated(
        partner=command.partner,
        no=command.no,
        resent=command.resent,
        found=command.found,
        left=command.left,
        lanes=command.lanes,
        lanes_broken=command.lanes_broken,
        compensated_at=command.done_at,
    )
    return Decision((done,))


def evolve(outages: Outages | None, fact: Fact) -> Outages:
    """The state after `fact`. Raises KeyError for a fact that is none of a partner's outages."""
    if outages is not None and type(fact) in EFFECT_FACTS:
        return outages
    if isinstance(fact, OutageBegan):
        outages = outages or Outages(partner=fact.partner)
        began = Outage(no=fact.no, cause=fact.cause, error=fact.error, since=fact.since)
        return replace(outages, outages=(*outages.outages, began)[-MAX_OUTAGES:])
    if outages is not None and outages.outages:
        *before, last = outages.outages
        match fact:
            case OutageResumed():
                last = replace(last, ended_at=None, cause=fact.cause, error=fact.error)
            case OutageEnded():
                last = replace(last, ended_at=fact.ended_at, back_at=last.back_at or fact.ended_at)
            case OutageCompensated():
                numbers = {name: getattr(fact, name) for name in NUMBERS}
                last = replace(last, compensated_at=fact.compensated_at, **numbers)
            case _:
                raise KeyError(type(fact).__name__)
        return replace(outages, outages=(*before, last))
    raise KeyError(type(fact).__name__)


# ---- what an outage held up


class Sent(NamedTuple):
    """An effect of an outage that got through, `how` (RESENT, FOUND) and when; `effect` is slot.epoch.seq.ordinal."""

    effect: str
    aggregate: str
    verb: str
    how: str
    at: datetime


class Unsent(NamedTuple):
    """An effect that is outstanding. `died_at`: when it became a dead letter; None: it is none, or its replay waits."""

    effect: str
    aggregate: str
    verb: str
    created_at: datetime
    died_at: datetime | None
    error: str


class Progress(NamedTuple):
    """The numbers of an outage while something waits."""

    resent: int
    found: int
    waiting: int
    left: int


class Missed(NamedTuple):
    """An effect that an outage held up, and what became of it; `why`: it is left, `at`: it got through."""

    effect: str
    aggregate: str
    verb: str
    how: str
    at: datetime | None
    why: str


class Compensation(msgspec.Struct, frozen=True, kw_only=True):
    """The report of an outage; the numbers of `outage` are as of now while something waits.

    `took`: from when it was back until nothing waited, or until now. `effects` are what it held up: what got through in
    that order, then what did not yet.
    """

    partner: str
    outage: Outage
    waiting: int
    took: timedelta | None
    effects: tuple[Missed, ...]

    @property
    def missed(self) -> int:
        return self.outage.resent + self.outage.found + self.outage.left + self.waiting


def reckon(
    partner: str, outage: Outage, sent: Sequence[Sent], unsent: Iterable[Unsent], now: datetime
) -> Compensation:
    """`sent` in the order of their outcomes; `unsent` is all that is outstanding at the partner, oldest first."""
    held = tuple(_held(outage, unsent, now))
    through = [Missed(each.effect, each.aggregate, each.verb, each.how, each.at, "") for each in sent]
    lanes: dict[str, list[tuple[int, ...]]] = {}
    for one in sent:
        lanes.setdefault(one.aggregate, []).append(place(one.effect))
    if outage.compensated_at is None:
        counted = Counter([each.how for each in (*through, *held)])
        broken = sum(lane != sorted(lane) for lane in lanes.values())
        numbers = (counted[RESENT], counted[FOUND], counted[LEFT], len(lanes), broken)
    else:
        held = tuple([each for each in held if each.how == LEFT])
        numbers = (outage.resent, outage.found, outage.left, outage.lanes, outage.lanes_broken)
    return Compensation(
        partner=partner,
        outage=replace(outage, **dict(zip(NUMBERS, numbers, strict=True))),
        waiting=sum(each.how == WAITING for each in held),
        took=None if outage.back_at is None else (outage.compensated_at or now) - outage.back_at,
        effects=(*through, *held),
    )


def place(effect: str) -> tuple[int, ...]:
    """Effects of one aggregate in the order in which they were asked for."""
    return tuple(int(part) for part in effect.split("."))


def _held(outage: Outage, unsent: Iterable[Unsent], now: datetime) -> Iterator[Missed]:
    """What died before the outage, and what waits behind that, is not its work."""
    blocked: dict[str, Unsent] = {}
    for each in unsent:
        if each.created_at > (outage.ended_at or now):
            continue
        letter = blocked.get(each.aggregate)
        if letter is None and each.died_at is not None:
            letter = blocked[each.aggregate] = each
        if letter is None:
            yield Missed(each.effect, each.aggregate, each.verb, WAITING, None, "")
        elif letter.died_at is not None and letter.died_at >= outage.since:
            why = each.error if letter is each else f"{letter.effect}: {letter.error}"
            yield Missed(each.effect, each.aggregate, each.verb, LEFT, None, why)
