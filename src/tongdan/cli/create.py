"""`tongdan order create`: an order that a person enters (手工单), from a JSON file. Shown first; `--apply` does it."""

import hashlib
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from tongdan.cli.asking import ask_service, on_files, operator
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption
from tongdan.ports import Reply
from tongdan.profile import Centre
from tongdan.surfaces import manual_orders as manual
from tongdan.surfaces.http.errors import Refused, of_validation
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.manual_orders import PATH, ManualBody, ManualPreview, preview_of
from tongdan.surfaces.words import pick

MAX_BYTES: Final = 65_536
HELP: Final = teach(
    """Enter an own shop's order by hand, from a JSON file: shop, lines (sku, units, amount_fen), receiver, amount_fen,
payment (cash, transfer, code, other, cod, none) with its reference, and the reason; the body of POST
/api/v1/orders/manual.

It is placed under the rules of any order. Without --apply it is only checked: every wrong field is named. The same
file twice makes one order.""",
    """由 JSON 文件手工录入自有店铺订单：shop、lines（sku、units、amount_fen）、receiver、amount_fen、
payment（cash、transfer、code、other、cod、none）及其 reference、reason；格式同 POST /api/v1/orders/manual。

录入的订单适用与其他订单相同的规则。不加 --apply 只检查，并列出全部错误字段。同一文件执行两次只建一张订单。""",
    "tongdan order create order.json",
    "tongdan order create order.json --apply",
    "tongdan order create order.json --apply --json",
)


def create(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help=t("The order.", "订单文件。"))
    ],
    apply: Annotated[
        bool, typer.Option("--apply", help=t("Place it; otherwise it is only checked.", "录入；否则仅检查。"))
    ] = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    body = _read(file)
    shown = _preview(body, data, conf)
    order = _place(body, data, conf) if apply and not shown.problems else ""
    if json:
        emit({**shown.model_dump(), "order": order})
    else:
        _print(shown, order)
    if shown.problems:
        raise typer.Exit(DOES_NOT_HOLD)


def _read(file: Path) -> ManualBody:
    """The order, numbered by its file where it has no number. Exits with 2 when the file is none."""
    with file.open("rb") as opened:
        raw = opened.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        fail(t(f"{file} is larger than {MAX_BYTES} bytes.", f"{file} 超过 {MAX_BYTES} 字节。"))
    try:
        body = ManualBody.model_validate_json(raw)
    except ValidationError as error:
        wrong = of_validation([{**each, "loc": ("body", *each["loc"])} for each in error.errors()])
        fail(pick((wrong.en, wrong.zh), LANGUAGE))
    number = body.number or manual.number_of(hashlib.sha256(raw).hexdigest())
    return body.model_copy(update={"number": number})


def _preview(body: ManualBody, data: Path, conf: Path | None) -> ManualPreview:
    said = ask_service(data, f"{PATH}/preview", body.model_dump(), Scope.OPERATE)
    if said is not None:
        return ManualPreview.model_validate(said)

    async def looked(centre: Centre) -> ManualPreview:
        return preview_of(centre.reads, centre.policy, _checked(centre, body), centre.clock.now())

    return on_files(data, conf, looked)


def _place(body: ManualBody, data: Path, conf: Path | None) -> str:
    said = ask_service(data, PATH, body.model_dump(), Scope.OPERATE)
    if said is not None:
        return str(said["aggregate"])

    async def placed(centre: Centre) -> Reply:
        found = _checked(centre, body)
        if found.problems:
            return found.problems[0].refusal
        raw = body.model_dump_json().encode()
        return await centre.bus.ask(manual.message(found.command, raw, operator(), body.number))

    reply = on_files(data, conf, placed)
    return reply.aggregate


def _checked(centre: Centre, body: ManualBody) -> manual.Checked:
    now = centre.clock.now()
    try:
        said = body.placing(now, "")
    except Refused as refused:
        fail(pick((refused.refusal.en, refused.refusal.zh), LANGUAGE))
    return manual.check(centre.reads, centre.policy, said, manual.context(centre.policy, now))


def _print(shown: ManualPreview, order: str) -> None:
    if shown.problems:
        found = table(t("field", "字段"), t("what is wrong", "问题"))
        for each in shown.problems:
            add_row(found, each.field, pick((each.message, each.message_zh), LANGUAGE))
        out.print(found)
    for foreseen in shown.foreseen:
        out.print(pick((foreseen.message, foreseen.message_zh), LANGUAGE), markup=False)
    if shown.short:
        short = ", ".join(shown.short)
        err.print(t(f"Not enough in stock now: {short}.", f"当前库存不足：{short}。"), markup=False)
    if order:
        out.print(order)
    elif shown.problems:
        err.print(t("Nothing was written.", "未写入任何内容。"))
    else:
        err.print(t("It can be placed: add --apply.", "可以录入：加 --apply 执行。"))
