"""Which effects a run of the journal leaves outstanding, and which of those are dead letters.

`verify` replays it over the live rows; where the first of them were archived it begins with what the archive's last
part carries.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from tongdan.domain.kernel.messages import EffectDied, EffectReplayed
from tongdan.flow.journal import effect_digests, encode
from tongdan.ports import JournalColumns

_carried: Final = msgspec.msgpack.Decoder(list[tuple[str, bytes, str, bool]])


class Replay:
    """`outstanding`: effect id → (digest, aggregate); `dead`: ids of those that are dead letters."""

    def __init__(self, carried: Iterable[bytes] = ()) -> None:
        """`carried`: what `carry` said where each slot's rows begin."""
        self.outstanding: Final[dict[str, tuple[bytes, str]]] = {}
        self.dead: Final[set[str]] = set()
        for blob in carried:
            for id, digest, agg, is_dead in _carried.decode(blob):
                self.outstanding[id] = (digest, agg)
                if is_dead:
                    self.dead.add(id)

    def apply(self, row: JournalColumns) -> list[str]:
        """Take a row in; returns the ids it closes that were not outstanding."""
        if row.effects:
            for id, digest in effect_digests(row):
                self.outstanding[id] = (digest, row.agg)
        if row.fact in (EffectDied.__name__, EffectReplayed.__name__):
            id = str(msgspec.msgpack.decode(row.body).get("effect"))
            (self.dead.add if row.fact == EffectDied.__name__ else self.dead.discard)(id)
        closes = row.closes.split()
        self.dead.difference_update(closes)
        return [id for id in closes if self.outstanding.pop(id, None) is None]

    def carry(self) -> bytes:
        left = sorted(self.outstanding.items())
        return encode([(id, digest, agg, id in self.dead) for id, (digest, agg) in left])
