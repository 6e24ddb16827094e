"""Messages that were not understood, after the mistake was mended: read again, told to the bus, or thrown away.

A message is led through its door's translation under today's configuration and told under the key it would have had,
so one that was understood in the meantime changes nothing, and neither does a retry that is repeated. It leaves
quarantine when all that it stands for is committed; what is still not understood stays, with the new reason.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from tongdan.domain.kernel.keys import alias_key
from tongdan.domain.kernel.messages import Refusal, RefusalKind
from tongdan.domain.sync.commands import RaiseTicket, ResolveTicket
from tongdan.domain.sync.kinds import NOT_UNDERSTOOD
from tongdan.flow.bus import Bus
from tongdan.flow.journal import from_us
from tongdan.flow.reads import find_quarantined
from tongdan.flow.routes import COMMANDS
from tongdan.ports import (
    Door,
    Inbound,
    NotUnderstood,
    QuarantineRow,
    Translator,
    Unauthentic,
    Vault,
    WriteSet,
)

AT_ONCE: Final = 100  # messages before others get their turn
LIMIT: Final = 10_000  # messages of one request
UNREADABLE: Final = "its seal does not open"
NO_DOOR: Final = "no door is open for its source"

NOT_IN_QUARANTINE: Final = RefusalKind(
    "not-in-quarantine",
    404,
    en="Nothing in quarantine has the id {id}. `tongdan quarantine list` shows what is there.",
    zh="隔离区中没有编号 {id}。tongdan quarantine list 可查看现有内容。",
)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a message stands for today: `commands` and what each is `about`; or the `reason` why it is not understood.

    After a retry, `done` tells whether it has left quarantine.
    """

    id: str
    source: str
    shop: str
    commands: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    reason: str = ""
    done: bool = False


class Quarantine:
    """Works beside a serving centre and without one; ids are SHARD.NUMBER, as lists show them."""

    def __init__(self, bus: Bus, vault: Vault, doors: Iterable[Door]) -> None:
        self._bus = bus
        self._vault = vault
        self._translators = {door.source: door for door in doors if isinstance(door, Translator)}

    def choose(self, *, source: str = "", shop: str = "", reason: str = "") -> list[str]:
        """Ids of the messages of a source, a shop, or with `reason` in their reason, oldest first."""
        found = [
            (row.at_us, f"{reader.shard}.{row.id}")
            for reader in self._bus.readers
            for row in reader.quarantined(LIMIT)
            if source in ("", row.source) and shop in ("", row.shop) and reason in row.reason
        ]
        return [id for _, id in sorted(found)][:LIMIT]

    async def preview(self, ids: Sequence[str]) -> list[Outcome] | Refusal:
        """What would become of each. Changes nothing."""
        return await self._each(ids, "")

    async def retry(self, ids: Sequence[str], operator: str) -> list[Outcome] | Refusal:
        """Tell the bus what each stands for, one after another, oldest first as they are given."""
        return await self._each(ids, operator)

    async def discard(self, id: str, reason: str, operator: str) -> Refusal | None:
        """Delete a message; who did so and why is journaled as a ticket raised and resolved."""
        found = find_quarantined(self._bus.readers, id)
        if found is None:
            return NOT_IN_QUARANTINE.of(id=id[:64])
        shard, row = found
        subject = alias_key(f"quarantine/{row.source}/{id}")  # like a name from outside that leads nowhere
        for command in (
            RaiseTicket(subject=subject, kind=NOT_UNDERSTOOD, summary=row.reason),
            ResolveTicket(subject=subject, kind=NOT_UNDERSTOOD, evidence=f"discarded: {reason}"),
        ):
            key = ("quarantine", id, str(row.at_us), type(command).__name__)
            message = Inbound(
                command=command, key=key, source="quarantine", shop="", happened_at=self._bus.clock.now(), raw=b"",
                operator=operator,
            )  # fmt: skip
            if isinstance(reply := await self._bus.ask(message), Refusal):
                return reply
        rows = WriteSet()
        rows.unquarantined.append((row.id,))
        await self._bus.noted(shard, rows)
        return None

    async def _each(self, ids: Sequence[str], operator: str) -> list[Outcome] | Refusal:
        rows: list[tuple[str, int, QuarantineRow]] = []
        for id in ids[:LIMIT]:
            found = find_quarantined(self._bus.readers, id)
            if found is None:
                return NOT_IN_QUARANTINE.of(id=id[:64])
            rows.append((id, *found))
        outcomes = []
        for n, (id, shard, row) in enumerate(rows, 1):
            messages, outcome = self._translated(id, row)
            if operator:
                outcome = await self._tell(shard, row, messages, outcome, operator)
            outcomes.append(outcome)
            if n % AT_ONCE == 0:
                await self._bus.clock.sleep(0)
        return outcomes

    def _translated(self, id: str, row: QuarantineRow) -> tuple[list[Inbound], Outcome]:
        outcome = Outcome(id=id, source=row.source, shop=row.shop)
        door = self._translators.get(row.source)
        if door is None:
            return [], msgspec.structs.replace(outcome, reason=NO_DOOR)
        try:
            raw = self._vault.open(row.salt, "quarantine", row.raw)
        except ValueError:
            return [], msgspec.structs.replace(outcome, reason=UNREADABLE)
        try:
            read = door.read(row.about, raw, from_us(row.at_us))
        except Unauthentic as error:  # of a message that is sealed within itself
            return [], msgspec.structs.replace(outcome, reason=str(error))
        messages = [message for message in read if isinstance(message, Inbound)]
        wrong = next((message.reason for message in read if isinstance(message, NotUnderstood)), "")
        names = tuple(type(message.command).__name__ for message in messages)
        about = tuple(_about(message) for message in messages)
        return messages, msgspec.structs.replace(outcome, commands=names, about=about, reason=wrong)

    async def _tell(
        self, shard: int, row: QuarantineRow, messages: Sequence[Inbound], outcome: Outcome, operator: str
    ) -> Outcome:
        reason = outcome.reason
        for message in messages:
            reply = await self._bus.ask(msgspec.structs.replace(message, operator=operator))
            if isinstance(reply, Refusal):
                reason = reason or f"refused: {reply.name}"
        rows = WriteSet()
        if reason:
            rows.requarantined.append((reason, row.id))
        else:
            rows.unquarantined.append((row.id,))
        if reason != row.reason:
            await self._bus.noted(shard, rows)
        return msgspec.structs.replace(outcome, reason=reason, done=not reason)


def _about(message: Inbound) -> str:
    """Whom a command is for, as far as can be told without looking anything up."""
    try:
        target = COMMANDS[type(message.command)].target(message.command)
    except (KeyError, ValueError):
        return ""
    return target.key or "/".join(target.name or ())
