"""A whole order centre without a store: the routes, states in a dict, reactions at once. Effects are kept, not sent.

It also checks on every decision what the bus relies on: a decision without facts carries nothing else, and folding
all facts of an aggregate from the start gives the state that was decided on.
"""

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tongdan.domain.fulfillment.commands import (
    ConfirmDelivery,
    CountStock,
    Package,
    PackageItem,
    RecordWmsProcess,
)
from tongdan.domain.kernel.ids import make_order_id
from tongdan.domain.kernel.keys import key_slot, kind_of
from tongdan.domain.kernel.messages import Command, Context, Decision, Effect, Fact, Person, Refusal, WakeUp
from tongdan.domain.kernel.policy import ChannelMap, Policy, Shop, Warehouse
from tongdan.domain.orders.commands import (
    NoteChannelEvent,
    PlaceOrder,
    RecordDetail,
    RecordPayment,
    RecordSettlement,
)
from tongdan.domain.orders.lines import Line
from tongdan.flow.aggregates import KINDS, WAKES
from tongdan.flow.routes import COMMANDS, REACTIONS
from tongdan.flow.routing import Recorded

NOON = datetime(2026, 1, 27, 4, tzinfo=UTC)
POLICY = Policy(
    shops={
        "mp-1": Shop(id="mp-1", channel="MP", native="mp-1", name="Own", legal_entity="E"),
        "dy-1": Shop(id="dy-1", channel="DY", native="323423", name="Douyin", legal_entity="E"),
    },
    channels={
        "DY": ChannelMap(
            code="DY",
            name_zh="抖音",
            name_en="Douyin",
            zone="Asia/Shanghai",
            statuses={
                "1": "created",
                "105": "paid_hold",
                "2": "paid",
                "101": "shipped",
                "3": "shipped",
                "4": "cancelled",
                "5": "completed",
                "21": "refunded",
            },
        )
    },
    warehouses={
        "EAST": Warehouse(code="EAST", name="East", partner="wms", regions=("浙江", "上海")),
        "SOUTH": Warehouse(code="SOUTH", name="South", partner="wms", regions=("广东",)),
        "NORTH": Warehouse(code="NORTH", name="North", partner="wms", regions=("北京",)),
    },
)
PERSON = Person(name="张三", phone="13800000000", province="浙江", city="杭州", detail="西湖路 1 号")


def after(seconds: float) -> datetime:
    """`seconds` after noon of the day all tests play on."""
    return NOON + timedelta(seconds=seconds)


def line(no: int = 1, sku: str = "SHIRT", units: int = 1, amount_fen: int = 9_900, native: str = "") -> Line:
    return Line(no=no, sku=sku, units=units, amount_fen=amount_fen, native=native)


Lane = tuple[int, int]


