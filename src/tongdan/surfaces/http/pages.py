"""Two pages for a person: the orders, and one order's path with every fact about it.

They are plain HTML from the server: no script, no font and no picture from anywhere, so they open on any machine and
print as they stand. A link with `?key=` (as `make demo` prints it) is good once: it leaves a cookie that scripts cannot
read, and the address without the key.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from html import escape
from typing import Annotated, Final
from urllib.parse import parse_qs, urlencode

import msgspec
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.keys import ORDER, TICKET, kind_of
from tongdan.domain.kernel.messages import Person
from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.domain.orders.axes import Stage, Status
from tongdan.domain.orders.model import Order, partly, status
from tongdan.ports import JournalRow, OrderRow
from tongdan.surfaces.http.access import COOKIE, Visitor
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.orders import Id
from tongdan.surfaces.http.parts import Parts, PartsOf
from tongdan.surfaces.http.shapes import position_of, raw_text
from tongdan.surfaces.http.style import CSS
from tongdan.surfaces.masking import mask_person
from tongdan.surfaces.words import Language, local_time, pick, sentence, status_name

COOKIE_S: Final = 12 * 3_600
LISTED: Final = 100
SHOWN_LINES: Final = 6
router: Final = APIRouter()

Lang = Annotated[str, Query(max_length=5)]
Key = Annotated[str, Query(max_length=200)]

_STYLE_HASH: Final = b64encode(sha256(CSS.encode()).digest()).decode()
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_PATH: Final = (
    Status.CREATED, Status.PAID, Status.RELEASED, Status.SHIPPED, Status.SIGNED, Status.SETTLED, Status.COMPLETED,
)  # fmt: skip
_STAGES: Final = {
    Stage.WAITING: ("waiting for stock", "待占库存"), Stage.RESERVED: ("reserved", "已占用"),
    Stage.RELEASED: ("released", "已下发"), Stage.SHIPPED: ("shipped", "已发出"), Stage.SIGNED: ("signed", "已签收"),
    Stage.STOPPED: ("stopped", "停发"),
}  # fmt: skip
# Facts that a reader's eye should stop at.
_WORRYING_NAMES: Final = """
DetailOverdue LineShort PaymentDuplicated PaymentMismatched PaidAfterCancel SettlementMismatched WmsRefused
ShipmentOverdue ShipmentShort ShipmentSurplus RecallFailed AddressChangeTooLate EffectDied AliasContested
TicketRaised HoldPlaced OrderCancelled
"""
_WORRYING: Final = frozenset(_WORRYING_NAMES.split())


@router.get("/")
async def root() -> Response:
    return RedirectResponse("/orders", 303)


@router.get("/orders")
async def orders_page(
    request: Request, parts: PartsOf, who: Visitor, lang: Lang = "", key: Key = ""
) -> Response:
    language = language_of(request, lang)
    if key or who is None:
        return _enter(request, parts, key, language)
    rows = parts.reads.orders(limit=LISTED)
    return html(_list_body(rows, language), language, pick(("Orders", "订单"), language), request.url.path)


@router.get("/orders/{id}")
async def order_page(
    request: Request, parts: PartsOf, who: Visitor, id: Id, lang: Lang = "", key: Key = ""
) -> Response:
    language = language_of(request, lang)
    if key or who is None:
        return _enter(request, parts, key, language)
    parsed = parse(id)
    order = parts.reads.order(parsed.order) if parsed is not None else None
    if parsed is None or not isinstance(order, Order):
        text = pick(("There is no such order.", "没有这张订单。"), language)
        return html(f"<p class=lone>{text}</p>", language, "404", "/orders", 404)
    rows = parts.reads.timeline(parsed.order, with_raw=True)
    body = _order_body(parsed.order, order, parts.reads.person(parsed.order), rows, language)
    return html(body, language, parsed.order, request.url.path)


@router.post("/session")
async def session(request: Request, parts: PartsOf) -> Response:
    """The form of who came without a key."""
    given = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=4)
    back = given.get("back", ["/orders"])[0]
    if not back.startswith("/orders"):
        back = "/orders"
    return _admit(request, parts, given.get("key", [""])[0], back, language_of(request, ""))


# -- who comes in


def _enter(request: Request, parts: Parts, key: str, language: Language) -> Response:
    """With a key in the address: a cookie, and the address without it. Without one: the form."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "key"]
    back = request.url.path + (f"?{urlencode(kept)}" if kept else "")
    return _admit(request, parts, key, back, language) if key else _form(back, language, wrong=False)


