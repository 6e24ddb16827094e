"""`tongdan holds`: what is held and why, letting go or cancelling many at once, the blacklist, and a rule's trial.

It shows what each order would do; `--apply` does it. A phone that is given here is turned into a token before anything
is written, and stands nowhere.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tongdan.adapters.clock import SystemClock
from tongdan.adapters.policy_files import ConfError, load_conf
from tongdan.cli.asking import ApplyOption, ReasonOption, ask_service, granted, inbound, on_files
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, HOLDS, USED_WRONGLY, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, LimitOption, ShopOption, conf_dir
from tongdan.cli.reading import Reading, open_reading
from tongdan.domain.guard.commands import ListMark, UnlistMark
from tongdan.domain.kernel.keys import mark_key
from tongdan.domain.kernel.messages import Command, Context, Refusal
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.domain.orders.model import Order
from tongdan.ports import Accepted
from tongdan.profile import Centre
from tongdan.surfaces import holds
from tongdan.surfaces.http.holds import PATH
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.words import local_time, pick

MAX_DAYS: Final = 90

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t("Orders held for review or risk, and the blacklist.", "审单与风控挂起的订单，以及黑名单。"),
)
blacklist: Final = typer.Typer(
    no_args_is_help=True, help=t("Buyers whose orders are held.", "其订单会被挂起的买家。")
)
app.add_typer(blacklist, name="blacklist")

HoldOption = Annotated[
    str,
    typer.Option(
        "--hold",
        help=t("A hold's name; for lists also `risk` or `review`.", "挂起名称；列表中可用 risk 或 review。"),
        show_default=False,
    ),
]
OrdersArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ORDER...]",
        help=t("Order ids; none: all that are held so.", "订单号；不写则为全部此类挂起。"),
    ),
]
KindArgument = Annotated[
    str,
    typer.Argument(
        metavar="KIND", help=t("phone, buyer, payer or receiver.", "phone、buyer、payer 或 receiver。")
    ),
]
ValueArgument = Annotated[
    str,
    typer.Argument(metavar="VALUE", help=t("It is turned into a token at once.", "立即转换为令牌，不留存。")),
]


@app.command(
    "list",
    help=teach(
        "List the orders that are held, newest change first.",
        "列出被挂起的订单，最近变更在前。",
        "tongdan holds list",
        "tongdan holds list --hold risk --shop dy-main --json",
    ),
)
def list_held(
    data: DataOption = DATA, hold: HoldOption = "", shop: ShopOption = "", limit: LimitOption = 200,
    json: JsonOption = False,
) -> None:  # fmt: skip
    with open_reading(data) as reading:
        found, policy = holds.held(reading.reads, hold, shop, limit), reading.policy()
    if json:
        emit(found)
        return
    if not found:
        out.print(t("Nothing is held.", "没有被挂起的订单。"))
        return
    yuan, why = t("yuan", "元"), t("why", "原因")
    columns = ("id", t("shop", "店铺"), yuan, t("holds", "挂起"), why, t("lifts", "自动解除"))
    shown = table(*columns, right=(yuan,), fold=(why,))
    for each in found:
        lifts = min(each.lifts.values(), default=None)
        whys = "; ".join(pick(holds.why(name, policy), LANGUAGE) for name in each.holds)
        add_row(
            shown, each.id, each.shop, yuan_from_fen(each.amount_fen), ", ".join(each.holds), whys,
            local_time(lifts) if lifts is not None else "",
        )  # fmt: skip
    out.print(shown)


@app.command(
    help=teach(
        """Lift one hold of some orders, or of all that are held so.

Each order says what it does then: it is released, stays held by another, or waits for payment or stock.""",
        """解除若干订单（或全部此类订单）的一个挂起。

