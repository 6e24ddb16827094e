"""Findings reach people over SMTP: what a real server took, who had to say who they are, whose trouble a no is."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from msgspec.structs import replace
from tests.contracts.partners.called import StandingClock
from tests.contracts.partners.played import HeldCredentials

from tongdan.adapters.health_rules import HealthText, MailSettings, mistake
from tongdan.adapters.mail_smtp import MailActor
from tongdan.adapters.partners.exchange import Wire
from tongdan.adapters.transport import InProcessTransport
from tongdan.domain.confighealth.checks import CERTIFICATE, CRITICAL, EXPIRY, UNKNOWN
from tongdan.domain.confighealth.facts import Finding, MailFindings
from tongdan.ports import Done, Errand, Failed

NOW = datetime(2026, 1, 27, 20, 30, tzinfo=UTC)
FOUND = MailFindings(
    partner="mail",
    no=7,
    fine=31,
    scanned_at=NOW,
    findings=(
        Finding(check=EXPIRY, severity=CRITICAL, about="sf/main/main", until=NOW),
        Finding(check=CERTIFICATE, severity=UNKNOWN, about="a.example.com", detail="refused"),
    ),
)
RIGHT = {"user": "ops", "password": "right"}


class Mailbox:
    """Keeps what it takes; answers recipients with `code` where it is not 250."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.code = "250 OK"

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.code == "250 OK":
            envelope.rcpt_tos.append(address)
        return self.code

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.taken.append(envelope.content)
        return "250 kept"


def check(server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ops", b"right")
    return AuthResult(success=right, handled=False)


@contextmanager
def server(box: Mailbox, *, auth: bool = False) -> Iterator[MailSettings]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    more = {"authenticator": check, "auth_required": True, "auth_require_tls": False} if auth else {}
    controller = Controller(box, hostname="127.0.0.1", port=port, **more)  # type: ignore[arg-type]
    controller.start()
    try:
        yield MailSettings(
            host="127.0.0.1", port=port, security="none", sender="tongdan@example.com",
            to=("ops@example.com", "boss@example.com"), account="ops" if auth else "",
        )  # fmt: skip
    finally:
        controller.stop()


async def sent(settings: MailSettings, held: dict[str, str] | None = None) -> Done | Failed:
    credentials = HeldCredentials({} if held is None else {"mail/ops": held})
    wire = Wire(InProcessTransport({}, StandingClock()), credentials, StandingClock())
    return await MailActor(settings, wire).perform(Errand("7.1.42.0", "health/board", FOUND, 1, lambda: None))


async def test_what_was_found_is_in_the_letter_in_both_languages_with_what_mends_it() -> None:
    box = Mailbox()
    with server(box) as settings:
        assert await sent(settings) == Done(None)
        assert await sent(settings) == Done(None)
    first, again = [message_from_bytes(each, policy=default) for each in box.taken]
    assert first["To"] == "ops@example.com, boss@example.com"
    assert "健康巡检" in first["Subject"] and "1 critical, 1 unknown" in first["Subject"]
    text = first.get_content()
    assert "密钥到期 · Key expires: sf/main/main 2026-01-28 04:30" in text
    assert "tongdan credential put" in text and "a.example.com refused" in text and "31 fine" in text
    assert first["Message-ID"] == again["Message-ID"] == "<tongdan.7.1.42.0@example.com>"


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
async def test_a_server_that_asks_who_we_are_is_told_and_a_wrong_password_is_the_keys_fault() -> None:
    box = Mailbox()
    with server(box, auth=True) as settings:
        assert await sent(settings, RIGHT) == Done(None)
        no = await sent(settings, {**RIGHT, "password": "wrong"})
        assert isinstance(no, Failed) and (no.turned_away, no.partner_wide, no.final) == (True, True, False)
        missing = await sent(settings)
        assert isinstance(missing, Failed) and missing.partner_wide and not missing.turned_away
    assert len(box.taken) == 1


@pytest.mark.parametrize(
    ("code", "final"), [("550 no such user", True), ("451 try later", False), ("552 full", True)]
)
async def test_a_no_to_the_recipients(code: str, final: bool) -> None:
    box = Mailbox()
    box.code = code
    with server(box) as settings:
        no = await sent(settings)
    assert isinstance(no, Failed) and no.final is final and not no.turned_away
    assert box.taken == []


async def test_a_server_that_is_not_there_or_speaks_no_tls_is_waited_for() -> None:
    with server(Mailbox()) as settings:
        no = await sent(replace(settings, security="starttls"))
        assert isinstance(no, Failed) and no.partner_wide and not no.final
    no = await sent(settings)
    assert isinstance(no, Failed) and (no.partner_wide, no.final) == (True, False)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"tasks": {"sf/none": "test"}}, "tasks.sf/none"),
        ({"tasks": {"sf/main": "sandbox"}}, "tasks.sf/main"),
        ({"warn_days": 0}, "warn_days"),
        ({"clock_warn_s": 300}, "clock_warn_s"),
        ({"scan_at": "4:30"}, "scan_at"),
        ({"scan_at": "24:00"}, "scan_at"),
        ({"address_from": "ftp://x"}, "address_from"),
        ({"callbacks": ("x",)}, "callbacks[0]"),
        ({"mail": MailSettings(host="", sender="a@b.c", to=("a@b.c",))}, "mail.host"),
        ({"mail": MailSettings(host="h", sender="a@b.c", to=())}, "mail.to"),
        ({"mail": MailSettings(host="h", sender="a@b.c", to=("x\r\nBcc: y@z",))}, "mail"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(change: dict[str, Any], place: str) -> None:
    found = mistake(replace(HealthText(), **change), {"sf/main"})
    assert found is not None and found[0] == place and found[1]
    assert mistake(HealthText(tasks={"sf/main": "test"}), {"sf/main"}) is None
