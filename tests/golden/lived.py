"""What aggregates live through in the tests of the domain: for each type of fact a short history that has it.

So whatever a domain test tells comes into the golden journal by itself. What only the loop, a restore or a channel's
listing brings about is told here.
"""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.domain.centre import NOON, POLICY, Centre

from tongdan.domain.confighealth.facts import (
    Finding,
    HealthScanned,
    KeyBound,
    KeyFailed,
    KeyPut,
    KeyRecovered,
    KeySwitched,
    KeyUnbound,
    KeyWarmed,
)
from tongdan.domain.guard.outage_facts import (
    Cause,
    OutageBegan,
    OutageCompensated,
    OutageEnded,
    OutageResumed,
)
from tongdan.domain.kernel.keys import kind_of
from tongdan.domain.kernel.lost import Lost
from tongdan.domain.kernel.messages import EffectDied, EffectReplayed, EffectSettled, EffectSkipped, Fact
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.orders.confirmation.facts import RefundCalledOff
from tongdan.domain.orders.facts import (
    HeldAfterRestore,
    OrderAnnounced,
    OrderRecovered,
    OrderResurfaced,
    PaymentAwaited,
)
from tongdan.domain.orders.model import WORRY_LOST
from tongdan.domain.orders.money.refund_facts import RefundRequested
from tongdan.domain.orders.remark_facts import ToldAgain
from tongdan.domain.returns.facts import AfterSaleOpened, PayBackFailed
from tongdan.domain.sync.dispute_facts import (
    DifferenceFound,
    RepairChosen,
    RepairGivenUp,
    RepairTried,
    SideAgrees,
)
from tongdan.domain.sync.facts import EpochOpened
from tongdan.domain.sync.pull_facts import (
    BackfillQueued,
    Listed,
    PageAsked,
    PageListed,
    PullStarted,
    PullStopped,
    Reading,
)
from tongdan.domain.sync.pulse_facts import PulseCaughtUp, PulseLags, PulseTurned

History = tuple[str, tuple[Fact, ...]]  # an aggregate's key, and its facts from the first on

DOMAIN = Path(__file__).parents[1] / "domain"
_ORDER_ID = re.compile(r"(?<![A-Z0-9])([A-Z]{2})(20\d{6})(\d{6,})")
_LATER = NOON + timedelta(hours=1)
_SPAN = Reading(job=0, since=NOON, until=_LATER)
_EFFECT = "97.1.1.0"
ALONE: tuple[History, ...] = (
    (
        "pull/DY/dy-1",
        (
            PullStarted(channel="DY", shop="dy-1", read_to=NOON, next_at=NOON),
            BackfillQueued(no=1, since=NOON, until=_LATER, next_at=NOON),
            PageAsked(reading=_SPAN, asked_at=_LATER),
            PageListed(
                reading=_SPAN, orders=(Listed(native="5001", said_at=NOON),), then=None, next_at=_LATER
            ),
            PullStopped(),
        ),
    ),
    (
        "pulse/finance",
        (
            PulseTurned(partner="finance", before="green", colour="red"),
            PulseLags(partner="finance", lag_s=700),
            PulseCaughtUp(partner="finance", ends=("pulse-lags",)),
        ),
    ),
    (
        "outage/finance",
        (
            OutageBegan(
                partner="finance", no=1, cause=Cause.KEY_REFUSED, error="HTTP 401", since=NOON, began_at=NOON
            ),
            OutageEnded(partner="finance", no=1, ended_at=_LATER),
            OutageResumed(
                partner="finance", no=1, cause=Cause.NO_ANSWER, error="no answer", resumed_at=_LATER
            ),
            OutageEnded(partner="finance", no=1, ended_at=_LATER),
            OutageCompensated(
                partner="finance",
                no=1,
                resent=3,
                found=1,
                left=1,
                lanes=2,
                lanes_broken=0,
                compensated_at=_LATER,
            ),
        ),
    ),
    (
        "ticket/DY20260127000097/differs-status",
        (
            DifferenceFound(
                subject="DY20260127000097",
                kind="differs-status",
                field="status",
                partner="finance",
                ours="signed",
                theirs="paid",
                status="signed",
                impossible=False,
                record="carrier",
                repair="tell",
                owner="finance",
                raised_at=NOON,
                repair_by=_LATER,
            ),
            RepairTried(partner="finance", field="status", repair="tell", no=1, again_at=_LATER),
            RepairGivenUp(partner="finance", owner="finance"),
            RepairChosen(partner="finance", choice="tell", reason="told by phone"),
            SideAgrees(partner="finance", seen_at=_LATER),
        ),
    ),
    (
        "DY20260127000353",
        (
            OrderAnnounced(channel="DY", shop="dy-1", native="5002", detail_by=_LATER),
            ToldAgain(partner="finance", what=("paid",)),
        ),
    ),
    (
        "slot/7",
        (EpochOpened(backup="b-1", lost=Lost(since=NOON, until=_LATER, ranges={"MP20260127": (3, 1_003)})),),
    ),
    (
        "MP20260127000263",
        (
            OrderResurfaced(channel="MP"),
            OrderRecovered(ends=(WORRY_LOST,)),
            PaymentAwaited(pay_by=_LATER),
            RefundRequested(
                refund=1,
                attempt=1,
                transaction="T-1",
                amount_fen=100,
                adds_fen=100,
                reason="goodwill",
                check_at=_LATER,
            ),
            RefundCalledOff(refund=1, amount_fen=100),
        ),
    ),
    (
        "credential/sf/main",
        (
            KeyPut(
                task="sf/main",
                key="first",
                fingerprint="ab12",
                environment="production",
                put_at=NOON,
                by="ops",
            ),
            KeyPut(
                task="sf/main",
                key="second",
                fingerprint="cd34",
                environment="production",
                put_at=NOON,
                by="ops",
                standby=True,
                expires_on=date(2026, 12, 31),
                idle_days=7,
                allow=("192.0.2.1",),
                certificate_until=_LATER,
            ),
            KeyBound(task="sf/main", key="first", before="", by="ops", reason="new", bound_at=NOON),
            KeyWarmed(task="sf/main", key="first", warmed_at=NOON),
            KeyFailed(
                task="sf/main",
                key="first",
                partner="carrier/SF",
                error="A1001",
                successor="second",
                failed_at=_LATER,
            ),
            KeySwitched(task="sf/main", key="second", before="first", switched_at=_LATER),
            KeyRecovered(task="sf/main", key="first", recovered_at=_LATER),
            KeyUnbound(task="sf/main", before="second", by="ops", reason="closed", unbound_at=_LATER),
        ),
    ),
    (
        "health/board",
        (
            HealthScanned(
                no=1,
                findings=(
                    Finding(
                        check="expiry", severity="grave", about="sf/main/first", detail="2 days", until=_LATER
                    ),
                ),
                fine=3,
                by="ops",
                scanned_at=NOON,
            ),
        ),
    ),
    (
        "DY20260127000097",
        (
            OrderAnnounced(channel="DY", shop="dy-1", native="5001", detail_by=_LATER),
            HeldAfterRestore(),
            EffectDied(effect=_EFFECT, verb="FetchDetail", partner="channel/DY/dy-1", error="never"),
            EffectReplayed(effect=_EFFECT, reason="mended"),
            EffectSkipped(effect=_EFFECT, reason="told by phone"),
            EffectSettled(effect=_EFFECT, outcome="RecordDetail"),
        ),
    ),
    (
        "MP20260127000097-A1",
        (
            AfterSaleOpened(channel="MP", shop="mp-1", native="N-1", number="A-1", said_at=NOON),
            PayBackFailed(problem="nothing-to-refund"),
        ),
    ),
)


