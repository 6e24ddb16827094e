"""SF Express calls: where parcels are (`EXP_RECE_SEARCH_ROUTES`), the numbers they travel under (`sf_waybill.py`), and
those that are to turn back (`sf_intercept.py`).

A read may be repeated at will. Source: SF's open platform.
"""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final

import msgspec

from tongdan.adapters.partners.exchange import Warm, Wire
from tongdan.adapters.partners.reading import UNREADABLE
from tongdan.adapters.partners.settings import SfSettings
from tongdan.adapters.partners.sf import track_of
from tongdan.adapters.partners.sf_intercept import SfInterceptions
from tongdan.adapters.partners.sf_line import NOT_FOUND, SfLine
from tongdan.adapters.partners.sf_waybill import SfWaybills
from tongdan.domain.fulfillment.commands import RecordTracks
from tongdan.domain.fulfillment.facts import QueryRoutes
from tongdan.domain.fulfillment.intercept_facts import InterceptParcel
from tongdan.domain.fulfillment.track_facts import RecordTrackSearch, SearchTracks
from tongdan.domain.fulfillment.waybill_facts import CancelWaybill, GetWaybill, PrintWaybill
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.kernel.tracks import Track
from tongdan.ports import Clock, Done, Errand, Failed, Repeat, Transport, Undo, Verb

SERVICE: Final = "EXP_RECE_SEARCH_ROUTES"
MAX_ROUTES: Final = 200  # nodes of one parcel that are read
MAX_ASKED: Final = 10  # parcels of one call; error 8003 beyond
NOBODYS: Final = "SF0000000000000"


class _Node(msgspec.Struct, rename="camel"):
    accept_time: str
    op_code: str | int


class _Parcel(msgspec.Struct, rename="camel"):
    mail_no: str
    routes: list[_Node] | None = None


class _Routes(msgspec.Struct, rename="camel"):
    route_resps: list[_Parcel] | None = None


_routes: Final = msgspec.json.Decoder(_Routes | None)


class SfActor:
    """The carrier SF; `waybills` None: the seller takes no numbers of it."""

    def __init__(
        self, partner: str, line: SfLine, zone: tzinfo, interceptions: SfInterceptions,
        waybills: SfWaybills | None = None,
    ) -> None:  # fmt: skip
        self.partner = partner
        self.verbs: Mapping[type[Effect], Verb] = {
            QueryRoutes: Verb(Repeat.NATURAL, Undo.REVERSIBLE),
            InterceptParcel: Verb(Repeat.NATURAL, Undo.COMPENSABLE),
            GetWaybill: Verb(Repeat.NATURAL, Undo.COMPENSABLE),
            CancelWaybill: Verb(Repeat.NATURAL, Undo.IRREVERSIBLE),
            PrintWaybill: Verb(Repeat.NATURAL, Undo.REVERSIBLE),
            SearchTracks: Verb(Repeat.NATURAL, Undo.REVERSIBLE),
        }
        self._line: Final = line
        self._zone: Final = zone
        self._interceptions: Final = interceptions
        self._waybills: Final = waybills

    async def perform(self, errand: Errand) -> Done | Failed:
        effect = errand.effect
        if isinstance(effect, QueryRoutes | SearchTracks):
            return await self._query(errand, effect)
        if isinstance(effect, InterceptParcel):
            return await self._interceptions.ask(errand, effect)
        if self._waybills is None:
            return Failed(f"SF knows no {type(effect).__name__} without `waybill` in its map", final=True)
        return await self._waybills.perform(errand)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        return None

    async def _query(self, errand: Errand, effect: QueryRoutes | SearchTracks) -> Done | Failed:
        """A parcel that SF does not know, or knows and has not scanned, has no node; any other no is none."""
        person = errand.person()
        asked = {
            "language": "zh-CN",
            "trackingType": "1",
            "trackingNumber": effect.waybills,
            "methodType": "1",
            "checkPhoneNo": person.phone[-4:] if person is not None else "",
        }
        service = await self._line.call(errand, SERVICE, asked)
        if isinstance(service, Failed):
            return service
        if not service.success and service.code not in NOT_FOUND:
            return Failed(f"SF {SERVICE}: {service.code}", final=True)
        try:
            tracks = self._tracks(_routes.decode(service.msg_data), effect)
        except UNREADABLE:
            return self._line.unread()
        if isinstance(effect, QueryRoutes):
            return Done(RecordTracks(shipment=effect.shipment, tracks=tracks), service.raw)
        found = RecordTrackSearch(
            shipment=effect.shipment,
            source=self.partner,
            waybills=effect.waybills,
            seen=tuple(dict.fromkeys([track.waybill for track in tracks])),
            tracks=tracks,
        )
        return Done(found, service.raw)

    def _tracks(self, data: _Routes | None, effect: QueryRoutes | SearchTracks) -> tuple[Track, ...]:
        """The nodes of what was asked for. Raises ValueError for what cannot be one."""
        parcels = (data.route_resps if data is not None else None) or []
        return tuple(
            [
                track_of(parcel.mail_no, str(node.op_code), node.accept_time, self._zone)
                for parcel in parcels
                if parcel.mail_no in effect.waybills
                for node in (parcel.routes or [])[-MAX_ROUTES:]
            ]
        )


class _OneKey:
    """`ports.Credentials` that are these fields, whatever is asked for."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields: Final = fields

    def get(self, name: str) -> Mapping[str, str]:
        return self._fields


def sf_warmer(settings: SfSettings, transport: Transport, clock: Clock) -> Warm:
    """A look at the route of a number that SF does not know; that it says so is a call all the same."""

    async def warm(fields: Mapping[str, str]) -> bool:
        line = SfLine(settings, Wire(transport, _OneKey(fields), clock))
        effect = QueryRoutes(partner="carrier/SF", shipment="", waybills=())
        errand = Errand(f"warm-{clock.now().isoformat()}", "", effect, 1, lambda: None)
        asked = {"language": "zh-CN", "trackingType": "1", "trackingNumber": [NOBODYS], "methodType": "1"}
        return not isinstance(await line.call(errand, SERVICE, asked), Failed)

    return warm
