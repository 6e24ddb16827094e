"""Reads as somebody sees them who works for some shops only: what belongs to another shop is not there.

Every endpoint reads through this, so none has to think of it. What belongs to no shop (stock, own SKUs, gift counts)
is seen by all.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.keys import subject_of
from tongdan.domain.kernel.messages import Person
from tongdan.ports import DeadLetter, JournalRow, Proof, Reads, TicketRow
from tongdan.ports.search import EVERY_ORDER, Cell, OrderQuery, OrderRow

LOOKED_AT: Final = 1_000  # rows of a list of all shops that are looked at for those that may be seen


class NarrowedReads:
    """`ports.Reads`, of `shops` only."""

    def __init__(self, reads: Reads, shops: frozenset[str]) -> None:
        self._reads: Final = reads
        self._shops: Final = shops

    def order(self, key: str) -> object | None:
        state = self._reads.order(key)
        return state if self._visible(state) else None

    def under(self, name: str, after: str = "") -> Iterator[tuple[str, Any]]:
        return ((key, state) for key, state in self._reads.under(name, after) if self._visible(state))

    def person(self, key: str) -> Person | None:
        return self._reads.person(key) if self._about(key) else None

    def marks_of(self, kind: str, value: str) -> list[str]:
        return self._reads.marks_of(kind, value)

    def find(self, channel: str, shop: str, native: str) -> str | None:
        return self._reads.find(channel, shop, native) if shop in self._shops else None

    def timeline(self, key: str, *, with_raw: bool = False) -> list[JournalRow]:
        return self._reads.timeline(key, with_raw=with_raw) if self._about(key) else []

    def prove(self, key: str) -> Proof:
        if not self._about(key):
            raise KeyError(key)
        return self._reads.prove(key)

    def as_of(self, key: str, at: datetime) -> object | None:
        return self._reads.as_of(key, at) if self._about(key) else None

    def orders(self, query: OrderQuery = EVERY_ORDER, *, before: str = "", limit: int = 50) -> list[OrderRow]:
        seen = self._seen(query.shops)
        asked = msgspec.structs.replace(query, shops=seen)
        return self._reads.orders(asked, before=before, limit=limit) if seen else []

    def count_orders(self, query: OrderQuery) -> int:
        seen = self._seen(query.shops)
        return self._reads.count_orders(msgspec.structs.replace(query, shops=seen)) if seen else 0

    def indexed(self) -> dict[int, tuple[int, int]]:
        return self._reads.indexed()

    def led_to(self, clues: Sequence[tuple[str, str]], limit: int) -> list[str] | None:
        return self._reads.led_to(clues, limit)

    def board(
        self, *, shops: Sequence[str] = (), warehouse: str = "", since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Cell]:  # fmt: skip
        seen = self._seen(tuple(shops))
        return self._reads.board(shops=seen, warehouse=warehouse, since=since, until=until) if seen else []

    def tickets(self, *, open_only: bool = True, limit: int = 200) -> list[TicketRow]:
        rows = self._reads.tickets(open_only=open_only, limit=LOOKED_AT)
        return [row for row in rows if self._about(row.subject)][:limit]

    def quarantine(self, limit: int = 200) -> list[dict[str, object]]:
        return [row for row in self._reads.quarantine(LOOKED_AT) if row["shop"] in self._shops][:limit]

    def quarantined(self, id: str) -> tuple[dict[str, Any], bytes] | None:
        found = self._reads.quarantined(id)
        return found if found is not None and found[0]["shop"] in self._shops else None

    def dead_letters(self) -> list[DeadLetter]:
        return [letter for letter in self._reads.dead_letters() if self._about(letter.aggregate)]

    def journal(self, *, since: datetime | None = None, shop: str = "") -> Iterator[JournalRow]:
        return (row for row in self._reads.journal(since=since, shop=shop) if row.shop in self._shops)

    def telling(self, fact: str, since: datetime) -> Iterator[list[JournalRow]]:
        return ([row for row in rows if row.shop in self._shops] for rows in self._reads.telling(fact, since))

    def waiting(self, effect: str) -> tuple[str, str] | None:
        return self._reads.waiting(effect)

    def history(self, *, before: str = "", limit: int = 100) -> tuple[list[JournalRow], str]:
        rows, cursor = self._reads.history(before=before, limit=limit)
        return [row for row in rows if row.shop in self._shops], cursor

    def counts(self) -> dict[str, int]:
        return self._reads.counts()

    def _seen(self, asked: tuple[str, ...]) -> tuple[str, ...]:
        """Which shops a question is about; none: it is about others' only."""
        return tuple(sorted(self._shops.intersection(asked) if asked else self._shops))

    def _visible(self, state: object) -> bool:
        return getattr(state, "shop", "") in ("", *self._shops)

    def _about(self, key: str) -> bool:
        """Whether a key belongs to an order of these shops."""
        try:
            subject = subject_of(key)
        except ValueError:
            return False
        if parse(subject) is None:
            return False
        return getattr(self._reads.order(subject), "shop", "") in self._shops
