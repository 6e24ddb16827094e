"""The table of contents: which command goes where and who decides it, which fact makes what happen elsewhere.

To follow an order through the system, read the two tables: a command leads to a decider, a decider's facts to their
reactions, and a reaction's commands back to the first table. Slices meet nowhere else.
"""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final

from tongdan.domain.catalog import commands as catalog_commands
from tongdan.domain.catalog import facts as catalog_facts
from tongdan.domain.catalog import gift_count, offers, skus
from tongdan.domain.confighealth import commands as health_commands
from tongdan.domain.confighealth import facts as health_facts
from tongdan.domain.confighealth import keeping, scanning
from tongdan.domain.finance import books
from tongdan.domain.fulfillment import again as hand_again
from tongdan.domain.fulfillment import again_facts as hand_again_facts
from tongdan.domain.fulfillment import (
    bundles,
    intercept_facts,
    interception,
    limiting,
    packing,
    quota_commands,
    quota_facts,
    quoting,
    recalling,
    shipping,
    stocking,
    track_checking,
    track_facts,
    tracking,
    untracked,
    watching,
    waybill_commands,
    waybill_facts,
    waybills,
    wms_stock,
)
from tongdan.domain.fulfillment import commands as fulfillment_commands
from tongdan.domain.fulfillment import facts as fulfillment_facts
from tongdan.domain.guard import commands as guard_commands
from tongdan.domain.guard import facts as guard_facts
from tongdan.domain.guard import limit_facts as counted_facts
from tongdan.domain.guard import limits as purchases
from tongdan.domain.guard import outage, outage_facts
from tongdan.domain.guard import risk as marks
from tongdan.domain.kernel import messages
from tongdan.domain.kernel.messages import Command, Decide, Effect, Fact
from tongdan.domain.notices import commands as notice_commands
from tongdan.domain.notices import facts as notice_facts
from tongdan.domain.notices import telling
from tongdan.domain.orders import (
    after_sale_commands,
    after_sale_facts,
    after_sales,
    again,
    entry_facts,
    erasure,
    erp,
    erp_facts,
    intake,
    lifecycle,
    remark_facts,
    remarks,
    takeover,
    takeover_facts,
)
from tongdan.domain.orders import commands as order_commands
from tongdan.domain.orders import facts as order_facts
from tongdan.domain.orders.checks import holds, risk, risk_facts
from tongdan.domain.orders.confirmation import commands as confirmation_commands
from tongdan.domain.orders.confirmation import facts as confirmation_facts
from tongdan.domain.orders.confirmation import marking, recovery, withdrawal
from tongdan.domain.orders.goods import commands as goods_commands
from tongdan.domain.orders.goods import (
    delivery,
    gift_facts,
    gifts,
    limit_facts,
    limits,
    match_facts,
    matching,
    reissue_facts,
    reissues,
    reservation,
    withdrawing,
    withdrawn_facts,
)
from tongdan.domain.orders.money import (
    cod_facts,
    line_refunds,
    payments,
    presale_facts,
    refund_facts,
    refunds,
    settling,
    settling_facts,
    telling_facts,
)
from tongdan.domain.orders.money import telling as milestones
from tongdan.domain.returns import answering, reporting
from tongdan.domain.returns import commands as returns_commands
from tongdan.domain.returns import facts as returns_facts
from tongdan.domain.sync import (
    alias,
    dispute,
    dispute_facts,
    epoch,
    pull,
    pull_facts,
    pulse,
    pulse_facts,
    repair,
)
from tongdan.domain.sync import commands as sync_commands
from tongdan.domain.sync import facts as sync_facts
from tongdan.flow import after_sale_reactions as after
from tongdan.flow import catalog_reactions as matched
from tongdan.flow import confirmation_reactions as confirmed
from tongdan.flow import credential_reactions as keyed
from tongdan.flow import dispute_reactions as disputed
from tongdan.flow import gift_reactions as gifted
from tongdan.flow import limit_reactions as limited
from tongdan.flow import notice_reactions as tell
from tongdan.flow import packing_reactions as packed
from tongdan.flow import quota_reactions as quotas
from tongdan.flow import reactions as then
from tongdan.flow import return_reactions as back
from tongdan.flow import risk_reactions as risky
from tongdan.flow import ticket_reactions as eyes
from tongdan.flow import track_reactions as tracks
from tongdan.flow import withdrawn_reactions as withdrawn
from tongdan.flow.aggregates import (
    AFTER_SALE_KIND,
    ALIAS_KIND,
    CREDENTIAL_KIND,
    GIFT_KIND,
    HEALTH_KIND,
    LIMIT_KIND,
    MARK_KIND,
    NOTICE_KIND,
    OFFER_KIND,
    ORDER_KIND,
    OUTAGE_KIND,
    PACKING_KIND,
    PULL_KIND,
    PULSE_KIND,
    QUOTA_KIND,
    SHIPMENT_KIND,
    SKU_KIND,
    SLOT_KIND,
    STOCK_KIND,
    TICKET_KIND,
    UNTRACKED_KIND,
)
from tongdan.flow.routing import Reaction, Route
from tongdan.flow.targets import (
    by_after_sale,
    by_alias,
    by_buyer,
    by_carrier,
    by_credential,
    by_event,
    by_field,
    by_limit,
    by_lost_id,
    by_mark,
    by_native,
    by_notice,
    by_offer,
    by_order,
    by_outage,
    by_partner,
    by_pull,
    by_quota,
    by_rule,
    by_sending,
    by_shipment,
    by_sku,
    by_sku_code,
    by_slot,
    by_subject,
    by_table,
    on_board,
)


