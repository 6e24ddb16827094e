"""Every no of the notices: what was expected, and how to mend it, in both languages."""

from typing import Final

from tongdan.domain.kernel.messages import RefusalKind

ARRIVED: Final = RefusalKind(
    "notice-arrived",
    409,
    en="{notice} has arrived. Nothing is to be sent again.",
    zh="{notice} 已送达，无需重发。",
)
UNDER_WAY: Final = RefusalKind(
    "notice-under-way",
    409,
    en="{notice} is on its way ({stage}). Wait for its result.",
    zh="{notice} 正在发送（{stage}）。请等待结果。",
)
NO_RULE: Final = RefusalKind(
    "notice-without-rule",
    409,
    en="No rule in conf/notices.yml tells buyers of {shop} about `{kind}`. Add one, then ask again.",
    zh="conf/notices.yml 中没有店铺 {shop} 的 `{kind}` 通知规则。请先添加规则再试。",
)
TOO_MANY: Final = RefusalKind(
    "too-many-sendings",
    409,
    en="{notice} was sent {limit} times. Tell the buyer another way.",
    zh="{notice} 已发送 {limit} 次。请改用其他方式告知买家。",
)
BAD_ABOUT: Final = RefusalKind(
    "notice-about-invalid",
    422,
    en="Expected a kind of {kinds} and something of the order that it is about, without a slash.",
    zh="通知类型应为 {kinds} 之一，且其对象不含斜杠。",
)
