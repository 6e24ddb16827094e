"""What finance's way of counting in `conf/partners.yml` has to be, so that no comparison rests on a mistake."""

import re
from collections.abc import Container
from typing import Final

from tongdan.adapters.partners.finance_books import COLUMNS, NEEDED
from tongdan.adapters.partners.settings import FinanceBooks

FILE: Final = "partners.yml"
MAX_FEE_BP: Final = 5_000
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


def mistake(books: FinanceBooks, shops: Container[str]) -> tuple[str, str] | None:
    """Where it is wrong below `finance.books`, and what was expected there; None: nowhere."""
    if books.url and not books.url.startswith(("http://", "https://")):
        return "url", "an http or https URL"
    for name in ("closes", "compare_at"):
        said = getattr(books, name)
        if said and _CLOCK.fullmatch(said) is None:
            return name, f"a time of day such as 23:00, got {said!r}"
    if books.compare_at and not books.url:
        return "compare_at", "a url where finance lists its orders"
    if not all(0 <= fee <= MAX_FEE_BP for fee in books.fees_bp.values()):
        return "fees_bp", f"basis points from 0 to {MAX_FEE_BP}"
    if strange := [each for each in (*books.test_shops, *books.shops.values()) if each not in shops]:
        return "shops", f"shops of shops.yml, got {strange[0]!r}"
    if not all(books.test_numbers):
        return "test_numbers", "beginnings of numbers, none of them empty"
    if books.file is None:
        return None
    if strange := sorted(set(books.file.columns) - COLUMNS):
        return "file.columns", f"columns out of {', '.join(sorted(COLUMNS))}, got {strange[0]!r}"
    if missing := [each for each in NEEDED if each not in books.file.columns]:
        return "file.columns", f"a heading for {missing[0]}"
    return None
