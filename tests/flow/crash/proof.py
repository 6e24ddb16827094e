"""What must be true when the dust has settled: the store, beside what the partners hold in their own hands.

The store is read from its files, with no centre running. Messages are counted against the ledger of answered requests,
effects against what each partner did at its own key, stock against what left the warehouses, timers in the journal.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.flow.crash.centre import ARTICLES, ON_HAND
from tests.flow.crash.town import Stage, query

from tongdan.adapters.credentials_file import CredentialsFile
from tongdan.adapters.partners import open_doors
from tongdan.adapters.policy_files import load_conf
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.kernel.ids import parse, payment_id, refund_id
from tongdan.domain.kernel.keys import stock_key
from tongdan.domain.kernel.slots import digest
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.model import Order
from tongdan.labs.world.report import Ledger, report
from tongdan.ports import DeadLetter, Inbound, JournalRow, PushRequest, TicketRow
from tongdan.profile import CREDENTIALS, reading, verify_data


class Messages(NamedTuple):
    """The ledger of messages: how many the centre acknowledged, and which of them it lost or took in twice."""

    acknowledged: int
    lost: int
    doubled: int

    def __str__(self) -> str:
        return f"acknowledged {self.acknowledged} lost {self.lost} doubled {self.doubled}"


def acknowledged_keys(stage: Stage) -> set[bytes]:
    """The inbox key of every message that the centre has acknowledged, read with the doors' own eyes."""
    conf = load_conf(stage.conf)
    doors = {door.path: door for door in open_doors(conf, CredentialsFile(stage.data / CREDENTIALS))}
    keys = set()
    for request, response, at in stage.line.answered:
        if response.status >= 300:
            continue
        url = urlsplit(request.url)
        headers = {name.lower(): value for name, value in request.headers.items()}
        push = PushRequest(request.method, url.path, url.query, headers, request.body, at)
        door = doors["/".join(url.path.split("/", 3)[:3]) + "/"]
        keys |= {digest(*message.key) for message in door.open(push) if isinstance(message, Inbound)}
    return keys


def messages(stage: Stage) -> Messages:
    keys = acknowledged_keys(stage)
    stored = {key for (key,) in query(stage.data, "SELECT key FROM inbox")}
    taken_in = Counter(
        key for (key,) in query(stage.data, "SELECT command_key FROM journal WHERE raw IS NOT NULL")
    )
    return Messages(len(keys), len(keys - stored), sum(taken_in[key] > 1 for key in keys))


class Aftermath(NamedTuple):
    """A run that is over: the stage with its partners, and what the files of the centre say."""

    stage: Stage
    messages: Messages
    ledger: Ledger
    facts: dict[str, list[JournalRow]]
    orders: dict[str, Order]
    stock: dict[str, Stock]
    tickets: list[TicketRow]
    dead_letters: list[DeadLetter]
    quarantined: int


def aftermath(stage: Stage, *, quiet: bool) -> Aftermath:
    reads = reading(stage.data)
    facts: dict[str, list[JournalRow]] = {}
    for row in reads.journal():
        facts.setdefault(row.aggregate, []).append(row)
    states = {key: reads.order(key) for key in facts}
    skus = [f"A{n:04d}" for n in range(ARTICLES)]
    return Aftermath(
        stage,
        messages(stage),
        report(stage.town, reads, quiet=quiet),
        facts,
        {key: state for key, state in states.items() if isinstance(state, Order)},
        {sku: state for sku in skus if isinstance(state := states.get(stock_key(sku)), Stock)},
        reads.tickets(open_only=True),
        reads.dead_letters(),
        sum(n for (n,) in query(stage.data, "SELECT count(*) FROM quarantine")),
    )


def findings(after: Aftermath) -> list[str]:
    """Everything that is not as it should be."""
    found = [str(after.messages)] if after.messages.lost or after.messages.doubled else []
    found += [] if after.ledger.quiet else ["it did not drain"]
    found += [f"{each.what}: {each.order} {each.id} {each.detail}" for each in after.ledger.offenders]
    found += [*stuck(after)]
    found += [f"{after.quarantined} messages not understood"] if after.quarantined else []
    found += [*effect_findings(after), *stock_findings(after)]
    found += [*reaction_findings(after), *timer_findings(after)]
    found += [f"{each.where}: {each.what}" for each in verify_data(after.stage.data).findings]
    return found


def stuck(after: Aftermath) -> Iterator[str]:
    """Effects that ended as dead letters; a partner may refuse what it has cancelled itself meanwhile."""
    for each in after.dead_letters:
        parsed = parse(each.aggregate)
        if parsed is None or not after.orders[parsed.order].cancelled:
            yield f"dead letter {each.verb} of {each.aggregate}: {each.error}"


# ---- effects, at the partner's key


def effect_findings(after: Aftermath) -> Iterator[str]:
    """Where a partner did something twice, never, or unasked."""
    yield from _payments(after)
    yield from _refunds(after)
    yield from _deliveries(after)
    yield from _write_backs(after)
    yield from _milestones(after)


def _payments(after: Aftermath) -> Iterator[str]:
    """Query-first: one trade an attempt, and never asked for again without having been looked for."""
    town = after.stage.town
    asked_for = {
        payment_id(id, each.no): id
        for id, order in after.orders.items()
        for each in order.attempts
        if each.no
    }
    yield from _differ(after, "payment attempt", asked_for, town.wechat.trades)
    last: dict[str, str] = {}
    for method, number in town.asked:
        if method == last.get(number) == "POST":
            yield f"payment {number} was sent again without a look-up"
        last[number] = method


