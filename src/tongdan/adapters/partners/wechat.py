"""WeChat Pay v3 notices: signed by the platform's RSA key, their contents sealed with AES-256-GCM.

A notice is authentic when its signature, its age and its seal all hold; only then is it read. An account
may be moving from platform certificates to a platform public key, so the key is chosen by the serial that
the notice names. Source: the merchant documentation of payment and refund notices; trade times are RFC
3339, amounts integer fen.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tongdan.adapters.partners.authentic import Derived, check_fresh, secret_of
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable, check_size, reason_of
from tongdan.domain.kernel import ids
from tongdan.domain.kernel.instants import from_rfc3339
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.domain.kernel.money import check_fen
from tongdan.domain.orders.axes import RefundStage
from tongdan.domain.orders.commands import RecordPayment, RecordPaymentFailure, RecordRefund
from tongdan.ports import (
    Accepted,
    Credentials,
    Inbound,
    NotUnderstood,
    PushAnswer,
    PushRequest,
    Reply,
    Unauthentic,
)

SOURCE: Final = "payment/wechat"
SIGNATURE_TYPE: Final = "WECHATPAY2-SHA256-RSA2048"
ALGORITHM: Final = "AEAD_AES_256_GCM"
PLATFORM_KEY: Final = "platform_key:"  # followed by the serial or PUB_KEY_ID_…
CURRENCY: Final = "CNY"
PAID: Final = "SUCCESS"
SUCCESS: Final = b'{"code":"SUCCESS","message":"\xe6\x88\x90\xe5\x8a\x9f"}'
FAILURE: Final = b'{"code":"FAIL","message":"\xe5\xa4\xb1\xe8\xb4\xa5"}'


class _Resource(msgspec.Struct):
    algorithm: str
    ciphertext: str
    nonce: str
    associated_data: str = ""


class _Notice(msgspec.Struct):
    id: str
    create_time: str
    event_type: str
    resource: _Resource


class _Amount(msgspec.Struct):
    total: int = 0
    currency: str = CURRENCY


class Transaction(msgspec.Struct):
    """A payment as the notice and the query give it."""

    mchid: str
    out_trade_no: str
    trade_state: str
    transaction_id: str = ""
    success_time: str = ""
    amount: _Amount = msgspec.field(default_factory=_Amount)


class _RefundAmount(msgspec.Struct):
    refund: int
    currency: str = CURRENCY


class Refund(msgspec.Struct):
    """A refund as answers and the query give it; a notice says `refund_status` instead, and names the merchant."""

    out_refund_no: str
    out_trade_no: str
    transaction_id: str
    refund_id: str
    amount: _RefundAmount
    status: str = ""
    refund_status: str = ""
    success_time: str | None = None
    mchid: str = ""


REFUND_STAGES: Final = {
    "PROCESSING": RefundStage.ACCEPTED,
    "ABNORMAL": RefundStage.ABNORMAL,
    "SUCCESS": RefundStage.SUCCEEDED,
    "CLOSED": RefundStage.FAILED,
}


_notice: Final = msgspec.json.Decoder(_Notice)
_transaction: Final = msgspec.json.Decoder(Transaction)
_refund: Final = msgspec.json.Decoder(Refund)


class PlatformKey(msgspec.Struct, frozen=True):
    """A key of the platform's. A certificate is good between two instants, a bare public key always."""

    key: RSAPublicKey
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return (self.since is None or self.since <= at) and (self.until is None or at <= self.until)


def platform_keys(credential: Mapping[str, str]) -> dict[str, PlatformKey]:
    """A merchant's platform keys by serial. An unreadable one is left out: what it signed does not verify."""
    return {
        field.removeprefix(PLATFORM_KEY): key
        for field, pem in credential.items()
        if field.startswith(PLATFORM_KEY) and (key := read_platform_key(pem)) is not None
    }


