"""`tongdan erase`: forget a person. It shows first which orders are meant and what is lost, and asks.

While a centre serves the data it is asked over its API; otherwise the command opens the data itself. What is erased
is exactly what was shown.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec
import typer

from tongdan.cli.asking import ask_service, on_files, operator
from tongdan.cli.language import t, teach
from tongdan.cli.output import DOES_NOT_HOLD, HOLDS, add_row, emit, err, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption
from tongdan.cli.reading import open_reading
from tongdan.cli.words import status_word
from tongdan.flow.erasure import Asked, Doomed, Erased, Preview
from tongdan.surfaces.http.keys import Scope

API: Final = "/api/v1/erasures"
ASK_WITHIN_S: Final = 600.0  # so many orders may be meant
SHOWN: Final = 50

HELP: Final = teach(
    """Make the personal data of a person unreadable, for good, in all their orders.

First it shows the orders and what is lost; nothing changes before you confirm (or say --yes). The orders stay: lines,
money, parcels, the audit trail. `--phone -` asks for the number, so that no shell remembers it. Orders of which only a
masked phone is known are shown apart; name them with --subject if they are meant.""",
    """使某人在其全部订单中的个人信息永久不可读。

先列出涉及的订单和将失去的内容，确认（或加 --yes）后才执行。订单本身保留：明细、金额、包裹、审计日志。
--phone - 会提示输入，号码不留在命令历史中。仅有脱敏手机号的订单单独列出；确认后用 --subject 指定。""",
    "tongdan erase --phone - ",
    "tongdan erase --phone 13800000000 --yes --json",
    "tongdan erase --subject DY20260127000892",
)

T = TypeVar("T")


def erase(
    phone: Annotated[str, typer.Option("--phone", help=t("Phone; - asks.", "手机号；- 为提示输入。"))] = "",
    receiver: Annotated[
        str,
        typer.Option(
            "--receiver", help=t("A platform's id of buyer or receiver.", "平台的买家或收件人标识。")
        ),
    ] = "",
    subject: Annotated[
        list[str] | None,
        typer.Option("--subject", help=t("An order id; may be repeated.", "订单号，可重复。")),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help=t("Do it without asking.", "不再询问，直接执行。"))
    ] = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    if phone == "-":
        phone = typer.prompt(t("Phone", "手机号"), hide_input=True, err=True)
    with open_reading(data):
        pass  # exits with 2 unless there is data
    asked = Asked(phone=phone, receiver=receiver, subjects=tuple(subject or ()))
    shown = _preview(data, conf, asked)
    if not json:
        _print(shown)
    meant = [*(each.order for each in shown.orders), *shown.quarantined]
    agreed = bool(meant) and (yes or (not json and _confirmed(len(meant))))
    done = _erase(data, conf, meant) if agreed else None
    if json:
        emit({"preview": shown, "erased": done})
    elif done is not None:
        _say(done)
    raise typer.Exit(DOES_NOT_HOLD if shown.unknown or (done is not None and done.pending) else HOLDS)


def _confirmed(n: int) -> bool:
    if not sys.stdin.isatty():
        err.print(t("Nothing was changed. Add --yes to erase them.", "未做任何更改。加 --yes 以执行删除。"))
        return False
    return typer.confirm(
        t(
            f"Erase the people of these {n} for good?",
            f"永久删除这 {n} 项中的个人信息？",
        ),
        err=True,
    )


def _preview(data: Path, conf: Path | None, asked: Asked) -> Preview:
    said = ask_service(data, f"{API}/preview", msgspec.to_builtins(asked), Scope.ERASE, within_s=ASK_WITHIN_S)
    if said is not None:
        return msgspec.convert(said, Preview)
    return on_files(data, conf, lambda centre: centre.erasure.preview(asked))


def _erase(data: Path, conf: Path | None, orders: Sequence[str]) -> Erased:
    said = ask_service(data, API, {"subjects": list(orders)}, Scope.ERASE, within_s=ASK_WITHIN_S)
    if said is not None:
        return msgspec.convert(said, Erased)
    return on_files(data, conf, lambda centre: centre.erasure.erase(orders, operator()))


def _print(shown: Preview) -> None:
    if not shown.orders:
        out.print(t("No order is to be erased.", "没有需要删除的订单。"))
    else:
        sealed, to_ship = (
            sum(getattr(each, name) for each in shown.orders) for name in ("sealed", "to_ship")
        )
        _print_orders(shown.orders)
        out.print(
            t(
                f"Orders: {len(shown.orders)}. Sealed values (receivers, payloads) that become unreadable: {sealed}.",
                f"{len(shown.orders)} 个订单：{sealed} 个密文（收件人、报文）将不可读。",
            )
        )
        if to_ship:
            out.print(
                t(
                    f"Units that have not left yet and cannot be sent afterwards: {to_ship}.",
                    f"其中 {to_ship} 件尚未发出，删除后无法发货。",
                )
            )
    if shown.quarantined:
        out.print(
            t(
                f"Messages in quarantine that are deleted too: {len(shown.quarantined)}.",
                f"同时删除隔离区中的 {len(shown.quarantined)} 条报文。",
            )
        )
    if shown.possible:
        out.print(
            t("A masked phone fits these; they are left alone:", "以下订单的脱敏手机号相符，不会被删除：")
        )
        _print_orders(shown.possible)
    for words, ids in (
        (t("erased already", "此前已删除"), shown.erased),
        (t("no such order", "没有此订单"), shown.unknown),
    ):
        if ids:
            err.print(f"{words}: {', '.join(ids[:SHOWN])}", markup=False)


def _print_orders(orders: Sequence[Doomed]) -> None:
    numbers = (t("sealed", "密文"), t("to ship", "未发件数"))
    texts = (t("order", "订单"), t("shop", "店铺"), t("native", "平台单号"), t("status", "状态"))
    shown = table(*texts, *numbers, right=numbers)
    for each in orders[:SHOWN]:
        row: tuple[Any, ...] = (each.order, each.shop, each.native, status_word(each.status))
        add_row(shown, *row, each.sealed, each.to_ship)
    out.print(shown)
    if (more := len(orders) - SHOWN) > 0:
        out.print(t(f"... and {more} more", f"……另有 {more} 个"))


def _say(done: Erased) -> None:
    out.print(t(f"Orders erased: {len(done.orders)}.", f"已删除 {len(done.orders)} 个订单的个人信息。"))
    if done.pending:
        err.print(
            t(
                f"Not written now: {len(done.pending)}; the next start erases them.",
                f"{len(done.pending)} 个暂未写入，将在下次启动时删除。",
            )
        )
    if not done.scrubbed:
        err.print(
            t(
                "Somebody is reading the files; old pages are cut at the next start.",
                "文件正被读取；旧页面将在下次启动时清除。",
            )
        )
