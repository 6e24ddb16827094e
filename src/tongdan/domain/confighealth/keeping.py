"""The keys of one task: which it calls with, who bound them, and which takes over when the partner refuses one.

A refusal of the key in use is decided here once, however many calls meet it at the same moment and in whichever
process: the first one switches, the others find that another key is in use already.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from tongdan.domain.confighealth.commands import (
    BindKey,
    NoteKeyWarmed,
    NoteKeyWorks,
    PutKey,
    ReportKeyFailed,
    UnbindKey,
)
from tongdan.domain.confighealth.facts import (
    KeyBound,
    KeyFailed,
    KeyPut,
    KeyRecovered,
    KeySwitched,
    KeyUnbound,
    KeyWarmed,
)
from tongdan.domain.confighealth.refusals import NOT_BOUND, UNKNOWN_KEY, WRONG_ENVIRONMENT
from tongdan.domain.kernel.health import HealthPolicy
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.domain.kernel.messages import EFFECT_FACTS, NOTHING, Context, Decision, Fact, Refusal

MAX_BINDINGS: Final = 50  # the latest; the journal has all
CITED: Final = 5
ITSELF: Final = "tongdan"  # who binds when nobody does


class Key(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The fields of `KeyPut`. `failed_at`: the partner refused it then with `error`, and nobody has mended it since."""

    fingerprint: str
    environment: str
    put_at: datetime
    standby: bool = False
    expires_on: date | None = None
    idle_days: int = 0
    allow: tuple[str, ...] = ()
    certificate_until: datetime | None = None
    failed_at: datetime | None = None
    error: str = ""
    warmed_at: datetime | None = None


class Binding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Which key was bound when by whom, and which before it; "" is none."""

    key: str
    before: str
    by: str
    reason: str
    at: datetime


class Credential(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`bound`: the key that the task calls with; `bindings`: the latest changes, oldest first."""

    task: str
    keys: dict[str, Key] = {}
    bound: str = ""
    bindings: tuple[Binding, ...] = ()

    @property
    def has_failed(self) -> bool:
        return self.bound in self.keys and self.keys[self.bound].failed_at is not None


def put_key(credential: Credential | None, command: PutKey, ctx: Context) -> Decision | Refusal:
    """The first key that fits is bound at once; a new secret under an old name mends that key."""
    credential = credential or Credential(task=command.task)
    if no := check_standby(credential, command, ctx.policy.health):
        return no
    known = credential.keys.get(command.key)
    put = KeyPut(
        task=command.task,
        key=command.key,
        fingerprint=command.fingerprint,
        environment=command.environment,
        put_at=ctx.now,
        by=command.by,
        standby=command.standby,
        expires_on=command.expires_on,
        idle_days=command.idle_days,
        allow=command.allow,
        certificate_until=command.certificate_until,
    )
    same = None if known is None else msgspec.structs.replace(known, put_at=ctx.now, warmed_at=None)
    if same == _key_of(put):
        return NOTHING
    facts: list[Fact] = [put]
    fits = command.environment == ctx.policy.health.environment_of(command.task)
    if fits and not credential.bindings and not command.standby:
        facts.append(_bound(credential, command.key, command.by, "first", ctx))
    elif fits and credential.has_failed and command.standby and command.key != credential.bound:
        facts.append(_switched(credential, command.key, ctx))
    return Decision(tuple(facts))


def check_standby(credential: Credential, command: PutKey, policy: HealthPolicy) -> Refusal | None:
    """A standby is bound by itself one day, so it has to fit now."""
    if not command.standby or command.environment == policy.environment_of(command.task):
        return None
    return wrong_environment(credential, command.task, command.key, command.environment, policy)


def bind_key(credential: Credential | None, command: BindKey, ctx: Context) -> Decision | Refusal:
    """Binding a key that had failed gives it another chance."""
    credential = credential or Credential(task=command.task)
    key = credential.keys.get(command.key)
    if key is None:
        return UNKNOWN_KEY.of(
            task=command.task, key=command.key[:64], known=", ".join(credential.keys) or "-"
        )
    if key.environment != ctx.policy.health.environment_of(command.task):
        return wrong_environment(credential, command.task, command.key, key.environment, ctx.policy.health)
    if credential.bound == command.key and key.failed_at is None:
        return NOTHING
    return Decision((_bound(credential, command.key, command.by, command.reason, ctx),))


def unbind_key(credential: Credential | None, command: UnbindKey, ctx: Context) -> Decision | Refusal:
    if credential is None or not credential.bound:
        return NOT_BOUND.of(task=command.task, history=history_of(credential))
    unbound = KeyUnbound(
        task=command.task,
        before=credential.bound,
        by=command.by,
        reason=command.reason,
        unbound_at=ctx.now,
    )
    return Decision((unbound,))


def report_failed(
    credential: Credential | None, command: ReportKeyFailed, ctx: Context
) -> Decision | Refusal:
    """A key that is not in use any more, or is known to have failed, is no news."""
    credential = credential or Credential(task=command.task)
    if credential.bound != command.key and credential.keys:
        return NOTHING
    known = credential.keys.get(command.key)
    if known is not None and known.failed_at is not None:
        return NOTHING
    successor = _successor(credential, command.key, ctx)
    failed = KeyFailed(
        task=command.task,
        key=command.key,
        partner=command.partner,
        error=command.error,
        successor=successor,
        failed_at=ctx.now,
    )
    return Decision((failed, _switched(credential, successor, ctx)) if successor else (failed,))


