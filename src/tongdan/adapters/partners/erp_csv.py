"""An ERP that speaks by files: stock counts and orders from CSV, by a map of its columns (`conf/imports/`).

A row becomes the command that a push would have become: a count a `CountStock`, the rows of one order number the order
as its platform knows it (`RecordDetail`), so that what the platform says later merges with it by time. An own shop's
orders come through its own door alone, because there a buyer places them. What is wrong is told row by row.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from tongdan.adapters.csv_table import Fault, FileRefused, Row
from tongdan.adapters.partners.miniprogram import CHANNEL as OWN
from tongdan.adapters.partners.regions import region_of
from tongdan.adapters.table_file import read_table_file
from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.money import fen_from_yuan
from tongdan.domain.kernel.policy import ChannelMap, Policy
from tongdan.domain.orders.commands import RecordDetail
from tongdan.domain.orders.lines import Line
from tongdan.ports import Inbound

SOURCE: Final = "erp/csv"
MAX_UNITS: Final = 10**7
MAX_ID: Final = 64
MAX_LINES: Final = 200  # of one order
# Which fields a map must and may name; what concerns the whole order may stand in its first row alone.
STOCK: Final = ({"sku", "warehouse", "on_hand"}, {"counted_at"})
ORDERS: Final = (
    {
        "native",
        "status",
        "placed_at",
        "sku",
        "units",
        "amount",
        "name",
        "phone",
        "province",
        "city",
        "detail",
    },
    {"said_at", "paid_at", "freight", "title", "district"},
)
TIMES: Final = frozenset({"counted_at", "said_at", "placed_at", "paid_at"})
LINE_FIELDS: Final = frozenset({"sku", "title", "units", "amount"})

T = TypeVar("T")


class ImportMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of file. `columns`: field → heading; `values`: field → what the file writes → what it means."""

    kind: Literal["stock", "orders"]
    zone: str
    columns: dict[str, str]
    encoding: Literal["auto", "utf-8", "gb18030"] = "auto"
    shop: str = ""
    values: dict[str, dict[str, str]] = {}


class Read(NamedTuple):
    """What a file says: messages for the bus, and what is wrong with it. Either may be empty."""

    messages: list[Inbound]
    faults: list[Fault]
    rows: int


