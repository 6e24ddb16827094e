"""`tongdan credential`: sealing keys, binding one to a task, seeing who bound which when.

Secrets are read from a file or standard input, never from the command line, which others on the machine can see.
"""

import json as json_text
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tongdan.adapters.credentials_file import CredentialsRefused
from tongdan.cli.asking import ask_service, on_files, operator
from tongdan.cli.health import health_view, print_keys
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption
from tongdan.domain.confighealth.commands import BindKey, UnbindKey
from tongdan.domain.kernel.health import ENVIRONMENTS, PRODUCTION
from tongdan.domain.kernel.messages import Refusal
from tongdan.profile import DataInUse, NoData, seal_credentials
from tongdan.surfaces.http.health import BIND, KEYS, UNBIND
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.key_form import key_form
from tongdan.surfaces.words import local_time, pick

SOURCE: Final = "cli"

app: Final = typer.Typer(
    no_args_is_help=True, help=t("The keys that partners are called with.", "调用合作方所用的密钥。")
)

TaskArgument = Annotated[
    str, typer.Argument(metavar="TASK", help=t("Such as sf/main.", "任务，如 sf/main。"))
]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help=t("Its own name.", "密钥名称。"))]
ReasonOption = Annotated[str, typer.Option("--reason", help=t("For the history.", "原因，写入历史。"))]
EnvironmentOption = Annotated[
    str, typer.Option("--environment", help=t("production or test.", "production 或 test。"))
]


@app.command(
    "import",
    help=teach(
        """Encrypt the credentials of credentials.json under the master key, and delete that file.

Nobody may be serving the data. Each becomes the key `main` of its task.""",
        "用主密钥加密 credentials.json 中的凭据并删除该文件；须先停止服务。每项成为其任务的 main 密钥。",
        "tongdan credential import",
    ),
)
def import_plain(data: DataOption = DATA, environment: EnvironmentOption = PRODUCTION) -> None:
    if environment not in ENVIRONMENTS:
        fail(t("Expected production or test.", "应为 production 或 test。"))
    try:
        count = seal_credentials(data, operator(), environment)
    except CredentialsRefused as error:
        fail(str(error), DOES_NOT_HOLD)
    except (DataInUse, NoData, OSError) as error:
        fail(str(error))
    out.print(
        t(
            f"{count} keys sealed; credentials.json is gone.",
            f"已加密 {count} 个密钥，并删除 credentials.json。",
        )
    )


@app.command(
    help=teach(
        """Seal a key of a task, or seal it anew. The first that fits is bound at once; a standby takes over by itself.

The secret is a JSON object of fields, as credentials.json had them, from --from FILE or standard input.""",
        """加密录入任务的密钥或更新密钥；首个同环境密钥自动绑定，备用密钥在失效时自动接替。

密钥内容为 JSON 对象（字段同 credentials.json），来自 --from 文件或标准输入。""",
        "tongdan credential put sf/main spare --standby --from spare.json --expires 2027-03-31 --idle-days 7",
        "tongdan credential put sf/main sandbox --environment test < sandbox.json",
    )
)
def put(
    task: TaskArgument,
    key: KeyArgument,
    source: Annotated[
        Path | None,
        typer.Option("--from", help=t("A JSON file; default stdin.", "JSON 文件，默认标准输入。")),
    ] = None,
    environment: EnvironmentOption = PRODUCTION,
    standby: Annotated[bool, typer.Option("--standby", help=t("It takes over.", "作为备用。"))] = False,
    expires: Annotated[
        str, typer.Option("--expires", metavar="YYYY-MM-DD", help=t("Its last day.", "到期日。"))
    ] = "",
    idle_days: Annotated[
        int, typer.Option("--idle-days", min=0, help=t("Frozen after so many unused.", "闲置几天被冻结。"))
    ] = 0,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", help=t("An address on its list; repeat.", "白名单地址，可重复。")),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help=t("Its certificate, PEM.", "证书（PEM）。"))
    ] = None,
    data: DataOption = DATA,
    conf: ConfOption = None,
) -> None:
    fields = _fields(source)
    try:
        until = date.fromisoformat(expires) if expires else None
        shown = certificate.read_text() if certificate is not None else ""
    except (ValueError, OSError) as error:
        fail(t(f"Expected a day such as 2027-03-31 and a file: {error}", f"日期或文件有误：{error}"))
    more: dict[str, Any] = {
        "environment": environment, "standby": standby, "idle_days": idle_days, "allow": allow or [],
        "certificate": shown,
    }  # fmt: skip
    said = key_form(task, key, fields, operator(), expires_on=until, **more)
    if isinstance(said, Refusal):
        fail(pick((said.en, said.zh), LANGUAGE), DOES_NOT_HOLD)
    body = {"task": task, "key": key, "fields": fields, "expires_on": expires or None, **more}
    if ask_service(data, KEYS, body, Scope.MANAGE) is None:
        on_files(data, conf, lambda centre: centre.credentials.put(said, fields, SOURCE))
    err.print(t(f"{task}/{key} is sealed.", f"已加密录入 {task}/{key}。"))


