"""Open orders as the ERP used before exports them at cut-over: one row an article, several shops in one file.

Such a system has documents of its own. One order of a platform may have become several (split) and one of its documents
may stand for several orders (merged), so rows are gathered twice: by document, for status, parcel and sums, and by the
platform's number, for the order. Documents that hang together are read together, and one mistake refuses them all.
What a document costs beyond its rows (freight, discount) goes to the first order in it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from msgspec.structs import replace

from tongdan.adapters.csv_table import Fault, Row
from tongdan.adapters.partners.erp_cells import Cells, Differs, Wrong, fault
from tongdan.adapters.partners.erp_map import ImportMap, State
from tongdan.adapters.partners.erp_receiver import read_receiver
from tongdan.adapters.partners.miniprogram import CHANNEL as OWN
from tongdan.adapters.partners.regions import region_of
from tongdan.domain.kernel.policy import Policy, Shop
from tongdan.domain.orders.commands import TakeOverOrder
from tongdan.domain.orders.lines import LeftParcel, Line, Units

MAX_TOGETHER: Final = 500  # rows of documents and orders that hang together
MAX_LINES: Final = 200  # of one order
COD: Final = (
    "cash-on-delivery"  # what a map's `holds` calls it; such an order is not held, but paid at the door
)
HELD: Final = "held-before"  # where the other system gives no reason that the map knows
MARKS: Final = ("type", "labels", "problem", "cod")  # and the refund of each row
ROW_FIELDS: Final = frozenset({
    "native", "origin", "sub", "platform_sku", "sku", "title", "variant", "units", "amount", "gift", "bundle",
    "line_freight", "refund",
})  # fmt: skip
_SEPARATORS: Final = ",，;；"


class OpenOrder(NamedTuple):
    command: TakeOverOrder
    raw: bytes


class Found(NamedTuple):
    """`orders` by what hangs together; `refused` raw rows by line; `over` rows by the status that ended them."""

    orders: list[list[OpenOrder]]
    faults: list[Fault]
    refused: dict[int, bytes]
    over: dict[str, int]


class _Row(NamedTuple):
    row: Row
    cells: Cells
    document: str
    native: str


class _Document(NamedTuple):
    """What all rows of a document say. `parts` are its rows' amounts, in hundredths of a fen."""

    number: str
    state: State
    cells: Cells
    rows: list[_Row]
    line: int


def read_open_orders(rows: Sequence[Row], how: ImportMap, policy: Policy, as_of: datetime | None) -> Found:
    found = Found([], [], {}, {})
    named: list[_Row] = []
    for row in rows:
        cells = Cells(row.cells, how, as_of)
        try:
            named.append(_Row(row, cells, cells.text("document"), _native(cells)))
        except Wrong as wrong:
            found.faults.append(fault(row.line, wrong, how))
            found.refused[row.line] = row.raw
    for together in _together(named):
        try:
            found.orders.append(_orders(together, how, policy, as_of, found.over))
        except _At as wrong:
            found.faults.append(fault(wrong.line, wrong.wrong, how))
            found.refused.update({each.row.line: each.row.raw for each in together})
    return found._replace(orders=[orders for orders in found.orders if orders])


class _At(Exception):
    """A mistake, and the line it stands in."""

    def __init__(self, line: int, wrong: Wrong) -> None:
        super().__init__(wrong.en)
        self.line: Final = wrong.line if isinstance(wrong, Differs) else line
        self.wrong: Final = wrong


def _native(cells: Cells) -> str:
    """The platform's number of a row. Raises Wrong where a document of several orders does not say whose a row is."""
    if cells.get("origin"):
        return cells.text("origin")
    native = cells.text("native")
    if any(mark in native for mark in _SEPARATORS):
        raise Wrong(
            "native: several orders of a platform in one; export the column of the original order number too",
            "一行含多个平台单号；请同时导出原始线上订单号一列",
        )
    return native


