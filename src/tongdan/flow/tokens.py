"""Which orders a person is behind, without knowing the person: keyed tokens of phone, name and receiver ids.

A view beside the loop: it follows the journal's sealed persons, so it is never in the way of intake and catches up by
itself after a crash. An order keeps the tokens of everybody it ever named, because the journal keeps their ciphertext.
Nothing but tokens leaves this file, and they are dropped when the person is erased.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec

from tongdan.domain.kernel.keys import subject_of
from tongdan.domain.kernel.messages import Person
from tongdan.flow.batch import Batch
from tongdan.flow.bus import Bus
from tongdan.flow.clues import Clue, clues
from tongdan.flow.shard import Shard
from tongdan.ports import ShardStore, TokenBook, Vault

_log: Final = logging.getLogger(__name__)

FOLLOW_AFTER_S: Final = 0.2
CHUNK: Final = 100  # journal positions at once, so that the loop is never held for long
BEHIND_LIMIT: Final = 1_000_000  # journal rows; beyond it the view follows even while intake is busy
_CLUES: Final = 2  # counts how the clues of a person were changed: a book of other clues is begun anew
SUBJECT_LIMIT: Final = 10_000  # orders of one person
_person: Final = msgspec.msgpack.Decoder(Person)


class Tokens:
    """Keeps the book of tokens up to date and answers whom a token stands for."""

    def __init__(self, bus: Bus, vault: Vault, book: TokenBook) -> None:
        self._bus = bus
        self._vault = vault
        self._book = book
        self._reached: dict[int, int] = {}
        self._old: dict[int, Iterator[tuple[str, bytes]]] = {}
        self._cancel: Callable[[], None] | None = None
        self._started = False
        bus.listeners.append(self)

    def start(self) -> None:
        """Go on where the last process stopped, whenever the loop has time."""
        self._open()
        self._started = True
        self._follow()

    def committed(self, shard: Shard, batch: Batch) -> None:
        if self._started and self._cancel is None and batch.rows.journal:
            self._cancel = self._bus.clock.call_later(FOLLOW_AFTER_S, self._follow)

    def _follow(self) -> None:
        self._cancel = None
        behind = [shard for shard in self._bus.shards if self._behind(shard)]
        if behind and (not self._bus.intake_is_busy() or max(map(self._behind, behind)) > BEHIND_LIMIT):
            shard = max(behind, key=self._behind)
            self._step(shard.reader, shard.heads.pos)
        if any(map(self._behind, self._bus.shards)):
            self._cancel = self._bus.clock.call_later(FOLLOW_AFTER_S / 20, self._follow)

    def _open(self) -> None:
        """A book of another key, or ahead of the journal (which was restored), is begun anew."""
        if not self._reached:
            self._reached = self._book.open_under(self._key_check())
            if any(self._behind(shard) < 0 for shard in self._bus.shards):
                self._reached = self._book.clear()

    async def catch_up(self) -> None:
        """Read all that is committed by now."""
        self._open()
        known = self._book.open_under(self._key_check())  # another process may have read on
        for reader in self._bus.readers:
            self._reached[reader.shard] = max(self._reached.get(reader.shard, 0), known.get(reader.shard, 0))
            head = reader.last_pos()
            while self._reached[reader.shard] < head:
                self._step(reader, head)
                await self._bus.clock.sleep(0)

    def _key_check(self) -> bytes:
        return self._vault.token("book", str(_CLUES))

    def _behind(self, shard: Shard) -> int:
        return shard.heads.pos - self._reached.get(shard.number, 0)

    def _step(self, reader: ShardStore, head: int) -> None:
        after = self._reached.get(reader.shard, 0)
        old = [] if after else list(islice(self._archived(reader), CHUNK))
        until = 0 if old else min(after + CHUNK, head)
        sealed = [(subject_of(agg), person) for agg, person in old or reader.persons(after, until)]
        salts = reader.salts(sorted({subject for subject, _ in sealed}))
        found = set[tuple[bytes, str]]()
        for subject, person in sealed:
            if salt := salts.get(subject):  # without one there is nobody to be found any more
                found.update((token, subject) for token in self._tokens(salt, subject, person))
        self._book.put(sorted(found), reader.shard, until)
        self._reached[reader.shard] = until

    def _archived(self, reader: ShardStore) -> Iterator[tuple[str, bytes]]:
        """Who the archive names: a book that is begun anew reads them first."""
        if reader.shard not in self._old:
            rows = reader.archived.rows(0, {})
            self._old[reader.shard] = ((row.agg, row.person) for row in rows if row.person is not None)
        return self._old[reader.shard]

    def reached(self) -> dict[int, int]:
        """shard → the journal position up to which the book knows everybody."""
        self._open()
        return self._reached

    def _tokens(self, salt: bytes, subject: str, sealed: bytes) -> set[bytes]:
        try:
            person = _person.decode(self._vault.open(salt, subject, sealed))
        except ValueError:
            # Changed bytes, or a key that is gone: `verify` and reads say so, the view goes on.
            _log.error("a person of %s cannot be opened", subject)
            return set()
        return {self._vault.token(*clue) for clue in clues(person)}

    def holders(self, clues: Iterable[Clue]) -> list[str]:
        """The orders that one of the clues leads to, at most SUBJECT_LIMIT + 1 a clue."""
        found = set[str]()
        for clue in clues:
            found.update(self._book.holders(self._vault.token(*clue), SUBJECT_LIMIT + 1))
        return sorted(found)

    def drop(self, subjects: Iterable[str]) -> None:
        self._book.drop(sorted(subjects))

    def scrub(self) -> bool:
        return self._book.scrub()

    def stop(self) -> None:
        self._started = False
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
