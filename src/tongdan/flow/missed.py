"""What an outage held up, read from what is committed: outcomes in the journal, and what is still outstanding.

The runner marks the outcome of an effect that an outage held up in its `cause`, so the audit trail alone says which
those were, how each got through, and in which order.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import chain
from operator import attrgetter
from typing import Final

from tongdan.domain.guard.outage import FOUND, RESENT, Outage, Progress, Sent, Unsent, place, reckon
from tongdan.flow.journal import from_us, slot_of_effect, to_us
from tongdan.flow.placement import Placement
from tongdan.ports import OUTAGE_LETTER, EffectColumns, RunColumns, ShardStore

# What an at-least-once effect's error ends with from the first lost answer on.
MAY_HAVE: Final = " (it may have taken place)"
LOST_ANSWER: Final = (
    "its answer was lost in an outage and nobody can look it up: ask there, then replay or skip it"
)
CHUNK: Final = 20_000  # rows walked over while nothing else happens
HEADROOM: Final = 2_000  # rows of a batch that began before the partner was known to be back


def mark(how: str, verb: str, no: int) -> str:
    """What the cause of an outcome says besides its effect: `re-sent/TellFinance/3`."""
    return f"{how}/{verb}/{no}"


def may_have_arrived(run: RunColumns) -> bool:
    """Whether an at-least-once effect may have taken place: an answer was lost, or the attempt was broken off."""
    return run.lease_us > 0 and (run.due_us <= run.lease_us or run.error.endswith(MAY_HAVE))


Rows = list[tuple[EffectColumns, RunColumns | None]]


def outstanding_at(stores: Iterable[ShardStore], placement: Placement, partner: str) -> Rows:
    """In the order in which they were asked for, by aggregate; without what they carry."""
    return _here([(store.shard, store.outstanding_at(partner)) for store in stores], placement)


def blocked_at(stores: Iterable[ShardStore], placement: Placement, partner: str) -> Rows:
    """As `outstanding_at`: only what is a dead letter of its own, or waits behind one."""
    return _here([(store.shard, store.blocked_at(partner)) for store in stores], placement)


def _here(found: Iterable[tuple[int, Rows]], placement: Placement) -> Rows:
    rows = [
        row for shard, rows in found for row in rows if placement.shard_of(slot_of_effect(row[0].id)) == shard
    ]
    return sorted(rows, key=lambda row: place(row[0].id))


def count(
    stores: Sequence[ShardStore], placement: Placement, partner: str, outage: Outage, now: datetime
) -> Progress:
    """Counted where the rows lie, so that an outage of hours may be looked at every few seconds."""
    until_us = to_us(outage.ended_at or now)
    left = reckon(partner, outage, (), unsent(blocked_at(stores, placement, partner)), now)
    got = dict.fromkeys((RESENT, FOUND), 0)
    for store in stores if outage.back_at is not None else ():
        after, last = _span(store, outage)
        for how in got:
            got[how] += store.count_outcomes(partner, f"{how}/*/{outage.no}", after, last)
    waiting = sum(store.waiting_at(partner, until_us) for store in stores)
    return Progress(got[RESENT], got[FOUND], waiting, left.outage.left)


def unsent(rows: Iterable[tuple[EffectColumns, RunColumns | None]]) -> Iterator[Unsent]:
    for row, run in rows:
        died = run is not None and run.dead not in (0, OUTAGE_LETTER)
        died_at = from_us(run.first_us) if run is not None and died else None
        error = "" if run is None else run.error
        yield Unsent(row.id, row.agg, row.verb, from_us(row.created_us), died_at, error)


def sent(
    stores: Sequence[ShardStore], placement: Placement, partner: str, outage: Outage
) -> Iterator[list[Sent]]:
    """What got through, in the order of its outcomes in each shard; a step reads a bounded piece of the trail."""
    if outage.back_at is not None:
        for store in stores:
            yield from _sent(store, placement, partner, outage)


def in_order(parts: Iterable[Sequence[Sent]]) -> list[Sent]:
    """Of all shards; those of one aggregate stay in the order in which they came."""
    by_shard: dict[str, list[Sent]] = {}
    for one in chain.from_iterable(parts):
        by_shard.setdefault(one.aggregate, []).append(one)
    return list(merge(*by_shard.values(), key=attrgetter("at")))


def _sent(store: ShardStore, placement: Placement, partner: str, outage: Outage) -> Iterator[list[Sent]]:
    at, last = _span(store, outage)
    while at < last:
        until = at + CHUNK
        rows = store.outcomes(partner, outage.no, at, until)
        yield [
            Sent(effect, agg, verb, how, from_us(recorded_us))
            for cause, agg, recorded_us in rows
            for effect, how, verb, _ in [cause.removeprefix("effect:").split("/")]
            if placement.shard_of(slot_of_effect(effect)) == store.shard
        ]
        at = until


def _span(store: ShardStore, outage: Outage) -> tuple[int, int]:
    """After which position, and up to which, what an outage held up got through."""
    assert outage.back_at is not None
    first, last = next((pos for pos, _ in store.journal_after(0, 1)), 0), store.last_pos()
    after = first + max(0, store.recorded_before(to_us(outage.back_at)) - HEADROOM) - 1
    if outage.compensated_at is not None:
        last = min(last, first + store.recorded_before(to_us(outage.compensated_at)) + HEADROOM)
    return after, last
