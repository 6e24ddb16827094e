"""How a difference with finance was looked for before: two spreadsheets, a person, and a chat.

The shop's export has the time of the order and its status; finance's has what it counted. The clerk takes the day by
the time of the order, sorts, looks for numbers that stand on one sheet only or twice, and asks finance about each of
them. Finance searches its books and says whether and where it has the number, not why.
"""

from datetime import date, datetime
from typing import Final, NamedTuple

from tongdan.domain.finance.causes import Cause
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.finance import Finance
from tongdan.ports import Clock

EXPORT_S: Final = (300.0, 900.0)  # to get both lists and bring them into one workbook
LOOK_UP_S: Final = (30.0, 120.0)  # one number, in the other sheet
ANSWER_S: Final = (600.0, 2_700.0)  # until somebody at finance writes back


class Sold(NamedTuple):
    """A row of the shop's export."""

    order: str
    placed_at: datetime
    cancelled: bool


class Named(NamedTuple):
    """An order that the clerk found on one sheet only, or twice; `cause` None: nobody could say why."""

    order: str
    cause: Cause | None


class Clerk:
    def __init__(self, clock: Clock, sold: list[Sold], finance: Finance, stream: Stream) -> None:
        self.ours = 0
        self.theirs = 0
        self._clock: Final = clock
        self._sold: Final = sold
        self._finance: Final = finance
        self._stream: Final = stream

    async def work(self, day: date) -> list[Named]:
        await self._spend(*EXPORT_S)
        ours = {each.order: each for each in self._sold if each.placed_at.astimezone(SHANGHAI).date() == day}
        theirs = [each.order for each in self._finance.book if self._finance.day_of(each) == day.isoformat()]
        self.ours, self.theirs = len(ours), len(theirs)
        twice = sorted({order for order in theirs if theirs.count(order) > 1})
        apart = sorted(ours.keys() ^ set(theirs))
        named = [Named(order, Cause.DUPLICATE) for order in twice]
        for order in apart:
            await self._spend(*LOOK_UP_S)
            named.append(Named(order, await self._why(order, ours.get(order))))
        return named

    async def _why(self, order: str, sold: Sold | None) -> Cause | None:
        """What the sheet shows is taken for the cause; else finance is asked whether it has the number at all."""
        if sold is not None and sold.cancelled:
            return Cause.CANCELLED_BEFORE
        await self._spend(*ANSWER_S)
        return Cause.DAY_BOUNDARY if any(each.order == order for each in self._finance.book) else None

    async def _spend(self, least_s: float, most_s: float) -> None:
        await self._clock.sleep(self._stream.between(least_s, most_s))
