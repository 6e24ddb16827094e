"""A carrier freezes its key at midnight: pushes fail, the standby takes over, and every parcel has one number."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.world.seeded import run_day
from tests.world.stage import START
from tests.world.test_waybills import books, seller_numbers

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.adapters.credentials_sealed import SealedRing
from tongdan.adapters.master_key import open_vault
from tongdan.domain.confighealth.commands import PutKey
from tongdan.domain.confighealth.keeping import Credential
from tongdan.domain.kernel.keys import credential_key
from tongdan.labs.world.in_process import Pair
from tongdan.profile import MASTER_KEY, SEALED, seal_credentials

TASK = "sf/main"
SPARE = {"partner_id": "SPARE-1", "check_word": "the-check-word-of-the-spare-key"}
MIDNIGHT = START + timedelta(hours=16)  # in China


def sealed(data: Path) -> None:
    seal_credentials(data, "li")
    entropy = SystemEntropy()
    ring = SealedRing(data / SEALED, open_vault(data / MASTER_KEY, entropy), entropy, SystemClock())
    said = PutKey(task=TASK, key="spare", fingerprint="", environment="production", by="li", standby=True)
    ring.put(said, SPARE)


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return seller_numbers(tmp_path / "numbers")


class Frozen:
    """From `at` on SF takes the spare key only (A1004: it has no code of its own for a frozen one)."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.numbers_before = 0

    def __call__(self, pair: Pair) -> None:
        sf: Any = pair.world.sf
        clock, account = pair.world.clock, sf._account

        def freeze() -> None:
            self.numbers_before = len(pair.world.carrier.numbers.by_key)
            sf._account = {**account, **SPARE}

        clock.call_later((self.at - clock.now()).total_seconds(), freeze)


def shown(pair: Pair) -> tuple[Counter[str], Credential, list[Any]]:
    reads = pair.centre.reads
    rows = [row for row in reads.journal() if row.aggregate == credential_key(TASK)]
    state = reads.order(credential_key(TASK))
    assert isinstance(state, Credential)
    tickets = [each for each in reads.tickets(open_only=False) if each.subject == credential_key(TASK)]
    return Counter(row.fact for row in rows), state, tickets


def test_the_standby_takes_over_and_every_push_takes_effect_once(data: Path, conf: Path) -> None:
    frozen = Frozen(MIDNIGHT)

    def look(pair: Pair) -> None:
        facts, state, tickets = shown(pair)
        assert facts == {"KeyPut": 2, "KeyBound": 1, "KeyFailed": 1, "KeySwitched": 1}
        assert state.bound == "spare" and state.keys["main"].failed_at is not None
        assert [(each.kind, each.open) for each in tickets] == [("credential-failed:main", True)]
        failed_at = state.keys["main"].failed_at
        assert failed_at <= tickets[0].raised_at <= failed_at + timedelta(seconds=60)
        made = len(pair.world.carrier.numbers.by_key)
        assert 0 < frozen.numbers_before < made  # some before, some after
        counted, wrong = books(pair)
        assert wrong == []
        assert sum(counted.values()) == made

    day = run_day(
        data, seed=3, orders=12, faults=0.0, outages=0, conf=conf, before=frozen, after=look,
        prepare=sealed,
    )  # fmt: skip
    assert day.ledger.holds
    assert day.counts["effects_outstanding"] == day.counts["dead_letters"] == 0
    assert day.findings == []
