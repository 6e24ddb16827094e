"""WeChat Pay v3 calls: open a payment attempt (JSAPI), and ask what became of one.

A time-out may have opened the attempt, so it is looked up before it is sent again: one that nobody has paid
may be sent again under the same number and gives a prepay id; one that is paid answers as a payment, which
also repairs a lost notice. Requests carry our RSA signature; answers carry the platform's and are believed
only with it.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tongdan.adapters.partners.authentic import Derived
from tongdan.adapters.partners.exchange import Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE, reason_of
from tongdan.adapters.partners.settings import WechatSettings
from tongdan.adapters.partners.wechat import (
    CURRENCY,
    SIGNATURE_TYPE,
    Transaction,
    check_signature,
    payment_command,
    platform_keys,
)
from tongdan.domain.kernel import ids
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.kernel.policy import Policy
from tongdan.domain.kernel.slots import digest
from tongdan.domain.orders.commands import RecordPrepay, RecordPrepayRefused
from tongdan.domain.orders.facts import Prepay
from tongdan.ports import (
    Done,
    Errand,
    Failed,
    HttpRequest,
    HttpResponse,
    Repeat,
    Unauthentic,
    Undo,
    Verb,
)

PUBLIC_KEY_ID: Final = "PUB_KEY_ID_"
JSAPI: Final = "/v3/pay/transactions/jsapi"
QUERY: Final = "/v3/pay/transactions/out-trade-no/"
NOT_THERE: Final = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST"})
PAID_ALREADY: Final = frozenset({"ORDERPAID", "ORDER_PAID"})
STILL_OPEN: Final = frozenset({"NOTPAY", "USERPAYING", "ACCEPT"})
# Codes that speak of the merchant or the platform, not of this order.
PARTNER_WIDE: Final = frozenset(
    {"SIGN_ERROR", "NO_AUTH", "MCH_NOT_EXISTS", "APPID_MCHID_NOT_MATCH", "ACCOUNT_ERROR", "SYSTEM_ERROR",
     "FREQUENCY_LIMITED", "FREQUENCY_LIMIT_EXCEED", "BANK_ERROR", "INVALID_REQUEST_SIGN"}
)  # fmt: skip


class _Prepaid(msgspec.Struct):
    prepay_id: str


class _Error(msgspec.Struct):
    code: str = ""


_prepaid: Final = msgspec.json.Decoder(_Prepaid)
_error: Final = msgspec.json.Decoder(_Error)
_transaction: Final = msgspec.json.Decoder(Transaction)


class WechatActor:
    """Calls with `wechat/{mchid}`: `appid`, `serial_no`, `private_key` (PEM) and `platform_key:{serial}`."""

    def __init__(self, partner: str, settings: WechatSettings, policy: Policy, wire: Wire) -> None:
        self.partner = partner
        self.verbs: Mapping[type[Effect], Verb] = {Prepay: Verb(Repeat.QUERY_FIRST, Undo.REVERSIBLE)}
        self._settings: Final = settings
        self._policy: Final = policy
        self._wire: Final = wire
        self._platform: Final = Derived(platform_keys)
        self._private: Final = Derived(read_private_key)

    async def perform(self, errand: Errand) -> Done | Failed:
        effect, order, attempt, mchid = self._about(errand)
        if not mchid:
            return Failed(f"no merchant for shop {effect.shop} in conf/partners.yml", final=True)
        person = errand.person()
        if person is None or not person.payer:
            return Done(RecordPrepayRefused(order=order, attempt=attempt, reason="payer-unknown"))
        fields = fields_of(self._wire, f"wechat/{mchid}", "appid")
        if isinstance(fields, Failed):
            return fields
        shop = self._policy.shops.get(effect.shop)
        body = msgspec.json.encode(
            {
                "appid": fields[0],
                "mchid": mchid,
                "description": (shop.name if shop else effect.shop)[:40],
                "out_trade_no": effect.out_trade_no,
                "notify_url": f"{self._settings.notify_url}{mchid}",
                "amount": {"total": effect.amount_fen, "currency": CURRENCY},
                "payer": {"openid": person.payer},
            }
        )
        response = await self._call(errand, mchid, "POST", JSAPI, body)
        if isinstance(response, Failed):
            return response
        if response.status >= 400:
            return _refused(response, order, attempt)
        try:
            command = RecordPrepay(
                order=order, attempt=attempt, prepay=_prepaid.decode(response.body).prepay_id
            )
        except UNREADABLE as error:
            return Failed(f"the answer is not understood: {reason_of(error)}", unknown=True)
        return Done(command, response.body)

    async def look_up(self, errand: Errand) -> Done | Failed | None:
        effect, order, attempt, mchid = self._about(errand)
        path = f"{QUERY}{effect.out_trade_no}?{urlencode({'mchid': mchid})}"
        response = await self._call(errand, mchid, "GET", path, b"")
        if isinstance(response, Failed):
            return response
        if response.status >= 400:
            code = _code(response)
            return (
                None if code in NOT_THERE else Failed(f"WeChat {response.status} {code}", partner_wide=True)
            )
        try:
            state = _transaction.decode(response.body).trade_state
            if state in STILL_OPEN:
                return None
            command, _ = payment_command(mchid, response.body)
        except UNREADABLE as error:
            return Failed(f"the answer is not understood: {reason_of(error)}", unknown=True)
        if state != "SUCCESS":
            command = RecordPrepayRefused(order=order, attempt=attempt, reason=state[:32])
        return Done(command, response.body)

    def _about(self, errand: Errand) -> tuple[Prepay, str, int, str]:
        """The effect, its order and attempt, and the merchant of its shop."""
        effect = errand.effect
        assert isinstance(effect, Prepay)
        parsed = ids.parse(effect.out_trade_no)
        assert parsed is not None
        return effect, parsed.order, parsed.part_no, self._settings.merchants.get(effect.shop, "")

    async def _call(
        self, errand: Errand, mchid: str, method: str, path: str, body: bytes
    ) -> HttpResponse | Failed:
        """The answer; one below 400 has been authenticated."""
        name = f"wechat/{mchid}"
        fields = fields_of(self._wire, name, "serial_no", "private_key")
        if isinstance(fields, Failed):
            return fields
        credential = self._wire.credentials.get(name)
        private_key, keys = self._private.of(name, credential), self._platform.of(name, credential)
        if private_key is None:
            return Failed(f"the credential {name} has no readable private key", partner_wide=True)
        timestamp = str(int(self._wire.clock.now().timestamp()))
        nonce = digest(errand.id, str(errand.tries), method, timestamp).hex()
        signature = sign(private_key, timestamp, nonce, method, path, body)
        headers = {
            "authorization": authorization(mchid, fields[0], timestamp, nonce, signature),
            "accept": "application/json",
            "content-type": "application/json",
        }
        if public_key := next((serial for serial in keys if serial.startswith(PUBLIC_KEY_ID)), ""):
            # While an account moves from certificates to a public key, this says which to answer with.
            headers["wechatpay-serial"] = public_key
        url = f"{self._settings.base_url}{path}"
        response = await exchange(self._wire, HttpRequest(method=method, url=url, headers=headers, body=body))
        if isinstance(response, Failed) or response.status >= 400:
            return response
        try:
            check_signature(keys, response.headers, response.body, self._wire.clock.now())
        except Unauthentic as error:
            return Failed(f"the answer is not authentic: {error}", partner_wide=True, unknown=True)
        return response


def sign(key: RSAPrivateKey, timestamp: str, nonce: str, method: str, path: str, body: bytes) -> str:
    """Base64 RSA-PKCS1v15-SHA256 over method, path with query, timestamp, nonce and body, a line each."""
    message = f"{method}\n{path}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"
    return b64encode(key.sign(message, PKCS1v15(), hashes.SHA256())).decode()


def authorization(mchid: str, serial: str, timestamp: str, nonce: str, signature: str) -> str:
    said = {
        "mchid": mchid,
        "nonce_str": nonce,
        "signature": signature,
        "timestamp": timestamp,
        "serial_no": serial,
    }
    return f"{SIGNATURE_TYPE} " + ",".join(f'{name}="{value}"' for name, value in said.items())


def read_private_key(credential: Mapping[str, str]) -> RSAPrivateKey | None:
    """The merchant's key; None when it is not an unencrypted RSA key in PEM."""
    try:
        key = load_pem_private_key(credential.get("private_key", "").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPrivateKey) else None


def _refused(response: HttpResponse, order: str, attempt: int) -> Done | Failed:
    """The platform's code; its message may quote what we sent, so it is left out."""
    code = _code(response)
    if response.status == 401 or code in PARTNER_WIDE:
        return Failed(f"WeChat {response.status} {code}", partner_wide=True)
    if code in PAID_ALREADY:
        return Failed(
            f"WeChat {response.status} {code}", unknown=True
        )  # the look-up before the next try finds it
    return Done(RecordPrepayRefused(order=order, attempt=attempt, reason=code), response.body)


def _code(response: HttpResponse) -> str:
    try:
        return _error.decode(response.body).code[:64] or f"HTTP {response.status}"
    except UNREADABLE:
        return f"HTTP {response.status}"
