"""What has happened to the keys of a task, and what a scan found. No secret is here: a key has a name and a mark."""

from datetime import date, datetime

import msgspec

from tongdan.domain.kernel.messages import Effect, Fact


class KeyPut(Fact, frozen=True, kw_only=True):
    """A key was sealed under this name, or sealed anew. `fingerprint` tells one secret from another, and nothing else.

    `idle_days`: the partner freezes it after so many without a call; 0: it does not. `allow`: addresses from which the
    partner takes calls. `standby`: it takes over when the key in use fails.
    """

    task: str
    key: str
    fingerprint: str
    environment: str
    put_at: datetime
    by: str
    standby: bool = False
    expires_on: date | None = None
    idle_days: int = 0
    allow: tuple[str, ...] = ()
    certificate_until: datetime | None = None


class KeyBound(Fact, frozen=True, kw_only=True):
    """The task calls with `key` from now on; `before`: with which until now. A person said so."""

    task: str
    key: str
    before: str
    by: str
    reason: str
    bound_at: datetime


class KeyUnbound(Fact, frozen=True, kw_only=True):
    """The task calls with none."""

    task: str
    before: str
    by: str
    reason: str
    unbound_at: datetime


class KeyFailed(Fact, frozen=True, kw_only=True):
    """The partner did not take the key that was in use. `successor`: the standby that takes over; "": there is none."""

    task: str
    key: str
    partner: str
    error: str
    successor: str
    failed_at: datetime


class KeySwitched(Fact, frozen=True, kw_only=True):
    """A standby took over by itself."""

    task: str
    key: str
    before: str
    switched_at: datetime


class KeyRecovered(Fact, frozen=True, kw_only=True):
    """The partner takes a key again that it had refused."""

    task: str
    key: str
    recovered_at: datetime


class KeyWarmed(Fact, frozen=True, kw_only=True):
    """A call was made for no other reason than that the partner does not freeze the key."""

    task: str
    key: str
    warmed_at: datetime


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`about` is a task, a key (`TASK/KEY`), a host or a URL; `until`: when it ends, `detail`: what was seen."""

    check: str
    severity: str
    about: str
    detail: str = ""
    until: datetime | None = None


class HealthScanned(Fact, frozen=True, kw_only=True):
    """`fine` checks found nothing; the gravest findings come first."""

    no: int
    findings: tuple[Finding, ...]
    fine: int
    by: str
    scanned_at: datetime


class MailFindings(Effect, frozen=True, kw_only=True):
    """What a scan found, for those whom `conf/health.yml` names."""

    no: int
    findings: tuple[Finding, ...]
    fine: int
    scanned_at: datetime
