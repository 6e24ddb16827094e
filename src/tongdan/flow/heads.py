"""What the owner of a shard keeps in memory between two commits, so that the next need not read what it knows.

Chain heads, id counters and watermarks are whole; of the aggregates only those written lately are kept. All of it is
changed by a commit that came about and by nothing else, and all of it is read from the tables at start-up.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from tongdan.domain.kernel.keys import key_slot, slot_key
from tongdan.domain.kernel.lost import Lost
from tongdan.domain.kernel.policy import Policy
from tongdan.flow.journal import read_state
from tongdan.flow.outstanding import Outstanding
from tongdan.flow.routing import Kind
from tongdan.ports import Entropy, ShardStore, Vault

RECENT_LIMIT: Final = 8_192  # aggregates of a shard, and salts


class Live:
    """An aggregate as the batch has made it so far."""

    __slots__ = ("kind", "person", "saved_wake_us", "state", "status", "ver", "wake_us")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.state: Any = None
        self.ver = 0
        self.status = -1
        self.person: bytes | None = None
        self.saved_wake_us: int | None = None  # as the table has it
        self.wake_us: int | None = None

    def copy(self) -> "Live":
        """As it stands, with everything it holds saved: states are immutable and shared."""
        live = Live(self.kind)
        live.state, live.ver, live.status, live.person = self.state, self.ver, self.status, self.person
        live.saved_wake_us = live.wake_us = self.wake_us
        return live


class Heads:
    """What a shard's owner keeps in memory between commits: chain heads, id counters, watermarks."""

    def __init__(self, store: ShardStore) -> None:
        self.slots = store.heads()
        self.counters = store.counters()
        self.watermarks = store.watermarks()
        self.pos = store.last_pos()
        self._store = store
        self._losses: dict[int, tuple[Lost, ...]] = {}
        self.salts: dict[str, bytes] = {}
        self._recent: dict[str, Live] = {}

    def losses(self, slot: int) -> tuple[Lost, ...]:
        """What the slot lost with restores."""
        known = self._losses.get(slot)
        if known is None:
            row = self._store.states([slot_key(slot)]).get(slot_key(slot))
            known = self._losses[slot] = () if row is None else read_state(self._store, row).losses
        return known

    def opened(self, slots: Iterable[int]) -> None:
        """Epochs of these slots have begun: what they lost is read anew."""
        for slot in slots:
            self._losses.pop(slot, None)

    def recall(self, key: str) -> Live | None:
        """An aggregate that was written lately, as it was committed; the caller's to change."""
        live = self._recent.get(key)
        return None if live is None else live.copy()

    def remember(self, written: dict[str, Live], salts: dict[str, bytes]) -> None:
        """What a commit has written is what the next commands are most likely about; nobody changes it any more.

        `salts`: subject → salt, empty for who was erased: what follows a first message is sealed under the same one.
        """
        recent = self._recent
        for key, live in written.items():
            recent.pop(key, None)
            live.saved_wake_us = live.wake_us
            recent[key] = live
        self.salts.update(salts)
        for kept in (recent, self.salts):
            while len(kept) > RECENT_LIMIT:
                del kept[next(iter(kept))]

    def forget_slot(self, slot: int) -> None:
        """The slot lies elsewhere now."""
        self.slots.pop(slot, None)
        self._losses.pop(slot, None)
        self.counters = {key: n for key, n in self.counters.items() if key[0] != slot}
        self.watermarks = {key: place for key, place in self.watermarks.items() if key[2] != slot}
        self._recent = {key: live for key, live in self._recent.items() if key_slot(key) != slot}
        self.salts = {key: salt for key, salt in self.salts.items() if key_slot(key) != slot}

    def load_slot(self, slot: int, store: ShardStore) -> None:
        """The slot has come: what the tables have of it. `store` reads."""
        self.forget_slot(slot)
        self.slots.update({key: head for key, head in store.heads().items() if key == slot})
        self.counters.update({key: n for key, n in store.counters().items() if key[0] == slot})
        self.watermarks.update({key: place for key, place in store.watermarks().items() if key[2] == slot})


class Environment(NamedTuple):
    """What every batch of a shard shares."""

    store: ShardStore
    vault: Vault
    entropy: Entropy
    policy: Policy
    revision: int
    outstanding: Outstanding
