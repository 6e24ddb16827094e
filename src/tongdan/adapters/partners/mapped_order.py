"""Reading an order by a map: paths lead to values, and each value is read as what its field has to be.

Complaints name the path and what was expected there, never a value.
"""

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

from tongdan.adapters.partners.channel import MAX_LINES
from tongdan.adapters.partners.channel_format import ChannelFormat, LinePaths
from tongdan.adapters.partners.reading import NotReadable
from tongdan.adapters.partners.regions import region_of
from tongdan.adapters.partners.templates import pick
from tongdan.domain.kernel.instants import from_epoch_ms, from_epoch_s, from_local, from_rfc3339
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.money import check_fen, fen_from_yuan
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.lines import Line

MAX_LISTED: Final = 1_000
MAX_COUNT: Final = 10**9
MAX_UNITS: Final = 10**6
_REFERENCE: Final = re.compile(r"[!-~]{1,64}", re.ASCII)
_WHOLE: Final = re.compile(r"\d{1,10}", re.ASCII)


class Place:
    """Some JSON, read by paths. Every method but `get` raises NotReadable, or another of UNREADABLE."""

    def __init__(self, said: Any, how: ChannelFormat, zone: tzinfo) -> None:
        self._said: Final = said
        self._how: Final = how
        self._zone: Final = zone

    def get(self, path: str) -> Any:
        return pick(self._said, path)

    def inside(self, path: str) -> "Place":
        found = self.get(path)
        if not isinstance(found, dict):
            raise NotReadable(f"expected an object at `{path or 'the top'}`")
        return Place(found, self._how, self._zone)

    def several(self, path: str) -> Sequence["Place"]:
        found = self.get(path)
        if not isinstance(found, list) or len(found) > MAX_LISTED:
            raise NotReadable(f"expected an array of at most {MAX_LISTED} at `{path}`")
        return [Place(each, self._how, self._zone) for each in found]

    def reference(self, path: str) -> str:
        """A number or code: printable ASCII without spaces."""
        found = self.get(path)
        text = str(found) if isinstance(found, int | str) and not isinstance(found, bool) else ""
        if _REFERENCE.fullmatch(text) is None:
            raise NotReadable(f"expected a number or code of at most 64 characters at `{path}`")
        return text

    def text(self, path: str, most: int) -> str:
        """What stands there, cut; "" for nothing, or for no path."""
        found = self.get(path) if path else None
        return str(found)[:most] if isinstance(found, int | str) and not isinstance(found, bool) else ""

    def needed(self, path: str, most: int) -> str:
        if not (text := self.text(path, most)):
            raise NotReadable(f"expected a text or number at `{path}`")
        return text

    def count(self, path: str, most: int = MAX_COUNT) -> int:
        found = self.get(path)
        text = str(found) if isinstance(found, int | str) and not isinstance(found, bool) else ""
        if _WHOLE.fullmatch(text) is None or int(text) > most:
            raise NotReadable(f"expected a whole number from 0 to {most} at `{path}`")
        return int(text)

    def fen(self, path: str) -> int:
        """Yuan or fen, as the map says; 0 without a path."""
        if not path:
            return 0
        found = self.get(path)
        if isinstance(found, bool) or not isinstance(found, int | float | str):
            raise NotReadable(f"expected an amount at `{path}`")
        try:
            if self._how.money == "yuan":
                return check_fen(fen_from_yuan(str(found)))
            return check_fen(int(found) if isinstance(found, str) and _WHOLE.fullmatch(found) else found)
        except ValueError:
            raise NotReadable(f"expected an amount in {self._how.money} at `{path}`") from None

    def time(self, path: str) -> datetime | None:
        """None for what is not there: nothing, "" or 0."""
        found = self.get(path) if path else None
        if found in (None, "", 0, "0"):
            return None
        try:
            match self._how.times:
                case "local":
                    return from_local(str(found), self._zone)
                case "rfc3339":
                    return from_rfc3339(str(found))
                case "epoch-s":
                    return from_epoch_s(found)
            return from_epoch_ms(found)
        except (ValueError, OverflowError):
            raise NotReadable(f"expected a time ({self._how.times}) at `{path}`") from None

    def needed_time(self, path: str) -> datetime:
        if (at := self.time(path)) is None:
            raise NotReadable(f"expected a time at `{path}`")
        return at


def read_order(code: str, shop: str, native: str, order: Place, how: ChannelFormat) -> RecordDetail:
    """An order as a command; `native` "": whichever it is."""
    paths = how.order
    assert paths is not None
    number = order.reference(paths.native)
    if native and number != native:
        raise NotReadable(f"`{paths.native}` is not the order that was asked for")
    lines = tuple([_line(no, each, paths.line) for no, each in enumerate(order.several(paths.lines), 1)])
    if not 0 < len(lines) <= MAX_LINES:
        raise NotReadable(f"expected 1 to {MAX_LINES} of `{paths.lines}`")
    amount_fen, freight_fen = order.fen(paths.amount), order.fen(paths.freight)
    off_fen = sum(line.amount_fen for line in lines) + freight_fen - amount_fen
    person = _person(order, how)
    return RecordDetail(
        channel=code,
        shop=shop,
        native=number,
        native_status=order.needed(paths.status, 64),
        said_at=order.needed_time(paths.said_at),
        lines=lines,
        amount_fen=amount_fen,
        freight_fen=freight_fen,
        discount_fen=order.fen(paths.discount) if paths.discount else off_fen,
        placed_at=order.needed_time(paths.placed_at),
        paid_at=order.time(paths.paid_at),
        transaction=order.text(paths.transaction, 64),
        ship_by=order.time(paths.ship_by),
        region=region_of(person.province),
        person=person,
    )


def _line(no: int, line: Place, paths: LinePaths) -> Line:
    units = line.count(paths.units, MAX_UNITS)
    if not units:
        raise NotReadable(f"expected `{paths.units}` above 0")
    gift = bool(line.get(paths.gift)) if paths.gift else False
    whole_fen = line.fen(paths.amount) if paths.amount else check_fen(line.fen(paths.price) * units)
    return Line(
        no=no,
        sku=line.text(paths.sku, 64),
        units=units,
        amount_fen=0 if gift else whole_fen,
        native=line.reference(paths.native),
        platform_sku=line.text(paths.platform_sku, 64),
        title=line.text(paths.title, 200),
        gift=gift,
    )


def _person(order: Place, how: ChannelFormat) -> Person:
    paths = how.order.person if how.order is not None else {}
    sealed = how.order.sealed if how.order is not None else {}
    said = {name: order.text(path, 300) for name, path in paths.items()}
    kept = {name: text for name, path in sealed.items() if (text := order.text(path, 4_000))}
    return Person(**said, sealed=kept)
