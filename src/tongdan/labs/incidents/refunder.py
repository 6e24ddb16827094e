"""How refunds were made before: one person sets a status, and a job pushes it to whoever has to know.

The status is the decision: the money is sent the same moment. Every system is told, with a few tries in its own time; a
withdrawal sets the status back and tells the same systems, each once, without waiting for what is still being tried and
without looking at the answer. Nobody asks whether the money had left.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from tongdan.adapters.transport import Handler
from tongdan.labs.world.signing import signed_headers
from tongdan.labs.world.wechat_books import Refused, Trade
from tongdan.labs.world.wechat_refunds import Refunds
from tongdan.ports import Clock, HttpRequest, NoAnswer, Unreachable

TRIES: Final = 3
RETRY_S: Final = 900.0
CURRENCY: Final = "CNY"


@dataclass
class OldRow:
    """A row of the refund table; `by` are those who decided it."""

    order: str
    refund: str
    amount_fen: int
    status: str = "refunded"
    by: list[str] = field(default_factory=list)


class OldRefunds:
    """`systems`: name → where it is reached and the secret it is signed with."""

    def __init__(self, clock: Clock, systems: Mapping[str, tuple[Handler, bytes]], provider: Refunds) -> None:
        self.table: Final[dict[str, OldRow]] = {}
        self._clock: Final = clock
        self._systems: Final = systems
        self._provider: Final = provider
        self._sent = 0
        self._under_way: Final[set[asyncio.Task[None]]] = set()

    def refund(self, row: OldRow, trade: Trade) -> None:
        """One person has decided it."""
        self.table[row.refund] = row
        asked = {
            "transaction_id": trade.transaction_id,
            "out_refund_no": row.refund,
            "notify_url": trade.notify_url,
            "amount": {"refund": row.amount_fen, "total": trade.paid_fen, "currency": CURRENCY},
        }
        with suppress(Refused):
            self._provider.take(asked)
        for name in self._systems:
            self._start(name, "refunded", row, TRIES)

    def withdraw(self, refund: str) -> None:
        row = self.table[refund]
        row.status = "restored"
        for name in self._systems:
            self._start(name, "refund-withdrawn", row, 1)

    async def finish(self) -> None:
        await asyncio.gather(*self._under_way)

    def _start(self, name: str, word: str, row: OldRow, tries: int) -> None:
        task = asyncio.get_running_loop().create_task(self._push(name, word, row, tries))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _push(self, name: str, word: str, row: OldRow, tries: int) -> None:
        for tried in range(tries):
            if tried:
                await self._clock.sleep(RETRY_S)
            with suppress(NoAnswer, Unreachable):
                answer = await self._systems[name][0](self._message(name, word, row))
                if answer.status < 300:
                    return

    def _message(self, name: str, word: str, row: OldRow) -> HttpRequest:
        self._sent += 1
        said = {
            "id": f"{row.refund}-{word}",
            "type": word,
            "order_id": row.order,
            "refund_id": row.refund,
            "amount_fen": row.amount_fen,
        }
        body = json.dumps(said).encode()
        headers = signed_headers(self._systems[name][1], self._clock.now(), str(self._sent), body)
        return HttpRequest(method="POST", url=f"http://{name}.example.com/", headers=headers, body=body)
