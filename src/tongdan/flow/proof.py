"""The proof of one order: its rows stand in the chain as they were written, and add up to its state.

`tongdan verify` proves whole shards. This looks at a handful of rows, each with the hash of the row before it, so that
whoever looks at an order can have it proven within one read.
"""

from collections.abc import Sequence

from tongdan.domain.kernel.keys import key_slot
from tongdan.flow.findings import START
from tongdan.flow.journal import GENESIS, fold, read_state, row_hash
from tongdan.flow.sealing import follows
from tongdan.ports import JournalColumns, Link, Part, Proof, ShardStore


def prove(store: ShardStore, key: str, family: Sequence[str]) -> Proof:
    """`family`: the aggregates whose rows are to be looked at, `key` among them. Raises StoreFailure."""
    slot = key_slot(key)
    end = store.archived.ends().get(slot)
    rows = [each for agg in family for each in store.chained(agg)]
    rows.sort(key=lambda each: (each[1].epoch, each[1].seq))
    history = store.journal_of(key)
    state = store.states([key]).get(key)
    folds = state is not None and fold(key, history) == read_state(store, state)
    epoch, seq, hash_ = store.heads()[slot]
    return Proof(
        slot=slot,
        links=tuple([_link(row, _before(before, row, end)) for before, row in rows]),
        archived=len(history) - sum(row.agg == key for _, row in rows),
        folds=folds,
        head=(epoch, seq, hash_.hex()),
    )


def _before(found: bytes | None, row: JournalColumns, end: Part | None) -> bytes | None:
    """The hash that this row was chained to; None: not known here."""
    if end is not None and follows(row, *end.end):
        return end.hash
    if found is None and end is None and follows(row, *START) and row.epoch <= 1:
        return GENESIS
    return found


def _link(row: JournalColumns, before: bytes | None) -> Link:
    agrees = None if before is None else row_hash(before, tuple(row[:-1])) == row.hash
    return Link(
        slot=row.slot, epoch=row.epoch, seq=row.seq, aggregate=row.agg, fact=row.fact, hash=row.hash.hex(),
        agrees=agrees,
    )  # fmt: skip
