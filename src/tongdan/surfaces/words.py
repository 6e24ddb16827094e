"""What codes and facts are called when a person reads them, in English and Chinese.

A fact's sentence is a template over its own fields. Units stand last in names (`amount_fen`, `paid_at`), so one rule
turns every field into what a person reads: yuan, kilograms, the time in UTC+8.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleStage
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.domain.kernel.status import Status
from tongdan.domain.notices.model import NoticeStage
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.returns.facts import Answer

Language = Literal["en", "zh"]

STATUSES: Final[Mapping[Status, tuple[str, str]]] = {
    Status.ANNOUNCED: ("announced", "已知悉"),
    Status.CREATED: ("created", "待付款"),
    Status.PAID: ("paid", "已付款"),
    Status.RELEASED: ("released", "已下发"),
    Status.SHIPPED: ("shipped", "已发货"),
    Status.SIGNED: ("signed", "已签收"),
    Status.SETTLED: ("settled", "已结算"),
    Status.COMPLETED: ("completed", "已完成"),
    Status.CANCELLED: ("cancelled", "已取消"),
    Status.REFUND_PENDING: ("refund pending", "退款中"),
    Status.REFUNDED: ("refunded", "已退款"),
    Status.RETURNING: ("returning", "退货中"),
    Status.EXCHANGED: ("exchanged", "已换货"),
}

REFUND_STAGES: Final[Mapping[RefundStage, tuple[str, str]]] = {
    RefundStage.REQUESTED: ("asked for", "已发起"),
    RefundStage.ACCEPTED: ("on its way", "处理中"),
    RefundStage.ABNORMAL: ("not taken by the buyer's account", "异常，未能入账"),
    RefundStage.SUCCEEDED: ("back", "已退回"),
    RefundStage.FAILED: ("failed, still owed", "失败，仍应退"),
    RefundStage.HELD: ("waits for its confirmation", "待确认"),
    RefundStage.WITHDRAWN: ("withdrawn", "已撤回"),
}

NOTICE_STAGES: Final[Mapping[NoticeStage, tuple[str, str]]] = {
    NoticeStage.WAITING: ("waits for the end of quiet hours", "等待免打扰时段结束"),
    NoticeStage.SENDING: ("being sent", "发送中"),
    NoticeStage.SENT: ("sent", "已发送"),
    NoticeStage.DELIVERED: ("delivered", "已送达"),
    NoticeStage.FAILED: ("failed", "失败"),
    NoticeStage.UNKNOWN: ("nobody knows", "结果未知"),
    NoticeStage.WITHHELD: ("withheld", "不发送"),
}

NOTICE_KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "shipped": ("shipped", "已发货"),
    "signed": ("signed for", "已签收"),
    "refunded": ("refunded", "已退款"),
    "delayed": ("delayed", "延迟发货"),
    "cancelled": ("cancelled", "已取消"),
}

AFTER_SALE_KINDS: Final[Mapping[AfterSaleKind, tuple[str, str]]] = {
    AfterSaleKind.REFUND_ONLY: ("refund only", "仅退款"),
    AfterSaleKind.RETURN_REFUND: ("return and refund", "退货退款"),
    AfterSaleKind.EXCHANGE: ("exchange", "换货"),
    AfterSaleKind.REISSUE: ("reissue", "补寄"),
    AfterSaleKind.REPAIR: ("repair", "维修"),
    AfterSaleKind.PRICE_PROTECTION: ("price protection", "价保"),
}

AFTER_SALE_STAGES: Final[Mapping[AfterSaleStage, tuple[str, str]]] = {
    AfterSaleStage.APPLIED: ("to be answered", "待商家处理"),
    AfterSaleStage.REFUSED: ("refused", "商家已拒绝"),
    AfterSaleStage.INTERVENED: ("with the platform", "平台介入"),
    AfterSaleStage.AWAITING_RETURN: ("agreed, goods to be sent back", "已同意，待买家退货"),
    AfterSaleStage.RETURNING: ("goods on their way back", "买家已退货"),
    AfterSaleStage.RECEIVED: ("goods back, to be confirmed", "退货已到，待确认"),
    AfterSaleStage.RESENDING: ("replacement to be sent", "待商家发货"),
    AfterSaleStage.RESENT: ("replacement on its way", "商家已发货"),
    AfterSaleStage.REFUNDING: ("money on its way", "退款中"),
    AfterSaleStage.CLOSED: ("closed", "已关闭"),
    AfterSaleStage.EXCHANGED: ("replaced", "已换补"),
    AfterSaleStage.REFUNDED: ("refunded", "已退款"),
}

ANSWERS: Final[Mapping[Answer, tuple[str, str]]] = {
    Answer.AGREE: (
        "agree: the buyer sends the goods to the return address",
        "同意：买家将商品寄往退货地址",
    ),
    Answer.REFUND: (
        "refund: the platform pays the buyer back; cannot be undone",
        "同意退款：平台退款给买家，不可撤销",
    ),
    Answer.REFUSE: (
        "refuse: the buyer may change it or call the platform",
        "拒绝：买家可修改申请或申请平台介入",
    ),
    Answer.SEND: ("send: the waybill of a replacement is told", "发货：回传换货或补寄的运单号"),
}

FACTS: Final[Mapping[str, tuple[str, str]]] = {
    "OrderAnnounced": ("{channel} spoke of order {native}", "{channel} 首次提到订单 {native}"),
    "OrderCreated": ("order placed, {amount} yuan", "下单，{amount} 元"),
    "OrderResurfaced": (
        "named by a partner; its content was lost with a restore",
        "合作方提及；内容在恢复时丢失",
    ),
    "HeldAfterRestore": ("held: it may have been sent under a lost id", "已冻结：可能已用丢失的单号发货"),
    "OrderRecovered": ("its content is known again", "内容已找回"),
    "OrderDetailed": ("the channel gave the whole order, {amount} yuan", "取得渠道订单详情，{amount} 元"),
    "DetailOverdue": ("the channel's detail did not come in time", "渠道订单详情逾期未到"),
    "ChannelReported": ("the channel says {native_status} ({event})", "渠道状态 {native_status}（{event}）"),
    "PaymentRequested": ("payment attempt {attempt} by {method}", "第 {attempt} 次支付，方式 {method}"),
    "PrepayIssued": ("attempt {attempt} may be paid", "第 {attempt} 次支付已预下单"),
    "PaymentFailed": ("attempt {attempt} failed: {reason}", "第 {attempt} 次支付失败：{reason}"),
    "OrderPaid": ("paid, {amount} yuan", "已付款 {amount} 元"),
    "PresaleAgreed": (
        "presale: a deposit of {deposit} yuan, the balance by {balance_by}",
        "预售：定金 {deposit} 元，尾款须在 {balance_by} 前付清",
    ),
    "DepositPaid": ("deposit paid, {amount} yuan", "定金已付 {amount} 元"),
    "BalancePaid": ("balance paid, {amount} yuan", "尾款已付 {amount} 元"),
    "CashOnDelivery": ("cash on delivery: it ships before it is paid", "货到付款：先发货后收款"),
    "CashOverdue": ("{amount} yuan of a cash on delivery have not come", "货到付款 {amount} 元逾期未到账"),
    "PaymentAwaited": ("after a restore, a payment is waited for", "恢复后继续等待付款通知"),
    "PaymentDuplicated": ("paid a second time, {amount} yuan owed back", "重复付款，应退 {amount} 元"),
    "PaymentMismatched": ("paid {amount} instead of {expected} yuan", "实付 {amount} 元，应付 {expected} 元"),
    "PaidAfterCancel": (
        "paid after it was cancelled, {amount} yuan owed back",
        "取消后付款，应退 {amount} 元",
    ),
    "RefundRequested": (
        "refund R{refund} of {amount} yuan asked for: {reason}",
        "发起退款 R{refund}，{amount} 元：{reason}",
    ),
    "RefundAccepted": ("refund R{refund} is on its way", "退款 R{refund} 处理中"),
    "RefundAsked": ("the result of refund R{refund} was asked for", "已查询退款 R{refund} 的结果"),
    "RefundSucceeded": (
        "refund R{refund}: the buyer has {amount} yuan back",
        "退款 R{refund} 成功，已退 {amount} 元",
    ),
    "RefundAbnormal": (
        "refund R{refund}: the buyer's account did not take {amount} yuan",
        "退款 R{refund} 异常，{amount} 元未能入账",
    ),
    "RefundFailed": (
        "refund R{refund} failed, {amount} yuan still owed: {reason}",
        "退款 R{refund} 失败，{amount} 元仍应退：{reason}",
    ),
    "RefundContradicted": (
        "the payment provider says of refund R{refund} what cannot be: {stage}, {amount} yuan",
        "支付平台对退款 R{refund} 的说法与记录矛盾：{stage}，{amount} 元",
    ),
    "RefundProposed": (
        "refund R{refund} of {amount} yuan proposed, finance and the order centre have to mark it: {reason}",
        "提出退款 R{refund}，{amount} 元，须由财务与订单中心双方确认：{reason}",
    ),
    "RefundMarked": ("refund R{refund} marked by {by} for {party}", "{by} 代表 {party} 确认退款 R{refund}"),
    "RefundConfirmed": (
        "refund R{refund}: both parties have marked it, the money goes at {due_at}",
        "退款 R{refund} 双方均已确认，将于 {due_at} 执行",
    ),
    "RefundAnnounced": (
        "refund R{refund}: {partner} is told {word}",
        "退款 R{refund}：告知 {partner} {word}",
    ),
    "RefundTold": ("refund R{refund}: {partner} has heard {word}", "退款 R{refund}：{partner} 已收到 {word}"),
    "RefundWithdrawn": (
        "refund R{refund} of {amount} yuan withdrawn by {by} for {party}: {reason}",
        "{by} 代表 {party} 撤回退款 R{refund}，{amount} 元：{reason}",
    ),
    "RefundCalledOff": (
        "refund R{refund}: the provider has not done it, {amount} yuan never left",
        "退款 R{refund} 支付平台未执行，{amount} 元未退出",
    ),
    "RefundUndone": ("refund R{refund} is undone everywhere", "退款 R{refund} 已在各系统撤销"),
    "RecoveryOpened": (
        "refund R{refund}: {amount} yuan had left and are to be recovered",
        "退款 R{refund}：{amount} 元已退出，须追回",
    ),
    "RecoveryRepaid": (
        "refund R{refund}: {amount} yuan recovered, {reference}",
        "退款 R{refund}：已追回 {amount} 元，{reference}",
    ),
    "RecoveryWrittenOff": (
        "refund R{refund}: {amount} yuan written off by {by}: {reason}",
        "退款 R{refund}：{by} 核销 {amount} 元：{reason}",
    ),
    "RefundDisputed": (
        "finance withdraws {reference}, {amount} yuan that the platform has paid back: {reason}",
        "财务撤回平台已退的 {reference}，{amount} 元：{reason}",
    ),
    "UnitsWantedAgain": ("units are to leave after all, {reason}", "商品恢复发货，{reason}"),
    "UnitsWithdrawn": (
        "units that have not left are not to leave: {reason}",
        "未发出的商品不再发出：{reason}",
    ),
    "LinesRefunded": ("{amount} yuan go back for lines: {reason}", "按商品行退款 {amount} 元：{reason}"),
    "GiftsAwaited": ("gift rules are asked when all lines are matched", "全部商品匹配后再判定赠品"),
    "GiftGiven": ("gift rule {rule} gives, {times} time(s)", "赠品规则 {rule} 赠送 {times} 次"),
    "GiftDropped": ("the gift of rule {rule} is not given: {reason}", "赠品规则 {rule} 未赠送：{reason}"),
    "GiftClaimed": ("{times} given to {order}", "赠予 {order}，{times} 次"),
    "GiftExhausted": ("nothing is left for {order}", "赠品已送完，{order} 未获赠"),
    "GiftReturned": ("{order} gives its share back", "{order} 退回其份额"),
    "UnitsReissued": ("reissue {reissue}: units are sent again, {reason}", "第 {reissue} 次补发：{reason}"),
    "ReissueUndone": ("reissue {reissue} undone: {reason}", "撤销第 {reissue} 次补发：{reason}"),
    "LinesUnmatched": (
        "held: nobody has said which own SKUs some lines are",
        "已冻结：部分商品行尚未匹配自有 SKU",
    ),
    "LineMatched": ("line {line}: it is {sku}", "第 {line} 行：匹配为 {sku}"),
    "BundleOpened": ("line {line}: the bundle's parts take its place", "第 {line} 行：组合装已拆为单品"),
    "LineReserved": (
        "line {line}: {units} reserved in {warehouse}",
        "第 {line} 行：{warehouse} 占用 {units} 件",
    ),
    "LineShort": (
        "line {line}: {units} wanted, {available} there",
        "第 {line} 行：需 {units}，可用 {available}",
    ),
    "LineReservationExpired": ("line {line}: reservation expired", "第 {line} 行：占用已过期"),
    "ReservationRetried": ("stock asked for again", "重新请求占用库存"),
    "OrderReleased": ("handed to the warehouses", "已下发仓库"),
    "LinesShipped": ("{shipment} left with {carrier} {waybill}", "{shipment} 已发出，{carrier} {waybill}"),
    "LinesLeftElsewhere": (
        "{system} had sent it with {carrier} {waybill}",
        "此前已由 {system} 发出，{carrier} {waybill}",
    ),
    "LinesSigned": ("{shipment} signed for", "{shipment} 已签收"),
    "LinesStopped": ("{shipment} will not be sent: {reason}", "{shipment} 不再发出：{reason}"),
    "NewsCameEarly": (
        "news of parcels not known yet, kept until they are",
        "提前到达的包裹消息，待包裹可识别后生效",
    ),
    "OrderSettled": ("settled, {amount} yuan, {reference}", "已结算 {amount} 元，{reference}"),
    "SettlementBooked": ("finance has booked the settlement ({reference})", "财务已入账结算（{reference}）"),
    "SettlementOverdue": (
        "{expected} yuan were to be paid out by {settle_by}",
        "应于 {settle_by} 前结算 {expected} 元，逾期",
    ),
    "MilestoneRetold": (
        "finance is told again: {milestone} ({reason})",
        "再次通知财务：{milestone}（{reason}）",
    ),
    "SettlementMismatched": (
        "finance settled {amount} instead of {expected} yuan",
        "财务结算 {amount} 元，应为 {expected} 元",
    ),
    "ErpRevised": (
        "the ERP is told what has changed (revision {revision})",
        "已向 ERP 发送变更（第 {revision} 版）",
    ),
    "OrderCompleted": ("completed", "已完成"),
    "OrderCancelled": ("cancelled by {by}: {reason}", "已取消（{by}）：{reason}"),
    "AddressChanged": ("address changed", "地址已变更"),
    "AddressChangeTooLate": ("address changed after hand-over", "下发后才变更地址"),
    "AmountChanged": ("amount changed to {amount} yuan: {reason}", "金额改为 {amount} 元：{reason}"),
    "PersonErased": ("personal data erased", "个人信息已删除"),
    "OrderEntered": ("entered by hand: {reason}", "手工录入：{reason}"),
    "OrderCommented": ("{text}", "{text}"),
    "PersonRevealed": ("personal data was shown in the open", "查看了未打码的个人信息"),
    "HoldPlaced": ("held: {hold} {note}", "挂起：{hold} {note}"),
    "HoldLifted": ("hold lifted: {hold} {note}", "解除挂起：{hold} {note}"),
    "RiskAsked": ("held until its buyer's history is known", "已挂起：正在核查买家记录"),
    "RiskAnswered": ("the buyer's history was looked up", "已核查买家记录"),
    "HeldByRule": ("held: {hold}, {why} {note}", "挂起：{hold}，{why_zh} {note}"),
    "MarkChecked": ("the buyer of {order} was looked up", "已核查 {order} 的买家记录"),
    "MarkListed": ("on the blacklist: {reason}", "已列入黑名单：{reason}"),
    "KeyPut": (
        "key {key} of {task} sealed by {by}, {environment}",
        "{by} 录入 {task} 的密钥 {key}（{environment}）",
    ),
    "KeyBound": (
        "{task} calls with key {key}, before {before}: {by}, {reason}",
        "{by} 将 {task} 的密钥由 {before} 换为 {key}：{reason}",
    ),
    "KeyUnbound": (
        "{task} calls with no key, before {before}: {by}, {reason}",
        "{by} 解除 {task} 与密钥 {before} 的绑定：{reason}",
    ),
    "KeyFailed": (
        "{partner} does not take key {key} of {task}: {error}",
        "{partner} 拒绝 {task} 的密钥 {key}：{error}",
    ),
    "KeySwitched": ("key {key} takes over from {before} for {task}", "{task} 的备用密钥 {key} 接替 {before}"),
    "KeyRecovered": ("key {key} of {task} is taken again", "{task} 的密钥 {key} 恢复可用"),
    "KeyWarmed": ("a call kept key {key} of {task} warm", "已为 {task} 的密钥 {key} 保活调用一次"),
    "HealthScanned": ("health scan {no} by {by}, {fine} fine", "{by} 的第 {no} 次健康巡检，{fine} 项正常"),
    "MarkUnlisted": ("off the blacklist: {reason}", "已移出黑名单：{reason}"),
    "SystemSaid": ("{system} says {native_status}", "{system} 状态 {native_status}"),
    "AfterSaleNoted": ("the channel speaks of after-sale {number} (A{no})", "渠道提到售后 {number}（A{no}）"),
    "AfterSaleRequested": (
        "A{no}: the buyer applies for {kind}, {amount} yuan, under {number}",
        "A{no}：买家申请 {kind}，{amount} 元，编号 {number}",
    ),
    "AfterSaleToldByBuyer": ("A{no}: the buyer says {stage}", "A{no}：买家告知 {stage}"),
    "AfterSaleMoved": ("A{no}: {kind}, {stage}, {amount} yuan", "A{no}：{kind}，{stage}，{amount} 元"),
    "AfterSalePlaced": ("A{no} is placed on the lines {problem}", "A{no} 已对应到商品行 {problem}"),
    "AfterSalePaidBack": ("A{no}: its money is asked for {problem}", "A{no}：已发起退款 {problem}"),
    "AfterSaleSettled": ("A{no}: its money is back", "A{no}：款项已退回"),
    "AfterSaleAsked": ("the channel was asked how {number} stands", "已向渠道查询售后 {number}"),
    "AfterSaleOpened": ("after-sale {number} opened", "售后 {number} 已建立"),
    "AfterSaleReported": (
        "{kind}: {stage} ({native_stage}), {amount} yuan, to be answered by {decide_by}",
        "{kind}：{stage}（{native_stage}），{amount} 元，处理期限 {decide_by}",
    ),
    "AfterSaleNotUnderstood": (
        "the channel says {native_kind} {native_stage}, which its map does not know",
        "渠道售后状态 {native_kind} {native_stage} 未在映射表中",
    ),
    "AfterSaleContradicted": (
        "the channel says {stage} ({native_stage}) of what had ended otherwise",
        "渠道称 {stage}（{native_stage}），但此售后已另行结束",
    ),
    "AfterSaleMatched": ("it is about these units of its order", "已对应到订单的商品件数"),
    "AfterSaleUnmatched": ("it does not fit its order: {problem}", "与订单不符：{problem}"),
    "AfterSaleOverdue": ("not answered by {decide_by}", "未在 {decide_by} 前处理"),
    "AnswerAsked": (
        "answer {no}: {answer} {reason} {note} {carrier} {waybill}",
        "第 {no} 次答复：{answer} {reason} {note} {carrier} {waybill}",
    ),
    "AnswerTaken": ("answer {no}, {answer}, was taken", "第 {no} 次答复 {answer} 已生效"),
    "AnswerNotTaken": (
        "answer {no}, {answer}, was not taken: {error}",
        "第 {no} 次答复 {answer} 未生效：{error}",
    ),
    "PayBackFailed": ("its money could not be sent back: {problem}", "款项未能退回：{problem}"),
    "ReturnTracked": (
        "coming back, {carrier} {waybill}: {code} {status}",
        "退货 {carrier} {waybill}：{code} {status}",
    ),
    "ShipmentOverdue": ("not shipped by {ship_by}", "未在 {ship_by} 前发货"),
    "ShipmentPlanned": ("shipment planned in {warehouse}", "计划由 {warehouse} 发货"),
    "WmsAccepted": ("the warehouse accepted it as {wms_order}", "仓库已接单 {wms_order}"),
    "WmsRefused": ("the warehouse refused it: {reason}", "仓库拒单：{reason}"),
    "WmsProcessed": ("the warehouse says {status}", "仓库作业 {status}"),
    "ShipmentDispatched": (
        "parcel left {warehouse}, {carrier} {waybill}, {weight} kg",
        "包裹离开 {warehouse}，{carrier} {waybill}，{weight} 千克",
    ),
    "ShipmentSigned": ("parcel signed for", "包裹已签收"),
    "ParcelTracked": ("{carrier} {waybill}: {code} {status}", "{carrier} {waybill}：{code} {status}"),
    "TracksAsked": ("the carrier was asked where it is", "已向承运商查询轨迹"),
    "ParcelsSilent": ("the carrier says nothing more", "承运商长时间没有轨迹"),
    "TrackCheckOpened": (
        "{by} says signed, but no track is known: sources are asked at {ask_at}",
        "{by} 显示已签收但无物流轨迹：将于 {ask_at} 向各来源查询",
    ),
    "TrackSourcesAsked": ("sources were asked for a track", "已向各来源查询物流轨迹"),
    "TrackSourceAnswered": ("{source} answered", "{source} 已应答"),
    "SignedWithoutTrack": (
        "{carrier} {waybill} is signed, by {by}, without a track anywhere",
        "{carrier} {waybill} 已由 {by} 显示签收，但各来源均无轨迹",
    ),
    "TracksUnknown": ("sources do not answer; the track is unknown", "来源无应答，轨迹未知"),
    "TrackTurnedUp": ("{carrier} {waybill} has a track", "{carrier} {waybill} 已有轨迹"),
    "UntrackedCounted": (
        "{carrier} {waybill} is signed without a track",
        "{carrier} {waybill} 已签收却无轨迹",
    ),
    "UntrackedUncounted": ("{carrier} {waybill} has a track again", "{carrier} {waybill} 轨迹已补齐"),
    "ManyUntracked": (
        "{parcels} parcels of {carrier} are signed without a track, the first at {first_at}; {key} {error}",
        "{carrier} 有 {parcels} 个包裹已签收却无轨迹，最早 {first_at}；{key} {error}",
    ),
    "UntrackedOver": ("all parcels of {carrier} have their tracks", "{carrier} 的包裹轨迹已全部补齐"),
    "KeyRefusalNoted": (
        "{carrier} did not take {key} at {refused_at}: {error}",
        "{carrier} 于 {refused_at} 拒绝了 {key}：{error}",
    ),
    "ShipmentShort": ("the warehouse sent less than planned", "仓库少发"),
    "ShipmentSurplus": ("the warehouse reports more than planned", "仓库多发"),
    "WaybillAsked": ("{carrier} is asked for a number ({key})", "已向 {carrier} 取号（{key}）"),
    "WaybillGot": ("{carrier} gave the number {waybill}", "已取得 {carrier} 运单号 {waybill}"),
    "WaybillRefused": ("{carrier} gave no number: {reason}", "{carrier} 拒绝发号：{reason}"),
    "WaybillLeft": ("the warehouse takes the number itself: {reason}", "改由仓库取号：{reason}"),
    "WaybillDropped": (
        "the number {waybill} of {carrier} is not used: {reason}",
        "{carrier} 运单号 {waybill} 不再使用：{reason}",
    ),
    "WaybillCancelled": ("{carrier} cancelled the number {waybill}", "{carrier} 已取消运单号 {waybill}"),
    "WaybillNotCancelled": (
        "{carrier} does not cancel the number {waybill}: {reason}",
        "{carrier} 未能取消运单号 {waybill}：{reason}",
    ),
    "WaybillPrinted": ("the label of {waybill} was given out ({form})", "已输出 {waybill} 的面单（{form}）"),
    "RecallRequested": ("recall asked for: {reason}", "请求拦截：{reason}"),
    "ShipmentRecalled": ("recalled: {reason}", "已拦截：{reason}"),
    "RecallFailed": ("could not be recalled: {reason}", "拦截失败：{reason}"),
    "InterceptionAsked": (
        "{carrier} was asked to turn {waybill} back",
        "已请 {carrier} 拦截退回 {waybill}",
    ),
    "InterceptionAccepted": ("the carrier turns {waybill} back", "承运商同意拦截退回 {waybill}"),
    "InterceptionRefused": (
        "the carrier does not turn {waybill} back: {reason}",
        "承运商未能拦截 {waybill}：{reason}",
    ),
    "ParcelReturned": ("parcel {waybill} is back", "包裹 {waybill} 已退回"),
    "LinesReturned": ("parcel {dispatch} came back unsigned", "包裹 {dispatch} 未签收已退回"),
    "ParcelsWantedBack": ("what has left is to be turned back: {reason}", "已发出的包裹需要拦截：{reason}"),
    "CalledBack": ("called back to be packed anew", "为重新打包而召回"),
    "CallBackRefused": ("is not packed anew: {reason}", "不重新打包：{reason}"),
    "UnitsGiven": (
        "what is left of it goes to the packing table of {packing}",
        "剩余商品转到 {packing} 的打包台",
    ),
    "PackingStarted": ("packing anew, job {job}: {what}", "第 {job} 次重新打包：{what}"),
    "UnitsCollected": (
        "job {job}: {source} was called back from {warehouse}",
        "第 {job} 次：{source} 已从 {warehouse} 召回",
    ),
    "SourceKept": (
        "job {job}: {source} goes as it is, {reason}",
        "第 {job} 次：{source} 照原样发出，{reason}",
    ),
    "ParcelsFormed": ("job {job}: the new parcels are formed", "第 {job} 次：新包裹已形成"),
    "LinesRepacked": ("its lines lie in {shipment} now", "商品现在 {shipment} 中"),
    "StockMoved": (
        "{units} of {order} moved from {origin} to {warehouse}",
        "{order} 的 {units} 件从 {origin} 移到 {warehouse}",
    ),
    "StockWatched": ("quotas of {watcher} follow this stock", "{watcher} 的配额跟随此库存"),
    "StockUnwatched": ("quotas of {watcher} follow it no longer", "{watcher} 的配额不再跟随此库存"),
    "PartsWatched": ("a bundle: its quotas follow its parts", "组合装：配额跟随其单品库存"),
    "AvailabilityTold": ("what is available was told to the quotas", "已将可售数量告知配额"),
    "OutletListed": ("{sku} is sold in one more place", "{sku} 新增一个销售渠道商品"),
    "OutletUnlisted": ("{sku} is no longer sold in one place", "{sku} 减少一个销售渠道商品"),
    "StockFollowed": ("quotas of {sku} follow its stock", "{sku} 的配额开始跟随库存"),
    "PartsNoted": ("what {sku} is made of is known", "已知 {sku} 的组合内容"),
    "AvailabilityNoted": ("the stock of {part} has changed", "{part} 的库存有变化"),
    "QuotasSet": ("new quotas of {sku} are sent to platforms", "向平台发送 {sku} 的新配额"),
    "QuotaPublished": ("{outlet} offers {units}", "{outlet} 可售 {units} 件"),
    "LimitSet": (
        "one buyer may have {limit_units} (0: any number)",
        "每位买家限购 {limit_units} 件（0 为不限）",
    ),
    "LimitFound": (
        "{order}: {units} wanted, one buyer may have {limit_units}",
        "{order}：购买 {units}，限购 {limit_units}",
    ),
    "LimitAsked": (
        "line {line}: {units} of {sku} are to be counted, {limit_units} at most",
        "第 {line} 行：{sku} 购买 {units}，限购 {limit_units}",
    ),
    "LimitExceeded": (
        "one buyer may have {limit_units} of {sku} in all",
        "{sku} 每位买家限购 {limit_units} 件，已超出",
    ),
    "PurchaseCounted": ("{units} counted for {order}", "{order} 计入 {units} 件"),
    "PurchaseRefused": (
        "{order}: {units} more than {had_units} would be over {limit_units}",
        "{order}：已购 {had_units} 件，再购 {units} 件将超过限购 {limit_units} 件",
    ),
    "PurchaseReturned": ("{order} gives its units back", "{order} 退回其计数"),
    "StockCounted": ("{on_hand} on hand in {warehouse}", "{warehouse} 在库 {on_hand}"),
    "StockReserved": (
        "{units} reserved for {order} in {warehouse}",
        "为 {order} 在 {warehouse} 占用 {units}",
    ),
    "StockShort": ("{units} wanted for {order}, {available} there", "{order} 需 {units}，可用 {available}"),
    "ReservationKept": ("reservation of {order} kept", "{order} 的占用转为长期"),
    "StockReleased": ("{units} freed by {order}", "{order} 释放 {units}"),
    "ReservationExpired": ("reservation of {order} expired, {units}", "{order} 的占用过期，{units}"),
    "StockDeducted": ("{units} left {warehouse} for {order}", "{order} 从 {warehouse} 出库 {units}"),
    "PartsSet": ("{sku}: its parts as a bundle are set", "{sku} 的组合单品已更新"),
    "BundleAsked": (
        "{order} asks for the bundle, and is told its parts",
        "{order} 需要该组合装，已告知其单品",
    ),
    "SkuDescribed": ("{sku} described", "{sku} 资料已更新"),
    "SkuCosted": ("{sku}: what it costs", "{sku} 的成本已更新"),
    "BundleDefined": ("{sku}: what it is made of", "{sku} 的组合内容已更新"),
    "OfferSeen": ("{channel} {shop} sells {offer}: {title}", "{channel} {shop} 在售 {offer}：{title}"),
    "OfferMatched": ("{offer} is {sku}", "{offer} 匹配为 {sku}"),
    "MatchAwaited": ("{order} waits for a match", "{order} 等待匹配"),
    "MatchFound": ("lines were told that they are {sku}", "已通知商品行：为 {sku}"),
    "AliasClaimed": ("{alias} leads to {order}", "{alias} 指向 {order}"),
    "AliasContested": ("{alias} is claimed twice, {holder} keeps it", "{alias} 重复，归 {holder}"),
    "LetterParked": ("{source} spoke of it before it was known", "{source} 提前推送，待认领"),
    "LetterDelivered": ("passed on to {to}", "转给 {to}"),
    "NoticePlanned": ("the buyer is to be told: {kind}", "将通知买家：{kind}"),
    "NoticeSending": ("sending {no} by {means}", "第 {no} 次发送，方式 {means}"),
    "NoticeSent": ("sending {no}: {means} took it as {reference}", "第 {no} 次：{means} 已受理 {reference}"),
    "NoticeReceiptAsked": ("sending {no}: its receipt was asked for", "第 {no} 次：已查询回执"),
    "NoticeDelivered": ("sending {no}: the buyer has it", "第 {no} 次：买家已收到"),
    "NoticeMissed": ("sending {no} by {means}: {reason}", "第 {no} 次，方式 {means}：{reason}"),
    "NoticeWithheld": ("not sent: {reason}", "不发送：{reason}"),
    "NoticeResent": ("to be sent again: {reason}", "重新发送：{reason}"),
    "EpochOpened": ("restored from {backup}", "由备份 {backup} 恢复"),
    "PullStarted": ("what the channel changed is read from {read_to} on", "自 {read_to} 起拉取渠道变更"),
    "PullStopped": ("the channel is no longer asked", "已停止拉取渠道变更"),
    "BackfillQueued": ("to be read again: {since} to {until}", "待回补:{since} 至 {until}"),
    "PageAsked": ("the channel was asked what it changed", "已向渠道查询变更"),
    "PageListed": ("the channel listed what it changed", "渠道已返回变更列表"),
    "ClaimOverdue": ("nobody has claimed it in time", "逾期无人认领"),
    "TicketRaised": ("ticket {kind}: {summary}", "工单 {kind}：{summary}"),
    "TicketResolved": ("ticket {kind} resolved: {evidence}", "工单 {kind} 已解决：{evidence}"),
    "DifferenceFound": (
        "{partner} differs in {field}: {theirs}, here {ours}",
        "{partner} 的{field}不一致:对方 {theirs},本系统 {ours}",
    ),
    "RepairTried": ("repair {no} towards {partner}: {repair}", "第 {no} 次修复({partner}):{repair}"),
    "RepairGivenUp": ("{partner} still differs: left to {owner}", "{partner} 仍不一致,转交 {owner}"),
    "RepairChosen": ("chosen for {partner}: {choice} {reason}", "对 {partner} 选择 {choice} {reason}"),
    "SideAgrees": ("{partner} agrees at {seen_at}", "{partner} 于 {seen_at} 已一致"),
    "WmsToldAgain": ("the warehouse was told again: {what}", "已重新告知仓库:{what}"),
    "ToldAgain": ("told {partner} again", "已重新告知 {partner}"),
    "PulseTurned": ("{partner} turned from {before} to {colour}", "{partner} 由 {before} 转为 {colour}"),
    "PulseLags": ("checks of {partner} are {lag_s} s behind", "与 {partner} 的核对滞后 {lag_s} 秒"),
    "PulseCaughtUp": ("checks of {partner} are up to date", "与 {partner} 的核对已恢复及时"),
    "OutageBegan": (
        "{partner} is out ({cause}) since {since}: {error}",
        "{partner} 自 {since} 起中断（{cause}）：{error}",
    ),
    "OutageResumed": ("{partner} is out again ({cause}): {error}", "{partner} 再次中断（{cause}）：{error}"),
    "OutageEnded": (
        "{partner} is back; what waited is being sent",
        "{partner} 已恢复，正在补发积压的推送",
    ),
    "OutageCompensated": (
        "nothing waits any more for {partner}: {resent} sent again, {found} there already, {left} left to a person",
        "{partner} 补发完毕：补发 {resent}，对方已有 {found}，转人工 {left}",
    ),
    "EffectSettled": ("done outside: {outcome}", "外部动作完成：{outcome}"),
    "EffectDied": ("dead letter {verb} to {partner}: {error}", "死信 {verb} → {partner}：{error}"),
    "EffectSkipped": ("dead letter skipped: {reason}", "死信已跳过：{reason}"),
    "EffectReplayed": ("dead letter replayed: {reason}", "死信已重发：{reason}"),
}


def pick(texts: tuple[str, str], language: Language) -> str:
    """One of an (English, Chinese) pair."""
    return texts[1] if language == "zh" else texts[0]


# Facts that a reader's eye should stop at.
_WORRYING_NAMES: Final = """
DetailOverdue LineShort PaymentDuplicated PaymentMismatched PaidAfterCancel SettlementMismatched WmsRefused
ShipmentOverdue ShipmentShort ShipmentSurplus RecallFailed AddressChangeTooLate EffectDied AliasContested
TicketRaised DifferenceFound RepairGivenUp PulseLags OutageBegan OutageResumed HoldPlaced OrderCancelled
"""
WORRYING: Final = frozenset(_WORRYING_NAMES.split())


def status_name(code: int, language: Language) -> str:
    """`5` → `signed`; a code that is none reads as its number."""
    try:
        return pick(STATUSES[Status(code)], language)
    except ValueError:
        return str(code)


def local_time(at: datetime) -> str:
    """An instant as people here read it: UTC+8, to the second."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def sentence(fact: str, body: Mapping[str, object], language: Language) -> str:
    """What a fact says; a fact without a sentence says its name."""
    if fact not in FACTS:
        return fact
    return pick(FACTS[fact], language).format_map(_Fields(body)).strip()


class _Fields(dict[str, object]):
    """A fact's fields as a person reads them; one that is missing reads as a dash."""

    def __init__(self, body: Mapping[str, object]) -> None:
        super().__init__()
        for name, value in body.items():
            self[name] = value
            if name.endswith("_fen") and isinstance(value, int):
                self[name.removesuffix("_fen")] = yuan_from_fen(value)
            elif name.endswith("_g") and isinstance(value, int):
                self[name.removesuffix("_g")] = f"{value / 1000:g}"
            elif name.endswith(("_at", "_by")):
                self[name] = _readable(value)

    def __missing__(self, name: str) -> str:
        return "—"


def _readable(value: object) -> object:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return value
    return local_time(value) if isinstance(value, datetime) else value
