"""A SQLite file that can be made anew from the journal: how it is opened, written, and emptied where it is harmed.

It is emptied in place and not unlinked, because other processes of the centre may have it open: they go on in the
empty file, see that their positions are gone, and read the journal again.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from tongdan.ports import StoreFailure, TooWide

# A question that no index answers ends after so many steps of SQLite's machine: whoever asks waits, and all others too.
MAX_STEPS: Final = 5_000_000
_STRIDE: Final = 50_000
_BUSY_MS: Final = 10_000
_HARM: Final = (apsw.NotADBError, apsw.CorruptError)


class Harmed(StoreFailure):
    """The file is not what was written into it."""


class ViewFormat(NamedTuple):
    """`number` counts the schemas. `thorough`: every page is looked at when the file is opened (0.1 to 1 s a GB)."""

    number: int
    schema: str
    writing: Mapping[str, object]
    reading: Mapping[str, object] = {}
    thorough: bool = True


def open_view(path: Path, format: ViewFormat, *, readonly: bool = False) -> apsw.Connection:
    """Whoever may write gets an empty file in place of a harmed one, or one of another format. Raises StoreFailure."""
    try:
        if not readonly and not _is_sound(path, format):
            with closing(_plain(path)) as db:
                begin_anew(db, format)
        return _connect(path, format, readonly)
    except apsw.Error as error:
        raise StoreFailure(f"{path.name}: {error}") from error


def begin_anew(db: apsw.Connection, format: ViewFormat) -> None:
    """Empty the file, whatever is in it, under the others who have it open (sqlite.org/c3ref, RESET_DATABASE)."""
    with suppress(*_HARM):  # it has to have been read, and however that ends
        db.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    db.config(apsw.SQLITE_DBCONFIG_RESET_DATABASE, 1)
    try:
        db.execute("VACUUM")
    finally:
        db.config(apsw.SQLITE_DBCONFIG_RESET_DATABASE, 0)
    db.pragma("wal_checkpoint")  # what was in it leaves the disk's file too
    _prepare(db, format)


@contextmanager
def writing(db: apsw.Connection) -> Iterator[apsw.Connection]:
    """A transaction that may write from its first statement on: other processes may be writing too.

    Raises StoreFailure, Harmed; then nothing was written.
    """
    with reading():
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            if db.in_transaction:  # harm may have ended it
                db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


@contextmanager
def reading() -> Iterator[None]:
    """Raises StoreFailure, Harmed; what was interrupted on purpose stays an InterruptError."""
    try:
        yield
    except apsw.InterruptError:
        raise
    except _HARM as error:
        raise Harmed(str(error)) from error
    except apsw.Error as error:
        raise StoreFailure(str(error)) from error


@contextmanager
def bounded(db: apsw.Connection) -> Iterator[None]:
    """What is read inside takes no more than MAX_STEPS. Raises TooWide, StoreFailure, Harmed."""
    strides = iter(range(MAX_STEPS // _STRIDE))
    db.set_progress_handler(lambda: next(strides, None) is None, _STRIDE)
    try:
        with reading():
            yield
    except apsw.InterruptError as error:
        raise TooWide from error
    finally:
        db.set_progress_handler(None)


def _plain(path: Path, flags: int = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE) -> apsw.Connection:
    db = apsw.Connection(str(path), flags=flags)
    db.set_busy_timeout(_BUSY_MS)
    return db


def _connect(path: Path, format: ViewFormat, readonly: bool) -> apsw.Connection:
    db = _plain(path, apsw.SQLITE_OPEN_READONLY) if readonly else _plain(path)
    for name, value in format.reading.items():
        db.pragma(name, value)
    if not readonly:
        _prepare(db, format)
    elif db.pragma("user_version") != format.number:
        db.close()
        raise StoreFailure(f"{path.name}: of another release; this one makes it anew when the centre starts")
    return db


def _prepare(db: apsw.Connection, format: ViewFormat) -> None:
    db.pragma("journal_mode", "wal")
    for name, value in format.writing.items():
        db.pragma(name, value)
    if db.pragma("user_version") == 0:
        with writing(db):
            if db.pragma("user_version") == 0:  # another process may have been faster
                db.execute(format.schema)
                db.pragma("user_version", format.number)


def _is_sound(path: Path, format: ViewFormat) -> bool:
    """Whether the file is an unharmed database of this format; one that begins here is."""
    try:
        with closing(_connect(path, format, readonly=False)) as db:
            found = db.pragma("user_version") == format.number
            return found and not (format.thorough and db.pragma("quick_check") != "ok")
    except _HARM:
        return False
