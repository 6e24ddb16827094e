"""`tongdan keys`: who may call the HTTP API.

A key is shown once, when it is made; the data directory keeps its hash. A running centre notices a change by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, DataOption, JsonOption
from tongdan.profile import API_KEYS
from tongdan.surfaces.http.keys import ApiKeys, KeysRefused, Scope
from tongdan.surfaces.words import local_time, pick

app: Final = typer.Typer(
    no_args_is_help=True, help=t("Make, list and revoke API keys.", "创建、列出、吊销 API 密钥。")
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help=t("The key's name.", "密钥名称。"))]


@app.command(
    help=teach(
        """Make a key and print its token, this once.

Scopes: read (orders, timelines, lists; personal data masked), write (hold, cancel, change), reveal (personal data and
payloads in the open), operate (dead letters). Send it as `Authorization: Bearer TOKEN`.""",
        """创建密钥并显示其令牌（仅此一次）。

权限：read（订单、时间线、列表，个人信息打码）、write（挂起、取消、变更）、reveal（个人信息与报文明文）、operate（死信）。
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
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    scopes = scope or [Scope.READ]
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _keys(data) as keys:
        token = keys.issue(name, scopes, SystemEntropy(), SystemClock().now())
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
        emit([{"name": key.name, "scopes": key.scopes, "created_at": key.created_at} for key in known])
        return
    shown = table(t("name", "名称"), t("scopes", "权限"), t("made", "创建"))
    for key in known:
        add_row(shown, key.name, ", ".join(key.scopes), local_time(key.created_at))
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


@contextmanager
def _keys(data: Path) -> Iterator[ApiKeys]:
    """Exits with 2 when the keys cannot be used or changed so."""
    try:
        yield ApiKeys(data / API_KEYS)
    except KeysRefused as refused:
        fail(pick((refused.en, refused.zh), LANGUAGE))