def _orders(command: type[Command], decide: Decide) -> dict[type[Command], Route]:
    return {command: Route(ORDER_KIND, by_order, erp.revising(decide))}


def _shipments(
    command: type[Command], decide: Decide, *, creates: bool = False
) -> dict[type[Command], Route]:
    return {command: Route(SHIPMENT_KIND, by_shipment, decide, creates)}


def _after_sales(
    command: type[Command], decide: Decide, *, creates: bool = False
) -> dict[type[Command], Route]:
    return {command: Route(AFTER_SALE_KIND, by_after_sale, decide, creates)}


def _tables(command: type[Command], decide: Decide, *, creates: bool = False) -> dict[type[Command], Route]:
    return {command: Route(PACKING_KIND, by_table, decide, creates)}


def _sendings(command: type[Command], decide: Decide) -> dict[type[Command], Route]:
    return {command: Route(NOTICE_KIND, by_sending, decide)}


def _stocks(command: type[Command], decide: Decide) -> dict[type[Command], Route]:
    return {command: Route(STOCK_KIND, by_sku, watching.telling(decide), creates=True)}


def _credentials(
    command: type[Command], decide: Decide, *, creates: bool = False
) -> dict[type[Command], Route]:
    return {command: Route(CREDENTIAL_KIND, by_credential, decide, creates)}


def _quotas(command: type[Command], decide: Decide, *, creates: bool = False) -> dict[type[Command], Route]:
    return {command: Route(QUOTA_KIND, by_quota, decide, creates)}


_O, _F, _S, _C = order_commands, fulfillment_commands, sync_commands, catalog_commands
_L, _T = goods_commands, after_sale_commands
_N, _W = notice_commands, waybill_commands
_G = guard_commands
_A = returns_commands
_Q = quota_commands
_K = confirmation_commands
_D = dispute_facts
_H = health_commands

