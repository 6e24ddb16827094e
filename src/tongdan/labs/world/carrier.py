"""The carrier's road: a parcel is handed over under a waybill, is scanned on its way, and is signed for.

Warehouse and platform both watch its waybills; whoever listens (`on_scan`) hears of every scan. What the carrier's own
interfaces make of that is in `sf.py`.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from tongdan.labs.world.numbers import Numbers
from tongdan.labs.world.setting import Setting

TRANSIT_LEAST_S: Final = 6 * 3_600.0
TRANSIT_MORE_MEAN_S: Final = 18 * 3_600.0
PICKED_UP, OUT, SIGNED, IMAGE, TURNED = "50", "44", "80", "8000", "99"
# The scans of a parcel, and at which part of its way each is; the image of the signature comes later.
SCANS: Final = ((PICKED_UP, 0.0), ("30", 0.05), ("36", 0.1), ("31", 0.7), (OUT, 0.85), (SIGNED, 1.0))
IMAGE_AFTER_S: Final = 600.0
BACK_S: Final = 3_600.0  # from the first depot to the sender's door


class Scan(NamedTuple):
    """`parcel` is how its warehouse knows it (`…-S1/1`)."""

    parcel: str
    waybill: str
    code: str
    at: datetime


class Carrier:
    """Waybills are `SF` and thirteen digits, as SF Express writes them; `numbers` are those given to the seller."""

    def __init__(self, setting: Setting) -> None:
        self.numbers: Final = Numbers(setting)
        self.on_scan: list[Callable[[Scan], None]] = []
        self._setting: Final = setting
        self._arrivals: Final[dict[str, asyncio.Event]] = {}
        self._under_way: Final[dict[str, str]] = {}  # waybill → the last scan
        self._parcels: Final[dict[str, str]] = {}
        self.turned: Final[set[str]] = set()
        self.scans = True  # False: parcels arrive, and nobody scans them

    def hand_over(self, parcel: str, waybill: str = "") -> str:
        """Take over the parcel a warehouse knows as `parcel`; returns its waybill, a new one unless it has one."""
        stream = self._setting.stream("parcel", parcel)
        waybill = waybill or f"SF{stream.digits(13)}"
        if (number := self.numbers.by_waybill.get(waybill)) is not None:
            number.parcel = parcel
        self._arrivals[waybill] = asyncio.Event()
        self._parcels[waybill] = parcel
        travel_s = TRANSIT_LEAST_S + stream.waiting_s(TRANSIT_MORE_MEAN_S)
        self._setting.bustle.start(self._travel(parcel, waybill, travel_s))
        return waybill

    def knows(self, waybill: str) -> bool:
        return waybill in self._arrivals

    def code_of(self, waybill: str) -> str:
        """Whose number it is."""
        number = self.numbers.by_waybill.get(waybill)
        return "SF" if number is None else number.code

    def parcel_of(self, waybill: str) -> str:
        """How its warehouse knows it. Raises KeyError for a waybill never given out."""
        return self._parcels[waybill]

    def turn_back(self, waybill: str) -> bool:
        """Whether the parcel will come back: not once the courier has it. Asking again changes nothing."""
        if self._under_way.get(waybill) in (OUT, SIGNED, IMAGE):
            return waybill in self.turned
        self.turned.add(waybill)
        return True

    async def arrival(self, waybill: str) -> bool:
        """Wait until the parcel has been signed for: True, or False when it is back where it came from.

        Raises KeyError for a waybill never given out.
        """
        await self._arrivals[waybill].wait()
        return waybill not in self.turned

    async def _travel(self, parcel: str, waybill: str, travel_s: float) -> None:
        clock, done = self._setting.clock, 0.0
        for code, part in SCANS:
            await clock.sleep((part - done) * travel_s)
            if waybill in self.turned:
                self._scan(parcel, waybill, TURNED)
                await clock.sleep(done * travel_s + BACK_S)
                self._scan(parcel, waybill, SIGNED)
                self._arrivals[waybill].set()
                return
            done = part
            self._scan(parcel, waybill, code)
        self._arrivals[waybill].set()
        await clock.sleep(IMAGE_AFTER_S)
        self._scan(parcel, waybill, IMAGE)

    def _scan(self, parcel: str, waybill: str, code: str) -> None:
        self._under_way[waybill] = code
        if not self.scans:
            return
        scan = Scan(parcel, waybill, code, self._setting.clock.now())
        for listener in self.on_scan:
            listener(scan)
