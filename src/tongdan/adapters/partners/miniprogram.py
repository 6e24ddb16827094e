"""Own shops (mini-program, web shop): the seller's own front end places orders and asks for payments.

The hottest door there is, so a request is decoded once, straight into typed structs, and nothing is read
twice. Requests are signed as `authentic.py` says. The signature does not cover the path; therefore the body
of every action names its order again, and no body of one action is a valid body of another.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from tongdan.adapters.partners.authentic import check_signed, secret_of
from tongdan.adapters.partners.mistakes import (
    CURRENCY_NOT_SUPPORTED,
    ORDER_ID_MALFORMED,
    ORDER_ID_MISMATCH,
    UNKNOWN_ACTION,
    invalid_body,
)
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable, check_size
from tongdan.adapters.partners.regions import region_of
from tongdan.domain.kernel import ids
from tongdan.domain.kernel.after_sales import AfterSaleKind, AfterSaleStage
from tongdan.domain.kernel.instants import checked
from tongdan.domain.kernel.messages import Command, Person, Refusal
from tongdan.domain.kernel.money import MAX_FEN
from tongdan.domain.kernel.policy import Shop
from tongdan.domain.orders.after_sale_commands import RequestAfterSale, TellAfterSale
from tongdan.domain.orders.commands import (
    CancelOrder,
    ChangeAddress,
    ChangeAmount,
    PlaceOrder,
    RequestPayment,
)
from tongdan.domain.orders.lines import Line, Units
from tongdan.ports import Accepted, Credentials, Inbound, Mistake, PushAnswer, PushRequest, Reply, Unauthentic

CHANNEL: Final = "MP"
SOURCE: Final = "channel/own"
CURRENCY: Final = "CNY"
MAX_LINES: Final = 200
MAX_UNITS: Final = 100_000

# Printable ASCII without spaces. An order has many, and one look at all of them (`_check_references`) costs a
# fifth of what a pattern for each does.
Reference = Annotated[str, Meta(min_length=1, max_length=64)]
Words = Annotated[str, Meta(min_length=1, max_length=200)]
Optional = Annotated[str, Meta(max_length=200)]
AfterSaleNumber = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,40}\Z")]
Fen = Annotated[int, Meta(ge=0, le=MAX_FEN)]
Instant = Annotated[datetime, Meta(tz=True)]


class Receiver(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Who receives the parcel."""

    name: Words
    phone: Annotated[str, Meta(min_length=5, max_length=32)]
    province: Annotated[str, Meta(min_length=1, max_length=32)]
    city: Annotated[str, Meta(max_length=64)]
    district: Annotated[str, Meta(max_length=64)]
    detail: Words


