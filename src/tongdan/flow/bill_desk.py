"""Bills: what follows from one that is laid beside the orders, and those of WeChat Pay, which come by themselves.

What follows is named after the bill's own number of the row, so that the same bill, or another that repeats it, adds
nothing. That is why each day the bills of several days back are fetched: who was away for a week has lost none.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from typing import Final

import msgspec

from tongdan.domain.finance.bills import Account, Money, Placed, Row, Verdict, account_of
from tongdan.domain.finance.books import FetchBill
from tongdan.domain.kernel.ids import business_day, parse
from tongdan.domain.kernel.keys import alias_key, key_slot, ticket_key
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.commands import RecordSettlement
from tongdan.domain.orders.model import Order
from tongdan.domain.orders.money.due import unsettled_fen
from tongdan.domain.orders.money.settling import BILL
from tongdan.domain.sync.commands import RaiseTicket, ResolveTicket
from tongdan.domain.sync.kinds import BILL_MISSING, BILL_ROW_OPEN
from tongdan.domain.sync.ticket import Ticket
from tongdan.flow.bus import Bus
from tongdan.flow.daily import Daily
from tongdan.ports import Actor, Errand, Failed, Inbound, Reads

SOURCE: Final = "bill"
WECHAT: Final = "wechat"
PARTNER: Final = "payment/wechat"
DAYS_BACK: Final = 7
NONE: Final = "NO_STATEMENT_EXIST"  # nobody traded that day
AGAIN_S: Final = 3_600.0
TRIES: Final = 12  # then it is a ticket, and tried again the next day
_DESK: Final = alias_key(f"{SOURCE}/{WECHAT}")

_log: Final = logging.getLogger(__name__)


class BillDesk:
    """`shops`: whose merchants have bills; `at`: when they are there, in China; `read`: the rows of a file."""

    def __init__(
        self, bus: Bus, reads: Reads, actors: Iterable[Actor], policy: Policy, *, shops: Sequence[str],
        at: time | None, read: Callable[[bytes], Sequence[Row] | Failed],
    ) -> None:  # fmt: skip
        self._bus: Final = bus
        self._reads: Final = reads
        self._actor: Final = next((each for each in actors if each.partner == PARTNER), None)
        self._policy: Final = policy
        self._shops: Final = shops
        self._read: Final = read
        self._daily: Final = (
            None if at is None or self._actor is None else Daily(bus, at, self.fetch_all, key_slot(_DESK))
        )

    def start(self) -> None:
        """Of several processes one fetches."""
        if self._daily is not None:
            self._daily.start()

    def stop(self) -> None:
        if self._daily is not None:
            self._daily.stop()

    async def fetch_all(self) -> None:
        """The bills of the last days of every shop, again every hour until they are there."""
        today = business_day(self._bus.clock.now())
        wanted = [(shop, today - timedelta(days=n)) for shop in self._shops for n in range(DAYS_BACK, 0, -1)]
        failed = dict.fromkeys(wanted, Failed(""))
        for again in range(TRIES):
            if again:
                await self._bus.clock.sleep(AGAIN_S)
            failed = {each: why for each in failed if (why := await self._fetch(*each)) is not None}
            if not failed or self._bus.stopping:
                break
            _log.warning(
                "%d bills of WeChat Pay have not come: %s", len(failed), next(iter(failed.values())).error
            )
        for shop, day in wanted:
            await self._note(shop, day, failed.get((shop, day)))

    async def _note(self, shop: str, day: date, failed: Failed | None) -> None:
        subject, kind = f"{_DESK}/{shop}", f"{BILL_MISSING}:{day}"
        ticket = self._reads.order(ticket_key(subject, kind))
        if failed is not None:
            summary = f"{shop} {day}: {failed.error}"[:200]
            await self._tell(RaiseTicket(subject=subject, kind=kind, summary=summary), (shop, str(day)))
        elif isinstance(ticket, Ticket) and ticket.open:
            await self._tell(
                ResolveTicket(subject=subject, kind=kind, evidence=f"bill {day}"), (shop, str(day))
            )

    async def _fetch(self, shop: str, day: date) -> Failed | None:
        """None: it was laid beside the orders, or nobody traded that day."""
        assert self._actor is not None
        effect = FetchBill(partner=PARTNER, shop=shop, day=day)
        no = self._bus.entropy.token(8).hex()
        errand = Errand(f"bill/{shop}/{day}/{no}", PARTNER, effect, 1, lambda: None)
        done = await self._actor.perform(errand)
        if isinstance(done, Failed):
            return None if NONE in done.error else done
        assert isinstance(done.found, bytes)
        rows = self._read(done.found)
        if isinstance(rows, Failed):
            return rows
        _, following = beside(self._reads, self._policy, rows, "", WECHAT, self._bus.clock.now())
        for inbound in following:
            reply = await self._bus.ask(inbound)
            if isinstance(reply, Refusal) and reply.retry_after_s:
                return Failed(reply.en)
        return None

    async def _tell(self, command: Command, key: tuple[str, ...]) -> None:
        now = self._bus.clock.now()
        await self._bus.ask(_inbound(command, (*key, now.isoformat()), now, ()))


def beside(
    reads: Reads, policy: Policy, rows: Sequence[Row], shop: str, form: str, now: datetime
) -> tuple[Account, list[Inbound]]:
    """The bill as an account, and what follows: settlements of the orders whose rows all match and add up to what is
    due, tickets about the open rows. `shop`: whose numbers name the orders ("": ours do)."""
    known = dict(_known_of(reads, policy, (row.name for row in rows), shop))
    found = account_of(rows, known)
    by_order = {each.order: each for each in known.values()}
    return found, [*_settlements(found, by_order, form, now), *_tickets(found, form, now)]


def _known_of(reads: Reads, policy: Policy, names: Iterable[str], shop: str) -> Iterator[tuple[str, Money]]:
    """What is known of each order that a bill names: by an id of ours, or by a platform's number."""
    shops = [each for each in policy.shops.values() if shop in ("", each.id)]
    for name in dict.fromkeys(names):
        parsed = parse(name)
        key = parsed.order if parsed is not None else None
        if key is None and name:
            found = (reads.find(each.channel, each.id, name) for each in shops)
            key = next((order for order in found if order is not None), None)
        order = reads.order(key) if key is not None else None
        if isinstance(order, Order) and key is not None:
            part, no = (parsed.part, parsed.part_no) if parsed is not None else ("", 0)
            yield name, _money(key, order, _of_part(part, no))