逐单显示结果：下发、仍有其他挂起，或等待付款、库存。""",
        "tongdan holds release --hold review-large",
        "tongdan holds release DY20260127000892 --hold risk-blacklist --note checked --apply",
    )
)
def release(
    orders: OrdersArgument = None, hold: HoldOption = "",
    note: Annotated[str, typer.Option("--note", help=t("For the audit trail.", "写入审计日志。"))] = "",
    apply: ApplyOption = False, shop: ShopOption = "", data: DataOption = DATA, conf: ConfOption = None,
    json: JsonOption = False,
) -> None:  # fmt: skip
    if not hold:
        fail(t("Name the hold to lift with --hold.", "请用 --hold 指定要解除的挂起。"))
    body = {"hold": hold, "note": note}
    say = lambda id, order, ctx: holds.lifting(id, order, hold, note, ctx)  # noqa: E731
    _many(data, conf, "release", orders, (hold, shop), body, say, apply=apply, json=json)


@app.command(
    help=teach(
        """Cancel some held orders of own shops, or all that are held so. A platform's orders are cancelled there.""",
        """取消若干被挂起的自有店铺订单（或全部此类订单）。平台订单请在平台取消。""",
        "tongdan holds cancel --hold risk-blacklist --reason fraud",
        "tongdan holds cancel MP20260127000892 --reason fraud --apply",
    )
)
def cancel(
    reason: ReasonOption, orders: OrdersArgument = None, hold: HoldOption = "", apply: ApplyOption = False,
    shop: ShopOption = "", data: DataOption = DATA, conf: ConfOption = None, json: JsonOption = False,
) -> None:  # fmt: skip
    if not orders and not hold:
        fail(t("Name orders, or a hold with --hold.", "请写订单号，或用 --hold 指定挂起。"))
    say = lambda id, order, ctx: holds.cancelling(id, order, reason, ctx)  # noqa: E731
    _many(data, conf, "cancel", orders, (hold, shop), {"reason": reason}, say, apply=apply, json=json)


Say = Callable[[str, Order, Context], tuple[Command, holds.Outcome]]


def _many(
    data: Path, conf: Path | None, what: str, orders: list[str] | None, of: tuple[str, str], body: dict[str, Any],
    say: Say, *, apply: bool, json: bool,
) -> None:  # fmt: skip
    with open_reading(data) as reading:
        ids = orders or [each.id for each in holds.held(reading.reads, *of, limit=holds.MAX_ORDERS)]
        if len(ids) > holds.MAX_ORDERS:
            limit = holds.MAX_ORDERS
            fail(t(f"At most {limit} orders at once.", f"一次最多 {limit} 张订单。"))
        policy, now = reading.policy(), SystemClock().now()
        said = [say(id, _order(reading, id), Context(now, id, policy, 0)) for id in ids]
    outcomes = [outcome for _, outcome in said]
    if apply and ids:
        told = ask_service(data, f"{PATH}/{what}", {**body, "orders": ids, "apply": True}, Scope.WRITE)
        if told is None:
            outcomes = on_files(data, conf, lambda centre: _all(centre, said, body))
        else:
            outcomes = [holds.Outcome(**each) for each in told["outcomes"]]
    _show(outcomes, apply=apply, json=json)


async def _all(
    centre: Centre, said: list[tuple[Command, holds.Outcome]], body: dict[str, Any]
) -> list[holds.Outcome]:
    told = []
    for command, outcome in said:
        if outcome.what != "refused":
            reply = await centre.bus.ask(inbound(centre, command, body))
            if not isinstance(reply, Accepted):
                outcome = holds.Outcome(order=outcome.order, what="refused", en=reply.en, zh=reply.zh)
        told.append(outcome)
    return told


def _show(outcomes: list[holds.Outcome], *, apply: bool, json: bool) -> None:
    if json:
        emit({"outcomes": outcomes, "applied": apply})
    else:
        what = t("what it does", "结果")
        shown = table("id", what, fold=(what,))
        for each in outcomes:
            add_row(shown, each.order, pick((each.en, each.zh), LANGUAGE))
        out.print(shown)
        not_yet = t("Nothing was changed. Add --apply to do it.", "未做任何更改。加 --apply 以执行。")
        err.print(t("Done.", "已执行。") if apply else not_yet)
    if apply and any(each.what == "refused" for each in outcomes):
        raise typer.Exit(DOES_NOT_HOLD)
    raise typer.Exit(HOLDS)


def _order(reading: Reading, id: str) -> Order:
    try:
        order = reading.reads.order(id)
    except ValueError:
        order = None
    if not isinstance(order, Order):
        fail(t(f"There is no order {id} in this data.", f"数据中没有订单 {id}。"), DOES_NOT_HOLD)
    return order


