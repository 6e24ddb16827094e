"""The check by aggregate: folding the facts gives state, status, sealed person, name and wake-up.

Of an aggregate whose first facts lie in the archive a cut tells what it had come to there. Where the cut keeps a digest
only, a state that nothing has followed is compared with it; what has followed can be folded in a full check.
"""

from collections.abc import Callable, Iterator
from heapq import merge
from itertools import groupby
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from tongdan.domain.kernel.keys import ORDER, kind_of
from tongdan.domain.kernel.slots import digest
from tongdan.flow.aggregates import KINDS
from tongdan.flow.check_chains import PROGRESS_EVERY
from tongdan.flow.findings import Findings, Scope, as_text
from tongdan.flow.journal import encode, read_fact, to_us
from tongdan.flow.sealing import kept_state, place_of, short_digest
from tongdan.ports import Cut, JournalColumns, ShardAudit, StateColumns, StoreFailure

K = TypeVar("K")
_UNTOLD: Final = "no row of the journal tells of it"


class _Come(NamedTuple):
    """What an aggregate has come to. `state` None: it cannot be folded from what is read; `digest`: of its body."""

    ver: int
    status: int
    person: bytes
    wake_us: int | None
    state: Any
    digest: bytes = b""
    schema: int = 0


class StateCheck:
    """`run()`, then so many `aggregates` and `wakeups` were looked at; `unfolded` of them only a full check folds."""

    def __init__(
        self, audit: ShardAudit, scope: Scope, findings: Findings, tick: Callable[[int], None]
    ) -> None:
        self._audit = audit
        self._scope = scope
        self._findings = findings
        self._tick = tick
        self._names: dict[bytes, str] = {}
        self.aggregates = self.wakeups = self.unfolded = 0

    def run(self) -> None:
        """Raises StoreFailure."""
        self.aggregates, self.wakeups = self._check_aggregates()
        self._check_names()

    def _check_aggregates(self) -> tuple[int, int]:
        states = _Merge(
            filter(lambda row: self._scope.has_aggregate(row.agg), self._audit.states()), lambda row: row.agg
        )
        wakeups = _Merge(
            filter(lambda row: self._scope.has_aggregate(row[0]), self._audit.wakeups()), lambda row: row[0]
        )
        n = read = 0
        for agg, group in groupby(self._histories(), key=lambda row: row.agg):
            n += 1
            first, *rows = group
            cut, history = (first, rows) if isinstance(first, Cut) else (None, [first, *rows])
            read += len(history)
            if read >= PROGRESS_EVERY:
                self._tick(read)
                read = 0
            for stray in states.before(agg):
                self._findings.add(f"state of {stray.agg}", _UNTOLD)
            for key, _ in wakeups.before(agg):
                self._findings.add(f"wake-up of {key}", _UNTOLD)
            stored, wake = states.take(agg), wakeups.take(agg)
            try:
                self._check_aggregate(agg, cut, history, stored, wake)
            except StoreFailure:
                raise
            except Exception as error:  # as above
                self._findings.add(f"state of {agg}", f"cannot be understood: {type(error).__name__}")
        self._tick(read)
        for row in states.rest():
            self._findings.add(f"state of {row.agg}", _UNTOLD)
        for key, _ in wakeups.rest():
            self._findings.add(f"wake-up of {key}", _UNTOLD)
        return n, wakeups.count

    def _histories(self) -> Iterator[Any]:
        """By aggregate: its cut if it has one, then its rows, oldest first."""
        cuts: Iterator[Any] = (cut for cut in self._audit.cuts() if self._scope.has_aggregate(cut.agg))
        live = filter(self._counts_safely, self._audit.journal_by_aggregate())
        old = self._audit.archived_by_aggregate(sorted(self._scope.ends)) if self._scope.full else iter(())
        return merge(cuts, old, live, key=lambda row: _order(row.agg))

    def _counts_safely(self, row: JournalColumns) -> bool:
        try:
            return self._scope.has(row)
        except TypeError:  # named in the other pass
            return True

    def _check_aggregate(
        self, agg: str, cut: Cut | None, history: list[JournalColumns], stored: StateColumns | None,
        wake: tuple[str, int] | None,
    ) -> None:  # fmt: skip
        try:
            come = self._fold(agg, cut, history)
        except Exception as error:  # whatever a changed byte may do to a fold, it is a finding
            self._findings.add(f"facts of {agg}", f"cannot be folded: {type(error).__name__}")
            return
        if (None if wake is None else wake[1]) != come.wake_us:
            self._findings.add(
                f"wake-up of {agg}", f"expected {come.wake_us}, found {None if wake is None else wake[1]}"
            )
        if stored is None:
            self._findings.add(f"state of {agg}", "is missing")
            return
        self._compare(stored, come)
        kind = KINDS[kind_of(agg)]
        if kind.name == ORDER and (come.state is not None or stored.schema == kind.schema):
            self._check_order(agg, come.state or msgspec.msgpack.decode(stored.body, type=kind.state))

    def _check_order(self, agg: str, order: Any) -> None:
        if not order.lost:
            self._names[digest(order.channel, order.shop, order.native)] = agg
        if order.erased_at is not None and self._audit.salt(agg):
            self._findings.add(f"salt of {agg}", "its personal data was erased, yet can be read")

    def _compare(self, stored: StateColumns, come: _Come) -> None:
        where, schema = f"state of {stored.agg}", KINDS[kind_of(stored.agg)].schema
        if stored.ver != come.ver:
            self._findings.add(where, f"version {stored.ver}, the journal has {come.ver}")
        if stored.status != come.status:
            self._findings.add(where, f"status {stored.status}, its facts give {come.status}")
        if short_digest(stored.person) != come.person:
            self._findings.add(where, "the sealed person is not the one last recorded")
        if stored.schema > schema or stored.schema < 1:
            self._findings.add(where, f"schema {stored.schema}, this version knows {schema}")
        elif come.state is not None:
            if stored.schema == schema and stored.body != encode(come.state):
                self._findings.add(where, "the body is not what its facts fold to")
        elif come.digest and stored.schema == come.schema and short_digest(stored.body) != come.digest:
            self._findings.add(where, "the body is not what was there when its facts were archived")

    def _fold(self, agg: str, cut: Cut | None, history: list[JournalColumns]) -> _Come:
        kind = KINDS[kind_of(agg)]
        state, ver, status, person, can = None, 0, -1, b"", True
        if cut is not None and not self._scope.full:
            state, ver, status, person = kept_state(cut), cut.ver, cut.status, cut.person
            can = state is not None
            if not can and not history:
                return _Come(ver, status, person, cut.wake_us, None, cut.state, cut.schema)
            self.unfolded += not can
        elif cut is None and not self._scope.has(history[0]):
            self._findings.add(f"cut of {agg}", "is missing, though the archive holds its first rows")
        for row in history:
            ver += 1
            if row.ver != ver:
                self._findings.add(place_of(row), f"version {row.ver} of {agg}, expected {ver}")
            if row.status_before != status:
                self._findings.add(place_of(row), f"status before is {row.status_before}, expected {status}")
            status = row.status_after
            if can:
                state = kind.evolve(state, read_fact(row.fact, row.fact_ver, row.body))
                status = kind.status(state)
            if row.status_after != status:
                self._findings.add(
                    place_of(row), f"status after is {row.status_after}, its facts give {status}"
                )
            person = person if row.person is None else short_digest(row.person)
            if cut is not None and ver == cut.ver:
                self._check_cut(cut, _Come(ver, status, person, row.wake_us, state))
        wake_us = history[-1].wake_us
        if can:
            wake_at = kind.wake_at(state)
            due_us = None if wake_at is None else to_us(wake_at)
            if due_us != wake_us:
                self._findings.add(
                    f"wake-up of {agg}", f"its last row says {wake_us}, its facts give {due_us}"
                )
            wake_us = due_us
        return _Come(ver, status, person, wake_us, state)

    def _check_cut(self, cut: Cut, come: _Come) -> None:
        """What was kept of archived rows, beside what they say themselves."""
        body = encode(come.state)
        same = (cut.status, cut.person, cut.wake_us) == (come.status, come.person, come.wake_us)
        if cut.schema == KINDS[kind_of(cut.agg)].schema:
            same = same and cut.state == short_digest(body) and cut.body in (None, body)
        if not same:
            self._findings.add(f"cut of {cut.agg}", "is not what the archived rows fold to")

    def _check_names(self) -> None:
        stored = {name: agg for name, agg in self._audit.names().items() if self._scope.has_aggregate(agg)}
        for name in stored.keys() | self._names.keys():
            if stored.get(name) != self._names.get(name):
                agg = self._names.get(name) or stored.get(name)
                self._findings.add(
                    f"name {as_text(name)}", f"does not lead to the order that bears it ({agg})"
                )


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
