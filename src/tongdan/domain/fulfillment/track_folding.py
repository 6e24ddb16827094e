"""How a shipment folds what is found out about parcels that are signed without a track."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.fulfillment import track_facts as f
from tongdan.domain.fulfillment.shipment import Shipment
from tongdan.domain.fulfillment.track_check import TrackCheck
from tongdan.domain.kernel.messages import Fact


def _on_opened(shipment: Shipment, fact: f.TrackCheckOpened) -> Shipment:
    opened = {
        waybill: TrackCheck(
            carrier=carrier, by=fact.by, said_at=fact.said_at, ask_at=fact.ask_at, late_at=fact.late_at
        )
        for carrier, waybill in fact.parcels
    }
    return replace(shipment, checks={**shipment.checks, **opened})


def _on_asked(shipment: Shipment, fact: f.TrackSourcesAsked) -> Shipment:
    asked = {
        waybill: replace(check, ask_at=None, sources=fact.sources, none=(), known=(), times=check.times + 1)
        for waybill in fact.waybills
        if (check := shipment.checks.get(waybill)) is not None
    }
    return replace(shipment, checks={**shipment.checks, **asked})


def _on_answered(shipment: Shipment, fact: f.TrackSourceAnswered) -> Shipment:
    checks = dict(shipment.checks)
    for waybill in (*fact.seen, *fact.unseen):
        check = checks[waybill]
        late = tuple([each for each in check.late if each != fact.source])
        if waybill in fact.seen:
            check = replace(check, late=late, known=(*check.known, fact.source))
        else:
            check = replace(check, late=late, none=(*check.none, fact.source))
        if not check.missing and check.over:
            del checks[waybill]
            continue
        none_at_all = not check.missing and not check.known
        checks[waybill] = replace(check, ask_at=fact.again_at) if none_at_all else check
    return replace(shipment, checks=checks)


def _on_found(shipment: Shipment, fact: f.SignedWithoutTrack) -> Shipment:
    return _changed(shipment, fact.waybill, found=True)


def _on_unknown(shipment: Shipment, fact: f.TracksUnknown) -> Shipment:
    for waybill in fact.waybills:
        check = shipment.checks[waybill]
        shipment = _changed(shipment, waybill, late=check.missing, late_at=None)
    return shipment


def _on_turned_up(shipment: Shipment, fact: f.TrackTurnedUp) -> Shipment:
    if shipment.checks[fact.waybill].missing:
        return _changed(shipment, fact.waybill, over=True, ask_at=None)
    return replace(
        shipment, checks={name: each for name, each in shipment.checks.items() if name != fact.waybill}
    )


def _changed(shipment: Shipment, waybill: str, **fields: object) -> Shipment:
    check = replace(shipment.checks[waybill], **fields)
    return replace(shipment, checks={**shipment.checks, waybill: check})


CHECKS: Final[dict[type[Fact], Callable[..., Shipment]]] = {
    f.TrackCheckOpened: _on_opened,
    f.TrackSourcesAsked: _on_asked,
    f.TrackSourceAnswered: _on_answered,
    f.SignedWithoutTrack: _on_found,
    f.TracksUnknown: _on_unknown,
    f.TrackTurnedUp: _on_turned_up,
}
