"""A day of ours beside finance's: our side from the audit trail, theirs asked for page by page or given from a file.

Nothing of it is kept. Only orders that differ are looked at one by one, so a day of many orders costs a walk over the
trail and two lists; who lays two wrong lists side by side is told so instead of being given thousands of causes.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from tongdan.domain.finance.books import (
    MAX_ENTRIES,
    PAID,
    PLACED,
    BooksPage,
    Compared,
    Counted,
    Entry,
    ListBooks,
    Terms,
    by_order,
    compare,
    span,
)
from tongdan.domain.finance.bridge import Bridge, bridge
from tongdan.domain.finance.causes import Case, Evidence, Finding, explain, wanted
from tongdan.domain.finance.refusals import (
    FINANCE_UNAVAILABLE,
    NO_FINANCE_LIST,
    NOTHING_ALIKE,
    TOO_MUCH_LISTED,
    UNKNOWN_SHOP,
)
from tongdan.domain.kernel.ids import business_day, parse
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.orders.goods.delivery import FINANCE
from tongdan.flow.finance_evidence import evidence_of
from tongdan.ports import Actor, Clock, Entropy, Errand, Failed, Reads, Told

AT_ONCE: Final = 1  # days being compared by this process
PAGE_WITHIN_S: Final = 30.0
WHOLE_WITHIN_S: Final = 240.0
SKEW: Final = timedelta(hours=1)  # how far a partner's clock may be ahead of the one that records
MAX_LOOKED_AT: Final = 5_000  # differences of one day
STEP: Final = 200
_FACTS: Final = {PAID: ("OrderPaid",), PLACED: ("OrderCreated", "OrderDetailed")}
_ONE_DAY: Final = timedelta(days=1)


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """`asked_at`: when finance's list was drawn."""

    day: date
    shop: str
    asked_at: datetime
    terms: Terms
    compared: Compared
    findings: tuple[Finding, ...]
    bridge: Bridge
    evidence: Mapping[str, Evidence]


