"""`tongdan order`: one order as it stands, and lists of orders; how one came about is in `timeline`.

An order is named by its Tongdan id, or by the number the platform or client gave it. Personal data is masked unless
asked for.
"""

from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.notices_table import notices_table
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, fail, out, table
from tongdan.cli.places import DATA, DataOption, JsonOption, LimitOption, ShopOption
from tongdan.cli.reading import Reading, open_reading
from tongdan.cli.words import status_word
from tongdan.domain.kernel.ids import parse, payment_id, refund_id
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.domain.orders.axes import Stage
from tongdan.domain.orders.confirmation.model import Undo
from tongdan.domain.orders.deadlines import deadlines
from tongdan.domain.orders.lines import Line
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.status import partly, status
from tongdan.ports import OrderRow
from tongdan.surfaces import notices
from tongdan.surfaces.looking import of_shop
from tongdan.surfaces.masking import mask_person
from tongdan.surfaces.words import REFUND_STAGES, local_time, pick

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t("Look at orders: as they stand, and how they came about.", "查看订单：现状与来龙去脉。"),
)

IdArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help=t("A Tongdan id, or the platform's or client's number.", "同单号，或平台、客户的订单号。"),
    ),
]

RevealOption = Annotated[
    bool, typer.Option("--reveal", help=t("Show personal data in the open.", "显示个人信息明文。"))
]


@app.command(
    help=teach(
        """Show one order as it stands.

ID is a Tongdan id, or the number that the platform or the client gave it; --shop helps where two shops use the same
number. Names, phones and addresses are masked unless you ask with --reveal.""",
        """显示一张订单的现状。

ID 可以是同单号，也可以是平台或客户的订单号；两家店铺号码相同时用 --shop 区分。
姓名、电话、地址默认打码，用 --reveal 查看明文。""",
        "tongdan order show DY20260127000892",
        "tongdan order show 4781234567890 --shop dy-main --json",
    )
)
def show(
    id: IdArgument,
    data: DataOption = DATA,
    shop: ShopOption = "",
    reveal: RevealOption = False,
    json: JsonOption = False,
) -> None:
    with open_reading(data) as reading:
        key, order = find_order(reading, id, shop)
        people, told = reading.reads.person(key), notices.of_order(reading.reads, key)
    if people is not None and not reveal:
        people = mask_person(people)
    if json:
        emit({"id": key, "status": status(order), "partly": partly(order), "order": order, "notices": told,
              "person": people})  # fmt: skip
        return
    out.print(heading(key, order))
    out.print(lines_table(order))
    if order.parcels:
        out.print(_parcels(order))
    if order.refunds:
        out.print(refunds_table(key, order))
    if order.confirmations:
        out.print(confirmations_table(key, order))
    if told:
        out.print(notices_table(told))
    if order.said:
        out.print(_said(order))
    out.print(_people(people))


@app.command(
    "list",
    help=teach(
        """List orders, newest first.""",
        """列出订单，最新的在前。""",
        "tongdan order list --limit 20",
        "tongdan order list --shop mp-main --status 5",
    ),
)
def list_orders(
    data: DataOption = DATA,
    shop: ShopOption = "",
    status: Annotated[
        int | None,
        typer.Option("--status", help=t("Only this status code (signed = 5).", "仅此状态码（已签收 = 5）。")),
    ] = None,
    limit: LimitOption = 50,
    json: JsonOption = False,
) -> None:
    with open_reading(data) as reading:
        rows = reading.reads.orders(of_shop(shop, *(() if status is None else (status,))), limit=limit)
    if json:
        emit(rows)
        return
    out.print(rows_table(rows))


def rows_table(rows: list[OrderRow]) -> Table:
    """A list of orders, a line each."""
    at, number = t("shop", "店铺"), t("number", "渠道单号")
    shown = table(
        "id", t("status", "状态"), at, number, t("yuan", "元"), t("changed", "变更"), fold=(at, number)
    )
    for row in rows:
        add_row(
            shown, row.id, status_word(row.status), row.shop, row.native, yuan_from_fen(row.amount_fen),
            local_time(row.updated_at),
        )  # fmt: skip
    return shown


# -- finding


def find_order(reading: Reading, given: str, shop: str) -> tuple[str, Order]:
    """The order that `given` names. Exits with 1 when there is none, with 2 when it names several."""
    parsed = parse(given)
    key = parsed.order if parsed is not None else _by_number(reading, given, shop)
    order = reading.reads.order(key) if key else None
    if not isinstance(order, Order):
        fail(t(f"There is no order {given} in this data.", f"数据中没有订单 {given}。"), DOES_NOT_HOLD)
    return key, order


def _by_number(reading: Reading, number: str, shop: str) -> str:
    shops = [each for each in reading.policy().shops.values() if shop in ("", each.id)]
    if not shops:
        fail(t(f"There is no shop {shop}.", f"没有店铺 {shop}。"))
    found = {each.id: key for each in shops if (key := reading.reads.find(each.channel, each.id, number))}
    if len(found) > 1:
        names = ", ".join(sorted(found))
        fail(
            t(
                f"{number} is known in {names}; choose with --shop.",
                f"{names} 都有 {number}；请用 --shop 选择。",
            )
        )
    return next(iter(found.values()), "")


# -- showing


