"""`tongdan repair`: deciding how a difference between systems is mended."""

from typing import Annotated, Final

import typer

from tongdan.cli.asking import ReasonOption, ask
from tongdan.cli.language import t, teach
from tongdan.cli.output import err
from tongdan.cli.places import DATA, ConfOption, DataOption
from tongdan.cli.reading import open_reading
from tongdan.domain.sync.dispute import KIND
from tongdan.domain.sync.dispute_facts import ChooseRepair
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.pulse import REPAIR

HELP: Final = teach(
    """Decide how a difference is mended: `read` takes over what the other system says, `tell` tells it ours again,
`leave` leaves it as it is until it differs in another way.

Differences whose right answer is certain mend themselves. Whatever is chosen, the ticket closes only when a later
heartbeat finds that both sides agree. FIELD is what `tongdan tickets` names: status, amount, lines, receiver, waybill,
refund or presence.""",
    """选择差异的处理方式:read 采用对方,tell 重新告知对方,leave 保持现状(直到出现新的差异)。

答案确定的差异会自行修复。无论选择哪种方式,只有后续心跳确认双方一致后工单才会关闭。
FIELD 见 tongdan tickets:status、amount、lines、receiver、waybill、refund 或 presence。""",
    "tongdan repair DY20260127000892 status --choice tell --reason 'their queue was purged'",
    "tongdan repair DY20260127000892 amount --choice leave --partner channel/DY/dy-main --reason 'agreed by phone'",
)


def repair(
    order: Annotated[str, typer.Argument(metavar="ORDER", help=t("Its Tongdan id.", "同单订单号。"))],
    field: Annotated[str, typer.Argument(metavar="FIELD", help=t("What differs.", "不一致的字段。"))],
    reason: ReasonOption,
    choice: Annotated[
        str, typer.Option("--choice", metavar="read|tell|leave", help=t("Which repair.", "处理方式。"))
    ],
    partner: Annotated[
        str, typer.Option("--partner", help=t("One side; without it: every side.", "仅此一方;省略则为各方。"))
    ] = "",
    data: DataOption = DATA,
    conf: ConfOption = None,
) -> None:
    """Exits with 1 when it is refused."""
    with open_reading(data):
        pass  # exits with 2 unless there is data
    body = {"subject": order, "kind": KIND + field, "choice": choice, "partner": partner, "reason": reason}
    ask(data, conf, REPAIR, body, Scope.OPERATE, ChooseRepair(**body))
    err.print(t("Noted: the next heartbeats see to it.", "已记录,后续心跳将据此处理。"))
