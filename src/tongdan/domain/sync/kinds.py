"""What a ticket can be about, in English and Chinese. A ticket's summary holds its figures, its kind holds the words.

A kind may carry what tells one of several apart behind a colon: `dead-letter:17.1.204.0`.
"""

from typing import Final

DETAIL_OVERDUE: Final = "detail-overdue"
PAYMENT_DUPLICATED: Final = "payment-duplicated"
PAYMENT_MISMATCHED: Final = "payment-mismatched"
PAID_AFTER_CANCEL: Final = "paid-after-cancel"
REFUND_ABNORMAL: Final = "refund-abnormal"
REFUND_FAILED: Final = "refund-failed"
REFUND_OVERDUE: Final = "refund-overdue"
REFUND_CONTRADICTED: Final = "refund-contradicted"
REFUND_UNCONFIRMED: Final = "refund-unconfirmed"
REFUND_WITHDRAWN: Final = "refund-withdrawn"
REFUND_DISPUTED: Final = "refund-disputed"
RECOVERY_OPEN: Final = "recovery-open"
GOODS_KEPT: Final = "goods-kept-back"
AFTER_SALE_UNMATCHED: Final = "after-sale-unmatched"
AFTER_SALE_OVERDUE: Final = "after-sale-overdue"
AFTER_SALE_NOT_TAKEN: Final = "after-sale-not-taken"
OFFER_UNMATCHED: Final = "offer-unmatched"
LINE_SHORT: Final = "line-short"
ORDER_LOST: Final = "order-lost"
HELD_AFTER_RESTORE: Final = "held-after-restore"
LINES_STOPPED: Final = "lines-stopped"
LEFT_AFTER_CANCEL: Final = "left-after-cancel"
LEFT_THOUGH_WITHDRAWN: Final = "left-though-withdrawn"
WITHDRAWN_IN_PARCEL: Final = "withdrawn-in-parcel"
REFUND_OF_UNKNOWN: Final = "refund-of-unknown-line"
CLAIM_OVERDUE: Final = "claim-overdue"
ALIAS_CONTESTED: Final = "alias-contested"
SETTLEMENT_MISMATCHED: Final = "settlement-mismatched"
SETTLEMENT_OVERDUE: Final = "settlement-overdue"
BILL_ROW_OPEN: Final = "bill-row-open"
BILL_MISSING: Final = "bill-missing"
FINANCE_UNMATCHED: Final = "finance-unmatched"
UNKNOWN_STATUS: Final = "unknown-status"
CHANNEL_CONTRADICTS: Final = "channel-contradicts"
ADDRESS_TOO_LATE: Final = "address-too-late"
RECALL_FAILED: Final = "recall-failed"
INTERCEPTION_REFUSED: Final = "interception-refused"
CASH_OVERDUE: Final = "cash-overdue"
PARCEL_RETURNED: Final = "parcel-returned"
SHIPMENT_SURPLUS: Final = "shipment-surplus"
STOCK_OVERDRAWN: Final = "stock-overdrawn"
SHIPMENT_OVERDUE: Final = "shipment-overdue"
PARCEL_SILENT: Final = "parcel-silent"
SIGNED_WITHOUT_TRACK: Final = "signed-without-track"
MANY_WITHOUT_TRACK: Final = "many-signed-without-track"
TRACK_SOURCE_SILENT: Final = "track-source-silent"
UNKNOWN_TRACK: Final = "unknown-track"
NOTICE_MISSED: Final = "notice-missed"
WAYBILL_REFUSED: Final = "waybill-refused"
WAYBILL_NOT_CANCELLED: Final = "waybill-not-cancelled"
WAYBILLS_EXHAUSTED: Final = "waybills-exhausted"
CREDENTIAL_FAILED: Final = "credential-failed"
CREDENTIAL_UNUSABLE: Final = "credential-unusable"
DEAD_LETTER: Final = "dead-letter"
NOT_UNDERSTOOD: Final = "not-understood"
PULSE_LAGS: Final = "pulse-lags"

