"""How a channel speaks, written down as data: the section `by_map` of conf/channels/XX.yml, for a channel without code.

It says where things stand in the channel's JSON and what its calls look like; what every channel shares (statuses,
carriers, listing, zone, address) stands beside it as for the others. Whatever cannot be meant is refused when the file
is read, by the name of its place.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from tongdan.adapters.partners.templates import is_path, odd_braces, placeholders
from tongdan.domain.kernel.policy import CURSOR, ChannelMap

SECRET: Final = "secret"
DETAIL_NAMES: Final = frozenset({"native"})
LIST_NAMES: Final = frozenset({"since", "until", "last", "page", "page_size", "cursor"})
SHIP_NAMES: Final = frozenset({"native", "company", "waybill", "request", "lines"})
LINE_NAMES: Final = frozenset({"line", "units"})
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,20}", re.ASCII)
_FIELD: Final = re.compile(r"[a-z_]{1,40}", re.ASCII)

Texts = dict[str, str]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of a map: every text in it is a path or a template."""


class LinePaths(_Part, frozen=True, kw_only=True):
    """Inside a line. `amount` is what all its units cost, `price` what one does: one of the two."""

    native: str
    units: str
    sku: str = ""
    platform_sku: str = ""
    title: str = ""
    amount: str = ""
    price: str = ""
    gift: str = ""


class OrderPaths(_Part, frozen=True, kw_only=True):
    """Inside an order. `sealed`: a name of our own → what the platform encrypted."""

    native: str
    status: str
    said_at: str
    placed_at: str
    amount: str
    lines: str
    line: LinePaths
    paid_at: str = ""
    freight: str = ""
    discount: str = ""
    transaction: str = ""
    ship_by: str = ""
    person: Texts = {}
    sealed: Texts = {}


class Push(_Part, frozen=True, kw_only=True):
    """Inside a pushed message. With `order` it holds the whole order there; else it says which one has changed.

    `kind` and `kinds`: only messages whose kind begins so are about orders. `answer` is what it is answered with.
    """

    message: str
    shop: str
    native: str = ""
    said_at: str = ""
    order: str = ""
    kind: str = ""
    kinds: tuple[str, ...] = ()
    answer: dict[str, Any] = {}


class Request(_Part, frozen=True, kw_only=True):
    """One call: templates for its address and what it sends, and where in the answer its data stand ("": all of it)."""

    path: str
    method: Literal["GET", "POST", "PUT"] = "GET"
    query: Texts = {}
    body: dict[str, Any] | None = None
    data: str = ""


class ListRequest(Request, frozen=True, kw_only=True):
    """`orders` is an array inside the data; of `pages`, `total` and `cursor` one tells how it goes on.

    `native` and `said_at`: inside each of the orders, if not where a whole order has them.
    """

    orders: str
    pages: str = ""
    total: str = ""
    cursor: str = ""
    native: str = ""
    said_at: str = ""


class ShipRequest(Request, frozen=True, kw_only=True):
    """`line` is the template of each of `{lines}`."""

    line: dict[str, Any] = {}


class Codes(_Part, frozen=True, kw_only=True):
    """The code in every answer. `good` means yes; `done`: of a write-back, that it was done before.

    The others are as in `channel.Errors`, `away` beside `wide`; one that stands nowhere is tried again for a day.
    """

    path: str
    good: tuple[str, ...]
    done: tuple[str, ...] = ()
    wide: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    limited: tuple[str, ...] = ()
    final: tuple[str, ...] = ()
    limited_wait_s: float = 5.0


