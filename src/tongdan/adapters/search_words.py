"""What an order is found by, as the words and codes of an index.

A number is one word whole, a title gives its Latin words and each pair of neighbours in Chinese, a SKU is an integer.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from tongdan.ports.search import OrderDoc, OrderQuery

MAX_WORDS: Final = 200  # of one order's titles
_RUN: Final = re.compile(r"[\u3400-\u9fff]+|[0-9a-z]+")
_PLAIN: Final = re.compile(r"[0-9a-z]+")


def text_of(doc: OrderDoc) -> str:
    """What an order is found by in the full text: its numbers and SKUs whole, its titles in words and pairs."""
    names = (_name(name) for name in (doc.id, doc.native, *doc.names, *doc.skus) if name)
    return " ".join(dict.fromkeys((*names, *words_of(doc.title)[:MAX_WORDS])))


def match_of(query: OrderQuery) -> str:
    names = [_name(name) for name in (query.name, query.sku) if name]
    return " AND ".join(f'"{token}"' for token in (*names, *words_of(query.words)))


def _name(name: str) -> str:
    """One token for a whole number, which no word can be: `ZX-1` → `id7a782d31`."""
    lowered = name.strip().lower()
    return f"no{lowered}" if _PLAIN.fullmatch(lowered) else f"id{lowered.encode().hex()}"


def words_of(text: str) -> list[str]:
    """Latin words, and each pair of neighbours in Chinese, as there are no blanks to tell words by."""
    found = list[str]()
    for run in _RUN.findall(text.lower()):
        if run[0] < "\u3400" or len(run) == 1:
            found.append(run)
        else:
            found += [run[n : n + 2] for n in range(len(run) - 1)]
    return found


def sku_code(code: str) -> int:
    return int.from_bytes(blake2b(code.encode(), digest_size=8).digest(), "big", signed=True)


def packed(skus: Sequence[str]) -> bytes:
    return b"".join(sorted({sku_code(code).to_bytes(8, "big", signed=True) for code in skus}))


def unpacked(skus: bytes) -> list[int]:
    return [int.from_bytes(skus[n : n + 8], "big", signed=True) for n in range(0, len(skus), 8)]
