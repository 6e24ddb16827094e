"""What a Qimen WMS (奇门) says of shipments when it is asked: `deliveryorder.query`, one shipment a call.

The answer has the elements of a `deliveryorder.confirm` and is read as one, so a confirmation that was lost is news.
Source: public SDKs that list the fields (opentaobao, the Qimen .NET SDK): ownerCode, warehouseCode, orderCode, page,
pageSize of at most 100 order lines; deliveryOrder, packages, orderLines, totalLines. `orderstatus.batchquery` lists
what changed in a window of time, and so says nothing of what did not. Assumed: every page has all parcels, and a code
the WMS does not know is answered as by `order.cancel`.
"""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec

from tongdan.adapters.partners.qimen import CLOSED, MAX_ITEMS, confirmation, text_of, whole_of
from tongdan.adapters.partners.qimen_line import NEVER_HEARD_OF, QimenLine, complaint, succeeded
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable, reason_of
from tongdan.domain.fulfillment.commands import ConfirmDelivery, Package
from tongdan.domain.fulfillment.shipment import SIGN, STEP_MEANS
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.standing import Standing, together
from tongdan.ports import Failed, Seen, Subject, Turn

METHOD: Final = "deliveryorder.query"
LINES: Final = 100  # of a page
MAX_PAGES: Final = MAX_ITEMS // LINES
ANNOUNCED, RELEASED, SHIPPED, CANCELLED = "announced", "released", "shipped", "cancelled"
# Of a delivery order as a whole: it is shipped when all has left.
MEANS: Final = STEP_MEANS | {"NEW": RELEASED, "PARTDELIVERED": RELEASED, SIGN: SHIPPED}
GIVEN_UP: Final = frozenset({"CANCELED", "REJECT"})


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """How it sees a shipment. `waybills` None: it cannot be told which have left."""

    word: str
    waybills: tuple[str, ...] | None
    news: tuple[Command, ...]
    said_at: datetime | None
    raw: bytes


class WmsWitness:
    """One warehouse of a WMS. A WMS that has not heard of a shipment, or of its recall, is told again."""

    at_once = 1
    tells = frozenset({RELEASED, SHIPPED, CANCELLED})
    hears = frozenset({RELEASED, CANCELLED})

    def __init__(self, partner: str, line: QimenLine) -> None:
        self.partner = partner
        self._line: Final = line

    async def see(self, subjects: Sequence[Subject], turn: Turn) -> Sequence[Seen] | Failed:
        seen = []
        for subject in subjects:
            told: list[_Told | None] = []
            for shipment in subject.shipments:
                answer = await self._query(shipment, turn)
                if isinstance(answer, Failed):
                    return answer
                told.append(answer)
            seen.append(_seen(subject, told))
        return seen

    async def _query(self, shipment: str, turn: Turn) -> _Told | Failed | None:
        """None: it does not know it."""
        pages: list[Element] = []
        for page in range(1, MAX_PAGES + 1):
            await turn()
            said = await self._line.call(METHOD, self._asked(shipment, page))
            if isinstance(said, Failed):
                return said
            root, _ = said
            if not succeeded(root):
                why = complaint(root)
                unheard = any(word in why.lower() for word in NEVER_HEARD_OF)
                return None if unheard else Failed(f"Qimen {METHOD}: {why}", final=True)
            pages.append(root)
            try:
                if not _goes_on(pages):
                    return _told(shipment, pages, self._line.zone)
            except UNREADABLE as error:
                return Failed(f"the answer is not understood: {reason_of(error)}", final=True)
        return Failed(f"more than {MAX_PAGES} pages of {METHOD}", final=True)

    def _asked(self, shipment: str, page: int) -> Element:
        request = Element("request")
        said = {
            "ownerCode": self._line.settings.owner_code,
            "warehouseCode": self.partner.removeprefix("wms/"),
            "orderCode": shipment,
            "page": str(page),
            "pageSize": str(LINES),
        }
        for name, text in said.items():
            SubElement(request, name).text = text
        return request


def _goes_on(pages: Sequence[Element]) -> bool:
    total = whole_of(text_of(pages[0], "totalLines", 16) or "0", "totalLines")
    return sum(len(page.findall("orderLines/orderLine")) for page in pages) < total


def _told(shipment: str, pages: Sequence[Element], zone: tzinfo) -> _Told:
    """Raises NotReadable when it is about another shipment."""
    root, raw = pages[0], b"\n".join([tostring(page, encoding="utf-8") for page in pages])
    for line in [line for page in pages[1:] for line in page.findall("orderLines/orderLine")]:
        lines = root.find("orderLines")
        assert lines is not None
        lines.append(line)
    order = root.find("deliveryOrder")
    if order is None or text_of(order, "deliveryOrderCode") != shipment:
        raise NotReadable(f"expected `deliveryOrder/deliveryOrderCode` {shipment}")
    status = text_of(order, "status", 32)
    times = [text_of(order, name, 32) for name in ("orderConfirmTime", "operateTime")]
    said_at = max([from_local(time, zone) for time in times if time], default=None)
    if status in GIVEN_UP:
        return _Told(word=CANCELLED, waybills=(), news=_news(root, zone), said_at=said_at, raw=raw)
    word, left = MEANS.get(status, ""), root.find("packages/package") is not None
    if not left and word != SHIPPED and status != CLOSED:
        return _Told(word=word, waybills=(), news=(), said_at=said_at, raw=raw)
    news = _news(root, zone)
    waybills = [each.waybill for command in news for each in _packages(command)]
    if status == CLOSED:
        word = SHIPPED  # all that leaves, be it nothing
    sure = bool(news) and all(waybills)
    return _Told(
        word=word,
        waybills=tuple(sorted(set(waybills))) if sure else None,
        news=news if sure else (),  # a parcel without a number cannot be told from one that was confirmed
        said_at=said_at,
        raw=raw,
    )


def _news(root: Element, zone: tzinfo) -> tuple[Command, ...]:
    """What it would have told by itself; nothing where that cannot be read."""
    try:
        return (confirmation(root, zone)[0],)
    except UNREADABLE:
        return ()


def _packages(command: Command) -> Sequence[Package]:
    return command.packages if isinstance(command, ConfirmDelivery) else ()


def _word(told: _Told | None, *, off: bool) -> str:
    """Some close what is called off."""
    if told is None:
        return CANCELLED if off else ANNOUNCED
    return CANCELLED if off and told.word == SHIPPED and told.waybills == () else told.word


def _seen(subject: Subject, told: Sequence[_Told | None]) -> Seen:
    known = [each for each in told if each is not None]
    unheard = [id for id, each in zip(subject.shipments, told, strict=True) if each is None]
    if unheard and not known and not set(unheard) <= set(subject.off):
        return Seen(order=subject.id, standing=None)
    words = [_word(each, off=id in subject.off) for id, each in zip(subject.shipments, told, strict=True)]
    waybills = [each.waybills for each in known]
    standing = Standing(
        status=together(words),
        waybills=None
        if None in waybills
        else tuple(sorted({waybill for each in waybills for waybill in each or ()})),
        said_at=max([each.said_at for each in known if each.said_at is not None], default=None),
    )
    news = tuple([command for each in known for command in each.news])
    return Seen(order=subject.id, standing=standing, news=news, raw=b"\n".join([each.raw for each in known]))
