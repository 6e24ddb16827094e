"""Where the items of each slot go: to a shard of this process, to another process, or, while it moves, nowhere yet.

The order of a slot's commands outlives a move: what was sent to the old place is answered before anything goes to the
new one, for a watermark must not pass a command that is still on its way.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from tongdan.domain.kernel import refusals
from tongdan.domain.kernel.slots import SLOTS
from tongdan.flow.items import Item, Quarantined
from tongdan.flow.peers import Peer
from tongdan.flow.placement import Placement
from tongdan.flow.shard import Shard
from tongdan.ports import Clock

SETTLE_PAUSE_S: Final = 0.002  # between two looks whether a slot that moves has come to rest


class Post(Protocol):
    """Where the items of a slot go: a shard of this process, another process, or a place to wait."""

    def put(self, item: Item | Quarantined, *, reaction: bool = False) -> None: ...

    def is_full(self) -> bool: ...

    def holds(self, slot: int) -> bool: ...


class Held:
    """Stands in a slot's place while it moves: who is outside is told to come again, the loop's own waits in order."""

    def __init__(self) -> None:
        self.items: list[tuple[Item | Quarantined, bool]] = []

    def put(self, item: Item | Quarantined, *, reaction: bool = False) -> None:
        # A wake-up is not held: whoever owns the slot afterwards finds it due.
        if type(item) is Item and item.internal and item.source != "timer":
            self.items.append((item, reaction))
        else:
            item.settle(item.index, refusals.SLOT_MOVING.of())

    def is_full(self) -> bool:
        return False

    def holds(self, slot: int) -> bool:
        return False


class Posts:
    """The post of each slot."""

    def __init__(self, placement: Placement, own: Mapping[int, Shard], clock: Clock) -> None:
        self._placement = placement
        self._own = own
        self._clock = clock
        self._peers: Mapping[int, Peer] = {}
        self._posts: list[Post] = []
        self.connect({})

    def connect(self, peers: Mapping[int, Peer]) -> None:
        """The other processes, by number; before they are known their slots wait."""
        self._peers = peers
        self._posts = [self._post_of(slot) for slot in range(SLOTS)]

    def __getitem__(self, slot: int) -> Post:
        return self._posts[slot]

    def _post_of(self, slot: int) -> Post:
        number = self._placement.shard_of(slot)
        own = self._own.get(number)
        return own if own is not None else self._peers.get(self._placement.owner_of(number), Held())

    def hold(self, slot: int) -> None:
        """From here on nothing new of this slot is taken, until `release`."""
        if not isinstance(self._posts[slot], Held):
            self._posts[slot] = Held()

    def release(self, slot: int) -> None:
        """What was held goes to where the slot lies now."""
        held, post = self._posts[slot], self._post_of(slot)
        self._posts[slot] = post
        if isinstance(held, Held):
            for item, reaction in held.items:
                post.put(item, reaction=reaction)

    async def follow(self, slot: int) -> None:
        """A slot lies elsewhere now. What this process has sent to its old place is answered before anything goes to
        the new one: else a watermark could pass a command that is still on its way."""
        old = self._posts[slot]
        self.hold(slot)
        while old.holds(slot):
            await self._clock.sleep(SETTLE_PAUSE_S)
        self.release(slot)
