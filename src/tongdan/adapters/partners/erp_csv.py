"""An ERP that speaks by files: stock counts and orders from CSV or XLSX, by a map of its columns (`conf/imports/`).

A row becomes the command that a push would have become: a count a `CountStock`, the rows of one order number the order
as its platform knows it (`RecordDetail`), so that what the platform says later merges with it by time. An own shop's
orders come through its own door alone, because there a buyer places them, or from people who enter them (`PlaceOrder`
with an entry). What is wrong is told row by row.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from tongdan.adapters.csv_table import Fault, FileRefused, Row, Table
from tongdan.adapters.partners.erp_cells import Cells, Differs, Wrong, fault
from tongdan.adapters.partners.erp_manual import entered
from tongdan.adapters.partners.erp_map import FIELDS, ImportMap
from tongdan.adapters.partners.erp_open_orders import OpenOrder, read_open_orders
from tongdan.adapters.partners.erp_receiver import read_person
from tongdan.adapters.table_file import read_table_file
from tongdan.domain.fulfillment.commands import CountStock
from tongdan.domain.kernel.policy import ChannelMap, Policy
from tongdan.domain.orders.commands import PlaceOrder, RecordDetail, TakeOverOrder
from tongdan.domain.orders.lines import Line
from tongdan.ports import Inbound

SOURCE: Final = "erp/csv"
MAX_LINES: Final = 200  # of one order
LINE_FIELDS: Final = frozenset({"sku", "title", "units", "amount"})


class Read(NamedTuple):
    """What a file says: messages for the bus, and what is wrong with it. Either may be empty.

    `heading` and `refused` are raw records, the latter by line. Messages from one of `cuts` to the next belong
    together: only from one file they are read as they are. `over` counts the rows of what is no longer open, by status.
    `sources`: of orders, the rows that each message came from.
    """

    messages: list[Inbound]
    faults: list[Fault]
    rows: int
    heading: bytes = b""
    refused: Mapping[int, bytes] = {}
    cuts: Sequence[int] = ()
    over: Mapping[str, int] = {}
    sources: Sequence[Sequence[Row]] = ()


def read_file(raw: bytes, how: ImportMap, policy: Policy, as_of: datetime | None) -> Read:
    """What the file says; a file that cannot be read at all is one fault. `as_of` dates what has no time of its own."""
    try:
        table = read_table_file(
            raw, how.columns, encoding=how.encoding, optional=how.optional, times=FIELDS[how.kind].times
        )
    except FileRefused as refused:
        return Read([], [refused.fault], 0)
    match how.kind:
        case "stock":
            return _stock(table, how, policy, as_of)
        case "orders":
            return _orders(
                table, "native", lambda cells, lines: _detail(cells, lines, how, policy), how, as_of
            )
        case "open-orders":
            return _open_orders(table, how, policy, as_of)
        case "manual-orders":
            return _orders(table, "number", lambda cells, lines: entered(cells, lines, how), how, as_of)


def _read(
    table: Table,
    messages: list[Inbound],
    faults: list[Fault],
    refused: Mapping[int, bytes],
    cuts: Sequence[int],
) -> Read:
    told = sorted([*table.faults, *faults], key=lambda fault: fault.line)
    rows = len(table.rows) + len(table.faults)
    return Read(messages, told, rows, table.heading, {**table.refused, **refused}, cuts)


def _stock(table: Table, how: ImportMap, policy: Policy, as_of: datetime | None) -> Read:
    """One count a row."""
    faults, messages, bad = list[Fault](), list[Inbound](), dict[int, bytes]()
    seen: dict[tuple[str, str, datetime], int] = {}
    for row in table.rows:
        try:
            count = _count(Cells(row.cells, how, as_of), policy)
            place = (count.sku, count.warehouse, count.counted_at)
            if (before := seen.setdefault(place, row.line)) != row.line:
                raise Wrong(f"the same count stands in line {before}", f"与第 {before} 行重复")
        except Wrong as wrong:
            faults.append(fault(row.line, wrong, how))
            bad[row.line] = row.raw
            continue
        key = ("csv", "stock", count.warehouse, count.sku, count.counted_at.isoformat(), str(count.on_hand))
        messages.append(
            Inbound(command=count, key=key, source=SOURCE, shop="", happened_at=count.counted_at, raw=row.raw)
        )
    return _read(table, messages, faults, bad, range(len(messages)))


def _count(cells: Cells, policy: Policy) -> CountStock:
    warehouse = cells.text("warehouse")
    if warehouse not in policy.warehouses:
        known = ", ".join(policy.warehouses)
        raise Wrong(
            f"warehouse: expected one of {known}, got {warehouse[:40]!r}",
            f"warehouse 应为 {known} 之一，实为 {warehouse[:40]!r}",
        )
    on_hand, counted_at = cells.whole("on_hand", least=0), cells.time("counted_at")
    return CountStock(sku=cells.text("sku"), warehouse=warehouse, on_hand=on_hand, counted_at=counted_at)


def _orders(
    table: Table,
    number: str,
    made: Callable[[Cells, tuple[Line, ...]], RecordDetail | PlaceOrder],
    how: ImportMap,
    as_of: datetime | None,
) -> Read:
    """One order for all rows with the same `number`. An order of which one row is wrong is wrong."""
    faults, messages, bad = list[Fault](), list[Inbound](), dict[int, bytes]()
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        groups.setdefault(row.cells[number], []).append(row)
    sources = list[list[Row]]()
    for rows in groups.values():
        line = rows[0].line
        try:
            order, lines = _whole(rows), []
            for no, row in enumerate(rows, 1):
                line = row.line
                lines.append(_line(no, Cells(row.cells, how, as_of)))
            line = rows[0].line
            command = made(Cells(order, how, as_of), tuple(lines))
        except Wrong as wrong:
            at = wrong.line if isinstance(wrong, Differs) else line
            faults.append(fault(at, wrong, how))
            bad |= {row.line: row.raw for row in rows}
        else:
            messages.append(_message(command, b"".join(row.raw for row in rows)))
            sources.append(rows)
    return _read(table, messages, faults, bad, range(len(messages)))._replace(sources=sources)


def _open_orders(table: Table, how: ImportMap, policy: Policy, as_of: datetime | None) -> Read:
    found = read_open_orders(table.rows, how, policy, as_of)
    messages, cuts = list[Inbound](), list[int]()
    for together in found.orders:
        cuts.append(len(messages))
        messages += [_taken(each) for each in together]
    read = _read(table, messages, found.faults, found.refused, cuts)
    return read._replace(over=found.over)


def _taken(order: OpenOrder) -> Inbound:
    return _message(order.command, order.raw)


def _whole(rows: list[Row]) -> Mapping[str, str]:
    """What the rows say of the whole order: a blank says nothing, two different texts are a mistake."""
    said: dict[str, tuple[str, int]] = {}
    if len(rows) > MAX_LINES:
        raise Wrong(f"more than {MAX_LINES} rows for one order", f"一单超过 {MAX_LINES} 行")
    for row in rows:
        for field, text in row.cells.items():
            if not text or field in LINE_FIELDS:
                continue
            first, line = said.setdefault(field, (text, row.line))
            if first != text:
                raise Differs(row.line, field, line)
    return {field: text for field, (text, _) in said.items()}


def _line(no: int, cells: Cells) -> Line:
    return Line(
        no=no,
        sku=cells.text("sku"),
        units=cells.whole("units", least=1),
        amount_fen=cells.fen("amount"),
        title=cells.get("title"),
    )


def _detail(cells: Cells, lines: tuple[Line, ...], how: ImportMap, policy: Policy) -> RecordDetail:
    shop = policy.shops[how.shop]
    freight_fen = cells.fen("freight") if cells.get("freight") else 0
    person, region = read_person(cells)
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
        raise Wrong(
            f"status: expected a value of the map or one of {known}, got {native[:40]!r}",
            f"订单状态应在映射中或为 {known} 之一，实为 {native[:40]!r}",
        )
    return native


def _message(order: RecordDetail | TakeOverOrder | PlaceOrder, raw: bytes) -> Inbound:
    digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
    said_at = order.placed_at if isinstance(order, PlaceOrder) else order.said_at
    return Inbound(
        command=order,
        key=("csv", "order", order.shop, order.native, said_at.isoformat(), digest),
        source=SOURCE,
        shop=order.shop,
        happened_at=said_at,
        raw=raw,
    )
