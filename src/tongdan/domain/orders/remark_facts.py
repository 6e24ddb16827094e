"""What is done with an order that moves none of its axes, and is on record all the same."""

from tongdan.domain.kernel.messages import Fact


class OrderCommented(Fact, frozen=True, kw_only=True):
    """What somebody of the staff has to say; who it was stands in the row."""

    text: str


class PersonRevealed(Fact, frozen=True, kw_only=True):
    """Somebody was shown the personal data of the order, or payloads with it, in the open."""


class ToldAgain(Fact, frozen=True, kw_only=True):
    """`partner` saw the order otherwise, so it was told again what it had been told (`what`)."""

    partner: str
    what: tuple[str, ...]
