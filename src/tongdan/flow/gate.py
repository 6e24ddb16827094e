"""Waiting for a handful of answers that come back by callback."""

import asyncio


class Gate:
    """Opens when everything that went through has come back."""

    def __init__(self) -> None:
        self._out = 0
        self._empty = asyncio.Event()
        self._empty.set()

    def open(self) -> None:
        self._out += 1
        self._empty.clear()

    def close(self) -> None:
        self._out -= 1
        if not self._out:
            self._empty.set()

    async def passed(self) -> None:
        await self._empty.wait()
