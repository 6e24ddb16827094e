"""WeChat's side of a mini-program: access tokens, subscription messages, and the event that says whether one arrived.

It seals what it pushes (safe mode: AES-256-CBC, SHA-1 signature) and says it again three times, five seconds apart,
then never. A token lives two hours; one that is older, or unknown, is 40001. Source: the mini-program documentation.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tongdan.labs.world.faults import ANSWER_LOST, BUSY, LIMITED, NEVER_TOLD, USER_REFUSES
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.phones import FAIR, Weather
from tongdan.labs.world.setting import Setting
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer

RETRIES_S: Final = (5, 5, 5)
TOKEN_S: Final = 7_200
ARRIVES_MEAN_S: Final = 2.0


class Message(NamedTuple):
    """A subscription message that was taken; it has arrived once its event is told."""

    id: str
    openid: str
    template: str
    taken_at: datetime
    order: str
    texts: frozenset[str]  # what its template was filled with


class MiniPlatform:
    """`app` is the credential `wechat-mini/{appid}`. `taken`: the messages it took; `arrived`: ids of those."""

    def __init__(self, setting: Setting, appid: str, app: Mapping[str, str], weather: Weather = FAIR) -> None:
        self.taken: Final[dict[str, Message]] = {}
        self.arrived: Final[set[str]] = set()
        self.weather = weather
        self._setting: Final = setting
        self._appid: Final = appid
        self._app: Final = app
        self._token: tuple[str, datetime] | None = None
        self._tokens = 0
        self._nonces: Final = setting.stream("wechat-mini", "nonces")
        self.outbox: Final = Outbox[Message](setting, self._wrap, _acknowledged, RETRIES_S)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        url, said = urlsplit(request.url), json.loads(request.body)
        if url.path == "/cgi-bin/stable_token":
            return _answer(self._give_token(said))
        token = parse_qs(url.query).get("access_token", [""])[-1]
        if url.path != "/cgi-bin/message/subscribe/send":
            return _answer({"errcode": 43002, "errmsg": "require POST method"})
        if self._token is None or token != self._token[0] or self._setting.clock.now() >= self._token[1]:
            return _answer({"errcode": 40001, "errmsg": "invalid credential, access_token is invalid"})
        order = self._order(said)
        fault = self._setting.faults.meet(
            "wechat-mini.send", order, (ANSWER_LOST, BUSY, LIMITED, USER_REFUSES)
        )
        if fault in (BUSY, LIMITED):
            return _answer({"errcode": -1 if fault == BUSY else 45009, "errmsg": "system error"})
        answer = self._take(said, order, refused=fault == USER_REFUSES)
        if fault == ANSWER_LOST:
            raise NoAnswer("the answer was lost")
        return _answer(answer)

    def revoke(self) -> None:
        """Somebody has the token replaced: the one in use is no longer good."""
        self._token = None

    def _give_token(self, said: Mapping[str, Any]) -> dict[str, object]:
        if said.get("appid") != self._appid:
            return {"errcode": 40013, "errmsg": "invalid appid"}
        if said.get("secret") != self._app["secret"] or said.get("grant_type") != "client_credential":
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        now = self._setting.clock.now()
        if self._token is None or now >= self._token[1]:
            self._tokens += 1
            token = self._setting.stream("wechat-mini", "token", self._tokens).token(32).hex()
            self._token = (token, now + timedelta(seconds=TOKEN_S))
        left_s = int((self._token[1] - now).total_seconds())
        return {"access_token": self._token[0], "expires_in": left_s}

    def _order(self, said: Mapping[str, Any]) -> str:
        """The order is in the page that the message opens."""
        id = parse_qs(urlsplit(said.get("page", "")).query).get("id", [""])[-1]
        return self._setting.names.native_of(id)

    def _take(self, said: Mapping[str, Any], order: str, *, refused: bool) -> dict[str, object]:
        openid = str(said.get("touser", ""))
        if not openid.startswith("o"):
            return {"errcode": 40003, "errmsg": "invalid openid"}
        if not said.get("template_id"):
            return {"errcode": 40037, "errmsg": "invalid template_id"}
        if not all(0 < len(each["value"]) <= 32 for each in said["data"].values()):
            return {"errcode": 47003, "errmsg": "argument invalid!"}
        if refused or self.weather.refuses(self._setting.seed, openid):
            return {"errcode": 43101, "errmsg": "user refuse to accept the msg"}
        stream = self._setting.stream("wechat-mini", openid, len(self.taken))
        id = "1" + stream.digits(18)
        now = self._setting.clock.now()
        texts = frozenset([each["value"] for each in said["data"].values()])
        self.taken[id] = Message(id, openid, said["template_id"], now, order, texts)
        self._setting.bustle.start(self._bring(self.taken[id], stream.waiting_s(ARRIVES_MEAN_S)))
        return {"errcode": 0, "errmsg": "ok", "msgid": int(id)}

    async def _bring(self, message: Message, after_s: float) -> None:
        await self._setting.clock.sleep(after_s)
        self.arrived.add(message.id)
        if self._setting.faults.meet("wechat-mini.sent", message.order, (NEVER_TOLD,)) != NEVER_TOLD:
            self._setting.bustle.start(self._say(message))

    async def _say(self, message: Message) -> None:
        """Three times, then never: who missed it is nobody's concern there."""
        if await self.outbox.deliver(message, "wechat-mini.sent", message.order) is None:
            self.outbox.given_up.clear()

    def _wrap(self, messages: Sequence[Message]) -> HttpRequest:
        (message,) = messages
        at = str(int(self._setting.clock.now().timestamp()))
        event = {
            "ToUserName": "gh_123456789abc",
            "FromUserName": message.openid,
            "CreateTime": at,
            "MsgType": "event",
            "Event": "subscribe_msg_sent_event",
            "List": {
                "TemplateId": message.template,
                "MsgID": message.id,
                "ErrorCode": "0",
                "ErrorStatus": "success",
            },
        }
        sealed = self._seal(json.dumps(event).encode())
        nonce, token = self._nonces.digits(10), self._app["push_token"]
        query = {
            "signature": _sha1(token, at, nonce),
            "timestamp": at,
            "nonce": nonce,
            "encrypt_type": "aes",
            "msg_signature": _sha1(token, at, nonce, sealed),
        }
        return HttpRequest(
            method="POST",
            url=f"{self._setting.centre_url}/push/wechat-mini/{self._appid}?{urlencode(query)}",
            headers={"content-type": "application/json"},
            body=json.dumps({"ToUserName": "gh_123456789abc", "Encrypt": sealed}).encode(),
            timeout_s=5.0,
        )

    def _seal(self, plain: bytes) -> str:
        key = b64decode(self._app["push_aes_key"] + "=")
        text = self._nonces.token(16) + len(plain).to_bytes(4, "big") + plain + self._appid.encode()
        pad = 32 - len(text) % 32
        sealer = Cipher(AES(key), CBC(key[:16])).encryptor()
        return b64encode(sealer.update(text + bytes([pad]) * pad) + sealer.finalize()).decode()


def _sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def _acknowledged(answer: HttpResponse) -> bool:
    return answer.status == 200 and answer.body == b"success"


def _answer(said: dict[str, object]) -> HttpResponse:
    return HttpResponse(200, {"content-type": "application/json"}, json.dumps(said).encode())
