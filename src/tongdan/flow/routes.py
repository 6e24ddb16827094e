"""The table of contents: which command goes where and who decides it, which fact makes what happen elsewhere.

To follow an order through the system, read the two tables: a command leads to a decider, a decider's facts to their
reactions, and a reaction's commands back to the first table. Slices meet nowhere else.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import ModuleType
from typing import Any, Final

from tongdan.domain.catalog import commands as catalog_commands
from tongdan.domain.catalog import facts as catalog_facts
from tongdan.domain.catalog import model as catalog
from tongdan.domain.catalog import offers, skus
from tongdan.domain.fulfillment import (
    bundles,
    folding,
    packing,
    recalling,
    shipping,
    stock,
    stocking,
    tracking,
)
from tongdan.domain.fulfillment import commands as fulfillment_commands
from tongdan.domain.fulfillment import facts as fulfillment_facts
from tongdan.domain.fulfillment.shipment import Shipment
from tongdan.domain.kernel import messages
from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.keys import (
    ALIAS,
    OFFER,
    ORDER,
    PACKING,
    PULL,
    SHIPMENT,
    SKU,
    SLOT,
    STOCK,
    TICKET,
    alias_key,
    key_slot,
    offer_key,
    packing_key,
    pull_key,
    sku_key,
    slot_key,
    stock_key,
    ticket_key,
)
from tongdan.domain.kernel.messages import Command, Decide, Effect, Fact
from tongdan.domain.kernel.slots import slot_of
from tongdan.domain.orders import commands as order_commands
from tongdan.domain.orders import (
    delivery,
    erasure,
    evolve,
    holds,
    intake,
    lifecycle,
    match_facts,
    matching,
    model,
    payments,
    refund_facts,
    refunds,
    reservation,
)
from tongdan.domain.orders import facts as order_facts
from tongdan.domain.sync import alias, epoch, pull, pull_facts, repair
from tongdan.domain.sync import commands as sync_commands
from tongdan.domain.sync import facts as sync_facts
from tongdan.flow import catalog_reactions as matched
from tongdan.flow import packing_reactions as packed
from tongdan.flow import reactions as then
from tongdan.flow.routing import Kind, Name, Reaction, Route, Target

# ---- the kinds of aggregate


def _never(_: object) -> datetime | None:
    return None


def _no_status(_: object) -> int:
    return 0


def _no_shop(_: object) -> str:
    return ""


_order: Final = Kind(
    name=ORDER,
    state=model.Order,
    evolve=evolve.evolve,
    wake_at=model.wake_at,
    status=model.status,
    shop=lambda order: order.shop,
    schema=2,
)
_shipment: Final = Kind(
    name=SHIPMENT,
    state=Shipment,
    evolve=folding.evolve,
    wake_at=tracking.wake_at,
    status=_no_status,
    shop=lambda shipment: shipment.shop,
)
_packing: Final = Kind(
    name=PACKING,
    state=packing.Table,
    evolve=packing.evolve,
    wake_at=_never,
    status=_no_status,
    shop=lambda table: table.shop,
)
_stock: Final = Kind(
    name=STOCK,
    state=stock.Stock,
    evolve=stocking.evolve,
    wake_at=stock.wake_at,
    status=_no_status,
    shop=_no_shop,
)
_alias: Final = Kind(
    name=ALIAS,
    state=alias.Alias,
    evolve=alias.evolve,
    wake_at=alias.wake_at,
    status=_no_status,
    shop=_no_shop,
    schema=2,
)
_pull: Final = Kind(
    name=PULL,
    state=pull.Pull,
    evolve=pull.evolve,
    wake_at=pull.wake_at,
    status=_no_status,
    shop=lambda pull: pull.shop,
)
_ticket: Final = Kind(
    name=TICKET, state=repair.Ticket, evolve=repair.evolve, wake_at=_never, status=_no_status, shop=_no_shop
)

_sku: Final = Kind(
    name=SKU, state=catalog.Sku, evolve=skus.evolve, wake_at=_never, status=_no_status, shop=_no_shop
)
_offer: Final = Kind(
    name=OFFER,
    state=catalog.Offer,
    evolve=offers.evolve,
    wake_at=_never,
    status=_no_status,
    shop=lambda offer: offer.shop,
)

_slot: Final = Kind(
    name=SLOT, state=epoch.Epochs, evolve=epoch.evolve, wake_at=_never, status=_no_status, shop=_no_shop
)

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (_order, _shipment, _packing, _stock, _alias, _pull, _ticket, _slot, _sku, _offer)
}

# Who decides when a deadline of the aggregate has passed. Kinds that are not listed never ask to be woken.
WAKES: Final[dict[str, Decide]] = {
    ORDER: lifecycle.wake,
    STOCK: stocking.wake,
    SHIPMENT: tracking.wake,
    ALIAS: alias.wake,
    PULL: pull.wake,
}

# ---- where a command goes


def _by_order(command: Any) -> Target:
    """By the order's own id. Raises ValueError with what is no order id."""
    parsed = parse(command.order)
    if parsed is None or parsed.part:
        raise ValueError(command.order)
    return Target(parsed.slot, command.order)


