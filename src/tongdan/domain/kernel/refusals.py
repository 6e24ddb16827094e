"""The refusals that belong to the loop itself, whatever the slice."""

from typing import Final

from tongdan.domain.kernel.messages import RefusalKind

UNKNOWN_ID: Final = RefusalKind(
    "unknown-id",
    404,
    en="There is no {id!r} here. Expected a Tongdan id that exists, such as DY20260127000892; look it up by the "
    "platform's order number if you are not sure.",
    zh="这里没有 {id!r}。需要一个已存在的同单号,例如 DY20260127000892;不确定时请按平台订单号查询。",
)
LOST_ID: Final = RefusalKind(
    "lost-id",
    503,
    en="{id} was given out before the data was restored from a backup, and its content has not come back yet. Send "
    "this again later. An own shop's client sends the order itself again, with the same order_no and this order_id.",
    zh="{id} 是数据恢复之前发出的单号,其内容尚未找回。请稍后重发。自营店客户端请用原 order_no 重发订单,"
    "并以此单号作为 order_id。",
    retry_after_s=60,
)
UNKNOWN_EFFECT: Final = RefusalKind(
    "unknown-effect",
    404,
    en="There is no outstanding effect {id!r}: it is over, or never was. "
    "`tongdan dead-letters list` shows those that wait.",
    zh="没有未完成的外发动作 {id!r}:它已结束或从未存在。用 `tongdan dead-letters list` 查看等待中的。",
)
OVERLOADED: Final = RefusalKind(
    "overloaded",
    503,
    en="Too much is waiting to be written; nothing of this request was taken. Send it again after Retry-After.",
    zh="等待写入的请求过多,本次请求未被接收。请在 Retry-After 之后重发。",
    retry_after_s=1,
)
REACTIONS_BEHIND: Final = RefusalKind(
    "reactions-behind",
    429,
    en="Reactions to earlier orders lag too far behind; nothing of this request was taken. "
    "Send it again after Retry-After.",
    zh="先前订单的后续处理积压过多,本次请求未被接收。请在 Retry-After 之后重发。",
    retry_after_s=5,
)
STORE_UNAVAILABLE: Final = RefusalKind(
    "store-unavailable",
    503,
    en="The store could not write ({why}); nothing of this request was kept. Send it again after Retry-After.",
    zh="存储暂时无法写入({why}),本次请求未保存。请在 Retry-After 之后重发。",
    retry_after_s=5,
)
OWNER_AWAY: Final = RefusalKind(
    "owner-away",
    503,
    en="The process that keeps this order is being started again; whether the message was kept is not known. "
    "Send it again after Retry-After: a repeat does no harm.",
    zh="负责该订单的进程正在重启,本次消息是否已保存尚不可知。请在 Retry-After 之后重发:重复发送没有影响。",
    retry_after_s=1,
)
SLOT_MOVING: Final = RefusalKind(
    "slot-moving",
    503,
    en="This order is just being moved to another file; nothing of this request was kept. "
    "Send it again after Retry-After.",
    zh="该订单正在迁移到另一个分片,本次请求未保存。请在 Retry-After 之后重发。",
    retry_after_s=1,
)
INTERNAL: Final = RefusalKind(
    "internal-error",
    500,
    en="This message made the order centre fail ({what}); nothing of it was kept, others are not affected. "
    "Send it again later; the failure has been recorded.",
    zh="该消息使订单中心处理失败({what}),未保存任何内容,其他消息不受影响。请稍后重发;失败已被记录。",
    retry_after_s=60,
)
NOTHING_DUE: Final = RefusalKind(
    "nothing-due",
    409,
    en="{id} was woken, but nothing of it is due.",
    zh="{id} 被唤醒,但没有到期的事项。",
)
