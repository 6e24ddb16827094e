"""What a person means by what they look for: an id, a number, a phone or its tail, a name, a SKU, words.

One text may be read in several ways; the first that finds something counts, and the others that would are named.
People are found through keyed tokens, so that neither the index nor an answer holds whom somebody looked for.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from tongdan.domain.kernel.ids import parse
from tongdan.domain.kernel.messages import Person, Refusal, RefusalKind
from tongdan.flow.clues import Clue, clues, masked, masks_of, phone_digits
from tongdan.ports import COUNTED, OrderQuery, OrderRow, Reads, TooWide

PEOPLE_LIMIT: Final = 5_000  # orders that what is known of a person may fit
LACKING_ROWS: Final = 20_000  # journal rows; fewer are a moment's delay
SHORTEST_PHONE: Final = 7
LONGEST_NAME: Final = 20
_SURE_MASK: Final = 7  # characters of `138*1234`: fewer fit too many numbers
_PHONE_SIGNS: Final = frozenset("0123456789+-* ()")

ID, NUMBER, PHONE, NAME, WORDS = "id", "number", "phone", "name", "words"
READINGS: Final = {
    ID: ("our id", "同单号"),
    NUMBER: ("a whole number or SKU", "完整单号或 SKU"),
    PHONE: ("a phone or its last four digits", "手机号或尾号"),
    NAME: ("a person's name", "姓名"),
    WORDS: ("words of the goods", "商品名称"),
}

TOO_MANY_PEOPLE: Final = RefusalKind(
    "fits-too-many",
    422,
    en="{field} fits more than {limit} orders. Say more of the person: the whole phone, or the whole name.",
    zh="{field} 对应的订单超过 {limit} 张。请提供更完整的手机号或姓名。",
)
NOT_A_PHONE: Final = RefusalKind(
    "not-a-phone",
    422,
    en="phone: expected a whole number, one as a platform masks it (138****1234), or its last four digits.",
    zh="phone：应为完整手机号、平台脱敏号（138****1234）或后四位。",
)
NOT_A_NAME: Final = RefusalKind(
    "not-a-name",
    422,
    en="name: expected two to 20 characters that stand together in the name, or one as a platform masks it (张*).",
    zh="name：应为姓名中相连的 2 至 20 个字，或平台脱敏姓名（张*）。",
)
NOTHING_TO_FIND: Final = RefusalKind(
    "nothing-to-find",
    422,
    en="q: expected an id, a whole number, a phone or its last four digits, two characters of a name, a SKU, or words.",
    zh="q：应为同单号、完整单号、手机号或后四位、姓名中相连的两个字、SKU 或商品名称。",
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; all of it must hold. `q` is read in whichever way finds something."""

    q: str = ""
    phone: str = ""
    name: str = ""
    sku: str = ""
    waybill: str = ""
    words: str = ""
    channel: str = ""
    shops: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    warehouse: str = ""
    since: datetime | None = None
    until: datetime | None = None
    least_fen: int | None = None
    most_fen: int | None = None
    odd: bool = False
    held: bool = False


class Found(NamedTuple):
    """`read_as`: how `q` was read; `also`: how else it could be and would find something; `query`: to count by."""

    rows: list[OrderRow]
    next: str | None
    query: OrderQuery
    read_as: str = ""
    also: tuple[str, ...] = ()


def search(reads: Reads, asked: Asked, cursor: str, limit: int) -> Found | Refusal:
    """One page, newest first. Raises TooWide, and ValueError for a cursor that no page had."""
    plain = _plain(reads, asked)
    if isinstance(plain, Refusal):
        return plain
    if not asked.q.strip():
        rows = reads.orders(plain, before=cursor, limit=limit)
        return Found(rows, rows[-1].cursor if len(rows) == limit else None, plain)
    kind, _, before = cursor.rpartition(":")
    if cursor and kind not in READINGS:
        raise ValueError(cursor)
    found: Found | None = None
    refusal: Refusal | None = None
    for read_as, query in _readings(reads, asked, plain):
        if isinstance(query, Refusal):
            refusal = refusal or query
        elif kind in ("", read_as) and (found is None or not found.rows):
            rows = reads.orders(query, before=before, limit=limit)
            found = Found(
                rows, f"{read_as}:{rows[-1].cursor}" if len(rows) == limit else None, query, read_as
            )
        elif not kind and found is not None and reads.orders(query, limit=1):
            found = found._replace(also=(*found.also, read_as))
    if found is None or (refusal is not None and not found.rows):
        return refusal or NOTHING_TO_FIND.of()
    return found


