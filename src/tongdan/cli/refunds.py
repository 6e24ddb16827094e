"""`tongdan order refund`: pay back what a buyer paid. It shows what would go back; `--apply` does it.

What is shown is the decision that would be taken now, by the same function that will take it: which payments the
money comes from, and under which numbers it goes.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
import typer

from tongdan.adapters.clock import SystemClock
from tongdan.cli.asking import ApplyOption, ReasonOption, ask, granted, operator
from tongdan.cli.language import t, teach
from tongdan.cli.orders import IdArgument, find_order, heading, lines_table, refunds_table
from tongdan.cli.output import emit, err, fail, out
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, ShopOption
from tongdan.cli.reading import open_reading
from tongdan.domain.kernel.confirmation import CENTRE, Marker
from tongdan.domain.kernel.messages import Context, Decision, Fact
from tongdan.domain.kernel.money import fen_from_yuan
from tongdan.domain.orders.commands import RefundUnits, RequestRefund
from tongdan.domain.orders.confirmation.facts import RefundProposed
from tongdan.domain.orders.evolve import evolve
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.money.line_refunds import refund_units
from tongdan.domain.orders.money.refund_facts import RefundRequested
from tongdan.domain.orders.money.refunds import request_refund
from tongdan.surfaces.http.keys import Scope

MAX_REASON: Final = 200
MAX_UNITS: Final = 1_000_000

LinesOption = Annotated[
    str,
    typer.Option(
        "--lines", help=t("Lines and units, as above.", "商品行与件数，格式如上。"), show_default=False
    ),
]
HELP: Final = teach(
    """Pay back some or all of what the buyer of an own shop's order paid.

Without --amount (in yuan) it is what is owed, or else all that is left. Money that came in too much goes first. The
payment provider's result follows: look at the order again. A platform pays its buyers back by itself. Where two parties
have to mark a refund (conf/confirmation.yml), this is the order centre's mark; finance's is waited for.

With --lines it is for some units: `LINE`, or `LINExUNITS`, separated by commas; without --amount it is what the buyer
paid for them. What of them has not left does not leave.""",
    """退回自有店铺订单买家的部分或全部款项。

不写 --amount（单位：元）时，退应退的部分；没有应退的，则退全部余款。多付的款项先退。
支付平台的结果随后到达，请再查看订单。平台订单由平台自行退款。
须双方确认的退款（conf/confirmation.yml），此命令即订单中心一方的确认，随后等待财务确认。

用 --lines 按商品行退款（仅退款）：行号，或 行号x件数，用逗号分隔；不写 --amount 时退买家为其支付的金额。
其中尚未发出的不再发出。""",
    "tongdan order refund MP20260127000892 --amount 12.50 --reason goodwill",
    "tongdan order refund MP20260127000892 --lines 1x2,3 --reason 'out of stock'",
    "tongdan order refund MP20260127000892 --reason 'paid twice' --apply",
)


def refund(
    id: IdArgument,
    reason: ReasonOption,
    amount: Annotated[
        str, typer.Option("--amount", metavar="YUAN", help=t("How much, in yuan.", "金额，单位：元。"))
    ] = "",
    lines: LinesOption = "",
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    shop: ShopOption = "",
    json: JsonOption = False,
) -> None:
    amount_fen = fen_of(amount)
    why = reason_of(reason)
    with open_reading(data) as reading:
        key, order = find_order(reading, id, shop)
        policy = reading.policy()
    ctx = Context(SystemClock().now(), key, policy, 0)
    units = units_named(lines, order) if lines else ()
    command, decision = _decide(order, units, amount_fen, why, ctx)
    if apply:
        path = "refund-lines" if units else "refund"
        body = {"amount_fen": amount_fen} | said(why, units)
        ask(data, conf, f"/api/v1/orders/{key}/{path}", body, Scope.REFUND, command, order.shop)
    if json:
        refunds = [fact for fact in decision.facts if isinstance(fact, RefundRequested | RefundProposed)]
        emit({"id": key, "refunds": refunds, "facts": named(decision.facts), "applied": apply})
        return
    for fact in decision.facts:
        order = evolve(order, fact)
    out.print(heading(key, order))
    if lines:
        out.print(lines_table(order))
    out.print(refunds_table(key, order))
    err.print(
        t("Asked for; the result follows.", "已发起，结果随后到达。")
        if apply
        else t("Nothing was changed. Add --apply to do it.", "未做任何更改。加 --apply 以执行。")
    )


def marker_of(party: str) -> Marker:
    """Who sits here, as who marks a refund."""
    return Marker(party=party, by=operator())


def said(why: str, units: tuple[Units, ...]) -> dict[str, object]:
    """Why, and for which units, as the API is asked."""
    lines = [{"line": each.line, "units": each.units} for each in units]
    return {"reason": why, "lines": lines} if lines else {"reason": why}


def reason_of(reason: str) -> str:
    """Exits with 2 when it is none, or too long."""
    why = reason.strip()
    if not 0 < len(why) <= MAX_REASON:
        fail(
            t(
                f"--reason: expected 1 to {MAX_REASON} characters.",
                f"--reason：应为 1 到 {MAX_REASON} 个字符。",
            )
        )
    return why


def _decide(
    order: Order, units: tuple[Units, ...], amount_fen: int | None, why: str, ctx: Context
) -> tuple[RefundUnits | RequestRefund, Decision]:
    if units:
        command = RefundUnits(
            order=ctx.id, units=units, amount_fen=amount_fen, reason=why, marker=marker_of(CENTRE)
        )
        return command, granted(refund_units(order, command, ctx))
    plain = RequestRefund(order=ctx.id, amount_fen=amount_fen, reason=why, marker=marker_of(CENTRE))
    return plain, granted(request_refund(order, plain, ctx))


def units_named(text: str, order: Order) -> tuple[Units, ...]:
    """`1x2,3`: two units of line 1 and all of line 3. Exits with 2 when it cannot be read."""
    found = []
    for each in text.split(","):
        no, x, n = each.strip().partition("x")
        if not _whole(no) or (x and not _whole(n)):
            fail(
                t(
                    f"--lines: {text!r} names no lines; write 1x2,3 for two units of line 1 and all of line 3.",
                    f"--lines：{text!r} 不是商品行；第 1 行两件和第 3 行全部写作 1x2,3。",
                )
            )
        line = order.line(int(no))
        found.append(Units(int(no), int(n) if x else line.line.units if line is not None else 1))
    return tuple(found)


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MAX_UNITS


def named(facts: Iterable[Fact]) -> list[dict[str, object]]:
    """Facts as JSON, each under its name."""
    return [{"fact": type(fact).__name__, **msgspec.to_builtins(fact)} for fact in facts]


def fen_of(amount: str) -> int | None:
    """`12.50` → 1250. Exits with 2 when it is no sum of money."""
    if not amount:
        return None
    try:
        return fen_from_yuan(amount)
    except ValueError:
        fail(
            t(
                f"--amount: {amount!r} is no sum in yuan; write 12.50.",
                f"--amount：{amount!r} 不是金额；请写作 12.50。",
            )
        )