def _together(rows: Sequence[_Row]) -> list[list[_Row]]:
    """The rows by what hangs together, in the order of their first."""
    heads: dict[str, str] = {}

    def head(name: str) -> str:
        while (above := heads.setdefault(name, name)) != name:
            heads[name] = name = heads[above]
        return name

    for each in rows:
        heads[head(f"o{each.native}")] = head(f"d{each.document}")
    found: dict[str, list[_Row]] = {}
    for each in rows:
        found.setdefault(head(f"d{each.document}"), []).append(each)
    return list(found.values())


def _orders(
    rows: Sequence[_Row], how: ImportMap, policy: Policy, as_of: datetime | None, over: dict[str, int]
) -> list[OpenOrder]:
    """The open orders among rows that hang together. Raises _At."""
    if len(rows) > MAX_TOGETHER:
        wrong = Wrong(
            f"more than {MAX_TOGETHER} rows hang together by split and merged orders",
            f"因拆单、合单而相连的行超过 {MAX_TOGETHER}",
        )
        raise _At(rows[0].row.line, wrong)
    documents: dict[str, list[_Row]] = {}
    for each in rows:
        documents.setdefault(each.document, []).append(each)
    open_ones = []
    for number, its in documents.items():
        document = _document(number, its, how, as_of)
        if document.state == "over":
            status = document.cells.get("status")
            over[status] = over.get(status, 0) + len(its)
        else:
            open_ones.append(document)
    natives = dict.fromkeys([each.native for document in open_ones for each in document.rows])
    return [_order(native, open_ones, how, policy, as_of) for native in natives]


def _document(number: str, rows: list[_Row], how: ImportMap, as_of: datetime | None) -> _Document:
    said: dict[str, tuple[str, int]] = {}
    for each in rows:
        for field, text in each.row.cells.items():
            if text and field not in ROW_FIELDS:
                first, line = said.setdefault(field, (text, each.row.line))
                if first != text:
                    raise _At(each.row.line, Differs(each.row.line, field, line))
    cells = Cells({field: text for field, (text, _) in said.items()}, how, as_of)
    line = rows[0].row.line
    state = _tried(line, lambda: _state(cells, how))
    return _Document(number, state, cells, rows, line)


def _state(cells: Cells, how: ImportMap) -> State:
    status = cells.text("status")
    if status not in how.states:
        known = ", ".join(how.states)
        raise Wrong(
            f"status: expected one of {known}, got {status[:40]!r}; add it to `states` of the map",
            f"订单状态应为 {known} 之一，实为 {status[:40]!r}；可在映射的 states 中补充",
        )
    return how.states[status]


def _tried(line: int, read: Callable[[], State]) -> State:
    try:
        return read()
    except Wrong as wrong:
        raise _At(line, wrong) from None


def _order(
    native: str, documents: Sequence[_Document], how: ImportMap, policy: Policy, as_of: datetime | None
) -> OpenOrder:
    """The order of this number: its rows in all documents. Raises _At."""
    its = [document for document in documents if any(each.native == native for each in document.rows)]
    first, at = its[0], its[0].line
    try:
        shop = _shop(first.cells, how, policy)
        rows = [(document, each) for document in its for each in document.rows if each.native == native]
        lines = _lines([each for _, each in rows])
        freight_fen, discount_fen = _beyond_rows(native, its)
        amount_fen = sum([line.amount_fen for line in lines]) + freight_fen - discount_fen
        if amount_fen < 0:
            raise Wrong("discount: is more than all the rest", "优惠超过商品与运费之和")
        for document in its:
            at = document.line
            _check_due(document)
        at = first.line
        times = _Times(first.cells, its)
        _check_paid(its, times, how)
        person, masked = read_receiver(first.cells)
        held = [_holds(document, how) for document in its if document.state in ("paid", "held", "unpaid")]
        command = TakeOverOrder(
            channel=shop.channel,
            shop=shop.id,
            native=native,
            system=how.system,
            native_status=" ".join(dict.fromkeys([document.cells.get("status") for document in its]))[:64],
            said_at=as_of or times.latest,
            lines=lines,
            amount_fen=amount_fen,
            freight_fen=freight_fen,
            discount_fen=discount_fen,
            placed_at=times.placed_at,
            paid_at=None if all(document.state == "unpaid" for document in its) else times.paid_at,
            left=tuple(_left(its, rows, how, times)),
            holds=tuple(dict.fromkeys([hold for holds in held for hold in holds if hold != COD])),
            cod=times.paid_at is None and any(COD in _holds(document, how) for document in its),
            masked=masked,
            region=region_of(person.province),
            person=person,
        )
    except Wrong as wrong:
        raise _At(at, wrong) from None
    return OpenOrder(command, b"".join([each.row.raw for _, each in rows]))


