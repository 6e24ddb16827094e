"""What has happened to a notice. Where it goes is personal data and stands in no fact: adapters open it to send."""

from datetime import datetime

from tongdan.domain.kernel.messages import Effect, Fact
from tongdan.domain.kernel.notices import Way


class NoticePlanned(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The buyer is to be told, in the first of `ways` that succeeds; from `send_at` on where hours are quiet."""

    order: str
    shop: str
    kind: str
    about: str
    happened_at: datetime
    ways: tuple[Way, ...]
    carrier: str = ""
    waybill: str = ""
    amount_fen: int = 0
    send_at: datetime | None = None


class NoticeSending(Fact, frozen=True, kw_only=True):
    """It goes to a provider as the `no`-th sending, by `ways[way]`. What has not been taken by `give_up_at` goes on."""

    no: int
    way: int
    means: str
    give_up_at: datetime


class NoticeSent(Fact, frozen=True, kw_only=True):
    """The provider has taken it under `reference`; whether it arrived is asked for at `check_at`, unless it is told."""

    no: int
    means: str
    reference: str
    sent_at: datetime
    check_at: datetime


class NoticeReceiptAsked(Fact, frozen=True, kw_only=True):
    """No receipt came, so it was asked for, for the `times`-th time."""

    no: int
    times: int
    check_at: datetime


class NoticeDelivered(Fact, frozen=True, kw_only=True):
    """The buyer has it. `ends` names the tickets whose cause is gone."""

    no: int
    delivered_at: datetime
    ends: tuple[str, ...] = ()


class NoticeMissed(Fact, frozen=True, kw_only=True):
    """A sending led to nothing. `certain` False: it may have arrived, nobody knows. `last`: there is no further way,
    so a person has to look; otherwise the next is taken at once, or at `again_at` where hours are quiet.
    """

    no: int
    means: str
    reason: str
    certain: bool
    last: bool
    again_at: datetime | None = None


class NoticeWithheld(Fact, frozen=True, kw_only=True):
    """It is not sent at all, for it is nobody's: the buyer was erased."""

    no: int
    reason: str
    ends: tuple[str, ...] = ()


class NoticeResent(Fact, frozen=True, kw_only=True):
    """A person has it sent again, from the first way on."""

    reason: str
    ways: tuple[Way, ...]


class SendNotice(Effect, frozen=True, kw_only=True):
    """Tell the buyer. Irreversible. `values`: the template's names → texts without personal data."""

    sending: str
    shop: str
    template: str
    language: str
    values: dict[str, str]
    signature: str = ""
    page: str = ""


class AskReceipt(Effect, frozen=True, kw_only=True):
    """Ask the provider what became of a sending it took on the day of `sent_at`. A read: natural."""

    sending: str
    reference: str
    sent_at: datetime
