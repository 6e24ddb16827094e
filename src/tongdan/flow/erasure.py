"""Forgetting a person: find the orders they are behind, say what would be lost, and make it unreadable for good.

First the erasure log (on the disk before anything else), then a command an order through the bus, whose commit
overwrites the salt; then tokens, keys in memory, and what the files still hold of older pages. Whatever a crash cuts
off, or a restored backup brings back, is done again at the next start from the log.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.keys import key_slot
from tongdan.domain.kernel.messages import Refusal, RefusalKind
from tongdan.domain.orders.commands import ErasePerson
from tongdan.domain.orders.model import Order, here
from tongdan.domain.orders.status import status
from tongdan.flow.bus import Bus
from tongdan.flow.clues import masks_of, phone_digits
from tongdan.flow.journal import read_state
from tongdan.flow.tokens import SUBJECT_LIMIT, Tokens
from tongdan.ports import ErasureEntry, ErasureLog, Inbound, StoreFailure, Vault, WriteSet

_log: Final = logging.getLogger(__name__)

FORGET: Final = "forget-keys"  # what the other processes are asked
AT_ONCE: Final = 100  # orders asked for or erased before others get their turn
SCRUB_TRIES: Final = 40
SCRUB_PAUSE_S: Final = 0.25
LEAST_SEARCHED: Final = 6  # bytes of a value that is searched for in messages: shorter ones are everywhere
QUARANTINE_LIMIT: Final = 10_000  # messages of a shard that are searched, newest first
QUARANTINE: Final = "quarantine/"  # how a message in quarantine is named, by the digest of its ciphertext

NOBODY_NAMED: Final = RefusalKind(
    "nobody-named",
    422,
    en="Say who is to be erased: a phone number, a platform's id of the receiver, or order ids.",
    zh="请说明要删除谁:手机号、平台的收件人标识或订单号。",
)
TOO_MANY_SUBJECTS: Final = RefusalKind(
    "too-many-subjects",
    409,
    en="More than {limit} orders are meant. Erase them in parts, by order id.",
    zh="涉及的订单超过 {limit} 个。请按订单号分批删除。",
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who is meant. `receiver` is a platform's own id of a buyer or receiver, as it gives it."""

    phone: str = ""
    receiver: str = ""
    subjects: tuple[str, ...] = ()


class Doomed(msgspec.Struct, frozen=True, kw_only=True):
    """An order and what its erasure would cost: `sealed` values of it become unreadable; `to_ship` units have not
    left, and cannot be sent without a receiver."""

    order: str
    channel: str
    shop: str
    native: str
    status: int
    sealed: int
    to_ship: int


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """`possible` are orders of which only a masked phone is known that fits; they are erased by id or not at all.
    `quarantined` are messages in quarantine that hold the phone or id: they are deleted whole."""

    orders: tuple[Doomed, ...]
    possible: tuple[Doomed, ...]
    quarantined: tuple[str, ...]
    erased: tuple[str, ...]
    unknown: tuple[str, ...]


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """`pending` could not be written now: the log has them, and the next start erases them. `scrubbed` False: somebody
    was reading the files, which may hold old pages until the next start."""

    orders: tuple[str, ...]
    quarantined: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    scrubbed: bool = True