def _by_buyer(command: order_commands.PlaceOrder) -> Target:
    """An own shop's order lives with its buyer. An id that the client was given before counts if it was lost."""
    return Target(slot_of("user", command.shop, command.buyer), command.id, _name(command))


def _by_lost_id(command: order_commands.ResurfaceOrder) -> Target:
    """By the id, and by the platform's number if it can be this order's. Raises ValueError with what cannot."""
    target = _by_order(command)
    if not command.native:
        return target
    channel = command.order[:2]
    if slot_of(channel, command.shop, command.native) != target.slot:
        raise ValueError(f"{command.order} = {command.native}")
    return Target(target.slot, command.order, Name(channel, command.shop, command.native))


def _by_native(command: Any) -> Target:
    """A platform's pushes carry no user, so its order lives where its own number says."""
    return Target(slot_of(command.channel, command.shop, command.native), name=_name(command))


def _name(command: Any) -> Name:
    return Name(command.channel, command.shop, command.native)


def _by_shipment(command: Any) -> Target:
    """Raises ValueError with what is no shipment id."""
    parsed = parse(command.shipment)
    if parsed is None or parsed.part != "S":
        raise ValueError(command.shipment)
    return Target(parsed.slot, command.shipment)


def _by_table(command: Any) -> Target:
    """The packing table of an order. Raises ValueError as `_by_order` does."""
    slot, order, _ = _by_order(command)
    return Target(slot, packing_key(order))


def _by_sku(command: Any) -> Target:
    key = stock_key(command.sku)
    return Target(key_slot(key), key)


def _by_sku_code(command: catalog_commands.DefineSku) -> Target:
    key = sku_key(command.sku)
    return Target(key_slot(key), key)


def _by_offer(command: Any) -> Target:
    key = offer_key(command.channel, command.shop, command.offer)
    return Target(key_slot(key), key)


def _by_alias(command: Any) -> Target:
    key = alias_key(command.alias)
    return Target(key_slot(key), key)


def _by_slot(command: Any) -> Target:
    return Target(command.slot, slot_key(command.slot))


def _by_pull(command: Any) -> Target:
    key = pull_key(command.channel, command.shop)
    return Target(key_slot(key), key)


def _by_subject(command: Any) -> Target:
    key = ticket_key(command.subject, command.kind)
    return Target(key_slot(key), key)


def _orders(command: type[Command], decide: Decide) -> dict[type[Command], Route]:
    return {command: Route(_order, _by_order, decide)}


def _shipments(
    command: type[Command], decide: Decide, *, creates: bool = False
) -> dict[type[Command], Route]:
    return {command: Route(_shipment, _by_shipment, decide, creates)}


def _tables(command: type[Command], decide: Decide, *, creates: bool = False) -> dict[type[Command], Route]:
    return {command: Route(_packing, _by_table, decide, creates)}


def _stocks(command: type[Command], decide: Decide) -> dict[type[Command], Route]:
    return {command: Route(_stock, _by_sku, decide, creates=True)}


_O, _F, _S, _C = order_commands, fulfillment_commands, sync_commands, catalog_commands

