"""What the client of an own shop may get wrong, by name: which field, what was expected, in both languages.

The decoder's own complaint is precise but English; its few forms are turned into Chinese here, off the hot
path.
"""

import re
from typing import Final

from tongdan.adapters.partners.reading import reason_of
from tongdan.domain.kernel.messages import Refusal, RefusalKind

INVALID_BODY: Final = RefusalKind(
    "invalid-body",
    422,
    en="Field {field}: {expected}. Nothing was taken; mend the body and send it again.",
    zh="字段 {field}:{expected_zh}。本次请求未被接收,请修正后重发。",
)
CURRENCY_NOT_SUPPORTED: Final = RefusalKind(
    "currency-not-supported",
    422,
    en="Field currency: expected CNY, got {currency!r}. Tongdan keeps orders in CNY only.",
    zh="字段 currency:应为 CNY,实为 {currency!r}。同单只记录人民币订单。",
)
ORDER_ID_MALFORMED: Final = RefusalKind(
    "order-id-malformed",
    404,
    en="The path names no order of this shop: expected an id such as {channel}20260127000892, as it was "
    "answered when the order was placed.",
    zh="路径中的订单号不属于本店:应为下单时返回的单号,例如 {channel}20260127000892。",
)
ORDER_ID_MISMATCH: Final = RefusalKind(
    "order-id-mismatch",
    422,
    en="Field order_id: expected the order of the path. The path is not signed, so the body names it again.",
    zh="字段 order_id:应与路径中的订单号一致。路径不在签名范围内,故请求体须再次写明订单号。",
)
UNKNOWN_ACTION: Final = RefusalKind(
    "unknown-action",
    404,
    en="Nothing is served at this path. Post to orders, or to orders/ID/ACTION with one of: {actions}.",
    zh="此路径没有提供任何服务。请 POST 到 orders,或 orders/订单号/动作,动作为:{actions}。",
)

_AT: Final = re.compile(r"(?P<what>.*) - at `\$\.?(?P<field>.*)`", re.DOTALL)
_WHOLE: Final = "(body)"
# The decoder's words, longest first, and how a Chinese reader would put them.
_CHINESE: Final = (
    ("Object missing required field", "缺少字段"),
    ("Object contains unknown field", "多出未知字段"),
    ("a timezone component", "时区"),
    ("Invalid RFC3339 encoded datetime", "不是 RFC 3339 时间"),
    ("matching regex", "须匹配"),
    ("printable ASCII without spaces", "不含空格的可见 ASCII 字符"),
    ("of length", "长度"),
    ("Expected", "应为"),
    (", got", ",实为"),
    ("malformed JSON", "JSON 格式错误"),
    ("not UTF-8", "不是 UTF-8 编码"),
    ("nested too deeply", "嵌套过深"),
    ("a value is out of range or malformed", "有值超出范围或格式错误"),
    (" with ", " 带"),
)


def invalid_body(error: BaseException) -> Refusal:
    """The refusal for a body that `error` says is not what it should be."""
    what, field = reason_of(error), _WHOLE
    if found := _AT.fullmatch(what):
        what, field = found["what"], found["field"] or _WHOLE
    chinese = what
    for english, word in _CHINESE:
        chinese = chinese.replace(english, word)
    return INVALID_BODY.of(field=field, expected=what, expected_zh=chinese)
