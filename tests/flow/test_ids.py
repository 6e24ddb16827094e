"""Ids: over channels, days, slots, restarts and crashes no two orders ever get the same one."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.flow.parties import place, say
from tests.flow.rig import NOON, SHARDS, Rig, as_after_a_crash, virtual
from tests.scratch import scratch

from tongdan.adapters.clock import run_virtual
from tongdan.domain.kernel.ids import business_day, parse
from tongdan.domain.kernel.keys import key_slot
from tongdan.domain.kernel.messages import Command
from tongdan.domain.kernel.slots import slot_of
from tongdan.ports import Accepted, Clock, Inbound

CHANNELS = ("DY", "MP", "TB")
BUYERS = ("u1", "u2", "u3")  # few, so that slots are shared

_orders = st.lists(
    st.tuples(st.sampled_from(CHANNELS), st.sampled_from(BUYERS), st.booleans()), min_size=1, max_size=12
)
_steps = st.lists(
    st.one_of(_orders, st.sampled_from(["a day passes", "restart", "crash"])), min_size=1, max_size=8
)


def order(channel: str, buyer: str, pushed: bool, n: int) -> Command:
    """The n-th order, placed by a buyer or pushed by the platform."""
    return say(str(n), channel=channel) if pushed else place(f"N-{n}", buyer=buyer, channel=channel)


async def check(clock: Clock, folder: Path, steps: list[object]) -> None:
    data, n, given_out = folder / "0", 0, list[str]()
    rig = Rig(data, clock)
    for step in steps:
        if step == "a day passes":
            await clock.sleep(86_400)
        elif isinstance(step, str):
            left = as_after_a_crash(data, folder / str(n := n + 1)) if step == "crash" else data
            await rig.stop()
            data, rig = left, Rig(left, clock)
        else:
            assert isinstance(step, list)
            messages: list[Inbound] = []
            for channel, buyer, pushed in step:
                messages.append(rig.inbound(order(channel, buyer, pushed, n := n + 1)))
            for (channel, buyer, pushed), reply in zip(step, await rig.submit(*messages), strict=True):
                assert isinstance(reply, Accepted)
                parsed = parse(reply.aggregate)
                assert parsed is not None
                assert (parsed.channel, parsed.order) == (channel, reply.aggregate)
                assert parsed.slot == reply.slot == key_slot(reply.aggregate)
                assert pushed or parsed.slot == slot_of("user", "mp-1", buyer)
                assert reply.aggregate[2:10] == f"{business_day(clock.now()):%Y%m%d}"
                assert len(reply.aggregate) >= 16
                given_out.append(reply.aggregate)
    await rig.stop()
    assert len(given_out) == len(set(given_out))


@settings(max_examples=25)
@given(_steps)
def test_ids_never_collide(steps: list[object]) -> None:
    with scratch() as folder:
        run_virtual(lambda clock: check(clock, Path(folder), steps), NOON)


@virtual
async def test_the_day_of_an_id_is_that_of_utc_plus_8(clock: Clock, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "data", clock)
    assert (await rig.accepted(place("A-1"))).aggregate.startswith("MP20260127")
    await clock.sleep(12 * 3_600 - 1)  # one second before midnight in Shanghai
    assert (await rig.accepted(place("A-2"))).aggregate.startswith("MP20260127")
    await clock.sleep(1)
    assert (await rig.accepted(place("A-3"))).aggregate.startswith("MP20260128")
    await rig.stop()


@virtual
async def test_an_id_grows_beyond_six_digits(clock: Clock, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "data", clock)
    slot = slot_of("user", "mp-1", "user-1")
    shard = rig.bus.own_shard(slot % SHARDS)
    shard.heads.counters[slot, "MP", "20260127"] = 10**6
    order_id = (await rig.accepted(place("A-1"))).aggregate
    parsed = parse(order_id)
    assert parsed is not None
    assert (len(order_id), parsed.slot) == (19, slot)
    assert (await rig.accepted(place("A-2"))).aggregate > order_id
    await rig.stop()
