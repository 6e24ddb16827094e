"""Every no that answering an after-sale can give: what was expected, and how to mend it, in both languages.

Only what a person asks is refused. What a channel reports is recorded.
"""

from typing import Final

from tongdan.domain.kernel.messages import RefusalKind

NOT_WAITING: Final = RefusalKind(
    "after-sale-not-waiting",
    409,
    en="{after_sale} waits for no answer: it is {stage}. Look at what its channel said last.",
    zh="{after_sale} 当前不待商家处理：状态为 {stage}。请查看渠道的最新状态。",
)
ANSWER_NOT_POSSIBLE: Final = RefusalKind(
    "answer-not-possible",
    409,
    en="{answer!r} is no answer to {after_sale}, a {kind} that is {stage}. Possible: {possible}.",
    zh="{after_sale}（{kind}，{stage}）不能以 {answer!r} 处理。可选：{possible}。",
)
ANSWER_PENDING: Final = RefusalKind(
    "answer-pending",
    409,
    en="{after_sale} was answered with {answer!r} already, and the platform has said nothing yet. Wait for it, or skip "
    "its dead letter.",
    zh="{after_sale} 已以 {answer!r} 答复，平台尚未回应。请等待，或放弃其死信。",
)
UNKNOWN_REASON: Final = RefusalKind(
    "refusal-reason-unknown",
    422,
    en="Expected a reason of {channel}, one of {known}; got {reason!r}. They stand in conf/channels/{channel}.yml.",
    zh="拒绝原因应为 {channel} 的原因码之一：{known}；收到 {reason!r}。见 conf/channels/{channel}.yml。",
)
NO_ADDRESS: Final = RefusalKind(
    "return-address-missing",
    422,
    en="Where are the goods to go? Give the number of an address in the platform's book, or set "
    "after_sale.return_addresses.{shop} in conf/channels/{channel}.yml.",
    zh="退货寄往何处？请给出平台地址库中的地址编号，或在 conf/channels/{channel}.yml 的 "
    "after_sale.return_addresses.{shop} 中配置。",
)
NO_WAYBILL: Final = RefusalKind(
    "waybill-missing",
    422,
    en="A replacement is told by carrier (as the warehouse codes it, SF) and waybill; give both.",
    zh="补寄或换货发出需同时给出承运商（仓库编码，如 SF）和运单号。",
)
NOT_ANSWERED_HERE: Final = RefusalKind(
    "channel-not-answered",
    409,
    en="Channel {channel} takes no answers to after-sales: its conf/channels file has no `after_sale`. Answer it in "
    "the platform's console.",
    zh="渠道 {channel} 未配置 after_sale，不能在此处理售后，请到平台后台处理。",
)
TOO_MANY_ANSWERS: Final = RefusalKind(
    "too-many-answers",
    409,
    en="{after_sale} has been answered {limit} times. Answer it in the platform's console.",
    zh="{after_sale} 已答复 {limit} 次，请到平台后台处理。",
)
