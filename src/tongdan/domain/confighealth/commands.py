"""What may be asked of a task's keys, and of the health board."""

from datetime import date, datetime

from tongdan.domain.confighealth.facts import Finding
from tongdan.domain.kernel.messages import Command


class PutKey(Command, frozen=True, kw_only=True):
    """A key was sealed; the fields are those of `KeyPut`."""

    task: str
    key: str
    fingerprint: str
    environment: str
    by: str
    standby: bool = False
    expires_on: date | None = None
    idle_days: int = 0
    allow: tuple[str, ...] = ()
    certificate_until: datetime | None = None


class BindKey(Command, frozen=True, kw_only=True):
    task: str
    key: str
    by: str
    reason: str


class UnbindKey(Command, frozen=True, kw_only=True):
    task: str
    by: str
    reason: str


class ReportKeyFailed(Command, frozen=True, kw_only=True):
    """`partner` did not take `key`; `error` holds its code, never its message."""

    task: str
    key: str
    partner: str
    error: str


class NoteKeyWorks(Command, frozen=True, kw_only=True):
    """A call with a key that is marked as failed went well."""

    task: str
    key: str


class NoteKeyWarmed(Command, frozen=True, kw_only=True):
    task: str
    key: str


class RecordScan(Command, frozen=True, kw_only=True):
    """`mail`: whether anybody is to be told."""

    findings: tuple[Finding, ...]
    fine: int
    by: str
    mail: bool
