"""What a check of one shard looks at, and what it finds.

A shard's file may hold rows that are not this shard's (of a slot that is being moved) and rows that the archive holds
already; both are left out here, in one place, so that everything else need not think of them.
"""

from typing import Any, Final

import msgspec

from tongdan.domain.kernel.keys import key_slot
from tongdan.domain.kernel.slots import SLOTS
from tongdan.flow.placement import HERE
from tongdan.ports import JournalColumns, Part, ShardAudit

FINDING_LIMIT: Final = 100  # findings kept of one shard; beyond it they are only counted
START: Final = (0, 0)  # before the first (epoch, seq) of a slot


class Finding(msgspec.Struct, frozen=True):
    """One thing that does not agree: where it lies and what was expected. `shard` None: it is no single shard's."""

    shard: int | None
    where: str
    what: str


class Findings:
    """Those of one shard, up to a limit; `more` counts the others."""

    def __init__(self, shard: int) -> None:
        self.found: Final[list[Finding]] = []
        self.more = 0
        self._shard = shard

    def add(self, where: str, what: str) -> None:
        if len(self.found) < FINDING_LIMIT:
            self.found.append(Finding(self._shard, where, what))
        else:
            self.more += 1


class Scope:
    """The slots that lie in this shard, and where the archive of each ends. `full`: the archive is read too."""

    def __init__(self, audit: ShardAudit, here: frozenset[int], *, full: bool) -> None:
        self.full: Final = full
        self.here: Final = here
        self.parts: Final = [part for part in audit.parts() if part.slot in here]
        self.ends: Final[dict[int, Part]] = {part.slot: part for part in self.parts}

    def has(self, row: JournalColumns) -> bool:
        """Whether a row of the journal is to be looked at: it lies here, and not in the archive."""
        if row.slot in self.here:
            end = self.ends.get(row.slot)
            return end is None or (row.epoch, row.seq) > end.end
        # Somebody may have changed the slot's number; of a slot that lies elsewhere the aggregate does so too.
        return row.slot not in range(SLOTS) or self.has_aggregate(row.agg)

    def has_aggregate(self, agg: Any) -> bool:
        """What cannot be told is looked at."""
        try:
            return key_slot(agg) in self.here
        except (ValueError, TypeError, AttributeError):
            return True

    def has_effect(self, id: Any) -> bool:
        """By the slot its id begins with."""
        slot = str(id).partition(".")[0]
        return not slot.isdecimal() or int(slot) not in range(SLOTS) or int(slot) in self.here


def as_text(value: object) -> str:
    """Bytes as hex; what somebody has put in their place as it is."""
    return value.hex() if isinstance(value, bytes) else repr(value)


def slots_here(audit: ShardAudit, shards: int) -> frozenset[int]:
    """The slots that lie in a shard, as far as its own file tells."""
    states = {row.slot: row.state for row in audit.slots()}
    return frozenset(
        slot
        for slot in range(SLOTS)
        if (states[slot] in HERE if slot in states else slot % shards == audit.shard)
    )
