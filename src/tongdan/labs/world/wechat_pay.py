"""WeChat Pay v3 (微信支付): opens and closes payments, takes the buyer's money, and says so until it is heard.

It checks the merchant's signature on every request and signs all that it says: half of it with the key of
its certificate, half with its public-key mode, as during the platform's own switch from one to the other.
Notices are sealed with AES-256-GCM and repeated on the published schedule. What goes back is the business of
`wechat_refunds`, bills that of `wechat_bills`. Source: the merchant documentation of JSAPI payments.
"""

import asyncio
import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tongdan.labs.world.faults import ANSWER_LOST, BUSY, NOTICE_FIRST
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.wechat_bills import FILES, TRADE_BILL, Bills
from tongdan.labs.world.wechat_books import CLOSED, NOTPAY, SUCCESS, Notice, Refused, Trade, rfc3339
from tongdan.labs.world.wechat_refunds import REFUNDS, Refunds
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
PATIENCE_S: Final = 1_200.0  # of a buyer who waits for the payment sheet
PATIENCE_AT_LEAST_S: Final = 10.0
RETRIES_S: Final = (15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600, *[10_800] * 3, *[21_600] * 2)
FRESH_WITHIN_S: Final = 300
NOTICE_FIRST_BY_S: Final = 3.0
JSAPI: Final = "/v3/pay/transactions/jsapi"
BY_TRADE_NO: Final = "/v3/pay/transactions/out-trade-no/"
CLOSE: Final = "/close"

_FIELD: Final = re.compile(r'(\w+)="([^"]*)"')


class Merchant(NamedTuple):
    """What WeChat Pay keeps of a merchant, and its own keys by serial number."""

    mchid: str
    appid: str
    serial: str
    public_key: RSAPublicKey
    api_v3_key: str
    platform_keys: Mapping[str, RSAPrivateKey]


