"""Risk on real files: buyers are counted over slots and shards under tokens that tell nobody who they are."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.flow.parties import PERSON, count, pay, place
from tests.flow.rig import POLICY, as_after_a_crash, findings, opened, virtual

from tongdan.adapters.clock import SeededEntropy
from tongdan.adapters.vault import AesGcmVault
from tongdan.domain.guard.commands import ListMark
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.policy import HoldRule
from tongdan.flow.clues import mark_of, marks_of, own_number
from tongdan.ports import Clock

RULES = tuple(
    HoldRule(name=name, action="risk", name_en="why", name_zh="原因", **conditions)
    for name, conditions in (
        ("three", {"orders_at_least": 3, "within_s": 3_600, "by": ("phone",)}),
        ("listed", {"blacklisted": True}),
    )
)
RISKY = replace(POLICY, holds=RULES)


@virtual
async def test_one_phone_is_counted_over_all_slots_and_after_a_crash(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "0", clock, policy=RISKY) as rig:
        await rig.accepted(count(20))
        orders = [(await rig.accepted(place(f"A-{n}", buyer=f"user-{n}"))).aggregate for n in range(2)]
        copy = as_after_a_crash(tmp_path / "0", tmp_path / "1")
    async with opened(copy, clock, policy=RISKY) as rig:
        orders.append((await rig.accepted(place("A-2", buyer="user-2"))).aggregate)
        for order in orders:
            await rig.accepted(pay(order, f"T-{order}"))
        await rig.quiet()
        held = [order for order in orders if rig.state(order).holds]
        assert [rig.state(order).holds for order in held] == [("risk-three",)]
        assert sum(bool(rig.state(order).shipments) for order in orders) == 2
    assert findings(copy) == []


@virtual
async def test_a_mark_leads_to_its_buyer_only_with_the_key(clock: Clock, tmp_path: Path) -> None:
    async with opened(tmp_path / "0", clock, policy=RISKY) as rig:
        for mark in mark_of("phone", PERSON.phone, rig.vault):
            await rig.accepted(ListMark(mark=mark, reason="never pays"))
        order = (await rig.accepted(place(), raw=PERSON.phone.encode())).aggregate
        await rig.quiet()
        assert rig.state(order).holds == ("risk-listed",)
        rows = list(rig.reads.journal())
    assert {"MarkListed", "RiskAsked", "MarkChecked", "HeldByRule"} <= {row.fact for row in rows}
    told = "".join(str(row.body) + row.aggregate for row in rows)
    assert PERSON.phone not in told
    assert not any(PERSON.phone.encode() in file.read_bytes() for file in (tmp_path / "0").iterdir())


def test_a_buyer_is_known_again_under_every_generation_of_the_key_that_is_kept() -> None:
    old = AesGcmVault(bytes(32), SeededEntropy("a"))
    new = AesGcmVault(b"\1" * 32, SeededEntropy("a"), generation=2, older={1: bytes(32)})
    person = Person(phone="13800000000", buyer="b", payer="p", sealed={"open_address_id": "r"})
    before, after = marks_of(person, "", old), marks_of(person, "", new)
    assert [mark.partition("/")[0] for mark in before] == ["phone", "buyer", "payer", "receiver"]
    assert set(before) < set(after)
    assert len(after) == 2 * len(before)
    assert mark_of("phone", person.phone, new)[0] not in before  # what is listed now goes under the newest


@pytest.mark.parametrize(
    ("phone", "own"),
    [
        ("138-1234-1234", "13812341234"),
        ("+86 138 1234 1234", "13812341234"),
        ("0571-88888888", "057188888888"),
        ("18400913965-7576", ""),
        ("138****1234", ""),
        ("88888888", ""),
        ("", ""),
    ],
)
def test_only_a_number_of_ones_own_is_a_mark(phone: str, own: str) -> None:
    assert own_number(phone) == own