class OrderLine(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One line; `amount_fen` is what the buyer pays for all its units."""

    sku: Reference
    units: Annotated[int, Meta(ge=1, le=MAX_UNITS)]
    amount_fen: Fen
    title: Optional = ""


class NewOrder(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The body of `POST /own/{shop}/orders`. `payer` is what the payment provider knows the buyer by.

    `order_id`: the id it was answered with before, where the centre says that the content was lost (`lost-id`). A
    presale has a deposit, which is paid first, and a time until which the balance may be paid.
    """

    order_no: Reference
    user: Reference
    placed_at: Instant
    lines: Annotated[list[OrderLine], Meta(min_length=1, max_length=MAX_LINES)]
    amount_fen: Fen
    receiver: Receiver
    payer: Annotated[str, Meta(max_length=128)] = ""
    freight_fen: Fen = 0
    discount_fen: Fen = 0
    currency: str = CURRENCY
    order_id: Annotated[str, Meta(max_length=64)] = ""
    deposit_fen: Fen = 0
    balance_by: Instant | None = None


class Action(msgspec.Struct, forbid_unknown_fields=True):
    """What every action's body says: the order of the path, and the client's own number of this request.

    The same `request_id` is the same request: repeat it when an answer did not arrive.
    """

    order_id: Reference
    request_id: Reference


class NewPayment(Action):
    """`POST …/payments`."""

    method: Annotated[str, Meta(pattern=r"^[a-z_]{1,32}\Z")]


class Cancellation(Action):
    """`POST …/cancel`."""

    reason: Words


class NewAddress(Action):
    """`POST …/address`."""

    receiver: Receiver


class NewAmount(Action):
    """`POST …/amount`: the sum the buyer is to pay from now on."""

    amount_fen: Fen
    reason: Words


class ReturnedLine(msgspec.Struct, forbid_unknown_fields=True):
    """Units of one line, by the number it was ordered under (1…)."""

    line: Annotated[int, Meta(ge=1, le=10_000)]
    units: Annotated[int, Meta(ge=1, le=MAX_UNITS)]


class NewAfterSale(Action):
    """`POST …/after-sale`: the buyer applies. The same number again, while it is undecided, changes it."""

    number: AfterSaleNumber
    kind: AfterSaleKind
    lines: Annotated[list[ReturnedLine], Meta(min_length=1, max_length=MAX_LINES)]
    amount_fen: Fen
    reason: Optional = ""


class Withdrawal(Action):
    """`POST …/after-sale-withdraw`: the buyer wants nothing of it any more."""

    withdraw: AfterSaleNumber


class SentBack(Action):
    """`POST …/after-sale-return`: the buyer has sent the goods. `carrier` as warehouses code it (SF)."""

    number: AfterSaleNumber
    carrier: Annotated[str, Meta(pattern=r"^[A-Z0-9_]{1,32}\Z")]
    waybill: Reference


_order: Final = msgspec.json.Decoder(NewOrder)
Acted = NewPayment | Cancellation | NewAddress | NewAmount | NewAfterSale | Withdrawal | SentBack
_actions: Final[dict[str, msgspec.json.Decoder[Acted]]] = {
    "payments": msgspec.json.Decoder(NewPayment),
    "cancel": msgspec.json.Decoder(Cancellation),
    "address": msgspec.json.Decoder(NewAddress),
    "amount": msgspec.json.Decoder(NewAmount),
    "after-sale": msgspec.json.Decoder(NewAfterSale),
    "after-sale-withdraw": msgspec.json.Decoder(Withdrawal),
    "after-sale-return": msgspec.json.Decoder(SentBack),
}


class _Position(msgspec.Struct):
    slot: int
    epoch: int
    seq: int


class _Answer(msgspec.Struct):
    order_id: str
    position: _Position
    duplicate: bool


class _Error(msgspec.Struct):
    error: str
    message: str
    message_zh: str


_encoder: Final = msgspec.json.Encoder()


class OwnShopDoor:
    """`/own/{shop}/`: one door a shop, whose credential is `own/{shop}` (`secret`)."""

    source: str = SOURCE

    def __init__(self, shop: Shop, credentials: Credentials) -> None:
        self.path = f"/own/{shop.id}/"
        self._shop: Final = shop
        self._credentials: Final = credentials
        self._name: Final = f"own/{shop.id}"
        self._orders: Final = f"{self.path}orders"
        self._operator: Final = f"client/{shop.id}"

    def open(self, request: PushRequest) -> Sequence[Inbound]:
        check_size(request)
        secret = secret_of(self._credentials, self._name).get("secret")
        if not secret:
            raise Unauthentic("the credential has no secret")
        check_signed(request, secret.encode())
        try:
            if request.path == self._orders:
                return (self._placed(request),)
            return (self._acted(request),)
        except UNREADABLE as error:
            raise Mistake(invalid_body(error)) from None

    def answer(self, request: PushRequest, replies: Sequence[Reply]) -> PushAnswer:
        (reply,) = replies
        if not isinstance(reply, Accepted):
            return self.refuse(request, reply)
        position = _Position(reply.slot, reply.epoch, reply.seq)
        created = request.path == self._orders and not reply.duplicate
        body = _encoder.encode(_Answer(reply.aggregate, position, reply.duplicate))
        return PushAnswer(201 if created else 200, body)

    def refuse(self, request: PushRequest, refusal: Refusal) -> PushAnswer:
        body = _encoder.encode(_Error(refusal.name, refusal.en, refusal.zh))
        return PushAnswer(refusal.status, body, retry_after_s=refusal.retry_after_s)

    def _placed(self, request: PushRequest) -> Inbound:
        order = _order.decode(request.body)
        _check_references(order)
        if order.currency != CURRENCY:
            raise Mistake(CURRENCY_NOT_SUPPORTED.of(currency=order.currency[:8]))
        if order.order_id and not _is_order(order.order_id, self._shop.channel):
            raise Mistake(ORDER_ID_MALFORMED.of(channel=self._shop.channel))
        shop, receiver = self._shop, order.receiver
        placed_at = checked(order.placed_at.astimezone(UTC))
        command = PlaceOrder(
            channel=shop.channel,
            shop=shop.id,
            native=order.order_no,
            buyer=order.user,
            lines=tuple(
                [
                    Line(no=no, sku=line.sku, units=line.units, amount_fen=line.amount_fen, title=line.title)
                    for no, line in enumerate(order.lines, 1)
                ]
            ),
            amount_fen=order.amount_fen,
            freight_fen=order.freight_fen,
            discount_fen=order.discount_fen,
            placed_at=placed_at,
            region=region_of(receiver.province),
            person=person_of(receiver, order.user, order.payer),
            id=order.order_id,
            deposit_fen=order.deposit_fen,
            balance_by=None if order.balance_by is None else checked(order.balance_by.astimezone(UTC)),
        )
        return Inbound(
            command=command,
            key=("own", shop.id, order.order_no, blake2b(request.body, digest_size=16).hexdigest()),
            source=SOURCE,
            shop=shop.id,
            happened_at=placed_at,
            raw=request.body,
            operator=self._operator,
        )

    def _acted(self, request: PushRequest) -> Inbound:
        """`/own/{shop}/orders/{id}/{action}`."""
        head, _, rest = request.path.partition("/orders/")
        order, _, name = rest.partition("/")
        decoder = _actions.get(name)
        if head != f"/own/{self._shop.id}" or decoder is None:
            raise Mistake(UNKNOWN_ACTION.of(actions=", ".join(_actions)))
        if not _is_order(order, self._shop.channel):
            raise Mistake(ORDER_ID_MALFORMED.of(channel=self._shop.channel))
        action = decoder.decode(request.body)
        _check_reference("request_id", action.request_id)
        if action.order_id != order:
            raise Mistake(ORDER_ID_MISMATCH.of())
        return Inbound(
            command=_command(order, action),
            key=("own", self._shop.id, order, name, action.request_id),
            source=SOURCE,
            shop=self._shop.id,
            happened_at=request.received_at,
            raw=request.body,
            operator=self._operator,
        )


def _is_order(text: str, channel: str) -> bool:
    parsed = ids.parse(text)
    return parsed is not None and not parsed.part and parsed.channel == channel


def _check_references(order: NewOrder) -> None:
    texts = [line.sku for line in order.lines]
    whole = f"{order.order_no}{order.user}{''.join(texts)}"
    if whole.isascii() and whole.isprintable() and " " not in whole:
        return
    _check_reference("order_no", order.order_no)
    _check_reference("user", order.user)
    for at, text in enumerate(texts):
        _check_reference(f"lines[{at}].sku", text)


def _check_reference(field: str, text: str) -> None:
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise NotReadable(f"Expected printable ASCII without spaces - at `$.{field}`")


def person_of(receiver: Receiver, buyer: str = "", payer: str = "") -> Person:
    return Person(
        name=receiver.name,
        phone=receiver.phone,
        province=receiver.province,
        city=receiver.city,
        district=receiver.district,
        detail=receiver.detail,
        buyer=buyer,
        payer=payer,
    )


def _command(order: str, action: Acted) -> Command:
    match action:
        case NewPayment():
            return RequestPayment(order=order, method=action.method)
        case Cancellation():
            return CancelOrder(order=order, reason=action.reason)
        case NewAddress():
            person = person_of(action.receiver)
            return ChangeAddress(order=order, region=region_of(person.province), person=person)
        case NewAmount():
            return ChangeAmount(order=order, amount_fen=action.amount_fen, reason=action.reason)
        case NewAfterSale():
            return RequestAfterSale(
                order=order,
                number=action.number,
                kind=action.kind,
                units=tuple([Units(each.line, each.units) for each in action.lines]),
                amount_fen=action.amount_fen,
                reason=action.reason,
            )
        case Withdrawal():
            return TellAfterSale(order=order, number=action.withdraw, stage=AfterSaleStage.CLOSED)
        case SentBack():
            return TellAfterSale(
                order=order,
                number=action.number,
                stage=AfterSaleStage.RETURNING,
                carrier=action.carrier,
                waybill=action.waybill,
            )
