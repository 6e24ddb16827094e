"""What reading a partner's bytes may do: yield values, or fail in one of a few known ways.

Doors catch exactly UNREADABLE. The reasons they give name fields and expected types, never values, because
a reason is shown on tickets while the message itself may hold a buyer's data.
"""

from typing import Final

import msgspec

from tongdan.domain.kernel.messages import RefusalKind
from tongdan.ports import Mistake, PushRequest

MAX_BODY_BYTES: Final = 2**20
MAX_REASON: Final = 200

BODY_TOO_LARGE: Final = RefusalKind(
    "body-too-large",
    413,
    en="The body is larger than {limit_bytes} bytes. Split it into several requests.",
    zh="请求体超过 {limit_bytes} 字节,请拆分为多个请求。",
)


class NotReadable(ValueError):
    """A field does not say what it has to; the message names the field and what was expected."""


# UnicodeDecodeError and the kernel's complaints about times and amounts are ValueErrors; deep nesting ends in
# a RecursionError, absurd dates in an OverflowError.
UNREADABLE: Final = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)


def check_size(request: PushRequest) -> None:
    """Raises Mistake when the body is larger than any partner's message."""
    if len(request.body) > MAX_BODY_BYTES:
        raise Mistake(BODY_TOO_LARGE.of(limit_bytes=MAX_BODY_BYTES))


def reason_of(error: BaseException) -> str:
    """Why something could not be read, without any of its values."""
    match error:
        case msgspec.ValidationError() | NotReadable():
            return str(error)[:MAX_REASON]
        case msgspec.DecodeError():
            return "malformed JSON"
        case UnicodeError():
            return "not UTF-8"
        case RecursionError():
            return "nested too deeply"
        case _:
            return "a value is out of range or malformed"


def digits(field: str, value: int | str, most: int = 24) -> str:
    """A partner's number as text, because 19 digits overflow elsewhere. Raises NotReadable."""
    text = str(value) if isinstance(value, int) else value.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= most):
        raise NotReadable(f"expected `{field}` to be a number of at most {most} digits")
    return text
