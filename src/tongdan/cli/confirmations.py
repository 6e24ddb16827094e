"""`tongdan order confirm` and `withdraw`: refunds that two parties mark. `tongdan recovery`: money to be recovered.

Like `tongdan order refund` they show what would be decided now, by the function that decides it; `--apply` does it.
"""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tongdan.adapters.clock import SystemClock
from tongdan.cli.asking import ApplyOption, ReasonOption, ask, granted, operator
from tongdan.cli.language import t, teach
from tongdan.cli.orders import IdArgument, confirmations_table, find_order, heading, refunds_table
from tongdan.cli.output import add_row, emit, err, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, ShopOption
from tongdan.cli.reading import open_reading
from tongdan.cli.refunds import fen_of, marker_of, named, reason_of
from tongdan.domain.kernel.confirmation import CENTRE, FINANCE
from tongdan.domain.kernel.messages import Command, Context, Decide
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.domain.orders.confirmation.commands import (
    ConfirmRefund,
    RecordRepayment,
    WithdrawRefund,
    WriteOffRecovery,
)
from tongdan.domain.orders.confirmation.marking import confirm_refund
from tongdan.domain.orders.confirmation.recovery import record_repayment, write_off_recovery
from tongdan.domain.orders.confirmation.withdrawal import withdraw_refund
from tongdan.domain.orders.evolve import evolve
from tongdan.surfaces.confirmations import recoveries
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.words import local_time


class Party(StrEnum):
    FINANCE = FINANCE
    CENTRE = CENTRE


CONFIRM: Final = teach(
    """Mark a refund for finance or for the order centre. When both have, it is executed after its cooling time.

The two marks are two different people or systems: who has marked it for one party is refused for the other.""",
    """代表财务或订单中心确认退款。双方均确认后，经冷静期执行。

双方须为两个不同的人或系统：已代表一方确认的人不能再代表另一方。""",
    "tongdan order confirm MP20260127000892 --refund 1 --as finance",
    "tongdan order confirm MP20260127000892 --refund 1 --as centre --apply",
)
WITHDRAW: Final = teach(
    """Take a refund back, at any moment. Every system that was told of it is told so, the last one first.

Money that has left by then is to be recovered: see `tongdan recovery list`.""",
    """随时撤回退款。已告知的系统按相反顺序逐一撤销。

此前已退出的款项转为追回：见 tongdan recovery list。""",
    "tongdan order withdraw MP20260127000892 --refund 1 --as finance --reason 'the parcel was found'",
    "tongdan order withdraw MP20260127000892 --refund 1 --as centre --reason mistake --apply",
)
LIST: Final = teach(
    """List the money that left although its refund was withdrawn, and is not back yet.""",
    """列出退款撤回后待追回的款项。""",
    "tongdan recovery list",
    "tongdan recovery list --json",
)
REPAID: Final = teach(
    """Note that money to be recovered has come back, wholly or partly.""",
    """登记已追回的全部或部分款项。""",
    "tongdan recovery repaid MP20260127000892 --refund 1 --amount 12.50 --reference BANK-77 --apply",
)
WRITE_OFF: Final = teach(
    """Give up on the rest of what is to be recovered.""",
    """核销未追回的余额。""",
    "tongdan recovery write-off MP20260127000892 --refund 1 --reason 'cannot be reached' --apply",
)

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t("Money to be recovered after a refund was withdrawn.", "退款撤回后的款项追回。"),
)

RefundOption = Annotated[
    int,
    typer.Option(
        "--refund", metavar="N", min=1, help=t("The n of R1, R2 …", "退款序号，即 R1、R2 中的数字。")
    ),
]
AsOption = Annotated[Party, typer.Option("--as", help=t("The party you speak for.", "所代表的一方。"))]


def confirm(
    id: IdArgument,
    refund: RefundOption,
    party: AsOption,
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    shop: ShopOption = "",
    json: JsonOption = False,
) -> None:
    def command(key: str) -> Command:
        return ConfirmRefund(order=key, refund=refund, marker=marker_of(party.value))

    asked = _Asked("confirm", confirm_refund, command, {"party": party.value}, _scope(party))
    _show_or_do(asked, id, refund, shop, data, conf, apply=apply, json=json)


