"""What has happened to aliases and tickets."""

from datetime import datetime

from tongdan.domain.kernel.messages import Fact


class AliasClaimed(Fact, frozen=True, kw_only=True):
    alias: str
    order: str


class AliasContested(Fact, frozen=True, kw_only=True):
    """A second order claims the same name: the first keeps it, a person decides."""

    alias: str
    order: str
    holder: str


class TicketRaised(Fact, frozen=True, kw_only=True):
    """`times` it was raised since it was last resolved, for the first time at `raised_at`."""

    subject: str
    kind: str
    summary: str
    times: int
    raised_at: datetime


class TicketResolved(Fact, frozen=True, kw_only=True):
    subject: str
    kind: str
    evidence: str
