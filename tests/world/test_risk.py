"""Every rule on, in the seeded world: orders are held, let go by time, and the day ends as well as without."""

import shutil
from collections import Counter
from pathlib import Path

from tests.world.seeded import run_day
from tests.world.unhurried import unhurried

from tongdan.labs.world.in_process import Pair

RULES = """
- {name: big, action: review, name_en: big, name_zh: 大额, amount_above_fen: 5000, lift_after_s: 600}
- {name: again, action: risk, name_en: again, name_zh: 再来, orders_at_least: 2, within_s: 86400, lift_after_s: 900}
- {name: new, action: risk, name_en: new, name_zh: 新客, first_order: true, lift_after_s: 300}
- {name: black, action: risk, name_en: black, name_zh: 黑名单, blacklisted: true}
- {name: moved, action: review, name_en: moved, name_zh: 改址, address_changed: true, lift_after_s: 300}
"""


def test_a_day_under_every_rule_ends_well(data: Path, tmp_path: Path) -> None:
    conf = Path(shutil.copytree(unhurried(), tmp_path / "conf"))
    (conf / "holds.yml").write_text(RULES)
    facts: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    waiting: list[str] = []

    def count(pair: Pair) -> None:
        for row in pair.centre.reads.journal():
            facts[row.fact] += 1
            if row.fact == "HeldByRule":
                rules[str(row.body["rule"])] += 1
        waiting.extend(row.id for row in pair.centre.reads.orders(limit=1_000) if _checks(pair, row.id))

    day = run_day(data, seed=4, orders=40, faults=0.5, conf=conf, after=count)
    assert day.ledger.holds
    assert facts["RiskAsked"] > 0
    assert facts["RiskAnswered"] == facts["MarkChecked"]
    assert {"big", "new"} <= set(rules) and "black" not in rules
    assert waiting == []
    assert day.findings == []


def _checks(pair: Pair, id: str) -> bool:
    return bool(getattr(pair.centre.reads.order(id), "checks", ()))
