"""Bill files of payment providers and platforms: which row is a payment, a refund, a fee, and whether their sums agree.

WeChat Pay trade bill (交易账单) and fund bill (资金账单): a heading, rows whose fields begin with a backtick, then
totals under a heading of their own. Alipay (支付宝账务明细): `#` lines around, fields with tabs behind, totals in `#`
lines; an order's number has a prefix such as T200P. Other platforms: `bill_map`. Sources: WeChat Pay's
documents of the two bills and the samples in Go and Java kits; for Alipay public importers of its exports. Assumed:
业务凭证号 of a fund bill is the merchant's number; a word that is not below makes an open row.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from tongdan.adapters.csv_table import MAX_BYTES, MAX_ROWS, Fault, FileRefused
from tongdan.domain.finance.bills import Kind, Row
from tongdan.domain.kernel.instants import from_local
from tongdan.domain.kernel.money import MAX_FEN
from tongdan.ports import Failed

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
_ALIPAY_NAME: Final = re.compile(r"T\d+(?:N?P)(\d{6,24})", re.ASCII)
_ALIPAY_TOTAL: Final = re.compile(r"#(支出|收入)合计[：:]\s*(\d+)\s*笔[，,]\s*共\s*(-?[\d.,]+)\s*元")
_FUND: Final = {
    "交易": Kind.TRADE, "退款": Kind.REFUND, "扣除交易手续费": Kind.FEE, "手续费返还": Kind.FEE, "提现": Kind.MOVED,
    "充值": Kind.MOVED,
}  # fmt: skip
_ALIPAY: Final = {
    "在线支付": Kind.TRADE, "交易付款": Kind.TRADE, "交易退款": Kind.REFUND, "退款": Kind.REFUND,
    "退款（交易退款）": Kind.REFUND, "收费": Kind.FEE, "服务费": Kind.FEE, "提现": Kind.MOVED, "转账": Kind.MOVED,
}  # fmt: skip


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says. A fault at line 0 is about its totals: they do not agree with its rows."""

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]


Cells = Mapping[str, str]


def read_wechat(raw: bytes) -> Bill:
    """A trade or a fund bill, told apart by its heading. Raises FileRefused."""
    lines = text_of(raw).splitlines()
    heading = lines[0].split(",") if lines else []
    if "商户订单号" in heading and "交易状态" in heading:
        return _wechat(lines, heading, "总交易单数", _trade, _trade_totals)
    if "资金流水单号" in heading and "收支金额(元)" in heading:
        return _wechat(lines, heading, "资金流水总笔数", _fund, _fund_totals)
    raise FileRefused(
        "is no bill of WeChat Pay: its first line is the heading of neither a trade nor a fund bill",
        "不是微信支付账单：首行既非交易账单也非资金账单的列名",
    )


def wechat_rows(raw: bytes) -> Sequence[Row] | Failed:
    """Those of a bill that WeChat Pay has given, which is whole or nothing."""
    try:
        bill = read_wechat(raw)
    except FileRefused as refused:
        return Failed(f"the bill {refused}", final=True)
    return Failed(f"line {bill.faults[0].line}: {bill.faults[0].en}") if bill.faults else bill.rows


def _wechat(
    lines: Sequence[str], heading: Sequence[str], totals: str, read: Callable[[int, Cells], Iterable[Row]],
    expected: Callable[[Sequence[Row]], Mapping[str, Decimal]],
) -> Bill:  # fmt: skip
    rows, faults = list[Row](), list[Fault]()
    summary: dict[str, str] | None = None
    for line, text in enumerate(lines[1:], 2):
        if text.startswith(totals):
            names, values = text.split(","), lines[line].lstrip("`").split(",`") if line < len(lines) else []
            summary = dict(zip(names, values, strict=False))
            break
        if text.strip():
            take(line, dict(zip(heading, text.lstrip("`").split(",`"), strict=False)), read, rows, faults)
    if summary is None:
        raise FileRefused("ends without its totals: it was not received whole", "缺少汇总行：文件不完整")
    if not faults:
        faults += _disagreeing(summary, expected(rows))
    return Bill(rows=tuple(rows), faults=tuple(faults))


def _trade(line: int, cells: Cells) -> Iterator[Row]:
    refund = cells["交易状态"] == "REFUND"
    names = ("申请退款金额", "退款金额") if refund else ("订单金额", "总金额")
    amount = cells.get(names[0]) or cells[names[1]]
    kind = Kind.REFUND if refund else Kind.TRADE if cells["交易状态"] == "SUCCESS" else Kind.OTHER
    _check_currency(cells.get("货币种类", "CNY"))
    yield Row(
        line=line,
        kind=kind,
        reference=cells["微信退款单号"] if refund else cells["微信订单号"],
        name=cells["商户订单号"],
        amount_fen=-fen_of(amount) if refund else fen_of(amount),
        at=from_local(cells["交易时间"], SHANGHAI),
        number=cells["商户退款单号"] if refund else cells["微信订单号"],
        fee_fen=-fen_of(cells.get("手续费") or "0"),
        said=cells["交易状态"],
    )


def _trade_totals(rows: Sequence[Row]) -> Mapping[str, Decimal]:
    refunded = -sum([row.amount_fen for row in rows if row.kind is Kind.REFUND])
    return {
        "总交易单数": Decimal(len(rows)),
        "订单总金额": _yuan(sum([row.amount_fen for row in rows if row.kind is Kind.TRADE])),
        "申请退款总金额": _yuan(refunded),
    }


