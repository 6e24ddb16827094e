"""Between the processes of one centre: wires that carry frames, and the two ends that hear them.

A wire is dialled by the process that has something to ask and answered on by the one it asks, so each pair of
processes has two. The same ends run over Unix sockets and, in a test, in one process on virtual time.
"""

from collections.abc import Callable, Mapping
from typing import Protocol


class Wire(Protocol):
    """Frames arrive whole and in order, or the wire breaks."""

    def send(self, frame: bytes) -> None:
        """Never waits. What is sent on a broken wire is lost; its end has been told."""


class End(Protocol):
    """One end of a wire."""

    def opened(self, wire: Wire) -> None:
        """From now on `wire` may be used; what was sent on an earlier one may have arrived or not."""

    def heard(self, frame: bytes) -> None: ...

    def broken(self) -> None: ...


class Wires(Protocol):
    """All wires of one process."""

    async def start(self, welcome: Callable[[], End], ends: Mapping[int, End]) -> None:
        """Answer whoever dials with an end from `welcome`; dial each process of `ends` now and after every break."""

    async def stop(self) -> None: ...