def _of_part(part: str, no: int) -> tuple[Callable[[int], bool], Callable[[int, int], bool]]:
    """Which payments (by attempt) and refunds (by attempt and number) a name may mean."""
    if part == "P":
        return lambda attempt: attempt == no, lambda attempt, _: attempt == no
    if part == "R":
        return lambda _: False, lambda _, refund: refund == no
    return lambda _: True, lambda attempt, refund: True


def _money(key: str, order: Order, means: tuple[Callable[[int], bool], Callable[[int, int], bool]]) -> Money:
    payments = [(each.transaction, each.amount_fen) for each in order.payments if means[0](each.attempt)]
    if not order.own and order.paid is not None and not payments:
        payments = [(order.paid.transaction, order.paid.amount_fen)]
    refunds = [
        (f"{key}-R{each.no}", each.amount_fen)
        for each in order.refunds
        if each.stage is not RefundStage.FAILED and means[1](each.attempt, each.no)
    ]
    refunds += [(each.reference, each.amount_fen) for each in order.platform_refunds]
    return Money(
        order=key, payments=tuple(payments), refunds=tuple(refunds), due_fen=unsettled_fen(order) or 0,
        settled=order.settled_at is not None,
    )  # fmt: skip


def _settlements(
    found: Account, by_order: Mapping[str, Money], form: str, now: datetime
) -> Iterator[Inbound]:
    for order, rows in found.complete().items():
        money, total_fen = by_order[order], sum([each.row.amount_fen for each in rows])
        if money.settled or not 0 < money.due_fen == total_fen:
            continue
        first = rows[0].row
        command = RecordSettlement(
            order=order, amount_fen=total_fen, reference=f"{BILL}{form}/{first.reference or first.name}"[:128],
            settled_at=max([each.row.at for each in rows if each.row.at is not None], default=now),
        )  # fmt: skip
        yield _inbound(command, ("settled", order, str(total_fen)), now, rows)


def _tickets(found: Account, form: str, now: datetime) -> Iterator[Inbound]:
    for each in found.of(Verdict.OPEN):
        row = each.row
        about = row.reference or f"{row.name}/{row.line}"
        digest = blake2b(f"{form}/{about}/{row.amount_fen}".encode(), digest_size=8).hexdigest()
        command = RaiseTicket(
            subject=each.order or alias_key(f"{SOURCE}/{form}/{digest}"),
            kind=f"{BILL_ROW_OPEN}:{digest}",
            summary=f"{form} {about} {row.name} {row.amount_fen} fen: {each.why.value}"[:200],
        )
        yield _inbound(command, ("open", digest), now, (each,))


def _inbound(command: Command, key: tuple[str, ...], now: datetime, rows: Sequence[Placed]) -> Inbound:
    return Inbound(
        command=command, key=(SOURCE, *key), source=SOURCE, shop="", happened_at=now,
        raw=msgspec.json.encode([each.row for each in rows]),
    )  # fmt: skip
