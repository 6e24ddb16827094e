"""`tongdan aftersale`: what buyers want afterwards, and how it is answered. An answer is shown; `--apply` gives it.

What is shown is the decision that would be taken now, by the same function that will take it. What the platform says to
an answer follows, and is shown with the after-sale.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from tongdan.adapters.clock import SystemClock
from tongdan.cli.asking import ApplyOption, ask, granted
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, LimitOption
from tongdan.cli.reading import open_reading
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.returns.answering import possible
from tongdan.domain.returns.commands import AnswerAfterSale
from tongdan.domain.returns.facts import Answer
from tongdan.domain.returns.model import AfterSale, Given
from tongdan.surfaces import after_sales
from tongdan.surfaces.after_sales import Shown, Words
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.words import local_time, pick

API: Final = "/api/v1/after-sales"

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t("After-sales: what waits, and answering it.", "售后：待处理列表与处理。"),
)

IdArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help=t(
            "DY20260127000892-A1, or CHANNEL/SHOP/NUMBER.", "DY20260127000892-A1，或 渠道/店铺/售后编号。"
        ),
    ),
]
NoteOption = Annotated[
    str,
    typer.Option("--note", help=t("Told to the buyer; no personal data.", "告知买家；勿填个人信息。")),
]


@app.command(
    "list",
    help=teach(
        "List after-sales that wait for the seller, with the time by which the platform decides by itself.",
        "列出待商家处理的售后，以及平台自动处理的期限。",
        "tongdan aftersale list",
        "tongdan aftersale list --all --shop dy-main --json",
    ),
)
def listed(
    data: DataOption = DATA,
    shop: Annotated[str, typer.Option("--shop", help=t("Only this shop.", "仅此店铺。"))] = "",
    every: Annotated[bool, typer.Option("--all", help=t("All of them.", "包括无需处理的。"))] = False,
    limit: LimitOption = 200,
    json: JsonOption = False,
) -> None:
    with open_reading(data) as reading:
        page = after_sales.look(reading.reads, shop=shop, waiting=not every, limit=limit)
    if json:
        emit(page.found)
        return
    if not page.found:
        out.print(t("Nothing waits.", "没有待处理的售后。"))
        return
    yuan = t("yuan", "元")
    rows = table(
        "ID", t("shop", "店铺"), t("kind", "类型"), t("stage", "状态"), yuan, t("by", "期限"), right=(yuan,)
    )
    for each in page.found:
        by = "" if each.decide_by is None else local_time(each.decide_by)
        add_row(
            rows, each.id, each.shop, _say(each.kind), _say(each.stage), yuan_from_fen(each.amount_fen), by
        )
    out.print(rows)
    if page.after:
        err.print(t("There are more; --limit shows them.", "还有更多，可加大 --limit。"))


@app.command(
    help=teach(
        "Show an after-sale: what it is about, how it was answered, what may be answered now and what that does.",
        "查看售后：内容、已作的答复、当前可选的处理及其后果。",
        "tongdan aftersale show DY20260127000892-A1",
        "tongdan aftersale show DY/dy-main/7012345678901234567",
    )
)
def show(id: IdArgument, data: DataOption = DATA, json: JsonOption = False) -> None:
    key, state, _ = _found(data, id)
    shown = after_sales.show(key, state)
    if json:
        emit(shown)
    else:
        _print(shown)


@app.command(
    help=teach(
        """Agree: to the application, or to pay the money back, whichever it waits for.

Goods go to the shop's return address at the platform (conf/channels), or to --address. Money that a platform pays back
does not come back.""",
        """同意：按当前所处环节，同意申请或同意退款。

退货寄往店铺在平台的退货地址（见 conf/channels），或 --address 指定的地址。平台退出的款项不可追回。""",
        "tongdan aftersale agree DY20260127000892-A1",
        "tongdan aftersale agree DY20260127000892-A1 --address 900 --apply",
    )
)
def agree(
    id: IdArgument,
    address: Annotated[
        str, typer.Option("--address", help=t("Number in the platform's book.", "平台地址库中的编号。"))
    ] = "",
    note: NoteOption = "",
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    key, state, policy = _found(data, id)
    answer = Answer.AGREE if Answer.AGREE in possible(state) else Answer.REFUND
    command = AnswerAfterSale(after_sale=key, answer=answer, note=note, address=address)
    _answer(data, conf, state, command, policy, apply=apply, json=json)


@app.command(
    help=teach(
        """Refuse, with one of the channel's reasons (conf/channels lists them) and where its proof can be seen.

The buyer may change what they ask for, or call the platform.""",
        """拒绝，须给出渠道的原因码（见 conf/channels），并可附凭证地址。

