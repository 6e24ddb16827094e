"""What a scan concludes from what it saw: pure, so a rule is tested by moving `now`.

What nobody knows is a finding of its own, `unknown`; it never counts as fine.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from ipaddress import ip_address, ip_network
from typing import Final

import msgspec

from tongdan.domain.confighealth.facts import Finding
from tongdan.domain.confighealth.keeping import Credential, Key, idle_until
from tongdan.domain.kernel.health import HealthPolicy
from tongdan.domain.kernel.ids import SHANGHAI

CRITICAL, WARNING, UNKNOWN = "critical", "warning", "unknown"
SEVERITIES: Final = (CRITICAL, WARNING, UNKNOWN)  # the gravest first

EXPIRY: Final = "key-expiry"
IDLE: Final = "idle-freeze"
FAILED: Final = "key-failed"
ENVIRONMENT: Final = "environment"
NO_KEY: Final = "no-key"
CERTIFICATE: Final = "certificate"
KEY_CERTIFICATE: Final = "key-certificate"
ALLOW_LIST: Final = "allow-list"
CLOCK: Final = "clock-skew"
CALLBACK: Final = "callback"
PLAIN_FILE: Final = "plain-file"
CHECKS: Final = (
    EXPIRY, IDLE, FAILED, ENVIRONMENT, NO_KEY, CERTIFICATE, KEY_CERTIFICATE, ALLOW_LIST, CLOCK, CALLBACK, PLAIN_FILE,
)  # fmt: skip
MAX_FINDINGS: Final = 500


class Ending(msgspec.Struct, frozen=True):
    """A certificate that a host showed: until when it is good; None: it showed none, and `why`."""

    until: datetime | None
    why: str = ""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan saw of the world outside; what could not be seen is None.

    `used`: `TASK/KEY` → when a call was made with it last. `certificates`, `clocks` (seconds that ours is ahead): by
    host. `callbacks`: URL → "" it answers, else what it did; None: nobody could ask. `address`: ours as others see it.
    `tasks`: those that the configuration has; `sealed`: whether their credentials are encrypted.
    """

    tasks: tuple[str, ...]
    sealed: bool
    used: Mapping[str, datetime] = {}
    certificates: Mapping[str, Ending] = {}
    clocks: Mapping[str, float | None] = {}
    callbacks: Mapping[str, str | None] = {}
    address: str | None = None


def judge(
    credentials: Mapping[str, Credential], seen: Seen, policy: HealthPolicy, now: datetime
) -> tuple[tuple[Finding, ...], int]:
    """The findings, gravest first, and how many checks were fine."""
    found: list[Finding | None] = []
    if not seen.sealed:
        found.append(Finding(check=PLAIN_FILE, severity=WARNING, about="credentials.json"))
    for task in seen.tasks:
        credential = credentials.get(task)
        if credential is None or not credential.bound:
            check, severity = (NO_KEY, CRITICAL) if seen.sealed else (EXPIRY, UNKNOWN)
            found.append(Finding(check=check, severity=severity, about=task))
        else:
            found += _of_task(credential, seen, policy, now)
    found += [_certificate(host, ending, policy, now) for host, ending in seen.certificates.items()]
    found += [_clock(host, ahead_s, policy) for host, ahead_s in seen.clocks.items()]
    found += [_callback(url, said) for url, said in seen.callbacks.items()]
    bad = [finding for finding in found if finding is not None]
    bad.sort(key=lambda finding: (SEVERITIES.index(finding.severity), finding.check, finding.about))
    return tuple(bad[:MAX_FINDINGS]), len(found) - len(bad)


def _of_task(
    credential: Credential, seen: Seen, policy: HealthPolicy, now: datetime
) -> Iterator[Finding | None]:
    wanted = policy.environment_of(credential.task)
    bound = credential.keys[credential.bound]
    if seen.sealed and bound.environment != wanted:
        detail = f"{credential.bound}: {bound.environment} ≠ {wanted}"
        yield Finding(check=ENVIRONMENT, severity=CRITICAL, about=credential.task, detail=detail)
    else:
        yield None
    for name, key in credential.keys.items():
        if name != credential.bound and not key.standby:
            continue
        about = f"{credential.task}/{name}"
        if key.failed_at is not None:
            yield Finding(check=FAILED, severity=CRITICAL, about=about, detail=key.error)
        else:
            yield None
        yield _expiry(about, key, policy, now)
        yield _idle(about, key, seen.used.get(about), policy, now)
        yield _key_certificate(about, key, policy, now)
        yield _allowed(about, key.allow, seen.address)


def ending(
    check: str, about: str, until: datetime, policy: HealthPolicy, now: datetime, warn_days: int | None = None
) -> Finding | None:
    """A date that comes: critical when it is near or past, a warning before, nothing when it is far."""
    warn_days = policy.warn_days if warn_days is None else warn_days
    left = until - now
    if left > timedelta(days=warn_days):
        return None
    near = left <= timedelta(days=min(policy.critical_days, warn_days))
    return Finding(check=check, severity=CRITICAL if near else WARNING, about=about, until=until)


def _expiry(about: str, key: Key, policy: HealthPolicy, now: datetime) -> Finding | None:
    if key.expires_on is None:
        return Finding(check=EXPIRY, severity=UNKNOWN, about=about)
    return ending(EXPIRY, about, end_of(key.expires_on), policy, now)


