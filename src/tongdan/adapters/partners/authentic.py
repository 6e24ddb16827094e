"""How a message is told from a forgery, where partners share the way.

Own shops and finance systems sign `timestamp \\n nonce \\n body` with HMAC-SHA256 in three headers. Reasons
given here are a short fixed list, because they are counted by name: none carries anything that was
received.
"""

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

from tongdan.ports import Credentials, PushRequest, Unauthentic

FRESH_WITHIN_S: Final = 300
NONCE_MAX: Final = 128

TIMESTAMP: Final = "x-tongdan-timestamp"
NONCE: Final = "x-tongdan-nonce"
SIGNATURE: Final = "x-tongdan-signature"

T = TypeVar("T")


class Derived(Generic[T]):
    """What is costly to derive from a credential (a parsed key), kept while the credential says the same."""

    def __init__(self, derive: Callable[[Mapping[str, str]], T]) -> None:
        self._derive: Final = derive
        self._kept: Final[dict[str, tuple[Mapping[str, str], T]]] = {}

    def of(self, name: str, credential: Mapping[str, str]) -> T:
        kept = self._kept.get(name)
        if kept is None or kept[0] != credential:
            self._kept[name] = kept = (credential, self._derive(credential))
        return kept[1]


def same(expected: str, given: str) -> bool:
    """Compare two signatures in a time that does not tell how much of them agrees."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def check_fresh(timestamp: str, received_at: datetime) -> None:
    """`timestamp` (epoch seconds) must lie within FRESH_WITHIN_S of now. Raises Unauthentic."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Unauthentic("the timestamp is not an epoch time in seconds")
    if abs(received_at.timestamp() - int(timestamp)) > FRESH_WITHIN_S:
        raise Unauthentic("the timestamp is not fresh")


def secret_of(credentials: Credentials, name: str) -> Mapping[str, str]:
    """The credential a push claims to be signed with. Raises Unauthentic when there is none."""
    try:
        return credentials.get(name)
    except KeyError:
        raise Unauthentic("no credential has this name") from None


@lru_cache(maxsize=1_024)
def _keyed(secret: bytes) -> hmac.HMAC:
    """The state of an HMAC that has taken its key: half of the work on a short message."""
    return hmac.new(secret, digestmod="sha256")


def sign(secret: bytes, timestamp: str, nonce: str, body: bytes) -> str:
    """The lower-case hex HMAC-SHA256 of a message."""
    message = _keyed(secret).copy()
    message.update(f"{timestamp}\n{nonce}\n".encode("utf-8", "replace") + body)
    return message.hexdigest()


def check_signed(request: PushRequest, secret: bytes) -> None:
    """Signature first, freshness second. Raises Unauthentic."""
    headers = request.headers
    try:
        timestamp, nonce, signature = headers[TIMESTAMP], headers[NONCE], headers[SIGNATURE]
    except KeyError:
        raise Unauthentic("a signature header is missing") from None
    if not 0 < len(nonce) <= NONCE_MAX:
        raise Unauthentic("the nonce is empty or too long")
    if not same(sign(secret, timestamp, nonce, request.body), signature):
        raise Unauthentic("the signature does not match")
    check_fresh(timestamp, request.received_at)


def target_of(url: str) -> bytes:
    """What is signed of a request that has no body: its path and query."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}".encode()


def signed_headers(secret: bytes, at: datetime, nonce: str, body: bytes) -> dict[str, str]:
    """The headers of a JSON message that we sign ourselves."""
    timestamp = str(int(at.timestamp()))
    return {
        "content-type": "application/json",
        TIMESTAMP: timestamp,
        NONCE: nonce,
        SIGNATURE: sign(secret, timestamp, nonce, body),
    }
