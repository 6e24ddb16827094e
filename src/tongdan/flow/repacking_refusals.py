"""Why parcels cannot be packed anew as asked: what was expected, and how to mend it, in both languages."""

from typing import Final

from tongdan.domain.fulfillment import recalling
from tongdan.domain.kernel.messages import Refusal, RefusalKind

NOTHING_TO_MERGE: Final = RefusalKind(
    "nothing-to-merge",
    422,
    en="Expected two or more different orders whose parcels are apart. Name others.",
    zh="需要至少两个不同且尚未同包的订单。请另行指定。",
)
TOO_MANY_ORDERS: Final = RefusalKind(
    "too-many-orders",
    422,
    en="Expected at most {limit} orders in one parcel, got {got}. Merge fewer.",
    zh="一个包裹最多合并 {limit} 个订单，收到 {got} 个。请减少数量。",
)
WATCHED_ONLY: Final = RefusalKind(
    "watched-only",
    409,
    en="{order} is of a shop that is only watched here. Pack it where it is run.",
    zh="{order} 所属店铺在此仅作监看。请在其管理系统中操作。",
)
NOT_RELEASED: Final = RefusalKind(
    "not-released-yet",
    409,
    en="{order} has not been handed to a warehouse yet ({why}). Ask again when it has: it is called back by itself.",
    zh="{order} 尚未下发仓库（{why_zh}）。下发后再试，届时会自动召回。",
)
NOT_CALLABLE: Final = RefusalKind(
    "cannot-be-called-back",
    409,
    en="{shipment} cannot be packed anew: {why}. Leave it out.",
    zh="{shipment} 不能重新打包：{why_zh}。请不要包含它。",
)
DIFFERENT_SHOPS: Final = RefusalKind(
    "different-shops",
    409,
    en="{order} is of shop {shop}, the first order of {first}. Merge orders of one shop.",
    zh="{order} 属于店铺 {shop}，第一张订单属于 {first}。只能合并同一店铺的订单。",
)
DIFFERENT_RECEIVERS: Final = RefusalKind(
    "different-receivers",
    409,
    en="{order} does not go to the receiver of the first order. Merge orders of one receiver and address.",
    zh="{order} 与第一张订单的收件人或地址不同。只能合并同一收件人和地址的订单。",
)
RECEIVER_UNKNOWN: Final = RefusalKind(
    "receiver-unknown",
    409,
    en="Whether {order} goes to the same receiver cannot be known: it is erased, or masked by the platform without an "
    "address id. Send it by itself.",
    zh="无法确认 {order} 的收件人是否相同：信息已删除，或平台脱敏且未提供地址标识。请单独发货。",
)
DIFFERENT_WAREHOUSES: Final = RefusalKind(
    "different-warehouses",
    409,
    en="The parcels lie in {warehouses}. Split what is to move into one warehouse first, then merge.",
    zh="这些包裹分处 {warehouses}。请先将需要移动的部分拆分到同一仓库，再合并。",
)
NO_SUCH_LINE: Final = RefusalKind(
    "no-such-line",
    422,
    en="{shipment} holds {held} units of line {line} of {order}, {asked} were asked for. Name what is in it.",
    zh="{shipment} 中 {order} 第 {line} 行有 {held} 件，要求 {asked} 件。请指定其中已有的商品。",
)
NO_SUCH_WAREHOUSE: Final = RefusalKind(
    "no-such-warehouse",
    422,
    en="There is no warehouse {warehouse}. Expected one of: {known}.",
    zh="没有仓库 {warehouse}。应为：{known}。",
)
NOT_FREE_THERE: Final = RefusalKind(
    "not-free-there",
    409,
    en="{warehouse} has {free} units of {sku} free, {asked} were asked for. Take fewer, or another warehouse.",
    zh="{warehouse} 可用 {sku} {free} 件，要求 {asked} 件。请减少数量或改用其他仓库。",
)
NOTHING_TO_SPLIT: Final = RefusalKind(
    "nothing-to-split",
    422,
    en="{shipment} would stay as it is. Name some of its units for a parcel of their own, or another warehouse.",
    zh="{shipment} 不会有任何变化。请指定单独成包的部分商品，或另一个仓库。",
)

HANDED_OVER: Final = "it is just being handed over"
_CHINESE: Final = {
    recalling.OTHER_SHOP: "属于其他店铺",
    recalling.LEFT: "已有商品离仓",
    recalling.NOTHING_LEFT: "没有待发商品",
    recalling.BEING_PACKED: "正在重新打包",
    recalling.BEING_LEFT: "有订单正在退出",
    HANDED_OVER: "正在下发",
}


def not_callable(shipment: str, why: str) -> Refusal:
    """`why` is one of the reasons of `recalling.not_callable`, or HANDED_OVER."""
    return NOT_CALLABLE.of(shipment=shipment, why=why, why_zh=_CHINESE[why])


def not_released(order: str, holds: tuple[str, ...], paid: bool) -> Refusal:
    """An order waits for its holds and its payment, and if there are none, for stock."""
    en = [f"hold {hold}" for hold in holds] + ([] if paid else ["payment"])
    zh = [f"挂起 {hold}" for hold in holds] + ([] if paid else ["付款"])
    why, why_zh = ", ".join(en) or "stock", "、".join(zh) or "库存"
    return NOT_RELEASED.of(order=order, why=why, why_zh=why_zh)