def _admit(request: Request, parts: Parts, key: str, back: str, language: Language) -> Response:
    who = parts.keys.check(key)
    if who is None or Scope.READ not in who.scopes:
        return _form(back, language, wrong=True)
    response = RedirectResponse(back, 303, headers=dict(_HEADERS))
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, key, max_age=COOKIE_S, httponly=True, samesite="lax", secure=secure)
    return response


def _form(back: str, language: Language, *, wrong: bool) -> Response:
    told = pick(("This key does not open this page.", "此密钥无法打开本页。"), language) if wrong else ""
    label = pick(("API key with the scope read", "具有 read 权限的 API 密钥"), language)
    body = (
        f'<form class=lone method=post action="/session"><p class=worry>{told}</p><label>{label}'
        f"<input type=password name=key autocomplete=off required autofocus></label>"
        f'<input type=hidden name=back value="{escape(back)}">'
        f"<button>{pick(('Open', '打开'), language)}</button></form>"
    )
    return html(body, language, "Tongdan 同单", "/orders", 401)


def language_of(request: Request, asked: str) -> Language:
    """`?lang=`, else what the browser prefers."""
    wish = asked or request.headers.get("accept-language", "")
    return "zh" if wish.lower().startswith("zh") else "en"


def html(body: str, language: Language, title: str, path: str, status_code: int = 200) -> HTMLResponse:
    other = "en" if language == "zh" else "zh"
    page = (
        f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><meta charset=utf-8>'
        f'<meta name=viewport content="width=device-width,initial-scale=1"><title>{escape(title)} · 同单</title>'
        f"<style>{CSS}</style><header><a href=/orders?lang={language}><b>同单</b> Tongdan</a><nav>"
        f"<a href=/docs?lang={language}>API</a>"
        f'<a href="{escape(path)}?lang={other}">{"English" if other == "en" else "中文"}</a></nav></header>'
        f"<main>{body}</main></html>"
    )
    return HTMLResponse(page, status_code, headers=dict(_HEADERS))


# -- the orders


def _list_body(rows: Iterable[OrderRow], language: Language) -> str:
    heads = pick(
        ("Order|Status|Shop|Number|Yuan|Changed (UTC+8)", "订单|状态|店铺|渠道单号|金额（元）|变更时间"),
        language,
    )
    cells = "".join(
        f'<tr><td><a href="/orders/{escape(row.id)}?lang={language}">{escape(row.id)}</a>'
        f"<td>{_status(row.status, language)}<td>{escape(row.shop)}<td class=quiet>{escape(row.native)}"
        f"<td class=num>{yuan_from_fen(row.amount_fen)}<td class=quiet>{local_time(row.updated_at)}"
        for row in rows
    )
    title = pick(("Orders, newest change first", "订单（最近变更在前）"), language)
    none = pick(("No orders yet.", "还没有订单。"), language)
    return f"<h1>{title}</h1>" + (_table(heads, cells) if cells else f"<p class=quiet>{none}</p>")


# -- one order


def _order_body(
    id: str, order: Order, person: Person | None, rows: list[JournalRow], language: Language
) -> str:
    some = pick((" (partly)", "（部分）"), language) if partly(order) else ""
    head = (
        f"<h1 class=id>{escape(id)}</h1><p class=big>{_status(int(status(order)), language)}{some}</p>"
        f"{_path(rows, language)}{_summary(order, person, language)}{_lines(order, language)}"
    )
    facts = pick(
        ("{n} facts as they stand in the log, times in UTC+8", "{n} 条事实，按日志顺序，时间为 UTC+8"),
        language,
    ).format(n=len(rows))
    return f"{head}<h2>{facts}</h2>{_facts(rows, language)}"


def _status(code: int, language: Language) -> str:
    return (
        f"<span class=status data-code={code}>{escape(status_name(code, language))}<sup>{code}</sup></span>"
    )


def _path(rows: list[JournalRow], language: Language) -> str:
    """When the order first reached each station of the ordinary path."""
    reached: dict[int, str] = {}
    for row in rows:
        if kind_of(row.aggregate) == ORDER:
            reached.setdefault(row.status_after, local_time(row.recorded_at))
    stations = "".join(
        f'<li class="{"on" if code in reached else "off"}"><b>{status_name(code, language)}</b>'
        f"<time>{reached.get(code, '')[5:16]}</time>"
        for code in map(int, _PATH)
    )
    return f"<ol class=path>{stations}</ol>"


