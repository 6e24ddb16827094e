"""The table of contents is complete: nothing can be sent, told or reacted to that it does not know."""

from typing import Any

import msgspec
import pytest
from tests.domain.centre import NOON

from tongdan.domain.catalog import facts as catalog_facts
from tongdan.domain.catalog.model import Description, GiftCount, Offer, Sku
from tongdan.domain.confighealth import facts as health_facts
from tongdan.domain.confighealth import keeping, scanning
from tongdan.domain.fulfillment import commands as fulfillment_commands
from tongdan.domain.fulfillment import facts as fulfillment_facts
from tongdan.domain.fulfillment import folding, packing, quoting, stocking, untracked
from tongdan.domain.fulfillment import shipment as shipment_state
from tongdan.domain.fulfillment.quota import Quota
from tongdan.domain.fulfillment.stock import Stock
from tongdan.domain.guard import facts as guard_facts
from tongdan.domain.guard import limit_facts, limits, outage, outage_facts, risk
from tongdan.domain.kernel import messages
from tongdan.domain.kernel.messages import EFFECT_FACTS, Command, Effect, Fact
from tongdan.domain.notices import commands as notice_commands
from tongdan.domain.notices import facts as notice_facts
from tongdan.domain.notices import model as notice
from tongdan.domain.orders import commands as order_commands
from tongdan.domain.orders import evolve, model
from tongdan.domain.orders import facts as order_facts
from tongdan.domain.returns import folding as returns_folding
from tongdan.domain.returns.model import AfterSale
from tongdan.domain.sync import alias, dispute, epoch, kinds, pull, pull_facts, pulse, pulse_facts, ticket
from tongdan.domain.sync import commands as sync_commands
from tongdan.domain.sync import facts as sync_facts
from tongdan.flow.aggregates import KINDS, WAKES
from tongdan.flow.routes import COMMANDS, EFFECTS, FACTS, REACTIONS, UPCASTERS
from tongdan.flow.routing import never

# The loop handles these itself; it finds their aggregate by the effect or by the key to wake.
OF_THE_LOOP = {
    messages.WakeUp,
    messages.FinishEffect,
    messages.SkipEffect,
    messages.ReplayEffect,
    messages.RecordEffectFailure,
}


def below(base: type[Any]) -> set[type[Any]]:
    return {each for each in base.__subclasses__() if each.__module__.startswith("tongdan.domain.")}


def test_every_command_has_a_route() -> None:
    assert set(COMMANDS) == below(Command) - OF_THE_LOOP


def test_every_fact_and_effect_can_be_read_back_by_name() -> None:
    assert {fact for fact in below(Fact) if fact not in EFFECT_FACTS} == set(FACTS.values())
    assert all(FACTS[name].__name__ == name for name in FACTS)
    assert set(EFFECTS.values()) == below(Effect)


def test_every_fact_moves_exactly_one_kind() -> None:
    """Each kind's table of facts, taken together, is all facts; none stands in two."""
    of_orders = set(evolve._EVOLVE)
    of_shipments = set(folding._EVOLVE) | {fulfillment_facts.ShipmentPlanned}
    of_tables: set[type[Fact]] = set(packing._CHANGES) | {fulfillment_facts.PackingStarted}
    of_stock = set(stocking._EVOLVE) | set(quoting._EVOLVE)
    of_returns = set(returns_folding._EVOLVE)
    of_sync: set[type[Fact]] = {
        sync_facts.AliasClaimed,
        sync_facts.AliasContested,
        sync_facts.LetterParked,
        sync_facts.LetterDelivered,
        sync_facts.ClaimOverdue,
        sync_facts.TicketRaised,
        sync_facts.TicketResolved,
        sync_facts.EpochOpened,
        pull_facts.PullStarted,
        pull_facts.PullStopped,
        pull_facts.BackfillQueued,
        pull_facts.PageAsked,
        pull_facts.PageListed,
        pulse_facts.PulseTurned,
        pulse_facts.PulseLags,
        pulse_facts.PulseCaughtUp,
        *dispute.FACTS,
    }
    of_catalog: set[type[Fact]] = {
        catalog_facts.SkuDescribed,
        catalog_facts.BundleDefined,
        catalog_facts.SkuCosted,
        catalog_facts.OfferSeen,
        catalog_facts.OfferMatched,
        catalog_facts.MatchAwaited,
        catalog_facts.MatchFound,
        catalog_facts.GiftClaimed,
        catalog_facts.GiftExhausted,
        catalog_facts.GiftReturned,
    }
    of_notices: set[type[Fact]] = set(notice._EVOLVE) | {notice_facts.NoticePlanned}
    of_marks: set[type[Fact]] = {
        guard_facts.MarkChecked,
        guard_facts.MarkListed,
        guard_facts.MarkUnlisted,
        limit_facts.PurchaseCounted,
        limit_facts.PurchaseRefused,
        limit_facts.PurchaseReturned,
        outage_facts.OutageBegan,
        outage_facts.OutageResumed,
        outage_facts.OutageEnded,
        outage_facts.OutageCompensated,
    }
    of_untracked: set[type[Fact]] = {
        untracked.UntrackedCounted,
        untracked.UntrackedUncounted,
        untracked.ManyUntracked,
        untracked.UntrackedOver,
        untracked.KeyRefusalNoted,
    }
    of_health: set[type[Fact]] = set(keeping._EVOLVE) | {health_facts.HealthScanned}
    tables: list[set[type[Fact]]] = [
        of_orders, of_shipments, of_tables, of_stock, of_sync, of_catalog, of_notices, of_marks, of_returns,
        of_health, of_untracked
    ]  # fmt: skip
    assert {fact for table in tables for fact in table} == set(FACTS.values())
    assert sum(len(table) for table in tables) == len(FACTS)


