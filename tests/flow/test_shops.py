"""One shop's client reaches its own orders only: another shop's order is to it as if it did not exist."""

from pathlib import Path

import msgspec
from tests.flow.parties import place
from tests.flow.rig import findings, opened, virtual

from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.orders.commands import CancelOrder, PlaceOrder
from tongdan.ports import Accepted, Clock, NotUnderstood


@virtual
async def test_another_shop_s_order_is_refused_as_unknown_and_nothing_is_written(
    clock: Clock, tmp_path: Path
) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        order = (await rig.accepted(place(shop="mp-1"))).aggregate
        await rig.quiet()
        before = rig.rows()
        stranger = msgspec.structs.replace(
            rig.inbound(CancelOrder(order=order, reason="not mine")), shop="mp-watched"
        )
        reply = await rig.bus.ask(stranger)
        assert isinstance(reply, Refusal)
        assert (reply.name, reply.status) == ("unknown-id", 404)
        assert rig.rows() == before
        owner = msgspec.structs.replace(rig.inbound(CancelOrder(order=order, reason="mine")), shop="mp-1")
        assert isinstance(await rig.bus.ask(owner), Accepted)
        assert rig.facts(order)[-1] == "OrderCancelled"


@virtual
async def test_nothing_is_done_outside_for_a_shop_that_is_only_watched(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        paid = {shop: (await rig.accepted(free_of_charge(shop))).aggregate for shop in ("mp-1", "mp-watched")}
        await rig.quiet()
        assert all("OrderPaid" in rig.facts(order) for order in paid.values())
        outstanding = [effect.agg for store in rig.readers for effect, _ in store.outstanding()]
        assert paid["mp-1"] in outstanding
        assert paid["mp-watched"] not in outstanding
    assert findings(tmp_path / "data") == []


def free_of_charge(shop: str) -> PlaceOrder:
    """An order of nothing but a gift: it counts as paid at once, and finance is told."""
    order = place(shop=shop)
    (line,) = order.lines
    gift = msgspec.structs.replace(line, amount_fen=0)
    return msgspec.structs.replace(order, lines=(gift,), amount_fen=0)


@virtual
async def test_what_was_not_understood_is_a_ticket(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "data", clock) as rig:
        odd = NotUnderstood(source="channel/douyin", reason="expected a JSON object", raw=b"[]", shop="dy-1")
        assert await rig.submit(odd) == []
        (ticket,) = rig.reads.tickets()
        assert (ticket.kind, ticket.open) == ("not-understood", True)
        assert ticket.summary == "channel/douyin dy-1 expected a JSON object"