class Harvest:
    """A pytest plugin that keeps what the centres of a run have told."""

    def __init__(self) -> None:
        self.histories: list[History] = []
        self._centres: list[Centre] = []

    def pytest_configure(self) -> None:
        begin, centres = Centre.__init__, self._centres

        def kept(centre: Centre, policy: Policy = POLICY) -> None:
            begin(centre, policy)
            centres.append(centre)

        Centre.__init__ = kept  # type: ignore[method-assign,assignment]

    def pytest_runtest_teardown(self) -> None:
        for centre in self._centres:
            told: dict[str, list[Fact]] = {}
            for key, fact in centre.journal:
                told.setdefault(key, []).append(fact)
            self.histories += [(key, tuple(facts)) for key, facts in told.items()]
        self._centres.clear()


def histories() -> list[History]:
    """The shortest history of each fact that is not in one chosen before it; no two of one aggregate.

    Tests that draw their cases are left out, so the same tests give the same journal.
    """
    harvest = Harvest()
    quietly = ["-q", "-p", "no:cacheprovider", "--ignore-glob=*test_any_*", "--hypothesis-seed=0"]
    if pytest.main([str(DOMAIN), *quietly], plugins=[harvest]) != 0:
        raise SystemExit("the tests of the domain have to pass")
    shortest: dict[type[Fact], History] = {}
    for history in harvest.histories:
        for fact in history[1]:
            known = shortest.get(type(fact))
            if known is None or len(history[1]) < len(known[1]):
                shortest[type(fact)] = history
    chosen: dict[str, History] = {key: (key, facts) for key, facts in ALONE}
    told = {type(fact) for _, facts in ALONE for fact in facts}
    for fact_type in sorted(shortest, key=lambda each: (-len(shortest[each][1]), each.__name__)):
        if fact_type not in told:
            key, facts = shortest[fact_type]
            told.update(map(type, facts))
            key = _fresh(key, chosen)
            chosen[key] = (key, facts)
    return list(chosen.values())


def _fresh(key: str, taken: dict[str, History]) -> str:
    """The key, or one like it of another day or name. Histories of different tests were told of the same orders."""
    fresh, n = key, 0
    while fresh in taken:
        n += 1
        day = (date(2026, 2, 1) + timedelta(days=n)).strftime("%Y%m%d")
        fresh = _ORDER_ID.sub(rf"\g<1>{day}\g<3>", key)
        if fresh == key:
            fresh = f"{key}~{n}"
    assert kind_of(fresh) == kind_of(key)
    return fresh
