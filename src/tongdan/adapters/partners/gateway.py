"""What the gateways of Taobao, JD and Pinduoduo have in common, the first of them being Taobao's.

A call is signed by MD5 over all its parameters, sorted, between two secrets: it proves who calls and that nothing was
changed on the way; what it cannot prove is when, so a timestamp is one of the parameters. An answer is HTTP 200 with
one key, the method's or `error_response`. The platforms publish worked examples of a signature, which the tests
recompute.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from tongdan.adapters.partners.authentic import check_signed
from tongdan.adapters.partners.reading import NotReadable
from tongdan.domain.kernel.messages import Refusal
from tongdan.ports import Failed, HttpRequest, PushAnswer, PushRequest, Unauthentic

_envelope: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def md5_sign(secret: str, parameters: Mapping[str, str]) -> str:
    """Upper-case hex. `parameters` are all that are signed, without `sign` itself."""
    text = "".join(name + parameters[name] for name in sorted(parameters))
    return hashlib.md5(f"{secret}{text}{secret}".encode()).hexdigest().upper()


def text_of(value: object) -> str:
    """A parameter as it is signed and sent: text as it is, everything else as its JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def local(at: datetime, zone: ZoneInfo) -> str:
    """`2026-01-27 12:00:00`."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def form(url: str, parameters: Mapping[str, str]) -> HttpRequest:
    headers = {"content-type": "application/x-www-form-urlencoded;charset=utf-8"}
    return HttpRequest(method="POST", url=url, headers=headers, body=urlencode(parameters).encode())


def data_of(body: bytes, failed: Callable[[msgspec.Raw], Failed]) -> bytes | Failed:
    """What stands under the one key of an answer; `failed` reads an `error_response`. Raises one of UNREADABLE."""
    answers = _envelope.decode(body)
    if "error_response" in answers:
        return failed(answers["error_response"])
    if len(answers) != 1:
        raise NotReadable("expected one response")
    return bytes(next(iter(answers.values())))


class HandedOver:
    """Pushes handed over by whoever runs the platform's message client, in our own headers.

    They are signed with the `secret` field of the credential.
    """

    secret: str = "app_secret"

    def authenticate(self, credential: Mapping[str, str], request: PushRequest) -> None:
        if not credential.get(self.secret):
            raise Unauthentic(f"the credential has no {self.secret.replace('_', ' ')}")
        check_signed(request, credential[self.secret].encode())

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        body = msgspec.json.encode({"error": refusal.name, "message": refusal.en, "message_zh": refusal.zh})
        return PushAnswer(refusal.status, body, retry_after_s=refusal.retry_after_s)
