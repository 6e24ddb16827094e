"""How facts about e-waybills fold into the state of a shipment: one small function a fact."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tongdan.domain.fulfillment import waybill_facts as w
from tongdan.domain.fulfillment.shipment import Label, LabelStage, Shipment
from tongdan.domain.kernel.messages import Fact


def _on_asked(shipment: Shipment, fact: w.WaybillAsked) -> Shipment:
    label = Label(key=fact.key, carrier=fact.carrier, asked_at=fact.asked_at)
    return replace(shipment, labels=(*shipment.labels, label), unpushed=True)


def _on_got(shipment: Shipment, fact: w.WaybillGot) -> Shipment:
    if fact.pushed:
        shipment = replace(shipment, unpushed=False)
        return _with(shipment, fact.key, "", waybill=fact.waybill, stage=LabelStage.LIVE)
    return _with(shipment, fact.key, "", waybill=fact.waybill)


def _on_refused(shipment: Shipment, fact: w.WaybillRefused) -> Shipment:
    return _with(shipment, fact.key, "", stage=LabelStage.REFUSED, reason=fact.reason)


def _on_left(shipment: Shipment, fact: w.WaybillLeft) -> Shipment:
    return replace(shipment, unpushed=False)


def _on_dropped(shipment: Shipment, fact: w.WaybillDropped) -> Shipment:
    stage = LabelStage.DROPPED if fact.cancels else LabelStage.CANCELLED
    if (known := shipment.label(fact.key, fact.waybill)) is not None:
        return _with(shipment, known.key, known.waybill, stage=stage, reason=fact.reason)
    first = shipment.label(fact.key)
    assert first is not None
    second = replace(first, waybill=fact.waybill, stage=stage, reason=fact.reason)
    return replace(shipment, labels=(*shipment.labels, second))


def _on_cancelled(shipment: Shipment, fact: w.WaybillCancelled) -> Shipment:
    return _with(shipment, fact.key, fact.waybill, stage=LabelStage.CANCELLED)


def _on_not_cancelled(shipment: Shipment, fact: w.WaybillNotCancelled) -> Shipment:
    return _with(shipment, fact.key, fact.waybill, stage=LabelStage.STUCK, reason=fact.reason)


def _on_printed(shipment: Shipment, fact: w.WaybillPrinted) -> Shipment:
    known = shipment.label(fact.key, fact.waybill)
    return _with(shipment, fact.key, fact.waybill, printed=known.printed + 1) if known else shipment


def _with(shipment: Shipment, key: str, number: str, /, **changed: object) -> Shipment:
    """With the label of this key and number changed."""
    labels = [
        replace(each, **changed) if (each.key, each.waybill) == (key, number) else each
        for each in shipment.labels
    ]
    return replace(shipment, labels=tuple(labels))


WAYBILLS: Final[dict[type[Fact], Callable[..., Shipment]]] = {
    w.WaybillAsked: _on_asked,
    w.WaybillGot: _on_got,
    w.WaybillRefused: _on_refused,
    w.WaybillLeft: _on_left,
    w.WaybillDropped: _on_dropped,
    w.WaybillCancelled: _on_cancelled,
    w.WaybillNotCancelled: _on_not_cancelled,
    w.WaybillPrinted: _on_printed,
}
