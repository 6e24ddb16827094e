"""The health board and the keys of each task as they are shown, over the API and on the command line alike: no secret
is among them, only what is said of each key.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import msgspec

from tongdan.domain.confighealth.checks import SEVERITIES, WORDS, end_of
from tongdan.domain.confighealth.facts import Finding
from tongdan.domain.confighealth.keeping import Credential, Key, idle_until
from tongdan.domain.confighealth.scanning import Board, Scan
from tongdan.domain.kernel.health import HealthPolicy


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """`days_left`: until it expires, is frozen or its certificate ends, whichever comes first; None: nobody knows."""

    key: str
    environment: str
    standby: bool
    bound: bool
    fingerprint: str
    expires_on: date | None
    idle_until: datetime | None
    certificate_until: datetime | None
    days_left: int | None
    allow: tuple[str, ...]
    last_used_at: datetime | None
    failed_at: datetime | None
    error: str


class BindingView(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    before: str
    by: str
    reason: str
    at: datetime


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    """A task, its keys, and who bound which when, the latest first."""

    task: str
    environment: str
    bound: str
    keys: tuple[KeyView, ...]
    bindings: tuple[BindingView, ...]


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    check: str
    severity: str
    about: str
    detail: str
    until: datetime | None
    title: str
    title_zh: str
    mend: str
    mend_zh: str


class HealthView(msgspec.Struct, frozen=True, kw_only=True):
    """`scans`: the latest first; none: nobody has looked yet, which is not the same as fine."""

    sealed: bool
    tasks: tuple[TaskView, ...]
    findings: tuple[FindingView, ...]
    scans: tuple[Scan, ...]


def health_of(
    board: Board, states: Mapping[str, Credential], tasks: Mapping[str, str], *, sealed: bool,
    used: Mapping[str, datetime], policy: HealthPolicy, now: datetime,
) -> HealthView:  # fmt: skip
    return HealthView(
        sealed=sealed,
        tasks=tuple(_task(task, states.get(task), used, policy, now) for task in sorted(tasks)),
        findings=tuple(finding_view(finding) for finding in board.findings),
        scans=tuple(reversed(board.scans)),
    )


def _task(
    task: str,
    credential: Credential | None,
    used: Mapping[str, datetime],
    policy: HealthPolicy,
    now: datetime,
) -> TaskView:
    credential = credential or Credential(task=task)
    keys = [
        _key(name, key, name == credential.bound, used.get(f"{task}/{name}"), now)
        for name, key in credential.keys.items()
    ]
    bindings = [
        BindingView(key=each.key, before=each.before, by=each.by, reason=each.reason, at=each.at)
        for each in reversed(credential.bindings)
    ]
    return TaskView(
        task=task,
        environment=policy.environment_of(task),
        bound=credential.bound,
        keys=tuple(keys),
        bindings=tuple(bindings),
    )


def _key(name: str, key: Key, bound: bool, used_at: datetime | None, now: datetime) -> KeyView:
    frozen = idle_until(key, max(filter(None, (used_at, key.warmed_at)), default=None))
    expires = None if key.expires_on is None else end_of(key.expires_on)
    ends = [at for at in (expires, frozen, key.certificate_until) if at is not None]
    return KeyView(
        key=name,
        environment=key.environment,
        standby=key.standby,
        bound=bound,
        fingerprint=key.fingerprint,
        expires_on=key.expires_on,
        idle_until=frozen,
        certificate_until=key.certificate_until,
        days_left=(min(ends) - now) // timedelta(days=1) if ends else None,
        allow=key.allow,
        last_used_at=used_at,
        failed_at=key.failed_at,
        error=key.error,
    )


def finding_view(finding: Finding) -> FindingView:
    title, title_zh, mend, mend_zh = WORDS[finding.check]
    return FindingView(
        check=finding.check,
        severity=finding.severity,
        about=finding.about,
        detail=finding.detail,
        until=finding.until,
        title=title,
        title_zh=title_zh,
        mend=mend,
        mend_zh=mend_zh,
    )


SEVERITY_WORDS: dict[str, tuple[str, str]] = dict(
    zip(SEVERITIES, (("critical", "严重"), ("warning", "警告"), ("unknown", "未知")), strict=True)
)
