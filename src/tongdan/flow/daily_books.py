"""Every morning the days before are laid beside finance's list: what no system would tell us of itself is a ticket.

The heartbeat asks about the orders that we have. What finance has and we have not, and what differs without a cause, is
found here; everything else that differs has a cause, on the page of the day. A ticket closes on the morning on which
the difference is gone.
"""

import logging
from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Final

from tongdan.domain.finance.causes import Cause, Finding
from tongdan.domain.kernel.ids import business_day
from tongdan.domain.kernel.keys import alias_key, key_slot
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.domain.sync.commands import RaiseTicket, ResolveTicket
from tongdan.domain.sync.kinds import FINANCE_UNMATCHED
from tongdan.flow.bus import Bus
from tongdan.flow.daily import Daily
from tongdan.flow.finance_desk import FinanceDesk
from tongdan.ports import Inbound, Reads, TicketQuery

SOURCE: Final = "daily-books"
DAYS_BACK: Final = 3  # who was away for a weekend has missed none
MOST: Final = 200  # tickets of a day; more is no list of odd orders, but the wrong list
STRANGE: Final = frozenset({Cause.UNKNOWN_ID, Cause.UNEXPLAINED})
_DESK: Final = alias_key(SOURCE)

_log: Final = logging.getLogger(__name__)


class DailyBooks:
    """`at`: when, in China; None: only when somebody asks (`FinanceDesk`)."""

    def __init__(self, bus: Bus, reads: Reads, desk: FinanceDesk, at: time | None) -> None:
        self._bus: Final = bus
        self._reads: Final = reads
        self._desk: Final = desk
        self._daily: Final = None if at is None else Daily(bus, at, self.compare, key_slot(_DESK))

    def start(self) -> None:
        """Of several processes one compares."""
        if self._daily is not None:
            self._daily.start()

    def stop(self) -> None:
        if self._daily is not None:
            self._daily.stop()

    async def compare(self) -> None:
        """The last days, oldest first. A day whose list does not come is tried again with the next morning's."""
        today = business_day(self._bus.clock.now())
        for day in [today - timedelta(days=n) for n in range(DAYS_BACK, 0, -1)]:
            found = await self._desk.reconcile(day)
            if isinstance(found, Refusal):
                _log.warning("%s could not be laid beside finance's list: %s", day, found.en)
                continue
            await self._note(day, [each for each in found.findings if each.cause in STRANGE][:MOST])

    async def _note(self, day: date, strange: list[Finding]) -> None:
        kind = f"{FINANCE_UNMATCHED}:{day}"
        odd, known = {self._subject(each): each for each in strange}, set(self._open(kind))
        for subject in odd.keys() - known:
            summary = _summary(day, odd[subject])
            await self._tell(RaiseTicket(subject=subject, kind=kind, summary=summary), (str(day), subject))
        for subject in known - odd.keys():
            gone = ResolveTicket(subject=subject, kind=kind, evidence=f"finance's list of {day}")
            await self._tell(gone, (str(day), subject))

    def _subject(self, finding: Finding) -> str:
        """The order, or finance's number of one that we do not have."""
        is_ours = finding.order and self._reads.order(finding.order) is not None
        return finding.order if is_ours else alias_key(f"{SOURCE}/{_name(finding)}")

    def _open(self, kind: str) -> Iterator[str]:
        query, before = TicketQuery(open=True, kind=FINANCE_UNMATCHED), ""
        while rows := self._reads.find_tickets(query, before=before, limit=MOST):
            yield from [row.subject for row in rows if row.kind == kind]
            before = rows[-1].cursor

    async def _tell(self, command: Command, key: tuple[str, ...]) -> None:
        """What is not taken is found again by the next morning."""
        now = self._bus.clock.now()
        inbound = Inbound(
            command=command, key=(SOURCE, *key, now.isoformat()), source=SOURCE, shop="", happened_at=now, raw=b"",
        )  # fmt: skip
        reply = await self._bus.ask(inbound)
        if isinstance(reply, Refusal):
            _log.warning("%s was refused: %s", type(command).__name__, reply.name)


def _name(finding: Finding) -> str:
    return finding.entry.name if finding.entry is not None else finding.order


def _summary(day: date, finding: Finding) -> str:
    ours = "–" if finding.ours_fen is None else f"{finding.ours_fen} fen"
    theirs = "–" if finding.theirs_fen is None else f"{finding.theirs_fen} fen"
    return f"{day} {_name(finding)}: {finding.cause.value}, ours {ours}, finance {theirs}"[:200]
