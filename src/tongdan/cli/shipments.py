"""`tongdan shipment`: pack parcels anew before they leave. It shows what would happen; `--apply` does it.

While a centre serves the data it is asked over its API; otherwise the command opens the data itself, and the next
start carries out what follows.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
import typer

from tongdan.cli.asking import ApplyOption, ask_service, inbound, on_files
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, HOLDS, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption
from tongdan.cli.reading import open_reading
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.flow.repacking import Part, Preview, Proposal, Repacking
from tongdan.profile import Centre
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.words import pick

API: Final = "/api/v1/shipments"
MAX_UNITS: Final = 1_000_000

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t("Parcels: merge, split, undo, call back.", "包裹：合单、拆单、撤销、拦截。"),
)

ShipmentArgument = Annotated[
    str, typer.Argument(metavar="SHIPMENT", help=t("As the order's timeline names it.", "见订单时间线。"))
]


@app.command(
    help=teach(
        """Put the parcels of several orders of one shop and one receiver into one.

It goes under the first order's name. Parcels that a warehouse has already are called back first; one that leaves before
goes as it is. Each channel is told of its own order's lines.""",
        """将同一店铺、同一收件人的多张订单合为一个包裹。

包裹归在第一张订单名下。已下发仓库的会先召回；来不及召回的照原样发出。各订单分别向渠道回传自己的商品。""",
        "tongdan shipment merge DY20260127000892 DY20260127001148",
        "tongdan shipment merge DY20260127000892 DY20260127001148 --apply",
    )
)
def merge(
    orders: Annotated[
        list[str], typer.Argument(metavar="ORDER...", help=t("Two or more order ids.", "两个以上订单号。"))
    ],
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    _run(data, conf, "merge", {"orders": orders}, lambda to: to.merge(orders), apply=apply, json=json)


@app.command(
    help=teach(
        """Put some units of a shipment into parcels of their own; what is not named stays together.

`--lines` names one parcel: `LINE`, or `LINExUNITS`, separated by commas, and `@WAREHOUSE` if it is to leave from
another one. In a merged parcel a line is named with its order: `ORDER/LINExUNITS`. Repeat it for more parcels.""",
        """将发货单的部分商品单独成包；未指定的留在一起。

每个 --lines 是一个包裹：行号，或 行号x件数，用逗号分隔；改由其他仓库发出时加 @仓库。
合并的包裹中写作 订单号/行号x件数。可重复以拆成多个包裹。""",
        "tongdan shipment split DY20260127000892-S1 --lines 2",
        "tongdan shipment split DY20260127000892-S1 --lines 1x2,3 --lines 1x1@WH-SOUTH --apply",
    )
)
def split(
    shipment: ShipmentArgument,
    lines: Annotated[
        list[str], typer.Option("--lines", help=t("A parcel, as above.", "一个包裹，格式如上。"))
    ],
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    parts = [_part(text) for text in lines]
    parcels = [
        {
            "lines": [{"order": order, "line": line, "units": n} for order, line, n in part.units],
            "warehouse": part.warehouse,
        }
        for part in parts
    ]
    path = f"{quote(shipment, safe='')}/split"
    _run(data, conf, path, {"parcels": parcels}, lambda to: to.split(shipment, parts), apply=apply, json=json)


@app.command(
    help=teach(
        "Undo the merge or split that formed a shipment, before its parcels leave.",
        "撤销产生此发货单的合单或拆单，须在其包裹出库之前。",
        "tongdan shipment undo DY20260127000892-S1001",
        "tongdan shipment undo DY20260127000892-S1001 --apply",
    )
)
def undo(
    shipment: ShipmentArgument,
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    _run(
        data,
        conf,
        f"{quote(shipment, safe='')}/undo",
        {},
        lambda to: to.undo(shipment),
        apply=apply,
        json=json,
    )


def _part(text: str) -> Part:
    """`1x2,3@WH-SOUTH`. Exits with 2 when it cannot be read."""
    named, _, warehouse = text.partition("@")
    units = []
    for each in named.split(","):
        order, _, rest = each.strip().rpartition("/")
        line, x, n = rest.partition("x")
        if not _whole(line) or (x and not _whole(n)):
            fail(
                t(
                    f"{text!r} names no lines; write 1x2,3 for two units of line 1 and all of line 3.",
                    f"{text!r} 不是商品行；第 1 行两件和第 3 行全部写作 1x2,3。",
                )
            )
        units.append((order, int(line), int(n or 0)))
    return Part(units=tuple(units), warehouse=warehouse)


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MAX_UNITS


def _run(
    data: Path, conf: Path | None, path: str, body: dict[str, Any], ask: Callable[[Repacking], Proposal], *,
    apply: bool, json: bool,
) -> None:  # fmt: skip
    """Exits with 1 when it is refused."""
    with open_reading(data):
        pass  # exits with 2 unless there is data
    said = ask_service(data, f"{API}/{path}", {**body, "apply": apply}, Scope.WRITE)
    if said is None:
        shown, done = _on_files(data, conf, ask, path, body, apply=apply)
    else:
        shown, done = msgspec.convert(said, Preview), said["done"] is not None
    if json:
        emit({"preview": shown, "applied": done})
    else:
        _print(shown)
        _say(shown, done)
    raise typer.Exit(DOES_NOT_HOLD if shown.refused else HOLDS)


def _on_files(
    data: Path, conf: Path | None, ask: Callable[[Repacking], Proposal], path: str, body: dict[str, Any], *,
    apply: bool,
) -> tuple[Preview, bool]:  # fmt: skip
    async def work(centre: Centre) -> tuple[Preview, bool] | Refusal:
        proposal = ask(Repacking(centre.reads, centre.policy, centre.clock))
        if not apply or proposal.command is None:
            return proposal.preview, False
        reply = await centre.bus.ask(inbound(centre, proposal.command, {path: body}))
        return reply if isinstance(reply, Refusal) else (proposal.preview, True)

    return on_files(data, conf, work)


def _print(shown: Preview) -> None:
    if shown.sources:
        out.print(t("Called back: ", "召回：") + ", ".join(shown.sources), markup=False)
    numbers = (t("units", "件数"), t("yuan", "元"))
    heads = (t("parcel", "包裹"), t("warehouse", "仓库"), t("order", "订单"), t("line", "行"), "SKU")
    rows = table(*heads, *numbers, right=numbers)
    for parcel in shown.parcels:
        name = parcel.shipment or t(f"({parcel.order}, its own)", f"（{parcel.order} 自有）")
        for each in parcel.lines:
            yuan = yuan_from_fen(each.amount_fen)
            add_row(rows, name, parcel.warehouse, each.order, each.line, each.sku, each.units, yuan)
    if shown.parcels:
        out.print(rows)
    for refused in shown.refused:
        err.print(f"{refused.error}: {pick((refused.message, refused.message_zh), LANGUAGE)}", markup=False)


def _say(shown: Preview, done: bool) -> None:
    if done:
        err.print(
            t(
                f"Asked for. The warehouses answer next: tongdan order timeline {shown.order}",
                f"已提交，等待仓库应答：tongdan order timeline {shown.order}",
            )
        )
    elif not shown.refused:
        err.print(t("Nothing was changed. Add --apply to do it.", "未做任何更改。加 --apply 以执行。"))
