"""A day beside finance's as it is shown, over the API, on the command line and in a file; and telling finance again.

Repairs are commands like any other, named after the day and the order, so that a second click does nothing more.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

import msgspec

from tongdan.domain.finance.causes import Cause
from tongdan.domain.kernel.messages import Command, ReplayEffect
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.domain.orders.money.telling import TellFinanceAgain
from tongdan.flow.finance_desk import Reconciled
from tongdan.ports import Inbound
from tongdan.surfaces.finance_words import sentences, titles

SOURCE: Final = "reconcile"
HEADINGS: Final = (
    "cause 原因", "order 订单", "name at finance 财务单号", "shop 店铺", "ours 我方金额", "finance 财务金额",
    "why 说明", "evidence 证据",
)  # fmt: skip


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the audit trail."""

    slot: int
    epoch: int
    seq: int
    fact: str
    at: datetime


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one cause makes of the difference (finance less ours)."""

    cause: str
    title: str
    title_zh: str
    found: int
    orders: int
    amount_fen: int


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """`ours_fen` None: not counted here that day; `theirs_fen` None: not there. `name` is finance's for it. `mends`:
    telling finance again is certainly right; `effect`: the dead letter that would be sent."""

    cause: str
    order: str
    name: str
    shop: str
    ours_fen: int | None
    theirs_fen: int | None
    why: str
    why_zh: str
    evidence: list[Place]
    mends: bool
    effect: str = ""
    line: int = 0


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """Both counts, the steps from ours to finance's, and every difference. `residue` is what nothing explains."""

    day: date
    shop: str
    asked_at: datetime
    moment: str
    ours: int
    ours_fen: int
    theirs: int
    theirs_fen: int
    matched: int
    steps: list[Step]
    residue: int
    residue_fen: int
    differences: list[Difference]


def sheet_of(found: Reconciled) -> Sheet:
    led = found.bridge
    steps = [
        Step(
            cause=each.cause.value, title=titles(each.cause)[0], title_zh=titles(each.cause)[1], found=each.found,
            orders=each.orders, amount_fen=each.amount_fen,
        )
        for each in led.steps
    ]  # fmt: skip
    return Sheet(
        day=found.day, shop=found.shop, asked_at=found.asked_at, moment=found.terms.moment,
        ours=led.ours[0], ours_fen=led.ours[1], theirs=led.theirs[0], theirs_fen=led.theirs[1],
        matched=len(found.compared.matched), steps=steps,
        residue=led.residue.found, residue_fen=led.residue.amount_fen,
        differences=list(_differences(found)),
    )  # fmt: skip


def _differences(found: Reconciled) -> Iterator[Difference]:
    for each in found.findings:
        known = found.evidence.get(each.order)
        why, why_zh = sentences(each)
        yield Difference(
            cause=each.cause.value,
            order=each.order if known is not None else "",
            name=each.entry.name if each.entry is not None else "",
            shop=known.shop if known is not None else each.entry.shop if each.entry is not None else "",
            ours_fen=each.ours_fen,
            theirs_fen=each.theirs_fen,
            why=why,
            why_zh=why_zh,
            evidence=[
                Place(slot=at.slot, epoch=at.epoch, seq=at.seq, fact=at.fact, at=at.at) for at in each.cited
            ],
            mends=each.mends,
            effect=each.says.get("effect", "") if each.cause is Cause.DEAD_LETTER else "",
            line=each.entry.line if each.entry is not None else 0,
        )


def repair(sheet: Sheet, difference: Difference, now: datetime) -> Inbound:
    """What tells finance again: the dead letter, or the milestone anew. The same for the same day and order."""
    reason = f"reconciled {sheet.day.isoformat()}: {difference.cause}"
    command: Command = TellFinanceAgain(order=difference.order, reason=reason)
    if difference.effect:
        command = ReplayEffect(effect=difference.effect, reason=reason)
    return Inbound(
        command=command,
        key=(SOURCE, sheet.day.isoformat(), difference.order, difference.effect),
        source=SOURCE,
        shop="",
        happened_at=now,
        raw=msgspec.json.encode(difference),
    )


def rows_of(sheet: Sheet) -> Iterator[list[str]]:
    """The sheet as the rows of a file, its headings first; sums are yuan."""
    yield [
        f"{sheet.day} {sheet.shop}", "", "", "", f"{sheet.ours} / {yuan_from_fen(sheet.ours_fen)}",
        f"{sheet.theirs} / {yuan_from_fen(sheet.theirs_fen)}", "", "",
    ]  # fmt: skip
    yield list(HEADINGS)
    words = {step.cause: f"{step.title} {step.title_zh}" for step in sheet.steps}
    for each in sheet.differences:
        cited = " ".join(f"{at.slot}.{at.epoch}.{at.seq}:{at.fact}" for at in each.evidence)
        yield [
            words[each.cause], each.order, each.name, each.shop, _yuan(each.ours_fen), _yuan(each.theirs_fen),
            f"{each.why} {each.why_zh}", cited,
        ]  # fmt: skip


def _yuan(fen: int | None) -> str:
    return "" if fen is None else yuan_from_fen(fen)
