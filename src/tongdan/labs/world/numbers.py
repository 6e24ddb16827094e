"""The e-waybills that carriers have given to the seller, whoever asked through which interface: their truth about them.

A number is live from the moment it was given until it is cancelled; once its parcel was handed over it cannot be.
"""

from dataclasses import dataclass
from typing import Final

from tongdan.labs.world.setting import Setting


@dataclass
class Number:
    """`key` is the seller's, `parcel` what was handed over under it; `asked` counts how often it was asked for."""

    key: str
    code: str
    waybill: str
    province: str
    live: bool = True
    parcel: str = ""
    asked: int = 1


class Numbers:
    """`balance` is how many numbers each carrier still gives (no entry: as many as are wanted)."""

    def __init__(self, setting: Setting) -> None:
        self.balance: Final[dict[str, int]] = {}
        self.out_of_range: Final[set[str]] = set()  # provinces that nobody goes to
        self.by_key: Final[dict[tuple[str, str], Number]] = {}
        self.by_waybill: Final[dict[str, Number]] = {}
        self._setting: Final = setting

    def known(self, code: str, key: str) -> Number | None:
        return self.by_key.get((code, key))

    def take(self, code: str, key: str, province: str) -> Number | None:
        """A fresh number; None when the balance is used up."""
        if self.balance.get(code, 1) <= 0:
            return None
        if code in self.balance:
            self.balance[code] -= 1
        stream = self._setting.stream("number", code, key)
        prefix, digits = ("SF", 13) if code == "SF" else ("7", 13)
        number = Number(key, code, f"{prefix}{stream.digits(digits)}", province)
        self.by_key[code, key] = self.by_waybill[number.waybill] = number
        return number

    def live(self) -> list[Number]:
        return [number for number in self.by_key.values() if number.live]
