"""`tongdan verify`: recompute everything from the journal and name whatever does not agree.

One pass in order of arrival checks positions, sequences and hash chains and replays which effects are outstanding;
one pass by aggregate folds facts and compares state, status, sealed person and wake-up. Rows are streamed and merged
in key order, so memory does not grow with the journal. Shards are checked in parallel, each on one snapshot.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import groupby
from typing import Any, Final, TypeVar

import msgspec

from tongdan.domain.kernel.keys import ORDER, key_slot, kind_of
from tongdan.domain.kernel.messages import EffectDied, EffectReplayed
from tongdan.domain.kernel.slots import digest
from tongdan.flow.journal import GENESIS, effect_digest, effect_digests, encode, read_fact, row_hash, to_us
from tongdan.flow.routes import KINDS
from tongdan.ports import EffectColumns, JournalColumns, ShardAudit, StateColumns, StoreFailure

FINDING_LIMIT: Final = 100  # findings kept of one shard; beyond it they are only counted
PROGRESS_EVERY: Final = 2_000  # rows between two progress reports

K = TypeVar("K")
Opener = Callable[[int], ShardAudit]


class Finding(msgspec.Struct, frozen=True):
    """One thing that does not agree: where it lies and what was expected."""

    shard: int
    where: str
    what: str


class ShardReport(msgspec.Struct, frozen=True, kw_only=True):
    shard: int
    rows: int
    aggregates: int
    effects: int
    wakeups: int
    heads: dict[int, str]
    findings: list[Finding]
    more: int


class Report(msgspec.Struct, frozen=True):
    """What was checked, and all that does not agree. `heads`: slot → epoch.seq:hash, comparable between runs."""

    shards: list[ShardReport]

    @property
    def clean(self) -> bool:
        return not any(shard.findings for shard in self.shards)

    @property
    def findings(self) -> list[Finding]:
        return [finding for shard in self.shards for finding in shard.findings]

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)

    @property
    def heads(self) -> dict[int, str]:
        return {slot: head for shard in self.shards for slot, head in sorted(shard.heads.items())}


class ShardCheck:
    """The check of one shard. `tick(n)` is told of every `n` further rows (each row is read twice)."""

    def __init__(self, audit: ShardAudit, shards: int, tick: Callable[[int], None]) -> None:
        self._audit = audit
        self._shards = shards
        self._tick = tick
        self._findings: list[Finding] = []
        self._more = 0
        self._heads: dict[int, tuple[int, int, bytes]] = {}
        self._outstanding: dict[str, tuple[bytes, str]] = {}
        self._dead: set[str] = set()
        self._names: dict[bytes, str] = {}

    def run(self) -> ShardReport:
        rows = effects = aggregates = wakeups = 0
        try:
            rows = self._check_chains()
            self._check_heads()
            effects = self._check_effects()
            self._check_names()
            aggregates, wakeups = self._check_aggregates()
        except StoreFailure as failure:
            self._find(f"file of shard {self._audit.shard}", f"cannot be read on: {failure}")
        heads = {slot: f"{epoch}.{seq}:{_hex(hash_)}" for slot, (epoch, seq, hash_) in self._heads.items()}
        return ShardReport(
            shard=self._audit.shard, rows=rows, aggregates=aggregates, effects=effects, wakeups=wakeups,
            heads=heads, findings=self._findings, more=self._more,
        )  # fmt: skip

    def _find(self, where: str, what: str) -> None:
        if len(self._findings) < FINDING_LIMIT:
            self._findings.append(Finding(self._audit.shard, where, what))
        else:
            self._more += 1

    # -- in order of arrival

    def _check_chains(self) -> int:
        expected_pos, n = 1, 0
        for n, (pos, row) in enumerate(self._audit.journal(), 1):
            if pos != expected_pos:
                self._find(
                    f"journal position {pos}", f"expected position {expected_pos}: rows are missing or moved"
                )
            expected_pos = pos + 1
            try:
                self._check_link(row)
                self._replay_effects(row)
            except Exception as error:  # whatever a changed byte may do to the check, it is a finding
                self._find(_place(row), f"cannot be understood: {type(error).__name__}")
            if n % PROGRESS_EVERY == 0:
                self._tick(PROGRESS_EVERY)
        self._tick(n % PROGRESS_EVERY)
        return n

    def _check_link(self, row: JournalColumns) -> None:
        where = _place(row)
        epoch, seq, previous = self._heads.get(row.slot, (0, 0, GENESIS))
        if not ((row.epoch == epoch and row.seq == seq + 1) or (row.epoch > epoch and row.seq == 1)):
            self._find(
                where, f"expected the row after {row.slot}.{epoch}.{seq}: the sequence has a gap or a repeat"
            )
        if row_hash(previous, tuple(row[:-1])) != row.hash:
            self._find(
                where, "the hash does not cover this row and the one before it: something in it was changed"
            )
        try:
            if key_slot(row.agg) != row.slot:
                self._find(where, f"{row.agg} does not belong to this slot")
        except (ValueError, TypeError):
            self._find(where, f"no aggregate has the key {row.agg!r}")
        self._heads[row.slot] = (row.epoch, row.seq, row.hash)

    def _replay_effects(self, row: JournalColumns) -> None:
        if row.effects:
            for id, digest_ in effect_digests(row):
                self._outstanding[id] = (digest_, row.agg)
        for id in row.closes.split():
            if self._outstanding.pop(id, None) is None:
                self._find(_place(row), f"closes effect {id}, which was not outstanding")
            self._dead.discard(id)
        if row.fact in (EffectDied.__name__, EffectReplayed.__name__):
            id = str(msgspec.msgpack.decode(row.body).get("effect"))
            (self._dead.add if row.fact == EffectDied.__name__ else self._dead.discard)(id)
        if row.fact in ("OrderAnnounced", "OrderCreated"):
            body = msgspec.msgpack.decode(row.body)
            self._names[digest(body["channel"], body["shop"], body["native"])] = row.agg

    def _check_heads(self) -> None:
        stored = self._audit.heads()
        for slot in sorted(stored.keys() | self._heads.keys(), key=str):
            if stored.get(slot) != self._heads.get(slot):
                self._find(f"head of slot {slot}", "is not the slot's last row")

    # -- tables beside the journal

    def _check_effects(self) -> int:
        left = dict(self._outstanding)
        for row in self._audit.effects():
            expected = left.pop(row.id, None)
            if expected is None:
                self._find(f"effect {row.id}", "no row of the journal leaves it outstanding")
            elif expected[0] != effect_digest(EffectColumns(*row)):
                self._find(f"effect {row.id}", f"differs from what {expected[1]} emitted")
        for id, (_, agg) in left.items():
            self._find(f"effect {id}", f"{agg} emitted it and nothing closed it, but it is missing")
        for run in self._audit.runs():
            if run.id not in self._outstanding:
                self._find(f"run of effect {run.id}", "its effect is not outstanding")
            elif bool(run.dead) != (run.id in self._dead):
                self._find(f"run of effect {run.id}", "dead in the table or in the journal, not in both")
        return len(self._outstanding)

    def _check_names(self) -> None:
        stored = self._audit.names()
        for name in stored.keys() | self._names.keys():
            if stored.get(name) != self._names.get(name):
                agg = self._names.get(name) or stored.get(name)
                self._find(f"name {_hex(name)}", f"does not lead to the order that bears it ({agg})")

    # -- by aggregate

    def _check_aggregates(self) -> tuple[int, int]:
        states = _Merge(self._audit.states(), lambda row: row.agg)
        wakeups = _Merge(self._audit.wakeups(), lambda row: row[0])
        n = 0
        read = 0
        for agg, rows in groupby(self._audit.journal_by_aggregate(), key=lambda row: row.agg):
            n += 1
            history = list(rows)
            read += len(history)
            if read >= PROGRESS_EVERY:
                self._tick(read)
                read = 0
            try:
                self._check_aggregate(agg, history, states, wakeups)
            except StoreFailure:
                raise
            except Exception as error:  # as above
                self._find(f"state of {agg}", f"cannot be understood: {type(error).__name__}")
        self._tick(read)
        for row in states.rest():
            self._find(f"state of {row.agg}", "no row of the journal tells of it")
        for key, _ in wakeups.rest():
            self._find(f"wake-up of {key}", "no row of the journal tells of it")
        return n, wakeups.count

    def _check_aggregate(
        self,
        agg: str,
        history: list[JournalColumns],
        states: "_Merge[StateColumns]",
        wakeups: "_Merge[tuple[str, int]]",
    ) -> None:
        for stray in states.before(agg):
            self._find(f"state of {stray.agg}", "no row of the journal tells of it")
        for key, _ in wakeups.before(agg):
            self._find(f"wake-up of {key}", "no row of the journal tells of it")
        stored, wake = states.take(agg), wakeups.take(agg)
        try:
            state, person = self._fold(agg, history)
            kind = KINDS[kind_of(agg)]
            wake_at = kind.wake_at(state)
        except Exception as error:  # whatever a changed byte may do to a fold, it is a finding
            self._find(f"facts of {agg}", f"cannot be folded: {type(error).__name__}")
            return
        if kind.name == ORDER and state.erased_at is not None and self._audit.salt(agg):
            self._find(f"salt of {agg}", "its personal data was erased, yet can be read")
        due_us = None if wake_at is None else to_us(wake_at)
        if (None if wake is None else wake[1]) != due_us or history[-1].wake_us != due_us:
            self._find(f"wake-up of {agg}", f"expected {due_us}, found {None if wake is None else wake[1]}")
        if stored is None:
            self._find(f"state of {agg}", "is missing")
            return
        self._compare(stored, history[-1].ver, kind.schema, kind.status(state), encode(state), person)

    def _compare(
        self, stored: StateColumns, ver: int, schema: int, status: int, body: bytes, person: bytes | None
    ) -> None:
        where = f"state of {stored.agg}"
        if stored.ver != ver:
            self._find(where, f"version {stored.ver}, the journal has {ver}")
        if stored.status != status:
            self._find(where, f"status {stored.status}, its facts give {status}")
        if stored.person != person:
            self._find(where, "the sealed person is not the one last recorded")
        if stored.schema > schema or stored.schema < 1:
            self._find(where, f"schema {stored.schema}, this version knows {schema}")
        elif stored.schema == schema and stored.body != body:
            self._find(where, "the body is not what its facts fold to")

    def _fold(self, agg: str, history: list[JournalColumns]) -> tuple[Any, bytes | None]:
        kind = KINDS[kind_of(agg)]
        state: Any = None
        status, person = -1, None
        for ver, row in enumerate(history, 1):
            if row.ver != ver:
                self._find(_place(row), f"version {row.ver} of {agg}, expected {ver}")
            if row.status_before != status:
                self._find(_place(row), f"status before is {row.status_before}, expected {status}")
            state = kind.evolve(state, read_fact(row.fact, row.fact_ver, row.body))
            status = kind.status(state)
            if row.status_after != status:
                self._find(_place(row), f"status after is {row.status_after}, its facts give {status}")
            person = row.person if row.person is not None else person
        return state, person


class _Merge(Iterator[K]):
    """Rows in key order, taken as another stream in the same order comes to their keys."""

    def __init__(self, rows: Iterator[K], key: Callable[[K], str]) -> None:
        self._rows = rows
        self._key = key
        self._next: K | None = next(rows, None)
        self.count = 0

    def __next__(self) -> K:
        if self._next is None:
            raise StopIteration
        row, self._next = self._next, next(self._rows, None)
        self.count += 1
        return row

    def before(self, key: str) -> Iterator[K]:
        while self._next is not None and _order(self._key(self._next)) < _order(key):
            yield next(self)

    def take(self, key: str) -> K | None:
        return next(self) if self._next is not None and self._key(self._next) == key else None

    def rest(self) -> Iterator[K]:
        yield from self


def _order(key: Any) -> tuple[bool, bytes]:
    """The order in which a store hands out keys, even where somebody has put bytes into a column of text."""
    return (True, key) if isinstance(key, bytes) else (False, str(key).encode())


def _hex(value: object) -> str:
    """Bytes as text; what somebody has put in their place as it is."""
    return value.hex() if isinstance(value, bytes) else repr(value)


def _place(row: JournalColumns) -> str:
    return f"journal row {row.slot}.{row.epoch}.{row.seq}"


# -- in parallel

_shared: Any = None


def _share(counter: Any) -> None:
    global _shared  # noqa: PLW0603 - how a pool's workers get at what the parent shares
    _shared = counter


def check_shard(opener: Opener, shard: int, shards: int, tick: Callable[[int], None]) -> ShardReport:
    """Check one shard. Raises nothing: a file that cannot be read is a finding."""
    try:
        audit = opener(shard)
    except StoreFailure as failure:
        unread = Finding(shard, f"file of shard {shard}", f"cannot be opened: {failure}")
        return ShardReport(
            shard=shard, rows=0, aggregates=0, effects=0, wakeups=0, heads={}, findings=[unread], more=0
        )
    try:
        return ShardCheck(audit, shards, tick).run()
    finally:
        audit.close()


def _check(opener: Opener, shard: int, shards: int) -> ShardReport:
    def tick(rows: int) -> None:
        if _shared is not None:
            with _shared.get_lock():
                _shared.value += rows

    return check_shard(opener, shard, shards, tick)


def verify(
    opener: Opener, shards: Sequence[int], *, workers: int, progress: Callable[[int], None] | None = None
) -> Report:
    """Check all shards. `opener` (picklable) opens one by number; `progress` hears of rows read so far (each twice)."""
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    with ProcessPoolExecutor(workers, context, initializer=_share, initargs=(counter,)) as pool:
        futures = [pool.submit(_check, opener, shard, len(shards)) for shard in shards]
        while progress is not None and not all(future.done() for future in futures):
            progress(counter.value)
            wait(
                [future for future in futures if not future.done()], timeout=0.1, return_when=FIRST_COMPLETED
            )
        reports = [future.result() for future in futures]
    if progress is not None:
        progress(counter.value)
    return Report(reports)
