"""WeChat mini-program subscription messages (`/cgi-bin/message/subscribe/send`), and the token they need.

There is neither a key nor a question: what is sent again after a time-out may arrive twice, or use up the permission
that the user gave for one message (43101). The token is kept while it lasts and fetched anew when WeChat says that it
is no longer good; `stable_token` gives every process the same one. Sources: the mini-program documentation and public
kits; that an answer carries `msgid`, which its receipt repeats, is said by kits, not by every edition of the document.
Without it nobody can match the receipt, and the next way is taken after the deadline.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeVar

import msgspec

from tongdan.adapters.partners.exchange import Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE
from tongdan.adapters.partners.settings import WechatMiniSettings
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.notices.commands import RecordNobodyThere, RecordNoticeRefused, RecordNoticeSent
from tongdan.domain.notices.facts import SendNotice
from tongdan.ports import Done, Errand, Failed, HttpRequest, Repeat, Undo, Verb

TOKEN: Final = "/cgi-bin/stable_token"
SEND: Final = "/cgi-bin/message/subscribe/send"
TOKEN_SPARE: Final = timedelta(seconds=300)
STALE_TOKEN: Final = frozenset({40001, 40014, 42001})
BUSY: Final = -1
LIMITED: Final = frozenset({45009, 45011})
LIMITED_PAUSE_S: Final = 60.0
# The app, its secret, its allow-list, its rights: nothing of it is this message's fault.
WIDE: Final = frozenset({40013, 40125, 40164, 41002, 41004, 43002, 48001, 48004, 50002, 61004}) | STALE_TOKEN
AWAY: Final = frozenset({40001, 40125})  # asked for a token: the secret is not taken
LANGUAGES: Final[Mapping[str, str]] = {"zh": "zh_CN", "en": "en_US"}
# What WeChat cuts by refusing: thing 20 characters, character_string 32.
LONGEST: Final = (("thing", 20), ("character_string", 32))


class _Token(msgspec.Struct):
    access_token: str = ""
    expires_in: int = 0
    errcode: int = 0


class _Sent(msgspec.Struct):
    errcode: int
    msgid: int | str = ""


class _Kept(NamedTuple):
    token: str
    until: datetime


A = TypeVar("A")
_token: Final = msgspec.json.Decoder(_Token)
_sent: Final = msgspec.json.Decoder(_Sent)


class WechatMiniActor:
    """Calls with the credential `wechat-mini/{appid}`: `secret`."""

    def __init__(self, partner: str, settings: WechatMiniSettings, wire: Wire) -> None:
        self.partner = partner
        self.verbs: Mapping[type[Effect], Verb] = {SendNotice: Verb(Repeat.AT_LEAST_ONCE, Undo.IRREVERSIBLE)}
        self._settings: Final = settings
        self._wire: Final = wire
        self._kept: Final[dict[str, _Kept]] = {}
        self._fetching: Final = asyncio.Lock()

    async def perform(self, errand: Errand) -> Done | Failed:
        effect = errand.effect
        if not isinstance(effect, SendNotice):
            return Failed(f"a mini-program knows no {type(effect).__name__}", final=True)
        person, appid = errand.person(), self._settings.apps.get(effect.shop, "")
        if person is None:
            return Done(RecordNobodyThere(sending=effect.sending))
        if not person.payer or not appid:
            reason = "no-openid" if appid else "no-mini-program"
            return Done(RecordNoticeRefused(sending=effect.sending, reason=reason))
        body = msgspec.json.encode(
            {
                "touser": person.payer,
                "template_id": effect.template,
                "page": effect.page,
                "lang": LANGUAGES[effect.language],
                "data": {name: {"value": _cut(name, text)} for name, text in effect.values.items()},
            }
        )
        said = await self._send(appid, body)
        if not isinstance(said, Failed) and said.errcode in STALE_TOKEN:
            self._kept.pop(appid, None)
            said = await self._send(appid, body)
        if isinstance(said, Failed):
            return said
        raw = msgspec.json.encode(said)
        if said.errcode:
            refused = RecordNoticeRefused(sending=effect.sending, reason=str(said.errcode))
            return _refused(said.errcode) or Done(refused, raw)
        return Done(RecordNoticeSent(sending=effect.sending, reference=str(said.msgid)[:64]), raw)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        return None

    async def _send(self, appid: str, body: bytes) -> _Sent | Failed:
        token = await self._token_of(appid)
        if isinstance(token, Failed):
            return token
        return await self._post(f"{SEND}?access_token={token}", body, _sent)

    async def _token_of(self, appid: str) -> str | Failed:
        """One that is kept, or a fresh one; whoever comes meanwhile waits for it."""
        async with self._fetching:
            now, kept = self._wire.clock.now(), self._kept.get(appid)
            if kept is not None and now < kept.until:
                return kept.token
            fields = fields_of(self._wire, f"wechat-mini/{appid}", "secret")
            if isinstance(fields, Failed):
                return fields
            asked = {"grant_type": "client_credential", "appid": appid, "secret": fields[0]}
            said = await self._post(TOKEN, msgspec.json.encode(asked), _token)
            if isinstance(said, Failed):
                return said
            if said.errcode or not said.access_token:
                return Failed(
                    f"WeChat token: {said.errcode}",
                    partner_wide=True,
                    unknown=not said.errcode,
                    turned_away=said.errcode in AWAY,
                )
            until = now + max(timedelta(), timedelta(seconds=said.expires_in) - TOKEN_SPARE)
            self._kept[appid] = _Kept(said.access_token, until)
            return said.access_token

    async def _post(self, path: str, body: bytes, read: "msgspec.json.Decoder[A]") -> A | Failed:
        response = await exchange(
            self._wire,
            HttpRequest(
                method="POST",
                url=f"{self._settings.base_url}{path}",
                headers={"content-type": "application/json"},
                body=body,
            ),
        )
        if isinstance(response, Failed):
            return response
        try:
            return read.decode(response.body)
        except UNREADABLE:
            return Failed(f"HTTP {response.status}: no WeChat answer", partner_wide=True, unknown=True)


def _refused(code: int) -> Failed | None:
    """The failure of more than this message; None: of this one for good."""
    if code in LIMITED:
        return Failed(f"WeChat {code}", partner_wide=True, retry_after_s=LIMITED_PAUSE_S)
    return Failed(f"WeChat {code}", partner_wide=True) if code == BUSY or code in WIDE else None


def _cut(name: str, text: str) -> str:
    longest = next((most for kind, most in LONGEST if name.startswith(kind)), len(text))
    return text[:longest]
