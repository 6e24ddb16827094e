"""`tongdan order refund`: pay back what a buyer paid. It shows what would go back; `--apply` does it.

What is shown is the decision that would be taken now, by the same function that will take it: which payments the
money comes from, and under which numbers it goes.
"""

from typing import Annotated, Final

import typer

from tongdan.adapters.clock import SystemClock
from tongdan.cli.asking import ask
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.orders import IdArgument, find_order, heading, refunds_table
from tongdan.cli.output import DOES_NOT_HOLD, emit, err, fail, out
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, ShopOption
from tongdan.cli.reading import open_reading
from tongdan.domain.kernel.messages import Context, Refusal
from tongdan.domain.kernel.money import fen_from_yuan
from tongdan.domain.orders.commands import RequestRefund
from tongdan.domain.orders.evolve import evolve
from tongdan.domain.orders.refunds import request_refund
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.words import pick

MAX_REASON: Final = 200
HELP: Final = teach(
    """Pay back some or all of what the buyer of an own shop's order paid.

Without --amount (in yuan) it is what is owed, or else all that is left. Money that came in too much goes first. The
payment provider's result follows: look at the order again. A platform pays its buyers back by itself.""",
    """退回自有店铺订单买家的部分或全部款项。

不写 --amount（单位：元）时，退应退的部分；没有应退的，则退全部余款。多付的款项先退。
支付平台的结果随后到达，请再查看订单。平台订单由平台自行退款。""",
    "tongdan order refund MP20260127000892 --amount 12.50 --reason goodwill",
    "tongdan order refund MP20260127000892 --reason 'paid twice' --apply",
)


def refund(
    id: IdArgument,
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            prompt=t("Why", "原因"),
            help=t("Goes into the audit trail; no personal data.", "写入审计日志；勿填个人信息。"),
        ),
    ],
    amount: Annotated[
        str, typer.Option("--amount", metavar="YUAN", help=t("How much, in yuan.", "金额，单位：元。"))
    ] = "",
    apply: Annotated[
        bool, typer.Option("--apply", help=t("Do it; otherwise it is only shown.", "执行；否则仅预览。"))
    ] = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    shop: ShopOption = "",
    json: JsonOption = False,
) -> None:
    amount_fen = _fen(amount)
    why = reason.strip()
    if not 0 < len(why) <= MAX_REASON:
        fail(
            t(
                f"--reason: expected 1 to {MAX_REASON} characters.",
                f"--reason：应为 1 到 {MAX_REASON} 个字符。",
            )
        )
    with open_reading(data) as reading:
        key, order = find_order(reading, id, shop)
        policy = reading.policy()
    command = RequestRefund(order=key, amount_fen=amount_fen, reason=why)
    decision = request_refund(order, command, Context(SystemClock().now(), key, policy, 0))
    if isinstance(decision, Refusal):
        fail(pick((decision.en, decision.zh), LANGUAGE), DOES_NOT_HOLD)
    if apply:
        body = {"amount_fen": amount_fen, "reason": why}
        ask(data, conf, f"/api/v1/orders/{key}/refund", body, Scope.WRITE, command, order.shop)
    if json:
        emit({"id": key, "refunds": decision.facts, "applied": apply})
        return
    for fact in decision.facts:
        order = evolve(order, fact)
    out.print(heading(key, order))
    out.print(refunds_table(key, order))
    err.print(
        t("Asked for; the result follows.", "已发起，结果随后到达。")
        if apply
        else t("Nothing was changed. Add --apply to do it.", "未做任何更改。加 --apply 以执行。")
    )


def _fen(amount: str) -> int | None:
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
