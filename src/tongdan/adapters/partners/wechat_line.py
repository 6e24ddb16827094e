"""The line to WeChat Pay v3: what we ask carries our RSA signature, what it answers is believed only with its own.

Its codes say whose fault a refusal is: the merchant's or the platform's as a whole, or that of this one request. Its
messages may quote what we sent, so they are left out.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tongdan.adapters.partners.authentic import Derived
from tongdan.adapters.partners.exchange import UNAUTHORIZED, Wire, exchange, fields_of
from tongdan.adapters.partners.reading import UNREADABLE
from tongdan.adapters.partners.settings import WechatSettings
from tongdan.adapters.partners.wechat import SIGNATURE_TYPE, check_signature, platform_keys
from tongdan.domain.kernel.slots import digest
from tongdan.ports import Errand, Failed, HttpRequest, HttpResponse, Unauthentic

PUBLIC_KEY_ID: Final = "PUB_KEY_ID_"
# Codes that speak of the merchant or the platform, not of this order.
PARTNER_WIDE: Final = frozenset(
    {"SIGN_ERROR", "NO_AUTH", "MCH_NOT_EXISTS", "APPID_MCHID_NOT_MATCH", "ACCOUNT_ERROR", "SYSTEM_ERROR",
     "FREQUENCY_LIMITED", "FREQUENCY_LIMIT_EXCEED", "BANK_ERROR", "INVALID_REQUEST_SIGN"}
)  # fmt: skip
AWAY: Final = frozenset({"SIGN_ERROR", "INVALID_REQUEST_SIGN"})  # of these, what does not take our signature


class _Error(msgspec.Struct):
    code: str = ""


_error: Final = msgspec.json.Decoder(_Error)


class Line:
    """Signed calls with `wechat/{mchid}`: `serial_no`, `private_key` (PEM) and `platform_key:{serial}`."""

    def __init__(self, settings: WechatSettings, wire: Wire) -> None:
        self.settings: Final = settings
        self.wire: Final = wire
        self._platform: Final = Derived(platform_keys)
        self._private: Final = Derived(read_private_key)

    async def call(
        self, errand: Errand, mchid: str, method: str, path: str, body: bytes, *, unsigned: bool = False
    ) -> HttpResponse | Failed:
        """The answer, authenticated if it is below 400 and not of a kind that comes `unsigned`.

        A refusal that speaks of more than this request is Failed.
        """
        name = f"wechat/{mchid}"
        fields = fields_of(self.wire, name, "serial_no", "private_key")
        if isinstance(fields, Failed):
            return fields
        credential = self.wire.credentials.get(name)
        private_key, keys = self._private.of(name, credential), self._platform.of(name, credential)
        if private_key is None:
            return Failed(f"the credential {name} has no readable private key", partner_wide=True)
        timestamp = str(int(self.wire.clock.now().timestamp()))
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
        url = f"{self.settings.base_url}{path}"
        response = await exchange(self.wire, HttpRequest(method=method, url=url, headers=headers, body=body))
        if isinstance(response, Failed):
            return response
        if response.status >= 400:
            code = code_of(response)
            wide = response.status == UNAUTHORIZED or code in PARTNER_WIDE
            away = response.status == UNAUTHORIZED or code in AWAY
            told = Failed(f"WeChat {response.status} {code}", partner_wide=True, turned_away=away)
            return told if wide else response
        if unsigned:
            return response
        try:
            check_signature(keys, response.headers, response.body, self.wire.clock.now())
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


def code_of(response: HttpResponse) -> str:
    try:
        return _error.decode(response.body).code[:64] or f"HTTP {response.status}"
    except UNREADABLE:
        return f"HTTP {response.status}"
