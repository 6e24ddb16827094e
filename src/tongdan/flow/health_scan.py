"""The health scan: before dawn, and when somebody asks. It looks, keeps idle keys warm, judges, and records once.

One scan runs at a time. It is no lane's work and changes nothing but what it records, so one that is broken off is
simply made again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, time, timedelta
from functools import partial
from typing import Final, TypeVar
from urllib.parse import urlsplit

from tongdan.domain.confighealth.checks import Ending, Seen, judge
from tongdan.domain.confighealth.commands import NoteKeyWarmed, RecordScan
from tongdan.domain.confighealth.keeping import ITSELF, idle_until
from tongdan.domain.confighealth.scanning import Board
from tongdan.domain.kernel.keys import HEALTH_BOARD, key_slot
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.flow.bus import Bus
from tongdan.flow.credential_desk import CredentialDesk
from tongdan.flow.daily import Daily
from tongdan.ports import Inbound, Probes, Reads, Reply

T = TypeVar("T")

_log: Final = logging.getLogger(__name__)

AT_ONCE: Final = 8  # looks that are under way
LOOK_WITHIN_S: Final = 15.0
HTTPS: Final = 443


class HealthScan:
    """`callbacks`: URLs under which partners reach us. `mails`: whether findings are sent to anybody."""

    def __init__(
        self, bus: Bus, reads: Reads, desk: CredentialDesk, probes: Probes, *, at: time, callbacks: Sequence[str],
        mails: bool,
    ) -> None:  # fmt: skip
        self._bus: Final = bus
        self._reads: Final = reads
        self.desk: Final = desk
        self._probes: Final = probes
        self._callbacks: Final = callbacks
        self._mails: Final = mails
        self._one: Final = asyncio.Lock()
        self._turn: Final = asyncio.Semaphore(AT_ONCE)
        self._daily: Final = Daily(bus, at, self._nightly, key_slot(HEALTH_BOARD))

    def start(self) -> None:
        """Of several processes the one that has the board scans by itself."""
        self._daily.start()

    def stop(self) -> None:
        self._daily.stop()
        self.desk.book.flush()

    async def _nightly(self) -> None:
        reply = await self.scan(ITSELF, "timer")
        if isinstance(reply, Refusal):
            _log.error("the health scan is not recorded: %s", reply.en)

    def now(self) -> datetime:
        return self._bus.clock.now()

    def board(self) -> Board:
        board = self._reads.order(HEALTH_BOARD)
        return board if isinstance(board, Board) else Board()

    async def scan(self, by: str, source: str) -> Reply:
        async with self._one:
            await self._keep_warm(by)
            seen = await self._look()
            now, policy = self._bus.clock.now(), self.desk.policy
            findings, fine = judge(self.desk.states(), seen, policy, now)
            record = RecordScan(findings=findings, fine=fine, by=by, mail=self._mails)
            return await self._tell(record, by, source)

    async def _look(self) -> Seen:
        hosts = {split.netloc: url for url in self.desk.tasks.values() if (split := urlsplit(url)).hostname}
        secure = [host for host, url in hosts.items() if url.startswith("https://")]
        certificates, clocks, callbacks, address = await asyncio.gather(
            self._each(secure, self._certificate, Ending(None, "no answer in time")),
            self._each(hosts, lambda host: self._probes.ahead_s(hosts[host]), None),
            self._each(self._callbacks, self._probes.callback, None),
            self._within(self._probes.address, None),
        )
        return Seen(
            tasks=tuple(sorted(self.desk.tasks)),
            sealed=self.desk.ring.is_sealed,
            used=self.desk.book.last(),
            certificates=certificates,
            clocks=clocks,
            callbacks=callbacks,
            address=address,
        )

    async def _certificate(self, host: str) -> Ending:
        split = urlsplit(f"//{host}")
        return await self._probes.certificate(split.hostname or host, split.port or HTTPS)

    async def _each(
        self, names: Iterable[str], look: Callable[[str], Awaitable[T]], unknown: T
    ) -> dict[str, T]:
        asked = list(names)
        found = await asyncio.gather(*[self._within(partial(look, name), unknown) for name in asked])
        return dict(zip(asked, found, strict=True))

    async def _within(self, look: Callable[[], Awaitable[T]], unknown: T) -> T:
        async with self._turn:
            try:
                async with asyncio.timeout(LOOK_WITHIN_S):
                    return await look()
            except TimeoutError:
                return unknown

    async def _keep_warm(self, by: str) -> None:
        """Call with every key that would be frozen soon, where the partner offers a call that changes nothing."""
        soon = self._bus.clock.now() + timedelta(days=self.desk.policy.idle_warn_days)
        used = self.desk.book.last()
        for task, credential in self.desk.states().items():
            for name, key in credential.keys.items():
                last = max(filter(None, (used.get(f"{task}/{name}"), key.warmed_at)), default=None)
                until = idle_until(key, last)
                in_use = name == credential.bound or key.standby
                if until is None or until > soon or key.failed_at is not None or not in_use:
                    continue
                if await self._warmed(task, name):
                    await self._tell(NoteKeyWarmed(task=task, key=name), by, "health")

    async def _warmed(self, task: str, key: str) -> bool:
        try:
            fields = self.desk.ring.fields(task, key)
        except KeyError:
            return False
        return await self._within(lambda: self._probes.warm(task, fields), None) is True

    async def _tell(self, command: Command, by: str, source: str) -> Reply:
        return await self._bus.ask(
            Inbound(
                command=command, key=("health", self._bus.entropy.token(16).hex()), source=source, shop="",
                happened_at=self._bus.clock.now(), raw=b"", operator=by,
            )
        )  # fmt: skip
