"""The journal: how a fact becomes a row, how rows chain, and how they are read again.

Each row's hash covers the hash of the previous row of its slot and every stored column, so a changed byte is found
and named. Bodies are MessagePack maps; a fact stored under an older version is upcast step by step when it is read.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import msgspec

from tongdan.domain.kernel import messages
from tongdan.domain.kernel.keys import kind_of
from tongdan.domain.kernel.messages import Effect, Fact
from tongdan.flow import routes
from tongdan.flow.aggregates import KINDS
from tongdan.ports import EffectColumns, JournalColumns, ShardStore, StateColumns

GENESIS: Final = bytes(32)
_DIGEST_BYTES: Final = 16
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)

encode: Final = msgspec.msgpack.Encoder().encode
_KERNEL_FACTS: Final = (
    messages.EffectSettled,
    messages.EffectDied,
    messages.EffectSkipped,
    messages.EffectReplayed,
)
FACTS: Final[dict[str, type[Fact]]] = {**routes.FACTS, **{f.__name__: f for f in _KERNEL_FACTS}}
_FACT_DECODERS: Final = {name: msgspec.msgpack.Decoder(fact) for name, fact in FACTS.items()}
_EFFECT_DECODERS: Final = {name: msgspec.msgpack.Decoder(effect) for name, effect in routes.EFFECTS.items()}
_STATE_DECODERS: Final = {name: msgspec.msgpack.Decoder(kind.state) for name, kind in KINDS.items()}


class UnknownFact(Exception):
    """The journal holds a fact that this version of the programme does not know."""


def to_us(at: datetime) -> int:
    """Microseconds since 1970, UTC."""
    return (at - _EPOCH) // _US


def from_us(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def row_hash(previous: bytes, columns: tuple[Any, ...]) -> bytes:
    """The 32-byte hash of a row: BLAKE2b over the previous hash and the MessagePack of all columns but the hash."""
    return blake2b(previous + encode(columns), digest_size=32).digest()


def effect_digest(effect: tuple[Any, ...]) -> bytes:
    """What a journal row keeps of an effect emitted with it: 16 bytes over all its stored columns."""
    return blake2b(encode(effect), digest_size=_DIGEST_BYTES).digest()


def effect_digests(row: JournalColumns) -> list[tuple[str, bytes]]:
    """(effect id, digest) of the effects emitted with this row."""
    cut = [row.effects[i : i + _DIGEST_BYTES] for i in range(0, len(row.effects), _DIGEST_BYTES)]
    return [(effect_id(row.slot, row.epoch, row.seq, n), digest) for n, digest in enumerate(cut)]


def effect_id(slot: int, epoch: int, seq: int, ordinal: int) -> str:
    return f"{slot}.{epoch}.{seq}.{ordinal}"


def slot_of_effect(id: str) -> int:
    return int(id.partition(".")[0])


def read_fact(name: str, version: int, body: bytes) -> Fact:
    """The fact a row tells, upcast to today's shape. Raises UnknownFact, or msgspec.ValidationError on a wrong body."""
    decoder = _FACT_DECODERS.get(name)
    if decoder is not None and version == FACTS[name].version:
        fact: Fact = decoder.decode(body)
        return fact
    return upcast(name, version, msgspec.msgpack.decode(body))


def upcast(name: str, version: int, values: dict[str, Any]) -> Fact:
    """Bring an older shape to today's, one version at a time, through the table in `routes.UPCASTERS`."""
    while (step := routes.UPCASTERS.get((name, version))) is not None:
        values, version = step(values), version + 1
    fact = FACTS.get(name)
    if fact is None or version != fact.version:
        raise UnknownFact(f"{name} version {version}")
    return msgspec.convert(values, fact)


def read_state(store: ShardStore, row: StateColumns) -> Any:
    """The state a row holds; a row of another schema is folded anew from its facts."""
    kind = KINDS[kind_of(row.agg)]
    if row.schema == kind.schema:
        return _STATE_DECODERS[kind.name].decode(row.body)
    return fold(row.agg, store.journal_of(row.agg))


def fold(agg: str, rows: Sequence[JournalColumns]) -> Any:
    """What the facts of an aggregate add up to; None when there are none."""
    state, evolve = None, KINDS[kind_of(agg)].evolve
    for row in rows:
        state = evolve(state, read_fact(row.fact, row.fact_ver, row.body))
    return state


def read_effect(row: EffectColumns) -> Effect:
    """Raises UnknownFact for a verb this version does not know."""
    decoder = _EFFECT_DECODERS.get(row.verb)
    if decoder is None:
        raise UnknownFact(f"effect {row.verb}")
    effect: Effect = decoder.decode(row.body)
    return effect
