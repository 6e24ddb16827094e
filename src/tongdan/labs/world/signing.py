"""How simulated partners sign, written apart from the adapters that check it.

In our own headers: HMAC-SHA256 over timestamp, nonce and body, a line each. So do own shops, finance, and whoever runs
a platform's message client and posts what it was given. Between two secrets: MD5, what Taobao's gateway began with.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from tongdan.labs.world.setting import Setting
from tongdan.ports import HttpRequest


def hmac_sign(secret: bytes, timestamp: str, nonce: str, body: bytes) -> str:
    return hmac.new(secret, f"{timestamp}\n{nonce}\n".encode() + body, hashlib.sha256).hexdigest()


def signed_part(request: HttpRequest) -> bytes:
    """What is signed of a request: its body, or of one that only asks its path and query."""
    target = urlsplit(request.url)
    return f"{target.path}?{target.query}".encode() if request.method == "GET" else request.body


def signed_headers(secret: bytes, at: datetime, nonce: str, body: bytes) -> dict[str, str]:
    timestamp = str(int(at.timestamp()))
    return {
        "content-type": "application/json",
        "x-tongdan-timestamp": timestamp,
        "x-tongdan-nonce": nonce,
        "x-tongdan-signature": hmac_sign(secret, timestamp, nonce, body),
    }


def handed_over(setting: Setting, secret: str, url: str, body: bytes) -> HttpRequest:
    """What whoever runs a platform's message client does with what it was given."""
    nonce = hashlib.md5(body).hexdigest()
    headers = signed_headers(secret.encode(), setting.clock.now(), nonce, body)
    return HttpRequest(method="POST", url=url, headers=headers, body=body, timeout_s=5.0)


def md5_sign(secret: str, said: Mapping[str, str], *, unsigned: tuple[str, ...] = ("sign",)) -> str:
    """Upper-case hex over all parameters but the `unsigned`."""
    text = "".join(f"{name}{said[name]}" for name in sorted(set(said) - set(unsigned)))
    return hashlib.md5(f"{secret}{text}{secret}".encode()).hexdigest().upper()
