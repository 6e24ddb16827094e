"""Every no an order can give: what was expected, and how to mend it, in both languages.

Only requests of people and of own shops are refused. What a platform, a payment provider or a warehouse tells has
happened and is recorded, whether it fits or not.
"""

from typing import Final

from tongdan.domain.kernel.messages import RefusalKind

NO_LINES: Final = RefusalKind(
    "no-lines",
    422,
    en="An order needs at least one line. Add `lines` with a SKU, units and an amount each.",
    zh="订单至少需要一行商品。请在 `lines` 中填写 SKU、数量和金额。",
)
TOO_MANY_LINES: Final = RefusalKind(
    "too-many-lines",
    422,
    en="Expected at most {limit} lines, got {got}. Split the order.",
    zh="最多 {limit} 行商品,收到 {got} 行。请拆分订单。",
)
DUPLICATE_LINE: Final = RefusalKind(
    "duplicate-line-number",
    422,
    en="Line number {no} stands twice. Give every line a number of its own.",
    zh="行号 {no} 重复。请为每一行使用不同的行号。",
)
BAD_UNITS: Final = RefusalKind(
    "units-out-of-range",
    422,
    en="Line {no} has {units} units. Expected a number from 1 to {limit}.",
    zh="第 {no} 行的数量为 {units},应为 1 到 {limit}。",
)
BAD_AMOUNT: Final = RefusalKind(
    "amount-out-of-range",
    422,
    en="{field} is {amount_fen} fen. Expected an amount from 0 to {limit} fen.",
    zh="{field} 为 {amount_fen} 分,应为 0 到 {limit} 分。",
)
AMOUNTS_DISAGREE: Final = RefusalKind(
    "amounts-disagree",
    422,
    en="Lines {lines_fen} + freight {freight_fen} - discount {discount_fen} = {sum_fen} fen, but amount_fen is "
    "{amount_fen}. Send amounts that add up.",
    zh="商品 {lines_fen} + 运费 {freight_fen} - 优惠 {discount_fen} = {sum_fen} 分,但 amount_fen 为 {amount_fen}。"
    "请核对各项金额。",
)
NUMBER_REUSED: Final = RefusalKind(
    "order-number-reused",
    409,
    en="Order number {native!r} already belongs to {order}, whose content is another. Use a new number for a new "
    "order; repeat an order only unchanged.",
    zh="订单号 {native!r} 已属于 {order},且内容不同。新订单请用新号;重发订单时内容不得改变。",
)
STOCK_PENDING: Final = RefusalKind(
    "stock-pending",
    409,
    en="Stock is still being reserved for line(s) {lines}. Ask for the payment again in a second.",
    zh="第 {lines} 行的库存仍在预占中,请稍后一秒再次请求支付。",
    retry_after_s=1,
)
OUT_OF_STOCK: Final = RefusalKind(
    "out-of-stock",
    409,
    en="There is not enough stock for line(s) {lines}. Cancel the order, or wait until stock has come in.",
    zh="第 {lines} 行库存不足。请取消订单,或等待补货。",
)
ALREADY_PAID: Final = RefusalKind(
    "already-paid",
    409,
    en="{order} is paid. No further payment is needed, and its amount no longer changes.",
    zh="{order} 已支付,无需再次支付,金额也不可再改。",
)
NO_CASH_ON_DELIVERY: Final = RefusalKind(
    "no-cash-on-delivery",
    409,
    en="Shop {shop} does not offer cash on delivery. Choose another method, or set `cash_on_delivery: true` in "
    "shops.yml.",
    zh="店铺 {shop} 未开通货到付款。请换用其他支付方式，或在 shops.yml 中设置 `cash_on_delivery: true`。",
)
BAD_REASON: Final = RefusalKind(
    "reason-missing",
    422,
    en="reason: say why the order is entered by hand, in 1 to {limit} characters.",
    zh="reason：请用 1 到 {limit} 个字符说明手工录单的原因。",
)
BAD_MEANS: Final = RefusalKind(
    "payment-unknown",
    422,
    en="payment: expected {means} for what was paid offline, or {cod}; {free} for an order that costs nothing, and "
    "only for that.",
    zh="payment：线下已付应为 {means} 之一，货到付款为 {cod}；仅金额为 0 的订单用 {free}。",
)
NO_REFERENCE: Final = RefusalKind(
    "payment-reference-missing",
    422,
    en="reference: expected the number of the receipt or transfer, 1 to {limit} characters.",
    zh="reference：请填写收据号或转账流水号，1 到 {limit} 个字符。",
)
PAID_IN_FUTURE: Final = RefusalKind(
    "paid-in-the-future",
    422,
    en="paid_at: expected a time that has passed.",
    zh="paid_at：应为已过去的时间。",
)
BAD_DEPOSIT: Final = RefusalKind(
    "deposit-out-of-range",
    422,
    en="A deposit of {deposit_fen} fen does not fit a price of {amount_fen} fen. Expected `deposit_fen` above 0 and "
    "below the price, and `balance_by` in the future; for an ordinary order send neither.",
    zh="定金 {deposit_fen} 分与总价 {amount_fen} 分不符。`deposit_fen` 应大于 0 且小于总价，并给出未来的 `balance_by`；"
    "普通订单两者都不要填。",
)
ORDER_CLOSED: Final = RefusalKind(
    "order-closed",
    409,
    en="{order} is {closing}. Place a new order.",
    zh="{order} 已关闭({closing})。请重新下单。",
)
PLATFORM_DECIDES: Final = RefusalKind(
    "platform-decides",
    409,
    en="{order} belongs to channel {channel}: its buyer, price and payment are managed there. Do it on the platform; "
    "the news will come here by itself.",
    zh="{order} 属于渠道 {channel},其买家、价格和支付由平台管理。请在平台操作,结果会自动同步。",
)
TOO_MANY_ATTEMPTS: Final = RefusalKind(
    "too-many-payment-attempts",
    409,
    en="{order} has had {limit} payment attempts. Cancel it and place a new order.",
    zh="{order} 的支付尝试已达 {limit} 次。请取消后重新下单。",
)
ALREADY_SHIPPED: Final = RefusalKind(
    "already-shipped",
    409,
    en="{order} has left the warehouse, wholly or in part. Ask for a return instead.",
    zh="{order} 已全部或部分出库。请改为申请退货。",
)
PERSON_ERASED: Final = RefusalKind(
    "person-erased",
    409,
    en="The personal data of {order} has been erased, and it takes no new one. Place a new order.",
    zh="{order} 的个人信息已删除,不再接收新的个人信息。请重新下单。",
)
ALREADY_RELEASED: Final = RefusalKind(
    "already-released",
    409,
    en="{order} has been handed to the warehouse. This can only be changed before; cancel it if it has not left yet.",
    zh="{order} 已下发仓库,只能在下发前更改。如尚未出库,可取消订单。",
)
NOT_SHIPPED: Final = RefusalKind(
    "not-shipped-yet",
    409,
    en="{order} still has {units} units to be shipped. It can be completed when all have left.",
    zh="{order} 还有 {units} 件未发货,全部发出后才能完成。",
)
BAD_HOLD: Final = RefusalKind(
    "hold-name-invalid",
    422,
    en="Expected the name of a hold: 1 to 40 of a-z, 0-9 and -, such as `review`.",
    zh="冻结名称应为 1 到 40 个字符,仅含 a-z、0-9 和 -,例如 `review`。",
)
BAD_COMMENT: Final = RefusalKind(
    "comment-invalid",
    422,
    en="Expected a comment of 1 to {limit} characters.",
    zh="备注应为 1 到 {limit} 个字符。",
)
COMMENT_NAMES_PERSON: Final = RefusalKind(
    "comment-names-person",
    422,
    en="The comment holds a mobile number, and comments are kept in the open: leave personal data out of it.",
    zh="备注中含有手机号,而备注以明文保存:请去掉个人信息。",
)
TOO_MANY_HOLDS: Final = RefusalKind(
    "too-many-holds",
    409,
    en="{order} has {limit} holds already. Lift one first.",
    zh="{order} 已有 {limit} 个冻结。请先解除一个。",
)
PAID_OFFLINE: Final = RefusalKind(
    "paid-offline",
    409,
    en="{order} was paid offline, so the payment provider has nothing of it to pay back. Give the money back the way "
    "it came, and comment on the order.",
    zh="{order} 为线下付款，支付平台没有可退款项。请按原方式退还，并在订单上备注。",
)
NOTHING_TO_REFUND: Final = RefusalKind(
    "nothing-to-refund",
    409,
    en="Of the {received_fen} fen that came in for {order}, nothing is left to be paid back: the rest has gone back or "
    "is on its way.",
    zh="{order} 共收到 {received_fen} 分,已无可退金额:其余已退回或正在退回。",
)
REFUND_OUT_OF_RANGE: Final = RefusalKind(
    "refund-out-of-range",
    422,
    en="{amount_fen} fen cannot be paid back for {order}. Expected an amount from 1 to {limit} fen, which is what is "
    "left of the buyer's money.",
    zh="{order} 不能退款 {amount_fen} 分。应为 1 到 {limit} 分,即买家款项中尚可退的部分。",
)
NOT_PAID_YET: Final = RefusalKind(
    "not-paid-yet",
    409,
    en="{order} is not paid, so there is no after-sale of it. Cancel it instead.",
    zh="{order} 尚未付款,不能申请售后。请直接取消订单。",
)
NOT_COUNTED_YET: Final = RefusalKind(
    "not-counted-yet",
    409,
    en="{order} is not paid, so finance is not told of it. It will be told when it is.",
    zh="{order} 尚未付款，不需要通知财务；付款后会自动通知。",
)
NOT_OF_THIS_ORDER: Final = RefusalKind(
    "line-not-of-order",
    422,
    en="{order} has no line {line}. Name lines by their numbers, counted from 1 as they were ordered.",
    zh="{order} 没有第 {line} 行。请按下单顺序从 1 开始填写行号。",
)
UNITS_NOT_LEFT: Final = RefusalKind(
    "units-not-left",
    422,
    en="An after-sale of {units} units of line {line} cannot be: expected 1 to {left}. What is to come back has to "
    "have left, and units of another after-sale count no more.",
    zh="第 {line} 行不能申请 {units} 件售后:应为 1 到 {left} 件。需退回的商品须已发出,已在其他售后中的不再计入。",
)
NO_SUCH_AFTER_SALE: Final = RefusalKind(
    "no-such-after-sale",
    404,
    en="{order} has no after-sale {number!r} that is known yet. Name it as it was applied for.",
    zh="{order} 没有编号为 {number!r} 的售后。请使用申请时的编号。",
)
AFTER_SALE_DECIDED: Final = RefusalKind(
    "after-sale-decided",
    409,
    en="After-sale {number!r} is {stage}: it is too late for this, or too early. Apply under another number if "
    "something else is wanted.",
    zh="售后 {number!r} 当前为 {stage},此操作不适用。如有其他诉求,请以新编号申请。",
)
TOO_MANY_AFTER_SALES: Final = RefusalKind(
    "too-many-after-sales",
    409,
    en="{order} has had {limit} after-sales. Settle it with its buyer directly.",
    zh="{order} 已有 {limit} 个售后,请直接与买家协商处理。",
)
CANCEL_INSTEAD: Final = RefusalKind(
    "cancel-instead",
    409,
    en="All the money of {order} would go back while {units} units are still to be sent. Cancel the order: the money "
    "then goes back by itself.",
    zh="{order} 还有 {units} 件待发货,不能先退回全部款项。请取消订单,款项会自动退回。",
)
ABOVE_REFUND_LIMIT: Final = RefusalKind(
    "above-refund-limit",
    403,
    en="At most {limit_fen} fen of one order may go back on your word, and {gone_fen} fen are on their way back "
    "already. State an amount within that, or ask somebody with a higher limit.",
    zh="你每单最多可退 {limit_fen} 分，已退或退款中 {gone_fen} 分。请填写限额内的金额，或由限额更高的成员操作。",
)
TOO_MANY_REFUNDS: Final = RefusalKind(
    "too-many-refunds",
    409,
    en="{order} has had {limit} refunds. Pay the rest back in the payment provider's own console.",
    zh="{order} 的退款已达 {limit} 次。其余款项请在支付平台商户后台退回。",
)
NO_UNITS: Final = RefusalKind(
    "no-units",
    422,
    en="Name at least one line of {order} and its units, such as line 1, 2 units.",
    zh="请至少指定 {order} 的一行及件数,例如第 1 行 2 件。",
)
LINE_TWICE: Final = RefusalKind(
    "line-named-twice",
    422,
    en="A line of {order} is named twice. Name each line once, with all its units.",
    zh="{order} 的同一行出现两次。每行只写一次,并写明全部件数。",
)
NO_SUCH_LINE: Final = RefusalKind(
    "no-such-line",
    422,
    en="{order} has no line {line} that this can be asked of. `tongdan order show {order}` lists its lines.",
    zh="{order} 没有可执行此操作的第 {line} 行。请用 `tongdan order show {order}` 查看商品行。",
)
TOO_MANY_UNITS: Final = RefusalKind(
    "too-many-units",
    422,
    en="{units} units of line {line} of {order} were named. Expected 1 to {limit}: for the others it was done before, "
    "or cannot be.",
    zh="指定了 {order} 第 {line} 行的 {units} 件,应为 1 到 {limit} 件:其余已处理过或不可处理。",
)
NOTHING_TO_REISSUE: Final = RefusalKind(
    "nothing-to-reissue",
    409,
    en="No unit of line {line} of {order} can be sent again: none has left, or what left was sent again or paid back.",
    zh="{order} 第 {line} 行没有可补发的商品:尚未发出,或已补发、已退款。",
)
TOO_MANY_REISSUES: Final = RefusalKind(
    "too-many-reissues",
    409,
    en="Units of {order} have been sent again {limit} times. Pay the buyer back instead.",
    zh="{order} 已补发 {limit} 次。请改为退款。",
)
NO_SUCH_REISSUE: Final = RefusalKind(
    "no-such-reissue",
    404,
    en="{order} has no reissue {reissue}. `tongdan order show {order}` lists them.",
    zh="{order} 没有第 {reissue} 次补发。请用 `tongdan order show {order}` 查看。",
)
REISSUE_LEFT: Final = RefusalKind(
    "reissue-left",
    409,
    en="Reissue {reissue} of {order} has left, wholly or in part, and cannot be undone.",
    zh="{order} 的第 {reissue} 次补发已全部或部分发出,不能撤销。",
)
OWN_SHOP_PAYS: Final = RefusalKind(
    "own-shop-pays",
    409,
    en="{order} is an own shop's order: no platform pays it back. Use `tongdan order refund {order}`.",
    zh="{order} 是自有店铺订单,不由平台退款。请使用 `tongdan order refund {order}`。",
)
TOO_EARLY: Final = RefusalKind(
    "too-early",
    503,
    en="{order} has {limit} pieces of news waiting for its detail and takes no more. Send this again later.",
    zh="{order} 已有 {limit} 条消息在等待订单详情,暂不接收更多。请稍后重发。",
    retry_after_s=60,
)
SENT_FROM_BOTH: Final = RefusalKind(
    "sent-from-both",
    409,
    en="The system used before says that it sent {waybill} of {order}, but those units are handed to a warehouse here, "
    "or gone. Have the parcel stopped on one side, then lay the order to rest by hand.",
    zh="原系统称已发出 {order} 的 {waybill}，但这些商品在此已下发仓库或已发出。请先在其中一方拦截，再人工处理该订单。",
)
