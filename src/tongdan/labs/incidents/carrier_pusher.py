"""How parcels were told to the carrier before: one key for everything, and whatever goes wrong looks like nothing.

A push that fails is forgotten. Some minutes later a job asks where the parcel is and writes "signed" when all that the
carrier says last is a signature; of an answer without a node that is true as well. A monitor looks every ten minutes
and calls a person when very many signed parcels have no track; the person's delays are stated here.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from tongdan.adapters.partners.sf_line import digest
from tongdan.adapters.transport import Handler
from tongdan.labs.world.chance import Stream
from tongdan.ports import Clock, HttpRequest

PUSHED, SIGNED = 3, 5  # the numeric status of a row
LAST_NODES: Final = {"80", "8000"}
LOOK_AFTER_S: Final = 300.0
MONITOR_EVERY_S: Final = 600
MONITOR_AT_S: Final = 120  # past the hour
LOOKS_BACK: Final = timedelta(hours=3)
ALARM_FROM: Final = 100
# A person looks at the table, at the log of the push job and at the carrier's console, then puts another key in.
TABLE_S, LOG_S, CONSOLE_S, RELEASE_S = (150.0, 180.0, 150.0, 60.0)
LIST_S: Final = 60.0  # writes down what has to be sent again
BETWEEN_S: Final = 6.0  # and sends it one by one, so as not to be throttled
SERVICES: Final = ("EXP_RECE_CREATE_ORDER", "EXP_RECE_SEARCH_ROUTES")


@dataclass
class OldParcel:
    """A row of the order table."""

    number: str
    pushed_at: datetime
    status: int = PUSHED
    signed_at: datetime | None = None
    nodes: list[str] = field(default_factory=list)
    told_at: datetime | None = None  # when the carrier has taken it, which no column says


class OldPusher:
    """`carrier` is its interface, `keys` partner id and check word: the one in use, and the spare."""

    def __init__(
        self, clock: Clock, carrier: Handler, base_url: str, keys: tuple[tuple[str, str], tuple[str, str]],
        stream: Stream,
    ) -> None:  # fmt: skip
        self.table: Final[dict[str, OldParcel]] = {}
        self.alarm_at: datetime | None = None
        self.mended_at: datetime | None = None
        self.done_at: datetime | None = None
        self._clock: Final = clock
        self._carrier: Final = carrier
        self._base_url: Final = base_url
        self._keys: Final = keys
        self._stream: Final = stream
        self._key = keys[0]
        self._calls = 0

    async def handle(self, number: str) -> None:
        """A parcel is handed over: it is pushed, and looked at later."""
        row = self.table[number] = OldParcel(number, self._clock.now())
        await self._push(row)
        await self._clock.sleep(LOOK_AFTER_S)
        await self._look(row)

    async def watch(self, until: datetime) -> None:
        """The monitor, and the person whom it calls."""
        while self._clock.now() < until:
            now = self._clock.now()
            await self._clock.sleep(MONITOR_EVERY_S - (now.timestamp() - MONITOR_AT_S) % MONITOR_EVERY_S)
            found = self._without_track()
            if len(found) >= ALARM_FROM:
                self.alarm_at = self._clock.now()
                await self._mend(found)
                return

    def _without_track(self) -> list[OldParcel]:
        since = self._clock.now() - LOOKS_BACK
        return [
            row for row in self.table.values() if row.signed_at and row.signed_at >= since and not row.nodes
        ]

    async def _mend(self, found: Iterable[OldParcel]) -> None:
        for takes_s in (TABLE_S, LOG_S, CONSOLE_S, RELEASE_S):
            await self._clock.sleep(takes_s * self._stream.between(0.96, 1.04))
        self._key, self.mended_at = self._keys[1], self._clock.now()
        await self._clock.sleep(LIST_S)
        for row in found:
            await self._push(row)
            row.status = PUSHED if row.told_at is not None else row.status
            await self._clock.sleep(BETWEEN_S * self._stream.between(1.0, 1.1))
        self.done_at = self._clock.now()

    async def _push(self, row: OldParcel) -> None:
        sides = [{"contactType": no, **_ANYBODY} for no in (1, 2)]
        said = await self._call(SERVICES[0], {"orderId": row.number, "contactInfoList": sides})
        if said.get("success"):
            row.told_at = self._clock.now()

    async def _look(self, row: OldParcel) -> None:
        said = await self._call(SERVICES[1], {"trackingNumber": [row.number], "trackingType": "2"})
        parcels = (said.get("msgData") or {}).get("routeResps", [])
        row.nodes = [node["opCode"] for parcel in parcels for node in parcel["routes"]]
        if set(row.nodes[-1:]) <= LAST_NODES:
            row.status, row.signed_at = SIGNED, self._clock.now()

    async def _call(self, service: str, asked: dict[str, Any]) -> dict[str, Any]:
        """What the carrier said; nothing, if that was no answer."""
        self._calls += 1
        partner, word = self._key
        content, stamp = json.dumps(asked), str(int(self._clock.now().timestamp() * 1_000))
        form = {
            "partnerID": partner, "requestID": str(self._calls), "serviceCode": service, "timestamp": stamp,
            "msgDigest": digest(content, stamp, word), "msgData": content,
        }  # fmt: skip
        request = HttpRequest(method="POST", url=self._base_url, body=urlencode(form).encode())
        try:
            answer = json.loads((await self._carrier(request)).body)
            said: dict[str, Any] = json.loads(answer["apiResultData"])
        except (KeyError, ValueError, TypeError):
            return {}
        return said


_ANYBODY: Final = {
    "contact": "同单", "mobile": "12000000000", "province": "浙江省", "city": "嘉兴市", "address": "1 号",
}  # fmt: skip