def _fields(source: Path | None) -> dict[str, str]:
    try:
        fields = json_text.loads(source.read_text() if source is not None else sys.stdin.read())
    except (OSError, ValueError):
        fields = None
    if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
        fail(t('Expected a JSON object such as {"app_key": "…"}.', '应为 JSON 对象，如 {"app_key": "…"}。'))
    return fields


@app.command(
    help=teach(
        "Let a task call with a key from now on; no restart. A key of another environment is refused.",
        "让任务从现在起使用某个密钥，无需重启；环境不符时拒绝。",
        "tongdan credential bind sf/main spare --reason 'main is frozen'",
    )
)
def bind(
    task: TaskArgument,
    key: KeyArgument,
    reason: ReasonOption,
    data: DataOption = DATA,
    conf: ConfOption = None,
) -> None:
    command = BindKey(task=task, key=key, by=operator(), reason=reason)
    _ask(data, conf, BIND, {"task": task, "key": key, "reason": reason}, command)


@app.command(
    help=teach(
        "Let a task call with no key: what it would tell the partner waits.",
        "解除任务的密钥绑定：待发送的调用将等待。",
        "tongdan credential unbind sf/main --reason 'the account is closed'",
    )
)
def unbind(
    task: TaskArgument, reason: ReasonOption, data: DataOption = DATA, conf: ConfOption = None
) -> None:
    command = UnbindKey(task=task, by=operator(), reason=reason)
    _ask(data, conf, UNBIND, {"task": task, "reason": reason}, command)


def _ask(
    data: Path, conf: Path | None, path: str, body: dict[str, Any], command: BindKey | UnbindKey
) -> None:
    if ask_service(data, path, body, Scope.MANAGE) is None:
        on_files(data, conf, lambda centre: centre.credentials.bind(command, SOURCE))
    err.print(t("Done; no restart is needed.", "已完成，无需重启。"))


@app.command(
    "list",
    help=teach(
        "List the keys of all tasks: environment, days left, last call, trouble. No secret is shown.",
        "列出各任务的密钥：环境、剩余天数、最近调用与异常；不显示密钥内容。",
        "tongdan credential list",
        "tongdan credential list --json",
    ),
)
def list_keys(data: DataOption = DATA, conf: ConfOption = None, json: JsonOption = False) -> None:
    view = health_view(data, conf)
    if json:
        emit(view.tasks)
    else:
        print_keys(view)


@app.command(
    help=teach(
        "Show who bound which key to a task and when, the latest first.",
        "查看任务的密钥绑定历史：何人何时由何换为何，最近的在前。",
        "tongdan credential history sf/main",
    )
)
def history(
    task: TaskArgument, data: DataOption = DATA, conf: ConfOption = None, json: JsonOption = False
) -> None:
    view = health_view(data, conf)
    found = next((each for each in view.tasks if each.task == task), None)
    if found is None:
        fail(t(f"There is no task {task}.", f"没有任务 {task}。"), DOES_NOT_HOLD)
    if json:
        emit(found.bindings)
        return
    shown = table(
        t("at", "时间"), t("from", "原密钥"), t("to", "新密钥"), t("by", "操作人"), t("reason", "原因")
    )
    for each in found.bindings:
        add_row(
            shown,
            local_time(each.at),
            each.before or "-",
            each.key or "-",
            each.by,
            each.reason,
        )
    out.print(shown)
