"""The book of tokens in a SQLite file of its own: keyed tokens and order ids, never a clear value.

It can be rebuilt from the journal, so it is dropped when it is damaged or was made under another key. What is deleted
is overwritten (secure_delete) and cut from the log, because a token tells that somebody was a customer.
"""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from tongdan.adapters.store_sqlite import truncate_log
from tongdan.ports import StoreFailure

_FORMAT: Final = 1
_SCHEMA: Final = """
CREATE TABLE tokens (token BLOB, subject TEXT, PRIMARY KEY (token, subject)) WITHOUT ROWID;
CREATE INDEX tokens_of_subject ON tokens (subject);
CREATE TABLE positions (shard INTEGER PRIMARY KEY, pos INTEGER NOT NULL);
CREATE TABLE made_under (key_check BLOB NOT NULL);
"""


class SqliteTokens:
    """`ports.TokenBook`."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._path = path
        try:
            if not readonly and not _is_sound(path):
                for leftover in path.parent.glob(path.name + "*"):
                    leftover.unlink()
            self._db = _connect(path, readonly)
        except apsw.Error as error:
            raise StoreFailure(f"{path.name}: {error}") from error

    def open_under(self, key_check: bytes) -> dict[int, int]:
        if [key_check] != [row[0] for row in self._db.execute("SELECT key_check FROM made_under")]:
            with self._db:
                self.clear()
                self._db.execute("DELETE FROM made_under")
                self._db.execute("INSERT INTO made_under VALUES (?)", (key_check,))
        return self.positions()

    def positions(self) -> dict[int, int]:
        return dict(self._db.execute("SELECT shard, pos FROM positions"))

    def clear(self) -> dict[int, int]:
        with self._db:
            self._db.execute("DELETE FROM tokens")
            self._db.execute("DELETE FROM positions")
        return {}

    def put(self, tokens: Sequence[tuple[bytes, str]], shard: int, pos: int) -> None:
        with self._db:
            self._db.executemany("INSERT OR IGNORE INTO tokens VALUES (?, ?)", tokens)
            self._db.execute("REPLACE INTO positions VALUES (?, ?)", (shard, pos))

    def holders(self, token: bytes, limit: int) -> list[str]:
        rows = self._db.execute("SELECT subject FROM tokens WHERE token = ? LIMIT ?", (token, limit))
        return [subject for (subject,) in rows]

    def among(self, token: bytes, subjects: Sequence[str]) -> list[str]:
        asked = [(token, each) for each in subjects]
        rows = self._db.executemany("SELECT subject FROM tokens WHERE (token, subject) = (?, ?)", asked)
        return [subject for (subject,) in rows]

    def drop(self, subjects: Sequence[str]) -> None:
        with self._db:
            self._db.executemany("DELETE FROM tokens WHERE subject = ?", [(each,) for each in subjects])

    def scrub(self) -> bool:
        return truncate_log(self._path)

    def count(self) -> int:
        found: int = self._db.execute("SELECT count(*) FROM tokens").get
        return found

    def close(self) -> None:
        self._db.close()


def _connect(path: Path, readonly: bool = False) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    db = apsw.Connection(str(path), flags=flags)
    db.set_busy_timeout(10_000)
    if readonly:
        return db
    db.pragma("secure_delete", True)
    db.pragma("journal_mode", "wal")
    db.pragma("synchronous", "normal")
    if db.pragma("user_version") == 0:
        with db:
            db.execute(_SCHEMA)
            db.pragma("user_version", _FORMAT)
    return db


def _is_sound(path: Path) -> bool:
    try:
        with closing(_connect(path)) as db:
            return (db.pragma("user_version"), db.pragma("quick_check")) == (_FORMAT, "ok")
    except (apsw.NotADBError, apsw.CorruptError):
        return False