STATES = {
    "order": model.Order(channel="DY", shop="s", native="1"),
    "shipment": folding.evolve(
        None,
        fulfillment_facts.ShipmentPlanned(
            order="O", channel="DY", shop="s", native="1", warehouse="W", items=(), region=""
        ),
    ),
    "after-sale": AfterSale(channel="DY", shop="s", native="1", number="7"),
    "packing": packing.Table(channel="DY", shop="s", members={}),
    "stock": Stock(sku="A"),
    "quota": Quota(sku="A"),
    "limit": limits.Limit(limit="s/b/A"),
    "sku": Sku(sku="A", description=Description(title="T")),
    "gift": GiftCount(rule="r"),
    "offer": Offer(channel="DY", shop="s", offer="1"),
    "mark": risk.Mark(mark="phone/t"),
    "alias": alias.Alias(alias="a", order="O"),
    "pull": pull.Pull(channel="DY", shop="s", read_to=NOON, next_at=None),
    "slot": epoch.Epochs(),
    "credential": keeping.Credential(task="sf/main"),
    "health": scanning.Board(),
    "untracked": untracked.Untracked(carrier="SF"),
    "notice": notice.Notice(order="O", shop="s", kind="shipped", about="1", happened_at=NOON, ways=()),
    "pulse": pulse.Pulse(partner="finance"),
    "outage": outage.Outages(partner="finance"),
    "ticket": ticket.Ticket(subject="O", kind="k", summary="", times=1, raised_at=NOON),
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_facts_about_effects_move_no_aggregate(kind: str) -> None:
    for fact in (
        messages.EffectSettled(effect="1.1.1.0", outcome="done"),
        messages.EffectDied(effect="1.1.1.0", verb="V", partner="p", error="e"),
        messages.EffectSkipped(effect="1.1.1.0", reason="r"),
        messages.EffectReplayed(effect="1.1.1.0", reason="r"),
    ):
        assert KINDS[kind].evolve(STATES[kind], fact) is STATES[kind]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fact_of_another_kind_is_an_error(kind: str) -> None:
    stray: Fact = sync_facts.AliasClaimed(alias="a", order="O")
    if kind == "alias":
        stray = order_facts.DetailOverdue()
    with pytest.raises(KeyError):
        KINDS[kind].evolve(STATES[kind], stray)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_states_survive_being_stored(kind: str) -> None:
    assert type(STATES[kind]) is KINDS[kind].state
    stored = msgspec.msgpack.encode(STATES[kind])
    assert msgspec.msgpack.decode(stored, type=KINDS[kind].state) == STATES[kind]


def test_reactions_hang_on_facts_that_exist_under_names_of_their_own() -> None:
    assert {reaction.on for reaction in REACTIONS} <= set(FACTS.values()) | EFFECT_FACTS
    assert len({reaction.name for reaction in REACTIONS}) == len(REACTIONS)


def test_only_kinds_with_deadlines_are_woken() -> None:
    for name, kind in KINDS.items():
        assert (name in WAKES) == (kind.wake_at is not never)


def test_upcasters_lead_to_the_version_of_today() -> None:
    for name, version in UPCASTERS:
        assert version < FACTS[name].version
        assert version + 1 == FACTS[name].version or (name, version + 1) in UPCASTERS
    for name, fact in FACTS.items():
        assert all((name, version) in UPCASTERS for version in range(1, fact.version))


def test_every_kind_of_ticket_has_words_in_both_languages() -> None:
    named = {value for name, value in vars(kinds).items() if name.isupper() and isinstance(value, str)}
    assert named <= set(kinds.WORDS)
    for en, zh in kinds.WORDS.values():
        assert en.isascii()
        assert not zh.isascii()
    worries = {
        value
        for module in (model, shipment_state, notice)
        for name, value in vars(module).items()
        if name.startswith("WORRY_")
    }
    assert worries <= named, "a worry that ends must resolve the ticket it raised"


ID = "DY20260127000892"


@pytest.mark.parametrize("order", ["", "DY1", f"{ID}-P1", f"{ID}-S1", f"{ID} "])
def test_what_is_no_order_id_leads_nowhere(order: str) -> None:
    command = order_commands.CompleteOrder(order=order)
    with pytest.raises(ValueError) as refused:
        COMMANDS[type(command)].target(command)
    assert str(refused.value) == order


@pytest.mark.parametrize("shipment", ["", ID, f"{ID}-P1", f"{ID}-R1"])
def test_what_is_no_shipment_id_leads_nowhere(shipment: str) -> None:
    command = fulfillment_commands.RecallShipment(shipment=shipment, reason="r")
    with pytest.raises(ValueError) as refused:
        COMMANDS[type(command)].target(command)
    assert str(refused.value) == shipment


def test_an_order_and_all_that_belongs_to_it_share_a_slot() -> None:
    commands: list[Command] = [
        order_commands.CompleteOrder(order=ID),
        fulfillment_commands.RecallShipment(shipment=f"{ID}-S1", reason="r"),
        sync_commands.RaiseTicket(subject=ID, kind="k", summary=""),
        sync_commands.RaiseTicket(subject=f"{ID}-S1", kind="k", summary=""),
        notice_commands.RecordNoticeSent(sending=f"{ID}/shipped/{ID}-S1.1/1", reference=""),
        notice_commands.ResendNotice(notice=f"notice/{ID}/shipped/{ID}-S1.1", reason=""),
        sync_commands.RaiseTicket(subject=f"notice/{ID}/shipped/{ID}-S1.1", kind="k", summary=""),
    ]
    assert {COMMANDS[type(each)].target(each).slot for each in commands} == {892 % 256}
