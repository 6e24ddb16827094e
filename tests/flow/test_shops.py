"""One shop's client reaches its own orders only: another shop's order is to it as if it did not exist."""

from pathlib import Path

import msgspec
from tests.flow.parties import place
from tests.flow.rig import opened, virtual

from tongdan.domain.kernel.messages import Refusal
from tongdan.domain.orders.commands import CancelOrder
from tongdan.ports import Accepted, Clock


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
