"""What has happened to aliases, tickets and slots."""

from datetime import datetime

from tongdan.domain.kernel.lost import Lost
from tongdan.domain.kernel.messages import Fact
from tongdan.domain.kernel.receipts import Receipt
from tongdan.domain.kernel.tracks import Track


class AliasClaimed(Fact, frozen=True, kw_only=True):
    """`ends` names the tickets whose cause is gone."""

    alias: str
    order: str
    ends: tuple[str, ...] = ()


class AliasContested(Fact, frozen=True, kw_only=True):
    """A second order claims the same name: the first keeps it, a person decides."""

    alias: str
    order: str
    holder: str


class LetterParked(Fact, frozen=True, kw_only=True):
    """A message came before the alias was claimed; `claim_by` is when somebody has to be told of that."""

    alias: str
    source: str
    letter: Track | Receipt
    claim_by: datetime


class LetterDelivered(Fact, frozen=True, kw_only=True):
    """A message, parked or not, goes on to what the alias leads to."""

    to: str
    letter: Track | Receipt


class ClaimOverdue(Fact, frozen=True, kw_only=True):
    """Nobody has claimed the alias in time. Its `letters` go on waiting."""

    letters: int


class TicketRaised(Fact, frozen=True, kw_only=True):
    """`times` it was raised since it was last resolved, for the first time at `raised_at`."""

    subject: str
    kind: str
    summary: str
    times: int
    raised_at: datetime


class TicketResolved(Fact, frozen=True, kw_only=True):
    """`by`: who mended what a dispute was about (`dispute.BY_…`). `closed_at` None: told before that was kept."""

    subject: str
    kind: str
    evidence: str
    by: str = ""
    closed_at: datetime | None = None


class EpochOpened(Fact, frozen=True, kw_only=True):
    """The first fact after a restore. What the slot told between the backup and the loss is not in its chain."""

    backup: str
    lost: Lost
