"""Bill files of platforms, read under a map `conf/bills/NAME.yml`: which row is a payment, a refund, a fee."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from tongdan.adapters.bill_files import Bill, Cells, fen_of, plain, take, text_of
from tongdan.adapters.table_file import read_table_file
from tongdan.adapters.xlsx_table import MAGIC
from tongdan.domain.finance.bills import Kind, Row
from tongdan.domain.kernel.instants import from_local

FEE, SUBSIDY = "fee", "subsidy"
NEEDED: Final = frozenset({"name", "amount", "income", "spending"})


class BillMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A platform's bill: our columns → headings, of which the first that stands there counts.

    `name` is the order; `amount`, or `income` and `spending` where what comes and what goes have columns of their own;
    `refund`, what went back of the amount in the same row; `at`, `reference`, `number`, `kind`; `direction`, of which
    the words in `outgoing` say that the amount went out. `begins` is the first heading, if lines stand above it.
    `kinds`: how its words begin → ours, the longest wins; without a `kind` column every row is a payment. A payment
    that went out is a refund. `fees` and `subsidies`: what was taken off or added beside the amount, or, where that is
    `net`, what it has in it already.
    """

    shop: str
    columns: Mapping[str, str | tuple[str, ...]]
    kinds: Mapping[str, Literal["trade", "refund", "fee", "moved"]] = {}
    outgoing: tuple[str, ...] = ()
    fees: tuple[str, ...] = ()
    subsidies: tuple[str, ...] = ()
    net: bool = False
    begins: str = ""
    encoding: str = "auto"
    zone: str = "Asia/Shanghai"


def read_mapped(raw: bytes, how: BillMap) -> Bill:
    """Raises FileRefused."""
    columns = dict(how.columns)
    for what, headings in ((FEE, how.fees), (SUBSIDY, how.subsidies)):
        columns |= {f"{what}{n}": heading for n, heading in enumerate(headings)}
    optional, zone = frozenset(columns.keys() - NEEDED), ZoneInfo(how.zone)
    above, raw = _below(raw, how.begins) if how.begins else (0, raw)
    table = read_table_file(raw, columns, encoding=how.encoding, optional=optional, times=frozenset({"at"}))
    rows, faults = list[Row](), [replace(fault, line=fault.line + above) for fault in table.faults]
    for each in table.rows:
        take(each.line + above, each.cells, partial(_rows, how=how, zone=zone), rows, faults)
    return Bill(rows=tuple(rows), faults=tuple(sorted(faults, key=lambda fault: fault.line)))


def _below(raw: bytes, begins: str) -> tuple[int, bytes]:
    """How many lines stand above the heading, and the table without them, with blanks for lines of `#` in it."""
    if raw.startswith(MAGIC):
        return 0, raw
    lines = text_of(raw).splitlines()
    above = next((n for n, line in enumerate(lines) if line.startswith(begins)), 0)
    table = ["" if line.startswith("#") else line for line in lines[above:]]
    return above, "\n".join(table).encode()


def _rows(line: int, cells: Cells, how: BillMap, zone: ZoneInfo) -> Iterator[Row]:
    said, amount_fen, back_fen = cells.get("kind", ""), _amount(cells, how), _cell(cells, "refund")
    fee_fen = _sum(cells, SUBSIDY, how.subsidies) - _sum(cells, FEE, how.fees)
    if how.net:
        amount_fen += back_fen - fee_fen
    row = Row(
        line=line,
        kind=_kind(said, amount_fen, how),
        reference=plain(cells.get("reference", "")),
        name=plain(cells["name"]),
        amount_fen=amount_fen,
        at=from_local(cells["at"], zone) if cells.get("at") else None,
        number=plain(cells.get("number", "")),
        fee_fen=fee_fen,
        said=said,
    )
    yield row
    if back_fen:
        yield replace(row, kind=Kind.REFUND, amount_fen=-back_fen, fee_fen=0)


def _amount(cells: Cells, how: BillMap) -> int:
    if "amount" not in how.columns:
        return _cell(cells, "income") - _cell(cells, "spending")
    if how.outgoing:
        return -_cell(cells, "amount") if cells.get("direction") in how.outgoing else _cell(cells, "amount")
    return fen_of(cells["amount"])


def _cell(cells: Cells, name: str) -> int:
    """A sum in fen, whichever sign it is written with; 0 where the cell is empty."""
    return abs(fen_of(cells.get(name) or "0"))


def _sum(cells: Cells, what: str, headings: tuple[str, ...]) -> int:
    return sum([_cell(cells, f"{what}{n}") for n in range(len(headings))])


def _kind(said: str, amount_fen: int, how: BillMap) -> Kind:
    known = [begin for begin in how.kinds if said.startswith(begin)]
    if how.kinds and not known:
        return Kind.OTHER
    kind = Kind(how.kinds[max(known, key=len)]) if known else Kind.TRADE
    return Kind.REFUND if kind is Kind.TRADE and amount_fen < 0 else kind
