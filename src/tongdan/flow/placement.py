"""Where slots lie: which shard holds each, and which process owns that shard.

At first slot s lies in shard s mod the number of shards, and process i owns shards ≡ i mod the number of processes.
A slot that has moved has a row in every file it lay in; the row of the file it leaves decides, so there is always one
answer, whatever a crash cuts off. Every process derives this map from those rows at its start and is told of changes.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from tongdan.domain.kernel.slots import SLOTS
from tongdan.ports import ShardStore, SlotRow

LEAVING: Final = "leaving"  # lies here and works on, while it is being copied
INCOMING: Final = "incoming"  # being copied into this file: nothing of it counts yet
READY: Final = "ready"  # copied whole; it counts as soon as the other file says GONE
ACTIVE: Final = "active"  # lies here
SEALED: Final = "sealed"  # lies here still, and takes nothing while the rest of it is copied
GONE: Final = "gone"  # lies in the other file; what is left of it here is to be deleted
AWAY: Final = "away"  # lies in the other file, and nothing of it is left here

HERE: Final = frozenset({ACTIVE, LEAVING, SEALED})
LEFT: Final = frozenset({GONE, AWAY})


class Placement:
    """slot → shard → process."""

    def __init__(self, shards: int, processes: int, rows: Iterable[tuple[int, SlotRow]] = ()) -> None:
        """`rows`: (shard, row) of every file. A slot without rows lies at home."""
        self.shards: Final = shards
        self.processes: Final = processes
        self._shard_of: Final = [slot % shards for slot in range(SLOTS)]
        told = list(rows)
        # The later a state decides, the stronger it is: a slot that was handed over may have left earlier homes.
        for state in (AWAY, GONE):
            for _, row in told:
                if row.state == state:
                    self._shard_of[row.slot] = row.peer
        for shard, row in told:
            if row.state in HERE:
                self._shard_of[row.slot] = shard

    def shard_of(self, slot: int) -> int:
        return self._shard_of[slot]

    def process_of(self, slot: int) -> int:
        return self.owner_of(self._shard_of[slot])

    def owner_of(self, shard: int) -> int:
        """The process that owns a shard."""
        return shard % self.processes

    def slots_of(self, shard: int) -> list[int]:
        return [slot for slot in range(SLOTS) if self._shard_of[slot] == shard]

    def moved(self, slot: int, shard: int) -> None:
        self._shard_of[slot] = shard


def read_placement(readers: Sequence[ShardStore], processes: int = 1) -> Placement:
    """The map as the files have it. Raises StoreFailure."""
    rows = [(reader.shard, row) for reader in readers for row in reader.slots()]
    return Placement(len(readers), processes, rows)