def end_of(day: date) -> datetime:
    """A key that expires on a day is good until that day ends in China."""
    return datetime.combine(day + timedelta(days=1), time(), SHANGHAI)


def _idle(
    about: str, key: Key, used_at: datetime | None, policy: HealthPolicy, now: datetime
) -> Finding | None:
    """Warned of when a call is due, critical on the last day."""
    until = idle_until(key, max(filter(None, (used_at, key.warmed_at)), default=None))
    if until is None or until - now > timedelta(days=policy.idle_warn_days):
        return None
    severity = CRITICAL if until - now <= timedelta(days=1) else WARNING
    return Finding(check=IDLE, severity=severity, about=about, until=until)


def _key_certificate(about: str, key: Key, policy: HealthPolicy, now: datetime) -> Finding | None:
    until = key.certificate_until
    return None if until is None else ending(KEY_CERTIFICATE, about, until, policy, now)


def _allowed(about: str, allow: Sequence[str], address: str | None) -> Finding | None:
    """A key without a list is taken from everywhere, as far as anybody has said."""
    if not allow:
        return None
    declared = ", ".join(allow)
    if address is None:
        return Finding(check=ALLOW_LIST, severity=UNKNOWN, about=about, detail=declared)
    ours = ip_address(address)
    if any(ours in ip_network(each, strict=False) for each in allow):
        return None
    return Finding(check=ALLOW_LIST, severity=CRITICAL, about=about, detail=f"{address} ∉ {declared}")


def _certificate(host: str, seen: Ending, policy: HealthPolicy, now: datetime) -> Finding | None:
    if seen.until is None:
        return Finding(check=CERTIFICATE, severity=UNKNOWN, about=host, detail=seen.why)
    return ending(CERTIFICATE, host, seen.until, policy, now)


def _clock(host: str, ahead_s: float | None, policy: HealthPolicy) -> Finding | None:
    if ahead_s is None:
        return Finding(check=CLOCK, severity=UNKNOWN, about=host)
    if abs(ahead_s) <= policy.clock_warn_s:
        return None
    severity = CRITICAL if abs(ahead_s) > policy.clock_critical_s else WARNING
    return Finding(check=CLOCK, severity=severity, about=host, detail=f"{ahead_s:+.0f} s")


def _callback(url: str, said: str | None) -> Finding | None:
    if said is None:
        return Finding(check=CALLBACK, severity=UNKNOWN, about=url)
    return Finding(check=CALLBACK, severity=CRITICAL, about=url, detail=said) if said else None


# What a finding is called, and what mends it.
WORDS: Final[dict[str, tuple[str, str, str, str]]] = {
    EXPIRY: (
        "Key expires", "密钥到期",
        "Renew it at the partner and seal it again with `tongdan credential put`, with --expires.",
        "在合作方续期后用 `tongdan credential put` 重新录入，并填写 --expires。",
    ),
    IDLE: (
        "Key will be frozen unused", "密钥闲置将被冻结",
        "Make a call with it, or bind it; where the partner allows, the scan keeps it warm by itself.",
        "请用它调用一次或绑定使用；合作方允许时巡检会自动保活。",
    ),
    FAILED: (
        "Key refused by the partner", "密钥被合作方拒绝",
        "Unfreeze or renew it at the partner, then seal it again with `tongdan credential put`.",
        "在合作方解冻或续期后用 `tongdan credential put` 重新录入。",
    ),
    ENVIRONMENT: (
        "Key of another environment", "密钥环境不符",
        "Bind a key of the task's environment with `tongdan credential bind`, or mend `tasks` in conf/health.yml.",
        "请用 `tongdan credential bind` 绑定同环境的密钥，或修正 conf/health.yml 的 tasks。",
    ),
    NO_KEY: (
        "No key bound", "未绑定密钥",
        "Seal one with `tongdan credential put`, then `tongdan credential bind`.",
        "请用 `tongdan credential put` 录入，再用 `tongdan credential bind` 绑定。",
    ),
    CERTIFICATE: (
        "Certificate of a host", "主机证书",
        "The partner (or your proxy) has to renew it; if it is unknown, look whether the host is reached from here.",
        "请联系合作方（或自有代理）续签；状态未知时请检查网络是否可达。",
    ),
    KEY_CERTIFICATE: (
        "Certificate of a key", "密钥证书到期",
        "Have a new certificate issued at the partner and seal it with `tongdan credential put`.",
        "在合作方申请新证书后用 `tongdan credential put` 录入。",
    ),
    ALLOW_LIST: (
        "Allow-list and our address", "IP 白名单与出口地址",
        "Put our address on the partner's allow-list, then seal the key again with --allow.",
        "请在合作方白名单中加入我方出口地址，再用 --allow 更新。",
    ),
    CLOCK: (
        "Clock apart from the partner's", "时钟偏差",
        "Set this machine's clock by NTP: signatures carry the time. If it is unknown, look whether the host answers.",
        "请用 NTP 校准本机时钟：签名中含时间；状态未知时请检查主机是否有应答。",
    ),
    CALLBACK: (
        "Call-back address", "回调地址",
        "Look at DNS, the certificate and the way to the push port; pushes do not arrive.",
        "请检查域名、证书与推送端口的通路，推送可能无法到达。",
    ),
    PLAIN_FILE: (
        "Credentials lie open", "凭据为明文",
        "Stop the centre and seal them with `tongdan credential import`.",
        "请停止服务后用 `tongdan credential import` 加密导入。",
    ),
}  # fmt: skip
