"""The check in order of arrival: sequences and hash chains, the archive's parts, anchors, outstanding effects.

Where the first rows of a slot lie in the archive the chain is taken up where the archive's last part ends; a full check
reads the files too and begins at the first row of all.
"""

from collections.abc import Callable, Mapping
from typing import Final

from tongdan.domain.kernel.keys import key_slot
from tongdan.flow.findings import START, Findings, Scope, as_text
from tongdan.flow.journal import GENESIS, effect_digest, row_hash
from tongdan.flow.replay import Replay
from tongdan.flow.sealing import follows, place_of
from tongdan.ports import EffectColumns, JournalColumns, Part, ShardAudit

PROGRESS_EVERY: Final = 2_000  # rows between two progress reports

Anchored = Mapping[
    tuple[int, int, int], tuple[str, int]
]  # (slot, epoch, seq) → its hash as anchored, and the day


class ChainCheck:
    """`run()`, then `rows` of the journal and `effects` outstanding were looked at; `heads` are what they end in."""

    def __init__(
        self,
        audit: ShardAudit,
        scope: Scope,
        findings: Findings,
        tick: Callable[[int], None],
        anchored: Anchored,
    ) -> None:
        self._audit = audit
        self._scope = scope
        self._findings = findings
        self._tick = tick
        self._anchored = anchored
        self._replay = Replay()
        self.heads: dict[int, tuple[int, int, bytes]] = {}
        self.rows = self.effects = 0

    def run(self) -> None:
        """Raises StoreFailure."""
        self._check_parts()
        self.rows = self._check_chains()
        self._check_heads()
        self._check_anchors()
        self.effects = self._check_effects()

    # -- the archive

    def _check_parts(self) -> None:
        """The parts' own links; a full check reads every file, any other begins where the archive ends."""
        ends: dict[int, Part] = {}
        for part in self._scope.parts:
            last = ends.get(part.slot)
            before, end = (GENESIS, START) if last is None else (last.hash, last.end)
            if part.before != before or not follows(part, *end):
                self._findings.add(
                    _name(part), "does not continue the part before it: one is missing or was changed"
                )
            ends[part.slot] = part
            self._check_anchor((part.slot, *part.end), part.hash)
        if self._scope.full:
            self._check_files(self._scope.parts)
        else:
            self.heads = {slot: (*part.end, part.hash) for slot, part in ends.items()}
            self._replay = Replay(part.effects for part in ends.values())

    def _check_files(self, parts: list[Part]) -> None:
        for file, wanted in {part.file: part.digest for part in parts}.items():
            if self._audit.file_digest(file) != wanted:
                self._findings.add(f"archive file {file}", "is not the file that was written")
        due = {(part.slot, *part.end): part for part in parts}
        for n, row in enumerate(self._audit.archived(sorted(self._scope.ends)), 1):
            self._check_row(row)
            part = due.pop((row.slot, row.epoch, row.seq), None)
            if part is not None and part.hash != row.hash:
                self._findings.add(_name(part), "its head is not the hash of its last row")
            if n % PROGRESS_EVERY == 0:
                self._tick(PROGRESS_EVERY)
        for part in due.values():
            self._findings.add(_name(part), "its last row is not in the archive")
        kept = Replay(part.effects for part in self._scope.ends.values())
        if (kept.outstanding, kept.dead) != (self._replay.outstanding, self._replay.dead):
            self._findings.add("archives", "the outstanding effects they keep are not those their rows leave")

    # -- in order of arrival

    def _check_chains(self) -> int:
        n = 0
        for n, (_, row) in enumerate(self._audit.journal(), 1):
            self._check_row(row, live=True)
            if n % PROGRESS_EVERY == 0:
                self._tick(PROGRESS_EVERY)
        self._tick(n % PROGRESS_EVERY)
        return n

    def _check_row(self, row: JournalColumns, *, live: bool = False) -> None:
        try:
            if not live or self._scope.has(row):
                self._check_link(row)
                for id in self._replay.apply(row):
                    self._findings.add(place_of(row), f"closes effect {id}, which was not outstanding")
        except Exception as error:  # whatever a changed byte may do to the check, it is a finding
            self._findings.add(place_of(row), f"cannot be understood: {type(error).__name__}")

    def _check_link(self, row: JournalColumns) -> None:
        where = place_of(row)
        epoch, seq, previous = self.heads.get(row.slot, (*START, GENESIS))
        if not follows(row, epoch, seq):
            self._findings.add(
                where, f"expected the row after {row.slot}.{epoch}.{seq}: the sequence has a gap or a repeat"
            )
        if row_hash(previous, tuple(row[:-1])) != row.hash:
            self._findings.add(
                where, "the hash does not cover this row and the one before it: something in it was changed"
            )
        try:
            if key_slot(row.agg) != row.slot:
                self._findings.add(where, f"{row.agg} does not belong to this slot")
        except (ValueError, TypeError):
            self._findings.add(where, f"no aggregate has the key {row.agg!r}")
        if self._anchored:
            self._check_anchor((row.slot, row.epoch, row.seq), row.hash)
        self.heads[row.slot] = (row.epoch, row.seq, row.hash)

    def _check_heads(self) -> None:
        stored = {slot: head for slot, head in self._audit.heads().items() if slot in self._scope.here}
        for slot in sorted(stored.keys() | self.heads.keys(), key=str):
            if stored.get(slot) != self.heads.get(slot):
                self._findings.add(f"head of slot {slot}", "is not the slot's last row")

    def _check_anchor(self, place: tuple[int, int, int], hash_: bytes) -> None:
        anchored = self._anchored.get(place)
        if anchored is not None and anchored[0] != as_text(hash_):
            where = "journal row " + ".".join(map(str, place))
            self._findings.add(where, f"is not the one that was anchored on {anchored[1]}")

    def _check_anchors(self) -> None:
        """A chain may not end before what was anchored of it, but in an older epoch: a restore lost that."""
        for slot, epoch, seq in self._anchored:
            head = self.heads.get(slot, (*START, GENESIS))
            if slot in self._scope.here and epoch >= head[0] and (epoch, seq) > head[:2]:
                day = self._anchored[slot, epoch, seq][1]
                self._findings.add(
                    f"head of slot {slot}", f"ends before row {epoch}.{seq}, which was anchored on {day}"
                )

    # -- tables beside the journal

    def _check_effects(self) -> int:
        left = dict(self._replay.outstanding)
        for row in self._audit.effects():
            expected = left.pop(row.id, None)
            if expected is None and not self._scope.has_aggregate(row.agg):
                continue
            if expected is None:
                self._findings.add(f"effect {row.id}", "no row of the journal leaves it outstanding")
            elif expected[0] != effect_digest(EffectColumns(*row)):
                self._findings.add(f"effect {row.id}", f"differs from what {expected[1]} emitted")
        for id, (_, agg) in left.items():
            self._findings.add(f"effect {id}", f"{agg} emitted it and nothing closed it, but it is missing")
        for run in self._audit.runs():
            if run.id not in self._replay.outstanding:
                if self._scope.has_effect(run.id):
                    self._findings.add(f"run of effect {run.id}", "its effect is not outstanding")
            elif bool(run.dead) != (run.id in self._replay.dead):
                self._findings.add(
                    f"run of effect {run.id}", "dead in the table or in the journal, not in both"
                )
        return len(self._replay.outstanding)


def _name(part: Part) -> str:
    return f"archive part {part.slot}.{part.epoch}.{part.seq}"
