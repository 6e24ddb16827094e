"""What `conf/health.yml` says: the environment of each task, when findings count, when to scan, whom to tell."""

import re
from collections.abc import Container
from datetime import time
from typing import Final, Literal

import msgspec

from tongdan.domain.kernel.health import ENVIRONMENTS, HealthPolicy

FILE: Final = "health.yml"
MAX_DAYS: Final = 365
MAX_CLOCK_S: Final = 3_600
MAX_CALLBACKS: Final = 20
MAX_RECIPIENTS: Final = 20
TIME_OF_DAY: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_ADDRESS: Final = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,190}")


class MailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The SMTP server that takes our mail. `account` names the credential `mail/{account}` (user, password); "": it
    wants none.
    """

    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    account: str = ""


class HealthText(HealthPolicy, frozen=True, kw_only=True):
    """The whole file. `scan_at` in China; `address_from`: a URL that answers with the address of whoever asks it;
    `callbacks`: URLs under which partners reach us, asked through the way that `conf` names.
    """

    scan_at: str = "04:30"
    mail: MailSettings | None = None
    address_from: str = ""
    callbacks: tuple[str, ...] = ()

    @property
    def at(self) -> time:
        return time.fromisoformat(self.scan_at)


def policy_of(text: HealthText) -> HealthPolicy:
    """What deciders and checks read of it."""
    return HealthPolicy(**{name: getattr(text, name) for name in HealthPolicy.__struct_fields__})


def mistake(text: HealthText, tasks: Container[str]) -> tuple[str, str] | None:
    """Where it is wrong, and what was expected there; None: nowhere."""
    for task, environment in text.tasks.items():
        if task not in tasks:
            return f"tasks.{task}", "a task of shops.yml or partners.yml such as sf/main"
        if environment not in ENVIRONMENTS:
            return f"tasks.{task}", f"one of {', '.join(ENVIRONMENTS)}, got {environment!r}"
    for name in ("warn_days", "critical_days", "idle_warn_days"):
        if not 0 < getattr(text, name) <= MAX_DAYS:
            return name, f"1 to {MAX_DAYS} days"
    if not 0 < text.clock_warn_s <= text.clock_critical_s <= MAX_CLOCK_S:
        return "clock_warn_s", f"1 to {MAX_CLOCK_S} seconds, and no more than clock_critical_s"
    if not TIME_OF_DAY.fullmatch(text.scan_at):
        return "scan_at", 'a time in China such as "04:30"'
    urls = [("address_from", text.address_from)] if text.address_from else []
    for place, url in [*urls, *[(f"callbacks[{at}]", url) for at, url in enumerate(text.callbacks)]]:
        if not url.startswith(("http://", "https://")):
            return place, "an http or https URL"
    if len(text.callbacks) > MAX_CALLBACKS:
        return "callbacks", f"at most {MAX_CALLBACKS}"
    return None if text.mail is None else _mail(text.mail)


def _mail(mail: MailSettings) -> tuple[str, str] | None:
    if not mail.host or not 0 < mail.port < 65_536:
        return "mail.host", "the name of an SMTP server, and its port"
    if not 0 < len(mail.to) <= MAX_RECIPIENTS:
        return "mail.to", f"1 to {MAX_RECIPIENTS} addresses"
    for address in (mail.sender, *mail.to):
        if not _ADDRESS.fullmatch(address):
            return "mail", f"addresses such as ops@example.com, got {address!r}"
    return None
