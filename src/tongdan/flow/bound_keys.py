"""Which key a task calls with now: the journal says which is bound, the key ring holds it.

Both are read when a call is made (or a moment before), so a switch needs no restart anywhere; nothing is written here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from tongdan.domain.confighealth.commands import PutKey
from tongdan.domain.confighealth.keeping import Credential, history_of, wrong_environment
from tongdan.domain.confighealth.refusals import NOT_BOUND
from tongdan.domain.kernel.health import HealthPolicy
from tongdan.domain.kernel.keys import credential_key
from tongdan.domain.kernel.messages import Refusal
from tongdan.ports import Clock, KeyRing, NotForUse, Reads

LOOK_EVERY_S: Final = 0.5
PLAIN_KEY: Final = "main"  # what the one key of a task is called where nothing is sealed

Fields = Mapping[str, str]


class Chosen(NamedTuple):
    """What a task calls with, as of a moment ago; `refusal`: or why with nothing."""

    key: str
    failed: bool
    refusal: Refusal | None
    until_s: float


class BoundKeys:
    """`ports.Credentials` over a key ring and the journal."""

    def __init__(self, reads: Reads, ring: KeyRing, policy: HealthPolicy, clock: Clock) -> None:
        self._reads: Final = reads
        self._ring: Final = ring
        self._policy: Final = policy
        self._clock: Final = clock
        self._chosen: Final[dict[str, Chosen]] = {}
        self._merged: Final[dict[str, tuple[Fields, Fields, Fields]]] = {}

    def get(self, name: str) -> Fields:
        """Raises KeyError naming what is missing, NotForUse when no key may be called with."""
        return self.fields(name, self.chosen(name))

    def state(self, task: str) -> Credential | None:
        state = self._reads.order(credential_key(task))
        return state if isinstance(state, Credential) else None

    def chosen(self, task: str) -> Chosen:
        now_s = self._clock.monotonic()
        chosen = self._chosen.get(task)
        if chosen is None or now_s >= chosen.until_s:
            chosen = self._chosen[task] = self._choose(task, now_s + LOOK_EVERY_S)
        return chosen

    def forget(self, task: str) -> None:
        """Look anew at the next call."""
        self._chosen.pop(task, None)

    def _choose(self, task: str, until_s: float) -> Chosen:
        """Before the journal knows of a key that is there, the first that is no standby counts as bound."""
        state, there = self.state(task), self._ring.keys().get(task, {})
        failed = state is not None and state.has_failed
        if not self._ring.is_sealed:
            return Chosen(PLAIN_KEY, failed, None, until_s)
        if state is not None and state.bindings:
            key = state.bound
            if not key:
                refusal = NOT_BOUND.of(task=task, history=history_of(state))
                return Chosen("", False, refusal, until_s)
        else:
            key = _first(there, self._policy.environment_of(task)) or next(iter(there), "")
        said = there.get(key)
        if said is not None and said.environment != self._policy.environment_of(task):
            refusal = wrong_environment(state, task, key, said.environment, self._policy)
            return Chosen(key, failed, refusal, until_s)
        return Chosen(key, failed, None, until_s)

    def fields(self, task: str, chosen: Chosen) -> Fields:
        """A standby holds what differs; the rest is the first key's, such as what pushes are signed with."""
        if chosen.refusal is not None:
            raise NotForUse(chosen.refusal)
        fields = self._ring.fields(task, chosen.key)
        there = self._ring.keys().get(task, {})
        first = _first(there, there[chosen.key].environment) if chosen.key in there else ""
        if first in ("", chosen.key) or not there[chosen.key].standby:
            return fields
        base = self._ring.fields(task, first)
        kept = self._merged.get(task)
        if kept is None or kept[0] is not base or kept[1] is not fields:
            kept = self._merged[task] = (base, fields, MappingProxyType({**base, **fields}))
        return kept[2]


def _first(there: Mapping[str, PutKey], environment: str) -> str:
    fits = (name for name, said in there.items() if not said.standby and said.environment == environment)
    return next(fits, "")