class Centre:
    """`send` a command; its facts are recorded and everything that follows from them has happened.

    `tell` records without reacting: what follows waits in lanes, one for each pair of slots, as in the relay. A lane
    keeps its order; `step` takes the next command of any one, `catch_up` does all that waits.
    """

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy = policy
        self.now = NOON
        self.states: dict[str, Any] = {}
        self.names: dict[tuple[str, ...], str] = {}
        self.journal: list[tuple[str, Fact]] = []
        self.effects: list[tuple[str, Effect]] = []
        self.people: dict[str, Person] = {}
        self.withdrawn: list[tuple[str, str]] = []
        self.lanes: dict[Lane, deque[Command]] = {}
        self._ids = 0

    # -- doing

    def send(self, command: Command) -> Decision | Refusal:
        """Decide and record one command, then everything that reacts to it; returns the command's own decision."""
        decision = self.tell(command)
        self.catch_up()
        return decision

    def tell(self, command: Command) -> Decision | Refusal:
        """Decide and record one command; what follows from it waits."""
        key, decision = self._decide(command)
        if isinstance(decision, Decision):
            self._record(key, decision)
        return decision

    def step(self, lane: Lane) -> None:
        """Do the next command that waits in this lane."""
        waiting = self.lanes[lane]
        decision = self.tell(waiting.popleft())
        assert isinstance(decision, Decision), f"a reaction was refused: {decision}"
        if not waiting:
            del self.lanes[lane]

    def catch_up(self) -> None:
        """Do everything that waits, and what follows from it."""
        for _ in range(100_000):
            if not self.lanes:
                return
            self.step(next(iter(self.lanes)))
        raise AssertionError("reactions go on for ever")

    def told(self, command: Command) -> list[str]:
        """`send`, which must not be refused; the names of the command's own facts."""
        decision = self.send(command)
        assert isinstance(decision, Decision), decision
        return [type(fact).__name__ for fact in decision.facts]

    def refused(self, command: Command) -> Refusal:
        """`tell`, which must be refused; nothing may have been recorded."""
        before = len(self.journal), len(self.effects), dict(self.states)
        refusal = self.tell(command)
        assert isinstance(refusal, Refusal), refusal
        assert before == (len(self.journal), len(self.effects), self.states)
        return refusal

    def wait(self, seconds: float) -> list[str]:
        """Let time pass, waking what is due on the way; the names of the facts of all wake-ups."""
        until = self.now + timedelta(seconds=seconds)
        told: list[str] = []
        for _ in range(10_000):
            due = [(at, key) for key, state in self.states.items() if (at := self.wake_at(key, state))]
            at, key = min(due, default=(until, ""))
            if not key or at > until:
                self.now = until
                return told
            self.now = max(self.now, at)
            told += self.told(WakeUp(key=key))
            assert told, f"waking {key} changed nothing"
        raise AssertionError("wakes up for ever")

    def wake_at(self, key: str, state: Any) -> datetime | None:
        return KINDS[kind_of(key)].wake_at(state)

    def _decide(self, command: Command) -> tuple[str, Decision | Refusal]:
        if isinstance(command, WakeUp):
            kind = KINDS[kind_of(command.key)]
            decide, key, creates = WAKES[kind.name], command.key, False
        else:
            route = COMMANDS[type(command)]
            target = route.target(command)
            decide, creates = route.decide, route.creates
            key = target.key or self.names.get(tuple(target.name or ()), "")
            if not key:
                assert creates and target.name is not None
                key = make_order_id(target.name.channel, "20260127", self._ids, target.slot)
                self._ids += 1
                self.names[tuple(target.name)] = key
        state = self.states.get(key)
        assert state is not None or creates, f"{type(command).__name__} names {key}, which does not exist"
        decision = decide(state, command, Context(self.now, key, self.policy, 1, marks=_marks(command)))
        if isinstance(decision, Refusal) and state is None:
            self.names = {name: known for name, known in self.names.items() if known != key}
        return key, decision

    def _record(self, key: str, decision: Decision) -> None:
        if not decision.facts:
            assert decision == Decision(), "a decision without facts carries nothing else"
            return
        kind = KINDS[kind_of(key)]
        for fact in decision.facts:
            self.states[key] = kind.evolve(self.states.get(key), fact)
        self.journal += [(key, fact) for fact in decision.facts]
        self.effects += [(key, effect) for effect in decision.effects]
        self.withdrawn += [(key, verb) for verb in decision.supersedes]
        if decision.person is not None:
            self.people[key] = decision.person
        for fact in decision.facts:
            self._react(key, fact)

    def _react(self, key: str, fact: Fact) -> None:
        slot, shop = key_slot(key), KINDS[kind_of(key)].shop(self.states[key])
        recorded = Recorded(key, slot, 1, 0, shop, True, self.now, fact)
        for reaction in REACTIONS:
            if reaction.on is type(fact):
                for command in reaction.to(fact, recorded):
                    lane = slot, COMMANDS[type(command)].target(command).slot
                    self.lanes.setdefault(lane, deque()).append(command)

    # -- looking

    def folded(self, key: str) -> Any:
        """The state as its facts give it, each having gone through its stored form."""
        kind, state = KINDS[kind_of(key)], None
        for at, fact in self.journal:
            if at == key:
                stored = msgspec.msgpack.decode(msgspec.msgpack.encode(fact), type=type(fact))
                state = kind.evolve(state, stored)
        return state

    def facts(self, key: str = "") -> list[str]:
        return [type(fact).__name__ for at, fact in self.journal if not key or at == key]

    def effects_of(self, verb: type[Effect]) -> list[Any]:
        return [effect for _, effect in self.effects if type(effect) is verb]

    def tickets(self) -> set[tuple[str, str]]:
        """(subject, kind) of the open tickets."""
        return {
            (state.subject, state.kind)
            for key, state in self.states.items()
            if kind_of(key) == "ticket" and state.open
        }

    def order(self, key: str) -> Any:
        return self.states[key]

    # -- what most tests begin with

    def stocked(self, **units: int) -> "Centre":
        """`SHIRT=5` puts five into the east warehouse, `SHIRT_SOUTH=5` into the south one."""
        for name, on_hand in units.items():
            sku, _, warehouse = name.partition("_")
            self.send(
                CountStock(sku=sku, warehouse=warehouse or "EAST", on_hand=on_hand, counted_at=self.now)
            )
        return self

    def placed(self, *lines: Line, native: str = "C-1", region: str = "浙江") -> str:
        """Place an own shop's order; returns its id."""
        self.told(place(*lines, native=native, region=region))
        return self.names["MP", "mp-1", native]


