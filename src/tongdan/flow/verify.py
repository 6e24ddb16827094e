"""`tongdan verify`: recompute everything from the journal and name whatever does not agree.

Shards are checked in parallel, each on one snapshot: in order of arrival (`check_chains.py`) and by aggregate
(`check_states.py`), streaming, so memory does not grow with the journal. Across them every slot has to lie in exactly
one, and chains have to agree with the anchors that were written outside the database.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import closing, suppress
from typing import Any, Final

import msgspec

from tongdan.domain.kernel.slots import SLOTS
from tongdan.flow.check_chains import Anchored, ChainCheck
from tongdan.flow.check_states import StateCheck
from tongdan.flow.findings import Finding, Findings, Scope, as_text, slots_here
from tongdan.flow.placement import HERE, LEFT, READY
from tongdan.ports import Anchor, Anchors, ShardAudit, SlotRow, StoreFailure

Opener = Callable[[int], ShardAudit]
Tick = Callable[[int], None]
LOOKS: Final = 3  # at where slots lie, before it is a finding


class ShardReport(msgspec.Struct, frozen=True, kw_only=True):
    """`archived`: rows that lie in archive files, read in a full check only. `unfolded`: aggregates whose beginning
    lies there and of which only a full check can fold the rest."""

    shard: int
    rows: int = 0
    archived: int = 0
    aggregates: int = 0
    unfolded: int = 0
    effects: int = 0
    wakeups: int = 0
    heads: dict[int, str] = {}
    findings: list[Finding] = []
    more: int = 0


class Report(msgspec.Struct, frozen=True):
    """What was checked, and all that does not agree. `heads`: slot → epoch.seq:hash, comparable between runs;
    `across`: what concerns no single shard; `full`: archive files were read too."""

    shards: list[ShardReport]
    across: list[Finding] = []
    full: bool = False

    @property
    def clean(self) -> bool:
        return not self.findings

    @property
    def findings(self) -> list[Finding]:
        return [*self.across, *(finding for shard in self.shards for finding in shard.findings)]

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)

    @property
    def archived(self) -> int:
        return sum(shard.archived for shard in self.shards)

    @property
    def heads(self) -> dict[int, str]:
        return {slot: head for shard in self.shards for slot, head in sorted(shard.heads.items())}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How to check: `full` with the archive files; `anchored` as `anchored_of` gives it."""

    full: bool = False
    anchored: Anchored = {}


PLAIN: Final = Asked()


def check_shard(opener: Opener, shard: int, shards: int, tick: Tick, asked: Asked = PLAIN) -> ShardReport:
    """Check one shard; `tick(n)` is told of every `n` further rows (each is read twice).

    Raises nothing: a file that cannot be read is a finding.
    """
    findings = Findings(shard)
    try:
        audit = opener(shard)
    except StoreFailure as failure:
        findings.add(f"file of shard {shard}", f"cannot be opened: {failure}")
        return ShardReport(shard=shard, findings=findings.found)
    try:
        return _report(audit, shards, findings, tick, asked)
    finally:
        audit.close()


def _report(audit: ShardAudit, shards: int, findings: Findings, tick: Tick, asked: Asked) -> ShardReport:
    report = ShardReport(shard=audit.shard)
    try:
        scope = Scope(audit, slots_here(audit, shards), full=asked.full)
        chains = ChainCheck(audit, scope, findings, tick, asked.anchored)
        states = StateCheck(audit, scope, findings, tick)
        chains.run()
        heads = {
            slot: f"{epoch}.{seq}:{as_text(hash_)}" for slot, (epoch, seq, hash_) in chains.heads.items()
        }
        report = msgspec.structs.replace(
            report, rows=chains.rows, archived=sum(part.rows for part in scope.parts), effects=chains.effects,
            heads=heads,
        )  # fmt: skip
        states.run()
        report = msgspec.structs.replace(
            report, aggregates=states.aggregates, wakeups=states.wakeups, unfolded=states.unfolded
        )
    except StoreFailure as failure:
        findings.add(f"file of shard {audit.shard}", f"cannot be read on: {failure}")
    return msgspec.structs.replace(report, findings=findings.found, more=findings.more)


