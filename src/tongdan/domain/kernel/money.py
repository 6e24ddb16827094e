"""Money is integer fen of CNY. Partners that speak yuan are converted at the edge; another currency is refused."""

import re
from typing import Final

MAX_FEN: Final = 10**13  # a hundred billion yuan: beyond it a figure is a mistake, not an order
_YUAN: Final = re.compile(r"(-?)(\d{1,11})(?:\.(\d{1,2}))?", re.ASCII)


def fen_from_yuan(text: str) -> int:
    """`"200.07"` → 20007. Raises ValueError on anything but a decimal with at most two places."""
    found = _YUAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"expected yuan with at most two decimals, got {text[:40]!r}")
    sign, whole, cents = found.groups()
    fen = int(whole) * 100 + int((cents or "0").ljust(2, "0"))
    return -fen if sign else fen


def yuan_from_fen(fen: int) -> str:
    """20007 → `"200.07"`."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def check_fen(value: object) -> int:
    """An integer amount of fen within ±MAX_FEN. Raises ValueError on anything else (booleans and floats included)."""
    if type(value) is not int or abs(value) > MAX_FEN:
        raise ValueError(f"expected an integer number of fen, got {str(value)[:40]!r}")
    return value