COMMANDS: Final[dict[type[Command], Route]] = {
    # an order comes in
    _O.PlaceOrder: Route(ORDER_KIND, by_buyer, intake.place_order, creates=True),
    _O.NoteChannelEvent: Route(ORDER_KIND, by_native, erp.revising(intake.note_channel_event), creates=True),
    _O.RecordDetail: Route(ORDER_KIND, by_native, erp.revising(intake.record_detail), creates=True),
    _O.TakeOverOrder: Route(ORDER_KIND, by_native, takeover.take_over, creates=True),
    _O.ResurfaceOrder: Route(ORDER_KIND, by_lost_id, intake.resurface_order, creates=True),
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
    # which two parties have marked; either may withdraw it, and what has left then is recovered
    **_orders(_K.ConfirmRefund, marking.confirm_refund),
    **_orders(_K.WithdrawRefund, withdrawal.withdraw_refund),
    **_orders(_K.RecordRefundTold, withdrawal.record_refund_told),
    **_orders(_K.DisputeRefund, withdrawal.dispute_refund),
    **_orders(_K.RecordRepayment, recovery.record_repayment),
    **_orders(_K.WriteOffRecovery, recovery.write_off_recovery),
    # by line; what has not left then does not leave
    **_orders(_O.RefundUnits, line_refunds.refund_units),
    **_orders(_O.RecordPlatformRefund, line_refunds.record_platform_refund),
    **_orders(_L.StopUnits, withdrawing.stop_units),
    # or units that left are sent again
    **_orders(_L.ReissueUnits, reissues.reissue_units),
    **_orders(_L.UndoReissue, reissues.undo_reissue),
    # stock is put behind it; the last reservation, payment or lifted hold releases it
    **_stocks(_F.CountStock, stocking.count_stock),
    **_stocks(_F.ReserveStock, limiting.reserve_limited),
    **_stocks(_F.KeepReservation, stocking.keep_reservation),
    **_stocks(_F.ReleaseStock, stocking.release_stock),
    **_stocks(_F.DeductStock, stocking.deduct_stock),
    **_orders(_L.NoteReserved, reservation.note_reserved),
    **_orders(_L.NoteShortage, gifts.note_shortage),
    **_orders(_L.NoteReservationExpired, reservation.note_reservation_expired),
    # which SKUs its lines are, and what bundles are made of, the catalogue says
    _C.DefineSku: Route(SKU_KIND, by_sku_code, skus.define_sku, creates=True),
    _C.SetCost: Route(SKU_KIND, by_sku_code, skus.set_cost),
    _C.MatchOffer: Route(OFFER_KIND, by_offer, offers.match_offer, creates=True),
    _C.FindMatch: Route(OFFER_KIND, by_offer, offers.find_match, creates=True),
    **_orders(_L.NoteMatched, matching.note_matched),
    **_orders(_L.OpenBundle, matching.open_bundle),
    **_stocks(_F.SetParts, bundles.set_parts),
    # platforms are told what they may sell of it; quotas follow stock that they watch
    _Q.WatchStock: Route(STOCK_KIND, by_sku, watching.watch_stock, creates=True),
    _Q.UnwatchStock: Route(STOCK_KIND, by_sku, watching.unwatch_stock, creates=True),
    **_quotas(_Q.ListOutlet, quoting.list_outlet, creates=True),
    **_quotas(_Q.UnlistOutlet, quoting.unlist_outlet, creates=True),
    **_quotas(_Q.PushQuotas, quoting.push_quotas, creates=True),
    **_quotas(_Q.NoteParts, quoting.note_parts, creates=True),
    **_quotas(_Q.NoteAvailable, quoting.note_available, creates=True),
    **_quotas(_Q.RecordQuotaPublished, quoting.record_published, creates=True),
    # one buyer may have only so much of some
    **_stocks(_Q.SetLimit, limiting.set_limit),
    **_orders(limit_facts.AskLimit, limits.ask_limit),
    counted_facts.CountPurchase: Route(LIMIT_KIND, by_limit, purchases.count_purchase, creates=True),
    counted_facts.ReturnPurchase: Route(LIMIT_KIND, by_limit, purchases.return_purchase, creates=True),
    **_orders(limit_facts.NoteLimitExceeded, limits.note_limit_exceeded),
    # gifts that rules give; a limited rule counts what it has given
    _C.ClaimGift: Route(GIFT_KIND, by_rule, gift_count.claim_gift, creates=True),
    _C.ReturnGift: Route(GIFT_KIND, by_rule, gift_count.return_gift, creates=True),
    **_orders(_L.DropGift, gifts.drop_gift),
    # it may be held or changed until then
    **_orders(_O.PlaceHold, holds.place_hold),
    **_orders(_O.LiftHold, holds.lift_hold),
    **_orders(_O.NoteRiskAnswer, risk.note_answer),
    _G.CheckMark: Route(MARK_KIND, by_mark, marks.check_mark, creates=True),
    _G.ListMark: Route(MARK_KIND, by_mark, marks.list_mark, creates=True),
    _G.UnlistMark: Route(MARK_KIND, by_mark, marks.unlist_mark),
    **_orders(_O.ChangeAddress, holds.change_address),
    **_orders(_O.ChangeAmount, holds.change_amount),
    # warehouses send it
    **_shipments(_F.PlanShipment, shipping.plan_shipment, creates=True),
    **_shipments(_F.RecordWmsAccepted, shipping.record_wms_accepted),
    **_shipments(_F.RecordWmsRefused, waybills.tidied(shipping.record_wms_refused)),
    **_shipments(_F.RecordWmsProcess, waybills.tidied(shipping.record_wms_process)),
    **_shipments(_F.ConfirmDelivery, waybills.tidied(shipping.confirm_delivery)),
    **_shipments(_F.RecallShipment, waybills.tidied(recalling.recall_shipment)),
    **_shipments(_F.RecordRecall, waybills.tidied(recalling.record_recall)),
    **_shipments(_F.HandOverAgain, hand_again.hand_over_again),
    **_shipments(_F.RecordInterception, interception.record_interception),
    **_shipments(_F.RecordTracks, tracking.record_tracks),
    # what is signed without a track is looked into, and counted by carrier
    **_shipments(track_facts.CheckTracks, track_checking.check_tracks),
    **_shipments(track_facts.RecordTrackSearch, tracking.record_track_search),
    untracked.CountUntracked: Route(UNTRACKED_KIND, by_carrier, untracked.count, creates=True),
    untracked.UncountUntracked: Route(UNTRACKED_KIND, by_carrier, untracked.uncount),
    untracked.NoteKeyRefused: Route(UNTRACKED_KIND, by_carrier, untracked.note_key_refused, creates=True),
    # with numbers of the carrier that the seller takes; one whose parcel does not travel is given back
    **_shipments(_W.TakeWaybill, waybills.take_waybill),
    **_shipments(_W.GiveUpWaybill, waybills.give_up_waybill),
    **_shipments(_W.RecordWaybill, waybills.record_waybill),
    **_shipments(_W.RecordWaybillRefused, waybills.record_waybill_refused),
    **_shipments(_W.RecordWaybillCancelled, waybills.record_waybill_cancelled),
    **_shipments(_W.RecordWaybillPrinted, waybills.record_waybill_printed),
    # or are packed anew before they leave
    **_tables(_F.PackAnew, packing.pack_anew, creates=True),
    **_tables(_F.UndoPacking, packing.undo_packing),
    **_shipments(_F.CallBack, waybills.tidied(recalling.call_back)),
    **_tables(_F.NoteGiven, packing.note_given),
    **_tables(_F.NoteKept, packing.note_kept),
    **_tables(_F.TakeBack, packing.take_back, creates=True),
    **_stocks(_F.MoveStock, stocking.move_stock),
    **_orders(_L.NoteRepacked, delivery.note_repacked),
    # and what becomes of them
    **_orders(_L.NoteShipped, delivery.note_shipped),
    **_orders(_L.NoteSigned, delivery.note_signed),
    **_orders(_L.NoteReturned, delivery.note_returned),
    **_orders(_L.NoteShipmentStopped, delivery.note_shipment_stopped),
    # buyers want something afterwards, and are answered
    **_after_sales(_A.LookAtAfterSale, reporting.look_at_after_sale, creates=True),
    **_after_sales(_A.OpenAfterSale, reporting.open_after_sale, creates=True),
    **_after_sales(_A.RecordAfterSale, reporting.record_after_sale),
    **_after_sales(_A.NoteMatch, reporting.note_match),
    **_after_sales(_A.NotePaidBack, reporting.note_paid_back),
    **_after_sales(_A.AnswerAfterSale, answering.answer_after_sale),
    **_after_sales(_A.RecordAnswer, answering.record_answer),
    **_after_sales(_A.RecordReturnTracks, reporting.record_return_tracks),
    **_orders(_T.NoteAfterSale, after_sales.note_after_sale),
    **_orders(_T.RequestAfterSale, after_sales.request_after_sale),
    **_orders(_T.TellAfterSale, after_sales.tell_after_sale),
    **_orders(_T.SettleAfterSales, after_sales.settle_after_sales),
    # finance, which has not got it, is told again
    **_orders(milestones.TellFinanceAgain, milestones.tell_again),
    # it ends
    **_orders(_O.RecordSettlement, settling.record_settlement),
    **_orders(_O.CompleteOrder, lifecycle.complete_order),
    **_orders(_O.CancelOrder, lifecycle.cancel_order),
    **_orders(_O.NoteSystemStatus, lifecycle.note_system_status),
    **_orders(_O.NoteDone, lifecycle.note_done),
    **_orders(_O.TellAgain, again.tell_again),
    # its buyer is told, and is known to have heard it
    _N.PlanNotice: Route(NOTICE_KIND, by_event, telling.plan_notice, creates=True),
    _N.ResendNotice: Route(NOTICE_KIND, by_notice, telling.resend_notice),
    **_sendings(_N.RecordNoticeSent, telling.record_sent),
    **_sendings(_N.RecordNoticeRefused, telling.record_refused),
    **_sendings(_N.RecordNobodyThere, telling.record_nobody_there),
    **_sendings(_N.RecordReceipt, telling.record_receipt),
    # people speak of it, and look at who is behind it
    **_orders(_O.CommentOnOrder, remarks.comment_on_order),
    **_orders(_O.RevealPerson, remarks.reveal_person),
    # the people behind it are forgotten
    **_orders(_O.ErasePerson, erasure.erase_person),
    # what its channel lists as changed is read, so that nothing it did not push is missed
    _S.StartPull: Route(PULL_KIND, by_pull, pull.start_pull, creates=True),
    _S.RequestBackfill: Route(PULL_KIND, by_pull, pull.request_backfill, creates=True),
    _S.RecordListing: Route(PULL_KIND, by_pull, pull.record_listing),
    # names and tickets
    _S.ClaimAlias: Route(ALIAS_KIND, by_alias, alias.claim_alias, creates=True),
    _S.SendByAlias: Route(ALIAS_KIND, by_alias, alias.send_by_alias, creates=True),
    _S.RaiseTicket: Route(TICKET_KIND, by_subject, repair.raise_ticket, creates=True),
    _S.ResolveTicket: Route(TICKET_KIND, by_subject, repair.resolve_ticket, creates=True),
    # what the heartbeat finds: systems that see an order differently, and partners that are late
    _D.NoteDifference: Route(TICKET_KIND, by_field, dispute.note_difference, creates=True),
    _D.NoteAgreement: Route(TICKET_KIND, by_field, dispute.note_agreement),
    _D.ChooseRepair: Route(TICKET_KIND, by_subject, dispute.choose_repair),
    pulse_facts.NotePulse: Route(PULSE_KIND, by_partner, pulse.note_pulse, creates=True),
    # a partner is out as a whole, and back; what it held up is sent
    outage_facts.ReportPartnerOut: Route(OUTAGE_KIND, by_outage, outage.report_out, creates=True),
    outage_facts.ReportPartnerBack: Route(OUTAGE_KIND, by_outage, outage.report_back),
    outage_facts.RecordCompensation: Route(OUTAGE_KIND, by_outage, outage.record_compensation),
    # with which key a task calls its partner, and what a scan of all of them finds
    **_credentials(_H.PutKey, keeping.put_key, creates=True),
    **_credentials(_H.BindKey, keeping.bind_key, creates=True),
    **_credentials(_H.UnbindKey, keeping.unbind_key, creates=True),
    **_credentials(_H.ReportKeyFailed, keeping.report_failed, creates=True),
    **_credentials(_H.NoteKeyWorks, keeping.note_works),
    **_credentials(_H.NoteKeyWarmed, keeping.note_warmed),
    _H.RecordScan: Route(HEALTH_KIND, on_board, scanning.record_scan, creates=True),
    # a slot goes on after a restore
    _S.OpenEpoch: Route(SLOT_KIND, by_slot, epoch.open_epoch, creates=True),
}

