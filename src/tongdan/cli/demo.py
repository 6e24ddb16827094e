"""`tongdan demo`: a day of a real retail log through an order centre on this machine, faults included.

Centre, partners and buyers run in one process and speak real HTTP over loopback. At the end the partners' books are
compared with the centre's: what does not add up is named, and the command fails.
"""

from typing import Annotated

import typer

from tongdan.cli.language import t, teach
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, conf_dir

HELP = teach(
    """Run a day of orders, some of which meet faults, and check that nothing was lost.

What is bought comes from a year of a real grocer's baskets (without that package from a small model, which says so);
channels, payment, warehouses, finance and faults are simulated in the partners' own formats. Two equations must hold:
orders born = orders in the centre + orders refused by name; faults injected = healed + open tickets. Exit code 1 when
one does not. Each run goes on with the next day on the same data.""",
    """让一天的订单（部分遇到故障）走完订单中心，并检验没有任何丢失。

购物内容取自一家真实超市一年的购物篮（未安装该数据包时用小模型代替并注明）；渠道、支付、仓库、财务和故障按伙伴各自的格式模拟。
两个等式必须成立：产生的订单 = 中心里的订单 + 指名拒绝的订单；注入的故障 = 已自愈 + 未关闭的工单。
不成立时退出码为 1。在同一份数据上每次运行下一天。""",
    "tongdan demo",
    "tongdan demo --once --data /tmp/demo --seed 7",
    "tongdan demo --orders 1000 --faults 0.5 --speed 5000",
)


def demo(
    data: DataOption = DATA,
    conf: ConfOption = None,
    once: Annotated[bool, typer.Option("--once", help=t("End after the day.", "一天结束即退出。"))] = False,
    seed: Annotated[
        int, typer.Option("--seed", help=t("Of buyers and faults.", "买家与故障的随机种子。"))
    ] = 1,
    orders: Annotated[
        int, typer.Option("--orders", min=1, max=20_000, help=t("At most.", "最多订单数。"))
    ] = 300,
    faults: Annotated[
        float,
        typer.Option(
            "--faults", min=0, max=1, help=t("Share of orders that meet one.", "遇到故障的订单比例。")
        ),
    ] = 0.2,
    speed: Annotated[
        float, typer.Option("--speed", min=1, help=t("Seconds of the world in one.", "世界时间的倍速。"))
    ] = 20_000,
    api_port: Annotated[
        int,
        typer.Option("--api-port", min=0, max=65_535, help=t("For pages; 0: any.", "页面端口；0 为任意。")),
    ] = 0,
    json: JsonOption = False,
) -> None:
    from tongdan.cli.performance import Wanted, perform  # noqa: PLC0415 (loads the world and the web framework)

    perform(Wanted(data, conf_dir(conf), seed, orders, faults, speed, api_port, once or json, json))
