"""The canonical status of an order, and what of it holds for a part only: computed from its axes, never stored."""

from typing import Final

from tongdan.domain.kernel.after_sales import ENDED, AfterSaleStage
from tongdan.domain.kernel.status import ORDINAL, Status
from tongdan.domain.orders.axes import AfterSale, Closing, Partly, Stage
from tongdan.domain.orders.model import COD, DEPOSIT_PAID, PAID_HOLD, Order, Payment, bought, gone, here


def after_sale(order: Order) -> AfterSale:
    if not order.owed_fen:
        return AfterSale.NONE
    return AfterSale.REFUNDED if order.refunded_fen == order.owed_fen else AfterSale.REFUND_DUE


def status(order: Order) -> Status:
    """The canonical status: a pure function of the axes. Money decides only when nothing of it is kept."""
    if order.owed_fen and order.owed_fen == order.received_fen:
        return Status.REFUNDED if after_sale(order) is AfterSale.REFUNDED else Status.REFUND_PENDING
    if (after := _by_after_sales(order)) is not None:
        return after
    if order.cancelled:
        return Status.CANCELLED
    if gone(order):
        return Status.SHIPPED if here(order) else _after_shipping(order)
    if order.shipments:
        return Status.RELEASED
    if order.paid is not None:
        return Status.PAID
    return Status.CREATED if order.known else Status.ANNOUNCED


def _by_after_sales(order: Order) -> Status | None:
    """What after-sales make of the order as a whole: all money back or on its way, or all that has left coming back."""
    if not order.after_sales or order.paid is None:
        return None
    if not order.own and 0 < order.paid.amount_fen <= order.platform_refunded_fen + _on_its_way_fen(order):
        return Status.REFUND_PENDING if _on_its_way_fen(order) else Status.REFUNDED
    if order.cancelled or here(order) or not gone(order):
        return None
    if _covered(order, *_COMING_BACK):
        return Status.RETURNING
    return Status.EXCHANGED if _covered(order, AfterSaleStage.EXCHANGED) else None


_COMING_BACK: Final = (AfterSaleStage.AWAITING_RETURN, AfterSaleStage.RETURNING, AfterSaleStage.RECEIVED)


def _on_its_way_fen(order: Order) -> int:
    """What the platform has said that it pays back, and not yet that it has."""
    return sum([each.amount_fen for each in order.after_sales if each.stage is AfterSaleStage.REFUNDING])


def _covered(order: Order, *stages: AfterSaleStage) -> bool:
    """Every unit is in an after-sale at one of these stages."""
    units: dict[int, int] = {}
    for each in [units for its in order.after_sales if its.stage in stages for units in its.units]:
        units[each.line] = units.get(each.line, 0) + each.units
    return all(units.get(each.line.no, 0) >= each.line.units for each in bought(order))


def _after_shipping(order: Order) -> Status:
    if order.closing is Closing.COMPLETED:
        return Status.COMPLETED
    if order.due(Stage.SHIPPED):
        return Status.SHIPPED
    return Status.SETTLED if order.settled_at is not None else Status.SIGNED


def partly(order: Order) -> Partly:
    """Which of shipped, signed and stopped hold for some units only, whether some of the price went back, and whether
    an after-sale stands open."""
    flags = Partly.NO
    if gone(order) and here(order):
        flags |= Partly.SHIPPED
    if order.due(Stage.SIGNED) and (order.due(Stage.SHIPPED) or here(order)):
        flags |= Partly.SIGNED
    stopped = any(line.stopped for line in order.lines if not (line.line.replaces or line.line.rule))
    if stopped and (gone(order) or here(order)):
        flags |= Partly.STOPPED
    if order.paid is not None and (order.refunds or order.platform_refunds):
        kept_fen = _kept_fen(order, order.paid)
        flags |= Partly.REFUNDED if 0 < kept_fen < order.paid.amount_fen else Partly.NO
    if any(each.stage is not None and each.stage not in ENDED for each in order.after_sales):
        flags |= Partly.AFTER_SALE
    return flags


def _kept_fen(order: Order, paid: Payment) -> int:
    if order.own:
        return order.received_fen - order.refunded_fen
    return paid.amount_fen - order.platform_refunded_fen


def ordinal(name: str) -> int:
    """How far along the status of this canonical name is; -1 for a name that is none."""
    return _ORDINALS.get(name, -1)


_ORDINALS: Final = {each.name.lower(): ORDINAL[each] for each in Status} | {
    COD: 12,
    DEPOSIT_PAID: 14,
    PAID_HOLD: 15,
    "": -1,
}