def _fund(line: int, cells: Cells) -> Iterator[Row]:
    came_in = {"收入": 1, "支出": -1}.get(cells["收支类型"])
    if came_in is None:
        raise ValueError("expected 收支类型 收入 or 支出")
    yield Row(
        line=line,
        kind=_FUND.get(cells["业务名称"], Kind.OTHER),
        reference=cells["资金流水单号"],
        name=cells["业务凭证号"],
        amount_fen=came_in * fen_of(cells["收支金额(元)"]),
        at=from_local(cells["记账时间"], SHANGHAI),
        number=cells["微信支付业务单号"],
        said=cells["业务名称"],
    )


def _fund_totals(rows: Sequence[Row]) -> Mapping[str, Decimal]:
    came_in, went_out = (
        [row for row in rows if row.amount_fen >= 0],
        [row for row in rows if row.amount_fen < 0],
    )
    return {
        "资金流水总笔数": Decimal(len(rows)),
        "收入笔数": Decimal(len(came_in)),
        "收入金额": _yuan(sum([row.amount_fen for row in came_in])),
        "支出笔数": Decimal(len(went_out)),
        "支出金额": _yuan(-sum([row.amount_fen for row in went_out])),
    }


def _disagreeing(said: Mapping[str, str], counted: Mapping[str, Decimal]) -> Iterator[Fault]:
    """Totals of the file that are not those of its rows; a file may leave some out."""
    for name, value in counted.items():
        if name in said and _decimal(said[name]) != value:
            en = f"{name} says {said[name]}, its rows add up to {value}"
            yield Fault(line=0, en=en, zh=f"{name} 为 {said[name]}，明细合计为 {value}")


def read_alipay(raw: bytes) -> Bill:
    """An export of account entries. Raises FileRefused."""
    rows, faults, heading = list[Row](), list[Fault](), list[str]()
    totals: dict[str, tuple[int, Decimal]] = {}
    for line, text in enumerate(text_of(raw).splitlines(), 1):
        if found := _ALIPAY_TOTAL.match(text):
            totals[found[1]] = int(found[2]), _decimal(found[3])
        elif not heading and text.startswith("账务流水号"):
            heading = [plain(cell) for cell in text.split(",")]
        elif heading and text.strip(",\t ") and not text.startswith("#"):
            cells = dict(zip(heading, [plain(cell) for cell in text.split(",")], strict=False))
            take(line, cells, _entry, rows, faults)
    if not heading:
        raise FileRefused("is no export of Alipay's account entries (账务明细)", "不是支付宝账务明细导出文件")
    if not faults:
        faults += _alipay_totals(rows, totals)
    return Bill(rows=tuple(rows), faults=tuple(faults))


def _entry(line: int, cells: Cells) -> Iterator[Row]:
    came_in, went_out = fen_of(cells["收入金额(+元)"] or "0"), fen_of(cells["支出金额(-元)"] or "0")
    name = _ALIPAY_NAME.fullmatch(cells["商户订单号"])
    yield Row(
        line=line,
        kind=_ALIPAY.get(cells["业务类型"], Kind.OTHER),
        reference=cells["账务流水号"],
        name=name[1] if name else cells["商户订单号"],
        amount_fen=came_in - abs(went_out),
        at=from_local(cells["发生时间"], SHANGHAI),
        number=cells["业务流水号"],
        said=cells["业务类型"],
    )


def _alipay_totals(rows: Sequence[Row], totals: Mapping[str, tuple[int, Decimal]]) -> Iterator[Fault]:
    sums = {
        "收入": [row.amount_fen for row in rows if row.amount_fen > 0],
        "支出": [row.amount_fen for row in rows if row.amount_fen < 0],
    }
    for name, (count, total) in totals.items():
        if (count, abs(total)) != (len(sums[name]), abs(_yuan(sum(sums[name])))):
            yield Fault(line=0, en=f"{name}合计 is not the sum of its rows", zh=f"{name}合计与明细不符")


# ---- cells


def take(
    line: int, cells: Cells, read: Callable[[int, Cells], Iterable[Row]], rows: list[Row], faults: list[Fault]
) -> None:
    if len(rows) + len(faults) >= MAX_ROWS:
        raise FileRefused(f"has more than {MAX_ROWS} rows; split it", f"超过 {MAX_ROWS} 行，请拆分文件")
    try:
        rows.extend(tuple(read(line, cells)))
    except KeyError as error:
        faults.append(
            Fault(line=line, en=f"the column {error.args[0]} is missing", zh=f"缺少列 {error.args[0]}")
        )
    except ValueError as error:
        faults.append(Fault(line=line, en=str(error)[:200], zh="金额、时间或类型无法读取"))


def text_of(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise FileRefused(f"larger than {MAX_BYTES} bytes; split it", f"超过 {MAX_BYTES} 字节，请拆分文件")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.removeprefix(codecs.BOM_UTF8).decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileRefused("is neither UTF-8 nor GB18030", "编码既非 UTF-8 也非 GB18030")


def plain(cell: str) -> str:
    return cell.strip().strip("\t").replace("（", "(").replace("）", ")")


def _check_currency(currency: str) -> None:
    if currency != "CNY":
        raise ValueError("currency-not-supported: expected CNY")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text.strip().replace(",", "").removeprefix("¥"))
    except InvalidOperation:
        raise ValueError(f"expected yuan, got {text[:20]!r}") from None


def fen_of(text: str) -> int:
    """Yuan with up to five decimals, as fees have them, to the next fen."""
    fen = int((_decimal(text) * 100).to_integral_value(ROUND_HALF_UP))
    if abs(fen) > MAX_FEN:
        raise ValueError("expected a sum below a hundred billion yuan")
    return fen


def _yuan(fen: int) -> Decimal:
    return Decimal(fen) / 100
