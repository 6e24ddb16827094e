"""`tongdan serve`: the order centre as a service, until Ctrl-C or SIGTERM."""

import asyncio
import os
import signal
from typing import Annotated, Any

import typer
import uvloop

from tongdan.adapters.clock import SystemEntropy
from tongdan.adapters.credentials_file import CredentialsRefused
from tongdan.adapters.policy_files import ConfError
from tongdan.adapters.transport import HttpTransport
from tongdan.cli.language import t, teach
from tongdan.cli.output import DOES_NOT_HOLD, fail, out
from tongdan.cli.places import DATA, ConfOption, DataOption, conf_dir
from tongdan.cli.supervisor import CannotGoOn, Supervisor, Wanted
from tongdan.ports import StoreFailure
from tongdan.profile import SHARDS, DataInUse, embedded

PUSH_PORT = 8100
API_PORT = 8101

HELP = teach(
    """Run the order centre: partners push to one port, people and programs read at the other.

The directory of the data is made at the first start. It needs `credentials.json` (the shops' and partners' secrets,
mode 0600; docs/operations.md has the names). Several processes share the ports and the shards of the data; how many
may change from start to start, and one that dies is started again. Ctrl-C or SIGTERM stops it: nothing new is taken,
what was taken is answered and written. TLS belongs to a proxy before it.""",
    """运行订单中心：伙伴推送到一个端口，人和程序在另一个端口读取。

首次启动时创建数据目录；其中需有 credentials.json（各店铺与伙伴的密钥，权限 0600；名称见 docs/operations.md）。
多个进程共用端口并分担数据分片；进程数每次启动都可改变，意外退出的进程会自动重启。
Ctrl-C 或 SIGTERM 停止：不再接收新请求，已接收的全部应答并落盘。TLS 由前置代理负责。""",
    "tongdan serve --data /srv/tongdan --conf /etc/tongdan",
    "tongdan serve --host 0.0.0.0 --push-port 8100 --api-port 8101",
    "tongdan serve --processes 4",
)


def serve(
    data: DataOption = DATA,
    conf: ConfOption = None,
    host: Annotated[str, typer.Option("--host", help=t("Address to listen on.", "监听地址。"))] = "127.0.0.1",
    push_port: Annotated[
        int,
        typer.Option("--push-port", min=0, max=65_535, help=t("For pushes; 0: any.", "推送端口；0 为任意。")),
    ] = PUSH_PORT,
    api_port: Annotated[
        int,
        typer.Option(
            "--api-port",
            min=0,
            max=65_535,
            help=t("For API and pages; 0: any.", "API 与页面端口；0 为任意。"),
        ),
    ] = API_PORT,
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            min=0,
            max=SHARDS,
            help=t("How many processes; 0: one for each core.", "进程数；0 为每个 CPU 核一个。"),
        ),
    ] = 0,
) -> None:
    wanted = Wanted(
        data, conf_dir(conf), host, push_port, api_port, processes or min(SHARDS, os.cpu_count() or 1)
    )
    try:
        uvloop.run(_serve_alone(wanted) if wanted.processes == 1 else _serve_together(wanted))
    except DataInUse:
        fail(
            t(
                f"Another process serves {data}; stop it, or name another directory.",
                f"{data} 正由另一进程使用；请先停止它，或换一个目录。",
            )
        )
    except CannotGoOn as error:
        fail(t("A process cannot go on: ", "进程无法继续运行：") + str(error), DOES_NOT_HOLD)
    except (ConfError, CredentialsRefused, OSError) as error:
        fail(t("Cannot start: ", "无法启动：") + str(error))
    except StoreFailure as failure:
        fail(t("The data cannot be used: ", "数据无法使用：") + str(failure), DOES_NOT_HOLD)


async def _serve_alone(wanted: Wanted) -> None:
    from tongdan.cli.service import Service  # noqa: PLC0415 (the web framework takes half a second to load)

    entropy = SystemEntropy()
    async with HttpTransport() as transport:
        centre = embedded(wanted.data, wanted.conf, entropy=entropy, transport=transport)
        service = Service(
            centre, entropy, host=wanted.host, push_port=wanted.push_port, api_port=wanted.api_port
        )
        try:
            await service.start()
            _tell(service.push_url, service.api_url)
            await told_to_stop()
            _tell_stopping()
        finally:
            await service.stop()


async def _serve_together(wanted: Wanted) -> None:
    async def stop() -> None:
        await told_to_stop()
        _tell_stopping()

    await Supervisor(wanted).run(stop, _tell)


def _tell(push_url: str, api_url: str) -> None:
    out.print(t("pushes    ", "推送接口  ") + push_url)
    out.print(t("API       ", "接口文档  ") + f"{api_url}/docs")
    out.print(t("Ctrl-C stops it.", "按 Ctrl-C 停止。"))


def _tell_stopping() -> None:
    out.print(t("Stopping ...", "正在停止……"))


async def told_to_stop() -> None:
    """Until Ctrl-C or SIGTERM. A second one falls back to the usual: it kills."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def heard(number: Any) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, heard, number)
    await stop.wait()
