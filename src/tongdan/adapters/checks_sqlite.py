"""The book of the heartbeat in a SQLite file of its own: a queue by due time, one row an order and partner.

Losing it costs one check of every order that is watched. Which fields differed is forgotten with it, so whoever begins
it anew reads the open tickets.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from tongdan.adapters.view_file import ViewFormat, open_view, writing
from tongdan.ports import Backlog, Beat, Check, Checked, Watched

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEMA: Final = """
CREATE TABLE checks (
    partner TEXT NOT NULL, ord TEXT NOT NULL, due_us INTEGER NOT NULL, changed_us INTEGER NOT NULL,
    seen_us INTEGER NOT NULL,  -- checked, or first watched
    checked_us INTEGER, odd TEXT NOT NULL,
    PRIMARY KEY (partner, ord)
) WITHOUT ROWID;
CREATE INDEX checks_due ON checks (partner, due_us);
CREATE INDEX checks_seen ON checks (partner, seen_us);
CREATE INDEX checks_ord ON checks (ord);
CREATE INDEX checks_odd ON checks (partner) WHERE odd <> '';
CREATE TABLE beats (partner TEXT PRIMARY KEY, beat BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE positions (shard INTEGER PRIMARY KEY, pos INTEGER NOT NULL);
"""
_FORMAT: Final = ViewFormat(1, _SCHEMA, {"synchronous": "off", "cache_size": -32_768})
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Beat).decode
_WATCH: Final = """
INSERT INTO checks VALUES (?1, ?2, ?3, ?3, ?3, NULL, '')
ON CONFLICT DO UPDATE SET due_us = min(due_us, ?3), changed_us = ?3
"""
_DONE: Final = """
UPDATE checks SET checked_us = ?1, seen_us = ?1, odd = ?2, due_us = iif(changed_us > ?1, due_us, ?3)
WHERE partner = ?4 AND ord = ?5
"""


class SqliteChecks:
    """`ports.Checks`."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._db: Final = open_view(path, _FORMAT, readonly=readonly)

    def put(self, watched: Sequence[Watched], positions: Mapping[int, int]) -> None:
        with writing(self._db) as db:
            for each in watched:
                self._forget_others(each)
                changed_us = _us(each.changed_at)
                db.executemany(_WATCH, [(partner, each.order, changed_us) for partner in each.partners])
            db.executemany("REPLACE INTO positions VALUES (?, ?)", list(positions.items()))

    def _forget_others(self, each: Watched) -> None:
        held = {
            partner
            for (partner,) in self._db.execute("SELECT partner FROM checks WHERE ord = ?", (each.order,))
        }
        gone = [(partner, each.order) for partner in held - set(each.partners)]
        self._db.executemany("DELETE FROM checks WHERE partner = ? AND ord = ?", gone)

    def positions(self) -> dict[int, int]:
        return dict(self._db.execute("SELECT shard, pos FROM positions"))

    def due(self, partner: str, now: datetime, limit: int) -> list[Check]:
        rows = self._db.execute(
            "SELECT ord, due_us, changed_us, checked_us, odd FROM checks WHERE partner = ? AND due_us <= ?"
            " ORDER BY due_us LIMIT ?",
            (partner, _us(now), limit),
        )
        return [
            Check(
                partner=partner,
                order=order,
                due=_at(due_us),
                changed_at=_at(changed_us),
                checked_at=None if checked_us is None else _at(checked_us),
                odd=tuple(odd.split()),
            )
            for order, due_us, changed_us, checked_us, odd in rows
        ]

    def done(self, partner: str, checked: Sequence[Checked], at: datetime) -> None:
        over = [(partner, each.order) for each in checked if each.due is None]
        again = [
            (_us(at), " ".join(each.odd), _us(each.due), partner, each.order)
            for each in checked
            if each.due is not None
        ]
        with writing(self._db) as db:
            db.executemany("DELETE FROM checks WHERE partner = ? AND ord = ?", over)
            db.executemany(_DONE, again)

    def hasten(self, order: str, at: datetime) -> None:
        with writing(self._db) as db:
            db.execute("UPDATE checks SET due_us = min(due_us, ?) WHERE ord = ?", (_us(at), order))

    def backlog(self, partner: str, now: datetime) -> Backlog:
        orders, oldest = self._db.execute(
            "SELECT count(*), min(seen_us) FROM checks WHERE partner = ?", (partner,)
        ).get
        due, since = self._db.execute(
            "SELECT count(*), min(due_us) FROM checks WHERE partner = ? AND due_us <= ?", (partner, _us(now))
        ).get
        odd = self._db.execute("SELECT count(*) FROM checks WHERE partner = ? AND odd <> ''", (partner,)).get
        return Backlog(
            orders=orders,
            due=due,
            due_since=None if since is None else _at(since),
            oldest=None if oldest is None else _at(oldest),
            odd=odd,
        )

    def partners(self) -> list[str]:
        return [partner for (partner,) in self._db.execute("SELECT DISTINCT partner FROM checks ORDER BY 1")]

    def beat(self, partner: str) -> Beat | None:
        kept = self._db.execute("SELECT beat FROM beats WHERE partner = ?", (partner,)).get
        return None if kept is None else _decode(kept)

    def keep(self, beat: Beat) -> None:
        with writing(self._db) as db:
            db.execute("REPLACE INTO beats VALUES (?, ?)", (beat.partner, _encode(beat)))

    def close(self) -> None:
        self._db.close()


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _at(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)
