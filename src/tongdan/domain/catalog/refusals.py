"""Every no of the catalogue: what was expected, and how to mend it, in both languages."""

from typing import Final

from tongdan.domain.kernel.messages import RefusalKind

BAD_CODE: Final = RefusalKind(
    "code-invalid",
    422,
    en="`{field}`: expected 1 to {limit} printable characters without blanks at the ends. Mend the code.",
    zh="`{field}` 应为 1 到 {limit} 个可见字符，首尾不含空格。请修正编码。",
)
BAD_WORDS: Final = RefusalKind(
    "words-invalid",
    422,
    en="`{field}`: expected at most {limit} printable characters, and a title has at least one. Shorten or fill it.",
    zh="`{field}` 最多 {limit} 个可见字符，名称不能为空。请缩短或补全。",
)
OUT_OF_RANGE: Final = RefusalKind(
    "out-of-range",
    422,
    en="`{field}`: expected a whole number from {least} to {most}, got {got}. Write another one.",
    zh="`{field}` 应为 {least} 到 {most} 的整数，收到 {got}。请修改。",
)
TOO_MANY_PARTS: Final = RefusalKind(
    "too-many-parts",
    422,
    en="A bundle has at most {limit} parts, got {got}. Sell it as two.",
    zh="组合装最多含 {limit} 种单品，收到 {got} 种。请拆成两个组合。",
)
BAD_BUNDLE: Final = RefusalKind(
    "bundle-invalid",
    422,
    en="{sku} names {part} twice, or itself, as a part. Name each part once, with its units.",
    zh="{sku} 的单品 {part} 重复，或包含自身。每种单品只写一次，并写明件数。",
)
OFFER_FULL: Final = RefusalKind(
    "offer-full",
    409,
    en="{limit} lines wait for a match of {offer} already, no more are noted. Match it, then lift the hold "
    "unmatched-sku of this order, which asks again.",
    zh="已有 {limit} 行在等待 {offer} 的匹配，不再登记。请先完成匹配，再解除本订单的 unmatched-sku 冻结以重新查询。",
)
