"""`tongdan notices`: what buyers were told, what did not arrive, what was never sent, and sending it again."""

from typing import Annotated, Final

import typer

from tongdan.cli.asking import ReasonOption, ask, granted
from tongdan.cli.language import t, teach
from tongdan.cli.notices_table import notices_table
from tongdan.cli.orders import find_order
from tongdan.cli.output import emit, err, fail, out
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, LimitOption, ShopOption
from tongdan.cli.reading import open_reading
from tongdan.surfaces import notices
from tongdan.surfaces.http.keys import Scope

PATH: Final = "/api/v1/notices"
MAX_REASON: Final = 200

app: Final = typer.Typer(no_args_is_help=True, help=t("Notices to buyers.", "买家通知。"))

LIST_HELP: Final = teach(
    """List notices: sent, delivered, failed, or of an unknown end.

--failed: those that did not arrive or of which nobody knows (each has a ticket). --missing: parcels that left or were
signed for and of which nobody was told although a rule says so.""",
    """列出买家通知：已发送、已送达、失败或结果未知。

--failed：未送达或结果未知（均有工单）。--missing：已发出或已签收、按规则应通知却从未通知的包裹。""",
    "tongdan notices list --failed",
    "tongdan notices list --missing --shop mp-main",
    "tongdan notices list --order MP20260127000892 --json",
)
RESEND_HELP: Final = teach(
    """Send a notice again that did not arrive, or one that is missing, under the rules of today.

What is sent cannot be taken back. One that has arrived, or is on its way, is not sent again.""",
    """按当前规则重发未送达的通知，或补发缺失的通知。

发出后无法撤回；已送达或正在发送的不会重发。""",
    "tongdan notices resend notice/MP20260127000892/shipped/MP20260127000892-S1.1 --reason 'asked by phone'",
)


@app.command("list", help=LIST_HELP)
def list_notices(
    failed: Annotated[
        bool, typer.Option("--failed", help=t("Only what did not arrive.", "仅未送达。"))
    ] = False,
    missing: Annotated[
        bool, typer.Option("--missing", help=t("Only what was never sent.", "仅从未发送。"))
    ] = False,
    order: Annotated[
        str, typer.Option("--order", help=t("Only this order's.", "仅此订单。"), show_default=False)
    ] = "",
    shop: ShopOption = "",
    limit: LimitOption = 200,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    with open_reading(data) as reading:
        if order:
            key, _ = find_order(reading, order, shop)
            rows = notices.of_order(reading.reads, key)
        elif missing:
            rows = notices.missing(reading.reads, reading.policy(), limit, shop)
        else:
            rows = notices.every(reading.reads, limit, failed=failed, shop=shop)
    if json:
        emit(rows)
        return
    if not rows:
        out.print(t("None.", "没有。"))
        return
    out.print(notices_table(rows))


@app.command("resend", help=RESEND_HELP)
def resend(
    notice: Annotated[str, typer.Argument(help=t("As the list shows it.", "列表中显示的通知编号。"))],
    reason: ReasonOption,
    data: DataOption = DATA,
    conf: ConfOption = None,
) -> None:
    why = reason.strip()
    if not 0 < len(why) <= MAX_REASON:
        fail(
            t(
                f"--reason: expected 1 to {MAX_REASON} characters.",
                f"--reason：应为 1 到 {MAX_REASON} 个字符。",
            )
        )
    with open_reading(data) as reading:
        command, shop = granted(notices.sending(reading.reads, reading.policy(), notice, why))
    ask(data, conf, f"{PATH}/resend", {"notice": notice, "reason": why}, Scope.WRITE, command, shop)
    err.print(t("To be sent; its receipt follows.", "即将发送，回执随后到达。"))
