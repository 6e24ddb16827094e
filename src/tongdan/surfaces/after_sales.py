"""After-sales as a person looks at them: which wait, what each is about, and what every possible answer would do.

They are found by the names channels have for them, so a page is read in the order of channel, shop and number; a look
is bounded, and says where the next begins.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from tongdan.adapters.partners.channel_after_sales import VERBS
from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.keys import AFTER_SALE, ALIAS, alias_key
from tongdan.domain.kernel.messages import Context, Decision, Effect, Refusal
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.refusals import UNKNOWN_ID
from tongdan.domain.returns.answering import answer_after_sale, possible
from tongdan.domain.returns.commands import AnswerAfterSale
from tongdan.domain.returns.facts import (
    AgreeToRefund,
    AgreeToReturn,
    Answer,
    LineUnits,
    RefuseAfterSale,
    SendReplacement,
)
from tongdan.domain.returns.model import AfterSale, Given
from tongdan.domain.sync.alias import Alias
from tongdan.ports import Reads
from tongdan.surfaces.words import AFTER_SALE_KINDS, AFTER_SALE_STAGES, ANSWERS

MOST_LOOKED_AT: Final = 2_000  # names of one look
_EFFECTS: Final[dict[Answer, type[Effect]]] = {
    Answer.AGREE: AgreeToReturn,
    Answer.REFUND: AgreeToRefund,
    Answer.REFUSE: RefuseAfterSale,
    Answer.SEND: SendReplacement,
}


class Words(msgspec.Struct, frozen=True):
    name: str
    en: str
    zh: str


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is possible now. `undo`: reversible, compensable or irreversible; "own": nobody else is told."""

    answer: str
    does: str
    does_zh: str
    undo: str
    repeat: str


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An after-sale. `waits`: the seller is to act, by `decide_by` where the platform decides after that."""

    id: str
    order: str
    channel: str
    shop: str
    native: str
    number: str
    kind: Words
    stage: Words
    native_stage: str
    amount_fen: int
    units: tuple[LineUnits, ...]
    waits: bool
    decide_by: datetime | None
    applied_at: datetime | None
    said_at: datetime | None
    carrier: str
    waybill: str
    tracked: str
    worries: tuple[str, ...]
    answers: tuple[Given, ...]
    options: tuple[Option, ...]


class Look(NamedTuple):
    """A page; `after` is where the next begins, "" at the end."""

    found: list[Shown]
    after: str


def look(reads: Reads, *, shop: str = "", waiting: bool = True, after: str = "", limit: int = 50) -> Look:
    """What waits for the seller, or all; at most MOST_LOOKED_AT names are looked at."""
    found: list[Shown] = []
    key = ""
    for n, (key, id) in enumerate(_named(reads, after)):
        if n >= MOST_LOOKED_AT or len(found) >= limit:
            return Look(found, key)
        state = reads.order(id)
        if isinstance(state, AfterSale) and shop in ("", state.shop) and (state.waits or not waiting):
            found.append(show(id, state))
    return Look(found, "")


def _named(reads: Reads, after: str) -> Iterator[tuple[str, str]]:
    """(a key that comes right before, the after-sale's id)."""
    before = after
    for key, state in reads.under(f"{ALIAS}/{AFTER_SALE}", after):
        if isinstance(state, Alias) and state.order:
            yield before, state.order
        before = key


def find(reads: Reads, id: str) -> AfterSale | Refusal:
    """By its id, or by `CHANNEL/SHOP/NUMBER`."""
    parsed = parse(id)
    state = reads.order(id) if parsed is not None and parsed.part == "A" else None
    return state if isinstance(state, AfterSale) else UNKNOWN_ID.of(id=id[:64])


def id_of(reads: Reads, named: str) -> str:
    """The id for what a channel calls `CHANNEL/SHOP/NUMBER`; anything else stands for itself."""
    state = reads.order(alias_key(f"{AFTER_SALE}/{named}")) if named.count("/") == 2 else None
    return state.order if isinstance(state, Alias) and state.order else named


def show(id: str, state: AfterSale) -> Shown:
    kind = ("unknown", "未知") if state.kind is None else AFTER_SALE_KINDS[state.kind]
    stage = ("being asked for", "查询中") if state.stage is None else AFTER_SALE_STAGES[state.stage]
    return Shown(
        id=id,
        order=id.rpartition("-")[0],
        channel=state.channel,
        shop=state.shop,
        native=state.native,
        number=state.number,
        kind=Words("" if state.kind is None else state.kind.value, *kind),
        stage=Words("" if state.stage is None else state.stage.value, *stage),
        native_stage=state.native_stage,
        amount_fen=state.amount_fen,
        units=state.units,
        waits=state.waits,
        decide_by=state.decide_by,
        applied_at=state.applied_at,
        said_at=state.said_at,
        carrier=state.carrier,
        waybill=state.waybill,
        tracked=state.tracked,
        worries=state.worries,
        answers=state.answers,
        options=tuple([_option(state, each) for each in possible(state)]),
    )


def _option(state: AfterSale, answer: Answer) -> Option:
    verb = VERBS[_EFFECTS[answer]]
    en, zh = ANSWERS[answer]
    return Option(
        answer=answer.value,
        does=en,
        does_zh=zh,
        undo=verb.undo.value,
        repeat="own" if state.own else verb.repeat.value,
    )


def tried(
    id: str, state: AfterSale, command: AnswerAfterSale, policy: Policy, now: datetime
) -> Decision | Refusal:
    """The decision that would be taken now, by the function that will take it."""
    return answer_after_sale(state, command, Context(now, id, policy, 0))
