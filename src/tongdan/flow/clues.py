"""What leads to a person: what they are found by (clues), and what a buyer is known again by (marks).

A clue may fit several people and is kept in a view that can be emptied; a mark is one buyer's own, so that orders may
be counted under it. Of a mark only its keyed token goes further.
"""

import re
from typing import Final

from tongdan.domain.guard.risk import BUYER, MARKS, PAYER, PHONE, RECEIVER
from tongdan.domain.kernel.messages import Person
from tongdan.ports import Vault

_SHORTEST_PHONE: Final = 5
_MOBILE: Final = re.compile(
    r"(?<!\d)1\d{10}(?!\d)", re.ASCII
)  # also where another number or an extension follows
_OWN: Final = re.compile(r"1\d{10}|0\d{9,11}", re.ASCII)  # a mobile, or a line with its area
_TAIL: Final = 4
_LEAST_SHOWN: Final = 4  # digits of a masked phone; fewer fit half the world
ADDRESS_ID: Final = "open_address_id"  # a platform's own number of a receiver

Clue = tuple[str, str]  # kind and value


def marks_of(person: Person, buyer: str, vault: Vault) -> tuple[str, ...]:
    """`KIND/TOKEN` of each mark of these people, under every generation of the key, the newest first."""
    return tuple([mark for kind, value in values_of(person, buyer) for mark in mark_of(kind, value, vault)])


def values_of(person: Person, buyer: str) -> list[Clue]:
    """What the marks of these people stand for. Not to be kept, shown or logged."""
    values = {
        PHONE: own_number(person.phone),
        BUYER: buyer or person.buyer,
        PAYER: person.payer,
        RECEIVER: person.sealed.get(ADDRESS_ID, ""),
    }
    return [(kind, values[kind]) for kind in MARKS if values[kind]]


def mark_of(kind: str, value: str, vault: Vault) -> list[str]:
    return [f"{kind}/{token.hex()}" for token in vault.tokens(f"mark-{kind}", value)]


def own_number(phone: str) -> str:
    """The digits of a phone that is one person's: "" for a masked one, and for a virtual one (`18400913965-7576`),
    whose first part many share."""
    digits = phone_digits(phone)
    return digits if "*" not in phone and _OWN.fullmatch(digits) else ""


def clues(person: Person) -> set[Clue]:
    """What leads to a person: phone, its last four digits, pairs of the name's characters, ids of the platform.

    Where a platform shows only a masked value (138****1234), that value is the clue.
    """
    found = set[Clue]()
    digits = phone_digits(person.phone)
    if "*" in person.phone:
        found |= {("masked", masked(person.phone))} if len(digits) >= _LEAST_SHOWN else set()
        tail = phone_digits(person.phone.rpartition("*")[2])
        found |= {("last4", tail)} if len(tail) == _TAIL else set()
    elif len(digits) >= _SHORTEST_PHONE:
        for number in (digits, *_MOBILE.findall(person.phone)):
            found |= {("phone", number), ("last4", number[-_TAIL:])}
    if "*" in person.name:
        found.add(("masked-name", person.name))
    elif name := "".join(person.name.split()):
        found |= {("name", name[n : n + 2]) for n in range(max(1, len(name) - 1))}
    ids = (person.buyer, person.payer, person.sealed.get(ADDRESS_ID, ""))
    return found | {("id", value) for value in ids if value}


def phone_digits(phone: str) -> str:
    """`+86 138-1234-1234` → `13812341234`."""
    digits = "".join(each for each in phone if each.isascii() and each.isdigit())
    return digits[-11:] if len(digits) > 11 and digits.removeprefix("00").startswith("86") else digits


def masks_of(phone: str) -> set[Clue]:
    """How platforms may show this number: a few digits at either end, stars between."""
    number = phone_digits(phone)
    shown = ((head, tail) for head in range(4) for tail in (2, 3, 4))
    return {("masked", f"{number[:head]}*{number[-tail:]}") for head, tail in shown}


def masked(shown: str) -> str:
    """`138****1234` → `138*1234`: how many stars there are says nothing."""
    head, *_, tail = shown.split("*")
    return f"{phone_digits(head)}*{phone_digits(tail)}"
