"""Kingdee Cloud Galaxy (金蝶云星空) as a witness: `ExecuteBillQuery` of the sale orders of many numbers at once.

Source: the official SDKs (`data` without a form's id beside it; rows of values in the order of FieldKeys, at most
10,000 of a call; an error as a row with a Result) and public lists of SAL_SaleOrder's fields. Assumed: without fields
of its entries a sale order is one row, FCancelStatus B is void (作废), FBillAllAmount is what its rows come to. What we
take back is deleted there, so an order that is off by our word and gone there is in order.
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from tongdan.adapters.partners.exchange import Wire
from tongdan.adapters.partners.k3cloud import FORM, Answer, K3Line, failed
from tongdan.adapters.partners.reading import UNREADABLE, NotReadable, reason_of
from tongdan.adapters.partners.settings import ErpSettings
from tongdan.domain.kernel.money import check_fen
from tongdan.domain.kernel.standing import Standing
from tongdan.ports import Failed, Seen, Subject, Turn

OPERATION: Final = "ExecuteBillQuery"
FIELDS: Final = ("FBillNo", "FCancelStatus", "FBillAllAmount")
VOID: Final = "B"
MOST: Final = 100  # numbers of one call
RELEASED, CANCELLED = "released", "cancelled"

_rows: Final = msgspec.json.Decoder(list[list[Any]])


class K3CloudWitness:
    """What is missing, void or of another sum there is saved or deleted again."""

    at_once = MOST
    tells = frozenset({RELEASED, CANCELLED})
    hears = frozenset({RELEASED, CANCELLED, "amount"})

    def __init__(self, partner: str, settings: ErpSettings, wire: Wire) -> None:
        self.partner = partner
        self._line: Final = K3Line(partner, settings, wire)

    async def see(self, subjects: Sequence[Subject], turn: Turn) -> Sequence[Seen] | Failed:
        await turn()
        asked = {
            "FormId": FORM,
            "FieldKeys": ",".join(FIELDS),
            "FilterString": f"FBillNo in ({','.join(_quoted(each.id) for each in subjects)})",
            "OrderString": "",
            "TopRowCount": 0,
            "StartRow": 0,
            "Limit": 2 * MOST,
        }
        body = await self._line.call(OPERATION, {"data": msgspec.json.encode(asked).decode()})
        if isinstance(body, Failed):
            return body
        try:
            rows = _rows.decode(body)
            if no := _refusal(rows):
                return no
            known = {str(row[0]): _standing(row) for row in rows}
        except UNREADABLE as error:
            return Failed(f"the answer cannot be read: {reason_of(error)}", unknown=True)
        return [Seen(order=each.id, standing=known.get(each.id, _taken_back(each))) for each in subjects]


def _quoted(id: str) -> str:
    """Our ids have no quotation marks."""
    return f"'{id}'"


def _refusal(rows: Sequence[Sequence[Any]]) -> Failed | None:
    if len(rows) != 1 or len(rows[0]) != 1 or not isinstance(rows[0][0], dict):
        return None
    return failed(msgspec.convert(rows[0][0], Answer).Result.ResponseStatus)


def _standing(row: Sequence[Any]) -> Standing:
    if len(row) != len(FIELDS):
        raise NotReadable(f"expected rows of {', '.join(FIELDS)}")
    _, void, amount = row
    try:
        fen = int((Decimal(str(amount)) * 100).to_integral_value())
    except (InvalidOperation, ValueError, OverflowError):
        raise NotReadable("expected `FBillAllAmount` to be a number") from None
    status = CANCELLED if void == VOID else RELEASED
    return Standing(status=status, native=str(void), amount_fen=check_fen(fen))


def _taken_back(subject: Subject) -> Standing | None:
    return Standing(status=CANCELLED) if subject.id in subject.off else None