_o, _r, _f, _s, _c = order_facts, refund_facts, fulfillment_facts, sync_facts, catalog_facts
_oa, _a = after_sale_facts, returns_facts

# The names are durable: cursors and watermarks are kept under them.
REACTIONS: Final[tuple[Reaction, ...]] = (
    # orders ↔ stock
    Reaction("reserve-created", _o.OrderCreated, then.reserve_created),
    Reaction("reserve-detailed", _o.OrderDetailed, then.reserve_detailed),
    Reaction("reserve-again", _o.ReservationRetried, then.reserve_again),
    Reaction("keep-reserved", _o.OrderPaid, then.keep_reserved),
    Reaction("keep-for-balance", presale_facts.DepositPaid, then.keep_reserved),
    Reaction("keep-for-cash", cod_facts.CashOnDelivery, then.keep_reserved),
    Reaction("free-stopped", _o.LinesStopped, then.free_stopped),
    Reaction("reserve-reissued", reissue_facts.UnitsReissued, then.reserve_reissued),
    Reaction("free-left-over", _o.LinesShipped, then.free_left_over),
    Reaction("free-withdrawn", withdrawn_facts.UnitsWithdrawn, withdrawn.free_withdrawn),
    Reaction("reserve-fewer", withdrawn_facts.UnitsWithdrawn, withdrawn.reserve_fewer),
    Reaction("free-left-elsewhere", takeover_facts.LinesLeftElsewhere, then.free_left_elsewhere),
    Reaction("note-reserved", _f.StockReserved, then.note_reserved),
    Reaction("note-shortage", _f.StockShort, then.note_shortage),
    Reaction("note-expired", _f.ReservationExpired, then.note_expired),
    # orders ↔ catalogue ↔ stock: what platforms sell is matched, bundles are opened
    Reaction("find-matches", match_facts.LinesUnmatched, matched.find_matches),
    Reaction("note-matched", _c.MatchFound, matched.note_matched),
    Reaction("reserve-matched", match_facts.LineMatched, matched.reserve_matched),
    Reaction("set-parts", _c.BundleDefined, matched.set_parts),
    Reaction("open-bundle", _f.BundleAsked, matched.open_bundle),
    Reaction("list-outlet", _c.OfferMatched, quotas.list_outlet),
    Reaction("watch-stock", quota_facts.StockFollowed, quotas.watch_stock),
    Reaction("watch-parts", quota_facts.PartsWatched, quotas.watch_parts),
    Reaction("note-available", quota_facts.AvailabilityTold, quotas.note_available),
    Reaction("set-limit", _c.SkuDescribed, limited.set_limit),
    Reaction("ask-limit", quota_facts.LimitFound, limited.ask_limit),
    Reaction("count-purchase", limit_facts.LimitAsked, limited.count_purchase),
    Reaction("limit-exceeded", counted_facts.PurchaseRefused, limited.note_exceeded),
    Reaction("return-purchase", _o.OrderCancelled, limited.return_cancelled),
    Reaction("gift-given", gift_facts.GiftGiven, gifted.claim_or_reserve),
    Reaction("gift-claimed", _c.GiftClaimed, gifted.reserve_claimed),
    Reaction("gift-exhausted", _c.GiftExhausted, gifted.drop_exhausted),
    Reaction("gift-dropped", gift_facts.GiftDropped, gifted.return_dropped),
    Reaction("gift-cancelled", _o.OrderCancelled, gifted.return_cancelled),
    Reaction("reserve-parts", match_facts.BundleOpened, matched.reserve_parts),
    # orders ↔ what is known of their buyers
    Reaction("check-marks", risk_facts.RiskAsked, risky.check_marks),
    Reaction("note-risk-answer", guard_facts.MarkChecked, risky.note_answer),
    # what came in too much goes back; so does the price of a cancelled order, once its goods cannot leave
    Reaction("refund-duplicated", _o.PaymentDuplicated, then.refund_surplus),
    Reaction("refund-paid-after-cancel", _o.PaidAfterCancel, then.refund_surplus),
    Reaction("refund-cancelled", _o.OrderCancelled, then.refund_cancelled),
    Reaction("refund-stopped", _o.LinesStopped, then.refund_stopped),
    Reaction("reserve-wanted-again", withdrawn_facts.UnitsWantedAgain, confirmed.reserve_again),
    # orders ↔ shipments
    Reaction("plan-shipments", _o.OrderReleased, then.plan_shipments),
    Reaction("note-shipped", _f.ShipmentDispatched, then.note_shipped),
    Reaction("deduct-dispatched", _f.ShipmentDispatched, then.deduct_dispatched),
    Reaction("note-signed", _f.ShipmentSigned, then.note_signed),
    Reaction("note-refused", _f.WmsRefused, then.note_stopped),
    Reaction("note-recalled", _f.ShipmentRecalled, then.note_stopped),
    Reaction("note-short", _f.ShipmentShort, then.note_short),
    Reaction("note-wms-said", _f.WmsProcessed, then.note_wms_said),
    Reaction("call-back-withdrawn", withdrawn_facts.UnitsWithdrawn, withdrawn.call_back),
    Reaction("undo-cancelled", _o.OrderCancelled, then.undo_cancelled),
    Reaction("turn-back", _o.ParcelsWantedBack, back.turn_back),
    Reaction("note-returned", intercept_facts.ParcelReturned, back.note_returned),
    Reaction("refund-returned", _o.LinesReturned, back.refund_returned),
    Reaction("note-carrier-said", _f.ParcelTracked, then.note_carrier_said),
    # what is called signed has a track, or is looked into
    Reaction("check-signed", _f.ShipmentSigned, tracks.warehouse_signed),
    Reaction("check-channel-signed", _o.ChannelReported, tracks.system_signed),
    Reaction("check-system-signed", _o.SystemSaid, tracks.system_signed),
    Reaction("count-untracked", track_facts.SignedWithoutTrack, tracks.count),
    Reaction("note-key-refused", health_facts.KeyFailed, tracks.key_refused),
    # buyers are told; a receipt may name its sending by the provider's number alone
    Reaction("tell-shipped", _o.LinesShipped, tell.tell_shipped),
    Reaction("tell-signed", _o.LinesSigned, tell.tell_signed),
    Reaction("tell-delayed", _o.ShipmentOverdue, tell.tell_delayed),
    Reaction("tell-cancelled", _o.OrderCancelled, tell.tell_cancelled),
    Reaction("tell-refunded", _r.RefundSucceeded, tell.tell_refunded),
    Reaction("claim-reference", notice_facts.NoticeSent, tell.claim_reference),
    Reaction("ticket-notice-missed", notice_facts.NoticeMissed, tell.notice_missed),
    Reaction("healed-notice-delivered", notice_facts.NoticeDelivered, eyes.healed),
    Reaction("healed-notice-withheld", notice_facts.NoticeWithheld, eyes.healed),
    # parcels packed anew
    Reaction("call-back-sources", _f.PackingStarted, packed.call_back_sources),
    Reaction("note-given", _f.UnitsGiven, packed.note_given),
    Reaction("note-kept", _f.CallBackRefused, packed.note_kept),
    Reaction("place-parcels", _f.ParcelsFormed, packed.place_parcels),
    Reaction("move-reserved", _f.ParcelsFormed, packed.move_reserved),
    Reaction("note-repacked", _f.ShipmentPlanned, packed.note_repacked),
    Reaction("recall-repacked", _o.LinesRepacked, packed.recall_repacked),
    # orders ↔ after-sales
    Reaction("look-at-after-sale", _oa.AfterSaleNoted, after.look_at_noted),
    Reaction("open-after-sale", _oa.AfterSaleRequested, after.open_requested),
    Reaction("record-after-sale", _oa.AfterSaleToldByBuyer, after.record_told),
    Reaction("note-after-sale", _a.AfterSaleReported, after.note_reported),
    Reaction("note-after-sale-match", _oa.AfterSalePlaced, after.note_match),
    Reaction("settle-after-sales", _r.RefundSucceeded, after.settle),
    Reaction("note-after-sale-settled", _oa.AfterSaleSettled, after.note_settled),
    Reaction("note-after-sale-not-paid", _oa.AfterSalePaidBack, after.note_not_paid_back),
    Reaction("give-up-answer", messages.EffectSkipped, after.give_up_answer),
    # what a channel lists goes to its orders, which know whether it is news
    Reaction("note-listed", pull_facts.PageListed, then.note_listed),
    Reaction("go-on-pulling", messages.EffectSkipped, then.go_on_pulling),
    # names from outside: own shops' order numbers, waybills, and what is sent by them
    Reaction("claim-client-number", _o.OrderCreated, then.claim_client_number),
    Reaction("claim-waybill", _f.ShipmentDispatched, then.claim_waybill),
    Reaction("deliver-letter", _s.LetterDelivered, then.deliver_letter),
    Reaction("claim-after-sale", _a.AfterSaleAsked, after.claim_number),
    Reaction("claim-own-after-sale", _a.AfterSaleOpened, after.claim_number),
    Reaction("claim-return-waybill", _a.AfterSaleReported, after.claim_return_waybill),
    # what needs eyes
    Reaction("ticket-order-lost", _o.OrderResurfaced, eyes.order_lost),
    Reaction("ticket-held-after-restore", _o.HeldAfterRestore, eyes.held_after_restore),
    Reaction("ticket-detail-overdue", _o.DetailOverdue, eyes.detail_overdue),
    Reaction("ticket-payment-duplicated", _o.PaymentDuplicated, eyes.payment_duplicated),
    Reaction("ticket-payment-mismatched", _o.PaymentMismatched, eyes.payment_mismatched),
    Reaction("ticket-paid-after-cancel", _o.PaidAfterCancel, eyes.paid_after_cancel),
    Reaction("ticket-refund-abnormal", _r.RefundAbnormal, eyes.refund_abnormal),
    Reaction("ticket-refund-failed", _r.RefundFailed, eyes.refund_failed),
    Reaction("ticket-refund-overdue", _r.RefundAsked, eyes.refund_overdue),
    Reaction("ticket-refund-contradicted", _r.RefundContradicted, eyes.refund_contradicted),
    Reaction("ticket-refund-unconfirmed", confirmation_facts.RefundProposed, confirmed.refund_unconfirmed),
    Reaction("ticket-refund-withdrawn", confirmation_facts.RefundWithdrawn, confirmed.refund_withdrawn),
    Reaction("ticket-recovery-open", confirmation_facts.RecoveryOpened, confirmed.recovery_open),
    Reaction("ticket-refund-disputed", confirmation_facts.RefundDisputed, confirmed.refund_disputed),
    Reaction("ticket-goods-kept", withdrawn_facts.UnitsWantedAgain, confirmed.goods_kept),
    Reaction("ticket-offer-unmatched", _c.MatchAwaited, matched.offer_unmatched),
    Reaction("ticket-line-short", _o.LineShort, eyes.line_short),
    Reaction("ticket-lines-stopped", _o.LinesStopped, eyes.lines_stopped),
    Reaction("ticket-left-after-cancel", _o.LinesShipped, eyes.left_after_cancel),
    Reaction("ticket-left-though-withdrawn", _o.LinesShipped, withdrawn.left_though_withdrawn),
    Reaction("ticket-withdrawn-in-parcel", withdrawn_facts.UnitsWithdrawn, withdrawn.in_parcel),
    Reaction("ticket-refund-of-unknown", withdrawn_facts.LinesRefunded, withdrawn.refund_of_unknown),
    Reaction("ticket-shipment-overdue", _o.ShipmentOverdue, eyes.shipment_overdue),
    Reaction("ticket-settlement", _o.SettlementMismatched, eyes.settlement_mismatched),
    Reaction("ticket-address-too-late", _o.AddressChangeTooLate, eyes.address_too_late),
    Reaction("ticket-channel-said", _o.ChannelReported, eyes.channel_said_oddly),
    Reaction("ticket-recall-failed", _f.RecallFailed, eyes.recall_failed),
    Reaction("ticket-interception-refused", intercept_facts.InterceptionRefused, eyes.interception_refused),
    Reaction("ticket-settlement-overdue", settling_facts.SettlementOverdue, eyes.settlement_overdue),
    Reaction("ticket-cash-overdue", cod_facts.CashOverdue, eyes.cash_overdue),
    Reaction("ticket-parcel-returned", _o.LinesReturned, eyes.parcel_returned),
    Reaction("ticket-stock-overdrawn", _f.StockMoved, packed.stock_overdrawn),
    Reaction("ticket-surplus", _f.ShipmentSurplus, eyes.shipment_surplus),
    Reaction("ticket-unknown-track", _f.ParcelTracked, eyes.unknown_track),
    Reaction("ticket-parcel-silent", _f.ParcelsSilent, eyes.parcel_silent),
    Reaction("ticket-signed-without-track", track_facts.SignedWithoutTrack, tracks.signed_without_track),
    Reaction("ticket-many-without-track", untracked.ManyUntracked, tracks.many_untracked),
    Reaction("ticket-track-source-silent", track_facts.TracksUnknown, tracks.source_silent),
    Reaction("ticket-claim-overdue", _s.ClaimOverdue, eyes.claim_overdue),
    Reaction("ticket-alias-contested", _s.AliasContested, eyes.alias_contested),
    Reaction("ticket-waybill-refused", waybill_facts.WaybillRefused, eyes.waybill_refused),
    Reaction("ticket-waybill-not-cancelled", waybill_facts.WaybillNotCancelled, eyes.waybill_not_cancelled),
    Reaction("ticket-after-sale-unmatched", _a.AfterSaleUnmatched, after.unmatched),
    Reaction("ticket-after-sale-overdue", _a.AfterSaleOverdue, after.overdue),
    Reaction("ticket-after-sale-not-taken", _a.AnswerNotTaken, after.not_taken),
    Reaction("ticket-after-sale-not-paid", _a.PayBackFailed, after.not_paid_back),
    Reaction("ticket-after-sale-unknown", _a.AfterSaleNotUnderstood, after.not_understood),
    Reaction("ticket-after-sale-contradicted", _a.AfterSaleContradicted, after.contradicted),
    Reaction("ticket-pulse-lags", pulse_facts.PulseLags, eyes.pulse_lags),
    Reaction("tell-again", dispute_facts.RepairTried, disputed.tell_again),
    Reaction("hand-over-again", remark_facts.ToldAgain, disputed.hand_over_again),
    Reaction("ticket-key-failed", health_facts.KeyFailed, keyed.key_failed),
    Reaction("ticket-dead-letter", messages.EffectDied, eyes.dead_letter),
    # what has healed
    Reaction("healed-after-sale", _a.AfterSaleReported, after.healed),
    Reaction("healed-after-sale-match", _a.AfterSaleMatched, after.healed),
    Reaction("healed-dead-letter-skipped", messages.EffectSkipped, eyes.dead_letter_tended),
    Reaction("healed-dead-letter-replayed", messages.EffectReplayed, eyes.dead_letter_tended),
    Reaction("healed-pulse", pulse_facts.PulseCaughtUp, eyes.healed),
    Reaction("healed-key-put", health_facts.KeyPut, keyed.mended),
    Reaction("healed-key-bound", health_facts.KeyBound, keyed.mended),
    Reaction("healed-key-recovered", health_facts.KeyRecovered, keyed.mended),
    Reaction("healed-detail", _o.OrderDetailed, eyes.healed),
    Reaction("healed-recovered", _o.OrderRecovered, eyes.healed),
    Reaction("healed-held-after-restore", _o.HoldLifted, eyes.lifted_after_restore),
    Reaction("healed-reserved", _o.LineReserved, eyes.healed),
    Reaction("healed-stopped", _o.LinesStopped, eyes.healed),
    Reaction("healed-repacked", _o.LinesRepacked, eyes.healed),
    Reaction("healed-shipped", _o.LinesShipped, eyes.healed),
    Reaction("healed-left-elsewhere", takeover_facts.LinesLeftElsewhere, eyes.healed),
    Reaction("healed-paid", _o.OrderPaid, eyes.healed),
    Reaction("healed-settled", _o.OrderSettled, eyes.healed),
    Reaction("healed-withdrawn", withdrawn_facts.UnitsWithdrawn, eyes.healed),
    Reaction("healed-cancelled", _o.OrderCancelled, eyes.healed),
    Reaction("healed-refunded", _r.RefundSucceeded, eyes.healed),
    Reaction("healed-refund-confirmed", confirmation_facts.RefundConfirmed, confirmed.no_longer_waits),
    Reaction("healed-refund-not-wanted", confirmation_facts.RefundWithdrawn, confirmed.no_longer_waits),
    Reaction("healed-wanted-again", withdrawn_facts.UnitsWantedAgain, eyes.healed),
    Reaction("healed-recovery-repaid", confirmation_facts.RecoveryRepaid, eyes.healed),
    Reaction("healed-recovery-written-off", confirmation_facts.RecoveryWrittenOff, eyes.healed),
    Reaction("healed-track-source", track_facts.TrackSourceAnswered, tracks.source_answers),
    Reaction("healed-track-turned-up", track_facts.TrackTurnedUp, tracks.turned_up),
    Reaction("healed-untracked", untracked.UntrackedOver, tracks.untracked_over),
    Reaction("healed-tracked", _f.ParcelTracked, eyes.healed),
    Reaction("healed-parcel-returned", intercept_facts.ParcelReturned, eyes.healed),
    Reaction("healed-lines-returned", _o.LinesReturned, eyes.healed),
    Reaction("healed-signed", _f.ShipmentSigned, eyes.healed),
    Reaction("healed-matched", _c.OfferMatched, eyes.healed),
    Reaction("healed-claimed", _s.AliasClaimed, eyes.healed),
    Reaction("healed-waybill-asked", waybill_facts.WaybillAsked, eyes.healed),
    Reaction("healed-waybill-got", waybill_facts.WaybillGot, eyes.healed),
    Reaction("healed-waybill-dropped", waybill_facts.WaybillDropped, eyes.healed),
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


_MODULES: Final = (
    gift_facts,
    reissue_facts,
    remark_facts,
    entry_facts,
    order_facts,
    refund_facts,
    confirmation_facts,
    after_sale_facts,
    match_facts,
    risk_facts,
    cod_facts,
    presale_facts,
    withdrawn_facts,
    takeover_facts,
    erp_facts,
    telling_facts,
    settling_facts,
    fulfillment_facts,
    hand_again_facts,
    quota_facts,
    intercept_facts,
    returns_facts,
    catalog_facts,
    guard_facts,
    counted_facts,
    limit_facts,
    outage_facts,
    waybill_facts,
    track_facts,
    untracked,
    wms_stock,
    sync_facts,
    pull_facts,
    dispute_facts,
    pulse_facts,
    notice_facts,
    books,
    health_facts,
)
FACTS: Final[dict[str, type[Fact]]] = _all(Fact, *_MODULES)
EFFECTS: Final[dict[str, type[Effect]]] = _all(Effect, *_MODULES)