买家可修改申请，或申请平台介入。""",
        "tongdan aftersale refuse DY20260127000892-A1 --reason 3 --note 商品已发出",
        "tongdan aftersale refuse DY20260127000892-A1 --reason 3 --evidence https://shop.example/1.jpg --apply",
    )
)
def refuse(
    id: IdArgument,
    reason: Annotated[str, typer.Option("--reason", help=t("The channel's code.", "渠道的原因码。"))],
    note: NoteOption = "",
    evidence: Annotated[str, typer.Option("--evidence", help=t("Address of the proof.", "凭证地址。"))] = "",
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    key, state, policy = _found(data, id)
    command = AnswerAfterSale(
        after_sale=key, answer=Answer.REFUSE, reason=reason, note=note, evidence=evidence
    )
    _answer(data, conf, state, command, policy, apply=apply, json=json)


@app.command(
    help=teach(
        "Tell the waybill of a replacement: of an exchange, a repair or a reissue.",
        "回传换货、维修或补寄的运单号。",
        "tongdan aftersale send DY20260127000892-A1 --carrier SF --waybill SF7444703608799",
        "tongdan aftersale send DY20260127000892-A1 --carrier SF --waybill SF7444703608799 --apply",
    )
)
def send(
    id: IdArgument,
    carrier: Annotated[
        str, typer.Option("--carrier", help=t("As the warehouse codes it.", "仓库的承运商编码。"))
    ],
    waybill: Annotated[str, typer.Option("--waybill", help=t("Its number.", "运单号。"))],
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    key, state, policy = _found(data, id)
    command = AnswerAfterSale(after_sale=key, answer=Answer.SEND, carrier=carrier, waybill=waybill)
    _answer(data, conf, state, command, policy, apply=apply, json=json)


def _found(data: Path, named: str) -> tuple[str, AfterSale, Policy]:
    """Exits with 1 when there is none."""
    with open_reading(data) as reading:
        key = after_sales.id_of(reading.reads, named)
        return key, granted(after_sales.find(reading.reads, key)), reading.policy()


def _answer(
    data: Path, conf: Path | None, state: AfterSale, command: AnswerAfterSale, policy: Policy, *, apply: bool,
    json: bool,
) -> None:  # fmt: skip
    """Exits with 1 when it is refused."""
    key = command.after_sale
    decided = after_sales.tried(key, state, command, policy, SystemClock().now())
    if isinstance(decided, Refusal):
        fail(f"{decided.name}: {pick((decided.en, decided.zh), LANGUAGE)}", DOES_NOT_HOLD)
    option = next(each for each in after_sales.show(key, state).options if each.answer == command.answer)
    if apply:
        fields = ("reason", "note", "evidence", "address", "carrier", "waybill")
        said = {name: value for name in fields if (value := getattr(command, name))}
        body = {"answer": command.answer.value, **said, "apply": True}
        ask(data, conf, f"{API}/{key}/answer", body, Scope.WRITE, command, state.shop)
    if json:
        emit({"id": key, "option": option, "facts": decided.facts, "applied": apply})
        return
    _print(after_sales.show(key, state))
    out.print(f"→ {pick((option.does, option.does_zh), LANGUAGE)} ({option.undo})", markup=False)
    err.print(
        t("Answered; what the platform says follows.", "已答复，平台的结果随后到达。")
        if apply
        else t("Nothing was changed. Add --apply to do it.", "未做任何更改。加 --apply 以执行。")
    )


def _print(shown: Shown) -> None:
    yuan = yuan_from_fen(shown.amount_fen)
    units = ", ".join(f"{each.line}×{each.units}" for each in shown.units) or "—"
    by = "—" if shown.decide_by is None else local_time(shown.decide_by)
    for text in (
        f"{shown.id}  {shown.channel} {shown.shop} {shown.number}",
        f"{_say(shown.kind)}: {_say(shown.stage)} ({shown.native_stage})",
        t(f"{yuan} yuan; lines {units}; to be answered by {by}", f"{yuan} 元；商品行 {units}；处理期限 {by}"),
        *([f"{shown.carrier} {shown.waybill} {shown.tracked}"] if shown.waybill else []),
        *[_given(each) for each in shown.answers],
    ):
        out.print(text, markup=False)
    for option in shown.options:
        out.print(f"  {option.answer}: {pick((option.does, option.does_zh), LANGUAGE)}", markup=False)


def _given(given: Given) -> str:
    said = {
        True: t("taken", "已生效"),
        False: t(f"not taken: {given.error}", f"未生效：{given.error}"),
        None: t("under way", "处理中"),
    }
    return f"#{given.no} {given.answer}: {said[given.taken]}"


def _say(words: Words) -> str:
    return pick((words.en, words.zh), LANGUAGE)
