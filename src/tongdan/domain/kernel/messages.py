"""The four kinds of message, and what a decision is.

A **command** asks (imperative), a **fact** tells (past tense), an **effect** is a verb to the outside, a **refusal** is
a value with a name. `decide(state, command, ctx) -> Decision | Refusal` and `evolve(state, fact) -> state` are pure;
facts carry outcomes, so a replay under another policy gives the same state. Immutable values form no cycles, so the
garbage collector is told not to look at them (`gc=False`): under load it would look at little else.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Final

import msgspec

from tongdan.domain.kernel.lost import Lost
from tongdan.domain.kernel.policy import Policy


class Command(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What somebody asks of one aggregate. The class name is its name."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What happened to one aggregate. Released facts are upcast, never edited; `version` counts their shapes."""

    version: ClassVar[int] = 1


class Effect(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is to be done outside, once in effect. `partner` names the system and, with the aggregate, the lane."""

    partner: str


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The people behind one order. Exists only in commands, in adapters and as ciphertext: never in facts or state.

    `buyer` is the platform's mark of who bought, `payer` what the payment provider knows them by (WeChat: openid);
    `sealed` carries what a platform encrypted itself (receiver ciphertexts, virtual numbers) unopened.
    """

    name: str = ""
    phone: str = ""
    province: str = ""
    city: str = ""
    district: str = ""
    detail: str = ""
    buyer: str = ""
    payer: str = ""
    sealed: dict[str, str] = {}

    def after(self, known: "Person") -> "Person":
        """This person where another was known: the receiver is the new one, whole; who bought and who pays stays,
        unless it is said anew."""
        return msgspec.structs.replace(self, buyer=self.buyer or known.buyer, payer=self.payer or known.payer)


class Context(msgspec.Struct, frozen=True, gc=False):
    """All that a decision may know besides state and command."""

    now: datetime
    id: str  # key of the aggregate: for an order its global id, allocated before the decision
    policy: Policy
    revision: int
    lost: tuple[Lost, ...] = ()  # ids of this slot that may have been given out before a restore
    marks: tuple[
        str, ...
    ] = ()  # KIND/TOKEN: what the people in the command are known again by, where a rule asks


class Refusal(msgspec.Struct, frozen=True):
    """A named no: what was expected and how to mend it, in both languages, with the HTTP status to answer."""

    name: str
    status: int
    en: str
    zh: str
    retry_after_s: int = 0


class RefusalKind(msgspec.Struct, frozen=True):
    """A refusal as it stands in a slice's list; `of` fills the braces of its sentences."""

    name: str
    status: int
    en: str
    zh: str
    retry_after_s: int = 0

    def of(self, **values: object) -> Refusal:
        return Refusal(
            self.name, self.status, self.en.format(**values), self.zh.format(**values), self.retry_after_s
        )


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What a command leads to.

    `person` replaces the sealed personal data of the aggregate. `supersedes` names verbs of this aggregate's effects
    that are withdrawn if they have not been sent. `erases`: with the same commit the key of the subject's personal data
    goes for good. `opens`: a new epoch of the slot begins, its counters beyond what was lost. A decision without facts
    writes nothing but the inbox row and may carry nothing else.
    """

    facts: tuple[Fact, ...] = ()
    effects: tuple[Effect, ...] = ()
    person: Person | None = None
    supersedes: tuple[str, ...] = ()
    erases: bool = False
    opens: Lost | None = None


NOTHING: Final = Decision()


class WakeUp(Command, frozen=True, kw_only=True):
    """The timer's command: a deadline that the aggregate's `wake_at` named has passed."""

    key: str


class SkipEffect(Command, frozen=True, kw_only=True):
    """A person gives up on an effect (usually a dead letter); its lane goes on."""

    effect: str
    reason: str


class ReplayEffect(Command, frozen=True, kw_only=True):
    """A person has a dead letter tried again, with a fresh deadline."""

    effect: str
    reason: str


class RecordEffectFailure(Command, frozen=True, kw_only=True):
    """The runner gives up on an effect: it becomes a dead letter that blocks its lane until replayed or skipped.

    `outage`: not on its own merits, but because its partner as a whole took nothing; it is replayed when that is over.
    """

    effect: str
    verb: str
    partner: str
    error: str
    outage: bool = False


class FinishEffect(Command, frozen=True, kw_only=True):
    """An effect took place at the partner and taught nothing else."""


class EffectSettled(Fact, frozen=True, kw_only=True):
    """An effect's outcome taught the aggregate nothing new, yet the effect is over."""

    effect: str
    outcome: str


class EffectDied(Fact, frozen=True, kw_only=True):
    """`outage`: as `RecordEffectFailure` says."""

    effect: str
    verb: str
    partner: str
    error: str
    outage: bool = False


class EffectSkipped(Fact, frozen=True, kw_only=True):
    effect: str
    reason: str


class EffectReplayed(Fact, frozen=True, kw_only=True):
    effect: str
    reason: str


# Facts about an aggregate's effects: they are recorded with any kind of aggregate and move none.
EFFECT_FACTS: Final = frozenset({EffectSettled, EffectDied, EffectSkipped, EffectReplayed})

Decide = Callable[[Any, Any, Context], Decision | Refusal]