def counted(reads: Reads, query: OrderQuery) -> tuple[int | None, bool]:
    """How many there are, and whether there are more; None: too many to look through, or many lack."""
    if percent_indexed(reads) is not None:
        return None, False
    try:
        count = reads.count_orders(query)
    except TooWide:
        return None, False
    return min(count, COUNTED), count > COUNTED


def behind(reads: Reads) -> int:
    """Journal rows that are committed and that the index does not have yet."""
    return sum(last - reached for reached, last in reads.indexed().values() if last > reached)


def percent_indexed(reads: Reads) -> int | None:
    """How much of the journal the index has, while it lacks so much that it is being made anew; else None."""
    if behind(reads) < LACKING_ROWS:
        return None
    places = reads.indexed().values()
    return 100 * sum(min(reached, last) for reached, last in places) // sum(last for _, last in places)


def _plain(reads: Reads, asked: Asked) -> OrderQuery | Refusal:
    """What is asked field by field."""
    query = OrderQuery(
        channel=asked.channel, shops=asked.shops, statuses=asked.statuses, warehouse=asked.warehouse, sku=asked.sku,
        name=asked.waybill, words=asked.words, since=asked.since, until=asked.until, least_fen=asked.least_fen,
        most_fen=asked.most_fen, odd=asked.odd, held=asked.held,
    )  # fmt: skip
    if asked.phone:
        fitting = phone_clues(asked.phone)
        query_or_no = _of_person(reads, query, "phone", fitting) if fitting else NOT_A_PHONE.of()
        if isinstance(query_or_no, Refusal):
            return query_or_no
        query = query_or_no
    if asked.name:
        fitting = name_clues(asked.name)
        return _of_person(reads, query, "name", fitting) if fitting else NOT_A_NAME.of()
    return query


def _readings(reads: Reads, asked: Asked, plain: OrderQuery) -> Iterator[tuple[str, OrderQuery | Refusal]]:
    q = asked.q.strip()
    parsed = parse(q.upper())
    if parsed is not None:
        yield ID, _narrowed(plain, [parsed.order])
        return
    if not asked.waybill:
        yield NUMBER, replace(plain, name=q)
    if set(q) <= _PHONE_SIGNS and (fitting := phone_clues(q)):
        yield PHONE, _of_person(reads, plain, "q", fitting)
    if not any(each.isdigit() for each in q) and (fitting := name_clues(q)):
        yield NAME, _of_person(reads, plain, "q", fitting)
    yield WORDS, replace(plain, words=f"{plain.words} {q}".strip())


def phone_clues(text: str) -> list[list[Clue]]:
    """Any of these, each of which is all of its clues; none: it is no phone."""
    digits = phone_digits(text)
    if "*" in text:
        return [[("masked", masked(text))]] if len(digits) >= 4 else []
    if len(digits) == 4:
        return [[("last4", digits)]]
    if len(digits) < SHORTEST_PHONE:
        return []
    masks = [clue for clue in sorted(masks_of(digits)) if len(clue[1]) > _SURE_MASK]
    return [[("phone", digits)], *[[clue] for clue in masks]]


def name_clues(text: str) -> list[list[Clue]]:
    """As `phone_clues`; a name is known by the pairs of its characters."""
    name = "".join(text.split())
    if not 2 <= len(name) <= LONGEST_NAME or not any(each.isalpha() for each in name):
        return []
    return [sorted(clues(Person(name=name)))]


def _of_person(
    reads: Reads, query: OrderQuery, field: str, fitting: Sequence[Sequence[Clue]]
) -> OrderQuery | Refusal:
    found = set[str]()
    for all_of in fitting:
        led = reads.led_to(all_of, PEOPLE_LIMIT)
        if led is None:
            return TOO_MANY_PEOPLE.of(field=field, limit=PEOPLE_LIMIT)
        found.update(led)
    return _narrowed(query, sorted(found))


def _narrowed(query: OrderQuery, ids: Sequence[str]) -> OrderQuery:
    known = None if query.ids is None else set(query.ids)
    return replace(query, ids=tuple([id for id in ids if known is None or id in known]))
