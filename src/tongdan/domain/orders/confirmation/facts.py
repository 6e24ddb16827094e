"""What has happened to a refund that two parties have to mark, and to one that was withdrawn.

Between the proposal and `RefundRequested` no money moves. Afterwards the refund goes its ordinary way
(`refund_facts.py`); what is withdrawn then is recovered.
"""

from datetime import datetime

from tongdan.domain.kernel.messages import Effect, Fact


class RefundProposed(Fact, frozen=True, kw_only=True):
    """Money of the payment `transaction` is to go back once finance and the order centre have both marked it.

    `adds_fen` is what of it was not owed before. `partners` are told of it in this order when both have, and it is
    executed `cooling_s` later.
    """

    refund: int
    attempt: int
    transaction: str
    amount_fen: int
    adds_fen: int
    cause: str
    reason: str
    cooling_s: int
    partners: tuple[str, ...]
    proposed_at: datetime


class RefundMarked(Fact, frozen=True, kw_only=True):
    """`by` is a member, the owner of an API key, a system or a rule; no two marks of a refund are by the same."""

    refund: int
    party: str
    by: str
    marked_at: datetime


class RefundConfirmed(Fact, frozen=True, kw_only=True):
    """Both have marked it; the money goes at `due_at`, unless one withdraws."""

    refund: int
    due_at: datetime


class RefundAnnounced(Fact, frozen=True, kw_only=True):
    """A system is told `word` of it (requested, confirmed, withdrawn, recovery, recovered)."""

    refund: int
    partner: str
    word: str


class RefundTold(Fact, frozen=True, kw_only=True):
    """The system's answer to that: the proof that it knows."""

    refund: int
    partner: str
    word: str


class RefundWithdrawn(Fact, frozen=True, kw_only=True):
    """One party takes it back. `executed`: the provider had been asked, so what it has done decides whether money is to
    be recovered. `still_owed_fen` is owed to the buyer all the same, `frees_fen` no more; None (in the first of these
    facts): whatever was not owed before it.
    """

    refund: int
    amount_fen: int
    party: str
    by: str
    reason: str
    executed: bool
    still_owed_fen: int
    withdrawn_at: datetime
    frees_fen: int | None = None


class RefundCalledOff(Fact, frozen=True, kw_only=True):
    """Withdrawn after the request, but the provider has not done it and will not: no money has left."""

    refund: int
    amount_fen: int


class RefundUndone(Fact, frozen=True, kw_only=True):
    """Every system that was told has proven that it is undone there."""

    refund: int


class RecoveryOpened(Fact, frozen=True, kw_only=True):
    """The money has left although it was withdrawn: the buyer owes it."""

    refund: int
    amount_fen: int


class RecoveryRepaid(Fact, frozen=True, kw_only=True):
    """So much of it came back, as `reference` proves. `ends` names the ticket, when it is all."""

    refund: int
    amount_fen: int
    reference: str
    repaid_at: datetime
    ends: tuple[str, ...] = ()


class RecoveryWrittenOff(Fact, frozen=True, kw_only=True):
    """A person gives up on the rest."""

    refund: int
    amount_fen: int
    by: str
    reason: str
    ends: tuple[str, ...] = ()


class RefundDisputed(Fact, frozen=True, kw_only=True):
    """Finance withdraws what a platform has paid back by itself: nothing can be undone, the two have to agree."""

    reference: str
    amount_fen: int
    by: str
    reason: str


class TellRefund(Effect, frozen=True, kw_only=True):
    """Tell a system of the seller's own how a refund stands. Keyed; `withdrawn` undoes what was told before it."""

    order: str
    channel: str
    shop: str
    native: str
    refund: str
    amount_fen: int
    word: str
    at: datetime
    cause: str = ""
    reason: str = ""
