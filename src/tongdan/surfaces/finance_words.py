"""The causes of a difference with finance, in words: a title, and a sentence with its values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from tongdan.domain.finance.causes import Cause, Finding
from tongdan.surfaces.words import local_time

# title, sentence: English, Chinese
CAUSES: Final[Mapping[Cause, tuple[str, str, str, str]]] = {
    Cause.DAY_BOUNDARY: (
        "counted by another clock", "双方时区不同，归入不同日期",
        "at {at} it was {ours} here and {theirs} on finance's clock",
        "{at} 在我方为 {ours}，按财务时区为 {theirs}",
    ),
    Cause.CUT_OFF: (
        "after finance's day was closed", "财务日结之后",
        "{at} is after finance closes {ours}; it stands in its {theirs}",
        "{at} 已过财务 {ours} 的日结时间，计入财务 {theirs}",
    ),
    Cause.OTHER_MOMENT: (
        "counted by another moment", "计数时点不同",
        "finance counts it at {at}, on {theirs}; here it counts on {ours}",
        "财务按 {at} 计入 {theirs}，我方计入 {ours}",
    ),
    Cause.BOOKED_LATE: (
        "told late", "通知送达较晚",
        "finance heard of it at {at} and put it into {theirs} instead of {ours}",
        "财务于 {at} 才收到通知，计入 {theirs} 而非 {ours}",
    ),
    Cause.CANCELLED_BEFORE: (
        "cancelled before finance took it", "财务入账前已取消",
        "paid, then cancelled at {at}", "付款后于 {at} 取消",
    ),
    Cause.REFUNDED_SAME_DAY: (
        "paid back on the same day", "当日全额退款", "all of it went back before finance closed the day",
        "财务日结前已全额退款",
    ),
    Cause.WAITING: (
        "the milestone is on its way", "通知尚在途中",
        "effect {effect} waits to be sent or answered", "外发动作 {effect} 待发送或待应答",
    ),
    Cause.DEAD_LETTER: (
        "the milestone is a dead letter", "通知成为死信",
        "effect {effect} failed: {why}", "外发动作 {effect} 失败：{why}",
    ),
    Cause.NEVER_TOLD: (
        "finance was never told", "从未通知财务", "{why}", "{why}",
    ),
    Cause.LOST_THERE: (
        "finance heard it and does not have it", "财务已应答但未入账",
        "effect {effect} was acknowledged at {at}; no list of finance's has the order",
        "外发动作 {effect} 已于 {at} 获财务应答，但财务清单中没有该单",
    ),
    Cause.DUPLICATE: (
        "twice at finance", "财务重复入账",
        "finance has {times} entries of it that day", "财务当日有 {times} 条该单记录",
    ),
    Cause.SPLIT: (
        "split at finance", "财务拆单重复计数",
        "finance's {times} entries add up to the one order", "财务 {times} 条记录合计为同一订单",
    ),
    Cause.MERGED: (
        "merged with another order at finance", "财务合并计数",
        "sent in one parcel with {with}, under which finance has the sum of both",
        "与 {with} 合包发货，财务合并计为一条",
    ),
    Cause.WRONG_SHOP: (
        "under another shop at finance", "财务店铺归属错误",
        "finance has it under {theirs} instead of {ours}", "财务计入店铺 {theirs}，应为 {ours}",
    ),
    Cause.TEST_ORDER: (
        "a test order", "测试订单", "finance leaves out {by}", "财务不计 {by}",
    ),
    Cause.UNKNOWN_ID: (
        "a number that is unknown here", "单号在本系统不存在",
        "no order here has this number", "本系统没有此单号",
    ),
    Cause.NOT_PAID: (
        "not paid", "未付款", "finance counts it, and nobody has paid for it", "尚未付款，但财务已计入",
    ),
    Cause.CANCELLED_HERE: (
        "cancelled here", "我方已取消", "cancelled here at {at}, before it was paid", "我方已于 {at} 取消（付款前）",
    ),
    Cause.FEE: (
        "less the platform's fee", "已扣平台佣金", "{percent} % of the price were taken off", "已扣除 {percent}% 佣金",
    ),
    Cause.DISCOUNT: (
        "before the discount", "未扣优惠", "finance has the price before the discount", "财务按优惠前金额入账",
    ),
    Cause.FREIGHT: (
        "without freight", "未计运费", "finance leaves out the freight", "财务未计运费",
    ),
    Cause.REFUND: (
        "less what went back", "已扣退款", "finance has taken off what went back", "财务已扣除退款",
    ),
    Cause.UNEXPLAINED: (
        "not explained", "原因不明", "nothing here or at finance says why; a person has to look",
        "双方记录均无法解释，需人工核查",
    ),
}  # fmt: skip
_WHY: Final = {
    "watched": (
        "its shop is watched only; another system tells finance",
        "店铺仅旁路观察，由其他系统通知财务",
    ),
    "no-effect": ("no message to finance was ever made of it", "从未生成通知"),
}


def titles(cause: Cause) -> tuple[str, str]:
    return CAUSES[cause][:2]


def sentences(finding: Finding) -> tuple[str, str]:
    """English and Chinese; times are shown in UTC+8."""
    said = {name: _shown(text) for name, text in finding.says.items()}
    why = _WHY.get(said.get("why", ""), (said.get("why", ""),) * 2)
    _, _, en, zh = CAUSES[finding.cause]
    return en.format(**{**said, "why": why[0]}), zh.format(**{**said, "why": why[1]})


def _shown(text: str) -> str:
    return local_time(datetime.fromisoformat(text)) if "T" in text[:11] and text[:4].isdecimal() else text