class WechatPay:
    """The provider, with one merchant. `banks` is the setting of those that carry refunds to the buyers."""

    def __init__(self, setting: Setting, merchant: Merchant, banks: Setting | None = None) -> None:
        self.trades: Final[dict[str, Trade]] = {}
        self._setting: Final = setting
        self._merchant: Final = merchant
        self._opened: Final[dict[str, asyncio.Event]] = {}
        self._nonces: Final = setting.stream("wechat", "nonces")
        self.outbox: Final = Outbox[Notice](setting, self._wrap, _acknowledged, RETRIES_S)
        self.refunds: Final = Refunds(
            banks or setting,
            merchant.mchid,
            self.trades,
            lambda notice, order: self.outbox.post(notice, "wechat.refund-notify", order),
            lambda notice, _: self.outbox.whisper(notice),
        )
        self._bills: Final = Bills(merchant.mchid, self.trades, self.refunds.books)

    # ---- what buyers do

    async def opened(self, out_trade_no: str) -> Trade | None:
        """The payment sheet on the buyer's phone: the trade once it is open, None if not in time."""
        event = self._opened.setdefault(out_trade_no, asyncio.Event())
        patience = self._setting.wait(PATIENCE_S, at_least_s=PATIENCE_AT_LEAST_S)
        waited = asyncio.ensure_future(patience)
        opened = asyncio.ensure_future(event.wait())
        await asyncio.wait({waited, opened}, return_when=asyncio.FIRST_COMPLETED)
        waited.cancel()
        opened.cancel()
        return self.trades.get(out_trade_no)

    def pay(self, trade: Trade, paid_fen: int) -> None:
        """The buyer pays; the merchant is told until it listens."""
        if trade.state != NOTPAY:
            return
        stream = self._setting.stream("wechat", trade.out_trade_no)
        trade.state, trade.paid_fen, trade.paid_at = SUCCESS, paid_fen, self._setting.clock.now()
        trade.transaction_id = f"4200{stream.digits(24)}"
        notice = Notice(
            f"EV-{stream.digits(20)}",
            "TRANSACTION.SUCCESS",
            self._transaction(trade),
            trade.notify_url,
            trade.paid_at,
        )
        self.outbox.post(notice, "wechat.notify", self._setting.names.native_of(trade.out_trade_no))

    # ---- what it tells the merchant

    def _wrap(self, notices: Sequence[Notice]) -> HttpRequest:
        (notice,) = notices
        nonce = self._nonces.token(6).hex()
        kind = notice.event.partition(".")[0].lower()
        plain = json.dumps(notice.said, ensure_ascii=False).encode()
        sealed = AESGCM(self._merchant.api_v3_key.encode()).encrypt(nonce.encode(), plain, kind.encode())
        said = {
            "id": notice.id,
            "create_time": rfc3339(notice.created_at),
            "resource_type": "encrypt-resource",
            "event_type": notice.event,
            "summary": "支付成功" if kind == "transaction" else "退款结果",
            "resource": {
                "original_type": kind,
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(sealed).decode(),
                "associated_data": kind,
                "nonce": nonce,
            },
        }
        body = json.dumps(said, ensure_ascii=False).encode()
        headers = {"content-type": "application/json", **self._signed(body)}
        return HttpRequest(method="POST", url=notice.notify_url, headers=headers, body=body, timeout_s=5.0)

    def _transaction(self, trade: Trade) -> dict[str, object]:
        said: dict[str, object] = {
            "appid": self._merchant.appid,
            "mchid": self._merchant.mchid,
            "out_trade_no": trade.out_trade_no,
            "trade_state": trade.state,
            "trade_state_desc": "",
        }
        if trade.state == SUCCESS and trade.paid_at is not None:
            total = {"total": trade.paid_fen, "payer_total": trade.paid_fen}
            said |= {
                "transaction_id": trade.transaction_id,
                "trade_type": "JSAPI",
                "bank_type": "OTHERS",
                "attach": "",
                "success_time": rfc3339(trade.paid_at),
                "payer": {"openid": trade.openid},
                "amount": {**total, "currency": "CNY", "payer_currency": "CNY"},
            }
        return said

    def _signed(self, body: bytes) -> dict[str, str]:
        """RSA over `timestamp \\n nonce \\n body \\n`, with one of the keys that are in use."""
        serial = self._nonces.pick(sorted(self._merchant.platform_keys))
        nonce, timestamp = self._nonces.token(16).hex(), str(int(self._setting.clock.now().timestamp()))
        message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        signature = self._merchant.platform_keys[serial].sign(message, PKCS1v15(), hashes.SHA256())
        return {
            "wechatpay-timestamp": timestamp,
            "wechatpay-nonce": nonce,
            "wechatpay-signature": base64.b64encode(signature).decode(),
            "wechatpay-serial": serial,
            "wechatpay-signature-type": SCHEME,
        }

    # ---- what it answers

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """One request of the merchant's."""
        url = urlsplit(request.url)
        try:
            self._admit(request)
            if url.path == FILES:  # the one answer without a signature
                return HttpResponse(200, {}, self._bills.file(parse_qs(url.query)))
            said, fault = self._serve(request)
        except Refused as no:
            return self._answer(no.status, {"code": no.code, "message": no.message})
        if fault == NOTICE_FIRST:
            await self._setting.clock.sleep(NOTICE_FIRST_BY_S)
        if fault == ANSWER_LOST:
            raise NoAnswer("the answer was lost")
        return self._answer(200, said) if said else self._answer(204, None)

    def _serve(self, request: HttpRequest) -> tuple[dict[str, object], str]:
        """What is answered (nothing: 204), and the fault that befalls it. Raises Refused."""
        url = urlsplit(request.url)
        path, number = url.path, url.path.removeprefix(BY_TRADE_NO)
        if request.method == "GET":
            if path.startswith(f"{REFUNDS}/"):
                return self.refunds.find(path.removeprefix(f"{REFUNDS}/")), ""
            if path.startswith(BY_TRADE_NO):
                return self._query(number, parse_qs(url.query)), ""
            if path == TRADE_BILL:
                return self._bills.announce(parse_qs(url.query)), ""
        elif request.method == "POST":
            asked = json.loads(request.body)
            if path == REFUNDS:
                return self.refunds.take(asked)
            if path == JSAPI:
                fault = self._fault("wechat.prepay", str(asked.get("out_trade_no")))
                return self._prepay(asked), fault
            if path.startswith(BY_TRADE_NO) and path.endswith(CLOSE):
                number = number.removesuffix(CLOSE)
                fault = self._fault("wechat.close", number)
                self._close(number, asked)
                return {}, fault
        raise Refused(404, "RESOURCE_NOT_EXISTS", "no such interface is simulated")

    def _fault(self, where: str, number: str) -> str:
        order = self._setting.names.native_of(number)
        fault = self._setting.faults.meet(where, order, (BUSY, ANSWER_LOST))
        if fault == BUSY:
            raise Refused(500, "SYSTEM_ERROR", "系统异常，请用相同参数重试")
        return fault

    def _admit(self, request: HttpRequest) -> None:
        """The merchant's signature: RSA over method, path with query, timestamp, nonce, body, a line each."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        said = dict(_FIELD.findall(rest))
        url = urlsplit(request.url)
        target = f"{url.path}?{url.query}" if url.query else url.path
        try:
            stamp, nonce, signature = said["timestamp"], said["nonce_str"], said["signature"]
            message = f"{request.method}\n{target}\n{stamp}\n{nonce}\n".encode() + request.body + b"\n"
            self._merchant.public_key.verify(
                base64.b64decode(signature), message, PKCS1v15(), hashes.SHA256()
            )
            known = (said["mchid"], said["serial_no"]) == (self._merchant.mchid, self._merchant.serial)
            fresh = abs(int(stamp) - self._setting.clock.now().timestamp()) <= FRESH_WITHIN_S
        except (KeyError, ValueError, InvalidSignature):
            raise Refused(401, "SIGN_ERROR", "错误的签名，验签失败") from None
        if scheme != SCHEME or not known or not fresh:
            raise Refused(401, "SIGN_ERROR", "Http头Authorization值格式错误，请检查")

    def _prepay(self, asked: Mapping[str, Any]) -> dict[str, object]:
        """The same `out_trade_no` with the same sum is the same payment, however often it is opened."""
        try:
            number, total = str(asked["out_trade_no"]), asked["amount"]["total"]
            openid, notify_url = str(asked["payer"]["openid"]), str(asked["notify_url"])
            ours = (asked["mchid"], asked["appid"]) == (self._merchant.mchid, self._merchant.appid)
        except (KeyError, TypeError):
            raise Refused(400, "PARAM_ERROR", "参数错误") from None
        if not ours or type(total) is not int or total <= 0 or not openid or not asked.get("description"):
            raise Refused(400, "PARAM_ERROR", "参数错误")
        trade = self.trades.get(number)
        if trade is None:
            prepay_id = f"wx{self._setting.stream('prepay', number).token(16).hex()}"
            trade = self.trades[number] = Trade(number, total, openid, notify_url, prepay_id)
            self._opened.setdefault(number, asyncio.Event()).set()
        if trade.amount_fen != total:
            raise Refused(403, "OUT_TRADE_NO_USED", "商户订单号重复")
        _check_open(trade)
        return {"prepay_id": trade.prepay_id}

    def _query(self, number: str, query: Mapping[str, Sequence[str]]) -> dict[str, object]:
        if query.get("mchid") != [self._merchant.mchid]:
            raise Refused(400, "PARAM_ERROR", "商户号有误")
        if number not in self.trades:
            raise Refused(404, "ORDER_NOT_EXIST", "订单不存在")
        return self._transaction(self.trades[number])

    def _close(self, number: str, asked: Mapping[str, Any]) -> None:
        if asked.get("mchid") != self._merchant.mchid:
            raise Refused(400, "PARAM_ERROR", "商户号有误")
        if number not in self.trades:
            raise Refused(404, "ORDER_NOT_EXIST", "订单不存在")
        _check_open(self.trades[number])
        self.trades[number].state = CLOSED

    def _answer(self, status: int, said: Mapping[str, object] | None) -> HttpResponse:
        body = b"" if said is None else json.dumps(said, ensure_ascii=False).encode()
        return HttpResponse(status, {"content-type": "application/json", **self._signed(body)}, body)


def _check_open(trade: Trade) -> None:
    if trade.state == SUCCESS:
        raise Refused(400, "ORDERPAID", "订单已支付")
    if trade.state == CLOSED:
        raise Refused(400, "ORDER_CLOSED", "订单已关闭")


def _acknowledged(answer: HttpResponse) -> bool:
    return answer.status in (200, 204)
