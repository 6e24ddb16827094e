"""Telling a partner again: it sees an order otherwise, and what we had told it may never have reached it.

Only what the partner recognises as a repeat is told: milestones (finance keeps the first of each), parcels (a channel
knows the request, customer service the waybill), orders (an ERP knows its own) and shipments (a warehouse their ids).
Of refunds finance counts every message, so they are left to a person.
"""

from collections import Counter

from msgspec.structs import replace

from tongdan.domain.kernel.messages import NOTHING, Context, Decision, Refusal
from tongdan.domain.kernel.pulse import head
from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.commands import TellAgain
from tongdan.domain.orders.draft import Draft
from tongdan.domain.orders.erp import partner_of, tell_erp_again
from tongdan.domain.orders.goods.delivery import (
    FINANCE,
    SERVICE,
    channel_partner,
    tell_finance,
    tell_service,
    write_back,
)
from tongdan.domain.orders.goods.parcels import as_sold
from tongdan.domain.orders.goods.reservation import open_shipments
from tongdan.domain.orders.model import Order, gone, here
from tongdan.domain.orders.remark_facts import ToldAgain


def tell_again(order: Order, command: TellAgain, ctx: Context) -> Decision | Refusal:
    draft = Draft(order)
    what: list[str] = []
    if command.partner == FINANCE:
        what = _milestones(draft, ctx)
    elif command.partner == channel_partner(order) and not order.own:
        what = _parcels(draft, ctx)
    elif command.partner == SERVICE:
        what = _to_service(draft, ctx)
    elif command.partner == partner_of(order, ctx):
        what = tell_erp_again(draft, ctx)
    elif head(command.partner) == "wms":  # its shipments tell it
        what = list(open_shipments(order, ctx.id))
    if not what:
        return NOTHING
    draft.tell(ToldAgain(partner=command.partner, what=tuple(what)))
    return draft.decision()


def _milestones(draft: Draft, ctx: Context) -> list[str]:
    order, told = draft.order, list[str]()
    if order.paid is not None:
        tell_finance(draft, ctx, "paid", order.paid.paid_at)
        told.append("paid")
    if order.cancelled and order.cancelled_at is not None:
        tell_finance(draft, ctx, "cancelled", order.cancelled_at)
        told.append("cancelled")
    elif gone(order) and not here(order) and not order.due(Stage.SHIPPED):
        signed_at = max(
            [each.signed_at for each in order.parcels if each.signed_at is not None], default=None
        )
        if signed_at is not None:
            tell_finance(draft, ctx, "signed", signed_at)
            told.append("signed")
    return told


def _parcels(draft: Draft, ctx: Context) -> list[str]:
    """In the order in which they left, since a bundle is told with the parcel of its last piece."""
    told, gone_before = list[str](), Counter[int]()
    for parcel in draft.order.parcels:
        gone_before.update({each.line: each.units for each in parcel.units})
        lines = [(draft.order.line(each.line), each.units) for each in parcel.units]
        sold = [
            (line.line.native, as_sold(replace(line, shipped=gone_before[line.line.no], signed=0), units))
            for line, units in lines
            if line is not None
        ]
        if write_back(draft, ctx, parcel.shipment, parcel.dispatch, (parcel.carrier, parcel.waybill), sold):
            told.append(parcel.dispatch)
    return told


def _to_service(draft: Draft, ctx: Context) -> list[str]:
    parcels = [each for each in draft.order.parcels if each.waybill]
    for each in parcels:
        waybill = (each.carrier, each.waybill)
        tell_service(draft, ctx, "shipped", each.shipment, each.units, each.shipped_at, *waybill)
    return [each.dispatch for each in parcels]
