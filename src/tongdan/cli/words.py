"""What a person types and reads here: statuses, sentences and times in the user's language, in UTC+8."""

from collections.abc import Mapping
from datetime import UTC, datetime

from tongdan.cli.language import LANGUAGE, t
from tongdan.cli.output import fail
from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.surfaces import words


def status_word(code: int) -> str:
    """`5` → `5 signed`."""
    return f"{code} {words.status_name(code, LANGUAGE)}"


def sentence(fact: str, body: Mapping[str, object]) -> str:
    return words.sentence(fact, body, LANGUAGE)


def instant(text: str) -> datetime:
    """`2026-01-27 15:00`, in UTC+8 unless it carries an offset. Exits with 2 when it is no time."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(
            t(
                f"{text!r} is no time; write 2026-01-27 15:00.",
                f"{text!r} 不是时间；请写作 2026-01-27 15:00。",
            )
        )
    return (at if at.tzinfo else at.replace(tzinfo=SHANGHAI)).astimezone(UTC)
