"""Buyers who want something afterwards, and somebody who answers them, now and then too late.

A share of the orders that have left whole are applied for, at their platform, by line. A clerk looks at what waits four
times an hour, and answers most of it: agrees, pays back, refuses, or leaves it to the platform. What came of it is
compared case by case in `differences`: each is in the centre once, on its line, in its units, to the fen, as its
platform has it, and each answer did something once.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from tongdan.domain.kernel.keys import after_sale_alias, alias_key
from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.orders.model import Order
from tongdan.domain.returns.commands import AnswerAfterSale
from tongdan.domain.returns.facts import Answer
from tongdan.domain.returns.model import AfterSale
from tongdan.domain.sync.alias import Alias
from tongdan.labs.world import douyin, jd, kuaishou, pinduoduo, taobao
from tongdan.labs.world.after_sales import OVER, Case
from tongdan.labs.world.after_sales import AfterSales as Book
from tongdan.labs.world.douyin import DouyinOrder
from tongdan.labs.world.jd import JdOrder
from tongdan.labs.world.kuaishou import KuaishouOrder
from tongdan.labs.world.pinduoduo import PinduoduoOrder
from tongdan.labs.world.pinduoduo_api import sku_number
from tongdan.labs.world.sold import Sold, sold_units
from tongdan.labs.world.taobao import TaobaoTrade
from tongdan.labs.world.world import World
from tongdan.ports import CommandBus, Inbound, Reads
from tongdan.surfaces.after_sales import look

LOOKS_EVERY_S: Final = 900.0
MOST_LOOKS: Final = 1_500
# How each platform calls an order that has left whole.
LEFT: Final[Mapping[str, frozenset[int | str]]] = {
    "DY": frozenset({douyin.SHIPPED, douyin.FINISHED}),
    "PD": frozenset({pinduoduo.SHIPPED, pinduoduo.SIGNED}),
    "TB": frozenset({taobao.SHIPPED, taobao.FINISHED}),
    "JD": frozenset({jd.SHIPPED, jd.FINISHED}),
    "KS": frozenset({kuaishou.SIGNED, kuaishou.DONE}),  # it is shipped with its first parcel already
}


class AfterSaleDesk:
    """`share` of the orders are applied for. `answered` counts what the clerk did."""

    def __init__(self, world: World, bus: CommandBus, reads: Reads, share: float) -> None:
        self.answered: Final = Counter[str]()
        self._world: Final = world
        self._bus: Final = bus
        self._reads: Final = reads
        self._share: Final = share
        self._seen: Final = set[tuple[str, str]]()
        self._applied: Final = set[str]()

    def open(self) -> None:
        self._world.bustle.start(self._buyers())

    @property
    def cases(self) -> list[tuple[str, Case]]:
        """(channel, case)."""
        return [(code, case) for code, book in self._books.items() for case in book.cases.values()]

    @property
    def _books(self) -> dict[str, Book]:
        """Of the platforms whose after-sales are kept."""
        words = {code: gateway.after_sales for code, gateway in self._world.platforms.gateways.items()}
        return {code: each.book for code, each in words.items() if each is not None}

    async def _buyers(self) -> None:
        """Until all that was applied for is over, or nothing more is to be expected."""
        for _ in range(MOST_LOOKS):
            await self._world.setting.clock.sleep(LOOKS_EVERY_S)
            for code, book in self._books.items():
                for order in list(self._world.platforms.by_code[code].orders.values()):
                    self._may_apply(code, book, order)
            await self._clerk()
            if self._world.setting.clock.monotonic() > 3 * 86_400 and all(
                case.stage in OVER for _, case in self.cases
            ):
                return

    def _may_apply(self, code: str, book: Book, order: Sold) -> None:
        left = getattr(order, "status", None) or getattr(order, "state", None)
        if order.id in self._applied or left not in LEFT[code]:
            return
        self._applied.add(order.id)
        stream = self._world.setting.stream("applies", order.id)
        if stream.chance(self._share):
            line, units, amount_fen = stream.pick(_lines(order))
            some = stream.whole(1, units) if units else 0
            part_fen = amount_fen * some // units if units else amount_fen
            back = bool(units) and stream.chance(0.5)
            book.apply(order.id, line, some, part_fen, back=back)

    async def _clerk(self) -> None:
        for shown in look(self._reads, limit=200).found:
            if (key := (shown.id, shown.stage.name)) in self._seen or not shown.options:
                continue
            self._seen.add(key)
            stream = self._world.setting.stream("clerk", *key)
            drawn = stream.uniform()
            if drawn < 0.2:
                self.answered["left"] += 1
                continue
            answer = Answer.REFUSE if drawn < 0.35 else Answer(shown.options[0].answer)
            how = self._world.policy.channels[shown.channel].after_sale
            reason = next(iter(how.reasons), "") if how is not None else ""
            if answer is Answer.REFUSE and not reason:
                answer = Answer(shown.options[0].answer)
            await self._answer(shown.id, shown.shop, answer, reason)

    async def _answer(self, id: str, shop: str, answer: Answer, reason: str) -> None:
        now = self._world.setting.clock.now()
        command = AnswerAfterSale(
            after_sale=id,
            answer=answer,
            reason=reason if answer is Answer.REFUSE else "",
            note="商品已发出" if answer is Answer.REFUSE else "",
            address="900" if answer is Answer.AGREE else "",
        )
        reply = await self._bus.ask(
            Inbound(
                command=command,
                key=("world", "clerk", id, answer.value, now.isoformat()),
                source="world/clerk",
                shop=shop,
                happened_at=now,
                raw=b"{}",
            )
        )
        self.answered[reply.name if isinstance(reply, Refusal) else answer.value] += 1

    # ---- what came of it

    def differences(self) -> list[str]:
        """Where centre and platforms differ; empty when all is well."""
        return [
            f"{code} {case.number}: {what}" for code, case in self.cases for what in self._differs(code, case)
        ]

    def _differs(self, code: str, case: Case) -> Iterator[str]:
        shop = self._world.shops[code].id
        alias = self._reads.order(alias_key(after_sale_alias(code, shop, case.number)))
        if not isinstance(alias, Alias) or not alias.order:
            yield f"not in the centre ({case.stage})"
            return
        state, order_id = self._reads.order(alias.order), self._reads.find(code, shop, case.order)
        order = self._reads.order(order_id or "")
        assert isinstance(state, AfterSale) and isinstance(order, Order)
        if not alias.order.startswith(f"{order_id}-A") or alias.contested:
            yield f"leads to {alias.order}, not to an after-sale of {order_id}"
        if sum(each.number == case.number for each in order.after_sales) != 1:
            yield "not once on its order"
        said = (str(state.stage), str(state.kind), state.amount_fen)
        if said != (case.stage, case.kind, case.amount_fen):
            yield f"{(case.stage, case.kind, case.amount_fen)} there, {said} here"
        units = {each.line: each.units for each in state.units}
        names = {each.line.no: each.line.native for each in order.lines}
        if case.line and {names[line]: n for line, n in units.items()} != {case.line: case.units}:
            yield f"{case.line} × {case.units} there, {units} here"
        back = sum(each.amount_fen for each in order.platform_refunds if each.reference == case.number)
        if back != (case.amount_fen if case.stage == "refunded" else 0):
            yield f"{back} fen seen to go back"
        taken = [f"{each.stage} {each.answer}" for each in state.answers if each.taken]
        if len(case.effects) != len(set(case.effects)) or not set(case.effects) <= set(taken):
            yield f"{case.effects} there, {taken} here"
        if any(each.taken is None for each in state.answers):
            yield "an answer is still under way"


def _lines(order: Sold) -> list[tuple[str, int, int]]:
    """(the platform's name of a line, units, fen)."""
    if isinstance(order, DouyinOrder):
        return [(child.id, child.line.units, child.amount_fen) for child in order.children]
    if isinstance(order, TaobaoTrade):
        return [(each.oid, each.line.units, each.line.amount_fen) for each in order.lines]
    if isinstance(order, PinduoduoOrder):
        return [(str(sku_number(line)), sold_units(line), line.amount_fen) for line in order.basket.lines]
    if isinstance(order, KuaishouOrder):
        article, *_ = order.parts
        return [(article.id, article.units, article.line.amount_fen)]
    assert isinstance(order, JdOrder)
    return [("", 0, order.amount_fen)]
