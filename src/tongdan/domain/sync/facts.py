"""What has happened to aliases and tickets."""

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
    subject: str
    kind: str
    summary: str
    times: int


class TicketResolved(Fact, frozen=True, kw_only=True):
    subject: str
    kind: str
    evidence: str
