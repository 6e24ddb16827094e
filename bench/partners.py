"""What everybody outside says in the life of one order, as bytes, signed and sealed as each of them does it.

Written from the partners' formats and not with the centre's own code, so a mistake made on one side shows. Only what
the centre reads is said. Times are whole seconds, and what depends on nothing but them is made once a second.
"""

import hashlib
import hmac
import json
import re
import time
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bench.baskets import Basket
from bench.line import post, response
from bench.wire import receiver_of

OWN_SHOP: Final = "mp-main"
MERCHANT: Final = "1900000109"
WMS: Final = "main"
FINANCE: Final = "main"
_JSON: Final = {"Content-Type": "application/json"}
_XML: Final = {"Content-Type": "text/xml;charset=utf-8"}
_SHANGHAI: Final = timezone(timedelta(hours=8))
_ITEM: Final = re.compile(rb"<itemCode>([^<]+)</itemCode><planQty>(\d+)</planQty>")
_FIELD: Final = re.compile(rb"<(deliveryOrderCode|warehouseCode)>([^<]+)<")


class Partners:
    """One of each, with the credentials that `provision` made in `data`."""

    def __init__(self, data: Path) -> None:
        ours = json.loads((data / "credentials.json").read_bytes())
        theirs = json.loads((data / "world-keys.json").read_bytes())[f"wechat/{MERCHANT}"]
        self._own = ours[f"own/{OWN_SHOP}"]["secret"].encode()
        self._finance = ours[f"finance/{FINANCE}"]["secret"].encode()
        self._sf = ours["sf/main"]["push_secret"]
        self._qimen: Mapping[str, str] = ours[f"qimen/{WMS}"]
        self._seal = AESGCM(ours[f"wechat/{MERCHANT}"]["api_v3_key"].encode())
        self._serial, pem = next(iter(theirs.items()))
        key = load_pem_private_key(pem.encode(), password=None)
        assert isinstance(key, RSAPrivateKey)
        self._key = key
        self._second = 0
        self._prepaid = b""

    # ---- buyers

    def order(self, number: str, basket: Basket, at: int) -> bytes:
        """Place an order, and wait for its stock."""
        said = {
            "order_no": number,
            "user": basket.buyer,
            "placed_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "amount_fen": basket.amount_fen,
            "lines": [line._asdict() for line in basket.lines],
            "receiver": receiver_of(at),
            "payer": f"o{number}",
        }
        return self._own_post("orders?wait=reserved", said, number)

    def payment(self, order: str, tries: int) -> bytes:
        """Ask for the payment sheet."""
        request = f"{order}-{tries}"
        said = {"order_id": order, "request_id": request, "method": "wechat"}
        return self._own_post(f"orders/{order}/payments", said, request)

    def _own_post(self, path: str, said: Mapping[str, Any], nonce: str) -> bytes:
        body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
        return post(f"/own/{OWN_SHOP}/{path}", signed(self._own, nonce, body), body)

    # ---- WeChat Pay

    def prepaid(self) -> bytes:
        """The answer to a payment that is opened: one signature a minute, for every sheet has the same number."""
        if (minute := int(time.time()) // 60) != self._second:
            body = b'{"prepay_id":"wx26112345678901234567890123456789"}'
            self._second = minute
            self._prepaid = response("200 OK", self._platform(body, "prepaid"), body)
        return self._prepaid

    def paid(self, order: str, amount_fen: int) -> bytes:
        """The notice that the first attempt of `order` was paid."""
        nonce, now = order[-12:].rjust(12, "0"), _now()
        content = json.dumps(
            {
                "mchid": MERCHANT,
                "out_trade_no": f"{order}-P1",
                "trade_state": "SUCCESS",
                "transaction_id": f"4200{order}",
                "success_time": now,
                "amount": {"total": amount_fen, "currency": "CNY"},
            }
        ).encode()
        resource = {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": b64encode(self._seal.encrypt(nonce.encode(), content, b"transaction")).decode(),
            "associated_data": "transaction",
            "nonce": nonce,
        }
        notice = {
            "id": f"EV-{order}",
            "create_time": now,
            "event_type": "TRANSACTION.SUCCESS",
            "resource": resource,
        }
        body = json.dumps(notice).encode()
        return post(f"/push/wechat/{MERCHANT}", self._platform(body, order), body)

    def _platform(self, body: bytes, nonce: str) -> dict[str, str]:
        stamp = str(int(time.time()))
        signature = self._key.sign(f"{stamp}\n{nonce}\n".encode() + body + b"\n", PKCS1v15(), hashes.SHA256())
        return {
            **_JSON,
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": self._serial,
            "Wechatpay-Signature": b64encode(signature).decode(),
        }

    # ---- warehouse, carrier, finance

    def accepted(self, shipment: str) -> bytes:
        """The WMS's answer to `deliveryorder.create`."""
        body = (
            "<response><flag>success</flag><code>0</code><message></message>"
            f"<deliveryOrderId>W{shipment}</deliveryOrderId></response>"
        ).encode()
        return response("200 OK", _XML, body)

    def confirmed(self, asked: bytes, waybill: str) -> bytes:
        """`deliveryorder.confirm`: all that `asked` (a `deliveryorder.create`) wanted has left in one parcel."""
        fields = {name.decode(): value.decode() for name, value in _FIELD.findall(asked)}
        shipment, items = fields["deliveryOrderCode"], _ITEM.findall(asked)
        parcel = b"".join(
            b"<item><itemCode>%b</itemCode><quantity>%b</quantity></item>" % item for item in items
        )
        lines = b"".join(
            b"<orderLine><itemCode>%b</itemCode><actualQty>%b</actualQty></orderLine>" % item
            for item in items
        )
        body = (
            f"<request><deliveryOrder><deliveryOrderCode>{shipment}</deliveryOrderCode>"
            f"<warehouseCode>{fields['warehouseCode']}</warehouseCode><outBizCode>{shipment}-1</outBizCode>"
            f"<confirmType>0</confirmType><orderConfirmTime>{_wall()}</orderConfirmTime></deliveryOrder>"
            f"<packages><package><logisticsCode>SF</logisticsCode><expressCode>{waybill}</expressCode>"
            f"<weight>1.20</weight><items>{parcel.decode()}</items></package></packages>"
            f"<orderLines>{lines.decode()}</orderLines></request>"
        ).encode()
        query = {
            "method": "taobao.qimen.deliveryorder.confirm",
            "timestamp": _wall(),
            "format": "xml",
            "app_key": self._qimen["app_key"],
            "v": "2.0",
            "sign_method": "md5",
            "customerId": self._qimen["customer_id"],
        }
        secret = self._qimen["secret"].encode()
        named = "".join(name + query[name] for name in sorted(query)).encode()
        query["sign"] = hashlib.md5(secret + named + body + secret).hexdigest().upper()
        return post(f"/push/qimen/{WMS}?{urlencode(query)}", _XML, body)

    def signed_for(self, shipment: str, waybill: str) -> bytes:
        """A route push; without a `shipment` the parcel is known by its waybill alone."""
        node = {
            "mailno": waybill,
            "orderid": shipment,
            "acceptTime": _wall(),
            "opCode": "80",
            "id": waybill[2:],
        }
        body = json.dumps({"Body": {"WaybillRoute": [node]}}).encode()
        return post(f"/push/sf/{self._sf}", _JSON, body)

    def settled(self, order: str, amount_fen: int) -> bytes:
        said = {
            "id": f"ST-{order}",
            "type": "settled",
            "order_id": order,
            "reference": f"R-{order}",
            "settled_at": _now(),
            "amount_fen": amount_fen,
        }
        body = json.dumps(said).encode()
        return post(f"/push/finance/{FINANCE}", signed(self._finance, f"settle-{order}", body), body)


def shipment_in(asked: bytes) -> str:
    """The code of a `deliveryorder.create`."""
    at = asked.index(b"<deliveryOrderCode>") + len(b"<deliveryOrderCode>")
    return asked[at : asked.index(b"<", at)].decode()


def signed(secret: bytes, nonce: str, body: bytes) -> dict[str, str]:
    """The headers of own shops and finance: HMAC-SHA256 over timestamp, nonce and body, a line each."""
    stamp = str(int(time.time()))
    return {
        **_JSON,
        "X-Tongdan-Timestamp": stamp,
        "X-Tongdan-Nonce": nonce,
        "X-Tongdan-Signature": hmac.digest(secret, f"{stamp}\n{nonce}\n".encode() + body, "sha256").hex(),
    }


def _now() -> str:
    return datetime.now(_SHANGHAI).isoformat(timespec="seconds")


def _wall() -> str:
    return datetime.now(_SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
