"""Whatever cannot be meant in a channel's map is refused when the file is read, by the name of its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contracts.test_by_map import Change, load

from tongdan.adapters.policy_files import ConfError, load_conf


def at(*path: str, value: Any) -> Change:
    def change(whole: dict[str, Any]) -> None:
        for name in path[:-1]:
            whole = whole.setdefault(name, {})
        if value is None:
            whole.pop(path[-1])
        else:
            whole[path[-1]] = value

    return change


M = "by_map"
DEEP: Any = "{native} {waybill}"
for _ in range(20):
    DEEP = {"a": DEEP}

MISTAKES = [
    (at(M, "nmae", value="x"), "by_map", "unknown field `nmae`"),
    (at(M, "push", "shp", value="x"), "by_map.push", "unknown field `shp`"),
    (at(M, "name", value="Example!"), "by_map.name", "small letters"),
    (at(M, "name", value="douyin"), "by_map.name", "nobody else"),
    (at(M, "name", value="wechat"), "by_map.name", "nobody else"),
    (at(M, "money", value="usd"), "by_map.money", "Invalid enum value 'usd'"),
    (at(M, "times", value="iso"), "by_map.times", "Invalid enum value 'iso'"),
    (at("base_url", value=""), "by_map.base_url", "the address"),
    (at(M, "order", value=None), "by_map.order", "where things stand"),
    (at(M, "order", "said_at", value="a..b"), "by_map.order.said_at", "names with dots"),
    (at(M, "order", "line", "sku", value="{sku}"), "by_map.order.line.sku", "names with dots"),
    (at(M, "order", "line", "price", value="each"), "by_map.order.line", "either `amount` or `price`"),
    (at(M, "order", "person", "mail", value="x"), "by_map.order.person.mail", "one of name, phone"),
    (at(M, "order", "sealed", "name", value=""), "by_map.order.sealed.name", "names with dots"),
    (at(M, "push", "native", value=None), "by_map.push", "`native`"),
    (at(M, "push", "kinds", value=[]), "by_map.push.kinds", "with `kind`"),
    (at(M, "detail", value=None), "by_map.detail", "which order has changed"),
    (at(M, "detail", "path", value="orders/{native}"), "by_map.detail.path", "begins with /"),
    (at(M, "detail", "path", value="/orders"), "by_map.detail", "{native}"),
    (at(M, "detail", "path", value="/{native}/{token}"), "by_map.detail", "only {native}, got token"),
    (at(M, "detail", "path", value="/{native}/{"), "by_map.detail", "got /{native}/{"),
    (at(M, "detail", "body", value={"a": "b"}), "by_map.detail.body", "none with GET"),
    (at(M, "detail", "method", value="DELETE"), "by_map.detail.method", "Invalid enum value"),
    (at("listing", value=None), "by_map.list", "with `listing`"),
    (at(M, "list", value=None), "by_map.list", "with `listing`"),
    (at(M, "list", "cursor", value=None), "by_map.list.cursor", "because `listing.pages` is cursor"),
    (at(M, "list", "query", "changed_to", value="now"), "by_map.list", "{until}"),
    (at("listing", "pages", value="last-first"), "by_map.list", "`pages` or `total`"),
    (at(M, "ship", "body", "waybill", value="SF1"), "by_map.ship", "{waybill}"),
    (at(M, "ship", "line", value={}), "by_map.ship.line", "with {lines}"),
    (at(M, "ship", "line", value={"id": "{native}"}), "by_map.ship.line", "only {line}, {units}, got native"),
    (at(M, "ship", "body", value=DEEP), "by_map.ship", "at most 8 levels"),
    (at(M, "headers", "x", value="{Token}"), "by_map.headers", "a field of the credential"),
    (at(M, "codes", "good", value="0"), "by_map.codes.good", "Expected `array`"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "place", "expected"), MISTAKES, ids=[f"{each[1]}-{n}" for n, each in enumerate(MISTAKES)]
)
def test_a_mistake_in_a_map_is_named(tmp_path: Path, change: Change, place: str, expected: str) -> None:
    with pytest.raises(ConfError) as refused:
        load(tmp_path, change)
    assert refused.value.file == "channels/XX.yml"
    assert refused.value.place.startswith(place)
    assert expected in refused.value.expected


def test_no_map_takes_the_place_of_an_adapter(tmp_path: Path) -> None:
    load(tmp_path)
    other = yaml.safe_load((tmp_path / "channels/XX.yml").read_text())
    douyin = yaml.safe_load((tmp_path / "channels/DY.yml").read_text())
    (tmp_path / "channels/DY.yml").write_text(yaml.safe_dump(douyin | {M: other[M]}))
    with pytest.raises(ConfError, match="has an adapter of its own"):
        load_conf(tmp_path)
    (tmp_path / "channels/DY.yml").write_text(yaml.safe_dump(douyin))
    (tmp_path / "channels/XY.yml").write_text(yaml.safe_dump(other | {"code": "XY"}))
    with pytest.raises(ConfError, match=r"XY.yml: by_map.name: .* name nobody else"):
        load_conf(tmp_path)
