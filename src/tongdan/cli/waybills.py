"""`tongdan waybill`: the numbers that the seller takes for parcels: look at them, get one again, leave it to the
warehouse. Printing is in `labels.py`.
"""

from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import typer

from tongdan.cli.asking import ReasonOption, ask, granted
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import USED_WRONGLY, add_row, emit, err, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption
from tongdan.cli.reading import open_reading
from tongdan.cli.shipments import API, ShipmentArgument
from tongdan.domain.fulfillment.shipment import LabelStage, Shipment
from tongdan.domain.fulfillment.waybill_commands import GiveUpWaybill, TakeWaybill
from tongdan.domain.kernel.messages import Command
from tongdan.flow.labels import find_shipment
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.waybills import shape_of
from tongdan.surfaces.words import local_time, pick

STAGES: Final = {
    LabelStage.ASKED: ("asked for", "取号中"),
    LabelStage.LIVE: ("live", "有效"),
    LabelStage.REFUSED: ("refused", "被拒"),
    LabelStage.DROPPED: ("being cancelled", "取消中"),
    LabelStage.CANCELLED: ("cancelled", "已取消"),
    LabelStage.STUCK: ("not cancelled by the carrier", "承运商未取消"),
}

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t("E-waybills that the seller takes.", "商家自取的电子面单。"),
)


@app.command(
    help=teach(
        "Show the numbers that the seller took for a shipment, and what became of each.",
        "查看商家为发货单自取的电子面单号及其状态。",
        "tongdan waybill show MP20260127000892-S1",
    )
)
def show(shipment: ShipmentArgument, data: DataOption = DATA, json: JsonOption = False) -> None:
    found = _find(data, shipment)
    if json:
        emit(shape_of(shipment, found).model_dump(mode="json"))
        return
    columns = t("key", "取号单号"), t("carrier", "承运商"), t("number", "运单号"), t("stage", "状态")
    rows = table(*columns, t("asked at", "取号时间"), t("labels", "打印次数"), t("reason", "原因"))
    for each in found.labels:
        stage = pick(STAGES[each.stage], LANGUAGE)
        asked = local_time(each.asked_at)
        add_row(rows, each.key, each.carrier, each.waybill or "-", stage, asked, each.printed, each.reason)
    if found.labels:
        out.print(rows)
    else:
        out.print(t("The warehouse takes its number.", "由仓库取号。"))
    if found.unpushed:
        err.print(t("The warehouse waits for the number.", "等待取号，尚未下发仓库。"))


@app.command(
    help=teach(
        """Ask for a number again after the carrier refused, of the same carrier or another.

Otherwise nothing has to be asked for: a parcel of a warehouse with `waybill: seller` gets its number by itself.""",
        """承运商拒绝后重新取号，可改用其他承运商。

其余情况无需操作：仓库配置 waybill: seller 时，包裹会自动取号。""",
        "tongdan waybill get MP20260127000892-S1",
        "tongdan waybill get MP20260127000892-S1 --carrier ZTO",
    )
)
def get(
    shipment: ShipmentArgument,
    carrier: Annotated[
        str, typer.Option("--carrier", help=t("Another carrier.", "改用其他承运商。"), show_default=False)
    ] = "",
    data: DataOption = DATA,
    conf: ConfOption = None,
) -> None:
    command = TakeWaybill(shipment=shipment, carrier=carrier)
    _ask(data, conf, shipment, "waybill", {"carrier": carrier}, command)
    err.print(t("Asked for. Look again: ", "已提交取号，请稍后查看：") + f"tongdan waybill show {shipment}")


@app.command(
    help=teach(
        """Give a number up before the warehouse has the shipment: it goes back, and the warehouse takes one itself.

Once the warehouse has it, call the shipment back instead (split or merge it, or cancel the order): its number is
cancelled with it.""",
        """下发仓库之前放弃运单号：已取的号将取消，改由仓库取号。

已下发的请召回发货单（拆单、合单或取消订单），运单号将随之取消。""",
        "tongdan waybill cancel MP20260127000892-S1 --reason 'the carrier does not go there'",
    )
)
def cancel(
    shipment: ShipmentArgument,
    reason: ReasonOption,
    data: DataOption = DATA,
    conf: ConfOption = None,
) -> None:
    command = GiveUpWaybill(shipment=shipment, reason=reason)
    _ask(data, conf, shipment, "waybill/cancel", {"reason": reason}, command)
    err.print(t("The warehouse takes the number now.", "已改由仓库取号。"))


def _ask(
    data: Path, conf: Path | None, shipment: str, path: str, body: dict[str, str], command: Command
) -> None:
    """Exits with 1 when it is refused, with 2 when there is no such shipment."""
    shop = _find(data, shipment).shop
    ask(data, conf, f"{API}/{quote(shipment, safe='')}/{path}", body, Scope.WRITE, command, shop)


def _find(data: Path, shipment: str) -> Shipment:
    """Exits with 2 when there is no such shipment."""
    with open_reading(data) as reading:
        return granted(find_shipment(reading.reads, shipment), code=USED_WRONGLY)
