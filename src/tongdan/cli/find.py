"""`tongdan order find`: every way of looking for orders that the API and the console have, on the files themselves.

The index is read where it lies, beside a running centre or without one; how far it is behind the journal is said.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from tongdan.cli.export import whole_file
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.orders import rows_table
from tongdan.cli.output import DOES_NOT_HOLD, emit, err, fail, out, progress
from tongdan.cli.places import DATA, DataOption, JsonOption, LimitOption
from tongdan.cli.reading import Reading, open_reading
from tongdan.cli.words import instant
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.money import fen_from_yuan
from tongdan.domain.kernel.status import Status
from tongdan.ports import OrderRow, TooWide
from tongdan.surfaces import order_file
from tongdan.surfaces.refusals import TOO_WIDE
from tongdan.surfaces.searching import READINGS, Asked, Found, behind, counted, search
from tongdan.surfaces.words import STATUSES, pick

HELP: Final = teach(
    """Find orders, newest first; all that is said must hold.

TEXT is any id or whole number, a waybill, a phone or its last four digits, two or more characters of a name, a SKU, or
words of the goods; how it was read is said. --phone, --name, --sku, --waybill and --words say which. Counts are exact
up to 10,000. --export writes all that is found, without personal data, as .xlsx or .csv.""",
    """查找订单，最新的在前；各条件须同时满足。

