"""The seller's finance system: hears milestones of orders, and settles what was paid and signed for.

It keeps the first of each milestone (of "paid" the first that names a sum) and answers a repeat as if it
were new. What it tells is signed like an own shop's requests; sums are now integer fen, now yuan in text,
and times are those of its own wall, as such systems do.
"""

import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.signing import hmac_sign, signed_headers, signed_part
from tongdan.ports import HttpRequest, HttpResponse

RETRIES_S: Final = (30, 120, 600, 1_800, *[3_600] * 48)
FRESH_WITHIN_S: Final = 300
LISTED: Final = 50  # entries of a page
OK: Final = 200
SETTLES_AFTER_MEAN_S: Final = 6 * 3_600.0
CONFIRMS_AFTER_MEAN_S: Final = 1_800.0


class Booked(NamedTuple):
    """An entry of its book: `at` as it was told, `heard_at` when; in a day's list it stands under its own number."""

    id: str
    order: str
    shop: str
    amount_fen: int
    at: datetime
    heard_at: datetime


@dataclass
class Account:
    """What finance knows of one order. `heard` counts how often each milestone was told; `refunds` how each stands
    that it was asked to mark."""

    order: str
    paid_fen: int = 0
    signed_fen: int = 0
    refunds_fen: dict[str, int] = field(default_factory=dict)
    refunds: dict[str, str] = field(default_factory=dict)
    receivable_fen: int = 0
    heard: dict[str, int] = field(default_factory=dict)
    settled_fen: int | None = None
    settlement: dict[str, object] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The furthest it has heard of, or come to itself."""
        if 0 < self.paid_fen <= sum(self.refunds_fen.values()):
            return "refunded"
        if "cancelled" in self.heard:
            return "cancelled"
        if self.settled_fen is not None:
            return "settled"
        return "signed" if "signed" in self.heard else "paid"


class Finance:
    """`secret` is the credential `finance/{system}`; `zone` is the clock on its wall; `hears`: what a milestone
    of an order is answered with, and no more comes of it (0: it is taken as it should be). Refunds by rule it marks
    by itself, what a person has asked for only if it `marks_asked`; else a member of the seller's finance has to."""

    def __init__(self, setting: Setting, system: str, secret: str, zone: tzinfo) -> None:
        self.accounts: Final[dict[str, Account]] = {}
        self.book: Final[list[Booked]] = []
        self.struck: Final[list[Booked]] = []
        self.hears: Callable[[str, str], int] = lambda order, milestone: 0
        self._setting: Final = setting
        self._secret = secret.encode()
        self._zone: Final = zone
        self._url: Final = f"{setting.centre_url}/push/finance/{system}"
        self._nonces: Final = setting.stream("finance", "nonces")
        self.marks_asked = False
        self.outbox: Final = Outbox[bytes](setting, self._wrap, _acknowledged, RETRIES_S)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """A milestone: `paid`, `signed`, `cancelled` or `refunded`, with its sum; or a GET: of a day's list, or of
        how an order stands here."""
        asked = request.method == "GET"
        target = urlsplit(request.url)
        if not self._authentic(request, signed_part(request)):
            return _answer(401, {"ok": False, "error": "signature"})
        if asked and target.path.endswith("/orders/status"):
            return self._statuses([id for name, id in parse_qsl(target.query) if name == "id"])
        if asked and target.path.endswith("/status"):
            return self._status(target.path.split("/")[-2])
        if asked:
            return self._list(dict(parse_qsl(target.query)))
        said = json.loads(request.body)
        if status := self.hears(said["order_id"], said["type"]):
            return _answer(status, {"ok": status == OK})
        account = self.accounts.setdefault(said["order_id"], Account(said["order_id"]))
        milestone = said["type"]
        if milestone.startswith("refund-"):
            self._hear_of_refund(account, said)
            return _answer(200, {"ok": True})
        account.heard[milestone] = account.heard.get(milestone, 0) + 1
        if milestone == "paid" and not account.paid_fen:
            account.paid_fen = said["amount_fen"]
            if account.paid_fen:
                self.enter(account.order, said["shop"], account.paid_fen, datetime.fromisoformat(said["at"]))
        elif milestone == "cancelled":
            self._strike(account.order)
        elif milestone == "refunded":
            account.refunds_fen[said.get("refund_id", said["id"])] = said["amount_fen"]
        elif milestone == "signed" and account.heard[milestone] == 1:
            account.signed_fen = said["amount_fen"]
            self._setting.bustle.start(self._settle(account))
        return _answer(200, {"ok": True})

    def _hear_of_refund(self, account: Account, said: dict[str, Any]) -> None:
        """Somebody there looks at what is to be marked, after a while; what is withdrawn leaves the books."""
        refund, word = said["refund_id"], said["type"]
        wanted = self.marks_asked or said.get("cause") != "asked"
        if wanted and word == "refund-requested" and refund not in account.refunds:
            self._setting.bustle.start(self._confirm(said))
        if word in ("refund-requested", "refund-confirmed", "refund-withdrawn"):
            account.refunds[refund] = word
        if word == "refund-withdrawn":
            account.refunds_fen.pop(refund, None)
        elif word == "refund-recovery":
            account.receivable_fen += said["amount_fen"]
        elif word in ("refund-recovered", "refund-written-off"):
            account.receivable_fen -= said["amount_fen"]

    async def _confirm(self, said: dict[str, Any]) -> None:
        stream = self._setting.stream("finance", said["refund_id"])
        await self._setting.clock.sleep(stream.waiting_s(CONFIRMS_AFTER_MEAN_S))
        self.mark("refund-confirmed", said["order_id"], said["refund_id"], said["amount_fen"])

    def mark(self, word: str, order: str, refund: str, amount_fen: int, reason: str = "") -> None:
        """Tell the centre that finance confirms or withdraws a refund."""
        said = {
            "id": f"RF-{refund}-{word}",
            "type": word,
            "order_id": order,
            "refund_id": refund,
            "amount_fen": amount_fen,
            "currency": "CNY",
            "reason": reason,
            "at": self._setting.clock.now().isoformat(timespec="seconds"),
        }
        body = json.dumps(said, ensure_ascii=False).encode()
        self.outbox.post(body, f"finance.{word}", self._setting.names.native_of(order))

    def enter(self, order: str, shop: str, amount_fen: int, at: datetime) -> None:
        """One more entry of the book, under the next number."""
        id = f"B{len(self.book) + len(self.struck) + 1:08d}"
        self.book.append(Booked(id, order, shop, amount_fen, at, self._setting.clock.now()))

    def _strike(self, order: str) -> None:
        """What is cancelled before its day is closed does not stand in the list of it."""
        today = self._setting.clock.now().astimezone(self._zone).date().isoformat()
        off = [each for each in self.book if each.order == order and self.day_of(each) >= today]
        self.struck.extend(off)
        for each in off:
            self.book.remove(each)

    def day_of(self, entry: Booked) -> str:
        """In whose list it stands, by the clock on the wall."""
        return entry.at.astimezone(self._zone).date().isoformat()

    def _list(self, asked: dict[str, str]) -> HttpResponse:
        entries = [each for each in self.book if self.day_of(each) == asked.get("date")]
        at = int(asked.get("cursor") or 0)
        shown = [
            {
                "id": each.id, "order": each.order, "shop": each.shop,
                "amount": f"{each.amount_fen / 100:.2f}",
                "at": each.at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S"),
            }
            for each in entries[at : at + LISTED]
        ]  # fmt: skip
        cursor = str(at + LISTED) if at + LISTED < len(entries) else ""
        return _answer(OK, {"orders": shown, "cursor": cursor})

    def _statuses(self, orders: Sequence[str]) -> HttpResponse:
        said = [_said(self.accounts[each]) for each in orders if each in self.accounts]
        return _answer(
            OK, {"orders": said, "unknown": [each for each in orders if each not in self.accounts]}
        )

    def _status(self, order: str) -> HttpResponse:
        account = self.accounts.get(order)
        if account is None:
            return _answer(404, {"error": "unknown order"})
        return _answer(OK, _said(account))

    async def _settle(self, account: Account) -> None:
        """Some hours after the goods were signed for the books are closed on them."""
        stream = self._setting.stream("finance", account.order)
        await self._setting.clock.sleep(stream.waiting_s(SETTLES_AFTER_MEAN_S))
        # What nobody has paid was collected at the door, and the carrier has passed it on.
        came_in_fen = account.paid_fen or account.signed_fen
        account.settled_fen = came_in_fen - sum(account.refunds_fen.values())
        now = self._setting.clock.now()
        said: dict[str, Any] = {
            "id": f"ST{stream.digits(16)}",
            "type": "settled",
            "order_id": account.order,
            "reference": f"记-{stream.digits(6)}",
            "currency": "CNY",
        }
        if stream.chance(0.5):
            said |= {"amount_fen": account.settled_fen, "settled_at": now.isoformat(timespec="seconds")}
        else:
            local = now.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")
            said |= {"amount": f"{account.settled_fen / 100:.2f}", "settled_at": local}
        account.settlement = {
            "amount_fen": account.settled_fen,
            "reference": said["reference"],
            "settled_at": now.isoformat(timespec="seconds"),
        }
        body = json.dumps(said, ensure_ascii=False).encode()
        self.outbox.post(body, "finance.settled", self._setting.names.native_of(account.order))

    def _wrap(self, messages: Sequence[bytes]) -> HttpRequest:
        (body,) = messages
        headers = signed_headers(self._secret, self._setting.clock.now(), self._nonces.token(8).hex(), body)
        return HttpRequest(method="POST", url=self._url, headers=headers, body=body)

    def _authentic(self, request: HttpRequest, signed: bytes) -> bool:
        """The centre signs its milestones, and what it asks for, the same way."""
        timestamp = request.headers.get("x-tongdan-timestamp", "")
        if not timestamp.isdigit():
            return False
        nonce = request.headers.get("x-tongdan-nonce", "")
        expected = hmac_sign(self._secret, timestamp, nonce, signed)
        fresh = abs(int(timestamp) - self._setting.clock.now().timestamp()) <= FRESH_WITHIN_S
        return fresh and hmac.compare_digest(expected, request.headers.get("x-tongdan-signature", ""))


def _said(account: Account) -> dict[str, object]:
    """How it stands, by whoever asks."""
    said: dict[str, object] = {
        "order_id": account.order,
        "status": account.status,
        "refunded_fen": sum(account.refunds_fen.values()),
    }
    return {**said, "settlement": account.settlement} if account.settlement else said


def _acknowledged(answer: HttpResponse) -> bool:
    return answer.status == 200


def _answer(status: int, said: dict[str, object]) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json"}, json.dumps(said).encode())
