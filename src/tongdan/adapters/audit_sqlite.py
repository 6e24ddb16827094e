"""A shard file as `tongdan verify` reads it: one read transaction, so it may run beside the service."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import apsw

from tongdan.adapters.archive_parquet import FOLDER, ParquetArchive
from tongdan.adapters.archived_sqlite import CUTS, PARTS
from tongdan.adapters.store_sqlite import COLUMNS, connect
from tongdan.domain.kernel.keys import subject_of
from tongdan.ports import (
    Cut,
    EffectColumns,
    JournalColumns,
    Part,
    RunColumns,
    SlotRow,
    StateColumns,
    StoreFailure,
)


class SqliteAudit:
    """`ports.ShardAudit`. Rows are handed out as they lie, whatever somebody may have put into them."""

    def __init__(self, path: Path, shard: int) -> None:
        self.shard = shard
        self._db = connect(path, readonly=True)
        self._files = ParquetArchive(path.parent / FOLDER)
        try:
            self._db.execute("BEGIN")
        except apsw.Error as error:
            raise StoreFailure(f"{path.name}: {error}") from error

    def _rows(self, statement: str, values: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Raises StoreFailure where the file is torn or holds text that is none."""
        try:
            yield from self._db.cursor().execute(statement, values)
        except (apsw.Error, UnicodeDecodeError) as error:
            raise StoreFailure(str(error)) from error

    def journal(self) -> Iterator[tuple[int, JournalColumns]]:
        for row in self._rows(f"SELECT pos, {COLUMNS} FROM journal ORDER BY pos"):
            yield row[0], JournalColumns(*row[1:])

    def journal_by_aggregate(self) -> Iterator[JournalColumns]:
        for row in self._rows(f"SELECT {COLUMNS} FROM journal ORDER BY agg, pos"):
            yield JournalColumns(*row)

    def states(self) -> Iterator[StateColumns]:
        for row in self._rows("SELECT agg, ver, schema, status, body, person FROM states ORDER BY agg"):
            yield StateColumns(*row)

    def wakeups(self) -> Iterator[tuple[str, int]]:
        for row in self._rows("SELECT agg, due_us FROM wakeups ORDER BY agg"):
            yield row[0], row[1]

    def effects(self) -> Iterator[EffectColumns]:
        for row in self._rows("SELECT id, agg, partner, verb, body, created_us FROM effects"):
            yield EffectColumns(*row)

    def runs(self) -> Iterator[RunColumns]:
        for row in self._rows("SELECT id, tries, first_us, due_us, lease_us, dead, error FROM runs"):
            yield RunColumns(*row)

    def heads(self) -> dict[int, tuple[int, int, bytes]]:
        rows = self._rows("SELECT slot, epoch, seq, hash FROM heads")
        return {slot: (epoch, seq, hash_) for slot, epoch, seq, hash_ in rows}

    def names(self) -> dict[bytes, str]:
        return dict(self._rows("SELECT digest, id FROM names"))

    def slots(self) -> list[SlotRow]:
        return [SlotRow(*row) for row in self._rows("SELECT slot, state, peer, move FROM slots")]

    def parts(self) -> list[Part]:
        return [Part(*row) for row in self._rows(f"SELECT {PARTS} FROM archives ORDER BY slot, epoch, seq")]

    def cuts(self) -> Iterator[Cut]:
        for row in self._rows(f"SELECT {CUTS} FROM cuts ORDER BY agg"):
            yield Cut(*row)

    def archived(self, slots: Sequence[int]) -> Iterator[JournalColumns]:
        return self._archived(slots, "slot, epoch, seq")

    def archived_by_aggregate(self, slots: Sequence[int]) -> Iterator[JournalColumns]:
        return self._archived(slots, "agg, ver", bare=True)

    def _archived(self, slots: Sequence[int], order: str, *, bare: bool = False) -> Iterator[JournalColumns]:
        here = ", ".join(map(str, slots))
        files = [file for (file,) in self._rows(f"SELECT DISTINCT file FROM archives WHERE slot IN ({here})")]
        return self._files.all_rows(files, f"slot IN ({here})", order=order, bare=bare)

    def file_digest(self, file: str) -> bytes:
        return self._files.digest(file)

    def salt(self, subject: str) -> bytes | None:
        found = next(self._rows("SELECT salt FROM subjects WHERE subject = ?", (subject,)), None)
        return None if found is None else found[0]

    def sealed_under(self) -> Counter[int]:
        """Generation of the master key → how many values sealed under it can still be read."""
        erased = {subject for (subject,) in self._rows("SELECT subject FROM subjects WHERE salt = x''")}
        n = Counter[int]()
        live = self._rows("SELECT agg, substr(person, 1, 1), substr(raw, 1, 1) FROM journal")
        files = [file for (file,) in self._rows("SELECT DISTINCT file FROM archives")]
        for agg, *marks in chain(live, self._files.marks(files)):
            if any(marks) and subject_of(agg) not in erased:
                n.update(mark[0] for mark in marks if mark)
        n.update(mark[0] for (mark,) in self._rows("SELECT substr(raw, 1, 1) FROM quarantine"))
        return n

    def rows(self) -> int:
        found: int = next(self._rows("SELECT count(*) FROM journal"))[0]
        return found

    def close(self) -> None:
        self._db.close()
