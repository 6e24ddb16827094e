"""What a shard keeps of the rows that were archived, and the way back to them: the one place that knows both.

`archives` says which run of a slot's chain lies in which file, `cuts` what each aggregate had come to there. They are
written in the transaction that begins to delete the rows, so a row is always in the journal or in a registered file.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import apsw

from tongdan.adapters.archive_parquet import ParquetArchive
from tongdan.domain.kernel.keys import key_slot
from tongdan.ports import Cut, JournalColumns, Part, StoreFailure

SCHEMA: Final = """
CREATE TABLE archives (
    slot INTEGER, epoch INTEGER, seq INTEGER,       -- the part's first row
    last_epoch INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    day INTEGER NOT NULL, rows INTEGER NOT NULL,
    before BLOB NOT NULL, hash BLOB NOT NULL,       -- the chain's head before the first row and after the last
    effects BLOB NOT NULL,                          -- of a slot's last part: what its chain leaves outstanding
    file TEXT NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (slot, epoch, seq)
) WITHOUT ROWID;
CREATE TRIGGER last_part_carries AFTER INSERT ON archives BEGIN  -- what is outstanding is said once a slot
    UPDATE archives SET effects = x'' WHERE slot = NEW.slot AND (epoch, seq) < (NEW.epoch, NEW.seq) AND effects <> x'';
END;
CREATE TABLE cuts (
    agg TEXT PRIMARY KEY, ver INTEGER NOT NULL, schema INTEGER NOT NULL, status INTEGER NOT NULL,
    at_us INTEGER NOT NULL, wake_us INTEGER,
    state BLOB NOT NULL, person BLOB NOT NULL,      -- digests
    body BLOB,                                      -- the state, where later rows follow
    first_day INTEGER NOT NULL, last_day INTEGER NOT NULL
) WITHOUT ROWID;
"""
PARTS: Final = ", ".join(Part._fields)
CUTS: Final = ", ".join(Cut._fields)


class ArchivedRows:
    """`ports.Archived` on a connection to the shard's file; the files lie in `folder`."""

    def __init__(self, db: apsw.Connection, folder: Path) -> None:
        self._db = db
        self._files = ParquetArchive(folder)

    def _all(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        try:
            return list(self._db.execute(statement, values))
        except apsw.Error as error:
            raise StoreFailure(str(error)) from error

    def parts(self) -> list[Part]:
        return [Part(*row) for row in self._all(f"SELECT {PARTS} FROM archives ORDER BY slot, epoch, seq")]

    def ends(self) -> dict[int, Part]:
        slots = self._all("SELECT DISTINCT slot FROM archives")
        last = f"SELECT {PARTS} FROM archives WHERE slot = ? ORDER BY epoch DESC, seq DESC LIMIT 1"
        return {slot: Part(*self._all(last, (slot,))[0]) for (slot,) in slots}

    def cuts(self, aggs: Sequence[str]) -> dict[str, Cut]:
        found = [self._all(f"SELECT {CUTS} FROM cuts WHERE agg = ?", (agg,)) for agg in aggs]
        return {row[0][0]: Cut(*row[0]) for row in found if row}

    def cuts_after(self, agg: str, limit: int) -> list[Cut]:
        rows = self._all(f"SELECT {CUTS} FROM cuts WHERE agg > ? ORDER BY agg LIMIT ?", (agg, limit))
        return [Cut(*row) for row in rows]

    def history(self, agg: str) -> list[JournalColumns]:
        cut = self.cuts([agg]).get(agg)
        if cut is None:
            return []
        files = self._all(
            "SELECT DISTINCT file FROM archives WHERE slot = ? AND day BETWEEN ? AND ?",
            (key_slot(agg), cut.first_day, cut.last_day),
        )
        names = [file for (file,) in files]
        return list(self._files.rows(names, "agg = ? AND ver <= ?", (agg, cut.ver), order="ver"))

    def rows(self, since_us: int, after: Mapping[int, tuple[int, int]]) -> Iterator[JournalColumns]:
        files: dict[str, list[int]] = {}
        for part in self.parts():
            if part.end > after.get(part.slot, (0, 0)):
                files.setdefault(part.file, []).append(part.slot)
        for file, slots in sorted(files.items(), key=lambda each: _order(each[0])):
            # Of its other slots the file holds what lies in another shard by now.
            here = f"slot IN ({', '.join(map(str, slots))}) AND recorded_us >= ?"
            yield from self._files.rows([file], here, (since_us,), order="slot, epoch, seq")


def _order(file: str) -> tuple[int, ...]:
    """`20260127/2-4711.parquet`: by day, shard and position."""
    return tuple(int(number) for number in re.findall(r"\d+", file))
