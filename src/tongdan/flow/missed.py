"""What an outage held up, read from what is committed: outcomes in the journal, and what is still outstanding.

The runner marks the outcome of an effect that an outage held up in its `cause`, so the audit trail alone says which
those were, how each got through, and in which order.
"""

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain
from operator import attrgetter
from typing import Final

from tongdan.domain.guard.outage import Outage, Sent, Unsent, place
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


def outstanding_at(
    stores: Iterable[ShardStore], placement: Placement, partner: str
) -> list[tuple[EffectColumns, RunColumns | None]]:
    """In the order in which they were asked for, by aggregate; without what they carry."""
    found = [
        row
        for store in stores
        for row in store.outstanding_at(partner)
        if placement.shard_of(slot_of_effect(row[0].id)) == store.shard
    ]
    return sorted(found, key=lambda row: place(row[0].id))


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
    assert outage.back_at is not None
    first, last = next((pos for pos, _ in store.journal_after(0, 1)), 0), store.last_pos()
    at = first + max(0, store.recorded_before(to_us(outage.back_at)) - HEADROOM) - 1
    if outage.compensated_at is not None:
        last = min(last, first + store.recorded_before(to_us(outage.compensated_at)) + HEADROOM)
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