# -- across shards


def anchored_of(anchors: Iterable[Anchor]) -> Anchored:
    """(slot, epoch, seq) → the hash as it was anchored, and on which day. Raises StoreFailure."""
    found: dict[tuple[int, int, int], tuple[str, int]] = {}
    for anchor in anchors:
        for slot, head in anchor.heads.items():
            place, _, hash_ = head.partition(":")
            epoch, _, seq = place.partition(".")
            found[slot, int(epoch), int(seq)] = (hash_, anchor.day)
    return found


def _across(opener: Opener, shards: Sequence[int], anchors: Anchors | None) -> tuple[Anchored, list[Finding]]:
    """What concerns no single shard."""
    found = _misplaced(opener, shards)
    try:
        return anchored_of(() if anchors is None else anchors.entries()), found
    except StoreFailure as failure:
        return {}, [*found, Finding(None, "anchors", str(failure))]


def _misplaced(opener: Opener, shards: Sequence[int]) -> list[Finding]:
    """Slots that do not lie in exactly one shard; what a move changes between two looks is no finding."""
    found: list[Finding] = []
    for _ in range(LOOKS):
        places: list[tuple[int, SlotRow]] = []
        for shard in shards:
            with suppress(StoreFailure), closing(opener(shard)) as audit:  # its own check names that
                places += [(shard, row) for row in audit.slots()]
        if not (found := check_places(places, len(shards))):
            break
    return found


def check_places(rows: Sequence[tuple[int, SlotRow]], shards: int) -> list[Finding]:
    """That every slot lies in exactly one shard; `rows`: (shard, row) of all files."""
    told = {(shard, row.slot): row for shard, row in rows}
    found = []
    for slot in range(SLOTS):
        holders = [shard for shard in range(shards) if _holds(told, shard, slot, shards)]
        if len(holders) != 1:
            said = f"shards {', '.join(map(str, holders))}" if holders else "no shard"
            found.append(Finding(None, f"slot {slot}", f"lies in {said}, expected exactly one"))
    return found


def _holds(told: dict[tuple[int, int], SlotRow], shard: int, slot: int, shards: int) -> bool:
    row = told.get((shard, slot))
    if row is None:
        return slot % shards == shard
    other = told.get((row.peer, slot))
    return row.state in HERE or (row.state == READY and other is not None and other.state in LEFT)


# -- in parallel

_shared: Any = None


def _share(counter: Any) -> None:
    global _shared  # noqa: PLW0603 - how a pool's workers get at what the parent shares
    _shared = counter


def _check(opener: Opener, shard: int, shards: int, asked: Asked) -> ShardReport:
    def tick(rows: int) -> None:
        if _shared is not None:
            with _shared.get_lock():
                _shared.value += rows

    return check_shard(opener, shard, shards, tick, asked)


def verify(
    opener: Opener, shards: Sequence[int], *, workers: int, progress: Callable[[int], None] | None = None,
    full: bool = False, anchors: Anchors | None = None,
) -> Report:  # fmt: skip
    """Check all shards, `full` with their archive files. `opener` (picklable) opens one by number; `progress` hears of
    rows read so far (each twice)."""
    anchored, across = _across(opener, shards, anchors)
    asked = Asked(full=full, anchored=anchored)
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    with ProcessPoolExecutor(workers, context, initializer=_share, initargs=(counter,)) as pool:
        futures = [pool.submit(_check, opener, shard, len(shards), asked) for shard in shards]
        while progress is not None and not all(future.done() for future in futures):
            progress(counter.value)
            wait(
                [future for future in futures if not future.done()], timeout=0.1, return_when=FIRST_COMPLETED
            )
        reports = [future.result() for future in futures]
    if progress is not None:
        progress(counter.value)
    return Report(reports, across, full)
