"""Asking for something to be done: the centre that serves the data, with a key made for this one question, or, when
nobody serves it, the data itself. Either way it is a command like any other, journaled with who asked and what.
"""

import asyncio
import getpass
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import httpx
import msgspec
import typer

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.policy_files import ConfError
from tongdan.cli.language import LANGUAGE, t
from tongdan.cli.output import DOES_NOT_HOLD, fail
from tongdan.cli.places import SERVING, conf_dir, serving
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.ports import Inbound, StoreFailure
from tongdan.profile import API_KEYS, Centre, DataInUse, embedded
from tongdan.surfaces.http.keys import ApiKeys, Scope
from tongdan.surfaces.words import pick

ASK_WITHIN_S: Final = 15.0

T = TypeVar("T")
Scopes = Scope | tuple[Scope, ...]

ReasonOption = Annotated[
    str,
    typer.Option(
        "--reason",
        prompt=t("Why", "原因"),
        help=t("Goes into the audit trail; no personal data.", "写入审计日志；勿填个人信息。"),
    ),
]
ApplyOption = Annotated[
    bool, typer.Option("--apply", help=t("Do it; otherwise it is only shown.", "执行；否则仅预览。"))
]


def granted(reply: T | Refusal, *, code: int = DOES_NOT_HOLD) -> T:
    """`reply`, unless it is a refusal: then the words of that, and exit with `code`."""
    if isinstance(reply, Refusal):
        fail(pick((reply.en, reply.zh), LANGUAGE), code)
    return reply


def operator() -> str:
    """Who sits here, for the journal; a container may run under a number that has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def ask_service(
    data: Path, path: str, body: dict[str, Any] | bytes, scope: Scopes, *, within_s: float = ASK_WITHIN_S
) -> Any:
    """The answer's JSON; None when nobody serves `data`. Bytes are sent as CSV. Exits with 1 when it is refused."""
    return _ask_service(data, "POST", path, body, scope, within_s)


def read_service(data: Path, path: str, scope: Scope) -> Any:
    """`ask_service` for what is only read."""
    return _ask_service(data, "GET", path, None, scope, ASK_WITHIN_S)


def _ask_service(
    data: Path, method: str, path: str, body: dict[str, Any] | bytes | None, scope: Scopes, within_s: float
) -> Any:
    with service(data, scope, within_s) as client:
        if client is None:
            return None
        kind = (
            {"content": body, "headers": {"Content-Type": "text/csv"}}
            if isinstance(body, bytes)
            else {"json": body}
        )
        try:
            answer = client.request(method, path, **kind)
        except httpx.ConnectError:
            return None
    said = answer.json()
    if answer.is_error:
        fail(pick((said["message"], said["message_zh"]), LANGUAGE), DOES_NOT_HOLD)
    return said


@contextmanager
def service(data: Path, scope: Scopes, within_s: float = ASK_WITHIN_S) -> Iterator[httpx.Client | None]:
    """A line to the centre that serves `data`; None when nobody does.

    Whoever may write the data may make a key; this one lives as long as the line.
    """
    url = serving(data)
    if url is None:
        yield None
        return
    keys, entropy = ApiKeys(data / API_KEYS), SystemEntropy()
    name = f"cli-{re.sub('[^a-z0-9]', '-', operator().lower())[:32]}-{entropy.token(4).hex()}"
    scopes = [scope] if isinstance(scope, Scope) else scope
    token = keys.issue(name, scopes, entropy, SystemClock().now(), operator())
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=within_s, trust_env=False) as client:
            yield client
    finally:
        keys.revoke(name)


def ask(
    data: Path,
    conf: Path | None,
    path: str,
    body: dict[str, Any],
    scope: Scope,
    command: Command,
    shop: str = "",
) -> None:
    """Have `command` done: over the API at `path` with `body`, else on the files. Exits with 1 when it is refused."""
    if ask_service(data, path, body, scope) is None:
        on_files(data, conf, lambda centre: centre.bus.ask(inbound(centre, command, body, shop)))


def inbound(centre: Centre, command: Command, said: Any, shop: str = "") -> Inbound:
    """A command that somebody gives here; `said` is kept with it as what was received."""
    return Inbound(
        command=command, key=("cli", SystemEntropy().token(16).hex()), source="cli", shop=shop,
        happened_at=centre.clock.now(), raw=msgspec.json.encode(said), operator=operator(),
    )  # fmt: skip


def on_files(
    data: Path,
    conf: Path | None,
    work: Callable[[Centre], Awaitable[T | Refusal]],
    cannot: str = t("The data cannot be used: ", "数据无法使用："),
) -> T:
    """What `work` makes of the data that nobody serves, opened as a centre that is not started.

    Exits with 1 when it is refused or cannot be done, with 2 when somebody else has the data.
    """

    async def opened() -> T | Refusal:
        centre = embedded(data, conf_dir(conf))
        try:
            return await work(centre)
        finally:
            await centre.stop()

    try:
        told = asyncio.run(opened())
    except DataInUse:
        fail(
            t(
                f"{data} is in use, but {SERVING} does not say where; ask the centre's API instead.",
                f"{data} 正在使用，但 {SERVING} 未说明地址；请改用订单中心的 API。",
            )
        )
    except (ConfError, StoreFailure) as error:
        fail(cannot + str(error), DOES_NOT_HOLD)
    return granted(told)