def _marks(command: Command) -> tuple[str, ...]:
    """What the loop makes of the people in a command, with readable tokens."""
    person: Person | None = getattr(command, "person", None)
    if person is None:
        return ()
    buyer = getattr(command, "buyer", "") or person.buyer
    return tuple(f"{kind}/{value}" for kind, value in (("phone", person.phone), ("buyer", buyer)) if value)


def place(
    *lines: Line, native: str = "C-1", buyer: str = "u-1", region: str = "浙江", **more: Any
) -> PlaceOrder:
    lines = lines or (line(),)
    sum_fen = sum(each.amount_fen for each in lines)
    return PlaceOrder(
        **{
            "channel": "MP",
            "shop": "mp-1",
            "native": native,
            "buyer": buyer,
            "lines": lines,
            "amount_fen": sum_fen,
            "placed_at": NOON,
            "region": region,
            "person": PERSON,
            **more,
        }
    )


def said(event: str, seconds: float, native_status: str = "", **more: Any) -> NoteChannelEvent:
    """A Douyin push about the order 4781, said at `seconds` after noon."""
    return NoteChannelEvent(
        **{
            "channel": "DY",
            "shop": "dy-1",
            "native": "4781",
            "event": event,
            "native_status": native_status,
            "said_at": after(seconds),
            **more,
        }
    )


def detail(*lines: Line, seconds: float = 5, status: str = "1", **more: Any) -> RecordDetail:
    """Douyin's detail of the order 4781, as of `seconds` after noon."""
    lines = lines or (line(native="N1"),)
    return RecordDetail(
        **{
            "channel": "DY",
            "shop": "dy-1",
            "native": "4781",
            "native_status": status,
            "said_at": after(seconds),
            "lines": lines,
            "amount_fen": sum(each.amount_fen for each in lines),
            "placed_at": NOON,
            "region": "浙江",
            "person": PERSON,
            **more,
        }
    )


def platform_order(centre: Centre) -> str:
    return centre.names["DY", "dy-1", "4781"]


def pay(order: str, amount_fen: int = 9_900) -> RecordPayment:
    return RecordPayment(order=order, attempt=1, transaction="T1", amount_fen=amount_fen, paid_at=after(60))


def left(
    shipment: str, waybill: str, *items: tuple[str, int], seconds: float = 100, final: bool = True
) -> Any:
    package = Package("SF", waybill, 500, tuple(PackageItem(sku, units) for sku, units in items))
    return ConfirmDelivery(
        shipment=shipment, warehouse="EAST", packages=(package,), final=final, confirmed_at=after(seconds)
    )


def signed(shipment: str, seconds: float = 200) -> RecordWmsProcess:
    return RecordWmsProcess(shipment=shipment, status="SIGN", operated_at=after(seconds))


def settled(order: str, amount_fen: int = 9_900, reference: str = "B1") -> RecordSettlement:
    return RecordSettlement(order=order, amount_fen=amount_fen, reference=reference, settled_at=after(300))
