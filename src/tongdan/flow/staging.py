"""The rows of a transaction in the making: a decision is recorded whole, and what the batch has made so far is known.

Chain, states, sealed people, effects and what they close are staged together, so that one commit carries all that a
decision means. Nothing here is visible before that commit; after it the heads move on.
"""

from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from tongdan.domain.kernel.keys import ORDER, subject_of
from tongdan.domain.kernel.lost import Lost
from tongdan.domain.kernel.messages import Decision, Effect, Person
from tongdan.flow.heads import Environment, Heads, Live
from tongdan.flow.items import Item, Quarantined
from tongdan.flow.journal import GENESIS, effect_digest, effect_id, encode, row_hash, to_us
from tongdan.flow.routing import Recorded
from tongdan.ports import Accepted, EffectColumns, Reply, WriteSet

FIRST_EPOCH: Final = 1
_PERSON: Final = msgspec.msgpack.Decoder(Person)


class Decided(NamedTuple):
    """A decision and what it is about. `counter`: the id was taken from it; `closes`: the effect that is over."""

    key: str
    slot: int
    live: Live
    decision: Decision
    closes: str
    counter: tuple[int, str, str] | None = None


class Staging:
    """What a batch has made so far, and its rows; `finish()` completes them, `publish()` follows the commit."""

    def __init__(self, env: Environment, heads: Heads, now: datetime) -> None:
        self._env = env
        self._heads = heads
        self.now = now
        self._now_us = to_us(now)
        self._live: dict[str, Live] = {}
        self._dirty: dict[str, Live] = {}
        self._replies: dict[bytes, Accepted] = {}
        self._names: dict[bytes, str] = {}
        self._salts: dict[str, bytes] = {}
        self._slots: dict[int, tuple[int, int, bytes]] = {}
        self._counters: dict[tuple[int, str, str], int] = {}
        self._watermarks: dict[tuple[int, str, int], tuple[int, int, int]] = {}
        self._pos = heads.pos
        self.rows = WriteSet()
        self.recorded: list[Recorded] = []
        self.new_effects: list[EffectColumns] = []
        self._opened: list[int] = []  # slots whose epoch begins
        self.closed: set[str] = set()

    # -- record

    def _record(self, item: Item, decided: Decided) -> Accepted:
        """Stage the rows of one decision; returns where its last fact stands."""
        key, slot, live, decision, closing, counter = decided
        epoch, seq, last_hash = (
            self._slots.get(slot) or self._heads.slots.get(slot) or (FIRST_EPOCH, 0, GENESIS)
        )
        facts = decision.facts
        if not facts:  # all that it tells was known
            return Accepted(key, slot, epoch, seq)
        if counter is not None:
            self._counters[counter] = self._next(counter) + 1
        if item.name_key and item.name_key not in self._names:
            self._names[item.name_key] = key
            self.rows.names.append((item.name_key, key))
        if decision.opens is not None:
            # A number that no earlier restore can have given, be it of the same backup: ids of effects begin with it.
            epoch, seq = max(epoch + 1, self._now_us // 1_000_000), 0
            self._jump(slot, decision.opens)
        state, evolve, statuses = live.state, live.kind.evolve, [live.status]
        for fact in facts:
            state = evolve(state, fact)
            statuses.append(live.kind.status(state))
        wake_at = live.kind.wake_at(state)
        wake_us = None if wake_at is None else to_us(wake_at)
        raw, person = self._seal(item, key, live, decision.person)
        if decision.erases:
            self._erase(subject_of(key))
        closes = self._stage_closed(closing, key, decision.supersedes)
        shop = item.shop or live.kind.shop(state)
        owned = self._owned(shop)
        # A shop that is only watched is somebody else's to act for.
        wanted = decision.effects if owned else ()
        effects = self._stage_effects(key, (slot, epoch, seq + len(facts)), wanted)
        happened_at = item.happened_at or self.now
        common = (
            type(item.command).__name__, item.inbox_key, _cause(item), self._env.revision, shop, int(owned),
        )  # fmt: skip
        stamps = (to_us(happened_at), self._now_us, item.operator, item.source)
        for n, fact in enumerate(facts):
            seq, last = seq + 1, n == len(facts) - 1
            columns = (
                slot, epoch, seq, key, live.ver + n + 1,
                type(fact).__name__, fact.version, encode(fact),
                *common, statuses[n], statuses[n + 1], *stamps,
                person if last else None, raw if n == 0 else None,
                effects if last else b"", closes if last else "", wake_us if last else None,
            )  # fmt: skip
            last_hash = row_hash(last_hash, columns)
            self._pos += 1
            self.rows.journal.append((self._pos, *columns, last_hash))
            self.recorded.append(Recorded(key, slot, epoch, seq, shop, owned, happened_at, fact))
        self._slots[slot] = (epoch, seq, last_hash)
        live.state, live.ver, live.status = state, live.ver + len(facts), statuses[-1]
        live.wake_us = wake_us
        live.person = person if person is not None else live.person
        self._live[key] = self._dirty[key] = live
        return Accepted(key, slot, epoch, seq)

    def _jump(self, slot: int, lost: Lost) -> None:
        """The id counters go on beyond what may have been given out."""
        self._opened.append(slot)
        for day, (_, after) in lost.ranges.items():
            counter = (slot, day[:2], day[2:])
            self._counters[counter] = max(after, self._next(counter))

    def _seal(
        self, item: Item, key: str, live: Live, person: Person | None
    ) -> tuple[bytes | None, bytes | None]:
        if not item.raw and person is None:
            return None, None
        subject = key if live.kind.name == ORDER else subject_of(key)
        salt = self._salts.get(subject)
        if salt is None:
            if live.ver or subject != key:  # of an aggregate that begins here there can be no salt yet
                salt = self._env.store.salts([subject]).get(subject)
            if salt is None:
                salt = self._env.entropy.token(16)
                self.rows.subjects.append((subject, salt))
            self._salts[subject] = salt
        if not salt:  # erased: what comes later is recorded without the people it names
            return None, None
        vault = self._env.vault
        if person is not None and live.person is not None:
            person = person.after(_PERSON.decode(vault.open(salt, subject, live.person)))
        return (
            vault.seal(salt, subject, item.raw) if item.raw else None,
            vault.seal(salt, subject, encode(person)) if person is not None else None,
        )

    def _erase(self, subject: str) -> None:
        self._salts[subject] = b""
        self.rows.erased.append((subject,))

    def _stage_effects(self, key: str, place: tuple[int, int, int], effects: tuple[Effect, ...]) -> bytes:
        if not effects:
            return b""
        digests = b""
        for ordinal, effect in enumerate(effects):
            row = EffectColumns(
                effect_id(*place, ordinal),
                key,
                effect.partner,
                type(effect).__name__,
                encode(effect),
                self._now_us,
            )
            digests += effect_digest(row)
            self.rows.effects.append(row)
            self.new_effects.append(row)
        return digests

    def _stage_closed(self, closing: str, key: str, supersedes: tuple[str, ...]) -> str:
        """What ends with this decision: the effect whose outcome it is, and what it withdraws, of this batch too."""
        if not closing and not supersedes:
            return ""
        closed = [closing] if closing else []
        if supersedes:
            unsent = self._env.outstanding.unsent(key, supersedes)
            unsent += [row.id for row in self.new_effects if row.agg == key and row.verb in supersedes]
            closed += [id_ for id_ in unsent if id_ not in self.closed]
        self.closed.update(closed)
        self._env.outstanding.withhold(closed)
        self.rows.closed.extend((id_,) for id_ in closed)
        return " ".join(closed)

    def _owned(self, shop: str) -> bool:
        known = self._env.policy.shops.get(shop)
        return known is None or known.owned

    def _keep(self, item: Quarantined) -> Reply:
        known = self._replies.get(item.inbox_key)
        if known is not None:
            return known
        salt = self._env.entropy.token(16)
        sealed = self._env.vault.seal(salt, "quarantine", item.raw)
        kept = (item.source, item.shop, item.reason, self._now_us, salt, sealed, item.about)
        self.rows.quarantine.append(kept)
        reply = Accepted("quarantine", item.slot, 0, 0)
        self.rows.inbox.append((item.inbox_key, self._now_us, encode(("quarantine", item.slot, 0, 0))))
        self._replies[item.inbox_key] = reply
        return reply

    # -- write

    def finish(self) -> bool:
        """Complete the rows. False when there is nothing to write at all."""
        rows = self.rows
        rows.runs = [run for run in rows.runs if self._is_open(run[0])]  # none of an effect that is over
        for key, live in self._dirty.items():
            rows.states.append(
                (key, live.ver, live.kind.schema, live.status, encode(live.state), live.person)
            )
            if live.wake_us != live.saved_wake_us:
                rows.wakeups.append((key, live.saved_wake_us, live.wake_us))
        rows.heads.extend((slot, *head) for slot, head in self._slots.items())
        rows.counters.extend((*counter, n) for counter, n in self._counters.items())
        rows.watermarks.extend((*lane, *place) for lane, place in self._watermarks.items())
        return any(getattr(rows, name) for name in WriteSet.__slots__)

    def abandon(self) -> None:
        """The transaction did not come about: what was withheld from sending may be sent."""
        self._env.outstanding.release(self.closed)

    def changed(self) -> dict[str, Live]:
        """The aggregates this batch has changed."""
        return self._dirty

    def publish(self) -> None:
        """After the commit: the heads move on."""
        self._heads.slots.update(self._slots)
        self._heads.counters.update(self._counters)
        self._heads.watermarks.update(self._watermarks)
        self._heads.pos = self._pos
        self._heads.remember(self._dirty, self._salts)
        self._heads.opened(self._opened)

    # -- known so far

    def _next(self, counter: tuple[int, str, str]) -> int:
        return self._counters.get(counter, self._heads.counters.get(counter, 0))

    def _is_open(self, effect: str) -> bool:
        return effect not in self.closed and self._env.outstanding.has(effect)


def _cause(item: Item) -> str:
    if item.origin is not None:
        o = item.origin
        return f"fact:{o.slot}.{o.epoch}.{o.seq}/{o.reaction}/{o.ordinal}"
    if item.effect:
        return f"effect:{item.effect}/{item.note}" if item.note else f"effect:{item.effect}"
    return "timer" if item.source == "timer" else "message"
