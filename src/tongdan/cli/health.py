"""`tongdan health`: looking at credentials and configuration now, and what the last look found."""

from pathlib import Path
from typing import Final

import msgspec
import typer

from tongdan.adapters.clock import SystemClock
from tongdan.adapters.key_use import FOLDER as KEY_USE
from tongdan.adapters.key_use import KeyUseFiles
from tongdan.adapters.partners import tasks_of
from tongdan.adapters.policy_files import ConfError, load_conf
from tongdan.cli.asking import ask_service, on_files, operator
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption, conf_dir
from tongdan.cli.reading import open_reading
from tongdan.domain.confighealth.checks import CRITICAL
from tongdan.domain.confighealth.keeping import Credential
from tongdan.domain.confighealth.scanning import Board
from tongdan.domain.kernel.keys import HEALTH_BOARD, credential_key
from tongdan.domain.kernel.messages import Refusal
from tongdan.profile import CREDENTIALS, Centre
from tongdan.surfaces.health import SEVERITY_WORDS, HealthView, health_of
from tongdan.surfaces.http.health import SCAN, shown
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.words import local_time, pick

SCAN_WITHIN_S: Final = 300.0

app: Final = typer.Typer(
    no_args_is_help=True, help=t("Health of credentials and configuration.", "凭据与配置的健康巡检。")
)


@app.command(
    help=teach(
        """Look at everything now: keys, certificates by a real TLS handshake, clocks, allow-lists, call-backs.

Exits with 1 when something is critical. The same is done every day before dawn (conf/health.yml).""",
        """立即巡检：密钥、TLS 证书（真实握手）、时钟、白名单与回调。

有严重问题时退出码为 1。每日凌晨自动执行（conf/health.yml）。""",
        "tongdan health scan",
        "tongdan health scan --json",
    )
)
def scan(data: DataOption = DATA, conf: ConfOption = None, json: JsonOption = False) -> None:
    with open_reading(data):
        pass  # exits with 2 unless there is data
    said = ask_service(data, SCAN, {}, Scope.OPERATE, within_s=SCAN_WITHIN_S)
    here = None if said is None else msgspec.convert(said, HealthView, strict=False)
    view = here or on_files(data, conf, _here)
    _show(view, json)


async def _here(centre: Centre) -> HealthView | Refusal:
    reply = await centre.health.scan(operator(), "cli")
    return reply if isinstance(reply, Refusal) else shown(centre.health)


@app.command(
    help=teach(
        "Show what the last scan found, and the scans before it. Looks at nothing anew.",
        "查看最近一次巡检结果与历次巡检；不重新检查。",
        "tongdan health show",
    )
)
def show(data: DataOption = DATA, conf: ConfOption = None, json: JsonOption = False) -> None:
    _show(health_view(data, conf), json)


def health_view(data: Path, conf: Path | None) -> HealthView:
    """As the API says it, read beside a running centre or without one."""
    with open_reading(data) as reading:
        try:
            read = load_conf(conf_dir(conf))
        except ConfError as error:
            fail(str(error), DOES_NOT_HOLD)
        clock, tasks = SystemClock(), tasks_of(read)
        board = reading.reads.order(HEALTH_BOARD)
        states = {task: reading.reads.order(credential_key(task)) for task in tasks}
        return health_of(
            board if isinstance(board, Board) else Board(),
            {task: state for task, state in states.items() if isinstance(state, Credential)},
            tasks,
            sealed=not (data / CREDENTIALS).exists(),
            used=KeyUseFiles(data / KEY_USE, 0, clock).last(),
            policy=read.policy.health,
            now=clock.now(),
        )


def _show(view: HealthView, json: bool) -> None:
    critical = any(each.severity == CRITICAL for each in view.findings)
    if json:
        emit(view)
    elif not view.scans:
        err.print(
            t("Nobody has looked yet: `tongdan health scan`.", "尚未巡检：请运行 `tongdan health scan`。")
        )
    else:
        _print(view)
    raise typer.Exit(DOES_NOT_HOLD if critical else 0)


def _print(view: HealthView) -> None:
    what, mend = t("finding", "问题"), t("how to mend", "处理办法")
    findings = table(
        t("severity", "级别"), what, t("about", "对象"), t("until", "期限"), mend, fold=(what, mend)
    )
    for each in view.findings:
        title = f"{pick((each.title, each.title_zh), LANGUAGE)} {each.detail}".strip()
        until = local_time(each.until) if each.until else ""
        severity = pick(SEVERITY_WORDS[each.severity], LANGUAGE)
        add_row(findings, severity, title, each.about, until, pick((each.mend, each.mend_zh), LANGUAGE))
    out.print(findings)
    numbers = [t(*words) for words in SEVERITY_WORDS.values()]
    scans = table(t("scan", "巡检"), t("at", "时间"), t("by", "操作人"), *numbers, t("fine", "正常"))
    for one in view.scans[:10]:
        counts = [getattr(one, severity) for severity in SEVERITY_WORDS]
        add_row(scans, one.no, local_time(one.at), one.by, *counts, one.fine)
    out.print(scans)


def print_keys(view: HealthView) -> None:
    trouble = t("trouble", "异常")
    shown = table(
        t("task", "任务"), t("key", "密钥"), t("environment", "环境"), t("in use", "使用中"), t("standby", "备用"),
        t("days left", "剩余天数"), t("last call", "最近调用"), trouble, fold=(trouble,),
    )  # fmt: skip
    for task in view.tasks:
        for key in task.keys:
            used = local_time(key.last_used_at) if key.last_used_at else "-"
            days = t("unknown", "未知") if key.days_left is None else key.days_left
            marks = ["✓" if mark else "" for mark in (key.bound, key.standby)]
            add_row(shown, task.task, key.key, key.environment, *marks, days, used, key.error)
    out.print(shown)
    if not view.sealed:
        err.print(
            t(
                "The credentials lie open in credentials.json: `tongdan credential import`.",
                "凭据仍为明文 credentials.json：请运行 `tongdan credential import`。",
            )
        )