def _shop(cells: Cells, how: ImportMap, policy: Policy) -> Shop:
    """By the map, else by the name the shop has in `conf/shops.yml`; on the platform that the file names."""
    named, platform = cells.text("shop"), cells.get("platform")
    by_name = {shop.name: shop.id for shop in policy.shops.values()}
    shop = policy.shops.get(how.shops.get(named) or by_name.get(named, ""))
    if shop is None:
        raise Wrong(
            f"shop: {named[:40]!r} is none of ours; add it to `shops` of the map, or leave its rows out",
            f"店铺 {named[:40]!r} 未配置；请在映射的 shops 中补充，或去掉这些行",
        )
    if shop.channel == OWN:
        raise Wrong(
            f"shop: the own shop {shop.id} sends its orders itself, through its own door; leave its rows out",
            f"自有店铺 {shop.id} 的订单由其自身接口推送；请去掉这些行",
        )
    if platform and (channel := how.channels.get(platform, "")) != shop.channel:
        raise Wrong(
            f"platform: {platform[:40]!r} is {channel or 'no channel of the map'}, but {shop.id} is on {shop.channel}",
            f"平台 {platform[:40]!r} 对应 {channel or '（映射中没有）'}，而店铺 {shop.id} 属于 {shop.channel}",
        )
    return shop


def _lines(rows: Sequence[_Row]) -> tuple[Line, ...]:
    """Raises _At or Wrong."""
    if len(rows) > MAX_LINES:
        raise Wrong(f"more than {MAX_LINES} rows for one order", f"一单超过 {MAX_LINES} 行")
    lines, parts = [], []
    for no, each in enumerate(rows, 1):
        try:
            lines.append(_line(no, each.cells))
            parts.append(each.cells.parts_of_fen("amount"))
        except Wrong as wrong:
            raise _At(each.row.line, wrong) from None
    return tuple([replace(line, amount_fen=fen) for line, fen in zip(lines, in_fen(parts), strict=True)])


def _line(no: int, cells: Cells) -> Line:
    """All pieces of a part of a bundle are taken for one bundle, which has left once they all have."""
    units, bundle = cells.whole("units", least=1), cells.get("bundle")[:64]
    title = " ".join([text for text in (cells.get("title"), cells.get("variant")) if text])
    return Line(
        no=no,
        sku=cells.text("sku"),
        units=units,
        amount_fen=0,
        native=cells.get("sub")[:64],
        platform_sku=cells.get("platform_sku")[:64],
        title=title[:200],
        gift=cells.get("gift") == "yes",
        bundle=bundle,
        bundle_units=units if bundle else 0,
    )


