"""A key that a partner does not take is a ticket until somebody has mended it."""

from tongdan.domain.confighealth.facts import KeyBound, KeyFailed, KeyPut, KeyRecovered
from tongdan.domain.sync import kinds
from tongdan.domain.sync.commands import RaiseTicket, ResolveTicket
from tongdan.flow.routing import Commands, Recorded


def key_failed(fact: KeyFailed, at: Recorded) -> Commands:
    then = f" → {fact.successor}" if fact.successor else ""
    summary = f"{fact.task}/{fact.key}{then}: {fact.partner} {fact.error}"
    yield RaiseTicket(subject=at.aggregate, kind=_kind(fact.key), summary=summary)


def mended(fact: KeyPut | KeyBound | KeyRecovered, at: Recorded) -> Commands:
    yield ResolveTicket(subject=at.aggregate, kind=_kind(fact.key), evidence=type(fact).__name__)


def _kind(key: str) -> str:
    return f"{kinds.CREDENTIAL_FAILED}:{key}"
