"""Our stock beside what the warehouses' systems say: asked when somebody wants to see it, page after page, not kept.

Like labels it stands in no lane: what cannot be had now is refused by name, and asked for again. A listing that ends
early or repeats itself is refused whole, for half of one would make goods vanish.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.fulfillment.wms_stock import (
    MAX_ROWS,
    MAX_SKUS,
    NO_STOCK_QUERY,
    PAGE_ROWS,
    STOCK_UNAVAILABLE,
    TOO_MUCH_STOCK,
    UNKNOWN_WAREHOUSE,
    Compared,
    QueryStock,
    StockPage,
    Told,
    compared,
)
from tongdan.domain.kernel.keys import STOCK, stock_key
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.kernel.policy import Policy
from tongdan.ports import Actor, Clock, Done, Entropy, Errand, Failed, Reads

AT_ONCE: Final = 2  # comparisons being made by this process
PAGE_WITHIN_S: Final = 30.0
WHOLE_WITHIN_S: Final = 240.0
STEP: Final = 200  # states read before the loop may do something else


class StockDesk:
    def __init__(
        self, reads: Reads, actors: Iterable[Actor], policy: Policy, clock: Clock, entropy: Entropy
    ) -> None:
        self._reads: Final = reads
        self._actors: Final = {actor.partner: actor for actor in actors}
        self._policy: Final = policy
        self._clock: Final = clock
        self._entropy: Final = entropy
        self._turn: Final = asyncio.Semaphore(AT_ONCE)

    async def compare(self, warehouse: str, skus: Sequence[str]) -> list[Compared] | Refusal:
        """`warehouse` "": all; no `skus`: whatever either side has. By warehouse, then SKU. Changes nothing."""
        known = list(self._policy.warehouses)
        if warehouse and warehouse not in known:
            return UNKNOWN_WAREHOUSE.of(warehouse=warehouse[:64], known=", ".join(known))
        if len(skus) > MAX_SKUS:
            return _TOO_MUCH
        wanted = list(dict.fromkeys(skus))
        rows = list[Compared]()
        at = ""
        try:
            async with self._turn, asyncio.timeout(WHOLE_WITHIN_S):
                for at in [warehouse] if warehouse else known:
                    more = await self._compare_one(at, wanted, MAX_ROWS - len(rows))
                    if isinstance(more, Refusal):
                        return more
                    rows += more
        except TimeoutError:
            return STOCK_UNAVAILABLE.of(warehouse=at, reason="no answer in time")
        return rows

    async def _compare_one(self, warehouse: str, skus: Sequence[str], most: int) -> list[Compared] | Refusal:
        partner = f"wms/{warehouse}"
        actor = self._actors.get(partner)
        if actor is None or QueryStock not in actor.verbs:
            return NO_STOCK_QUERY.of(warehouse=warehouse)
        asked_at: datetime = self._clock.now()
        theirs = list[Told]()
        for sku in skus or [""]:
            more = await self._listed(actor, QueryStock(partner=partner, warehouse=warehouse, sku=sku), most)
            if isinstance(more, Refusal):
                return more
            theirs += more
        rows = compared(warehouse, theirs, await self._ours(warehouse, skus), skus, asked_at)
        return rows if len(rows) <= most else _TOO_MUCH

    async def _listed(self, actor: Actor, first: QueryStock, most: int) -> list[Told] | Refusal:
        told, rows, before = list[Told](), 0, StockPage(told=(), rows=0)
        for no in range(1, most // PAGE_ROWS + 2):
            page = await self._page(
                actor,
                QueryStock(partner=first.partner, warehouse=first.warehouse, sku=first.sku, page=no),
            )
            if isinstance(page, StockPage) and page.rows and page == before:
                page = Failed(f"page {no} says the same as the one before")
            if isinstance(page, StockPage) and not page.rows and rows < (page.total or 0):
                page = Failed(f"page {no} is empty, and {rows} of {page.total} rows have been told")
            if isinstance(page, Failed):
                return STOCK_UNAVAILABLE.of(warehouse=first.warehouse, reason=page.error[:200])
            told += page.told
            rows, before = rows + page.rows, page
            if not page.rows or (page.rows < PAGE_ROWS if page.total is None else rows >= page.total):
                return told
        return _TOO_MUCH

    async def _page(self, actor: Actor, effect: QueryStock) -> StockPage | Failed:
        aggregate = f"{STOCK}/{effect.sku}"
        id = f"stock/{effect.warehouse}/{self._entropy.token(8).hex()}"
        try:
            async with asyncio.timeout(PAGE_WITHIN_S):
                done = await actor.perform(Errand(id, aggregate, effect, 1, lambda: None))
        except TimeoutError:
            return Failed("no answer in time")
        if isinstance(done, Done):
            assert isinstance(done.found, StockPage)
            return done.found
        return done

    async def _ours(self, warehouse: str, skus: Sequence[str]) -> dict[str, int]:
        """On hand by SKU, where anything was ever counted in the warehouse."""
        states = (
            ((stock_key(sku), self._reads.order(stock_key(sku))) for sku in skus)
            if skus
            else self._reads.under(STOCK)
        )
        ours: dict[str, int] = {}
        for n, (_, stock) in enumerate(states, 1):
            if isinstance(stock, Stock) and (level := stock.levels.get(warehouse)) is not None:
                ours[stock.sku] = level.on_hand
            if n % STEP == 0:
                await self._clock.sleep(0)
        return ours


_TOO_MUCH: Final = TOO_MUCH_STOCK.of(limit=MAX_ROWS, skus=MAX_SKUS)
