"""`tongdan widget`: the countdown that a shop puts into its own order page."""

from typing import Annotated, Final

import typer

from tongdan.cli.asking import ask_service
from tongdan.cli.language import t, teach
from tongdan.cli.output import emit, err, fail
from tongdan.cli.places import DATA, DataOption, JsonOption
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.widget import MAX_DAYS

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t("The countdown in a shop's own order page.", "店铺订单页的发货倒计时组件。"),
)


@app.command(
    help=teach(
        """Sign a token with which a page may show one order's countdown, and print what to put into the page.

It shows the order's stage and when it ships at the latest, and opens nothing else. The centre must be serving.""",
        """为订单签发倒计时令牌，并输出可放入页面的代码。

令牌只能查看订单阶段和最晚发货时间。须在服务运行时使用。""",
        "tongdan widget token MP20260127000892",
        "tongdan widget token MP20260127000892 --days 7 --json",
    )
)
def token(
    order: Annotated[str, typer.Argument(metavar="ORDER", help=t("The order.", "订单号。"))],
    days: Annotated[
        int, typer.Option(min=1, max=MAX_DAYS, help=t("How long it is good for.", "有效天数。"))
    ] = 30,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    told = ask_service(data, f"/api/v1/orders/{order}/widget-token", {"days": days}, Scope.READ)
    if told is None:
        fail(t("Nobody serves this data: start it with tongdan serve.", "服务未运行，请先 tongdan serve。"))
    if json:
        emit(told)
        return
    typer.echo(told["html"])
    err.print(t(f"Good until {told['until']}.", f"有效期至 {told['until']}。"))
