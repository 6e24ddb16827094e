"""What a file of an ERP comes to before and after it is written: a preview by shop and state, and who said no.

The same for whoever sends a file, over the API or on the command line. Messages go through the bus like pushes, some at
a time; a full queue is waited for.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from tongdan.adapters.csv_table import Fault
from tongdan.adapters.partners.erp_csv import Read
from tongdan.adapters.partners.erp_map import ImportMap
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.orders.commands import PlaceOrder, RecordDetail, TakeOverOrder
from tongdan.ports import Accepted, Clock, CommandBus, Inbound, Reads, Reply
from tongdan.surfaces import manual_orders

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


def checked(read: Read, reads: Reads, policy: Policy, how: ImportMap, now: datetime) -> Read:
    """What a file says that the file alone cannot know to be wrong: of orders that people enter, shop, goods, buyer."""
    if how.kind != "manual-orders":
        return read
    ctx = manual_orders.context(policy, now)
    messages, faults, refused = list[Inbound](), [*read.faults], {**read.refused}
    for message, rows in zip(read.messages, read.sources, strict=True):
        assert isinstance(message.command, PlaceOrder)
        found = manual_orders.check(reads, policy, message.command, ctx)
        if not found.problems:
            source = manual_orders.SOURCE
            messages.append(msgspec.structs.replace(message, command=found.command, source=source))
            continue
        refused |= {row.line: row.raw for row in rows}
        for each in found.problems:
            at, field = _placed(each.field)
            no = each.refusal
            en, zh = no.en.removeprefix(f"{each.field}: "), no.zh.removeprefix(f"{each.field}：")
            faults.append(Fault(line=rows[at].line, en=en, zh=zh, column=how.heading(field)))
    faults.sort(key=lambda fault: fault.line)
    return read._replace(
        messages=messages, faults=faults, refused=refused, cuts=range(len(messages)), sources=()
    )


def _placed(field: str) -> tuple[int, str]:
    """`lines.2.sku` → the third row of the order, `sku`; `receiver.city` → the first, `city`."""
    head, _, rest = field.partition(".")
    at, _, name = rest.partition(".")
    if head == "lines" and name:
        return int(at), name
    return 0, {"amount_fen": "due"}.get(field, rest or field)


def part_of(read: Read, begin: int, count: int) -> Read:
    """Its messages from `begin` on, at most `count`; 0: all."""
    end = begin + count if count else len(read.messages)
    messages, sources = read.messages[begin:end], read.sources[begin:end]
    return read._replace(messages=messages, sources=sources, cuts=range(len(messages)))


def preview(messages: Iterable[Inbound]) -> list[Group]:
    """The orders among them, by shop and state."""
    groups: dict[tuple[str, str], list[int]] = {}
    for command in [message.command for message in messages]:
        if isinstance(command, RecordDetail | TakeOverOrder | PlaceOrder):
            state = _state(command)
            sums = groups.setdefault((command.shop, state), [0, 0, 0])
            for at, more in enumerate((1, len(command.lines), command.amount_fen)):
                sums[at] += more
    return [Group(shop, state, *sums) for (shop, state), sums in sorted(groups.items())]


def _state(order: RecordDetail | TakeOverOrder | PlaceOrder) -> str:
    if isinstance(order, RecordDetail):
        return order.native_status
    if isinstance(order, PlaceOrder):
        return TO_SEND
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
