"""Every no that packing anew can give: what was expected, and how to mend it, in both languages.

Only what a person asks is refused. What a warehouse answers, and what follows from it, is recorded.
"""

from typing import Final

from tongdan.domain.kernel.messages import RefusalKind

TOO_MANY_SOURCES: Final = RefusalKind(
    "too-many-shipments",
    422,
    en="Expected 1 to {limit} different shipments to be packed anew, got {got}. Name fewer at a time.",
    zh="一次可重新打包 1 到 {limit} 个不同的发货单，收到 {got} 个。请减少数量。",
)
TOO_MANY_PARCELS: Final = RefusalKind(
    "too-many-parcels",
    422,
    en="Expected at most {limit} parcels, each naming units of 1 or more, got {got}. Split it in steps.",
    zh="最多 {limit} 个包裹，每个包裹的件数至少为 1，收到 {got} 个。请分步拆分。",
)
PACKING_UNDER_WAY: Final = RefusalKind(
    "packing-under-way",
    409,
    en="{shipment} is being packed anew already; its warehouse has not answered yet. Ask again afterwards.",
    zh="{shipment} 正在重新打包，仓库尚未应答。请待其完成后再试。",
    retry_after_s=60,
)
TOO_OFTEN_PACKED: Final = RefusalKind(
    "packed-too-often",
    409,
    en="The parcels of {order} have been packed anew {limit} times. Let them go as they are, or cancel the order.",
    zh="{order} 的包裹已重新打包 {limit} 次。请按现状发货，或取消订单。",
)
NOTHING_TO_UNDO: Final = RefusalKind(
    "nothing-to-undo",
    404,
    en="{shipment} was not made by merging or splitting. Name a shipment that one of them has formed.",
    zh="{shipment} 不是由合并或拆分产生的。请指定由其产生的发货单。",
)
UNDO_LATER_FIRST: Final = RefusalKind(
    "undo-later-first",
    409,
    en="Parcels formed together with {shipment} have been packed anew since. Undo the later step first.",
    zh="与 {shipment} 同时产生的包裹此后又被重新打包。请先撤销较晚的一步。",
)
RETURNED_TO_OWN: Final = RefusalKind(
    "returned-to-own-order",
    409,
    en="A part of what was packed with {shipment} lies with its own order now. Merge the orders again instead.",
    zh="与 {shipment} 一同打包的部分已归还其原订单。请改为重新合并这些订单。",
)
