"""Sealing: rows of the journal that nothing waits for any more, proven, and what is to be kept of them.

A file is worth what was checked before its rows were deleted, so every chain is recomputed and every aggregate folded
here. What stays behind is small: where each chain and each aggregate goes on (`Part`, `Cut`), as digests, so that
`verify` still finds a state that somebody changed.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from tongdan.domain.kernel.ids import business_day
from tongdan.domain.kernel.keys import kind_of
from tongdan.flow.aggregates import KINDS
from tongdan.flow.journal import GENESIS, encode, fold, from_us, read_fact, row_hash
from tongdan.flow.replay import Replay
from tongdan.ports import Cut, JournalColumns, Part, ShardStore, StateColumns

_DIGEST_BYTES: Final = 16


class Unsound(Exception):
    """A row is not what its chain or its aggregate says; the message names it. Nothing is archived."""


class Sealed(NamedTuple):
    """`parts` still lack the digest of the file."""

    parts: list[Part]
    cuts: list[Cut]


def day_of(at: datetime) -> int:
    """The day in UTC+8 as a number like 20260127."""
    return int(business_day(at).strftime("%Y%m%d"))


def short_digest(value: bytes | None) -> bytes:
    """What a cut keeps of a state or a sealed person; of nothing, nothing."""
    return b"" if value is None else blake2b(value, digest_size=_DIGEST_BYTES).digest()


def follows(row: JournalColumns | Part, epoch: int, seq: int) -> bool:
    """Whether a row may come after (epoch, seq) in its slot: a restore opens a new epoch."""
    return (row.epoch == epoch and row.seq == seq + 1) or (row.epoch > epoch and row.seq == 1)


def place_of(row: JournalColumns) -> str:
    return f"journal row {row.slot}.{row.epoch}.{row.seq}"


def seal(reader: ShardStore, rows: Sequence[JournalColumns], file: str) -> Sealed:
    """What is to be kept of `rows`, all of one day, which continue what `reader` knows as archived.

    Raises Unsound, StoreFailure.
    """
    day = day_of(from_us(rows[0].recorded_us))
    by_slot = _grouped(rows, lambda row: row.slot)
    by_agg = _grouped(rows, lambda row: row.agg)
    ends, known, stored = (
        reader.archived.ends(), reader.archived.cuts(list(by_agg)), reader.states(list(by_agg))
    )  # fmt: skip
    parts = [_part(chain, ends.get(slot), day, file) for slot, chain in sorted(by_slot.items())]
    cuts = [
        _cut(reader, agg, history, known.get(agg), stored.get(agg), day)
        for agg, history in sorted(by_agg.items())
    ]
    return Sealed(parts, cuts)


def prove(parts: Iterable[Part], rows: Sequence[JournalColumns]) -> None:
    """That a file read back holds these parts, every byte of every row. Raises Unsound."""
    by_slot = _grouped(rows, lambda row: row.slot)
    for part in parts:
        chain, hash_ = by_slot.pop(part.slot, []), part.before
        for row in chain:
            hash_ = row_hash(hash_, tuple(row[:-1]))
        if hash_ != part.hash or len(chain) != part.rows:
            raise Unsound(f"slot {part.slot} of {part.file} does not read back as it was written")
    if by_slot:
        raise Unsound("the file holds rows that were not written")


def _grouped(rows: Sequence[JournalColumns], key: Any) -> dict[Any, list[JournalColumns]]:
    found: dict[Any, list[JournalColumns]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def _part(chain: Sequence[JournalColumns], end: Part | None, day: int, file: str) -> Part:
    first, last = chain[0], chain[-1]
    (epoch, seq), before = ((0, 0), GENESIS) if end is None else (end.end, end.hash)
    hash_, replay = before, Replay(() if end is None else (end.effects,))
    for row in chain:
        if not follows(row, epoch, seq):
            raise Unsound(f"{place_of(row)}: expected the row after {row.slot}.{epoch}.{seq}")
        hash_ = row_hash(hash_, tuple(row[:-1]))
        if hash_ != row.hash:
            raise Unsound(f"{place_of(row)}: the hash does not cover this row and the one before it")
        if unknown := replay.apply(row):
            raise Unsound(f"{place_of(row)}: closes effect {unknown[0]}, which was not outstanding")
        epoch, seq = row.epoch, row.seq
    return Part(
        slot=first.slot, epoch=first.epoch, seq=first.seq, last_epoch=last.epoch, last_seq=last.seq, day=day,
        rows=len(chain), before=before, hash=hash_, effects=replay.carry(), file=file, digest=b"",
    )  # fmt: skip


def _cut(
    reader: ShardStore, agg: str, rows: Sequence[JournalColumns], known: Cut | None, stored: StateColumns | None,
    day: int,
) -> Cut:  # fmt: skip
    try:
        kind = KINDS[kind_of(agg)]
        state = before(reader, known)
        for row in rows:
            state = kind.evolve(state, read_fact(row.fact, row.fact_ver, row.body))
    except Exception as error:  # whatever a changed byte may do to a fold
        raise Unsound(f"facts of {agg} cannot be folded: {type(error).__name__}") from error
    first, last = rows[0], rows[-1]
    if first.ver != (1 if known is None else known.ver + 1) or last.ver != first.ver + len(rows) - 1:
        raise Unsound(f"{place_of(first)}: version {first.ver} of {agg} does not follow the one before it")
    persons = [short_digest(row.person) for row in rows if row.person is not None]
    body = encode(state)
    return Cut(
        agg=agg, ver=last.ver, schema=kind.schema, status=last.status_after, at_us=last.recorded_us,
        wake_us=last.wake_us, state=short_digest(body),
        person=persons[-1] if persons else b"" if known is None else known.person,
        body=body if stored is not None and stored.ver > last.ver else None,
        first_day=day if known is None else known.first_day, last_day=day,
    )  # fmt: skip


def before(reader: ShardStore, cut: Cut | None) -> Any:
    """The state at a cut, from what it keeps, else from the archive. Raises what `fold` raises."""
    if cut is None:
        return None
    state = kept_state(cut)
    return fold(cut.agg, reader.archived.history(cut.agg)) if state is None else state


def kept_state(cut: Cut) -> Any:
    """The state that a cut keeps itself; None: it keeps a digest only, or one of an older schema."""
    kind = KINDS[kind_of(cut.agg)]
    if cut.body is None or cut.schema != kind.schema:
        return None
    return msgspec.msgpack.decode(cut.body, type=kind.state)