WORDS: Final[dict[str, tuple[str, str]]] = {
    DETAIL_OVERDUE: ("The platform has not given the order's detail", "平台未返回订单详情"),
    PAYMENT_DUPLICATED: ("Paid twice; the second sum is owed back", "重复支付,第二笔应退还"),
    PAYMENT_MISMATCHED: (
        "The sum paid is not the sum asked for; the order is held",
        "实付与应付不符,订单已冻结",
    ),
    PAID_AFTER_CANCEL: ("Paid after it was cancelled; the sum is owed back", "取消后到账,款项应退还"),
    REFUND_ABNORMAL: (
        "The buyer's account did not take a refund: name another one in the payment provider's console",
        "退款异常,买家账户无法收款:请在支付平台商户后台改退到其他账户",
    ),
    REFUND_FAILED: (
        "A refund was refused or closed, the money is still owed: pay it back again, or another way",
        "退款被拒或已关闭,款项仍应退还:请重新退款或以其他方式退回",
    ),
    REFUND_OVERDUE: (
        "A refund has had no result for long: look it up in the payment provider's console",
        "退款长时间没有结果:请在支付平台商户后台查询",
    ),
    REFUND_CONTRADICTED: (
        "The payment provider says of a refund what cannot be: compare its bill with the order",
        "支付平台的退款结果与记录矛盾:请将其账单与订单核对",
    ),
    REFUND_UNCONFIRMED: (
        "A refund waits for the mark of finance or of the order centre",
        "退款等待财务或订单中心确认",
    ),
    REFUND_WITHDRAWN: (
        "A refund was withdrawn, but its sum is owed to the buyer all the same: pay it back again, or another way",
        "退款已撤回,但款项仍应退还买家:请重新退款或以其他方式退回",
    ),
    REFUND_DISPUTED: (
        "Finance withdraws a refund that the platform has already paid: the two have to agree",
        "财务撤回的退款已由平台退给买家:请双方核对",
    ),
    RECOVERY_OPEN: (
        "Money had left when its refund was withdrawn: recover it from the buyer, or write it off",
        "退款撤回时款项已退出:请向买家追回,或核销",
    ),
    GOODS_KEPT: (
        "Goods taken back with a refund that was withdrawn cannot go by themselves: send them again",
        "随退款撤下的商品在退款撤回后无法自动恢复发货:请手工补发",
    ),
    ORDER_LOST: (
        "Known to a partner, but its content was lost before a restore: have it sent again under this id",
        "合作方提及此订单,但其内容在恢复前丢失:请以此单号重新发送",
    ),
    HELD_AFTER_RESTORE: (
        "Back after a restore, perhaps sent before under a lost id: ask the warehouse, then lift the hold",
        "恢复后重新出现,可能已用丢失的单号发货:请先与仓库核对,再解除冻结",
    ),
    AFTER_SALE_UNMATCHED: (
        "An after-sale fits no line of its order, or asks for more than there is: compare it with the platform",
        "售后与订单商品行不符，或超出可售后的数量、金额：请与平台核对",
    ),
    AFTER_SALE_OVERDUE: (
        "Nobody has answered an after-sale in time; a platform decides by itself",
        "售后逾期未处理，平台将自动处理",
    ),
    AFTER_SALE_NOT_TAKEN: (
        "An answer to an after-sale did not take effect: look how it stands and answer again",
        "售后答复未生效：请查看其最新状态后重新处理",
    ),
    OFFER_UNMATCHED: (
        "Nobody has said which own SKU a platform's SKU is; its orders are held",
        "平台商品尚未匹配到自有 SKU,相关订单已冻结",
    ),
    LINE_SHORT: ("Sold, but not in stock", "已售出但库存不足"),
    LINES_STOPPED: ("A warehouse will not send units that are still wanted", "仓库不发货,但订单仍需要"),
    LEFT_AFTER_CANCEL: ("A parcel left although the order was cancelled", "订单已取消,包裹仍已发出"),
    LEFT_THOUGH_WITHDRAWN: (
        "Units left although their price was paid back, or they were not wanted any more",
        "已退款或不再需要的商品仍已发出",
    ),
    WITHDRAWN_IN_PARCEL: (
        "Units that are not wanted lie in a parcel with others: split them off before it leaves",
        "不再需要的商品与其他商品同在一个包裹:请在出库前拆出",
    ),
    REFUND_OF_UNKNOWN: (
        "The platform paid back lines that the order does not have",
        "平台退款的商品行不在订单中",
    ),
    ALIAS_CONTESTED: ("Two claim the same order number or waybill", "同一订单号或运单号被重复使用"),
    CLAIM_OVERDUE: ("A carrier speaks of a parcel nobody has confirmed", "承运商推送的包裹未见仓库确认"),
    SETTLEMENT_MISMATCHED: ("Finance settled another sum", "财务结算金额不符"),
    UNKNOWN_STATUS: ("The channel uses a status that its map does not know", "渠道状态未在映射表中"),
    CHANNEL_CONTRADICTS: ("The channel says what cannot be", "渠道状态与实际矛盾"),
    ADDRESS_TOO_LATE: ("The address was changed after hand-over to the warehouse", "下发仓库后才变更地址"),
    STOCK_OVERDRAWN: ("More was moved to a warehouse than is free there", "移入仓库的数量超过其可用库存"),
    RECALL_FAILED: ("Parcels could not be called back", "包裹未能拦截"),
    INTERCEPTION_REFUSED: (
        "The carrier does not turn a parcel back that nobody wants: catch it at the door",
        "承运商未能拦截不再需要的包裹:请联系收件人拒收",
    ),
    SETTLEMENT_OVERDUE: ("Signed for, and not paid out in time", "已签收但逾期未结算"),
    FINANCE_UNMATCHED: (
        "Finance counts an order that we do not have, or differs from us without a known cause",
        "财务清单中的订单本系统没有，或差异原因不明",
    ),
    BILL_MISSING: ("A bill of the payment provider does not come", "支付账单未取得"),
    BILL_ROW_OPEN: ("A row of a bill fits no order", "账单行与订单不符"),
    CASH_OVERDUE: (
        "Signed for, and the money of a cash on delivery has not come: ask the carrier",
        "货到付款订单已签收,货款逾期未到:请与承运商核对",
    ),
    PARCEL_RETURNED: (
        "A parcel came back that its buyer did not take: send it again, or cancel the order",
        "包裹未签收被退回:请重新发货或取消订单",
    ),
    SHIPMENT_SURPLUS: ("The warehouse reports units that were never asked for", "仓库上报了未要求的商品"),
    SHIPMENT_OVERDUE: ("Not shipped by the promised time", "未按承诺时间发货"),
    PARCEL_SILENT: ("The carrier has said nothing of a parcel for long", "包裹长时间没有物流轨迹"),
    SIGNED_WITHOUT_TRACK: (
        "Called signed, but no source has a track of the parcel: ask its carrier, and look whether it was told of it",
        "显示已签收,但各来源均无物流轨迹:请向承运商核实,并检查下单推送是否成功",
    ),
    MANY_WITHOUT_TRACK: (
        "Many parcels of a carrier are signed without a track at once: look at its key and at what is pushed to it",
        "同一承运商大量包裹已签收却无轨迹:请检查其密钥与推送是否正常",
    ),
    TRACK_SOURCE_SILENT: (
        "A source of tracks does not answer, so nobody knows whether parcels have one; they are judged when it is back",
        "轨迹来源无应答,包裹有无轨迹未知:来源恢复后会自动判定",
    ),
    UNKNOWN_TRACK: ("The carrier uses a code that its map does not know", "承运商状态码未在映射表中"),
    NOTICE_MISSED: (
        "A buyer was not told, or nobody knows: send the notice again, or tell them another way",
        "买家未收到通知或无法确认是否收到:请重发通知或以其他方式告知",
    ),
    WAYBILL_REFUSED: (
        "A carrier gave no number for a parcel, which waits: get one again, or leave it to the warehouse",
        "承运商拒绝发放电子面单号,包裹等待中:请重新取号,或交由仓库取号",
    ),
    WAYBILL_NOT_CANCELLED: (
        "A carrier does not cancel a number: look whether a parcel travels under it",
        "承运商未能取消运单号:请核实是否有包裹以此单号发出",
    ),
    WAYBILLS_EXHAUSTED: (
        "A carrier gives no more numbers: top up its balance, or mend the account; parcels go on by themselves",
        "电子面单余额不足或账号不可用:请充值或修复账号,等待中的包裹会自动继续",
    ),
    CREDENTIAL_FAILED: (
        "A partner does not take a key: unfreeze or renew it there and seal it again; a standby takes over by itself",
        "合作方拒绝密钥:请在合作方解冻或续期后重新录入;如有备用密钥则已自动接替",
    ),
    CREDENTIAL_UNUSABLE: (
        "A task has no key that it may call with: bind one of its environment; what waits goes on by itself",
        "任务没有可用的密钥:请绑定同环境的密钥,等待中的调用会自动继续",
    ),
    DEAD_LETTER: (
        "Something could not be told to a partner; later messages wait",
        "消息未能送达合作方,后续消息等待中",
    ),
    NOT_UNDERSTOOD: (
        "A genuine message was not understood; it is kept in quarantine",
        "真实消息未能识别,已隔离保存",
    ),
    PULSE_LAGS: (
        "Orders wait too long to be compared with a partner: look whether it answers, or raise its rate",
        "与合作方的核对已滞后:请检查其是否应答,或提高调用频率",
    ),
    "differs-presence": (
        "A system that should know the order does not",
        "应知晓此订单的系统查无此单",
    ),
    "differs-status": ("Systems see the order's status differently", "各系统的订单状态不一致"),
    "differs-amount": ("Systems have different amounts for the order", "各系统的订单金额不一致"),
    "differs-lines": ("Systems have different goods or quantities", "各系统的商品或数量不一致"),
    "differs-receiver": ("Systems have different receivers", "各系统的收件人不一致"),
    "differs-waybill": ("Systems have different waybills", "各系统的运单号不一致"),
    "differs-refund": ("Systems have refunded different sums", "各系统的退款金额不一致"),
    "parked": ("The programme could not digest a fact", "系统未能处理一条记录"),
    "reaction-refused": ("A step that should have followed was refused", "后续步骤被拒绝"),
}