class _Wrong(Exception):
    """A field that cannot be; never quotes a person's."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en: Final = en
        self.zh: Final = zh


def check_map(how: ImportMap, policy: Policy) -> str:
    """What is wrong with a map, "" if nothing."""
    must, may = STOCK if how.kind == "stock" else ORDERS
    if missing := sorted(must - set(how.columns)):
        return f"columns: expected also {', '.join(missing)}"
    if strange := sorted((set(how.columns) | set(how.values)) - must - may):
        return f"columns, values: expected only {', '.join(sorted(must | may))}, got {', '.join(strange)}"
    if how.kind == "orders" and how.shop not in policy.shops:
        return f"shop: expected one of {', '.join(policy.shops)}, got {how.shop!r}"
    if how.kind == "orders" and policy.shops[how.shop].channel == OWN:
        return f"shop: the orders of the own shop {how.shop} come through its own door, not by file"
    return ""


def read_stock(raw: bytes, how: ImportMap, policy: Policy, as_of: datetime | None) -> Read:
    """One count a row; `as_of` dates those without a time of their own. Raises FileRefused."""
    table = read_table_file(raw, how.columns, encoding=how.encoding, times=TIMES)
    faults, messages = list(table.faults), list[Inbound]()
    seen: dict[tuple[str, str, datetime], int] = {}
    for row in table.rows:
        try:
            count = _count(_Cells(row.cells, how, as_of), policy)
            place = (count.sku, count.warehouse, count.counted_at)
            if (before := seen.setdefault(place, row.line)) != row.line:
                raise _Wrong(f"the same count stands in line {before}", f"与第 {before} 行重复")
        except _Wrong as wrong:
            faults.append(Fault(line=row.line, en=wrong.en, zh=wrong.zh))
            continue
        key = ("csv", "stock", count.warehouse, count.sku, count.counted_at.isoformat(), str(count.on_hand))
        messages.append(
            Inbound(command=count, key=key, source=SOURCE, shop="", happened_at=count.counted_at, raw=row.raw)
        )
    return Read(messages, _sorted(faults), len(table.rows) + len(table.faults))


def read_orders(raw: bytes, how: ImportMap, policy: Policy, as_of: datetime | None) -> Read:
    """One order for all rows of its number. An order of which one row is wrong is wrong. Raises FileRefused."""
    table = read_table_file(raw, how.columns, encoding=how.encoding, times=TIMES)
    faults, messages = list(table.faults), list[Inbound]()
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        groups.setdefault(row.cells["native"], []).append(row)
    for rows in groups.values():
        line = rows[0].line
        try:
            order, lines = _whole(rows), []
            for no, row in enumerate(rows, 1):
                line = row.line
                lines.append(_line(no, _Cells(row.cells, how, as_of)))
            line = rows[0].line
            detail = _detail(_Cells(order, how, as_of), tuple(lines), how, policy)
        except _Differs as differs:
            faults.append(Fault(line=differs.line, en=differs.en, zh=differs.zh))
        except _Wrong as wrong:
            faults.append(Fault(line=line, en=wrong.en, zh=wrong.zh))
        else:
            messages.append(_message(detail, b"".join(row.raw for row in rows)))
    return Read(messages, _sorted(faults), len(table.rows) + len(table.faults))


def _sorted(faults: list[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: fault.line)


def _count(cells: "_Cells", policy: Policy) -> CountStock:
    warehouse = cells.text("warehouse")
    if warehouse not in policy.warehouses:
        known = ", ".join(policy.warehouses)
        raise _Wrong(
            f"warehouse: expected one of {known}, got {warehouse[:40]!r}",
            f"warehouse 应为 {known} 之一，实为 {warehouse[:40]!r}",
        )
    on_hand, counted_at = cells.whole("on_hand", least=0), cells.time("counted_at")
    return CountStock(sku=cells.text("sku"), warehouse=warehouse, on_hand=on_hand, counted_at=counted_at)


class _Differs(_Wrong):
    def __init__(self, line: int, field: str, first: int) -> None:
        super().__init__(
            f"{field}: differs from line {first} of the same order", f"{field} 与同单第 {first} 行不一致"
        )
        self.line: Final = line


def _whole(rows: list[Row]) -> Mapping[str, str]:
    """What the rows say of the whole order: a blank says nothing, two different texts are a mistake."""
    said: dict[str, tuple[str, int]] = {}
    if len(rows) > MAX_LINES:
        raise _Wrong(f"more than {MAX_LINES} rows for one order", f"一单超过 {MAX_LINES} 行")
    for row in rows:
        for field, text in row.cells.items():
            if not text or field in LINE_FIELDS:
                continue
            first, line = said.setdefault(field, (text, row.line))
            if first != text:
                raise _Differs(row.line, field, line)
    return {field: text for field, (text, _) in said.items()}


def _line(no: int, cells: "_Cells") -> Line:
    return Line(
        no=no,
        sku=cells.text("sku"),
        units=cells.whole("units", least=1),
        amount_fen=cells.fen("amount"),
        title=cells.get("title"),
    )


def _detail(cells: "_Cells", lines: tuple[Line, ...], how: ImportMap, policy: Policy) -> RecordDetail:
    shop = policy.shops[how.shop]
    freight_fen = cells.fen("freight") if cells.get("freight") else 0
    person, region = _person(cells)
    return RecordDetail(
        channel=shop.channel,
        shop=shop.id,
        native=cells.text("native"),
        native_status=_status(cells.text("status"), policy.channels[shop.channel]),
        said_at=cells.time("said_at"),
        lines=lines,
        amount_fen=sum(line.amount_fen for line in lines) + freight_fen,
        freight_fen=freight_fen,
        placed_at=cells.time("placed_at"),
        paid_at=cells.time("paid_at") if cells.get("paid_at") else None,
        region=region,
        person=person,
    )


def _status(native: str, channel: ChannelMap) -> str:
    if native not in channel.statuses:
        known = ", ".join(channel.statuses)
        raise _Wrong(
            f"status: expected a value of the map or one of {known}, got {native[:40]!r}",
            f"订单状态应在映射中或为 {known} 之一，实为 {native[:40]!r}",
        )
    return native


def _person(cells: "_Cells") -> tuple[Person, str]:
    province = cells.needed("province")
    region = region_of(province)
    if not region:
        raise _Wrong("province: expected the name of a province", "province 应为省级行政区名称")
    person = Person(
        name=cells.needed("name"),
        phone=cells.needed("phone"),
        province=province,
        city=cells.needed("city"),
        district=cells.get("district"),
        detail=cells.needed("detail"),
    )
    return person, region


def _message(detail: RecordDetail, raw: bytes) -> Inbound:
    digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
    return Inbound(
        command=detail,
        key=("csv", "order", detail.shop, detail.native, detail.said_at.isoformat(), digest),
        source=SOURCE,
        shop=detail.shop,
        happened_at=detail.said_at,
        raw=raw,
    )


class _Cells:
    """The fields of one row or order, read as what they have to be. Every method raises _Wrong."""

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
            raise _Wrong(f"{field}: is empty", f"{field} 为空")
        return text

    def text(self, field: str) -> str:
        """A code: not empty, not long."""
        if len(text := self.needed(field)) > MAX_ID:
            raise _Wrong(f"{field}: longer than {MAX_ID} characters", f"{field} 超过 {MAX_ID} 个字符")
        return text

    def whole(self, field: str, *, least: int) -> int:
        """`12`, and `12.0` or `1,200` as spreadsheets print them."""
        text = self.needed(field).replace(",", "")
        digits, _, zeros = text.partition(".")
        good = digits.isascii() and digits.isdigit() and len(digits) < 10 and not zeros.strip("0")
        if not good or not least <= int(digits) <= MAX_UNITS:
            raise _Wrong(
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
            raise _Wrong(f"{field}: is negative", f"{field} 为负数")
        return fen

    def time(self, field: str) -> datetime:
        """Local time; for the moment that the file speaks of, `--as-of` stands in."""
        if field not in self._how.columns and field in ("said_at", "counted_at") and self._as_of is not None:
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
            raise _Wrong(
                f"{field}: expected {wanted[0]}, got {text[:40]!r}",
                f"{field} 应为{wanted[1]}，实为 {text[:40]!r}",
            ) from None


def needs_as_of(how: ImportMap) -> bool:
    """Whether the file does not say what moment it speaks of."""
    return ("counted_at" if how.kind == "stock" else "said_at") not in how.columns


def read_file(raw: bytes, how: ImportMap, policy: Policy, as_of: datetime | None) -> Read:
    """What the file says; a file that cannot be read at all is one fault."""
    try:
        return (read_stock if how.kind == "stock" else read_orders)(raw, how, policy, as_of)
    except FileRefused as refused:
        return Read([], [refused.fault], 0)
