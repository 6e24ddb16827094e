"""The files of a restore: only into an empty place, with a mark that stays until everything is done.

What is kept apart from backups (master key, credentials, API keys, erasure log) may lie there before, and the key must:
a start without it would make a new one, and nobody would ever read the people again. While the mark lies there nothing
serves the data, and a restore that was cut off is simply begun anew.
"""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import apsw

from tongdan.adapters.backup.folder import Progress, at_or_before, backups, chain, rebuild
from tongdan.ports import StoreFailure

MARK: Final = "restore-unfinished"
KEPT_APART: Final = frozenset(
    {"master.key", "credentials.json", "credentials.sealed.json", "api-keys.json", "erasures.jsonl", "lock"}
)
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def refuse_unfinished(data: Path) -> None:
    """Raises StoreFailure while a restore into `data` has begun and not ended."""
    if (data / MARK).exists():
        raise StoreFailure("a restore was cut off: run `tongdan restore` again, with the same --to")


class Restoring:
    """One restore into `data`. Refuses before it writes anything."""

    def __init__(self, folder: Path, at: datetime | None, data: Path, keys: Sequence[str]) -> None:
        """`keys`: the marks of the master key in `data`. Raises StoreFailure, which says what to do."""
        known = backups(folder)
        backup = at_or_before(known, at)
        if backup is None:
            raise StoreFailure(
                f"{folder} holds no backup{'' if at is None else f' of {at.isoformat()} or before'}"
            )
        self.backup: Final = backup
        self._made_of: Final = chain(known, backup)
        self._folder: Final = folder
        self._data: Final = data
        self._begun = (data / MARK).exists()
        strangers = sorted({each.name for each in data.iterdir()} - KEPT_APART)
        if strangers and not self._begun:
            raise StoreFailure(
                f"{data} is not empty ({', '.join(strangers[:5])}): restore into another directory"
            )
        if any(mark and mark not in keys for mark in backup.keys):
            raise StoreFailure(f"{data}/master.key is not the key of this backup: put it there first")

    def build(self, now: datetime, progress: Progress) -> None:
        """Build shard files and policies."""
        (self._data / MARK).touch(mode=0o600)
        if self._begun:
            for each in self._data.glob("*.sqlite*"):
                each.unlink()
        rebuild(self._folder, self._made_of, self._data, progress)
        for part in self.backup.shards:
            file = self._data / Path(part.file).with_suffix(".sqlite")
            with closing(apsw.Connection(str(file))) as db:
                _mark_as_sent(db, (now - _EPOCH) // timedelta(microseconds=1))

    def finish(self) -> None:
        """Nothing is missing any more: the data may be served."""
        (self._data / MARK).unlink()


def _mark_as_sent(db: apsw.Connection, now_us: int) -> None:
    """Whatever was outstanding at the backup may have been done since: it counts as tried, so it is looked up or
    repeated as its verb allows, under a new deadline (0: counted from its next try)."""
    with db:
        db.execute(
            "UPDATE runs SET tries = max(tries, 1), first_us = 0, due_us = ?1, lease_us = ?1 WHERE NOT dead",
            (now_us,),
        )
        db.execute(
            "INSERT INTO runs SELECT id, 1, 0, ?1, ?1, 0, '' FROM effects WHERE id NOT IN (SELECT id FROM runs)",
            (now_us,),
        )