# Who mends what does not mend itself; whatever is not here, operations. Of a difference its partner's terms say it.
OWNERS: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            PAYMENT_DUPLICATED, PAYMENT_MISMATCHED, PAID_AFTER_CANCEL, REFUND_ABNORMAL, REFUND_FAILED,
            REFUND_OVERDUE, REFUND_CONTRADICTED, REFUND_UNCONFIRMED, REFUND_WITHDRAWN, REFUND_DISPUTED,
            RECOVERY_OPEN, SETTLEMENT_MISMATCHED, SETTLEMENT_OVERDUE, BILL_ROW_OPEN, BILL_MISSING, CASH_OVERDUE,
            FINANCE_UNMATCHED,
        ),
        "finance",
    ),
    **dict.fromkeys(
        (
            LINES_STOPPED, LEFT_THOUGH_WITHDRAWN, WITHDRAWN_IN_PARCEL, SHIPMENT_SURPLUS, STOCK_OVERDRAWN,
            RECALL_FAILED, WAYBILL_REFUSED, WAYBILL_NOT_CANCELLED, CLAIM_OVERDUE, SHIPMENT_OVERDUE,
        ),
        "warehouse",
    ),
    **dict.fromkeys(
        (
            AFTER_SALE_UNMATCHED, AFTER_SALE_OVERDUE, AFTER_SALE_NOT_TAKEN, ADDRESS_TOO_LATE, GOODS_KEPT,
            INTERCEPTION_REFUSED, PARCEL_RETURNED, PARCEL_SILENT, SIGNED_WITHOUT_TRACK, NOTICE_MISSED,
        ),
        "service",
    ),
}  # fmt: skip


def matter_of(kind: str) -> str:
    """A kind without what it carries behind its colon."""
    return kind.partition(":")[0]


def owner_of(kind: str) -> str:
    """The role that a ticket of this kind waits for."""
    return OWNERS.get(matter_of(kind), "operations")


def words_of(kind: str) -> tuple[str, str]:
    """English and Chinese for a kind, whatever it carries behind its colon; an unknown kind stands for itself."""
    return WORDS.get(matter_of(kind), (kind, kind))
