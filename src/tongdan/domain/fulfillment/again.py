"""Telling a warehouse again what is to become of a shipment, because it sees it otherwise."""

from tongdan.domain.fulfillment.again_facts import WmsToldAgain
from tongdan.domain.fulfillment.commands import HandOverAgain
from tongdan.domain.fulfillment.recalling import PACKED_ANEW, PUSH, cancel
from tongdan.domain.fulfillment.shipment import Shipment, ShipmentStage, wms
from tongdan.domain.fulfillment.waybills import hand_over
from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal

HANDED_OVER, RECALLED = "handed-over", "recalled"


def hand_over_again(shipment: Shipment, command: HandOverAgain, ctx: Context) -> Decision | Refusal:
    """The same id is the same shipment to a WMS, and the same recall. What has left is told by nobody again."""
    if command.partner != wms(shipment.warehouse) or shipment.unpushed or shipment.departures:
        return NOTHING
    if shipment.asked_back or shipment.stage is ShipmentStage.RECALLED:
        told = WmsToldAgain(what=RECALLED)
        return Decision((told,), (cancel(shipment, ctx, shipment.recall or PACKED_ANEW),))
    if not shipment.still_to_leave():
        return NOTHING
    label = shipment.live_label
    push = hand_over(shipment, ctx.id, *((label.carrier, label.waybill) if label is not None else ()))
    return Decision((WmsToldAgain(what=HANDED_OVER),), (push,), supersedes=(PUSH,))
