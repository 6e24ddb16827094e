"""The seller's own mini-program (小程序): a shop whose front end places orders with the centre directly.

Its client numbers every order and every request itself and repeats what was not answered, as the centre's
interface asks of it. Buyers pay by WeChat, try again with another card, change their minds, or never come
back; now and then the client itself is wrong, and is refused by name.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tongdan.domain.kernel.ids import SHANGHAI, payment_id
from tongdan.labs.world.chance import Stream
from tongdan.labs.world.faults import PAID_LATE, PAID_TWICE, WRONG_AMOUNT
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.people import Buyer, moved
from tongdan.labs.world.retail import Basket
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.signing import signed_headers
from tongdan.labs.world.wechat_books import Trade
from tongdan.labs.world.wechat_pay import WechatPay
from tongdan.ports import HttpRequest, HttpResponse

RETRIES_S: Final = (2, 5, 15, 60, 300, 900, *[1_800] * 12)
TRY_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
FREIGHT_FEN: Final = 600
FREE_FREIGHT_FROM_FEN: Final = 9_900
COUPON_FEN: Final = 500
STOCK_TRIES: Final = 20
STOCK_AGAIN_S: Final = 5.0
STOCK_AGAIN_AT_LEAST_S: Final = 0.5


class Call(NamedTuple):
    """A request of the client: the same path and body, signed anew each time it is sent."""

    path: str
    body: bytes


@dataclass
class OwnOrder:
    """What the shop knows of one order. `refused`: the name under which the centre would not take it."""

    no: str
    buyer: Buyer
    basket: Basket
    amount_fen: int
    id: str = ""
    refused: str = ""
    cancelled: bool = False
    no_payment: str = ""  # the name under which a payment was refused
    trades: list[Trade] = field(default_factory=list)


class MiniProgram:
    """One own shop; `secret` is the credential `own/{shop}`."""

    def __init__(self, setting: Setting, wechat: WechatPay, shop: str, secret: str) -> None:
        self.orders: Final[dict[str, OwnOrder]] = {}
        self._setting: Final = setting
        self._wechat: Final = wechat
        self._shop: Final = shop
        self._secret: Final = secret.encode()
        self._nonces: Final = setting.stream("own", shop, "nonces")
        self.outbox: Final = Outbox[Call](setting, self._wrap, _answered, RETRIES_S)

    def place(self, no: str, basket: Basket, buyer: Buyer) -> OwnOrder:
        """A buyer puts a basket together and orders; from here on the order lives by itself."""
        goods_fen = sum(line.amount_fen for line in basket.lines)
        stream = self._setting.stream("own", no)
        freight_fen = 0 if goods_fen >= FREE_FREIGHT_FROM_FEN else FREIGHT_FEN
        discount_fen = COUPON_FEN if goods_fen > 10 * COUPON_FEN and stream.chance(0.1) else 0
        order = OwnOrder(no, buyer, basket, goods_fen + freight_fen - discount_fen)
        self.orders[no] = order
        body = self._body(order, freight_fen, discount_fen)
        if stream.chance(0.02):
            body |= stream.pick(({"currency": "USD"}, {"lines": []}, {"amount_fen": order.amount_fen + 1}))
        self._setting.bustle.start(self._live(order, body, stream))
        return order

    async def _live(self, order: OwnOrder, body: Mapping[str, object], stream: Stream) -> None:
        clock = self._setting.clock
        answer = await self._post("orders?wait=reserved", body, "own.orders", order.no)
        if answer is None:
            return
        if answer.status >= 400:
            order.refused = str(json.loads(answer.body)["error"])
            return
        order.id = str(json.loads(answer.body)["order_id"])
        self._setting.names.learn(order.id, order.no)
        if stream.chance(0.06):
            return  # never comes back; the centre cancels it by itself
        if stream.chance(0.03):
            order.buyer = moved(self._setting.seed, order.buyer)
            await self._act(order, "address", "a1", receiver=_receiver(order.buyer))
        await clock.sleep(stream.waiting_s(60))
        if stream.chance(0.03):
            await self._cancel(order)
            return
        await self._pay(order, stream)
        regrets = stream.chance(0.02)
        if regrets or self._awaits_refund(order):
            await clock.sleep(stream.between(60, 3_600))
            await self._cancel(order)

    def _awaits_refund(self, order: OwnOrder) -> bool:
        faults = self._setting.faults
        places = ("wechat.refund", "wechat.refund-notify", "sf.intercept")
        return any(faults.awaits(where, order.no) for where in places)

    async def _pay(self, order: OwnOrder, stream: Stream) -> None:
        """Pay, or fail to (an empty wallet) and pay by another method. Only what was paid is notified."""
        clock, faults = self._setting.clock, self._setting.faults
        first = await self._open(order, "wechat", 1)
        if first is None:
            return
        await clock.sleep(stream.waiting_s(20))
        if stream.chance(0.08):
            second = await self._open(order, "card", 2)
            if second is not None:
                await clock.sleep(stream.waiting_s(30))
                self._wechat.pay(second, order.amount_fen)
            return
        fault = faults.meet("wechat.pay", order.no, (WRONG_AMOUNT, PAID_TWICE, PAID_LATE))
        if fault == PAID_LATE or faults.awaits("wechat.close", order.no):
            await self._cancel(order)
        if order.cancelled and fault != PAID_LATE:
            return
        if fault == PAID_TWICE and (second := await self._open(order, "card", 2)) is not None:
            self._wechat.pay(second, order.amount_fen)
        self._wechat.pay(first, order.amount_fen // 2 if fault == WRONG_AMOUNT else order.amount_fen)

    async def _open(self, order: OwnOrder, method: str, attempt: int) -> Trade | None:
        """Ask for a payment and wait for the sheet on the phone. While stock is pending, ask again."""
        for _ in range(STOCK_TRIES):
            answer = await self._act(order, "payments", f"p{attempt}", method=method)
            if answer is None or answer.status < 400:
                break
            order.no_payment = str(json.loads(answer.body)["error"])
            if order.no_payment != "stock-pending":
                return None
            await self._setting.wait(STOCK_AGAIN_S, at_least_s=STOCK_AGAIN_AT_LEAST_S)
        trade = await self._wechat.opened(payment_id(order.id, attempt))
        if trade is not None:
            order.trades.append(trade)
        return trade

    async def _cancel(self, order: OwnOrder) -> None:
        answer = await self._act(order, "cancel", "c1", reason="不想要了")
        order.cancelled = answer is not None and answer.status < 400

    # ---- how the client speaks

    async def _act(self, order: OwnOrder, action: str, request: str, **more: object) -> HttpResponse | None:
        body = {"order_id": order.id, "request_id": f"{order.no}-{request}", **more}
        return await self._post(f"orders/{order.id}/{action}", body, f"own.{action}", order.no)

    async def _post(
        self, path: str, body: Mapping[str, object], where: str, order: str
    ) -> HttpResponse | None:
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return await self.outbox.deliver(Call(path, raw), where, order)

    def _body(self, order: OwnOrder, freight_fen: int, discount_fen: int) -> dict[str, Any]:
        lines = [
            {"sku": line.sku, "units": line.units, "amount_fen": line.amount_fen, "title": line.title}
            for line in order.basket.lines
        ]
        return {
            "order_no": order.no,
            "user": order.buyer.id,
            "placed_at": self._setting.clock.now().astimezone(SHANGHAI).isoformat(timespec="milliseconds"),
            "lines": lines,
            "amount_fen": order.amount_fen,
            "freight_fen": freight_fen,
            "discount_fen": discount_fen,
            "payer": order.buyer.openid,
            "receiver": _receiver(order.buyer),
        }

    def _wrap(self, calls: Sequence[Call]) -> HttpRequest:
        """The nonce is new every time."""
        (call,) = calls
        nonce = self._nonces.token(12).hex()
        headers = signed_headers(self._secret, self._setting.clock.now(), nonce, call.body)
        url = f"{self._setting.centre_url}/own/{self._shop}/{call.path}"
        return HttpRequest(method="POST", url=url, headers=headers, body=call.body)


def _answered(answer: HttpResponse) -> bool:
    """An answer that will not get better by asking again."""
    return answer.status not in TRY_AGAIN


def _receiver(buyer: Buyer) -> dict[str, str]:
    return {
        "name": buyer.name,
        "phone": buyer.phone,
        "province": buyer.province,
        "city": buyer.city,
        "district": buyer.district,
        "detail": buyer.street + buyer.detail,
    }