COMMANDS: Final[dict[type[Command], Route]] = {
    # an order comes in
    _O.PlaceOrder: Route(_order, _by_buyer, intake.place_order, creates=True),
    _O.NoteChannelEvent: Route(_order, _by_native, intake.note_channel_event, creates=True),
    _O.RecordDetail: Route(_order, _by_native, intake.record_detail, creates=True),
    _O.ResurfaceOrder: Route(_order, _by_lost_id, intake.resurface_order, creates=True),
    # it is paid
    **_orders(_O.RequestPayment, payments.request_payment),
    **_orders(_O.RecordPrepay, payments.record_prepay),
    **_orders(_O.RecordPrepayRefused, payments.record_prepay_refused),
    **_orders(_O.RecordPayment, payments.record_payment),
    **_orders(_O.RecordPaymentFailure, payments.record_payment_failure),
    # or paid back
    **_orders(_O.RequestRefund, refunds.request_refund),
    **_orders(_O.PayBack, refunds.pay_back),
    **_orders(_O.RecordRefund, refunds.record_refund),
    **_orders(_O.RecordRefundRefused, refunds.record_refund_refused),
    # stock is put behind it; the last reservation, payment or lifted hold releases it
    **_stocks(_F.CountStock, stocking.count_stock),
    **_stocks(_F.ReserveStock, bundles.reserve),
    **_stocks(_F.KeepReservation, stocking.keep_reservation),
    **_stocks(_F.ReleaseStock, stocking.release_stock),
    **_stocks(_F.DeductStock, stocking.deduct_stock),
    **_orders(_O.NoteReserved, reservation.note_reserved),
    **_orders(_O.NoteShortage, reservation.note_shortage),
    **_orders(_O.NoteReservationExpired, reservation.note_reservation_expired),
    # which SKUs its lines are, and what bundles are made of, the catalogue says
    _C.DefineSku: Route(_sku, _by_sku_code, skus.define_sku, creates=True),
    _C.MatchOffer: Route(_offer, _by_offer, offers.match_offer, creates=True),
    _C.FindMatch: Route(_offer, _by_offer, offers.find_match, creates=True),
    **_orders(_O.NoteMatched, matching.note_matched),
    **_orders(_O.OpenBundle, matching.open_bundle),
    **_stocks(_F.SetParts, bundles.set_parts),
    # it may be held or changed until then
    **_orders(_O.PlaceHold, holds.place_hold),
    **_orders(_O.LiftHold, holds.lift_hold),
    **_orders(_O.ChangeAddress, holds.change_address),
    **_orders(_O.ChangeAmount, holds.change_amount),
    # warehouses send it
    **_shipments(_F.PlanShipment, shipping.plan_shipment, creates=True),
    **_shipments(_F.RecordWmsAccepted, shipping.record_wms_accepted),
    **_shipments(_F.RecordWmsRefused, shipping.record_wms_refused),
    **_shipments(_F.RecordWmsProcess, shipping.record_wms_process),
    **_shipments(_F.ConfirmDelivery, shipping.confirm_delivery),
    **_shipments(_F.RecallShipment, recalling.recall_shipment),
    **_shipments(_F.RecordRecall, recalling.record_recall),
    **_shipments(_F.RecordTracks, tracking.record_tracks),
    # or are packed anew before they leave
    **_tables(_F.PackAnew, packing.pack_anew, creates=True),
    **_tables(_F.UndoPacking, packing.undo_packing),
    **_shipments(_F.CallBack, recalling.call_back),
    **_tables(_F.NoteGiven, packing.note_given),
    **_tables(_F.NoteKept, packing.note_kept),
    **_tables(_F.TakeBack, packing.take_back, creates=True),
    **_stocks(_F.MoveStock, stocking.move_stock),
    **_orders(_O.NoteRepacked, delivery.note_repacked),
    # and what becomes of them
    **_orders(_O.NoteShipped, delivery.note_shipped),
    **_orders(_O.NoteSigned, delivery.note_signed),
    **_orders(_O.NoteShipmentStopped, delivery.note_shipment_stopped),
    # it ends
    **_orders(_O.RecordSettlement, lifecycle.record_settlement),
    **_orders(_O.CompleteOrder, lifecycle.complete_order),
    **_orders(_O.CancelOrder, lifecycle.cancel_order),
    **_orders(_O.NoteSystemStatus, lifecycle.note_system_status),
    **_orders(_O.NoteDone, lifecycle.note_done),
    # the people behind it are forgotten
    **_orders(_O.ErasePerson, erasure.erase_person),
    # what its channel lists as changed is read, so that nothing it did not push is missed
    _S.StartPull: Route(_pull, _by_pull, pull.start_pull, creates=True),
    _S.RequestBackfill: Route(_pull, _by_pull, pull.request_backfill, creates=True),
    _S.RecordListing: Route(_pull, _by_pull, pull.record_listing),
    # names and tickets
    _S.ClaimAlias: Route(_alias, _by_alias, alias.claim_alias, creates=True),
    _S.SendByAlias: Route(_alias, _by_alias, alias.send_by_alias, creates=True),
    _S.RaiseTicket: Route(_ticket, _by_subject, repair.raise_ticket, creates=True),
    _S.ResolveTicket: Route(_ticket, _by_subject, repair.resolve_ticket, creates=True),
    # a slot goes on after a restore
    _S.OpenEpoch: Route(_slot, _by_slot, epoch.open_epoch, creates=True),
}

