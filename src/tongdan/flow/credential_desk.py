"""What follows when a partner does not take a task's key, and what people do with keys.

A call that was turned away has not been looked at, so it is made again at once with the standby, in
the place of its lane that it has: nothing is overtaken, lost or done twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Final

from tongdan.domain.confighealth.commands import (
    BindKey,
    NoteKeyWorks,
    PutKey,
    ReportKeyFailed,
    UnbindKey,
)
from tongdan.domain.confighealth.keeping import Credential, check_standby
from tongdan.domain.confighealth.refusals import BAD_KEY, NOT_SEALED, UNKNOWN_TASK
from tongdan.domain.kernel.health import HealthPolicy
from tongdan.domain.kernel.keys import credential_key, key_slot
from tongdan.domain.kernel.messages import Command, Effect, Refusal
from tongdan.flow.bound_keys import BoundKeys, Fields
from tongdan.flow.bus import Bus
from tongdan.flow.gate import Gate
from tongdan.ports import (
    Actor,
    Clock,
    Credentials,
    Done,
    Errand,
    Failed,
    Inbound,
    KeyRing,
    Reads,
    Reply,
    UseBook,
    Verb,
)

MOST_KEYS: Final = 4  # tried for one call
SOURCE: Final = "credentials"

# The keys that the call under way was made with: each effect is sent in a task of its own.
_used: ContextVar[list[tuple[str, str]] | None] = ContextVar("used", default=None)


class CredentialDesk:
    """`ports.Credentials` for doors; `calling` is the same for actors, and notes each use."""

    def __init__(
        self, bus: Bus, reads: Reads, ring: KeyRing, book: UseBook, tasks: Mapping[str, str], policy: HealthPolicy,
        clock: Clock,
    ) -> None:  # fmt: skip
        """`tasks`: those of the configuration, with where they call."""
        self._bus: Final = bus
        self.ring: Final = ring
        self.book: Final = book
        self.tasks: Final = tasks
        self.policy: Final = policy
        self._clock: Final = clock
        self.bound: Final = BoundKeys(reads, ring, policy, clock)
        self.calling: Final[Credentials] = _Calling(self)

    # -- reading

    def get(self, name: str) -> Fields:
        """Raises KeyError naming what is missing, NotForUse when no key may be called with."""
        return self.bound.get(name)

    def states(self) -> dict[str, Credential]:
        """Every task of the configuration that the journal knows keys of."""
        known = {task: self.bound.state(task) for task in self.tasks}
        return {task: state for task, state in known.items() if state is not None}

    # -- what calls teach

    def guard(self, actor: Actor) -> "Guarded":
        return Guarded(actor, self)

    async def took_over(self, task: str, key: str, partner: str, error: str) -> bool:
        """The partner did not take `key`. True when another is in use now."""
        chosen = self.bound.chosen(task)
        if chosen.key == key and not chosen.failed:
            await self._tell(ReportKeyFailed(task=task, key=key, partner=partner, error=error))
        self.bound.forget(task)
        return self.bound.chosen(task).key != key

    def note_use(self, task: str, key: str) -> None:
        self.book.note(task, key, self._clock.now())

    def worked(self, task: str, key: str) -> None:
        chosen = self.bound.chosen(task)
        if chosen.failed and chosen.key == key:
            self.bound.forget(task)
            self._bus.again(NoteKeyWorks(task=task, key=key), (), lambda *_: None)

    async def _tell(self, command: Command) -> Reply:
        told: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._bus.again(command, (), lambda _, reply: told.set_result(reply))
        return await told

    # -- what people do

    async def start(self) -> None:
        """Tell the journal of every key that was sealed while nobody served; those it knows are no news."""
        gate = Gate()
        for task, keys in self.ring.keys().items():
            if self._bus.owns(key_slot(credential_key(task))):
                state = self.bound.state(task)
                for name, said in keys.items():
                    known = state.keys.get(name) if state is not None else None
                    if known is None or known.fingerprint != said.fingerprint:
                        gate.open()
                        self._bus.again(said, (), lambda *_: gate.close())
        await gate.passed()
        for task in self.ring.keys():  # noqa: SIM118 (no mapping)
            self.bound.forget(task)

    async def put(self, said: PutKey, fields: Fields, source: str) -> Reply:
        """Seal a key and tell the journal. Nothing is written when it is refused."""
        if no := self._no_task(said.task) or (None if self.ring.is_sealed else NOT_SEALED.of()):
            return no
        await self.start()
        if no := check_standby(self.bound.state(said.task) or Credential(task=said.task), said, self.policy):
            return no
        try:
            sealed = self.ring.put(said, fields)
        except ValueError as error:
            return BAD_KEY.of(field=f"{said.task}/{said.key}", expected=str(error))
        return await self._asked(sealed, source)

    async def bind(self, command: BindKey | UnbindKey, source: str) -> Reply:
        if no := self._no_task(command.task):
            return no
        await self.start()
        return await self._asked(command, source)

    async def _asked(self, command: PutKey | BindKey | UnbindKey, source: str) -> Reply:
        reply = await self._bus.ask(
            Inbound(
                command=command, key=(SOURCE, self._bus.entropy.token(16).hex()), source=source, shop="",
                happened_at=self._clock.now(), raw=b"", operator=command.by,
            )
        )  # fmt: skip
        self.bound.forget(command.task)
        return reply

    def _no_task(self, task: str) -> Refusal | None:
        if task in self.tasks:
            return None
        return UNKNOWN_TASK.of(task=task[:64], known=", ".join(sorted(self.tasks)))


class _Calling:
    def __init__(self, desk: CredentialDesk) -> None:
        self._desk: Final = desk

    def get(self, name: str) -> Fields:
        chosen = self._desk.bound.chosen(name)
        fields = self._desk.bound.fields(name, chosen)
        self._desk.note_use(name, chosen.key)
        if (used := _used.get()) is not None:
            used.append((name, chosen.key))
        return fields


class Guarded:
    """An actor whose calls are made again with the standby when the partner does not take the key."""

    def __init__(self, actor: Actor, desk: CredentialDesk) -> None:
        self.partner = actor.partner
        self.verbs: Mapping[type[Effect], Verb] = actor.verbs
        self._actor: Final = actor
        self._desk: Final = desk

    async def perform(self, errand: Errand) -> Done | Failed:
        result = await self._guarded(self._actor.perform, errand)
        assert result is not None
        return result

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        return await self._guarded(self._actor.look_up, errand)

    async def _guarded(
        self, go: Callable[[Errand], Awaitable[Done | Failed | None]], errand: Errand
    ) -> Done | Failed | None:
        for _ in range(MOST_KEYS):
            used: list[tuple[str, str]] = []
            token = _used.set(used)
            try:
                result = await go(errand)
            finally:
                _used.reset(token)
            if not used:
                return result
            if not (isinstance(result, Failed) and result.turned_away):
                if not isinstance(result, Failed):
                    self._desk.worked(*used[-1])
                return result
            if not await self._desk.took_over(*used[-1], self.partner, result.error):
                return result
        return result
