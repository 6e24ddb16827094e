"""The push port's own-shop messages, as the OpenAPI page tells them to whoever writes a shop's front end.

Bodies are described by the structs the door decodes with, and the worked example is signed here with the door's own
signature, so the page cannot say anything else than what the door takes.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from tongdan.adapters.partners import authentic
from tongdan.adapters.partners.miniprogram import (
    Cancellation,
    NewAddress,
    NewAfterSale,
    NewAmount,
    NewOrder,
    NewPayment,
    SentBack,
    Withdrawal,
)
from tongdan.domain.kernel.ids import SHANGHAI

EXAMPLE_SECRET: Final = "3f9a41c0b7d2e85f6a1c9e0d4b8f7a2c"
EXAMPLE_AT: Final = datetime(2026, 1, 27, 12, 0, tzinfo=SHANGHAI)
EXAMPLE_NONCE: Final = "b1946ac92492d234"
EXAMPLE_BODY: Final = (
    '{"order_no":"A2026012700001","user":"u-10086","placed_at":"2026-01-27T12:00:00+08:00",'
    '"lines":[{"sku":"TEA-250G","units":2,"amount_fen":5980,"title":"明前龙井 250g"}],'
    '"freight_fen":600,"discount_fen":500,"amount_fen":6080,'
    '"receiver":{"name":"张三","phone":"13800000000","province":"浙江省","city":"杭州市","district":"西湖区",'
    '"detail":"文三路 1 号"}}'
)
_ACTIONS: Final = {
    "payments": (
        NewPayment,
        "Ask for a payment of an order; its prepay follows once stock stands behind it.",
    ),
    "cancel": (Cancellation, "The buyer cancels."),
    "address": (NewAddress, "The buyer wants it sent elsewhere, before it is released."),
    "amount": (NewAmount, "The sum changes before it is paid."),
    "after-sale": (NewAfterSale, "The buyer applies for an after-sale."),
    "after-sale-withdraw": (Withdrawal, "The buyer withdraws an after-sale."),
    "after-sale-return": (SentBack, "The buyer has sent the goods back."),
}
_REF: Final = "#/components/schemas/{name}"


def example_headers() -> dict[str, str]:
    """The headers of the worked example; `x-tongdan-signature` is what the door expects for it."""
    return authentic.signed_headers(EXAMPLE_SECRET.encode(), EXAMPLE_AT, EXAMPLE_NONCE, EXAMPLE_BODY.encode())


def _place_text() -> str:
    headers = example_headers()
    return f"""An own shop's new order, sent to the **push port**. The same `order_no` is the same order: repeat it
unchanged when an answer did not arrive, and the same answer comes back with `"duplicate": true`.

自有店铺新订单，发送到**推送端口**。`order_no` 相同即同一订单：未收到应答时原样重发，会得到相同的应答。

`lines` + `freight_fen` - `discount_fen` = `amount_fen`, all in fen. `?wait=reserved` holds the answer back until
stock stands behind every line, for at most two seconds; the status is then 202 if it does not stand yet.

**Signature 签名.** Three headers, over the bytes of the body as they are sent:

    X-Tongdan-Timestamp   seconds since 1970, within {authentic.FRESH_WITHIN_S} s of now
    X-Tongdan-Nonce       1 to {authentic.NONCE_MAX} characters of your choice
    X-Tongdan-Signature   lower-case hex of HMAC-SHA256(secret, timestamp + "\\n" + nonce + "\\n" + body)

**Worked example 示例.** With the secret `{EXAMPLE_SECRET}` and the example body below (one line, UTF-8, no line break
at its end):

    X-Tongdan-Timestamp: {headers[authentic.TIMESTAMP]}
    X-Tongdan-Nonce: {EXAMPLE_NONCE}
    X-Tongdan-Signature: {headers[authentic.SIGNATURE]}
"""


def _operation(
    summary: str, text: str, body: str, answers: dict[str, str], example: object = None
) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": _REF.format(name=body)}}
    if example is not None:
        content["example"] = example
    described: dict[str, Any] = {
        status: {
            "description": told,
            "content": {"application/json": {"schema": {"$ref": _REF.format(name=kind)}}},
        }
        for status, told, kind in (
            (status, told, "PushAccepted" if status < "300" else "Error") for status, told in answers.items()
        )
    }
    signed = [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
        for name in ("X-Tongdan-Timestamp", "X-Tongdan-Nonce", "X-Tongdan-Signature")
    ]
    return {
        "tags": ["push port"], "summary": summary, "description": text, "security": [],
        "parameters": [{"name": "shop", "in": "path", "required": True, "schema": {"type": "string"}}, *signed],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": described,
    }  # fmt: skip


_ANSWERS: Final = {
    "200": "Committed; `duplicate` tells whether it had been before.",
    "401": "The signature, its headers or its time are wrong.",
    "409": "What is asked for does not fit the order as it stands; the name says why.",
    "422": "A field is wrong; the message names it.",
    "429": "Too much is under way. Send it again after Retry-After.",
    "503": "Not taken. Send it again after Retry-After.",
}
_PLACED: Final = {
    "201": "Committed.",
    "202": "Committed; asked to wait for stock, and it does not stand yet.",
}


def add_to(schema: dict[str, Any], push_url: str) -> None:
    """Describe the push port's own-shop paths in an OpenAPI schema."""
    bodies = [NewOrder, *(kind for kind, _ in _ACTIONS.values())]
    _, components = msgspec.json.schema_components(bodies, ref_template=_REF)
    components |= {"Error": _ERROR, "PushAccepted": _ACCEPTED}
    schema.setdefault("components", {}).setdefault("schemas", {}).update(components)
    servers = [{"url": push_url, "description": "The push port 推送端口"}]
    example = msgspec.json.decode(EXAMPLE_BODY)
    place = _operation("Place an order 下单", _place_text(), "NewOrder", {**_PLACED, **_ANSWERS}, example)
    place["parameters"].append(
        {"name": "wait", "in": "query", "required": False, "schema": {"type": "string", "enum": ["reserved"]}}
    )
    schema["paths"]["/own/{shop}/orders"] = {"servers": servers, "post": place}
    for action, (kind, text) in _ACTIONS.items():
        operation = _operation(text, f"{text} Signed like a new order.", kind.__name__, _ANSWERS)
        operation["parameters"].append(
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        )
        schema["paths"][f"/own/{{shop}}/orders/{{id}}/{action}"] = {"servers": servers, "post": operation}


_ERROR: Final = {
    "title": "Error",
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("error", "message", "message_zh")},
    "required": ["error", "message", "message_zh"],
}
_ACCEPTED: Final = {
    "title": "PushAccepted",
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "examples": ["MP20260127000892"]},
        "position": {
            "type": "object",
            "properties": {name: {"type": "integer"} for name in ("slot", "epoch", "seq")},
        },
        "duplicate": {"type": "boolean"},
    },
    "required": ["order_id", "position", "duplicate"],
}