class ChannelFormat(_Part, frozen=True, kw_only=True):
    """`name` stands in the push address and the credential. `headers` may hold fields of the credential.

    `signed`: calls carry our own signature with the credential's `secret`, as pushes always do.
    """

    name: str
    money: Literal["yuan", "fen"]
    times: Literal["local", "rfc3339", "epoch-s", "epoch-ms"]
    order: OrderPaths | None = None
    push: Push | None = None
    detail: Request | None = None
    list: ListRequest | None = None
    ship: ShipRequest | None = None
    headers: Texts = {}
    signed: bool = False
    codes: Codes | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Of the credential, those that a call needs."""
        return tuple(sorted(placeholders(self.headers) | ({SECRET} if self.signed else set())))


def check_format(how: ChannelFormat, channel: ChannelMap, taken: Mapping[str, str]) -> str:
    """What is wrong, as `place: what was expected`, "" if nothing. `taken`: channel code → name, of all others."""
    try:
        return next(_mistakes(how, channel, taken), "")
    except ValueError as error:
        return f"ship: {error}"


def _mistakes(how: ChannelFormat, channel: ChannelMap, taken: Mapping[str, str]) -> Iterator[str]:
    if _NAME.fullmatch(how.name) is None or how.name in taken.values():
        yield "name: expected 2 to 21 small letters, digits and hyphens, which name nobody else"
    if channel.code in taken:
        yield f"name: expected another code than {channel.code}, which has an adapter of its own"
    if (how.list is None) != (channel.listing is None):
        yield "list: expected with `listing`, and only then"
    calls = {"detail": how.detail, "list": how.list, "ship": how.ship}
    if any(calls.values()) and not channel.base_url:
        yield "base_url: expected the address that the calls begin with"
    if how.order is None and (how.push or how.detail or how.list):
        yield "order: expected where things stand in an order"
    yield from _order_mistakes(how)
    yield from _push_mistakes(how)
    yield from _call_mistakes(how, channel)
    strange = sorted(name for name in placeholders(how.headers) if _FIELD.fullmatch(name) is None)
    if strange or odd_braces(how.headers):
        yield "headers: expected placeholders such as {token}, a field of the credential"


def _order_mistakes(how: ChannelFormat) -> Iterator[str]:
    if how.order is None:
        return
    yield from _paths("order", how.order, skip=("line", "person", "sealed"))
    yield from _paths("order.line", how.order.line)
    for place, names in (("order.person", how.order.person), ("order.sealed", how.order.sealed)):
        yield from (f"{place}.{name}: {_A_PATH}" for name, path in names.items() if not is_path(path))
    people = ("name", "phone", "province", "city", "district", "detail", "buyer")
    if strange := sorted(set(how.order.person) - set(people)):
        yield f"order.person.{strange[0]}: expected one of {', '.join(people)}"
    if bool(how.order.line.amount) == bool(how.order.line.price):
        yield "order.line: expected either `amount` or `price`"
    if not how.order.line.sku and not how.order.line.platform_sku:
        yield "order.line: expected `sku`, `platform_sku` or both"


def _push_mistakes(how: ChannelFormat) -> Iterator[str]:
    push = how.push
    if push is None:
        return
    yield from _paths("push", push, skip=("answer", "kinds"))
    if not push.order and not push.native:
        yield "push: expected `native` (then the detail is fetched) or `order` (the whole order)"
    if not push.order and how.detail is None:
        yield "detail: expected, because a push says no more than which order has changed"
    if bool(push.kind) != bool(push.kinds):
        yield "push.kinds: expected with `kind`, and only then"


def _call_mistakes(how: ChannelFormat, channel: ChannelMap) -> Iterator[str]:
    for place, call, names in (
        ("detail", how.detail, DETAIL_NAMES),
        ("list", how.list, LIST_NAMES),
        ("ship", how.ship, SHIP_NAMES),
    ):
        if call is None:
            continue
        said = [call.path, call.query, call.body]
        if not call.path.startswith("/"):
            yield f"{place}.path: expected a path that begins with /"
        if strange := sorted(placeholders(said) - names) or odd_braces(said):
            yield f"{place}: expected only {_named(names)}, got {strange[0] if isinstance(strange, list) else strange}"
        if call.data and not is_path(call.data):
            yield f"{place}.data: {_A_PATH}"
        if call.method == "GET" and call.body is not None:
            yield f"{place}.body: expected none with GET"
    if how.detail is not None and "native" not in placeholders(
        [how.detail.path, how.detail.query, how.detail.body]
    ):
        yield "detail: expected {native} in its path, query or body"
    if how.list is not None and channel.listing is not None:
        yield from _list_mistakes(how.list, by_cursor=channel.listing.pages == CURSOR)
    if how.ship is not None:
        yield from _ship_mistakes(how.ship)


def _list_mistakes(call: ListRequest, *, by_cursor: bool) -> Iterator[str]:
    yield from _paths("list", call, skip=("path", "method", "query", "body", "data"))
    said = placeholders([call.path, call.query, call.body])
    if "since" not in said or len(said & {"until", "last"}) != 1:
        yield "list: expected {since}, and {until} (which does not belong to the span) or {last} (which does)"
    if by_cursor and not (call.cursor and "cursor" in said):
        yield "list.cursor: expected, and {cursor} in the call, because `listing.pages` is cursor"
    if not by_cursor and not (bool(call.pages) != bool(call.total) and {"page", "page_size"} <= said):
        yield "list: expected either `pages` or `total`, and {page} and {page_size} in the call"


def _ship_mistakes(call: ShipRequest) -> Iterator[str]:
    said = placeholders([call.path, call.query, call.body])
    if not {"native", "waybill"} <= placeholders(call.path) | said:
        yield "ship: expected {native} and {waybill}, by which the platform knows a parcel that it is told twice"
    if ("lines" in said) != bool(call.line):
        yield "ship.line: expected with {lines}, and only then"
    if strange := sorted(placeholders(call.line) - LINE_NAMES) or odd_braces(call.line):
        got = strange[0] if isinstance(strange, list) else strange
        yield f"ship.line: expected only {_named(LINE_NAMES)}, got {got}"


_A_PATH: Final = "expected names with dots between, such as order.items"


def _paths(place: str, part: msgspec.Struct, skip: tuple[str, ...] = ()) -> Iterator[str]:
    for name in part.__struct_fields__:
        path = getattr(part, name)
        if name not in skip and path and not is_path(path):
            yield f"{place}.{name}: {_A_PATH}"


def _named(names: frozenset[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))
