"""`tongdan keys`: who may call the HTTP API, and the generations of the master key that seals personal data.

An API key is shown once, when it is made; the data directory keeps its hash, and a running centre notices a change by
itself. A new master key is used from the next start on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.master_key import MasterKeyRefused
from tongdan.cli.asking import operator
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, DataOption, JsonOption
from tongdan.cli.reading import open_reading
from tongdan.profile import API_KEYS, DataInUse, retire_master, rotate_master
from tongdan.surfaces.http.keys import ApiKeys, Scope
from tongdan.surfaces.http.owner_file import FileRefused
from tongdan.surfaces.words import local_time, pick

app: Final = typer.Typer(
    no_args_is_help=True,
    help=t(
        "Make, list and revoke API keys; rotate the master key.", "创建、列出、吊销 API 密钥；轮换主密钥。"
    ),
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help=t("The key's name.", "密钥名称。"))]


@app.command(
    help=teach(
        """Make a key and print its token, this once.

Scopes: read (orders, timelines, lists; personal data masked), write (hold, cancel, change, pack), pack (parcels and
waybills only), refund (pay back; mark refunds for the order centre), finance (mark them for finance), reveal (personal
data and payloads in the open), cost (what SKUs cost), operate (dead letters), erase (personal data, for good), manage
(members). Send the token as `Authorization: Bearer TOKEN`.""",
        """创建密钥并显示其令牌（仅此一次）。

权限：read（订单、时间线、列表，个人信息打码）、write（挂起、取消、变更、打包）、pack（仅包裹与面单）、refund（退款；代表订单中心确认退款）、finance（代表财务确认退款）、reveal（个人信息与报文明文）、cost（商品成本）、operate（死信）、erase（永久删除个人信息）、manage（成员）。
调用时放在 Authorization: Bearer 令牌 中。""",
        "tongdan keys create console --scope read --scope write",
        "tongdan keys create nightly-export",
    )
)
def create(
    name: NameArgument,
    scope: Annotated[
        list[Scope] | None,
        typer.Option("--scope", help=t("May be repeated; default read.", "可重复；默认 read。")),
    ] = None,
    owner: Annotated[
        str,
        typer.Option(
            "--owner",
            metavar="MEMBER",
            help=t(
                "Whose word it is when a refund is marked with it; default you.",
                "用此密钥确认退款时算谁的确认；默认为你。",
            ),
        ),
    ] = "",
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    scopes = scope or [Scope.READ]
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _keys(data) as keys:
        token = keys.issue(name, scopes, SystemEntropy(), SystemClock().now(), owner or operator())
    if json:
        emit({"name": name, "scopes": sorted(set(scopes)), "token": token})
        return
    typer.echo(token)
    err.print(t("Keep it now: only its hash is stored.", "请立即保存：系统只存其哈希。"))


@app.command(
    "list",
    help=teach(
        "List the keys: names and scopes.",
        "列出密钥：名称与权限。",
        "tongdan keys list",
        "tongdan keys list --json",
    ),
)
def list_keys(data: DataOption = DATA, json: JsonOption = False) -> None:
    with _keys(data) as keys:
        known = keys.all()
    if json:
        emit(
            [
                {"name": key.name, "scopes": key.scopes, "owner": key.owner, "created_at": key.created_at}
                for key in known
            ]
        )
        return
    shown = table(t("name", "名称"), t("scopes", "权限"), t("owner", "所有者"), t("made", "创建"))
    for key in known:
        add_row(shown, key.name, ", ".join(key.scopes), key.owner, local_time(key.created_at))
    out.print(shown)


@app.command(
    help=teach(
        "Revoke a key; it stops working at the next request.",
        "吊销密钥，下一次请求起失效。",
        "tongdan keys revoke console",
    )
)
def revoke(name: NameArgument, data: DataOption = DATA) -> None:
    with _keys(data) as keys:
        keys.revoke(name)
    err.print(t(f"{name} is revoked.", f"{name} 已吊销。"))


@app.command(
    "rotate-master",
    help=teach(
        """Add a generation to the master key: from the next start on it seals everything new.

What was sealed before stays readable, so keep the file whole, and back it up before and after.""",
        """为主密钥增加一代：下次启动后新数据用它加密。

此前加密的数据仍可读，请完整保留该文件，并在操作前后备份。""",
        "tongdan keys rotate-master",
    ),
)
def rotate_master_key(data: DataOption = DATA) -> None:
    with open_reading(data):
        pass  # exits with 2 unless there is data
    with _master_key():
        number = rotate_master(data)
    err.print(
        t(
            f"Generation {number} seals from the next start on.",
            f"下次启动后由第 {number} 代主密钥加密。",
        )
    )


@app.command(
    "retire-master",
    help=teach(
        """Forget an older generation of the master key, for good.

Refused while anything readable is sealed under it (erased orders do not count), and while a centre serves.""",
        """永久删除主密钥的某一旧代。

若仍有可读数据由它加密（已删除个人信息的订单不计），或服务正在运行，则拒绝。""",
        "tongdan keys retire-master 1",
    ),
)
def retire_master_key(
    generation: Annotated[int, typer.Argument(min=1, max=255, metavar="GENERATION")], data: DataOption = DATA
) -> None:
    with open_reading(data):
        pass
    with _master_key():
        retire_master(data, generation)
    err.print(t(f"Generation {generation} is gone.", f"第 {generation} 代已删除。"))


@contextmanager
def _master_key() -> Iterator[None]:
    """Exits with 1 when the master key cannot be changed so now."""
    try:
        yield
    except MasterKeyRefused as refused:
        fail(pick((refused.en, refused.zh), LANGUAGE), DOES_NOT_HOLD)
    except DataInUse:
        fail(t("Stop the centre first.", "请先停止服务。"), DOES_NOT_HOLD)


@contextmanager
def _keys(data: Path) -> Iterator[ApiKeys]:
    """Exits with 2 when the keys cannot be used or changed so."""
    try:
        yield ApiKeys(data / API_KEYS)
    except FileRefused as refused:
        fail(pick((refused.en, refused.zh), LANGUAGE))
