"""The book of tokens in a SQLite file of its own: keyed tokens and order ids, never a clear value.

It can be rebuilt from the journal, so it is dropped when it is damaged or was made under another key. What is deleted
is overwritten (secure_delete) and cut from the log, because a token tells that somebody was a customer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tongdan.adapters.store_sqlite import truncate_log
from tongdan.adapters.view_file import ViewFormat, open_view, writing

_SCHEMA: Final = """
CREATE TABLE tokens (token BLOB, subject TEXT, PRIMARY KEY (token, subject)) WITHOUT ROWID;
CREATE INDEX tokens_of_subject ON tokens (subject);
CREATE TABLE positions (shard INTEGER PRIMARY KEY, pos INTEGER NOT NULL);
CREATE TABLE made_under (key_check BLOB NOT NULL);
"""
_FORMAT: Final = ViewFormat(1, _SCHEMA, {"secure_delete": True, "synchronous": "normal"})


class SqliteTokens:
    """`ports.TokenBook`."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._path = path
        self._db = open_view(path, _FORMAT, readonly=readonly)

    def open_under(self, key_check: bytes) -> dict[int, int]:
        if [key_check] != [row[0] for row in self._db.execute("SELECT key_check FROM made_under")]:
            with writing(self._db) as db:
                self._clear()
                db.execute("DELETE FROM made_under")
                db.execute("INSERT INTO made_under VALUES (?)", (key_check,))
        return self.positions()

    def positions(self) -> dict[int, int]:
        return dict(self._db.execute("SELECT shard, pos FROM positions"))

    def clear(self) -> dict[int, int]:
        with writing(self._db):
            self._clear()
        return {}

    def _clear(self) -> None:
        self._db.execute("DELETE FROM tokens")
        self._db.execute("DELETE FROM positions")

    def put(self, tokens: Sequence[tuple[bytes, str]], shard: int, pos: int) -> None:
        with writing(self._db) as db:
            db.executemany("INSERT OR IGNORE INTO tokens VALUES (?, ?)", tokens)
            db.execute("REPLACE INTO positions VALUES (?, ?)", (shard, pos))

    def holders(self, token: bytes, limit: int) -> list[str]:
        rows = self._db.execute("SELECT subject FROM tokens WHERE token = ? LIMIT ?", (token, limit))
        return [subject for (subject,) in rows]

    def among(self, token: bytes, subjects: Sequence[str]) -> list[str]:
        asked = [(token, each) for each in subjects]
        rows = self._db.executemany("SELECT subject FROM tokens WHERE (token, subject) = (?, ?)", asked)
        return [subject for (subject,) in rows]

    def drop(self, subjects: Sequence[str]) -> None:
        with writing(self._db) as db:
            db.executemany("DELETE FROM tokens WHERE subject = ?", [(each,) for each in subjects])

    def scrub(self) -> bool:
        return truncate_log(self._path)

    def count(self) -> int:
        found: int = self._db.execute("SELECT count(*) FROM tokens").get
        return found

    def close(self) -> None:
        self._db.close()