class Erasure:
    """`preview`, then `erase` what it showed. Both work before the centre has started."""

    def __init__(self, bus: Bus, tokens: Tokens, log: ErasureLog, vault: Vault) -> None:
        self._bus = bus
        self._tokens = tokens
        self._log = log
        self._vault = vault
        bus.answers[FORGET] = self._answer_forget

    async def _answer_forget(self, _: bytes) -> bytes:
        self._vault.forget()
        return b""

    async def preview(self, asked: Asked) -> Preview | Refusal:
        """Changes nothing."""
        clues = [("id", asked.receiver)] if asked.receiver else []
        if number := phone_digits(asked.phone):
            clues.append(("phone", number))
        if not clues and not asked.subjects:
            return NOBODY_NAMED.of()
        await self._tokens.catch_up()
        certain = sorted({*self._tokens.holders(clues), *asked.subjects})
        possible = self._tokens.holders(masks_of(number)) if number else []
        if max(len(certain), len(possible)) > SUBJECT_LIMIT:
            return TOO_MANY_SUBJECTS.of(limit=SUBJECT_LIMIT)
        doomed = await self._each(certain)
        return Preview(
            orders=tuple([each for each in doomed.values() if each is not None]),
            possible=tuple([each for each in (await self._each(set(possible) - set(certain))).values() if each]),
            quarantined=await self._quarantined([value.encode() for _, value in clues]),
            erased=tuple([id for id, each in doomed.items() if each is None]),
            unknown=tuple([id for id in certain if id not in doomed]),
        )  # fmt: skip

    async def _quarantined(self, values: Sequence[bytes]) -> tuple[str, ...]:
        """Messages in quarantine in which one of the values stands."""
        found = []
        for reader in self._bus.readers:
            for n, row in enumerate(reader.quarantined(QUARANTINE_LIMIT), 1):
                if self._holds(row.salt, row.raw, values):
                    found.append(_name_of(row.raw))
                if n % AT_ONCE == 0:
                    await self._bus.clock.sleep(0)
        return tuple(sorted(found))

    def _holds(self, salt: bytes, sealed: bytes, values: Sequence[bytes]) -> bool:
        try:
            raw = self._vault.open(salt, "quarantine", sealed)
        except ValueError:  # changed bytes, or a key that is gone: nobody reads it
            return False
        return any(value in raw for value in values if len(value) >= LEAST_SEARCHED)

    async def _discard(self, names: Sequence[str]) -> set[str]:
        """Delete these messages from quarantine; those that were there."""
        gone = set[str]()
        for reader in self._bus.readers if names else ():
            rows = WriteSet()
            for row in reader.quarantined(QUARANTINE_LIMIT):
                if (name := _name_of(row.raw)) in names:
                    rows.unquarantined.append((row.id,))
                    gone.add(name)
            if rows.unquarantined:
                await self._bus.noted(reader.shard, rows)
        return gone

    async def _each(self, orders: Iterable[str]) -> dict[str, Doomed | None]:
        """What each would lose, None when it is lost already; without those that do not exist."""
        found: dict[str, Doomed | None] = {}
        for n, id in enumerate(sorted(orders), 1):
            order = self._order(id)
            if order is not None:
                found[id] = self._doomed(id, order) if order.erased_at is None else None
            if n % AT_ONCE == 0:
                await self._bus.clock.sleep(0)
        return found

    def _order(self, id: str) -> Order | None:
        parsed = parse(id)
        if parsed is None or parsed.part:
            return None
        reader = self._bus.reader_of(key_slot(id))
        row = reader.states([id]).get(id)
        state = None if row is None else read_state(reader, row)
        return state if isinstance(state, Order) else None

    def _doomed(self, id: str, order: Order) -> Doomed:
        reader = self._bus.reader_of(key_slot(id))
        rows = [row for agg in (id, *reader.aggregates_under(id)) for row in reader.journal_of(agg)]
        return Doomed(
            order=id, channel=order.channel, shop=order.shop, native=order.native, status=status(order),
            sealed=sum((row.person is not None) + (row.raw is not None) for row in rows), to_ship=here(order),
        )  # fmt: skip

    async def erase(self, subjects: Sequence[str], operator: str) -> Erased | Refusal:
        """Erase these orders and messages in quarantine; who asked goes into the orders' journals.

        Those erased already are left as they are.
        """
        if not subjects:
            return NOBODY_NAMED.of()
        if len(subjects) > SUBJECT_LIMIT:
            return TOO_MANY_SUBJECTS.of(limit=SUBJECT_LIMIT)
        names = sorted({each for each in subjects if each.startswith(QUARANTINE)})
        found = {id: self._order(id) for id in sorted(set(subjects) - set(names))}
        unknown = tuple([id for id, order in found.items() if order is None])
        todo = [id for id, order in found.items() if order is not None and order.erased_at is None]
        if not todo and not names:
            return Erased(orders=(), unknown=unknown)
        entry = self._log.append([*todo, *names], self._bus.clock.now(), operator)
        self._bus.probe("erasure-logged")
        done = await self._command(todo, entry)
        gone = await self._discard(names)
        self._bus.probe("erasure-committed")
        scrubbed = await self._clear(done)
        pending = tuple([id for id in todo if id not in done])
        return Erased(
            orders=tuple(sorted(done)), quarantined=tuple(sorted(gone)), pending=pending, unknown=unknown,
            scrubbed=scrubbed,
        )  # fmt: skip

    async def resume(self) -> int:
        """Erase what the log has and the files do not know of; how many orders that were."""
        entries = self._log.entries()
        n = 0
        for entry in entries:
            todo = [id for id in entry.subjects if not self._is_over(id)]
            done = await self._command(todo, entry)
            n += len(done)
            if left := len(todo) - len(done):
                _log.error("%d orders of the erasure log could not be erased again", left)
        if entries:
            await self._discard(
                [id for entry in entries for id in entry.subjects if id.startswith(QUARANTINE)]
            )
            await self._clear({id for entry in entries for id in entry.subjects})
        if n:
            _log.warning("%d orders of the erasure log were erased again", n)
        return n

    def _is_over(self, id: str) -> bool:
        """Erased; or, after a restore, not known at all."""
        return self._order(id) is None or self._bus.reader_of(key_slot(id)).salts([id]).get(id) == b""

    async def _command(self, subjects: Sequence[str], entry: ErasureEntry) -> set[str]:
        """Those that are erased after it."""
        done = set[str]()
        for start in range(0, len(subjects), AT_ONCE):
            some = subjects[start : start + AT_ONCE]
            replies = await asyncio.gather(*[self._bus.ask(self._message(id, entry)) for id in some])
            done.update(
                [id for id, reply in zip(some, replies, strict=True) if not isinstance(reply, Refusal)]
            )
        return done

    def _message(self, id: str, entry: ErasureEntry) -> Inbound:
        """Without a payload: what was sent to ask for it names the person."""
        return Inbound(
            command=ErasePerson(order=id), key=("erase", id, entry.at.isoformat()), source="erasure", shop="",
            happened_at=entry.at, raw=b"", operator=entry.operator,
        )  # fmt: skip

    async def _clear(self, subjects: Iterable[str]) -> bool:
        """Drop tokens and keys, then what older pages of the files still show. False when a reader kept some."""
        self._vault.forget()
        await self._bus.ask_peers(FORGET)  # afterwards none of them makes a token of what is erased
        self._tokens.drop(subjects)
        left = [reader.scrub for reader in self._bus.readers] + [self._tokens.scrub]
        for _ in range(SCRUB_TRIES):
            left = [scrub for scrub in left if not await self._in_turn(scrub)]
            if not left:
                return True
            await self._bus.clock.sleep(SCRUB_PAUSE_S)
        _log.warning("somebody reads the files; their logs are cut at the next start")
        return False

    async def _in_turn(self, scrub: Callable[[], bool]) -> bool:
        """Where commits wait for the disk, for it does too."""
        try:
            return await self._bus.engine.aside(scrub)
        except StoreFailure as failure:
            _log.error("a log could not be cut: %s", failure)
            return False


def _name_of(sealed: bytes) -> str:
    return QUARANTINE + blake2b(sealed, digest_size=16).hexdigest()
