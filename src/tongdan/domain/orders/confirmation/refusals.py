"""Why a refund is not marked, withdrawn or recovered."""

from typing import Final

from tongdan.domain.kernel.messages import RefusalKind

NO_SUCH_REFUND: Final = RefusalKind(
    "no-such-refund",
    404,
    en="{order} has no refund R{refund}. `tongdan order show {order}` lists them.",
    zh="{order} 没有退款 R{refund}。请用 `tongdan order show {order}` 查看。",
)
REFUND_NOT_WAITING: Final = RefusalKind(
    "refund-not-waiting",
    409,
    en="Refund R{refund} of {order} does not wait for a mark: it is {state}.",
    zh="{order} 的退款 R{refund} 不在等待确认:当前为 {state}。",
)
SAME_MARKER: Final = RefusalKind(
    "refund-same-marker",
    409,
    en="{by} has marked refund R{refund} of {order} for the other party already. Expected somebody else: two parties "
    "are two people or systems, also when one of them uses an API key.",
    zh="{by} 已代表另一方确认 {order} 的退款 R{refund}。须由另一人确认:双方必须是两个不同的人或系统,"
    "使用 API 密钥也不例外。",
)
REFUND_SUM_DIFFERS: Final = RefusalKind(
    "refund-sum-differs",
    409,
    en="Refund R{refund} of {order} is {amount_fen} fen, not {said_fen}. Look at it again before you mark it.",
    zh="{order} 的退款 R{refund} 为 {amount_fen} 分,不是 {said_fen} 分。请核对后再确认。",
)
NOTHING_TO_WITHDRAW: Final = RefusalKind(
    "nothing-to-withdraw",
    409,
    en="Refund R{refund} of {order} cannot be withdrawn: it is {state}, and no money is on its way by it.",
    zh="{order} 的退款 R{refund} 无法撤回:当前为 {state},没有款项因此在途。",
)
NO_RECOVERY: Final = RefusalKind(
    "no-recovery",
    404,
    en="Nothing is to be recovered of refund R{refund} of {order}. `tongdan recovery list` lists what is.",
    zh="{order} 的退款 R{refund} 没有待追回的款项。请用 `tongdan recovery list` 查看。",
)
REPAYMENT_OUT_OF_RANGE: Final = RefusalKind(
    "repayment-out-of-range",
    422,
    en="{amount_fen} fen cannot have come back of refund R{refund} of {order}. Expected 1 to {limit} fen.",
    zh="{order} 的退款 R{refund} 不能追回 {amount_fen} 分。应为 1 到 {limit} 分。",
)
NO_SUCH_PLATFORM_REFUND: Final = RefusalKind(
    "no-such-platform-refund",
    404,
    en="{order} has no refund {reference!r} that its platform has told of.",
    zh="平台未告知 {order} 有退款 {reference!r}。",
)