def _refunds(after: Aftermath) -> Iterator[str]:
    """Natural: each refund is one refund at WeChat Pay, of its own sum, and of no payment more than was paid."""
    books = after.stage.town.wechat.refunds.books
    ours = {
        refund_id(id, each.no): (id, each.amount_fen)
        for id, order in after.orders.items()
        for each in order.refunds
    }
    owners = {number: id for number, (id, _) in ours.items()}
    yield from _differ(after, "refund", owners, books, may_be_withdrawn=False)
    for number in ours.keys() & books.keys():
        if ours[number][1] != books[number].amount_fen:
            yield f"refund {number}: {books[number].amount_fen}, asked for {ours[number][1]}"


def _deliveries(after: Aftermath) -> Iterator[str]:
    """Natural: each planned shipment is one delivery order, with exactly its units."""
    planned = {key: rows[0].body for key, rows in after.facts.items() if rows[0].fact == "ShipmentPlanned"}
    deliveries = after.stage.town.warehouses.deliveries
    owners = {key: str(body["order"]) for key, body in planned.items()}
    yield from _differ(after, "delivery order", owners, deliveries)
    for key in planned.keys() & deliveries.keys():
        items: Any = planned[key]["items"]
        wanted = sorted((item["sku"], item["units"]) for item in items)
        got = sorted((item.code, item.planned) for item in deliveries[key].items)
        if wanted != got:
            yield f"delivery order {key}: {got}, planned {wanted}"


def _write_backs(after: Aftermath) -> Iterator[str]:
    """Keyed: each parcel of a Douyin order is one pack there."""
    packs = {
        request for order in after.stage.town.platforms.douyin.orders.values() for request in order.packs
    }
    parcels = {
        parcel.dispatch: id for id, order in after.orders.items() if not order.own for parcel in order.parcels
    }
    yield from _differ(after, "parcel told to Douyin", parcels, packs)


def _milestones(after: Aftermath) -> Iterator[str]:
    """At least once: finance has heard of what was paid, cancelled and signed for, and of nothing else."""
    accounts = after.stage.town.finance.accounts
    heard = {f"{id}/{milestone}" for id, account in accounts.items() for milestone in account.heard}
    told = {}
    for id, order in after.orders.items():
        if order.paid is not None:
            told[f"{id}/paid"] = id
        back = {each.transaction for each in order.refunds if each.stage is RefundStage.SUCCEEDED}
        if order.paid is not None and order.paid.transaction in back:
            told[f"{id}/refunded"] = id
        if order.cancelled:
            told[f"{id}/cancelled"] = id
        elif any(row.fact == "LinesSigned" and row.body["complete"] for row in after.facts[id]):
            told[f"{id}/signed"] = id
    yield from _differ(after, "milestone", told, heard, may_be_withdrawn=False)


def _differ(
    after: Aftermath, what: str, ours: Mapping[str, str], theirs: Iterable[str], may_be_withdrawn: bool = True
) -> Iterator[str]:
    """`ours` tells whose each is. What was not sent when its order was cancelled may have been withdrawn."""
    for missing in sorted(set(ours) - set(theirs)):
        if not (may_be_withdrawn and after.orders[ours[missing]].cancelled):
            yield f"{what} {missing} never took place"
    for stray in sorted(set(theirs) - set(ours)):
        yield f"{what} {stray} took place, and the centre does not know of it"


def asked_again(after: Aftermath) -> int:
    """How many effects were asked for, or looked up, after a first attempt whose outcome nobody knew."""
    town = after.stage.town
    deliveries = sum(each.times_created > 1 for each in town.warehouses.deliveries.values())
    milestones = sum(n > 1 for account in town.finance.accounts.values() for n in account.heard.values())
    return deliveries + milestones + sum(asked.method == "GET" for asked in town.asked)


# ---- stock and timers


def stock_findings(after: Aftermath) -> Iterator[str]:
    """Where a shelf holds another number than was counted there less what left it, or anything is still reserved."""
    left: Counter[tuple[str, str]] = Counter()
    for delivery in after.stage.town.warehouses.deliveries.values():
        for item in delivery.items:
            left[item.code, delivery.warehouse] += item.left
    for sku, stock in after.stock.items():
        for code, level in stock.levels.items():
            if level.on_hand != ON_HAND - left[sku, code]:
                yield f"{sku} in {code}: {level.on_hand} on hand, {left[sku, code]} of {ON_HAND} left"
            if level.reserved:
                yield f"{sku} in {code}: {level.reserved} still reserved"


def reaction_findings(after: Aftermath) -> Iterator[str]:
    """Where a fact was reacted to twice: the same cause in two transactions."""
    moments: dict[str, set[datetime]] = {}
    for row in (row for rows in after.facts.values() for row in rows if row.cause.startswith("fact:")):
        moments.setdefault(row.cause, set()).add(row.recorded_at)
    yield from (f"{cause} was carried out {len(at)} times" for cause, at in moments.items() if len(at) > 1)


def timer_findings(after: Aftermath) -> Iterator[str]:
    """Where a deadline did its work twice, or not at all."""
    for id, order in after.orders.items():
        counts = Counter(row.fact for row in after.facts[id])
        if counts["OrderCancelled"] + counts["OrderCompleted"] > 1:
            yield f"{id} ended {counts['OrderCancelled']} + {counts['OrderCompleted']} times"
        if order.own and counts["OrderCancelled"] + counts["OrderCompleted"] == 0:
            yield f"{id}: nobody ended it"