@app.command(
    help=teach(
        """Try the rules of a configuration on recent orders: which would have been held.

Edit a copy of the configuration, try it here, then put it in force. Rules about an address that is changed later
cannot be tried. Nothing is changed.""",
        """用一份配置中的规则试算近期订单：哪些会被挂起。

先改配置副本，在此试算，再启用。涉及付款后改地址的规则无法试算。不做任何更改。""",
        "tongdan holds preview --conf conf.new --days 7",
    )
)
def preview(
    data: DataOption = DATA, conf: ConfOption = None, shop: ShopOption = "",
    days: Annotated[int, typer.Option("--days", min=1, max=MAX_DAYS, help=t("How far back.", "回看天数。"))] = 7,
    json: JsonOption = False,
) -> None:  # fmt: skip
    try:
        rules = load_conf(conf_dir(conf)).policy.holds
    except ConfError as error:
        fail(str(error), DOES_NOT_HOLD)
    with open_reading(data) as reading:
        tried = holds.trial(reading.reads, rules, shop, SystemClock().now() - timedelta(days=days))
    if json:
        emit(tried)
        return
    rule_column, units = t("rule", "规则"), t("orders", "订单")
    shown = table(rule_column, units, t("such as", "例如"), right=(units,))
    counted = Counter(hit.hold for hit in tried.hits)
    for rule in rules:
        some = ", ".join([hit.order for hit in tried.hits if hit.rule == rule.name][:3])
        cannot = t("cannot be tried", "无法试算") if rule.name in tried.untried else some
        add_row(shown, rule.hold, counted[rule.hold], cannot)
    out.print(shown)
    err.print(
        t(f"{tried.orders} orders of {days} days were tried.", f"已试算 {days} 天内 {tried.orders} 张订单。")
    )


@blacklist.command(
    "add",
    help=teach(
        """Put a buyer on the blacklist. It holds orders while a rule with `blacklisted: true` is active.""",
        """将买家列入黑名单。仅当有启用的 blacklisted: true 规则时生效。""",
        "tongdan holds blacklist add phone 13800000000 --reason 'never pays'",
    ),
)
def add(
    kind: KindArgument,
    value: ValueArgument,
    reason: ReasonOption,
    data: DataOption = DATA,
    conf: ConfOption = None,
) -> None:
    with open_reading(data) as reading:
        mark = _marks(reading, kind, value)[0]
        active = any(rule.active and rule.blacklisted for rule in reading.policy().holds)
    _say(
        data,
        conf,
        "add",
        {"kind": kind, "value": value, "reason": reason},
        [ListMark(mark=mark, reason=reason)],
    )
    out.print(mark)
    if not active:
        err.print(
            t(
                "No active rule of conf/holds.yml looks at the blacklist.",
                "conf/holds.yml 中没有启用的黑名单规则。",
            )
        )


@blacklist.command(
    "remove",
    help=teach(
        "Take a buyer off the blacklist. Orders that are held already stay held.",
        "将买家移出黑名单。已挂起的订单不变。",
        "tongdan holds blacklist remove phone 13800000000 --reason mistaken",
    ),
)
def remove(
    kind: KindArgument,
    value: ValueArgument,
    reason: ReasonOption,
    data: DataOption = DATA,
    conf: ConfOption = None,
) -> None:
    with open_reading(data) as reading:
        known = [m for m in _marks(reading, kind, value) if reading.reads.order(mark_key(m)) is not None]
    if not known:
        fail(t("That buyer is not known.", "没有此买家的记录。"), DOES_NOT_HOLD)
    commands = [UnlistMark(mark=mark, reason=reason) for mark in known]
    _say(data, conf, "remove", {"kind": kind, "value": value, "reason": reason}, commands)


@blacklist.command(
    "list",
    help=teach(
        "List who is on the blacklist, by token: nobody can read a phone from it.",
        "列出黑名单（仅令牌，无法还原手机号）。",
        "tongdan holds blacklist list",
    ),
)
def list_listed(data: DataOption = DATA, json: JsonOption = False) -> None:
    with open_reading(data) as reading:
        found = list(holds.listed(reading.reads))
    if json:
        emit([{"mark": each.mark, "listed_at": each.listed_at, "why": each.why} for each in found])
        return
    why = t("why", "原因")
    shown = table(t("mark", "标识"), t("since", "列入时间"), why, fold=(why,))
    for each in found:
        add_row(shown, each.mark, local_time(each.listed_at) if each.listed_at else "", each.why)
    out.print(shown)


def _marks(reading: Reading, kind: str, value: str) -> list[str]:
    return granted(holds.marks(reading.reads, kind, value), code=USED_WRONGLY)


def _say(
    data: Path,
    conf: Path | None,
    what: str,
    body: dict[str, Any],
    commands: list[ListMark] | list[UnlistMark],
) -> None:
    """Over the API, or on the files; there the value is left out of what is kept as received."""
    if ask_service(data, f"{PATH}/blacklist/{what}", body, Scope.WRITE) is not None:
        return
    kept = {"reason": body["reason"]}

    async def each(centre: Centre) -> Accepted | Refusal:
        replies = [await centre.bus.ask(inbound(centre, command, kept)) for command in commands]
        return next((reply for reply in replies if isinstance(reply, Refusal)), replies[-1])

    on_files(data, conf, each)
