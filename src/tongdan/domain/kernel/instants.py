"""One notion of time: an aware UTC instant. Everything partners send is brought to it here, at the edge.

Partners send epoch seconds, epoch milliseconds, RFC 3339, or a naive local time whose zone they must have declared.
A naive time that falls into a daylight-saving fold is read as its first occurrence, one in a gap as after the gap.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


def from_epoch_s(value: object) -> datetime:
    return _from_epoch(value, 1)


def from_epoch_ms(value: object) -> datetime:
    return _from_epoch(value, 1_000)


def _from_epoch(value: object, units_per_s: int) -> datetime:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError(f"expected an epoch time as an integer, got {str(value)[:40]!r}")
    try:
        return checked(
            datetime.fromtimestamp(0, UTC) + timedelta(microseconds=value * (1_000_000 // units_per_s))
        )
    except OverflowError:
        raise ValueError(f"epoch time {value} is out of range") from None


def from_rfc3339(text: str) -> datetime:
    """`2015-05-20T13:29:35+08:00` → UTC. Raises ValueError when it does not parse or carries no offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"expected a time with an offset, got {text[:40]!r}")
    return checked(at.astimezone(UTC))


def from_local(text: str, zone: tzinfo) -> datetime:
    """`2020-01-23 15:24:04` in the partner's declared zone → UTC. Raises ValueError when it does not parse."""
    at = datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%S")
    return checked(at.replace(tzinfo=zone).astimezone(UTC))


def checked(at: datetime) -> datetime:
    if not _EARLIEST <= at < _LATEST:
        raise ValueError(f"expected a time between 2000 and 2100, got {at.isoformat()}")
    return at
