"""What a file of an ERP comes to before and after it is written: a preview by shop and state, and who said no.

The same for whoever sends a file, over the API or on the command line. Messages go through the bus like pushes, some at
a time; a full queue is waited for.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.orders.commands import RecordDetail, TakeOverOrder
from tongdan.ports import Accepted, Clock, CommandBus, Inbound, Reply

AT_ONCE: Final = 200  # messages under way
TRIES: Final = 30  # at a message that a full queue, or a restore, keeps from being taken

TO_SEND: Final = "to send"
STATES: Final = {
    "unpaid": "待付款",
    TO_SEND: "待发货",
    "held": "挂起",
    "partly sent": "部分已发",
    "sent": "已发出",
}


class Group(msgspec.Struct, frozen=True):
    """Orders of one shop in one state: the platform's own word, or one of STATES."""

    shop: str
    state: str
    orders: int
    lines: int
    amount_fen: int


class Refused(msgspec.Struct, frozen=True):
    """What was refused: the platform's number of an order, or the SKU counted."""

    what: str
    error: str
    en: str
    zh: str


class Told(NamedTuple):
    accepted: int
    duplicates: int
    refused: list[Refused]


def preview(messages: Iterable[Inbound]) -> list[Group]:
    """The orders among them, by shop and state."""
    groups: dict[tuple[str, str], list[int]] = {}
    for command in [message.command for message in messages]:
        if isinstance(command, RecordDetail | TakeOverOrder):
            state = command.native_status if isinstance(command, RecordDetail) else _state(command)
            sums = groups.setdefault((command.shop, state), [0, 0, 0])
            for at, more in enumerate((1, len(command.lines), command.amount_fen)):
                sums[at] += more
    return [Group(shop, state, *sums) for (shop, state), sums in sorted(groups.items())]


def _state(order: TakeOverOrder) -> str:
    left = sum([each.units for parcel in order.left for each in parcel.units])
    if left:
        return "sent" if left == sum([line.units for line in order.lines]) else "partly sent"
    if order.holds:
        return "held"
    return "unpaid" if order.paid_at is None else TO_SEND


async def tell(
    bus: CommandBus, clock: Clock, messages: Sequence[Inbound], who: str, done: Callable[[int], object] = id
) -> Told:
    """Have all messages committed; `done` hears how many more have been answered."""
    replies: list[Reply] = []
    for at in range(0, len(messages), AT_ONCE):
        some = [msgspec.structs.replace(each, operator=who) for each in messages[at : at + AT_ONCE]]
        replies += await asyncio.gather(*[_ask(bus, clock, each) for each in some])
        done(len(some))
    accepted = [reply for reply in replies if isinstance(reply, Accepted)]
    duplicates = sum([reply.duplicate for reply in accepted])
    refused = [
        Refused(_what(message), reply.name, reply.en, reply.zh)
        for message, reply in zip(messages, replies, strict=True)
        if isinstance(reply, Refusal)
    ]
    return Told(len(accepted) - duplicates, duplicates, refused)


async def _ask(bus: CommandBus, clock: Clock, message: Inbound) -> Reply:
    for _ in range(TRIES):
        reply = await bus.ask(message)
        if isinstance(reply, Accepted) or not reply.retry_after_s:
            return reply
        await clock.sleep(reply.retry_after_s)
    return reply


def _what(message: Inbound) -> str:
    command = message.command
    return str(getattr(command, "native", "") or getattr(command, "sku", ""))