class FinanceDesk:
    def __init__(
        self,
        reads: Reads,
        actors: Iterable[Actor],
        policy: Policy,
        terms: Terms,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._reads: Final = reads
        self._actor: Final = next((each for each in actors if each.partner == FINANCE), None)
        self._policy: Final = policy
        self._terms: Final = terms
        self._clock: Final = clock
        self._entropy: Final = entropy
        self._turn: Final = asyncio.Semaphore(AT_ONCE)

    async def reconcile(
        self, day: date, shop: str = "", entries: Sequence[Entry] | None = None
    ) -> Reconciled | Refusal:
        """`entries`: finance's, of whatever days; None: it is asked for this day and those beside it."""
        if shop and shop not in self._policy.shops:
            return UNKNOWN_SHOP.of(shop=shop[:64], known=", ".join(self._policy.shops))
        try:
            async with self._turn, asyncio.timeout(WHOLE_WITHIN_S):
                return await self._reconcile(day, shop, entries)
        except TimeoutError:
            return FINANCE_UNAVAILABLE.of(reason="no answer in time")

    async def _reconcile(self, day: date, shop: str, given: Sequence[Entry] | None) -> Reconciled | Refusal:
        asked_at = self._clock.now()
        around = (day - _ONE_DAY, day, day + _ONE_DAY)
        theirs = list(given) if given is not None else await self._asked(around)
        if isinstance(theirs, Refusal):
            return theirs
        ours = await self._ours(day, shop)
        theirs = await self._named(theirs)
        listed = frozenset(around if given is None else {day, *[each.day for each in theirs]})
        compared = compare(day, ours, [each for each in theirs if each.day == day and self._of(each, shop)])
        names = wanted(compared)
        if len(names) > MAX_LOOKED_AT:
            return NOTHING_ALIKE.of(n=len(names), limit=MAX_LOOKED_AT, day=day.isoformat())
        evidence = await self._evidence(names)
        case = Case(
            day=day, terms=self._terms, compared=compared, listed=listed, elsewhere=by_order(theirs),
            evidence=evidence,
        )  # fmt: skip
        findings = tuple(explain(case))
        return Reconciled(
            day=day, shop=shop, asked_at=asked_at, terms=self._terms, compared=compared, findings=findings,
            bridge=bridge(compared, findings), evidence=evidence,
        )  # fmt: skip

    # -- our side

    async def _ours(self, day: date, shop: str) -> list[Counted]:
        """A platform's word that an order is paid comes before its detail, with which comes the sum."""
        begin, _ = span(day)
        found, sums = list[Counted](), dict[str, int]()
        for fact in _FACTS[self._terms.moment]:
            for rows in self._reads.telling(fact, begin - SKEW):
                found += [
                    each for row in rows if (each := _counted(fact, row, day)) and shop in ("", each.shop)
                ]
                await self._clock.sleep(0)
        if any(not each.amount_fen for each in found):
            for rows in self._reads.telling("OrderDetailed", begin - SKEW):
                sums.update({row.aggregate: int(str(row.body["amount_fen"])) for row in rows})
                await self._clock.sleep(0)
        return [
            each if each.amount_fen else replace(each, amount_fen=sums.get(each.order, 0)) for each in found
        ]

    async def _evidence(self, orders: Sequence[str]) -> dict[str, Evidence]:
        found: dict[str, Evidence] = {}
        for n, order in enumerate(orders, 1):
            known = evidence_of(self._reads, self._policy, order, self._terms.moment)
            if known is not None:
                found[order] = known
            if n % STEP == 0:
                await self._clock.sleep(0)
        return found

    # -- theirs

    async def _asked(self, days: Sequence[date]) -> list[Entry] | Refusal:
        entries = list[Entry]()
        for day in days:
            more = await self._listed(day, MAX_ENTRIES - len(entries))
            if isinstance(more, Refusal):
                return more
            entries += more
        return entries

    async def _listed(self, day: date, most: int) -> list[Entry] | Refusal:
        entries, cursor, seen = list[Entry](), "", {""}
        while True:
            page = await self._page(ListBooks(partner=FINANCE, day=day, cursor=cursor))
            if isinstance(page, Refusal):
                return page
            entries += page.entries
            cursor = page.cursor
            if not cursor:
                return entries
            if cursor in seen:
                return FINANCE_UNAVAILABLE.of(reason=f"the list of {day} goes in circles")
            if len(entries) > most:
                return TOO_MUCH_LISTED.of(limit=MAX_ENTRIES)
            seen.add(cursor)

    async def _page(self, effect: ListBooks) -> BooksPage | Refusal:
        if self._actor is None or ListBooks not in self._actor.verbs:
            return NO_FINANCE_LIST.of()
        id = f"books/{effect.day}/{self._entropy.token(8).hex()}"
        try:
            async with asyncio.timeout(PAGE_WITHIN_S):
                done = await self._actor.perform(Errand(id, FINANCE, effect, 1, lambda: None))
        except TimeoutError:
            done = Failed("no answer in time")
        if isinstance(done, Failed):
            return FINANCE_UNAVAILABLE.of(reason=done.error[:200])
        assert isinstance(done.found, BooksPage)
        return done.found

    def _of(self, entry: Entry, shop: str) -> bool:
        return shop in ("", entry.shop) or (not entry.shop and shop == self._shop_of(entry.order))

    def _shop_of(self, order: str) -> str:
        return str(getattr(self._reads.order(order), "shop", "")) if order else ""

    async def _named(self, entries: Sequence[Entry]) -> list[Entry]:
        """With the order that each is about: by our id, or by its number in the shop it names, or in any."""
        named = list[Entry]()
        for n, each in enumerate(entries, 1):
            named.append(each if each.order else replace(each, order=self._order(each)))
            if n % STEP == 0:
                await self._clock.sleep(0)
        return named

    def _order(self, entry: Entry) -> str:
        parsed = parse(entry.name)
        if parsed is not None and not parsed.part:
            return parsed.order
        shops = sorted(self._policy.shops.values(), key=lambda shop: shop.id != entry.shop)
        found = (self._reads.find(shop.channel, shop.id, entry.name) for shop in shops)
        return next((order for order in found if order is not None), "")


def _counted(fact: str, row: Told, day: date) -> Counted | None:
    """None: it is another day's. A fact of the payment carries the sum that was paid, one of the order its price."""
    said = row.body.get("paid_at" if fact == "OrderPaid" else "placed_at")
    at = datetime.fromisoformat(said) if isinstance(said, str) else said
    if not isinstance(at, datetime) or business_day(at) != day:
        return None
    return Counted(order=row.aggregate, shop=row.shop, amount_fen=int(str(row.body["amount_fen"])), at=at)