TEXT 可以是任一单号、运单号、手机号或尾号、姓名中相连的两个字、SKU 或商品名称，结果会说明按哪种理解；
也可用 --phone、--name、--sku、--waybill、--words 指明。计数精确到 10,000。
--export 将全部结果写成 .xlsx 或 .csv（不含个人信息）。""",
    "tongdan order find 1234",
    "tongdan order find --name 张三 --status shipped --since 2026-01-01",
    "tongdan order find --sku TEA-250G --min 100 --held --export tea.xlsx",
)


def _text(name: str, en: str, zh: str, metavar: str = "TEXT") -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(name, metavar=metavar, help=t(en, zh), show_default=False)
    return option


def find(
    q: Annotated[
        str,
        typer.Argument(metavar="[TEXT]", help=t("What you have.", "已知的任意内容。"), show_default=False),
    ] = "",
    phone: Annotated[
        str, _text("--phone", "Whole, masked, or its last four.", "手机号、脱敏号或后四位。")
    ] = "",
    name: Annotated[str, _text("--name", "Two or more characters of it.", "姓名中相连的两个字以上。")] = "",
    sku: Annotated[str, _text("--sku", "An own SKU.", "自有 SKU。")] = "",
    waybill: Annotated[str, _text("--waybill", "Or another number.", "运单号或其他完整单号。")] = "",
    words: Annotated[str, _text("--words", "Of the goods' titles.", "商品名称中的文字。")] = "",
    channel: Annotated[str, _text("--channel", "Such as DY.", "渠道代码，如 DY。", "CODE")] = "",
    shop: Annotated[list[str] | None, _text("--shop", "One of these.", "店铺，可多次。", "SHOP")] = None,
    status: Annotated[
        list[str] | None, _text("--status", "Code or name, one of these.", "状态码或名称，可多次。", "STATUS")
    ] = None,
    warehouse: Annotated[str, _text("--warehouse", "Its code.", "仓库代码。", "CODE")] = "",
    since: Annotated[str, _text("--since", "Placed from then on.", "此时及以后下单。", "TIME")] = "",
    until: Annotated[str, _text("--until", "Placed before.", "此时之前下单。", "TIME")] = "",
    least: Annotated[str, _text("--min", "At least.", "金额下限（元）。", "YUAN")] = "",
    most: Annotated[str, _text("--max", "At most.", "金额上限（元）。", "YUAN")] = "",
    odd: Annotated[
        bool, typer.Option("--odd", help=t("Whose systems disagree.", "各系统状态不一致。"))
    ] = False,
    held: Annotated[bool, typer.Option("--held", help=t("That are held.", "被挂起。"))] = False,
    limit: LimitOption = 50,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export", metavar="FILE", help=t("A .xlsx or .csv for all.", "全部写入 .xlsx 或 .csv。")
        ),
    ] = None,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    asked = Asked(
        q=q, phone=phone, name=name, sku=sku, waybill=waybill, words=words, channel=channel,
        shops=tuple(shop or ()), statuses=_statuses(status or []), warehouse=warehouse, since=_instant(since),
        until=_instant(until), least_fen=_fen("--min", least), most_fen=_fen("--max", most), odd=odd, held=held,
    )  # fmt: skip
    form = None if export is None else _form(export)
    with open_reading(data) as reading:
        if export is not None and form is not None:
            _write(reading, asked, export, form)
            return
        found = _pages(reading, asked, limit)
        count, more = counted(reading.reads, found.query)
        late = behind(reading.reads)
    if json:
        emit({"orders": [_bare(row) for row in found.rows], "count": count, "more": more, "read_as": found.read_as,
              "also": found.also, "behind": late})  # fmt: skip
        return
    out.print(rows_table(found.rows))
    err.print(" ".join(_said(found, count, more, late)), markup=False)


def _pages(reading: Reading, asked: Asked, limit: int) -> Found:
    """At most `limit` orders. Exits with 2 when the question cannot be answered."""
    found = _page(reading, asked, "", min(limit, order_file.PAGE))
    rows, further = [*found.rows], found.next
    while further is not None and len(rows) < limit:
        page = _page(reading, asked, further, min(limit - len(rows), order_file.PAGE))
        rows, further = rows + page.rows, page.next
    return found._replace(rows=rows)


def _page(reading: Reading, asked: Asked, cursor: str, limit: int) -> Found:
    try:
        found = search(reading.reads, asked, cursor, limit)
    except TooWide:
        found = TOO_WIDE.of()
    if isinstance(found, Refusal):
        fail(pick((found.en, found.zh), LANGUAGE))
    return found


def _said(found: Found, count: int | None, more: bool, late: int) -> list[str]:
    whole = "?" if count is None else f"{count:,}{'+' if more else ''}"
    told = [t(f"{len(found.rows)} of {whole} orders.", f"显示 {len(found.rows)} 张，共 {whole} 张。")]
    if found.read_as:
        told.append(t("Read as ", "按") + pick(READINGS[found.read_as], LANGUAGE) + t(".", "查得。"))
    if found.also:
        others = [pick(READINGS[each], LANGUAGE) for each in found.also]
        told.append(t(f"Could also be {' / '.join(others)}.", f"也可能是{'、'.join(others)}。"))
    if late:
        told.append(
            t(
                f"The index lacks the last {late} rows of the journal; `tongdan serve` catches up.",
                f"索引尚缺最近 {late} 行记录，tongdan serve 运行后会补齐。",
            )
        )
    return told


def _bare(row: OrderRow) -> OrderRow:
    return msgspec.structs.replace(row, cursor="")


def _write(reading: Reading, asked: Asked, to: Path, form: order_file.Form) -> None:
    first = _page(reading, asked, "", order_file.PAGE)
    count, more = counted(reading.reads, first.query)
    with whole_file(to) as file, progress() as bar:
        task = bar.add_task(t("orders", "订单"), total=None if more else count)
        try:
            for piece in order_file.in_file(reading.reads, asked, first, form, LANGUAGE):
                file.write(piece)
                bar.update(task, advance=order_file.PAGE)
        except (ValueError, TooWide) as error:
            fail(t(f"The file broke off: {error}", f"导出中断：{error}"), DOES_NOT_HOLD)
    err.print(t(f"{count}{'+' if more else ''} orders → {to}", f"{count}{'+' if more else ''} 张订单 → {to}"))


# ---- what was typed


def _form(to: Path) -> order_file.Form:
    match to.suffix.lower():
        case ".xlsx":
            return "xlsx"
        case ".csv":
            return "csv"
    fail(t(f"{to.name}: expected a name with .xlsx or .csv.", f"{to.name}：扩展名应为 .xlsx 或 .csv。"))


def _instant(text: str) -> datetime | None:
    return instant(text) if text else None


def _fen(option: str, text: str) -> int | None:
    if not text:
        return None
    try:
        return fen_from_yuan(text)
    except ValueError:
        fail(
            t(
                f"{option}: expected yuan such as 99.50, got {text!r}",
                f"{option} 应为元，如 99.50，实为 {text!r}",
            )
        )


def _statuses(texts: list[str]) -> tuple[int, ...]:
    """Codes, or names in either language."""
    known = {name: int(status) for status, names in STATUSES.items() for name in names}
    codes = {known.get(text, int(text) if text.isdecimal() else -1) for text in texts}
    if not codes <= set(map(int, Status)):
        names = ", ".join(f"{int(status)} {pick(names, LANGUAGE)}" for status, names in STATUSES.items())
        fail(t(f"--status: expected one of {names}", f"--status 应为 {names} 之一"))
    return tuple(sorted(codes))
