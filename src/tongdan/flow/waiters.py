"""Waiting for a state: until an aggregate is, as committed, what somebody wants it to be, wherever it lies.

Of an aggregate of this process the commit itself tells; of another's its owner says that it has changed, and it is read
again. Waiting costs no transaction, and there is a limit to how many may.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from tongdan.flow.heads import Live
from tongdan.flow.journal import encode
from tongdan.flow.peers import Peer, PeerAway
from tongdan.ports import Clock

WAITER_LIMIT: Final = 10_000  # answers held back for a later state
LONGEST_WAIT_S: Final = 60.0  # for a change, on behalf of another process

Until = Callable[[object], bool]
Read = Callable[[str], tuple[int, Any]]


class Waiters:
    """`read(aggregate)` gives (version, state) as committed, (0, None) when there is none."""

    def __init__(self, clock: Clock, read: Read) -> None:
        self._clock = clock
        self._read = read
        self._waiters: dict[str, list[tuple[Until, asyncio.Future[bool]]]] = {}
        self._waiting = 0

    async def here(self, aggregate: str, until: Until, timeout_s: float) -> bool:
        """False after `timeout_s`, or at once when too many wait already."""
        if (state := self._read(aggregate)[1]) is not None and until(state):
            return True
        if self._waiting >= WAITER_LIMIT:
            return False
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(aggregate, []).append((until, future))
        self._waiting += 1
        cancel = self._clock.call_later(timeout_s, lambda: _resolve(future, False))
        try:
            return await future
        finally:
            cancel()
            self._waiting -= 1
            left = [pair for pair in self._waiters.get(aggregate, []) if pair[1] is not future]
            if left:
                self._waiters[aggregate] = left
            else:
                self._waiters.pop(aggregate, None)

    async def elsewhere(self, peer: Peer, aggregate: str, until: Until, timeout_s: float) -> bool:
        """The same of an aggregate that `peer` owns."""
        until_s = self._clock.monotonic() + timeout_s
        while True:
            ver, state = self._read(aggregate)
            if state is not None and until(state):
                return True
            left_s = until_s - self._clock.monotonic()
            if left_s <= 0:
                return False
            try:
                await peer.ask("changed", encode((aggregate, ver, left_s)), left_s + 1)
            except PeerAway:
                return False

    async def answer_changed(self, body: bytes) -> bytes:
        """What `elsewhere` asks: answered when the aggregate has a later version, or not in time."""
        aggregate, ver, timeout_s = msgspec.msgpack.decode(body, type=tuple[str, int, float])
        await self.here(aggregate, lambda _: self._read(aggregate)[0] > ver, min(timeout_s, LONGEST_WAIT_S))
        return b""

    def tell(self, changed: Mapping[str, Live]) -> None:
        """These aggregates were committed."""
        for key in self._waiters.keys() & changed.keys():
            state = changed[key].state
            for until, future in self._waiters[key]:
                try:
                    if until(state):
                        _resolve(future, True)
                except Exception as error:  # a condition that fails is the trouble of the one who waits
                    if not future.done():
                        future.set_exception(error)


def _resolve(future: "asyncio.Future[bool]", value: bool) -> None:
    """The one who waited may be gone."""
    if not future.done():
        future.set_result(value)
