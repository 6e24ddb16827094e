"""`tongdan order reissue`: send units once more that left, or undo that. Shown first; `--apply` does it."""

from typing import Annotated, Final

import typer

from tongdan.adapters.clock import SystemClock
from tongdan.cli.asking import ApplyOption, ReasonOption, ask, granted
from tongdan.cli.language import t, teach
from tongdan.cli.orders import IdArgument, find_order, heading, lines_table
from tongdan.cli.output import emit, err, fail, out
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, ShopOption
from tongdan.cli.reading import open_reading
from tongdan.cli.refunds import LinesOption, named, reason_of, said, units_named
from tongdan.domain.kernel.messages import Context, Decision
from tongdan.domain.orders.evolve import evolve
from tongdan.domain.orders.goods.commands import ReissueUnits, UndoReissue
from tongdan.domain.orders.goods.reissues import reissue_units, undo_reissue
from tongdan.domain.orders.lines import Units
from tongdan.domain.orders.model import Order
from tongdan.surfaces.http.keys import Scope

HELP: Final = teach(
    """Send units of an order once more that left, and were lost, damaged or missing.

--lines names them: `LINE`, or `LINExUNITS`, separated by commas. They leave as a shipment of their own, for nothing;
status and money stay, and the channel is not told of the waybill. --undo N takes the order's Nth reissue back while
nothing of it has left.""",
    """补发订单中已发出但丢失、破损或缺少的商品。

用 --lines 指定：行号，或 行号x件数，用逗号分隔。补发单独成单、不收费；订单状态和款项不变，运单号不回传渠道。
--undo N 在尚未发出时撤销第 N 次补发。""",
    "tongdan order reissue DY20260127000892 --lines 1x1 --reason 'lost by the carrier'",
    "tongdan order reissue DY20260127000892 --lines 1x1 --reason 'lost by the carrier' --apply",
    "tongdan order reissue DY20260127000892 --undo 1 --reason 'it was found' --apply",
)


def reissue(
    id: IdArgument,
    reason: ReasonOption,
    lines: LinesOption = "",
    undo: Annotated[
        int, typer.Option("--undo", min=0, max=1_000, help=t("Which one to undo.", "要撤销的次数。"))
    ] = 0,
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    shop: ShopOption = "",
    json: JsonOption = False,
) -> None:
    why = reason_of(reason)
    if bool(lines) == bool(undo):
        fail(t("Name either --lines or --undo.", "--lines 与 --undo 请任选其一。"))
    with open_reading(data) as reading:
        key, order = find_order(reading, id, shop)
        policy = reading.policy()
    units = units_named(lines, order) if lines else ()
    command, decision = _decide(order, units, undo, why, Context(SystemClock().now(), key, policy, 0))
    if apply:
        path = "reissue" if units else f"reissues/{undo}/undo"
        ask(data, conf, f"/api/v1/orders/{key}/{path}", said(why, units), Scope.WRITE, command, order.shop)
    if json:
        emit({"id": key, "facts": named(decision.facts), "applied": apply})
        return
    for fact in decision.facts:
        order = evolve(order, fact)
    out.print(heading(key, order))
    out.print(lines_table(order))
    err.print(
        t("Done; stock and warehouse follow.", "已完成，随后占用库存并下发仓库。")
        if apply
        else t("Nothing was changed. Add --apply to do it.", "未做任何更改。加 --apply 以执行。")
    )


def _decide(
    order: Order, units: tuple[Units, ...], undo: int, why: str, ctx: Context
) -> tuple[ReissueUnits | UndoReissue, Decision]:
    if units:
        wanted = ReissueUnits(order=ctx.id, units=units, reason=why)
        return wanted, granted(reissue_units(order, wanted, ctx))
    unwanted = UndoReissue(order=ctx.id, reissue=undo, reason=why)
    return unwanted, granted(undo_reissue(order, unwanted, ctx))
