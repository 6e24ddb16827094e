"""Which effects are outstanding, in memory beside the tables: what the bus closes and the runner sends.

An effect is *unsent* until the runner takes it up; only then may a later decision withdraw it. Both sides run on the
loop's thread, so taking up and withdrawing cannot cross.
"""

from collections.abc import Iterable, Sequence

from tongdan.ports import EffectColumns, RunColumns


class Outstanding:
    """The outstanding effects of one shard, by aggregate, in the order they were recorded."""

    def __init__(self, rows: Iterable[tuple[EffectColumns, RunColumns | None]]) -> None:
        self._by_aggregate: dict[str, dict[str, EffectColumns]] = {}
        self._aggregate: dict[str, str] = {}
        self._taken: set[str] = set()
        self._withheld: set[str] = set()
        self.runs: dict[str, RunColumns] = {}
        self.load(rows)

    def load(self, rows: Iterable[tuple[EffectColumns, RunColumns | None]]) -> None:
        """Effects that were recorded by an earlier process, or came with a slot, in the order they were recorded."""
        lanes: set[tuple[str, str]] = set()
        for effect, run in rows:
            self.add((effect,))
            if run is not None:
                self.runs[effect.id] = run
            # An earlier process may have taken up the head of each lane, and nobody knows how far it came.
            if run is not None or (effect.agg, effect.partner) not in lanes:
                self._taken.add(effect.id)
            lanes.add((effect.agg, effect.partner))

    def __len__(self) -> int:
        return len(self._aggregate)

    def ran(self, runs: Iterable[RunColumns]) -> None:
        """How the sending of these stands now, as it was committed."""
        for run in runs:
            if run.id in self._aggregate:
                self.runs[run.id] = run

    def tries(self, id: str) -> int:
        """How often it was taken up, as far as is known."""
        run = self.runs.get(id)
        return 0 if run is None else run.tries

    def has(self, id: str) -> bool:
        return id in self._aggregate

    def add(self, effects: Sequence[EffectColumns]) -> None:
        for effect in effects:
            self._by_aggregate.setdefault(effect.agg, {})[effect.id] = effect
            self._aggregate[effect.id] = effect.agg

    def get(self, id: str) -> EffectColumns | None:
        agg = self._aggregate.get(id)
        return None if agg is None else self._by_aggregate[agg][id]

    def all(self) -> list[EffectColumns]:
        return [effect for effects in self._by_aggregate.values() for effect in effects.values()]

    def take(self, id: str) -> bool:
        """The runner is about to send it: from here on it may have happened. False: it is being closed."""
        if id in self._withheld or id not in self._aggregate:
            return False
        self._taken.add(id)
        return True

    def withhold(self, ids: Iterable[str]) -> None:
        """A transaction that closes these is on its way: do not send them meanwhile."""
        self._withheld.update(ids)

    def release(self, ids: Iterable[str]) -> None:
        self._withheld.difference_update(ids)

    def unsent(self, agg: str, verbs: Sequence[str]) -> list[str]:
        """Ids of this aggregate's effects of these verbs that were never taken up."""
        effects = self._by_aggregate.get(agg, {})
        return [id for id, effect in effects.items() if effect.verb in verbs and id not in self._taken]

    def close(self, ids: Iterable[str]) -> None:
        for id in ids:
            agg = self._aggregate.pop(id, None)
            if agg is None:
                continue
            self._taken.discard(id)
            self._withheld.discard(id)
            self.runs.pop(id, None)
            del self._by_aggregate[agg][id]
            if not self._by_aggregate[agg]:
                del self._by_aggregate[agg]