def _summary(order: Order, person: Person | None, language: Language) -> str:
    def at(moment: object) -> str:
        return local_time(moment) if moment is not None else ""  # type: ignore[arg-type]

    shown = mask_person(person) if person is not None else None
    receiver = (
        f"{shown.name} {shown.phone} {shown.province}{shown.city}{shown.district}"
        if shown is not None
        else ""
    )
    fields = {
        ("Shop", "店铺"): f"{order.channel} · {order.shop}",
        ("Number", "渠道单号"): order.native,
        ("Amount", "金额"): f"{yuan_from_fen(order.amount_fen)} {pick(('yuan', '元'), language)}",
        ("Placed", "下单"): at(order.placed_at),
        ("Paid", "付款"): at(order.paid.paid_at if order.paid else None),
        ("Settled", "结算"): at(order.settled_at),
        ("Owed back", "应退"): yuan_from_fen(order.owed_fen) if order.owed_fen else "",
        ("Refunded", "已退"): yuan_from_fen(order.refunded_fen) if order.refunded_fen else "",
        ("Held by", "挂起"): ", ".join(order.holds),
        ("Receiver", "收件人"): receiver.strip(),
    }
    told = "".join(f"<div><dt>{pick(k, language)}<dd>{escape(v)}</div>" for k, v in fields.items() if v)
    return f"<dl class=summary>{told}</dl>"


def _lines(order: Order, language: Language) -> str:
    """The lines, folded when there are many: the facts are what the page is for."""
    if not order.lines:
        return ""
    body = ""
    for each in order.lines:
        stages = ", ".join(f"{pick(_STAGES[s], language)} {each.at(s)}" for s in Stage if each.at(s))
        body += (
            f"<tr><td>{escape(each.line.sku)} <span class=quiet>{escape(each.line.title)}</span>"
            f"<td class=num>{each.line.units}<td class=num>{yuan_from_fen(each.line.amount_fen)}"
            f"<td>{stages}<td class=quiet>{escape(each.warehouse)}"
        )
    heads = pick(("SKU|Units|Yuan|Where they are|Warehouse", "商品|件数|金额（元）|所处阶段|仓库"), language)
    units = sum(each.line.units for each in order.lines)
    title = pick(("{n} lines, {units} units", "{n} 行商品，共 {units} 件"), language)
    unfolded = " open" if len(order.lines) <= SHOWN_LINES else ""
    return (
        f"<details{unfolded}><summary>{title.format(n=len(order.lines), units=units)}</summary>"
        f"{_table(heads, body)}</details>"
    )


def _table(heads: str, body: str) -> str:
    return f"<table><thead><tr>{''.join(f'<th>{each}' for each in heads.split('|'))}<tbody>{body}</table>"


def _facts(rows: list[JournalRow], language: Language) -> str:
    out, day = [], ""
    for row in rows:
        recorded = local_time(row.recorded_at)
        if recorded[:10] != day:
            day = recorded[:10]
            out.append(f"<li class=day>{day}")
        out.append(_fact(row, recorded[11:], language))
    return f"<ol class=facts>{''.join(out)}</ol>"


def _fact(row: JournalRow, time: str, language: Language) -> str:
    kind = kind_of(row.aggregate)
    worry = " worry" if row.fact in _WORRYING or kind == TICKET else ""
    subject = "" if kind == ORDER else f"<span class=subject>{escape(_short(row.aggregate))}</span> "
    moved = kind == ORDER and row.status_before != row.status_after
    who = row.source if row.operator in ("", "system") else f"{row.source} · {row.operator}"
    return (
        f'<li class="fact{worry}"><time>{time}</time><div><p>{subject}{escape(sentence(row.fact, row.body, language))}'
        f"</p><details><summary><span>{escape(who)}</span><span class=place>{position_of(row)}</span>"
        f"<code>{row.hash[:12]}</code></summary>{_details(row, language)}</details></div>"
        f"<div>{_status(row.status_after, language) if moved else ''}</div>"
    )


def _short(aggregate: str) -> str:
    """`DY20260127000892-S1` → `S1`, `ticket/DY…/kind` → `kind`: whose page it is stands above."""
    return aggregate.rpartition("/" if "/" in aggregate else "-")[2]


def _details(row: JournalRow, language: Language) -> str:
    fields: dict[str, object] = {
        pick(("fact", "事实"), language): f"{row.fact} v{row.fact_version}",
        pick(("happened", "发生于"), language): local_time(row.happened_at),
        pick(("command", "命令"), language): row.command,
        pick(("command key", "命令键"), language): row.command_key,
        pick(("cause", "起因"), language): row.cause,
        pick(("hash", "链哈希"), language): row.hash,
        **row.body,
    }
    told = "".join(
        f"<dt>{escape(name)}<dd>{escape(_plain(value))}" for name, value in fields.items() if value
    )
    raw = raw_text(row.raw, reveal=False)
    title = pick(("as received, personal data hidden", "原始报文（个人信息已隐藏）"), language)
    payload = f"<p class=quiet>{title}</p><pre>{escape(raw)}</pre>" if raw else ""
    return f"<dl>{told}</dl>{payload}"


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return local_time(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
