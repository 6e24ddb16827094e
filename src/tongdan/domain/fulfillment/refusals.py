"""Every no that packing anew and e-waybills can give: what was expected, how to mend it, in both languages.

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
NOTHING_TO_SEND: Final = RefusalKind(
    "nothing-to-send",
    409,
    en="Nothing of {shipment} is still to leave, so it takes no number. Name a shipment that has not been sent.",
    zh="{shipment} 已无待发商品，无需取号。请指定尚未发出的发货单。",
)
WAREHOUSE_TAKES: Final = RefusalKind(
    "warehouse-takes-number",
    409,
    en="{shipment} lies with its warehouse already, with a number or to take one itself. Call it back first: split or "
    "merge it, or cancel the order.",
    zh="{shipment} 已下发仓库，已带运单号或由仓库取号。请先召回：拆单、合单或取消订单。",
)
WAYBILL_ASKED: Final = RefusalKind(
    "waybill-asked",
    409,
    en="A number for {shipment} has been asked for at {carrier}; its answer is awaited. Ask again afterwards, or give "
    "the number up to have the warehouse take one.",
    zh="{shipment} 已向 {carrier} 取号，正在等待应答。请稍后再试，或放弃取号改由仓库取号。",
    retry_after_s=60,
)
NO_NUMBERS_OF: Final = RefusalKind(
    "carrier-gives-no-numbers",
    422,
    en="Expected a carrier that gives numbers to the seller ({known}), got {carrier!r}. Name one of these, or add "
    "`waybill` to its file in conf/carriers.",
    zh="应为可向商家发号的承运商（{known}），实为 {carrier!r}。请改用其中之一，或在 conf/carriers 中为其配置 waybill。",
)
RECEIVER_NOT_FOR: Final = RefusalKind(
    "receiver-sealed",
    422,
    en="{carrier} cannot be given receivers of {channel}: the platform encrypts them for its own waybill service. Give "
    "the number up (cancel), and the warehouse takes one through the platform.",
    zh="{channel} 的收件人由平台加密，只能用平台面单，无法交给 {carrier}。请放弃取号（cancel），由仓库通过平台取号。",
)
TOO_MANY_WAYBILLS: Final = RefusalKind(
    "too-many-waybills",
    409,
    en="{limit} numbers have been asked for {shipment}. Give the number up and let the warehouse take one.",
    zh="{shipment} 已取号 {limit} 次。请放弃取号，由仓库取号。",
)
NO_WAYBILL: Final = RefusalKind(
    "no-waybill",
    404,
    en="{shipment} has no live number that the seller took. Look at what there is: tongdan waybill show {shipment}",
    zh="{shipment} 没有商家自取的有效运单号。请先查看：tongdan waybill show {shipment}",
)
WAYBILL_IN_USE: Final = RefusalKind(
    "waybill-in-use",
    409,
    en="The warehouse has {shipment} with its number. Call the shipment back (split, merge, or cancel the order); its "
    "number is then cancelled with it.",
    zh="{shipment} 已连同运单号下发仓库。请召回发货单（拆单、合单或取消订单），运单号将随之取消。",
)
LABEL_UNAVAILABLE: Final = RefusalKind(
    "label-unavailable",
    503,
    en="{carrier} does not give out the label of {waybill} now: {reason}. Ask again; if it stays so, look at its "
    "credential and its map in conf/carriers.",
    zh="{carrier} 暂时无法提供 {waybill} 的面单：{reason}。请稍后再试；若仍不行，请检查凭证及 conf/carriers。",
    retry_after_s=30,
)
TOO_MANY_WATCHERS: Final = RefusalKind(
    "too-many-watchers",
    409,
    en="The stock of {sku} is followed by {limit} bundles already. Take the SKU out of some of them.",
    zh="已有 {limit} 个组合装关注 {sku} 的库存。请先从部分组合装中移除该商品。",
)
TOO_MANY_OUTLETS: Final = RefusalKind(
    "too-many-outlets",
    409,
    en="{sku} is matched with {limit} platform SKUs already, no more get quotas. Take matches apart that are not used.",
    zh="{sku} 已匹配 {limit} 个平台商品，不再分配更多库存配额。请解除不用的匹配。",
)
NO_QUOTA_RULE: Final = RefusalKind(
    "no-quota-rule",
    409,
    en="{sku} has no rule in conf/quotas.yml, or is matched with no platform SKU. Write a rule, or match it with "
    "`tongdan catalog match`.",
    zh="{sku} 在 conf/quotas.yml 中没有规则，或未匹配任何平台商品。请补充规则，或用 `tongdan catalog match` 匹配。",
)
