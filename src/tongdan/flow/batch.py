"""One transaction in the making: decide one command after another on what the batch has made so far.

A batch first fetches everything its commands may need (inbox, names, states, salts) in a few statements, then decides
in memory, then hands one set of rows to the store. A decider that fails, fails its command alone, because nothing is
staged before a decision is whole; what fails while it is staged fails the transaction, which is then halved. Nothing
in here waits, and nothing here is visible before the commit.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from tongdan.domain.kernel import refusals
from tongdan.domain.kernel.ids import business_day, make_order_id, parse
from tongdan.domain.kernel.keys import ORDER, kind_of, subject_of
from tongdan.domain.kernel.lost import is_lost
from tongdan.domain.kernel.messages import (
    Command,
    Context,
    Decision,
    EffectDied,
    EffectReplayed,
    EffectSettled,
    EffectSkipped,
    Fact,
    RecordEffectFailure,
    Refusal,
    ReplayEffect,
    SkipEffect,
    WakeUp,
)
from tongdan.flow.aggregates import KINDS
from tongdan.flow.clues import marks_of
from tongdan.flow.heads import Environment, Heads, Live
from tongdan.flow.items import Item, Origin, Quarantined
from tongdan.flow.journal import encode, read_state, to_us
from tongdan.flow.staging import Decided, Staging
from tongdan.ports import OUTAGE_LETTER, Accepted, ParkedColumns, Reply, RunColumns

_log: Final = logging.getLogger(__name__)
_REPLY: Final = msgspec.msgpack.Decoder(tuple[str, int, int, int])


class Batch(Staging):
    """Build with the items, `fetch` and `decide`, then write `rows`; after the commit `publish()` into the heads."""

    def __init__(self, env: Environment, heads: Heads, now: datetime) -> None:
        super().__init__(env, heads, now)
        self._day = business_day(now).strftime("%Y%m%d")
        self.replayed: list[str] = []
        self.refused: dict[str, int] = {}
        self.missed: list[str] = []  # orders that were named, lost with a restore, and are not back yet

    # -- fetch

    def fetch(self, items: Sequence[Item | Quarantined]) -> None:
        """Load all that the items may need. Raises StoreFailure."""
        store = self._env.store
        if keys := [item.inbox_key for item in items if item.inbox_key]:
            for inbox_key, reply in store.replies(keys).items():
                agg, slot, epoch, seq = _REPLY.decode(reply)
                self._replies[inbox_key] = Accepted(agg, slot, epoch, seq, True)
        commands = [item for item in items if type(item) is Item]
        if named := [item.name_key for item in commands if item.name_key]:
            self._names = store.named(named)
        wanted = {item.key for item in commands if item.key}
        wanted.update(self._names.values())
        for key in list(wanted):
            if (live := self._heads.recall(key)) is not None:
                self._live[key] = live
                wanted.discard(key)
        if wanted:
            for key, row in store.states(sorted(wanted)).items():
                self._live[key] = self._revive(key, row)
        subjects = {subject_of(i.key) for i in commands if i.raw and i.key}
        subjects.update(self._names.values())
        known = self._heads.salts
        self._salts = {subject: known[subject] for subject in subjects if subject in known}
        if unknown := subjects - self._salts.keys():
            self._salts |= store.salts(sorted(unknown))

    def _revive(self, key: str, row: Any) -> Live:
        live = Live(KINDS[kind_of(key)])
        live.state = read_state(self._env.store, row)
        live.ver, live.status, live.person = row.ver, live.kind.status(live.state), row.person
        wake = live.kind.wake_at(live.state)
        live.saved_wake_us = live.wake_us = None if wake is None else to_us(wake)
        return live

    # -- decide

    def decide(self, items: Sequence[Item | Quarantined]) -> list[Reply]:
        """One reply an item, in order. A decider that fails answers `internal-error`; what cannot be staged raises."""
        return [self._one(item) if type(item) is Item else self._keep(item) for item in items]  # type: ignore[arg-type]

    def _one(self, item: Item) -> Reply:
        if item.inbox_key and (known := self._replies.get(item.inbox_key)) is not None:
            return known if known.duplicate else msgspec.structs.replace(known, duplicate=True)
        if item.origin is not None and not self._advance(item.origin, item.slot):
            return Accepted(item.key, item.slot, 0, 0, True)
        if item.effect and not self._is_open(item.effect):
            return Accepted(item.key, item.slot, 0, 0, True)
        decided: Decided | Refusal
        try:
            decided = refusals.INTERNAL.of(what=item.failed) if item.failed else self._decide(item)
        except Exception as error:  # a decider's failure must not take the batch with it
            what = type(error).__name__
            _log.exception("%s failed on %s", type(item.command).__name__, item.key or "a new order")
            decided = refusals.INTERNAL.of(what=what)
        if type(decided) is Refusal:
            self.refused[decided.name] = self.refused.get(decided.name, 0) + 1
            if item.origin is not None:
                self._park(item.origin, f"{type(item.command).__name__}: {decided.name}")
            return decided
        assert type(decided) is Decided
        reply = self._record(item, decided)
        if item.inbox_key:
            body = encode((reply.aggregate, reply.slot, reply.epoch, reply.seq))
            self.rows.inbox.append((item.inbox_key, self._now_us, body))
            self._replies[item.inbox_key] = reply
        return reply

    def _advance(self, origin: Origin, target_slot: int) -> bool:
        """Move the watermark over this command; False when it lies behind it already."""
        lane = (origin.slot, origin.reaction, target_slot)
        mark = self._watermarks.get(lane) or self._heads.watermarks.get(lane)
        place = (origin.epoch, origin.seq, origin.ordinal)
        if mark is not None and place <= mark:
            return False
        self._watermarks[lane] = place
        return True

    def _park(self, origin: Origin, why: str) -> None:
        """A command that failed is kept with the watermark that passes it, until the relay has told of it."""
        place = (origin.aggregate, origin.slot, origin.epoch, origin.seq, origin.parked_as)
        self.rows.parked.append(ParkedColumns(*place, why))

    def _decide(self, item: Item) -> Decided | Refusal:
        if item.route is None:
            return self._tend_effect(item)
        key, slot = item.key, item.slot
        if item.name is not None:
            key = self._names.get(item.name_key) or (self._claimed(item) if item.key else "")
        live = self._live.get(key) if key else None
        if (live is None and not item.route.creates) or (live is not None and _is_foreign(item, live)):
            return self._unknown(item, key, live)
        counter = None
        if not key:
            assert item.name is not None
            key, counter = self._fresh_id(slot, item.name.channel)
        if live is None:
            live = Live(item.route.kind)
        decision = item.route.decide(live.state, item.command, self._context(key, slot, item.command))
        if type(decision) is Refusal:
            if not item.effect:
                return decision
            decision = _settled(item, decision.name)
        assert type(decision) is Decision
        if not decision.facts:
            if item.effect:
                decision = _settled(item, type(item.command).__name__)
            elif type(item.command) is WakeUp:
                return refusals.NOTHING_DUE.of(id=key)
        return Decided(key, slot, live, decision, item.effect, counter)

    def _claimed(self, item: Item) -> str:
        """The id that a new order says it was given before, if that was lost with a restore of its slot."""
        parsed = parse(item.key)
        ours = (
            parsed is not None
            and parsed.slot == item.slot
            and is_lost(self._heads.losses(item.slot), item.key)
        )
        return item.key if ours else ""

    def _unknown(self, item: Item, key: str, live: Live | None) -> Refusal:
        """There is none; or it was lost with a restore, and is to come back: then the message may come again."""
        parsed = parse(key)
        foreign = live is not None and live.kind.shop(live.state)
        if parsed is None or foreign or not self._heads.losses(parsed.slot):
            return refusals.UNKNOWN_ID.of(id=key or "/".join(item.name or ()))
        if not self._env.store.states([parsed.order]):
            if not is_lost(self._heads.losses(parsed.slot), parsed.order):
                return refusals.UNKNOWN_ID.of(id=key)
            self.missed.append(parsed.order)
        return refusals.LOST_ID.of(id=parsed.order)

    def _context(self, key: str, slot: int, command: Command) -> Context:
        env = self._env
        marks: tuple[str, ...] = ()
        person = getattr(command, "person", None)
        if person is not None and any(rule.active and rule.of_buyer for rule in env.policy.holds):
            marks = marks_of(person, getattr(command, "buyer", ""), env.vault)
        return Context(self.now, key, env.policy, env.revision, self._heads.losses(slot), marks)

    def _fresh_id(self, slot: int, channel: str) -> tuple[str, tuple[int, str, str]]:
        counter = (slot, channel, self._day)
        return make_order_id(channel, self._day, self._next(counter), slot), counter

    def _tend_effect(self, item: Item) -> Decided | Refusal:
        """The loop's own commands about an effect: it died, is to be tried again, or is given up."""
        command = item.command
        row = self._env.store.effect(command.effect)  # type: ignore[attr-defined]
        if row is None or not self._is_open(row.id):
            return refusals.UNKNOWN_EFFECT.of(id=command.effect)  # type: ignore[attr-defined]
        live = self._live.get(row.agg)
        if live is None:
            live = self._live[row.agg] = self._revive(row.agg, self._env.store.states([row.agg])[row.agg])
        fact: Fact
        closes, tries = "", self._env.outstanding.tries(row.id)
        if type(command) is SkipEffect:
            fact = EffectSkipped(effect=row.id, reason=command.reason)
            closes = row.id
        elif type(command) is ReplayEffect:
            fact = EffectReplayed(effect=row.id, reason=command.reason)
            # It was tried before and may have taken place; 0 as its first try starts a new deadline.
            self.rows.runs.append(RunColumns(row.id, tries, 0, self._now_us, 0, 0, ""))
            self.replayed.append(row.id)
        else:
            assert type(command) is RecordEffectFailure
            error = command.error
            fact = EffectDied(
                effect=row.id, verb=command.verb, partner=command.partner, error=error, outage=command.outage
            )
            dead = OUTAGE_LETTER if command.outage else 1
            self.rows.runs.append(RunColumns(row.id, tries, self._now_us, self._now_us, 0, dead, error))
        return Decided(row.agg, item.slot, live, Decision(facts=(fact,)), closes)


def _settled(item: Item, outcome: str) -> Decision:
    """An effect is over although its outcome taught nothing, or was refused by what had happened meanwhile."""
    return Decision(facts=(EffectSettled(effect=item.effect, outcome=outcome),))


def _is_foreign(item: Item, live: Live) -> bool:
    """One shop's client names another shop's order, or one whose content is lost: for him there is none of that id."""
    if not item.shop:
        return False
    shop = live.kind.shop(live.state)
    return shop != item.shop and (bool(shop) or (live.kind.name == ORDER and item.name is None))
