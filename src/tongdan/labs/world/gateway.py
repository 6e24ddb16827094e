"""What the simulated platforms' gateways have in common: admit a call, meet faults, answer HTTP 200 whatever is said.

They list the order changed last first, so that whoever reads their pages forward misses some: an order that is changed
meanwhile leaves the span, and what lies behind it moves up by one.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, Protocol, TypeVar
from urllib.parse import parse_qsl

from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.labs.world.faults import ANSWER_LOST, BUSY, LIMITED, SHIFTED
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.shelf import METHODS, NoSuchOffer, Shelf
from tongdan.labs.world.signing import md5_sign
from tongdan.labs.world.sold import Sold
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer

if TYPE_CHECKING:
    from tongdan.labs.world.after_sales import AfterSales

S = TypeVar("S", bound=Sold)

FRESH_WITHIN_S: Final = 600


class Refused(Exception):
    """The platform says no, with a code of its error table."""

    def __init__(self, code: int, sub_code: str = "", message: str = "") -> None:
        super().__init__(code, sub_code, message)
        self.code: Final = code
        self.sub_code: Final = sub_code
        self.message: Final = message


class Call(NamedTuple):
    """An admitted call: faults know it by `method` and `order` ("" for a listing)."""

    method: str
    order: str
    carry_out: Callable[[], object]


class AfterSaleWords(Protocol):
    """How the platform phrases its after-sales; `listing` is the method that lists them."""

    @property
    def listing(self) -> str: ...

    @property
    def book(self) -> "AfterSales": ...


class Gateway(ABC):
    """`name` is the platform's in faults; `busy` and `limited` are how it says so: code, sub-code, message.

    `no_offer` is how it says no to a number of units it cannot take, `shelf` what it has for sale.
    `listing` and `detail` are the methods that sellers ask day and night. Those that keep after-sales have
    `after_sales`.
    """

    name: ClassVar[str]
    listing: ClassVar[str]
    detail: ClassVar[str]
    after_sales: AfterSaleWords | None = None
    busy: ClassVar[tuple[int, str, str]]
    limited: ClassVar[tuple[int, str, str]]
    no_offer: ClassVar[tuple[int, str, str]] = (0, "", "")

    def __init__(self, setting: Setting) -> None:
        self._setting: Final = setting
        self.shelf: Final = Shelf(setting.seed, self.name)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """One call."""
        fault = ""
        try:
            call = self._admit(request)
            where = f"{self.name}.{call.method}"
            fault = self._setting.faults.meet(where, call.order, (BUSY, LIMITED, ANSWER_LOST))
            if call.method in METHODS:
                fault = self.shelf.fault()
            if fault == BUSY:
                raise Refused(*self.busy)
            if fault == LIMITED:
                raise Refused(*self.limited)
            answer = call.carry_out()
        except NoSuchOffer:
            answer = self._refuse(Refused(*self.no_offer))
        except Refused as no:
            answer = self._refuse(no)
        if fault == ANSWER_LOST:
            raise NoAnswer("the answer was lost")
        body = json.dumps(answer, ensure_ascii=False).encode()
        return HttpResponse(200, {"content-type": "application/json"}, body)

    def asked_about(self, request: HttpRequest) -> str:
        """The order whose detail a call asks for, "" of any other call."""
        try:
            call = self._admit(request)
        except Refused:
            return ""
        return call.order if call.method == self.detail else ""

    @abstractmethod
    def _admit(self, request: HttpRequest) -> Call:
        """Check a call as the platform does. Raises Refused."""

    @abstractmethod
    def _refuse(self, no: Refused) -> object: ...

    def _is_stale(self, at: datetime) -> bool:
        return abs((at - self._setting.clock.now()).total_seconds()) > FRESH_WITHIN_S

    def _page(self, found: Iterable[S], page: int, size: int) -> tuple[int, list[S]]:
        """How many orders were found in all, and those of a page (1…). Raises Refused."""
        listed = sorted(found, key=lambda order: (order.updated_at, order.id), reverse=True)
        shown = listed[(page - 1) * size : page * size]
        self._meet_listed(shown, whole=len(listed) == len(shown))
        return len(listed), shown

    def _meet_listed(self, shown: Iterable[Sold], *, whole: bool) -> None:
        """The faults of a listing strike by what stands on a page; only one of several can shift. Raises Refused."""
        kinds = (BUSY, LIMITED) if whole else (BUSY, LIMITED, SHIFTED)
        for order in shown:
            fault = self._setting.faults.meet(f"{self.name}.{self.listing}", order.id, kinds)
            if fault == SHIFTED:
                self._setting.bustle.start(self._touch(order))
            elif fault:
                raise Refused(*(self.busy if fault == BUSY else self.limited))

    async def _touch(self, order: Sold) -> None:
        """Once this page is given, the order changes (a remark, say) and leaves the span; nothing is pushed of it."""
        order.updated_at = self._setting.clock.now()


class TopGateway(Gateway):
    """Taobao's open platform (TOP), which Cainiao's calls go through as well: one signed form, one table of errors.

    `_methods` are what it can be asked, for the app it knows by the credential `app`.
    """

    busy = (15, "isp.top-remote-connection-timeout", "")
    limited = (7, "accesscontrol.limited-by-api-access-count", "This ban will last for 1 more seconds")

    def __init__(self, setting: Setting, app: Mapping[str, str]) -> None:
        super().__init__(setting)
        self._app: Final = app
        self._methods: Final[dict[str, Callable[[Mapping[str, str]], object]]] = {}

    @abstractmethod
    def _order(self, said: Mapping[str, str]) -> str:
        """The order that a call is about, "" if none."""

    def _admit(self, request: HttpRequest) -> Call:
        said = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        method = said.get("method", "")
        if method not in self._methods:
            raise Refused(22)
        if said.get("app_key") != self._app["app_key"]:
            raise Refused(29)
        if said.get("session") != self._app["session"]:
            raise Refused(27, "invalid-sessionkey")
        if said.get("sign") != md5_sign(self._app["app_secret"], said):
            raise Refused(25)
        stale = self._is_stale(instant(said["timestamp"]))
        if stale or (said.get("v"), said.get("format")) != ("2.0", "json"):
            raise Refused(31)
        key = method.removeprefix("taobao.").replace(".", "_")
        return Call(method, self._order(said), lambda: {f"{key}_response": self._methods[method](said)})

    def _refuse(self, no: Refused) -> object:
        said = {"code": no.code, "msg": "no", "sub_code": no.sub_code, "sub_msg": no.message}
        return {"error_response": {**said, "request_id": "sim"}}


def local(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)


def only(fields: str, whole: dict[str, object]) -> dict[str, object]:
    """The fields that were asked for, by their names with commas between."""
    asked = fields.split(",")
    return {name: value for name, value in whole.items() if name in asked}
