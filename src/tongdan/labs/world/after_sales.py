"""What buyers want afterwards, on every platform alike: they apply, are answered or not, and the platform decides.

A case lives by itself: who is not answered in time has their money back, who is refused takes it or goes on, goods are
sent back before they are paid back. Each change is told by a push that may be lost, late or repeated, and listed. How a
platform phrases it stands in `after_sale_words.py`. Only what an answer did is counted, so one that was given twice, or
too late, shows.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tongdan.labs.world.chance import Stream
from tongdan.labs.world.gateway import Refused
from tongdan.labs.world.setting import Setting
from tongdan.ports import NoAnswer

DECIDES_AFTER: Final = timedelta(hours=8)
MONEY_TAKES_S: Final = 600.0
WAY_BACK_S: Final = 30_000.0
OVER: Final = frozenset({"refunded", "closed"})
WAITS: Final = frozenset({"applied", "returning"})  # for the seller's word


@dataclass
class Case:
    """An after-sale. `stage` is in the centre's words; `effects` are what answers did, `late`
    counts those that came too late."""

    number: str
    order: str
    line: str
    units: int
    amount_fen: int
    kind: str
    applied_at: datetime
    updated_at: datetime
    stage: str = "applied"
    decide_by: datetime | None = None
    waybill: str = ""
    told: int = 0
    effects: list[str] = field(default_factory=list)
    late: int = 0

    @property
    def mark(self) -> str:
        """The state that an answer has to show."""
        return str(int(self.updated_at.timestamp()))


class AfterSales:
    """The cases of one platform. `tell` pushes how one stands, `too_late` is how it refuses an answer."""

    def __init__(
        self, setting: Setting, name: str, tell: Callable[[Case], None], too_late: tuple[int, str, str]
    ) -> None:
        self.cases: Final[dict[str, Case]] = {}
        self.met: Final = Counter[str]()
        self._setting: Final = setting
        self._name: Final = name
        self._tell: Final = tell
        self._too_late: Final = too_late
        self._answered: Final[dict[str, asyncio.Event]] = {}

    def apply(self, order: str, line: str, units: int, amount_fen: int, *, back: bool) -> Case:
        """A buyer applies, now; `back`: the goods come back first."""
        now = self._setting.clock.now()
        number = self._stream(order, line).digits(12).replace("0", "1")
        case = self.cases[number] = Case(
            number, order, line, units, amount_fen, "return_refund" if back else "refund_only", now, now
        )
        self._answered[number] = asyncio.Event()
        self._setting.bustle.start(self._live(case))
        return case

    def of(self, number: object) -> Case:
        """Raises Refused when there is none."""
        case = self.cases.get(str(number))
        if case is None:
            raise Refused(*self._too_late)
        return case

    def changed(self, since: int, until: int, page: int, size: int) -> tuple[int, list[Case]]:
        """How many were changed in [since, until] (epoch seconds) in all, and those of a page (1…), newest first."""
        found = [case for case in self.cases.values() if since <= int(case.updated_at.timestamp()) <= until]
        found.sort(key=lambda case: (case.updated_at, case.number), reverse=True)
        return len(found), found[(page - 1) * size : page * size]

    def answer(self, number: object, what: str, mark: str = "") -> None:
        """agree, refund or refuse. Raises Refused when it comes too late, and NoAnswer when it was taken but nobody
        hears so."""
        case = self.of(number)
        fits = {"applied": {"agree", "refund", "refuse"}, "returning": {"refund", "refuse"}}.get(
            case.stage, set()
        )
        if what not in fits or (mark and mark != case.mark):
            case.late += 1
            raise Refused(*self._too_late)
        case.effects.append(f"{case.stage} {what}")
        self._move(case, {"agree": "awaiting_return", "refund": "refunding", "refuse": "refused"}[what])
        self._answered[case.number].set()
        if self._stream(case.number, what, "lost").chance(0.3):
            self.met["answer-lost"] += 1
            raise NoAnswer("the answer was lost")

    async def _live(self, case: Case) -> None:
        stream, clock = self._stream(case.number), self._setting.clock
        self._move(case, "applied")
        await self._word(case)
        if case.stage == "awaiting_return":
            await clock.sleep(stream.waiting_s(3_600))
            case.waybill = f"SF9{stream.digits(12)}"
            self._move(case, "returning")
            await clock.sleep(WAY_BACK_S)
            await self._word(case)
        if case.stage == "refused":
            await clock.sleep(stream.waiting_s(1_800))
            self._move(case, "closed")
        if case.stage == "refunding":
            await clock.sleep(MONEY_TAKES_S)
            self._move(case, "refunded")

    async def _word(self, case: Case) -> None:
        """Wait for the seller; whoever says nothing has agreed to the money."""
        if case.stage not in WAITS:
            return
        answered = self._answered[case.number]
        answered.clear()
        waited = asyncio.ensure_future(answered.wait())
        over = asyncio.ensure_future(self._setting.clock.sleep(DECIDES_AFTER.total_seconds()))
        await asyncio.wait({waited, over}, return_when=asyncio.FIRST_COMPLETED)
        waited.cancel()
        over.cancel()
        if case.stage in WAITS:
            self.met["decided-by-platform"] += 1
            self._move(case, "refunding")

    def _move(self, case: Case, stage: str) -> None:
        now = self._setting.clock.now()
        case.stage, case.updated_at = stage, now
        case.decide_by = now + DECIDES_AFTER if stage in WAITS else None
        case.told += 1
        stream = self._stream(case.number, "push", case.told)
        fate = stream.pick(("lost", "late", "repeated", "told", "told"))
        self.met[fate] += 1
        if fate == "late":
            self._setting.bustle.start(self._late(case, stream.between(600, 7_200)))
        elif fate != "lost":
            for _ in range(2 if fate == "repeated" else 1):
                self._tell(case)

    async def _late(self, case: Case, wait_s: float) -> None:
        """What is told late is how it stood when it should have been told."""
        then = Case(**{name: getattr(case, name) for name in Case.__dataclass_fields__})
        await self._setting.clock.sleep(wait_s)
        self._tell(then)

    def _stream(self, *name: object) -> Stream:
        return self._setting.stream("after-sale", self._name, *name)
