"""Paths into JSON and templates for it, as configuration writes them: data, and nothing that could be run.

A path is names with dots between (`order.items`). A template is JSON whose texts may hold placeholders from a closed
list: a text that is one placeholder becomes its value as it is, any other has them filled in as text.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

_NAME: Final = r"[^.\s{}]{1,64}"
_PATH: Final = re.compile(rf"{_NAME}(\.{_NAME}){{0,7}}")
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]{1,40})\}", re.ASCII)
_WHOLE: Final = re.compile(r"\{([a-z_]{1,40})\}\Z", re.ASCII)
MAX_DEPTH: Final = 8


def is_path(text: str) -> bool:
    return _PATH.fullmatch(text) is not None


def pick(said: Any, path: str) -> Any:
    """What stands at `path` ("": all of it); None where nothing does."""
    for name in path.split(".") if path else ():
        if not isinstance(said, dict):
            return None
        said = said.get(name)
    return said


def placeholders(template: Any) -> set[str]:
    """The names in a template."""
    return {name for text in _texts(template, 0) for name in _PLACEHOLDER.findall(text)}


def odd_braces(template: Any) -> str:
    """The first text with a brace that belongs to no placeholder, "" if there is none."""
    for text in _texts(template, 0):
        if {"{", "}"} & set(_PLACEHOLDER.sub("", text)):
            return text
    return ""


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """A template with its values. Raises KeyError for a placeholder that has none: check with `placeholders` before."""
    match template:
        case str():
            if whole := _WHOLE.match(template):
                return values[whole[1]]
            return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), template)
        case dict():
            return {name: fill(value, values) for name, value in template.items()}
        case list():
            return [fill(value, values) for value in template]
    return template


def fill_path(template: str, values: Mapping[str, Any]) -> str:
    """The path of an address, its values quoted, so that none reaches beyond its place."""
    return _PLACEHOLDER.sub(lambda found: quote(str(values[found[1]]), safe=""), template)


def _texts(template: Any, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        raise ValueError(f"expected at most {MAX_DEPTH} levels")
    if isinstance(template, str):
        yield template
    for value in (
        template.values() if isinstance(template, dict) else template if isinstance(template, list) else ()
    ):
        yield from _texts(value, depth + 1)