def withdraw(
    id: IdArgument,
    refund: RefundOption,
    party: AsOption,
    reason: ReasonOption,
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    shop: ShopOption = "",
    json: JsonOption = False,
) -> None:
    why = reason_of(reason)

    def command(key: str) -> Command:
        return WithdrawRefund(order=key, refund=refund, marker=marker_of(party.value), reason=why)

    body = {"party": party.value, "reason": why}
    asked = _Asked("withdraw", withdraw_refund, command, body, _scope(party))
    _show_or_do(asked, id, refund, shop, data, conf, apply=apply, json=json)


@app.command("list", help=LIST)
def list_recoveries(data: DataOption = DATA, json: JsonOption = False) -> None:
    with open_reading(data) as reading:
        found = recoveries(reading.reads)
    if json:
        emit(
            [
                {
                    "id": each.id,
                    "shop": each.shop,
                    "since": each.since,
                    "recovery": each.confirmation.recovery,
                }
                for each in found
            ]
        )
        return
    yuan = t("yuan left", "未追回（元）")
    shown = table(t("refund", "退款"), t("shop", "店铺"), yuan, t("since", "起始"), right=(yuan,))
    for each in found:
        left_fen = each.confirmation.recovery.left_fen if each.confirmation.recovery else 0
        add_row(shown, each.id, each.shop, yuan_from_fen(left_fen), local_time(each.since))
    out.print(shown)


@app.command(help=REPAID)
def repaid(
    id: IdArgument,
    refund: RefundOption,
    amount: Annotated[
        str, typer.Option("--amount", metavar="YUAN", help=t("How much, in yuan.", "金额，单位：元。"))
    ],
    reference: Annotated[
        str,
        typer.Option("--reference", help=t("The payment that brought it back.", "追回款项的付款凭证号。")),
    ],
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    shop: ShopOption = "",
    json: JsonOption = False,
) -> None:
    amount_fen = fen_of(amount) or 0

    def command(key: str) -> Command:
        now = SystemClock().now()
        return RecordRepayment(
            order=key, refund=refund, amount_fen=amount_fen, reference=reference, repaid_at=now
        )

    body = {"amount_fen": amount_fen, "reference": reference}
    asked = _Asked("repayment", record_repayment, command, body, Scope.REFUND)
    _show_or_do(asked, id, refund, shop, data, conf, apply=apply, json=json)


@app.command("write-off", help=WRITE_OFF)
def write_off(
    id: IdArgument,
    refund: RefundOption,
    reason: ReasonOption,
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    shop: ShopOption = "",
    json: JsonOption = False,
) -> None:
    why = reason_of(reason)

    def command(key: str) -> Command:
        return WriteOffRecovery(order=key, refund=refund, by=operator(), reason=why)

    asked = _Asked("write-off", write_off_recovery, command, {"reason": why}, Scope.REFUND)
    _show_or_do(asked, id, refund, shop, data, conf, apply=apply, json=json)


class _Asked:
    """What is asked of a refund: by which path of the API, and who decides it."""

    def __init__(
        self, path: str, decide: Decide, command: Callable[[str], Command], body: dict[str, Any], scope: Scope
    ) -> None:
        self.path: Final = path
        self.decide: Final = decide
        self.command: Final = command
        self.body: Final = body
        self.scope: Final = scope


def _show_or_do(
    asked: _Asked, id: str, refund: int, shop: str, data: Path, conf: Path | None, *, apply: bool, json: bool
) -> None:
    with open_reading(data) as reading:
        key, order = find_order(reading, id, shop)
        policy = reading.policy()
    command = asked.command(key)
    decision = granted(asked.decide(order, command, Context(SystemClock().now(), key, policy, 0)))
    if apply:
        path = f"/api/v1/orders/{key}/refunds/{refund}/{asked.path}"
        ask(data, conf, path, asked.body, asked.scope, command, order.shop)
    if json:
        emit({"id": key, "refund": refund, "facts": named(decision.facts), "applied": apply})
        return
    for fact in decision.facts:
        order = evolve(order, fact)
    out.print(heading(key, order))
    out.print(refunds_table(key, order))
    out.print(confirmations_table(key, order))
    err.print(
        t("Done.", "已执行。")
        if apply
        else t("Nothing was changed. Add --apply to do it.", "未做任何更改。加 --apply 以执行。")
    )


def _scope(party: Party) -> Scope:
    return Scope.FINANCE if party is Party.FINANCE else Scope.REFUND
