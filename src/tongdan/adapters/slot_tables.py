"""Which tables have rows of a slot, how such rows are found, handed on and deleted: what a move of a slot goes by.

Where a table does not name the slot itself, `slot_of` and `slot_in` compute it from a key or a reply for each row.
"""

from typing import Final, NamedTuple

from tongdan.ports import JournalColumns


class Table(NamedTuple):
    """`columns`: as they are handed out and written again. `of_slot`: which rows belong to slot ?1. `key`: the columns
    by which a row is deleted."""

    name: str
    columns: str
    of_slot: str
    key: str


_EFFECTS: Final = "id >= ?1 || '.' AND id < ?1 || '/'"  # an effect's id begins with its slot
# What grows with the orders: copied while the slot still takes orders, and later only what has changed since.
LARGE: Final = (
    Table("archives", "*", "slot = ?1", "slot, epoch, seq"),
    Table("cuts", "*", "slot_of(agg) = ?1", "agg"),
    Table("states", "*", "slot_of(agg) = ?1", "agg"),
    Table("subjects", "*", "slot_of(subject) = ?1", "subject"),
    Table("names", "*", "slot_of(id) = ?1", "digest"),
    Table("inbox", "*", "slot_in(reply) = ?1", "key"),
)
# What is small or changes with everything: copied at the end.
SMALL: Final = (
    Table("effects", "*", _EFFECTS, "id"),
    Table("runs", "*", _EFFECTS, "id"),
    Table("wakeups", "*", "slot_of(agg) = ?1", "due_us, agg"),
    Table("heads", "*", "slot = ?1", "slot"),
    Table("counters", "*", "slot = ?1", "slot, channel, day"),
    Table("watermarks", "*", "target_slot = ?1", "source_slot, reaction, target_slot"),
    Table("cursors", "subscriber, slot, epoch, seq, 0", "slot = ?1", "subscriber, slot"),
)
JOURNAL: Final = Table("journal", f"NULL, {', '.join(JournalColumns._fields)}", "slot = ?1", "pos")
# What has changed since a position of the journal, by what its later rows name.
CHANGED: Final = {
    "states": "agg IN (SELECT agg FROM touched)",
    "subjects": "subject IN (SELECT agg FROM touched)",
    "names": "id IN (SELECT agg FROM touched) AND slot_of(id) = ?1",
    "inbox": "key IN (SELECT command_key FROM touched)",
}


def insertion(table: str, columns: int) -> str:
    """How rows as they are handed out here are written; a journal row gets the next position."""
    return f"REPLACE INTO {table} VALUES ({', '.join('?' * columns)})"


def deletion(table: str) -> str:
    key = next(each.key for each in (JOURNAL, *LARGE, *SMALL) if each.name == table)
    return f"DELETE FROM {table} WHERE {' AND '.join(f'{column} = ?' for column in key.split(', '))}"
