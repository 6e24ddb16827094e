"""Notices to buyers as policy: which event of which shop is told in which ways, in which language, and when it is not.

The words are shared because the configuration, the deciders and the providers' adapters all name them.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

SMS: Final = "sms"
WECHAT_MINI: Final = "wechat-mini"  # a subscription message of a mini-program
MEANS: Final = (SMS, WECHAT_MINI)
# Of these a receipt that does not come can be asked for; WeChat knows no such question.
ASKABLE: Final = frozenset({SMS})

KINDS: Final = ("shipped", "signed", "refunded", "delayed", "cancelled")
FIELDS: Final = ("order", "shop", "carrier", "waybill", "amount", "at")  # what a template may be filled with
DAY_MINUTES: Final = 1_440


class Way(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One way to tell a buyer. `fields`: the provider's template's names → ours; `signature` is an SMS's,
    `page` what a mini-program opens."""

    means: str
    template: str
    language: str = "zh"
    fields: dict[str, str] = {}
    signature: str = ""
    page: str = ""


class NoticeRule(msgspec.Struct, frozen=True, kw_only=True):
    """What `kind` of event is told in which `ways`, the next where one fails. No shops named: all of the channels."""

    kind: str
    channels: tuple[str, ...]
    shops: tuple[str, ...] = ()
    ways: tuple[Way, ...]


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody is told anything between two minutes of the day, in a zone that is `zone_minutes` ahead of UTC."""

    begin_minute: int
    end_minute: int
    zone_minutes: int = 480


class NoticePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """`platform_informs`: channels whose buyers are told by the platform, which alone knows their numbers.

    `send_within_s`: a provider that has not taken a notice by then is given up for the next way; `receipt_within_s`:
    a receipt that has not come by then is asked for, `ask_times` at most. `tells_service`: the shops whose customer
    service is told of waybills.
    """

    rules: tuple[NoticeRule, ...] = ()
    platform_informs: tuple[str, ...] = ()
    quiet: Quiet | None = None
    send_within_s: int = 21_600
    receipt_within_s: int = 3_600
    ask_times: int = 3
    tells_service: tuple[str, ...] = ()

    def rule(self, kind: str, channel: str, shop: str) -> NoticeRule | None:
        """The first that applies; None: nobody is to be told, or the platform does it."""
        if channel in self.platform_informs:
            return None
        return next(
            (
                rule
                for rule in self.rules
                if rule.kind == kind and channel in rule.channels and (not rule.shops or shop in rule.shops)
            ),
            None,
        )


def quiet_until(quiet: Quiet | None, at: datetime) -> datetime | None:
    """When the quiet hours that `at` falls into are over, None outside of them. They may reach over midnight."""
    if quiet is None or quiet.begin_minute == quiet.end_minute:
        return None
    local = at + timedelta(minutes=quiet.zone_minutes)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    since_begin_s = ((local - midnight).total_seconds() - quiet.begin_minute * 60) % (DAY_MINUTES * 60)
    lasts_s = (quiet.end_minute - quiet.begin_minute) % DAY_MINUTES * 60
    return at + timedelta(seconds=lasts_s - since_begin_s) if since_begin_s < lasts_s else None
