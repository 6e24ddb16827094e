"""A key as somebody gives it, checked field by field before anything is sealed; the same over the API and here."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from ipaddress import ip_network
from typing import Final

from cryptography import x509

from tongdan.domain.confighealth.commands import PutKey
from tongdan.domain.confighealth.refusals import BAD_KEY
from tongdan.domain.kernel.health import ENVIRONMENTS, PRODUCTION
from tongdan.domain.kernel.messages import Refusal

MAX_FIELDS: Final = 40
MAX_FIELD: Final = 16_384
MAX_IDLE_DAYS: Final = 3_650
MAX_ALLOW: Final = 50
KEY_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9_:.-]{1,100}")


def key_form(
    task: str, key: str, fields: Mapping[str, str], by: str, *, environment: str = PRODUCTION,
    standby: bool = False, expires_on: date | None = None, idle_days: int = 0, allow: Sequence[str] = (),
    certificate: str = "",
) -> PutKey | Refusal:  # fmt: skip
    """What is to be said of the key; `certificate` is PEM, of which only its end is kept. Nothing is written."""
    if not KEY_NAME.fullmatch(key):
        return BAD_KEY.of(field="key", expected="1–32 a-z 0-9 -")
    if environment not in ENVIRONMENTS:
        return BAD_KEY.of(field="environment", expected=" | ".join(ENVIRONMENTS))
    if not 0 < len(fields) <= MAX_FIELDS or not all(
        _FIELD_NAME.fullmatch(name) and 0 < len(value) <= MAX_FIELD for name, value in fields.items()
    ):
        return BAD_KEY.of(
            field="fields", expected=f'{{"app_key": "…", …}}, 1–{MAX_FIELDS}, 1–{MAX_FIELD} chars'
        )
    if not 0 <= idle_days <= MAX_IDLE_DAYS:
        return BAD_KEY.of(field="idle_days", expected=f"0–{MAX_IDLE_DAYS}")
    if len(allow) > MAX_ALLOW or not all(_is_network(each) for each in allow):
        return BAD_KEY.of(field="allow", expected=f"≤ {MAX_ALLOW} IP / CIDR")
    until: datetime | None = None
    if certificate:
        try:
            until = x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc
        except ValueError:
            return BAD_KEY.of(field="certificate", expected="PEM (-----BEGIN CERTIFICATE-----)")
    return PutKey(
        task=task,
        key=key,
        fingerprint="",
        environment=environment,
        by=by,
        standby=standby,
        expires_on=expires_on,
        idle_days=idle_days,
        allow=tuple(allow),
        certificate_until=until,
    )


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