def in_fen(parts: Sequence[int]) -> list[int]:
    """Hundredths of a fen as whole fen with the same (rounded) sum: those with the largest remainder get one more."""
    fen = [part // 100 for part in parts]
    missing = (sum(parts) + 50) // 100 - sum(fen)
    largest = sorted(range(len(parts)), key=lambda at: (-(parts[at] % 100), at))
    for at in largest[:missing]:
        fen[at] += 1
    return fen


def _sums(document: _Document) -> tuple[int, int]:
    """Freight and discount of a document, in fen."""
    by_row = sum([
        each.cells.parts_of_fen("line_freight") for each in document.rows if each.cells.get("line_freight")
    ])  # fmt: skip
    freight = document.cells.parts_of_fen("freight") if document.cells.get("freight") else by_row
    discount = document.cells.parts_of_fen("discount") if document.cells.get("discount") else 0
    return in_fen([freight])[0], in_fen([discount])[0]


def _beyond_rows(native: str, documents: Sequence[_Document]) -> tuple[int, int]:
    sums = [_sums(document) for document in documents if document.rows[0].native == native]
    return sum([freight for freight, _ in sums]), sum([discount for _, discount in sums])


def _check_due(document: _Document) -> None:
    if not document.cells.get("due"):
        return
    freight_fen, discount_fen = _sums(document)
    rows_fen = sum(in_fen([each.cells.parts_of_fen("amount") for each in document.rows]))
    due_fen = in_fen([document.cells.parts_of_fen("due")])[0]
    if rows_fen + freight_fen - discount_fen != due_fen:
        raise Wrong(
            f"due: rows {rows_fen} + freight {freight_fen} - discount {discount_fen} fen are not {due_fen}; mend "
            "it, or take `due` out of the map if these columns mean something else",
            f"应收不符：商品 {rows_fen} + 运费 {freight_fen} - 优惠 {discount_fen} 分，而应收为 {due_fen} 分；请修正，"
            "若各列含义不同，可从映射中去掉 due",
        )


class _Times:
    """When the order was placed and paid, when each document left, and the latest of all that."""

    def __init__(self, cells: Cells, documents: Sequence[_Document]) -> None:
        self.placed_at: Final = cells.time("placed_at")
        self.paid_at: Final = cells.time("paid_at") if cells.get("paid_at") else None
        left = {
            document.number: document.cells.time("shipped_at")
            for document in documents
            if document.state == "left" and document.cells.get("shipped_at")
        }
        self.latest: Final = max([self.placed_at, self.paid_at or self.placed_at, *left.values()])
        self._left: Final = left

    def left_at(self, document: str) -> datetime:
        return self._left.get(document, self.latest)


def _check_paid(documents: Sequence[_Document], times: _Times, how: ImportMap) -> None:
    """What is paid says when, or it would wait for its money for ever; cash on delivery has none yet."""
    for document in documents:
        if document.state == "paid" and times.paid_at is None and not _holds(document, how):
            raise Wrong(
                f"paid_at: is empty, though the status {document.cells.get('status')!r} means paid",
                f"付款时间为空，而状态 {document.cells.get('status')!r} 表示已付款",
            )


def _left(
    documents: Sequence[_Document],
    rows: Sequence[tuple[_Document, _Row]],
    how: ImportMap,
    times: _Times,
) -> list[LeftParcel]:
    found = []
    for document in documents:
        if document.state == "left":
            units = [
                Units(no, each.cells.whole("units", least=1))
                for no, (its, each) in enumerate(rows, 1)
                if its is document
            ]
            carrier = document.cells.get("carrier")
            found.append(
                LeftParcel(
                    dispatch=f"{how.system}-{document.number}",
                    carrier=how.carriers.get(carrier, carrier)[:64],
                    waybill=document.cells.get("waybill")[:64],
                    units=tuple(units),
                    shipped_at=times.left_at(document.number),
                )
            )
    return found


def _holds(document: _Document, how: ImportMap) -> list[str]:
    texts = [document.cells.get(mark) for mark in MARKS]
    texts += [each.cells.get("refund") for each in document.rows]
    said = "\n".join(texts)
    found = [hold for word, hold in how.holds.items() if word in said]
    return found or [HELD] if document.state == "held" else found
