"""`conf/notices.yml` as it is written, and what may be wrong with it: times of day are texts there, minutes here."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec

from tongdan.adapters.partners.settings import Partners
from tongdan.domain.kernel.notices import FIELDS, KINDS, MEANS, SMS, NoticePolicy, NoticeRule, Quiet, Way
from tongdan.domain.kernel.policy import Shop

FILE: Final = "notices.yml"
MAX_RULES: Final = 200
MAX_WAYS: Final = 5
LANGUAGES: Final = ("zh", "en")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_OFFSET: Final = re.compile(r"([+-])(0\d|1[0-4]):([0-5]\d)", re.ASCII)

Mistake = tuple[str, str]  # where, and what was expected there


class WayText(Way, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way as it is written."""


class RuleText(NoticeRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as it is written."""

    ways: tuple[WayText, ...]


class QuietText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    begin: str
    end: str
    utc_offset: str = "+08:00"


class NoticesText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    rules: tuple[RuleText, ...] = ()
    platform_informs: tuple[str, ...] = ()
    quiet: QuietText | None = None
    send_within_s: int = 21_600
    receipt_within_s: int = 3_600
    ask_times: int = 3
    tells_service: tuple[str, ...] = ()


def policy_of(text: NoticesText) -> NoticePolicy:
    """What it says; `mistakes` has found none."""
    rules = [
        NoticeRule(
            kind=rule.kind,
            channels=rule.channels,
            shops=rule.shops,
            ways=tuple([msgspec.convert(msgspec.to_builtins(way), Way) for way in rule.ways]),
        )
        for rule in text.rules
    ]
    return NoticePolicy(
        rules=tuple(rules),
        platform_informs=text.platform_informs,
        quiet=None if text.quiet is None else _quiet(text.quiet),
        send_within_s=text.send_within_s,
        receipt_within_s=text.receipt_within_s,
        ask_times=text.ask_times,
        tells_service=text.tells_service,
    )


def _quiet(text: QuietText) -> Quiet:
    begin, end = _TIME.fullmatch(text.begin), _TIME.fullmatch(text.end)
    offset = _OFFSET.fullmatch(text.utc_offset)
    assert begin is not None and end is not None and offset is not None
    minutes = int(offset[2]) * 60 + int(offset[3])
    return Quiet(
        begin_minute=int(begin[1]) * 60 + int(begin[2]),
        end_minute=int(end[1]) * 60 + int(end[2]),
        zone_minutes=-minutes if offset[1] == "-" else minutes,
    )


def mistakes(
    text: NoticesText, shops: Mapping[str, Shop], channels: Collection[str], partners: Partners
) -> Iterator[Mistake]:
    """What cannot be meant, in the order of the file."""
    if len(text.rules) > MAX_RULES:
        yield "rules", f"at most {MAX_RULES} rules"
    for at, rule in enumerate(text.rules):
        yield from _of_rule(f"rules[{at}]", rule, text, shops, channels, partners)
    if text.quiet is not None:
        for name in ("begin", "end"):
            if not _TIME.fullmatch(getattr(text.quiet, name)):
                yield f"quiet.{name}", 'a time of day such as "22:00"'
        if not _OFFSET.fullmatch(text.quiet.utc_offset):
            yield "quiet.utc_offset", 'an offset such as "+08:00"'
    for name in ("send_within_s", "receipt_within_s"):
        if getattr(text, name) <= 0:
            yield name, "a positive number of seconds"
    if not 0 <= text.ask_times <= 20:
        yield "ask_times", "a number from 0 to 20"
    for shop in text.tells_service:
        if shop not in shops:
            yield "tells_service", f"shops of shops.yml, got {shop!r}"
    if text.tells_service and partners.service is None:
        yield "tells_service", "`service` in partners.yml"


def _of_rule(
    at: str,
    rule: RuleText,
    text: NoticesText,
    shops: Mapping[str, Shop],
    channels: Collection[str],
    partners: Partners,
) -> Iterator[Mistake]:
    if rule.kind not in KINDS:
        yield f"{at}.kind", f"one of {', '.join(KINDS)}, got {rule.kind!r}"
    for channel in rule.channels:
        if channel not in channels:
            yield f"{at}.channels", f"some of {', '.join(sorted(channels))}, got {channel!r}"
        if channel in text.platform_informs:
            yield f"{at}.channels", f"no channel of platform_informs, got {channel!r}"
    for shop in rule.shops:
        if shop not in shops:
            yield f"{at}.shops", f"shops of shops.yml, got {shop!r}"
    if not 1 <= len(rule.ways) <= MAX_WAYS:
        yield f"{at}.ways", f"1 to {MAX_WAYS} ways"
    for no, way in enumerate(rule.ways):
        yield from _of_way(f"{at}.ways[{no}]", way, partners)


def _of_way(at: str, way: Way, partners: Partners) -> Iterator[Mistake]:
    if way.means not in MEANS:
        yield f"{at}.means", f"one of {', '.join(MEANS)}, got {way.means!r}"
    elif (partners.sms if way.means == SMS else partners.wechat_mini) is None:
        yield f"{at}.means", f"`{way.means.replace('-', '_')}` in partners.yml"
    if not way.template:
        yield f"{at}.template", "the provider's number of the template"
    if way.language not in LANGUAGES:
        yield f"{at}.language", f"one of {', '.join(LANGUAGES)}, got {way.language!r}"
    for ours in way.fields.values():
        if ours not in FIELDS:
            yield f"{at}.fields", f"names of the template → some of {', '.join(FIELDS)}, got {ours!r}"
    if way.means == SMS and not way.signature:
        yield f"{at}.signature", "the signature of the SMS, such as 同单"
