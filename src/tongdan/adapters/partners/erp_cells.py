"""The fields of one row or order of an ERP's file, read as what they have to be. No mistake quotes a person."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from tongdan.adapters.csv_table import Fault
from tongdan.adapters.partners.erp_map import ImportMap
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.money import fen_from_yuan

MAX_UNITS: Final = 10**7
MAX_ID: Final = 64
_MOMENTS: Final = ("said_at", "counted_at")  # when the file speaks; `--as-of` stands in for a column

T = TypeVar("T")


class Wrong(Exception):
    """A field that cannot be; never quotes a person's. `en` begins with the name of the field, if it is about one."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en: Final = en
        self.zh: Final = zh


def fault(line: int, wrong: Wrong, how: ImportMap) -> Fault:
    """What is told of it: the line, and the heading of the column it stands in."""
    return Fault(line=line, en=wrong.en, zh=wrong.zh, column=how.heading(wrong.en.partition(":")[0]))


class Differs(Wrong):
    """Two rows say different things of what they have in common."""

    def __init__(self, line: int, field: str, first: int) -> None:
        super().__init__(
            f"{field}: differs from line {first} of the same order", f"{field} 与同单第 {first} 行不一致"
        )
        self.line: Final = line


class Cells:
    """The fields of one row or order, read as what they have to be. Every method raises Wrong."""

    def __init__(self, cells: Mapping[str, str], how: ImportMap, as_of: datetime | None) -> None:
        self._cells: Final = cells
        self._how: Final = how
        self._zone: Final = ZoneInfo(how.zone)
        self._as_of: Final = as_of

    def get(self, field: str) -> str:
        text = self._cells.get(field, "")
        return self._how.values.get(field, {}).get(text, text)

    def needed(self, field: str) -> str:
        if not (text := self.get(field)):
            raise Wrong(f"{field}: is empty", f"{field} 为空")
        return text

    def text(self, field: str) -> str:
        """A code: not empty, not long."""
        if len(text := self.needed(field)) > MAX_ID:
            raise Wrong(f"{field}: longer than {MAX_ID} characters", f"{field} 超过 {MAX_ID} 个字符")
        return text

    def whole(self, field: str, *, least: int) -> int:
        """`12`, and `12.0` or `1,200` as spreadsheets print them."""
        text = self.needed(field).replace(",", "")
        digits, _, zeros = text.partition(".")
        good = digits.isascii() and digits.isdigit() and len(digits) < 10 and not zeros.strip("0")
        if not good or not least <= int(digits) <= MAX_UNITS:
            raise Wrong(
                f"{field}: expected a whole number from {least} to {MAX_UNITS}, got {text[:40]!r}",
                f"{field} 应为 {least} 到 {MAX_UNITS} 的整数，实为 {text[:40]!r}",
            )
        return int(digits)

    def fen(self, field: str) -> int:
        """Yuan, `1,234.50` and `¥` included."""
        text = self.needed(field)
        plain = text.replace(",", "").lstrip("¥￥")
        fen = self._read(field, text, lambda: fen_from_yuan(plain), ("yuan such as 199.00", "元，如 199.00"))
        if fen < 0:
            raise Wrong(f"{field}: is negative", f"{field} 为负数")
        return fen

    def parts_of_fen(self, field: str) -> int:
        """Yuan with up to four decimals, as shares of a price have, in hundredths of a fen."""
        text = self.needed(field)
        whole, _, decimals = text.replace(",", "").lstrip("¥￥").partition(".")
        digits = (whole or "0") + decimals.rstrip("0").ljust(4, "0")
        if not (
            digits.isascii() and digits.isdigit() and len(decimals.rstrip("0")) <= 4 and len(whole) <= 11
        ):
            raise Wrong(
                f"{field}: expected yuan such as 199.00, got {text[:40]!r}",
                f"{field} 应为元，如 199.00，实为 {text[:40]!r}",
            )
        return int(digits)

    def time(self, field: str) -> datetime:
        """Local time; for the moment that the file speaks of, `--as-of` stands in."""
        if field not in self._how.columns and field in _MOMENTS and self._as_of is not None:
            return self._as_of
        text = self.needed(field)
        full = text.replace("/", "-").replace("T", " ")
        full = f"{full} 00:00:00" if len(full) <= 10 else f"{full}:00" if full.count(":") == 1 else full
        wanted = ("a time such as 2026-01-27 15:04:05", "时间，如 2026-01-27 15:04:05")
        return self._read(field, text, lambda: from_local(full, self._zone), wanted)

    def _read(self, field: str, text: str, read: Callable[[], T], wanted: tuple[str, str]) -> T:
        try:
            return read()
        except (ValueError, OverflowError):
            raise Wrong(
                f"{field}: expected {wanted[0]}, got {text[:40]!r}",
                f"{field} 应为{wanted[1]}，实为 {text[:40]!r}",
            ) from None