_o, _r, _f, _s, _c = order_facts, refund_facts, fulfillment_facts, sync_facts, catalog_facts

# The names are durable: cursors and watermarks are kept under them.
REACTIONS: Final[tuple[Reaction, ...]] = (
    # orders ↔ stock
    Reaction("reserve-created", _o.OrderCreated, then.reserve_created),
    Reaction("reserve-detailed", _o.OrderDetailed, then.reserve_detailed),
    Reaction("reserve-again", _o.ReservationRetried, then.reserve_again),
    Reaction("keep-reserved", _o.OrderPaid, then.keep_reserved),
    Reaction("free-stopped", _o.LinesStopped, then.free_stopped),
    Reaction("note-reserved", _f.StockReserved, then.note_reserved),
    Reaction("note-shortage", _f.StockShort, then.note_shortage),
    Reaction("note-expired", _f.ReservationExpired, then.note_expired),
    # orders ↔ catalogue ↔ stock: what platforms sell is matched, bundles are opened
    Reaction("find-matches", match_facts.LinesUnmatched, matched.find_matches),
    Reaction("note-matched", _c.MatchFound, matched.note_matched),
    Reaction("reserve-matched", match_facts.LineMatched, matched.reserve_matched),
    Reaction("set-parts", _c.BundleDefined, matched.set_parts),
    Reaction("open-bundle", _f.BundleAsked, matched.open_bundle),
    Reaction("reserve-parts", match_facts.BundleOpened, matched.reserve_parts),
    # what came in too much goes back; so does the price of a cancelled order, once its goods cannot leave
    Reaction("refund-duplicated", _o.PaymentDuplicated, then.refund_surplus),
    Reaction("refund-paid-after-cancel", _o.PaidAfterCancel, then.refund_surplus),
    Reaction("refund-cancelled", _o.OrderCancelled, then.refund_cancelled),
    Reaction("refund-stopped", _o.LinesStopped, then.refund_stopped),
    # orders ↔ shipments
    Reaction("plan-shipments", _o.OrderReleased, then.plan_shipments),
    Reaction("note-shipped", _f.ShipmentDispatched, then.note_shipped),
    Reaction("deduct-dispatched", _f.ShipmentDispatched, then.deduct_dispatched),
    Reaction("note-signed", _f.ShipmentSigned, then.note_signed),
    Reaction("note-refused", _f.WmsRefused, then.note_stopped),
    Reaction("note-recalled", _f.ShipmentRecalled, then.note_stopped),
    Reaction("note-short", _f.ShipmentShort, then.note_short),
    Reaction("note-wms-said", _f.WmsProcessed, then.note_wms_said),
    Reaction("undo-cancelled", _o.OrderCancelled, then.undo_cancelled),
    Reaction("note-carrier-said", _f.ParcelTracked, then.note_carrier_said),
    # parcels packed anew
    Reaction("call-back-sources", _f.PackingStarted, packed.call_back_sources),
    Reaction("note-given", _f.UnitsGiven, packed.note_given),
    Reaction("note-kept", _f.CallBackRefused, packed.note_kept),
    Reaction("place-parcels", _f.ParcelsFormed, packed.place_parcels),
    Reaction("move-reserved", _f.ParcelsFormed, packed.move_reserved),
    Reaction("note-repacked", _f.ShipmentPlanned, packed.note_repacked),
    Reaction("recall-repacked", _o.LinesRepacked, packed.recall_repacked),
    # what a channel lists goes to its orders, which know whether it is news
    Reaction("note-listed", pull_facts.PageListed, then.note_listed),
    Reaction("go-on-pulling", messages.EffectSkipped, then.go_on_pulling),
    # names from outside: own shops' order numbers, waybills, and what is sent by them
    Reaction("claim-client-number", _o.OrderCreated, then.claim_client_number),
    Reaction("claim-waybill", _f.ShipmentDispatched, then.claim_waybill),
    Reaction("deliver-letter", _s.LetterDelivered, then.deliver_letter),
    # what needs eyes
    Reaction("ticket-order-lost", _o.OrderResurfaced, then.order_lost),
    Reaction("ticket-held-after-restore", _o.HeldAfterRestore, then.held_after_restore),
    Reaction("ticket-detail-overdue", _o.DetailOverdue, then.detail_overdue),
    Reaction("ticket-payment-duplicated", _o.PaymentDuplicated, then.payment_duplicated),
    Reaction("ticket-payment-mismatched", _o.PaymentMismatched, then.payment_mismatched),
    Reaction("ticket-paid-after-cancel", _o.PaidAfterCancel, then.paid_after_cancel),
    Reaction("ticket-refund-abnormal", _r.RefundAbnormal, then.refund_abnormal),
    Reaction("ticket-refund-failed", _r.RefundFailed, then.refund_failed),
    Reaction("ticket-refund-overdue", _r.RefundAsked, then.refund_overdue),
    Reaction("ticket-refund-contradicted", _r.RefundContradicted, then.refund_contradicted),
    Reaction("ticket-offer-unmatched", _c.MatchAwaited, matched.offer_unmatched),
    Reaction("ticket-line-short", _o.LineShort, then.line_short),
    Reaction("ticket-lines-stopped", _o.LinesStopped, then.lines_stopped),
    Reaction("ticket-left-after-cancel", _o.LinesShipped, then.left_after_cancel),
    Reaction("ticket-shipment-overdue", _o.ShipmentOverdue, then.shipment_overdue),
    Reaction("ticket-settlement", _o.SettlementMismatched, then.settlement_mismatched),
    Reaction("ticket-address-too-late", _o.AddressChangeTooLate, then.address_too_late),
    Reaction("ticket-channel-said", _o.ChannelReported, then.channel_said_oddly),
    Reaction("ticket-recall-failed", _f.RecallFailed, then.recall_failed),
    Reaction("ticket-stock-overdrawn", _f.StockMoved, packed.stock_overdrawn),
    Reaction("ticket-surplus", _f.ShipmentSurplus, then.shipment_surplus),
    Reaction("ticket-unknown-track", _f.ParcelTracked, then.unknown_track),
    Reaction("ticket-parcel-silent", _f.ParcelsSilent, then.parcel_silent),
    Reaction("ticket-claim-overdue", _s.ClaimOverdue, then.claim_overdue),
    Reaction("ticket-alias-contested", _s.AliasContested, then.alias_contested),
    Reaction("ticket-dead-letter", messages.EffectDied, then.dead_letter),
    # what has healed
    Reaction("healed-dead-letter-skipped", messages.EffectSkipped, then.dead_letter_tended),
    Reaction("healed-dead-letter-replayed", messages.EffectReplayed, then.dead_letter_tended),
    Reaction("healed-detail", _o.OrderDetailed, then.healed),
    Reaction("healed-recovered", _o.OrderRecovered, then.healed),
    Reaction("healed-held-after-restore", _o.HoldLifted, then.lifted_after_restore),
    Reaction("healed-reserved", _o.LineReserved, then.healed),
    Reaction("healed-shipped", _o.LinesShipped, then.healed),
    Reaction("healed-settled", _o.OrderSettled, then.healed),
    Reaction("healed-cancelled", _o.OrderCancelled, then.healed),
    Reaction("healed-refunded", _r.RefundSucceeded, then.healed),
    Reaction("healed-tracked", _f.ParcelTracked, then.healed),
    Reaction("healed-signed", _f.ShipmentSigned, then.healed),
    Reaction("healed-matched", _c.OfferMatched, then.healed),
    Reaction("healed-claimed", _s.AliasClaimed, then.healed),
)

# Facts of earlier releases: (name, version) → what turns its fields into those of the next version.
UPCASTERS: Final[Mapping[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]]] = {}


def _all(base: type[Any], *modules: ModuleType) -> dict[str, type[Any]]:
    """Every subclass of `base` that one of the modules defines, by name."""
    return {
        name: each
        for module in modules
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, base) and each.__module__ == module.__name__
    }


FACTS: Final[dict[str, type[Fact]]] = _all(
    Fact, order_facts, refund_facts, match_facts, fulfillment_facts, catalog_facts, sync_facts, pull_facts
)
EFFECTS: Final[dict[str, type[Effect]]] = _all(
    Effect, order_facts, refund_facts, match_facts, fulfillment_facts, catalog_facts, sync_facts, pull_facts
)
