"""SF Express turns a parcel back on its way (截单退回, `EXP_RECE_WANTED_INTERCEPT`).

`serviceCode` 2 sends it back to where it came from, asked for by the sender (`role` 1), who pays: by monthly card where
there is one, else in cash. Success carries no data; a parcel that SF does not know yet is asked for again. Source: the
samples of SF's own SDK (`18.wanted_intercept.json`) and public integrations of it; that asking twice does no harm, and
that any other code means no, is assumed. SF could take it back (`cancel`, by a number that it gives): nobody here does.
"""

from typing import Any, Final

from tongdan.adapters.partners.settings import Partners
from tongdan.adapters.partners.sf_line import NOT_FOUND, SfLine
from tongdan.domain.fulfillment.commands import RecordInterception
from tongdan.domain.fulfillment.intercept_facts import InterceptParcel
from tongdan.ports import Done, Errand, Failed

SERVICE: Final = "EXP_RECE_WANTED_INTERCEPT"
TURN_BACK: Final = "2"
BY_SENDER: Final = "1"
IN_CASH, BY_CARD = "1", "4"
UNKNOWN_WAIT_S: Final = 600.0  # until its first scan


class SfInterceptions:
    """A parcel goes back to the sender of its warehouse."""

    def __init__(self, line: SfLine, partners: Partners) -> None:
        self._line: Final = line
        self._partners: Final = partners

    async def ask(self, errand: Errand, effect: InterceptParcel) -> Done | Failed:
        said = await self._line.call(errand, SERVICE, self._asked(effect))
        if isinstance(said, Failed):
            return said
        if not said.success and said.code in NOT_FOUND:
            return Failed(f"SF {SERVICE}: {said.code}", retry_after_s=UNKNOWN_WAIT_S)
        answer = RecordInterception(
            shipment=effect.shipment,
            dispatch=effect.dispatch,
            accepted=said.success,
            reason="" if said.success else f"SF {said.code}",
        )
        return Done(answer, said.raw)

    def _asked(self, effect: InterceptParcel) -> dict[str, Any]:
        sender, card = self._partners.sender(effect.warehouse), self._line.settings.monthly_card
        asked: dict[str, Any] = {
            "waybillNo": effect.waybill,
            "serviceCode": TURN_BACK,
            "role": BY_SENDER,
            "payMode": BY_CARD if card else IN_CASH,
            "newDestAddress": {
                "province": sender.province,
                "city": sender.city,
                "county": sender.district,
                "address": sender.detail,
                "contact": sender.name,
                "phone": sender.mobile,
            },
        }
        return asked | {"monthlyCardNo": card} if card else asked
