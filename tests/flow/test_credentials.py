"""A partner that does not take the key: the standby goes on in the same place of the lane, nothing is told twice."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.flow.errands import emit, finance, order_in, tell
from tests.flow.parties import Partner
from tests.flow.rig import findings, opened, virtual

from tongdan.domain.confighealth.commands import BindKey, PutKey, UnbindKey
from tongdan.domain.kernel.health import TEST, HealthPolicy
from tongdan.domain.kernel.keys import credential_key
from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.credential_desk import CredentialDesk
from tongdan.ports import Accepted, Clock, Done, Errand, Failed, NotForUse

TASK = "finance/main"


class Ring:
    """Keys in memory: `ports.KeyRing`."""

    is_sealed = True

    def __init__(self, *said: PutKey) -> None:
        self.held: dict[str, dict[str, PutKey]] = {}
        for each in said:
            self.put(each, {"secret": each.key})

    def keys(self) -> Mapping[str, Mapping[str, PutKey]]:
        return self.held

    def fields(self, task: str, key: str) -> Mapping[str, str]:
        return {"secret": self.held[task][key].key}

    def put(self, said: PutKey, fields: Mapping[str, str]) -> PutKey:
        self.held.setdefault(said.task, {})[said.key] = said
        return said


class Book:
    """`ports.UseBook` in memory."""

    def __init__(self) -> None:
        self.used: dict[str, object] = {}

    def note(self, task: str, key: str, at: object) -> None:
        self.used[f"{task}/{key}"] = at

    def last(self) -> Mapping[str, object]:
        return self.used

    def flush(self) -> None: ...


class Keyed:
    """A partner that takes some keys only; those that it turned away and those it took, in order."""

    def __init__(self, partner: Partner) -> None:
        self.partner = partner.partner
        self.verbs = partner.verbs
        self.inner = partner
        self.desk: CredentialDesk | None = None
        self.takes = {"main", "spare"}
        self.calls: list[tuple[str, bool]] = []
        self.turned_away_at: list[datetime] = []

    async def perform(self, errand: Errand) -> Done | Failed:
        assert self.desk is not None
        try:
            key = self.desk.calling.get(TASK)["secret"]
        except NotForUse as no:
            return Failed(no.refusal.name, partner_wide=True, retry_after_s=60)
        await self.inner.clock.sleep(0.05)
        self.calls.append((key, key in self.takes))
        if key not in self.takes:
            self.turned_away_at.append(self.inner.clock.now())
            return Failed("HTTP 401", partner_wide=True, turned_away=True)
        return await self.inner.perform(errand)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        return await self.inner.look_up(errand)


def key(name: str, *, standby: bool = False, environment: str = "production", mark: str = "") -> PutKey:
    return PutKey(
        task=TASK, key=name, fingerprint=mark or name, environment=environment, by="li", standby=standby
    )


class Stand:
    """The rig with finance behind a desk of keys."""

    def __init__(self, clock: Clock, *keys: PutKey) -> None:
        self.clock = clock
        self.ring = Ring(*keys)
        self.partner = finance(clock)
        self.keyed = Keyed(self.partner)

    def actor(self) -> "Lazily":
        return Lazily(self)


class Lazily:
    """The guarded actor; its desk needs the bus, which the rig makes."""

    def __init__(self, stand: Stand) -> None:
        self.partner = stand.keyed.partner
        self.verbs = stand.keyed.verbs
        self.stand = stand

    async def perform(self, errand: Errand) -> Done | Failed:
        assert self.stand.keyed.desk is not None
        return await self.stand.keyed.desk.guard(self.stand.keyed).perform(errand)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        assert self.stand.keyed.desk is not None
        return await self.stand.keyed.desk.guard(self.stand.keyed).look_up(errand)


async def desk_of(stand: Stand, rig: object, policy: HealthPolicy | None = None) -> CredentialDesk:
    bus, reads = rig.bus, rig.reads  # type: ignore[attr-defined]
    desk = CredentialDesk(
        bus, reads, stand.ring, Book(), {TASK: ""}, policy or HealthPolicy(), stand.clock  # type: ignore[arg-type]
    )  # fmt: skip
    stand.keyed.desk = desk
    await desk.start()
    return desk


@virtual
async def test_thirty_lanes_that_meet_a_frozen_key_at_once_switch_once_and_keep_their_order(
    clock: Clock, tmp_path: Path
) -> None:
    stand = Stand(clock, key("main"), key("spare", standby=True))
    async with opened(tmp_path / "data", clock, actors=[stand.actor()]) as rig:
        desk = await desk_of(stand, rig)
        orders = [await order_in(rig, str(n)) for n in range(30)]
        stand.keyed.takes = {"spare"}
        ids = [[(await emit(rig, order, tell(order)))[0] for _ in range(3)] for order in orders]
        await clock.sleep(60)
        assert stand.partner.happened == {id: 1 for lane in ids for id in lane}
        for lane in ids:
            assert [id for id in stand.partner.asked if id in lane] == lane
        rows = [row.fact for row in rig.reads.timeline(credential_key(TASK)) if row.fact.startswith("Key")]
        assert rows == ["KeyPut", "KeyBound", "KeyPut", "KeyFailed", "KeySwitched"]
        assert rig.runner.partners()["finance"] == ("closed", 0, 0)
        (ticket,) = rig.reads.tickets()
        assert (ticket.kind, ticket.subject) == ("credential-failed:main", credential_key(TASK))
        assert "finance/main/main → spare" in ticket.summary
        away = [name for name, took in stand.keyed.calls if not took]
        assert set(away) == {"main"} and len(away) <= 32  # what was under way, and no more
        # Somebody renews the key: the ticket closes, and it is not called with before it is bound.
        stand.keyed.takes = {"main", "spare"}
        assert isinstance(await desk.put(key("main", mark="renewed"), {"secret": "main"}, "test"), Accepted)
        await rig.quiet()
        assert rig.reads.tickets() == []
        assert isinstance(
            await desk.bind(BindKey(task=TASK, key="main", by="li", reason="r"), "test"), Accepted
        )
        await emit(rig, orders[0], tell(orders[0]))
        await clock.sleep(10)
        assert stand.keyed.calls[-1] == ("main", True)
    assert findings(tmp_path / "data") == []


@virtual
async def test_without_a_standby_lanes_wait_and_one_ticket_closes_by_itself(
    clock: Clock, tmp_path: Path
) -> None:
    stand = Stand(clock, key("main"))
    async with opened(tmp_path / "data", clock, actors=[stand.actor()]) as rig:
        await desk_of(stand, rig)
        orders = [await order_in(rig, str(n)) for n in range(10)]
        stand.keyed.takes = set()
        ids = [(await emit(rig, order, tell(order)))[0] for order in orders]
        await clock.sleep(600)
        assert rig.runner.partners()["finance"][0] != "closed"
        (ticket,) = rig.reads.tickets()
        assert (ticket.kind, ticket.times) == ("credential-failed:main", 1)
        stand.keyed.takes = {"main"}
        await clock.sleep(600)
        assert stand.partner.happened == dict.fromkeys(ids, 1)
        assert rig.reads.tickets() == []
        facts = [row.fact for row in rig.reads.timeline(credential_key(TASK)) if row.fact.startswith("Key")]
        assert facts == ["KeyPut", "KeyBound", "KeyFailed", "KeyRecovered"]


@pytest.mark.parametrize("spare", [True, False])
@virtual
async def test_a_key_that_is_refused_is_an_alert_within_a_minute_of_the_first_refusal(
    clock: Clock, tmp_path: Path, spare: bool
) -> None:
    """Also where hundreds wait and every commit is slow: whoever is alarmed has to hear of it before the rest."""
    stand = Stand(clock, key("main"), *([key("spare", standby=True)] if spare else []))
    async with opened(tmp_path / "data", clock, actors=[stand.actor()], commit_s=0.5) as rig:
        await desk_of(stand, rig)
        orders = [await order_in(rig, str(n)) for n in range(5)]
        stand.keyed.takes = {"spare"}
        for order in orders:
            await emit(rig, order, *[tell(order)] * 60)
        await clock.sleep(120)
        (ticket,) = rig.reads.tickets()
        assert ticket.kind == "credential-failed:main"
        assert ticket.raised_at - stand.keyed.turned_away_at[0] <= timedelta(seconds=60)
        assert sum(stand.partner.happened.values()) == (300 if spare else 0)


@virtual
async def test_a_test_key_is_not_called_with_however_it_came_to_be_bound(
    clock: Clock, tmp_path: Path
) -> None:
    stand = Stand(clock, key("main"))
    async with opened(tmp_path / "data", clock, actors=[stand.actor()]) as rig:
        desk = await desk_of(stand, rig)
        order = await order_in(rig, "1")
        stand.ring.held[TASK]["main"] = key("main", environment=TEST)  # behind everybody's back
        await clock.sleep(1)
        (id,) = await emit(rig, order, tell(order))
        await clock.sleep(30)
        assert stand.keyed.calls == [] and not stand.partner.happened[id]
        try:
            desk.get(TASK)
        except NotForUse as no:
            assert no.refusal.name == "wrong-environment" and "li" in no.refusal.en
        else:
            raise AssertionError("a test key was handed out")


@virtual
async def test_what_is_refused_writes_nothing_and_an_unbound_task_calls_with_none(
    clock: Clock, tmp_path: Path
) -> None:
    stand = Stand(clock, key("main"))
    async with opened(tmp_path / "data", clock, actors=[stand.actor()]) as rig:
        desk = await desk_of(stand, rig)
        await rig.quiet()
        before, held = rig.rows(), dict(stand.ring.held[TASK])
        refused = [
            await desk.bind(BindKey(task="sf/none", key="main", by="li", reason="r"), "test"),
            await desk.bind(BindKey(task=TASK, key="other", by="li", reason="r"), "test"),
            await desk.put(key("box", environment=TEST, standby=True), {"secret": "x"}, "test"),
        ]
        assert [each.name for each in refused if isinstance(each, Refusal)] == [
            "unknown-task", "unknown-key", "wrong-environment",
        ]  # fmt: skip
        assert rig.rows() == before and stand.ring.held[TASK] == held
        await desk.bind(UnbindKey(task=TASK, by="li", reason="closed"), "test")
        try:
            desk.get(TASK)
        except NotForUse as no:
            assert no.refusal.name == "no-key-bound"
        else:
            raise AssertionError("a key was handed out")
