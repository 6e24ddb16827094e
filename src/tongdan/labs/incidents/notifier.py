"""How buyers were told before: a job polls the order table and fires off an SMS for whatever it finds shipped.

It runs every few minutes over the rows that changed since it ran last, one page of them; marks each as notified when it
is handed over; does not wait for the provider, and swallows what goes wrong. Receipts arrive at an address that answers
yes and keeps nothing. Each habit is ordinary; together nobody knows who was told.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tongdan.adapters.partners.sms_api import signed
from tongdan.adapters.transport import Handler
from tongdan.ports import Clock, HttpRequest, HttpResponse, NoAnswer, Unreachable

POLL_S: Final = 600.0
PAGE: Final = 10


@dataclass
class OldOrder:
    """A row of the order table. `error` is a column like any other: somebody would have to write it."""

    number: str
    phone: str
    status: str
    updated_at: datetime
    notified: bool = False
    error: str = ""


class OldNotifier:
    """`provider` is the SMS provider, called with the key of the account."""

    def __init__(self, clock: Clock, provider: Handler, base_url: str, key_id: str, key_secret: str) -> None:
        self.table: Final[dict[str, OldOrder]] = {}
        self._clock: Final = clock
        self._provider: Final = provider
        self._base_url: Final = base_url
        self._key: Final = key_id, key_secret
        self._sent = 0
        self._under_way: Final[set[asyncio.Task[None]]] = set()

    def update(self, number: str, phone: str, status: str) -> None:
        """The order's parcel left or arrived: its row says so from now on."""
        row = self.table.setdefault(number, OldOrder(number, phone, status, self._clock.now()))
        row.status, row.updated_at = status, self._clock.now()

    async def run(self, until: datetime) -> None:
        last_run = self._clock.now()
        while self._clock.now() < until:
            await self._clock.sleep(POLL_S)
            since, last_run = last_run, self._clock.now()
            found = [
                row for row in self.table.values() if row.status == "shipped" and row.updated_at >= since
            ]
            for row in [row for row in found if not row.notified][:PAGE]:
                row.notified = True
                task = asyncio.get_running_loop().create_task(self._fire(row))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
        await asyncio.gather(*self._under_way)

    async def _fire(self, row: OldOrder) -> None:
        with suppress(NoAnswer, Unreachable):
            await self._provider(self._message(row))

    def _message(self, row: OldOrder) -> HttpRequest:
        self._sent += 1
        asked = {
            "PhoneNumbers": row.phone,
            "SignName": "同单",
            "TemplateCode": "SMS_474000001",
            "TemplateParam": json.dumps({"order": row.number}),
        }
        nonce = f"{row.number}-{self._sent}"
        return signed(self._base_url, "SendSms", asked, *self._key, self._clock.now(), nonce)


async def deaf_ear(request: HttpRequest) -> HttpResponse:
    """Where receipts go: taken, and not kept."""
    return HttpResponse(200, {}, b'{"code":0}')