def note_works(credential: Credential | None, command: NoteKeyWorks, ctx: Context) -> Decision | Refusal:
    key = None if credential is None else credential.keys.get(command.key)
    if key is None or key.failed_at is None:
        return NOTHING
    return Decision((KeyRecovered(task=command.task, key=command.key, recovered_at=ctx.now),))


def note_warmed(credential: Credential | None, command: NoteKeyWarmed, ctx: Context) -> Decision | Refusal:
    if credential is None or command.key not in credential.keys:
        return NOTHING
    return Decision((KeyWarmed(task=command.task, key=command.key, warmed_at=ctx.now),))


def wrong_environment(
    credential: Credential | None, task: str, key: str, environment: str, policy: HealthPolicy
) -> Refusal:
    return WRONG_ENVIRONMENT.of(
        task=task,
        key=key,
        environment=environment,
        wanted=policy.environment_of(task),
        history=history_of(credential),
    )


def history_of(credential: Credential | None) -> str:
    """Who bound what and when, the latest last: for whoever asks why."""
    bindings = () if credential is None else credential.bindings[-CITED:]
    told = [
        f"{each.before or '-'} → {each.key or '-'} ({each.by}, {each.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S})"
        for each in bindings
    ]
    return "; ".join(told) or "-"


def _successor(credential: Credential, failed: str, ctx: Context) -> str:
    """The first standby that fits, has not failed and is not past its day."""
    wanted, today = ctx.policy.health.environment_of(credential.task), ctx.now.astimezone(SHANGHAI).date()
    for name, key in credential.keys.items():
        fits = key.standby and key.environment == wanted and key.failed_at is None
        if fits and name != failed and (key.expires_on is None or key.expires_on >= today):
            return name
    return ""


def _bound(credential: Credential, key: str, by: str, reason: str, ctx: Context) -> KeyBound:
    return KeyBound(
        task=credential.task, key=key, before=credential.bound, by=by, reason=reason, bound_at=ctx.now
    )


def _switched(credential: Credential, key: str, ctx: Context) -> KeySwitched:
    return KeySwitched(task=credential.task, key=key, before=credential.bound, switched_at=ctx.now)


def idle_until(key: Key, last_used_at: datetime | None) -> datetime | None:
    """When the partner freezes it for want of a call; None: it does not. Nobody has used it: since it was put."""
    if not key.idle_days:
        return None
    return max(last_used_at or key.put_at, key.put_at) + timedelta(days=key.idle_days)


# ---- folding


def _key_of(fact: KeyPut) -> Key:
    return Key(**{name: getattr(fact, name) for name in Key.__struct_fields__ if hasattr(fact, name)})


def _with_key(credential: Credential, name: str, key: Key) -> Credential:
    return msgspec.structs.replace(credential, keys={**credential.keys, name: key})


def _with_binding(credential: Credential, binding: Binding) -> Credential:
    bindings = (*credential.bindings, binding)[-MAX_BINDINGS:]
    return msgspec.structs.replace(credential, bound=binding.key, bindings=bindings)


def _put(credential: Credential, fact: KeyPut) -> Credential:
    return _with_key(credential, fact.key, _key_of(fact))


def _on_bound(credential: Credential, fact: KeyBound) -> Credential:
    mended = msgspec.structs.replace(credential.keys[fact.key], failed_at=None, error="")
    binding = Binding(key=fact.key, before=fact.before, by=fact.by, reason=fact.reason, at=fact.bound_at)
    return _with_binding(_with_key(credential, fact.key, mended), binding)


def _on_unbound(credential: Credential, fact: KeyUnbound) -> Credential:
    return _with_binding(
        credential, Binding(key="", before=fact.before, by=fact.by, reason=fact.reason, at=fact.unbound_at)
    )


def _on_failed(credential: Credential, fact: KeyFailed) -> Credential:
    """A key of the plain file was never put: it is known by its failure."""
    key = credential.keys.get(fact.key) or Key(fingerprint="", environment="", put_at=fact.failed_at)
    return _with_key(
        msgspec.structs.replace(credential, bound=credential.bound or fact.key),
        fact.key,
        msgspec.structs.replace(key, failed_at=fact.failed_at, error=fact.error),
    )


def _on_switched(credential: Credential, fact: KeySwitched) -> Credential:
    return _with_binding(
        credential,
        Binding(key=fact.key, before=fact.before, by=ITSELF, reason="failed", at=fact.switched_at),
    )


def _on_recovered(credential: Credential, fact: KeyRecovered) -> Credential:
    mended = msgspec.structs.replace(credential.keys[fact.key], failed_at=None, error="")
    return _with_key(credential, fact.key, mended)


def _on_warmed(credential: Credential, fact: KeyWarmed) -> Credential:
    warmed = msgspec.structs.replace(credential.keys[fact.key], warmed_at=fact.warmed_at)
    return _with_key(credential, fact.key, warmed)


_EVOLVE: Final[dict[type[Fact], Callable[[Credential, Any], Credential]]] = {
    KeyPut: _put,
    KeyBound: _on_bound,
    KeyUnbound: _on_unbound,
    KeyFailed: _on_failed,
    KeySwitched: _on_switched,
    KeyRecovered: _on_recovered,
    KeyWarmed: _on_warmed,
}


def evolve(credential: Credential | None, fact: Fact) -> Credential:
    """The state after `fact`. Raises KeyError for a fact that is none of a credential's."""
    if type(fact) in EFFECT_FACTS and credential is not None:
        return credential
    change = _EVOLVE[type(fact)]
    task: str = fact.task  # type: ignore[attr-defined]
    return change(credential or Credential(task=task), fact)
