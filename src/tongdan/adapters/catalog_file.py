"""The catalogue as a table: one row a SKU, under Chinese or English headings, as CSV (UTF-8 or GB18030) or XLSX.

What is exported may be imported as it is; so an export is the template, too. A row is the whole description of its SKU.
What is wrong is told row by row, and says what was expected.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from tongdan.adapters.csv_table import Fault, HeadingRefused, Row, Table, write_csv
from tongdan.adapters.table_file import read_table_file
from tongdan.adapters.xlsx_writer import write_xlsx
from tongdan.domain.catalog.commands import DefineSku
from tongdan.domain.catalog.model import Description, Sku
from tongdan.domain.catalog.skus import cost_mistake, mistake
from tongdan.domain.kernel.money import fen_from_yuan, yuan_from_fen
from tongdan.domain.kernel.parts import Part

# Our name of each column → its heading in English and in Chinese.
HEADINGS: Final[Mapping[str, tuple[str, str]]] = {
    "sku": ("SKU", "商品编码"),
    "title": ("Title", "名称"),
    "product": ("Product", "款号"),
    "variant": ("Variant", "颜色规格"),
    "weight_g": ("Weight (g)", "重量（克）"),
    "low_stock_units": ("Low stock", "库存预警"),
    "limit_units": ("Limit", "限购"),
    "barcode": ("Bar code", "条码"),
    "active": ("Sold", "在售"),
    "parts": ("Parts", "组合"),
    "cost": ("Cost (yuan)", "成本（元）"),
}
OPTIONAL: Final = frozenset({"cost"})  # without the column costs stay as they are
YES: Final = ("yes", "是")
NO: Final = ("no", "否")


class Read(NamedTuple):
    """What a file says: each command with the line it stands in, and what is wrong. `costs`: of the SKUs whose rows
    say something of it."""

    found: list[tuple[int, DefineSku]]
    faults: list[Fault]
    rows: int
    costs: Mapping[str, int | None] = {}


class _Wrong(Exception):
    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en: Final = en
        self.zh: Final = zh


def read_catalog(raw: bytes) -> Read:
    """Every row by itself; whether parts exist is not known here. Raises FileRefused."""
    table = _table(raw)
    faults, found = list(table.faults), list[tuple[int, DefineSku]]()
    seen: dict[str, int] = {}
    costs: dict[str, int | None] = {}
    for row in table.rows:
        try:
            command, cost_fen = _command(row), _cost_fen(row.cells)
            if (before := seen.setdefault(command.sku, row.line)) != row.line:
                raise _Wrong(
                    f"{command.sku!r} stands in line {before} already",
                    f"{command.sku!r} 与第 {before} 行重复",
                )
        except _Wrong as wrong:
            faults.append(Fault(line=row.line, en=wrong.en, zh=wrong.zh))
        else:
            found.append((row.line, command))
            if "cost" in row.cells:
                costs[command.sku] = cost_fen
    return Read(
        found, sorted(faults, key=lambda fault: fault.line), len(table.rows) + len(table.faults), costs
    )


def _table(raw: bytes) -> Table:
    refused: list[HeadingRefused] = []
    for language in (1, 0):
        columns = {name: titles[language] for name, titles in HEADINGS.items()}
        try:
            return read_table_file(raw, columns, optional=OPTIONAL)
        except HeadingRefused as refusal:
            refused.append(refusal)
    raise refused[0]


def _command(row: Row) -> DefineSku:
    cells = row.cells
    description = Description(
        title=cells["title"],
        product=cells["product"],
        variant=cells["variant"],
        weight_g=_whole(cells, "weight_g"),
        low_stock_units=_whole(cells, "low_stock_units"),
        limit_units=_whole(cells, "limit_units"),
        barcode=cells["barcode"],
        active=_is_sold(cells["active"]),
    )
    command = DefineSku(sku=cells["sku"], description=description, parts=_parts(cells["parts"]))
    if refusal := mistake(command):
        raise _Wrong(refusal.en, refusal.zh)
    return command


def _whole(cells: Mapping[str, str], name: str) -> int:
    """A whole number; an empty cell is 0."""
    text = cells[name] or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        en, zh = HEADINGS[name]
        raise _Wrong(
            f"{en}: expected a whole number, got {text[:40]!r}", f"{zh} 应为整数，实为 {text[:40]!r}"
        )
    return int(text)


def _cost_fen(cells: Mapping[str, str]) -> int | None:
    """Yuan with at most two decimals; an empty cell is not known."""
    text = cells.get("cost", "")
    try:
        cost_fen = fen_from_yuan(text) if text else None
    except ValueError:
        en, zh = HEADINGS["cost"]
        raise _Wrong(
            f"{en}: expected an amount such as 12.50, got {text[:40]!r}",
            f"{zh} 应形如 12.50，实为 {text[:40]!r}",
        ) from None
    if refusal := cost_mistake(cost_fen):
        raise _Wrong(refusal.en, refusal.zh)
    return cost_fen


def _is_sold(text: str) -> bool:
    said = text.casefold()
    if said in NO:
        return False
    if said in YES or not said:
        return True
    en, zh = HEADINGS["active"]
    raise _Wrong(f"{en}: expected yes or no, got {text[:40]!r}", f"{zh} 应为“是”或“否”，实为 {text[:40]!r}")


def _parts(text: str) -> tuple[Part, ...]:
    """`CUP*2@10.00; POT*1@70.00`: SKU, units in one bundle, and the price in yuan that weighs its share, if any."""
    return tuple([_part(each.strip()) for each in text.split(";")]) if text else ()


def _part(text: str) -> Part:
    sku, _, rest = text.rpartition("*")
    units, _, yuan = rest.partition("@")
    try:
        if not (sku and units.isascii() and units.isdigit() and len(units) < 10):
            raise ValueError(units)
        return Part(sku.strip(), int(units), fen_from_yuan(yuan) if yuan else 0)
    except ValueError:
        en, zh = HEADINGS["parts"]
        raise _Wrong(
            f"{en}: expected CUP*2@10.00; POT*1, got {text[:40]!r}",
            f"{zh} 应形如 CUP*2@10.00; POT*1，实为 {text[:40]!r}",
        ) from None


# ---- writing


def write_catalog(skus: Iterable[Sku], form: Literal["csv", "xlsx"], language: Literal["en", "zh"]) -> bytes:
    at = 1 if language == "zh" else 0
    rows = [[titles[at] for titles in HEADINGS.values()], *[_row(sku, at) for sku in skus]]
    return write_xlsx(rows) if form == "xlsx" else write_csv(rows)


def _row(sku: Sku, language: int) -> list[str]:
    said = sku.description
    units = [f"{n or ''}" for n in (said.weight_g, said.low_stock_units, said.limit_units)]
    sold = (YES if said.active else NO)[language]
    parts = "; ".join([_part_text(part) for part in sku.parts])
    cost = "" if sku.cost_fen is None else yuan_from_fen(sku.cost_fen)
    return [sku.sku, said.title, said.product, said.variant, *units, said.barcode, sold, parts, cost]


def _part_text(part: Part) -> str:
    return f"{part.sku}*{part.units}" + (f"@{yuan_from_fen(part.price_fen)}" if part.price_fen else "")
