"""What has happened to a partner as a whole: when it was out and why, when it was back, and what was sent after it."""

from datetime import datetime
from enum import StrEnum

from tongdan.domain.kernel.messages import Command, Fact


class Cause(StrEnum):
    """Why a partner as a whole takes nothing."""

    KEY_REFUSED = "key-refused"  # it does not take our key
    KEY_UNUSABLE = "key-unusable"  # there is none that may be called with
    UNREACHABLE = "unreachable"
    NO_ANSWER = "no-answer"  # what was sent may have arrived
    TROUBLE = "trouble"  # it answers, and says that it cannot


class ReportPartnerOut(Command, frozen=True, kw_only=True):
    """Nothing has gone through to `partner` since `since`; `error` is what the last attempt met."""

    partner: str
    cause: Cause
    error: str
    since: datetime


class ReportPartnerBack(Command, frozen=True, kw_only=True):
    partner: str


class RecordCompensation(Command, frozen=True, kw_only=True):
    """Nothing waits any more of what outage `no` held up; the numbers are those of its report, `done_at` when the
    last of it got through."""

    partner: str
    no: int
    resent: int
    found: int
    left: int
    lanes: int
    lanes_broken: int
    done_at: datetime


class OutageBegan(Fact, frozen=True, kw_only=True):
    partner: str
    no: int
    cause: Cause
    error: str
    since: datetime
    began_at: datetime


class OutageResumed(Fact, frozen=True, kw_only=True):
    """It went out again before all that had waited was sent: it is the same outage."""

    partner: str
    no: int
    cause: Cause
    error: str
    resumed_at: datetime


class OutageEnded(Fact, frozen=True, kw_only=True):
    """The partner takes something again; what waited is being sent."""

    partner: str
    no: int
    ended_at: datetime


class OutageCompensated(Fact, frozen=True, kw_only=True):
    """All that the outage held up was sent (`resent`), was there already (`found`), or is `left` to a person.

    `lanes`: of how many aggregates; in `lanes_broken` of them something overtook what came before it.
    """

    partner: str
    no: int
    resent: int
    found: int
    left: int
    lanes: int
    lanes_broken: int
    compensated_at: datetime
