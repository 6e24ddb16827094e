"""All rows of one slot in a shard's file, read for a move on a connection of its own, in another thread.

Reading takes whole tables where a key does not lie by its slot, so it is done beside the loop and on one snapshot.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from tongdan.adapters.slot_tables import CHANGED, JOURNAL, LARGE, SMALL
from tongdan.adapters.store_sqlite import connect
from tongdan.domain.kernel.keys import key_slot
from tongdan.ports import Rows, StoreFailure

CHUNK: Final = 500  # rows handed out at once: what one commit of the target takes
LOST: Final = -1  # the slot of a key that is none of ours


class SqliteSlotRows:
    """`ports.SlotRows` on one file: one snapshot. Every method may raise StoreFailure."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, readonly=True)
        self._db.create_scalar_function("slot_of", _slot_of, 1, deterministic=True)
        self._db.create_scalar_function("slot_in", _slot_in, 1, deterministic=True)
        self._db.execute("BEGIN")
        self.last_pos: int = self._all("SELECT ifnull(max(pos), 0) FROM journal")[0][0]

    def _all(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        try:
            return list(self._db.execute(statement, values))
        except apsw.Error as error:
            raise StoreFailure(str(error)) from error

    def _chunks(self, statement: str, values: tuple[Any, ...]) -> Iterator[list[Any]]:
        try:
            rows = iter(self._db.execute(statement, values))
            while chunk := list(islice(rows, CHUNK)):
                yield chunk
        except apsw.Error as error:
            raise StoreFailure(str(error)) from error

    def journal_rows(self, slot: int) -> int:
        found: int = self._all("SELECT count(*) FROM journal WHERE slot = ?", (slot,))[0][0]
        return found

    def head(self, slot: int) -> tuple[int, int, bytes] | None:
        """(epoch, seq, hash) of the last row of the slot's chain that lies here."""
        found = self._all(
            "SELECT epoch, seq, hash FROM journal WHERE slot = ? ORDER BY pos DESC LIMIT 1", (slot,)
        )
        return found[0] if found else None

    def bulk(self, slot: int) -> Iterator[Rows]:
        """The journal in order of the chain, then everything that grows with the orders."""
        for table in (JOURNAL, *LARGE):
            order = " ORDER BY pos" if table is JOURNAL else ""
            statement = f"SELECT {table.columns} FROM {table.name} WHERE {table.of_slot}{order}"
            for chunk in self._chunks(statement, (slot,)):
                yield table.name, chunk

    def rest(self, slot: int, after_pos: int) -> list[Rows]:
        """What has come or changed since a snapshot whose last position was `after_pos`."""
        self._all("CREATE TEMP TABLE touched (agg TEXT, command_key BLOB)")
        self._all(
            "INSERT INTO touched SELECT agg, command_key FROM main.journal WHERE slot = ? AND pos > ?",
            (slot, after_pos),
        )
        found = [
            ("journal", self._all(f"SELECT {JOURNAL.columns} FROM journal WHERE slot = ?1 AND pos > ?2 ORDER BY pos",
                                  (slot, after_pos)))
        ]  # fmt: skip
        for table in LARGE:
            if (changed := CHANGED.get(table.name)) is not None:
                values = (slot,) if "?1" in changed else ()
                found.append((table.name, self._all(f"SELECT * FROM {table.name} WHERE {changed}", values)))
        found += [
            (
                table.name,
                self._all(f"SELECT {table.columns} FROM {table.name} WHERE {table.of_slot}", (slot,)),
            )
            for table in SMALL
        ]
        return [(name, rows) for name, rows in found if rows]

    def keys(self, slot: int, *, small: bool) -> Iterator[Rows]:
        """The keys of all rows of the slot in the small or in the other tables, to delete them by."""
        for table in SMALL if small else (*LARGE, JOURNAL):
            for chunk in self._chunks(f"SELECT {table.key} FROM {table.name} WHERE {table.of_slot}", (slot,)):
                yield table.name, chunk

    def close(self) -> None:
        self._db.close()


def _slot_of(*key: Any) -> int:
    try:
        return key_slot(key[0])
    except (ValueError, TypeError):
        return LOST


def _slot_in(*reply: Any) -> int:
    slot: int = _REPLY.decode(reply[0])[1]
    return slot


_REPLY: Final = msgspec.msgpack.Decoder(tuple[str, int, int, int])
