"""Mail over SMTP: what a health scan found, in both languages, to whom `conf/health.yml` names.

One message an effect, always under the same Message-ID, so that a second one after a lost answer is known as such.
Source: RFC 5321 (reply codes), RFC 5322 (headers), by way of smtplib.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from tongdan.adapters.health_rules import MailSettings
from tongdan.adapters.partners.exchange import Wire, fields_of
from tongdan.domain.confighealth.checks import SEVERITIES, WORDS
from tongdan.domain.confighealth.facts import Finding, MailFindings
from tongdan.domain.confighealth.scanning import MAIL
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.domain.kernel.messages import Effect
from tongdan.ports import Done, Errand, Failed, Repeat, Undo, Verb

WITHIN_S: Final = 20.0
MOST_LINES: Final = 100


class MailActor:
    """Sends with the credential `mail/{account}`, if an account is named."""

    def __init__(self, settings: MailSettings, wire: Wire) -> None:
        self.partner = MAIL
        self.verbs: Mapping[type[Effect], Verb] = {
            MailFindings: Verb(Repeat.AT_LEAST_ONCE, Undo.IRREVERSIBLE, timeout_s=WITHIN_S)
        }
        self._settings: Final = settings
        self._wire: Final = wire

    async def perform(self, errand: Errand) -> Done | Failed:
        effect = errand.effect
        if not isinstance(effect, MailFindings):
            return Failed(f"mail knows no {type(effect).__name__}", final=True)
        login = self._login()
        if isinstance(login, Failed):
            return login
        message = letter(effect, self._settings, errand.id)
        try:
            await asyncio.to_thread(_send, self._settings, message, login)
        except smtplib.SMTPAuthenticationError as error:
            return Failed(f"SMTP {error.smtp_code}", partner_wide=True, turned_away=True)
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            return Failed(f"SMTP refuses all recipients: {codes}", final=all(code >= 500 for code in codes))
        except smtplib.SMTPResponseException as error:
            return Failed(
                f"SMTP {error.smtp_code}", partner_wide=error.smtp_code < 500, final=error.smtp_code >= 500
            )
        except (smtplib.SMTPException, OSError) as error:
            return Failed(f"SMTP: {type(error).__name__}", partner_wide=True, unknown=True)
        return Done(None)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        return None

    def _login(self) -> tuple[str, ...] | Failed:
        account = self._settings.account
        return fields_of(self._wire, f"mail/{account}", "user", "password") if account else ()


def _send(settings: MailSettings, message: EmailMessage, login: tuple[str, ...]) -> None:
    """Blocks; raises what smtplib raises."""
    context = ssl.create_default_context()
    if settings.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            settings.host, settings.port, timeout=WITHIN_S, context=context
        )
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=WITHIN_S)
    with server:
        if settings.security == "starttls":
            server.starttls(context=context)
        if login:
            server.login(*login)
        server.send_message(message, settings.sender, settings.to)


def letter(effect: MailFindings, settings: MailSettings, id: str) -> EmailMessage:
    """The gravest first; each with what mends it."""
    counts = {severity: sum(f.severity == severity for f in effect.findings) for severity in SEVERITIES}
    told = ", ".join(f"{n} {severity}" for severity, n in counts.items() if n)
    message = EmailMessage()
    message["Subject"] = f"同单健康巡检 Tongdan health scan {effect.no}: {told}"
    message["From"] = settings.sender
    message["To"] = ", ".join(settings.to)
    message["Date"] = format_datetime(effect.scanned_at)
    message["Message-ID"] = f"<tongdan.{id}@{settings.sender.partition('@')[2]}>"
    lines = [_line(finding) for finding in effect.findings[:MOST_LINES]]
    if len(effect.findings) > MOST_LINES:
        lines.append(f"… +{len(effect.findings) - MOST_LINES}")
    message.set_content("\n\n".join([*lines, f"{effect.fine} fine · {effect.fine} 项正常"]) + "\n")
    return message


def _line(finding: Finding) -> str:
    en, zh, mend_en, mend_zh = WORDS[finding.check]
    until = "" if finding.until is None else f"{finding.until.astimezone(SHANGHAI):%Y-%m-%d %H:%M} UTC+8"
    seen = " ".join(filter(None, (finding.about, until, finding.detail)))
    return f"[{finding.severity}] {zh} · {en}: {seen}\n  {mend_zh}\n  {mend_en}"