class WechatDoor:
    """`/push/wechat/{mchid}`; credential `wechat/{mchid}`: `api_v3_key`, `platform_key:{serial}` (PEM)."""

    path = "/push/wechat/"
    source: str = SOURCE

    def __init__(self, credentials: Credentials) -> None:
        self._credentials: Final = credentials
        self._keys: Final = Derived(platform_keys)

    def open(self, request: PushRequest) -> Sequence[Inbound | NotUnderstood]:
        check_size(request)
        mchid = request.path.removeprefix(self.path)
        name = f"wechat/{mchid}"
        credential = secret_of(self._credentials, name)
        check_signature(self._keys.of(name, credential), request.headers, request.body, request.received_at)
        return self.read(mchid, request.body, request.received_at)

    def read(self, about: str, raw: bytes, received_at: datetime) -> Sequence[Inbound | NotUnderstood]:
        """`about` is the merchant."""
        credential = secret_of(self._credentials, f"wechat/{about}")
        try:
            notice = _notice.decode(raw)
            if notice.resource.algorithm != ALGORITHM:
                raise NotReadable(f"expected `resource.algorithm` {ALGORITHM}")
            content = unseal(credential.get("api_v3_key", ""), notice.resource)
            said_at = from_rfc3339(notice.create_time)
            command, happened_at = _command(about, notice.event_type, content, said_at)
            if not 0 < len(notice.id) <= 64:
                raise NotReadable("expected `id` of at most 64 characters")
        except UNREADABLE as error:
            return [NotUnderstood(source=SOURCE, reason=reason_of(error), raw=raw, about=about)]
        inbound = Inbound(
            command=command,
            key=("wechat", about, notice.id),
            source=SOURCE,
            shop="",
            happened_at=happened_at,
            raw=raw,
        )
        return [inbound]

    def answer(self, request: PushRequest, replies: Sequence[Reply]) -> PushAnswer:
        for reply in replies:
            if not isinstance(reply, Accepted):
                return self.refuse(request, reply)
        return PushAnswer(200, SUCCESS)

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        """Any 4xx or 5xx is repeated by the platform for a day."""
        return PushAnswer(refusal.status, FAILURE, retry_after_s=refusal.retry_after_s)


