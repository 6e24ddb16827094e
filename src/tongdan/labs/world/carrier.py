"""The carrier: a parcel is handed over under a waybill, travels, and is signed for.

Warehouse and platform both watch its waybills; the carrier's own interfaces come with a later adapter.
"""

import asyncio
from typing import Final

from tongdan.labs.world.setting import Setting

TRANSIT_LEAST_S: Final = 6 * 3_600.0
TRANSIT_MORE_MEAN_S: Final = 18 * 3_600.0


class Carrier:
    """Waybills are `SF` and thirteen digits, as SF Express writes them."""

    def __init__(self, setting: Setting) -> None:
        self._setting: Final = setting
        self._arrivals: Final[dict[str, asyncio.Event]] = {}

    def hand_over(self, parcel: str) -> str:
        """Take over the parcel a warehouse knows as `parcel`; returns its waybill."""
        stream = self._setting.stream("parcel", parcel)
        waybill = f"SF{stream.digits(13)}"
        arrival = self._arrivals[waybill] = asyncio.Event()
        travel_s = TRANSIT_LEAST_S + stream.waiting_s(TRANSIT_MORE_MEAN_S)
        self._setting.bustle.start(self._travel(arrival, travel_s))
        return waybill

    def knows(self, waybill: str) -> bool:
        return waybill in self._arrivals

    async def arrival(self, waybill: str) -> None:
        """Return when the parcel has been signed for. Raises KeyError for a waybill never given out."""
        await self._arrivals[waybill].wait()

    async def _travel(self, arrival: asyncio.Event, travel_s: float) -> None:
        await self._setting.clock.sleep(travel_s)
        arrival.set()
