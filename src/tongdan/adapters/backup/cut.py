"""A consistent cut: what all shard files held at one instant, while a centre goes on writing to them.

For a moment the write lock of every file is held, so no transaction is under way in any of them; in that moment a
read snapshot is opened on each. Then the locks go and the snapshots stay: whatever is copied from them, however long
it takes, is of that instant. Files are never attached to one another, and nothing is written to them.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from tongdan.adapters.store_sqlite import connect
from tongdan.ports import Clock, StoreFailure

LOCK_WITHIN_MS: Final = 3_000  # for one file; an owner waits longer than all files together may take
TRIES: Final = 5


class Cut(NamedTuple):
    """Read snapshots of all files, in their order. `held_ms`: how long writers had to wait at most."""

    at: datetime
    shards: Sequence[apsw.Connection]
    held_ms: float


@contextmanager
def consistent_cut(files: Sequence[Path], clock: Clock) -> Iterator[Cut]:
    """Raises StoreFailure when a file is not there, or stays locked."""
    with ExitStack() as stack:
        writers = [stack.enter_context(closing(_open(file))) for file in files]
        readers = [stack.enter_context(closing(connect(file, readonly=True))) for file in files]
        at, held_ms = _hold_all(writers, readers, clock)
        yield Cut(at, readers, held_ms)


def _open(file: Path) -> apsw.Connection:
    """A connection that could write, and only ever locks. It does not create what is not there."""
    try:
        db = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.Error as error:
        raise StoreFailure(f"{file.name}: {error}") from error
    db.set_busy_timeout(LOCK_WITHIN_MS)
    return db


def _hold_all(
    writers: Sequence[apsw.Connection], readers: Sequence[apsw.Connection], clock: Clock
) -> tuple[datetime, float]:
    """Lock all, look at all, let go. A file that stays locked lets the others go before it is tried again."""
    for attempt in range(1, TRIES + 1):
        try:
            writers[0].execute("BEGIN IMMEDIATE")
            since_s = clock.monotonic()
            for writer in writers[1:]:
                writer.execute("BEGIN IMMEDIATE")
            for reader in readers:
                reader.execute("BEGIN").execute(
                    "SELECT count(*) FROM heads"
                ).fetchall()  # the first read fixes it
            return clock.now(), (clock.monotonic() - since_s) * 1e3
        except apsw.BusyError:
            if attempt == TRIES:
                raise StoreFailure(
                    f"the shard files stayed locked for {TRIES} × {LOCK_WITHIN_MS} ms"
                ) from None
        except apsw.Error as error:
            raise StoreFailure(str(error)) from error
        finally:
            for db in writers:
                if db.in_transaction:
                    db.execute("ROLLBACK")
    raise AssertionError("the last try returns or raises")
