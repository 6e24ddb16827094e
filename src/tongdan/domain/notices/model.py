"""The state of a notice: one thing that one buyer is told once, whatever is lost or repeated on the way.

A provider's yes is not the buyer's: a notice counts as delivered with its receipt alone. What fails goes on in the next
way; what fails in the last, or of which nobody learns, is a ticket, and a receipt that comes after all heals it.
"""

from collections.abc import Callable
from datetime import datetime
from enum import IntEnum
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from tongdan.domain.kernel.machine import Machine
from tongdan.domain.kernel.messages import EFFECT_FACTS, Fact
from tongdan.domain.kernel.notices import Way
from tongdan.domain.notices import facts as f

MAX_SENDINGS: Final = 20
WORRY_MISSED: Final = "notice-missed"


class NoticeStage(IntEnum):
    """UNKNOWN: it may have arrived; nobody has said so."""

    WAITING = 0
    SENDING = 1
    SENT = 2
    DELIVERED = 3
    FAILED = 4
    UNKNOWN = 5
    WITHHELD = 6


_N = NoticeStage
# What came after all outweighs what was given up; only a person begins again where there is no further way.
NOTICE_STAGES: Final = Machine(
    "notice",
    _N.WAITING,
    finals=frozenset({_N.DELIVERED, _N.FAILED, _N.UNKNOWN, _N.WITHHELD}),
    edges={
        _N.WAITING: frozenset({_N.SENDING, _N.DELIVERED}),
        _N.SENDING: frozenset(
            {_N.WAITING, _N.SENDING, _N.SENT, _N.DELIVERED, _N.FAILED, _N.UNKNOWN, _N.WITHHELD}
        ),
        _N.SENT: frozenset({_N.WAITING, _N.SENDING, _N.DELIVERED, _N.FAILED, _N.UNKNOWN, _N.WITHHELD}),
        _N.UNKNOWN: frozenset({_N.SENT, _N.SENDING, _N.DELIVERED, _N.FAILED, _N.WITHHELD}),
        _N.FAILED: frozenset({_N.SENDING, _N.DELIVERED}),
    },
)


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`no` counts its sendings, the last of which goes by `ways[way]`; `reference` is the provider's number of it.

    `due_at`: what it waits for (the end of quiet hours, the provider, the receipt) is given up then; `asked`: how often
    a receipt was asked for; `reason`: why the last sending led to nothing; `worried`: a ticket is open about it.
    """

    order: str
    shop: str
    kind: str
    about: str
    happened_at: datetime
    ways: tuple[Way, ...]
    carrier: str = ""
    waybill: str = ""
    amount_fen: int = 0
    stage: NoticeStage = NoticeStage.WAITING
    no: int = 0
    way: int = 0
    reference: str = ""
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    due_at: datetime | None = None
    asked: int = 0
    reason: str = ""
    worried: bool = False

    @property
    def means(self) -> str:
        return self.ways[self.way].means


def wake_at(notice: Notice) -> datetime | None:
    return notice.due_at


def evolve(notice: Notice | None, fact: Fact) -> Notice:
    """The state after `fact`. Raises KeyError for a fact that is none of a notice's."""
    if type(fact) is f.NoticePlanned:
        return Notice(
            order=fact.order,
            shop=fact.shop,
            kind=fact.kind,
            about=fact.about,
            happened_at=fact.happened_at,
            ways=fact.ways,
            carrier=fact.carrier,
            waybill=fact.waybill,
            amount_fen=fact.amount_fen,
            due_at=fact.send_at,
        )
    assert notice is not None
    if type(fact) in EFFECT_FACTS:
        return notice
    return _EVOLVE[type(fact)](notice, fact)


def _moved(notice: Notice, to: NoticeStage, **more: Any) -> Notice:
    return replace(notice, stage=NOTICE_STAGES.step(notice.stage, to), **more)


def _sending(notice: Notice, fact: f.NoticeSending) -> Notice:
    return _moved(
        notice,
        _N.SENDING,
        no=fact.no,
        way=fact.way,
        due_at=fact.give_up_at,
        reference="",
        sent_at=None,
        asked=0,
    )


def _sent(notice: Notice, fact: f.NoticeSent) -> Notice:
    return _moved(
        notice, _N.SENT, reference=fact.reference, due_at=fact.check_at, sent_at=fact.sent_at, reason=""
    )


def _missed(notice: Notice, fact: f.NoticeMissed) -> Notice:
    if not fact.last:
        to = _N.WAITING if fact.again_at is not None else notice.stage
        return replace(notice, stage=to, way=notice.way + 1, reason=fact.reason, due_at=fact.again_at)
    to = _N.FAILED if fact.certain else _N.UNKNOWN
    return _moved(notice, to, reason=fact.reason, due_at=None, worried=True)


_EVOLVE: Final[dict[type[Fact], Callable[[Notice, Any], Notice]]] = {
    f.NoticeSending: _sending,
    f.NoticeSent: _sent,
    f.NoticeReceiptAsked: lambda notice, fact: replace(notice, asked=fact.times, due_at=fact.check_at),
    f.NoticeDelivered: lambda notice, fact: _moved(
        notice, _N.DELIVERED, delivered_at=fact.delivered_at, due_at=None, worried=False, reason=""
    ),
    f.NoticeMissed: _missed,
    f.NoticeWithheld: lambda notice, fact: _moved(
        notice, _N.WITHHELD, due_at=None, worried=False, reason=fact.reason
    ),
    f.NoticeResent: lambda notice, fact: replace(notice, ways=fact.ways),
}
