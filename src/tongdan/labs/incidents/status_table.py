"""How statuses were kept in step before: one table that whoever speaks last writes, and a comparison every night.

Each interface has its own little reader. They take every clock for the shop's own; the later time wins. At night each
system's export (CSV) is laid beside the table; in the morning a clerk goes through what differs, one after the other,
and has it put right where somebody can say what is right.
"""

import csv
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from io import StringIO
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.labs.world.chance import Stream

OPENS, CLOSES = timedelta(hours=9), timedelta(hours=18)
LOOKED_INTO_S: Final = (240.0, 1_200.0)  # one difference: both screens, a call, an entry
PAID, SHIPPED, SIGNED, SETTLED, CANCELLED = "paid", "shipped", "signed", "settled", "cancelled"
DOUYIN: Final = {"2": PAID, "3": SHIPPED, "101": SHIPPED, "4": CANCELLED, "5": SIGNED}
WMS: Final = {"ACCEPT": SHIPPED, "SIGN": SIGNED}  # the warehouse has it: as good as shipped
SF: Final = {"50": SHIPPED, "80": SIGNED}
# What each system's export can say of the word in the table. Nobody has listed what cannot be.
SAYS: Final[Mapping[str, Mapping[str, str]]] = {
    "channel": {PAID: PAID, SHIPPED: SHIPPED, SIGNED: SHIPPED, SETTLED: SHIPPED},
    "wms": {SHIPPED: SHIPPED, SIGNED: SHIPPED, SETTLED: SHIPPED},
    "finance": {SIGNED: SIGNED, SETTLED: SETTLED, PAID: PAID, SHIPPED: PAID},
}
UNKNOWN: Final = ""


class Heard(NamedTuple):
    """What an interface's reader makes of a message: `system` is who said it, `at` as its clock showed it."""

    order: str
    system: str
    status: str
    at: datetime


class Entry(NamedTuple):
    """A difference on the night's list."""

    order: str
    system: str
    found_at: datetime


class StatusTable:
    """One row an order: its status, and since when by the clock of whoever wrote it."""

    def __init__(self) -> None:
        self.rows: Final[dict[str, tuple[str, datetime]]] = {}

    def hear(self, heard: Heard) -> None:
        """The later time wins, whoever's it is."""
        known = self.rows.get(heard.order)
        if known is None or heard.at >= known[1]:
            self.rows[heard.order] = (heard.status, heard.at)

    def compare(self, exports: Mapping[str, str], at: datetime) -> list[Entry]:
        """`exports`: CSV of each system, a line an order. Differing words are differences, and so is a missing line."""
        found = []
        for system, export in exports.items():
            theirs = {line["order"]: line["status"] for line in csv.DictReader(StringIO(export))}
            for order, (status, _) in sorted(self.rows.items()):
                expected = SAYS[system].get(status)
                if expected is not None and theirs.get(order, UNKNOWN) != expected:
                    found.append(Entry(order, system, at))
        return found


class Clerk:
    """Works through the lists in office hours; what cannot be decided here lands on somebody's desk."""

    def __init__(self, stream: Stream) -> None:
        self._stream: Final = stream
        self._free_at: datetime | None = None

    def work(self, entries: Collection[Entry]) -> Iterator[tuple[Entry, datetime]]:
        """Each with the time at which it has been looked into."""
        for entry in entries:
            at = _open(max(self._free_at or entry.found_at, entry.found_at).astimezone(SHANGHAI))
            self._free_at = at + timedelta(seconds=self._stream.between(*LOOKED_INTO_S))
            yield entry, self._free_at


def _open(at: datetime) -> datetime:
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if at - day < OPENS:
        return day + OPENS
    return at if at - day < CLOSES else day + timedelta(days=1) + OPENS


def as_csv(words: Mapping[str, str]) -> str:
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(("order", "status"))
    writer.writerows(sorted(words.items()))
    return out.getvalue()


def read(raw: bytes) -> list[Heard]:
    """What one of the interfaces pushed; nothing where its reader does not know the form."""
    with suppress(ValueError, KeyError, TypeError, AttributeError, ParseError):
        return list(_xml(fromstring(raw)) if raw.lstrip().startswith(b"<") else _json(json.loads(raw)))
    return []


def _json(said: object) -> Iterator[Heard]:
    if isinstance(said, list):
        for each in said:
            data = json.loads(each["data"])
            if str(data.get("order_status")) in DOUYIN:
                at = datetime.fromtimestamp(int(each["msg_id"].rpartition(":")[2]), SHANGHAI)
                yield Heard(str(data["p_id"]), "channel", DOUYIN[str(data["order_status"])], at)
    elif isinstance(said, dict) and "Body" in said:
        for route in said["Body"]["WaybillRoute"]:
            if route["opCode"] in SF and route["orderid"]:
                yield Heard(route["orderid"], "carrier", SF[route["opCode"]], _wall(route["acceptTime"]))
    elif isinstance(said, dict) and said.get("type") == SETTLED:
        at = datetime.fromisoformat(said["settled_at"])
        yield Heard(said["order_id"], "finance", SETTLED, at if at.tzinfo else at.replace(tzinfo=SHANGHAI))


def _xml(root: Element) -> Iterator[Heard]:
    order = root.findtext("deliveryOrder/deliveryOrderCode")
    if order is not None:
        yield Heard(order, "wms", SHIPPED, _wall(root.findtext("deliveryOrder/orderConfirmTime")))
    step = root.findtext("process/processStatus") or ""
    if step in WMS:
        at = _wall(root.findtext("process/operateTime"))
        yield Heard(root.findtext("order/orderCode") or "", "wms", WMS[step], at)


def _wall(text: str | None) -> datetime:
    """Whose wall it hung on is not asked."""
    return datetime.strptime(text or "", "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