def check_signature(
    keys: Mapping[str, PlatformKey], headers: Mapping[str, str], body: bytes, at: datetime
) -> None:
    """RSA-PKCS1v15-SHA256 over `timestamp \\n nonce \\n body \\n`, bytes as received. Raises Unauthentic."""
    try:
        serial, signature = headers["wechatpay-serial"], headers["wechatpay-signature"]
        timestamp, nonce = headers["wechatpay-timestamp"], headers["wechatpay-nonce"]
    except KeyError:
        raise Unauthentic("a signature header is missing") from None
    if headers.get("wechatpay-signature-type", SIGNATURE_TYPE) != SIGNATURE_TYPE:
        raise Unauthentic("the signature is of another type")
    platform = keys.get(serial)
    if platform is None:
        raise Unauthentic("no platform key has this serial")
    if not platform.holds(at):
        raise Unauthentic("the platform certificate is not valid now")
    message = f"{timestamp}\n{nonce}\n".encode("utf-8", "replace") + body + b"\n"
    try:
        platform.key.verify(b64decode(signature, validate=True), message, PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        raise Unauthentic("the signature does not match") from None
    check_fresh(timestamp, at)


def unseal(api_v3_key: str, resource: _Resource) -> bytes:
    """The content of a notice. A seal that does not hold is Unauthentic, so that the platform goes on trying
    while a wrong key of ours is being mended; raises ValueError when it is not even a seal."""
    try:
        cipher = AESGCM(api_v3_key.encode())
    except ValueError:
        raise Unauthentic("the credential has no APIv3 key of 32 bytes") from None
    sealed = b64decode(resource.ciphertext, validate=True)
    try:
        return cipher.decrypt(resource.nonce.encode(), sealed, resource.associated_data.encode())
    except InvalidTag:
        raise Unauthentic("the seal does not hold under the APIv3 key") from None


def read_platform_key(pem: str) -> PlatformKey | None:
    """A certificate or a public key in PEM; None when it is neither, or not RSA."""
    try:
        if "CERTIFICATE" in pem:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            holder = certificate.public_key()
            span = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
            return PlatformKey(holder, *span) if isinstance(holder, RSAPublicKey) else None
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    return PlatformKey(key) if isinstance(key, RSAPublicKey) else None


def payment_command(mchid: str, content: bytes) -> tuple[Command, datetime | None]:
    """What a transaction says of its payment attempt, and when it was paid. Raises one of UNREADABLE."""
    said = _transaction.decode(content)
    order, attempt = _attempt(mchid, said.mchid, said.out_trade_no)
    if said.trade_state != PAID:
        return RecordPaymentFailure(order=order, attempt=attempt, reason=said.trade_state[:32]), None
    if said.amount.currency != CURRENCY:
        raise NotReadable(f"currency-not-supported: expected `amount.currency` {CURRENCY}")
    if not said.transaction_id or said.amount.total <= 0:
        raise NotReadable("expected `transaction_id` and a positive `amount.total`")
    paid_at = from_rfc3339(said.success_time)
    command = RecordPayment(
        order=order,
        attempt=attempt,
        transaction=said.transaction_id[:64],
        amount_fen=check_fen(said.amount.total),
        paid_at=paid_at,
    )
    return command, paid_at


def read_refund(content: bytes, asked_at: datetime) -> RecordRefund:
    """What an answer about a refund says of it. Raises one of UNREADABLE."""
    said = _refund.decode(content)
    return refund_command(said, said.status, asked_at)


def refund_command(said: Refund, status: str, said_at: datetime) -> RecordRefund:
    """Whether number, payment and sum are those that were asked for is the order's to judge. Raises NotReadable."""
    refund, trade = ids.parse(said.out_refund_no), ids.parse(said.out_trade_no)
    if refund is None or refund.part != "R":
        raise NotReadable("`out_refund_no` is no refund of ours")
    if trade is None or trade.part != "P" or trade.order != refund.order:
        raise NotReadable("`out_trade_no` is no payment attempt of the order that `out_refund_no` belongs to")
    if said.amount.currency != CURRENCY:
        raise NotReadable(f"currency-not-supported: expected `amount.currency` {CURRENCY}")
    if status not in REFUND_STAGES or not said.transaction_id or said.amount.refund <= 0:
        raise NotReadable("expected a known status, a `transaction_id` and a positive `amount.refund`")
    return RecordRefund(
        order=refund.order,
        refund=refund.part_no,
        attempt=trade.part_no,
        transaction=said.transaction_id[:64],
        amount_fen=check_fen(said.amount.refund),
        stage=REFUND_STAGES[status],
        reference=said.refund_id[:64],
        said_at=from_rfc3339(said.success_time) if said.success_time else said_at,
    )


def _command(mchid: str, event: str, content: bytes, said_at: datetime) -> tuple[Command, datetime]:
    kind = event.partition(".")[0]
    if kind == "TRANSACTION":
        command, paid_at = payment_command(mchid, content)
        return command, paid_at or said_at
    if kind == "REFUND":
        refund = _refund.decode(content)
        if refund.mchid != mchid:
            raise NotReadable("`mchid` is not the merchant this address belongs to")
        if event != f"REFUND.{refund.refund_status}":
            raise NotReadable("`event_type` and `refund_status` say different things")
        result = refund_command(refund, refund.refund_status, said_at)
        return result, result.said_at
    raise NotReadable("expected `event_type` TRANSACTION.… or REFUND.…")


def _attempt(mchid: str, said_mchid: str, out_trade_no: str) -> tuple[str, int]:
    """The order and the number of its payment attempt (`…-P1`)."""
    if said_mchid != mchid:
        raise NotReadable("`mchid` is not the merchant this address belongs to")
    parsed = ids.parse(out_trade_no)
    if parsed is None or parsed.part != "P":
        raise NotReadable("`out_trade_no` is no payment attempt of ours")
    return parsed.order, parsed.part_no
