"""`tongdan shipment intercept`: call a shipment back, from its warehouse or, once it has left, from its carrier.

What is shown is the decision that would be taken now, by the same function that will take it.
"""

from typing import Annotated, Final

import msgspec
import typer

from tongdan.adapters.clock import SystemClock
from tongdan.cli.asking import ApplyOption, ask, granted
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption
from tongdan.cli.reading import open_reading
from tongdan.cli.shipments import ShipmentArgument
from tongdan.domain.fulfillment.commands import RecallShipment
from tongdan.domain.fulfillment.recalling import recall_shipment
from tongdan.domain.fulfillment.shipment import Shipment
from tongdan.domain.kernel.messages import Context
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.words import sentence

HELP: Final = teach(
    """Call a shipment back: its warehouse is asked to stop it, its carrier to turn back what has left.

Nothing of it is sent any more. Each answer is on the order's timeline; a no is a ticket. Money goes back when the order
is cancelled and the goods are safe.""",
    """召回一个发货单：请仓库停发，已发出的请承运商拦截退回。

该发货单不再发出。每一步答复都在订单时间线上，未能拦截会生成工单。订单取消且货物已收回后，款项才会退回。""",
    "tongdan shipment intercept DY20260127000892-S1 --reason 'wrong address'",
    "tongdan shipment intercept DY20260127000892-S1 --reason 'wrong address' --apply",
)


def intercept(
    shipment: ShipmentArgument,
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            prompt=t("Why", "原因"),
            help=t("Told to the warehouse; no personal data.", "会告知仓库；勿填个人信息。"),
        ),
    ],
    apply: ApplyOption = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    with open_reading(data) as reading:
        try:
            state = reading.reads.order(shipment)
        except ValueError:
            state = None
        policy = reading.policy()
    if not isinstance(state, Shipment):
        fail(t(f"There is no shipment {shipment}.", f"没有发货单 {shipment}。"), DOES_NOT_HOLD)
    command = RecallShipment(shipment=shipment, reason=reason)
    decision = granted(recall_shipment(state, command, Context(SystemClock().now(), shipment, policy, 0)))
    if apply and decision.facts:
        ask(
            data,
            conf,
            f"/api/v1/shipments/{shipment}/intercept",
            {"reason": reason},
            Scope.WRITE,
            command,
            state.shop,
        )
    if json:
        emit({"shipment": shipment, "facts": decision.facts, "applied": apply})
        return
    what = t("what happens", "结果")
    shown = table(what, fold=(what,))
    for fact in decision.facts:
        add_row(shown, sentence(type(fact).__name__, msgspec.structs.asdict(fact), LANGUAGE))
    out.print(shown)
    if not decision.facts:
        err.print(t("It has been called back already, or nothing of it is left.", "已召回过，或已无可召回。"))
    elif not apply:
        err.print(t("Nothing was changed. Add --apply to do it.", "未做任何更改。加 --apply 以执行。"))
