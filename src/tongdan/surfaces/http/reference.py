"""/docs: the OpenAPI document as a page that needs no script and no other host."""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from html import escape
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from tongdan.surfaces.http.style import CSS
from tongdan.surfaces.words import Language, pick

router: Final = APIRouter()

Lang = Annotated[str, Query(max_length=5)]

_STYLE_HASH: Final = b64encode(sha256(CSS.encode()).digest()).decode()
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

TAGS: Final = {
    "push port": ("Push port: own shops", "推送端口：自有店铺"),
    "board": ("Status board", "状态总览"),
    "orders": ("Orders", "订单"),
    "actions": ("Actions", "操作"),
    "confirmations": ("Two parties, and money to be recovered", "双方确认与追回"),
    "holds": ("Holds", "挂起"),
    "gifts": ("Gifts", "赠品"),
    "notices": ("Notices to buyers", "买家通知"),
    "after-sales": ("After-sales", "售后"),
    "catalog": ("Catalogue", "商品"),
    "stock": ("Stock and quotas", "库存与配额"),
    "finance": ("Finance and bills", "财务与账单"),
    "health": ("Health of configuration, outages of partners", "配置健康与合作方中断"),
    "operations": ("Operations", "运维"),
    "members": ("Members", "成员"),
    "session": ("Signing in", "登录"),
}


@router.get("/docs")
async def docs(request: Request, lang: Lang = "") -> Response:
    schema: dict[str, Any] = request.app.openapi()
    language, info = _language_of(request, lang), schema["info"]
    machine = pick(("For programs: ", "供程序使用："), language)
    body = [
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>{_prose(info['description'])}",
        f"<p class=quiet>{machine}<a href=/openapi.json>/openapi.json</a></p>",
    ]
    for tag, names in TAGS.items():
        body.append(f"<h2>{pick(names, language)}</h2>")
        for path, methods in schema["paths"].items():
            server = methods.get("servers", [{"url": ""}])[0]["url"]
            body += [
                _operation(method, server + path, operation, schema, language)
                for method, operation in methods.items()
                if method != "servers" and tag in operation.get("tags", [])
            ]
    return _html("".join(body), language, "API", "/docs")


def _operation(
    method: str, path: str, operation: dict[str, Any], schema: dict[str, Any], language: Language
) -> str:
    text = operation.get("description") or operation.get("summary", "")
    told = [f"<div class=op><h3><b>{method.upper()}</b>{escape(path)}</h3>{_prose(text)}"]
    need = pick((", required", "，必填"), language)
    told.append(
        _list(
            (each["name"], f"{each['in']}, {_type(each.get('schema', {}))}{need if each.get('required') else ''}",
             each.get("description", ""))
            for each in operation.get("parameters", [])
        )
    )  # fmt: skip
    if content := _json(operation.get("requestBody", {})):
        told.append(_fields(pick(("Body", "请求体"), language), content["schema"], schema))
        if "example" in content:
            example = json.dumps(content["example"], ensure_ascii=False, separators=(",", ":"))
            told.append(f"<pre>{escape(example)}</pre>")
    answers = operation.get("responses", {})
    for status, answer in answers.items():
        if status.startswith("2") and (content := _json(answer)):
            told.append(_fields(f"{status} {pick(('Answer', '应答'), language)}", content["schema"], schema))
    codes = _list((status, "", answer["description"]) for status, answer in answers.items())
    told.append(
        f"<details><summary>{pick(('Status codes', '状态码'), language)}</summary>{codes}</details></div>"
    )
    return "".join(told)


def _json(of: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = of.get("content", {}).get("application/json", {})
    return content


def _list(rows: Iterable[tuple[str, str, str]]) -> str:
    """(name, kind, description) each."""
    told = "".join(
        f"<dt><code>{escape(name)}</code><dd><span class=quiet>{escape(kind)}</span> {escape(text)}"
        for name, kind, text in rows
    )
    return f"<dl class=grid>{told}</dl>" if told else ""


def _fields(title: str, of: dict[str, Any], schema: dict[str, Any]) -> str:
    """The fields of a body or answer, one level deep: deeper ones are in the document for programs."""
    named = of.get("items", of).get("$ref", "").rpartition("/")[2]
    found = schema["components"]["schemas"].get(named, {})
    required = set(found.get("required", []))
    fields = _list(
        (name if name in required else f"{name} ?", _type(field), field.get("description", ""))
        for name, field in found.get("properties", {}).items()
    )
    return (
        f"<details><summary>{title} <code>{escape(named)}</code></summary>{fields}</details>"
        if fields
        else ""
    )


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " | ".join(_type(each) for each in field["anyOf"])
    if field.get("type") == "array":
        return f"[{_type(field.get('items', {}))}]"
    kind = str(field.get("format") or field.get("type", "any"))
    return f"{kind} {' | '.join(map(str, field['enum']))}" if "enum" in field else kind


def _prose(text: str) -> str:
    """Paragraphs, indented blocks, `code` and **bold**: as much Markdown as our descriptions use."""
    out = []
    for block in text.strip().split("\n\n"):
        if block.startswith("    "):
            out.append(f"<pre>{escape(chr(10).join(line[4:] for line in block.splitlines()))}</pre>")
        else:
            out.append(f"<p>{_spans(escape(block))}</p>")
    return "".join(out)


def _spans(text: str) -> str:
    for mark, tag in (("`", "code"), ("**", "b")):
        parts = text.split(mark)
        text = "".join(part if n % 2 == 0 else f"<{tag}>{part}</{tag}>" for n, part in enumerate(parts))
    return text


def _language_of(request: Request, asked: str) -> Language:
    """`?lang=`, else what the browser prefers."""
    wish = asked or request.headers.get("accept-language", "")
    return "zh" if wish.lower().startswith("zh") else "en"


def _html(body: str, language: Language, title: str, path: str) -> HTMLResponse:
    other = "en" if language == "zh" else "zh"
    page = (
        f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><meta charset=utf-8>'
        f'<meta name=viewport content="width=device-width,initial-scale=1"><title>{escape(title)} · 同单</title>'
        f"<style>{CSS}</style><header><a href=/><b>同单</b> Tongdan</a><nav>"
        f"<a href=/docs?lang={language}>API</a>"
        f'<a href="{escape(path)}?lang={other}">{"English" if other == "en" else "中文"}</a></nav></header>'
        f"<main>{body}</main></html>"
    )
    return HTMLResponse(page, headers=dict(_HEADERS))
