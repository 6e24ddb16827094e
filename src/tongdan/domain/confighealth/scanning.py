"""The health board: what the last scan found, and a line for each of those before it."""

from datetime import datetime
from typing import Final

import msgspec

from tongdan.domain.confighealth.checks import CRITICAL, UNKNOWN, WARNING
from tongdan.domain.confighealth.commands import RecordScan
from tongdan.domain.confighealth.facts import Finding, HealthScanned, MailFindings
from tongdan.domain.kernel.messages import EFFECT_FACTS, Context, Decision, Fact, Refusal

MAX_SCANS: Final = 90
MAIL: Final = "mail"  # the partner


class Scan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How many findings of each severity, by whom asked for."""

    no: int
    at: datetime
    by: str
    critical: int
    warning: int
    unknown: int
    fine: int


class Board(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`scans`: the latest, oldest first; `findings`: of the last one."""

    scans: tuple[Scan, ...] = ()
    findings: tuple[Finding, ...] = ()


def record_scan(board: Board | None, command: RecordScan, ctx: Context) -> Decision | Refusal:
    """Whoever is to be told hears of every scan that found something."""
    no = board.scans[-1].no + 1 if board and board.scans else 1
    scanned = HealthScanned(
        no=no, findings=command.findings, fine=command.fine, by=command.by, scanned_at=ctx.now
    )
    mail = MailFindings(partner=MAIL, no=no, findings=command.findings, fine=command.fine, scanned_at=ctx.now)
    return Decision((scanned,), effects=(mail,) if command.mail and command.findings else ())


def evolve(board: Board | None, fact: Fact) -> Board:
    """The state after `fact`. Raises KeyError for a fact that is none of the board's."""
    board = board or Board()
    match fact:
        case HealthScanned():
            scan = Scan(
                no=fact.no,
                at=fact.scanned_at,
                by=fact.by,
                fine=fact.fine,
                critical=_count(fact, CRITICAL),
                warning=_count(fact, WARNING),
                unknown=_count(fact, UNKNOWN),
            )
            return Board(scans=(*board.scans, scan)[-MAX_SCANS:], findings=fact.findings)
    if type(fact) in EFFECT_FACTS:
        return board
    raise KeyError(type(fact).__name__)


def _count(fact: HealthScanned, severity: str) -> int:
    return sum(finding.severity == severity for finding in fact.findings)