def heading(key: str, order: Order) -> Text:
    flags = partly(order)
    some = t(" (partly)", "（部分）") if flags else ""
    parts = [
        f"{key}  {status_word(status(order))}{some}",
        f"{order.channel} · {order.shop} · {order.native}",
        t("amount ", "金额 ") + yuan_from_fen(order.amount_fen) + t(" yuan", " 元"),
    ]
    if order.placed_at:
        parts.append(t("placed ", "下单 ") + local_time(order.placed_at))
    if order.paid:
        parts.append(t("paid ", "付款 ") + local_time(order.paid.paid_at) + f"  {order.paid.transaction}")
    if order.settled_at:
        parts.append(t("settled ", "结算 ") + local_time(order.settled_at) + f"  {order.settlement}")
    if order.cancelled_at:
        parts.append(t("cancelled ", "取消 ") + local_time(order.cancelled_at) + f"  {order.cancelled_by}")
    if order.owed_fen:
        back = t(", of which back ", "，已退 ") + yuan_from_fen(order.refunded_fen)
        parts.append(t("owed back ", "应退 ") + yuan_from_fen(order.owed_fen) + back)
    if order.platform_refunds:
        parts.append(
            t("paid back by the platform ", "平台已退 ") + yuan_from_fen(order.platform_refunded_fen)
        )
    parts += [t(f"reissue {one.no}: ", f"第 {one.no} 次补发：") + one.reason for one in order.reissues]
    if order.holds:
        parts.append(t("held: ", "挂起：") + ", ".join(order.holds))
    if order.worries:
        parts.append(t("worries: ", "异常：") + ", ".join(order.worries))
    waits = [f"{name} {local_time(at)}" for name, at in deadlines(order).items() if at is not None]
    if waits:
        parts.append(t("waits until: ", "等待至：") + ", ".join(waits))
    return Text("\n".join(parts))


def lines_table(order: Order) -> Table:
    """The lines, with a column for every stage at which some units are."""
    names = {
        Stage.WAITING: t("waiting", "待占"),
        Stage.RESERVED: t("reserved", "已占"),
        Stage.RELEASED: t("released", "已下发"),
        Stage.SHIPPED: t("shipped", "已发"),
        Stage.SIGNED: t("signed", "签收"),
        Stage.STOPPED: t("stopped", "停发"),
    }
    stages = [stage for stage in names if order.units(stage)]
    refunded = (t("refunded", "已退款"),) if any(each.refunded for each in order.lines) else ()
    counts = (t("units", "件"), t("yuan", "元"), *(names[stage] for stage in stages), *refunded)
    title = t("title", "品名")
    shown = table("#", "SKU", title, *counts, t("warehouse", "仓库"), right=counts, fold=(title,))
    for each in order.lines:
        line = each.line
        cells = (line.units, yuan_from_fen(line.amount_fen), *(each.at(stage) or "" for stage in stages))
        back = (each.refunded or "",) if refunded else ()
        add_row(shown, line.no, line.sku, f"{_kind(line)}{line.title}", *cells, *back, each.warehouse)
    return shown


def _kind(line: Line) -> str:
    """What a line is besides goods that were bought."""
    if line.replaces:
        return t(f"[line {line.replaces} again] ", f"［补发第 {line.replaces} 行］")
    if line.gift:
        return t("[gift] ", "［赠品］") + (f"{line.rule} " if line.rule else "")
    return ""


def _parcels(order: Order) -> Table:
    shown = table(t("parcel", "包裹"), t("carrier", "承运商"), t("waybill", "运单号"), t("left", "发出"))
    for parcel in order.parcels:
        add_row(shown, parcel.dispatch, parcel.carrier, parcel.waybill, local_time(parcel.shipped_at))
    return shown


def refunds_table(key: str, order: Order) -> Table:
    yuan = t("yuan", "元")
    shown = table(t("refund", "退款"), t("of payment", "原支付"), yuan, t("result", "结果"), right=(yuan,))
    for each in order.refunds:
        payment = f"{payment_id(key, each.attempt)} {each.transaction}"
        stage = pick(REFUND_STAGES[each.stage], LANGUAGE)
        add_row(shown, refund_id(key, each.no), payment, yuan_from_fen(each.amount_fen), stage)
    return shown


def confirmations_table(key: str, order: Order) -> Table:
    """Who has marked which refund, whose mark is missing, when it goes, and how far it is undone."""
    shown = table(
        t("refund", "退款"), t("marked by", "已确认"), t("missing", "待确认"), t("goes at", "执行时间"),
        t("withdrawn", "撤回"), t("systems undone", "已撤销系统"), t("to recover", "待追回"),
    )  # fmt: skip
    for each in order.confirmations:
        marks = ", ".join(f"{mark.party}: {mark.by}" for mark in each.marks)
        due = local_time(each.due_at) if each.due_at is not None else ""
        gone = each.withdrawn
        undone = f"{sum(step.undo is Undo.PROVEN for step in each.steps)} / {len(each.steps)}" if gone else ""
        left = yuan_from_fen(each.recovery.left_fen) if each.recovery is not None else ""
        who = f"{gone.party}: {gone.by}" if gone is not None else ""
        add_row(shown, refund_id(key, each.refund), marks, ", ".join(each.missing), due, who, undone, left)
    return shown


def _said(order: Order) -> Table:
    shown = table(t("system", "系统"), t("its word", "原状态"), t("reads as", "对应"), t("said", "时间"))
    for system, said in sorted(order.said.items()):
        add_row(shown, system, said.native, said.status, local_time(said.said_at))
    return shown


def _people(person: Person | None) -> Text:
    if person is None:
        return Text(t("receiver: none given, or erased", "收件人：未提供或已擦除"))
    area = " ".join(filter(None, (person.province, person.city, person.district, person.detail)))
    sealed = (
        t("sealed by the platform: ", "平台加密：") + ", ".join(sorted(person.sealed))
        if person.sealed
        else ""
    )
    known = filter(None, (person.name, person.phone, area, sealed))
    return Text(t("receiver: ", "收件人：") + " · ".join(known))
