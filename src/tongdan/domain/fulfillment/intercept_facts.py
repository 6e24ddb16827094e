"""What has happened to a parcel that left although nobody wants it any more, and to any that came back."""

from datetime import datetime

from tongdan.domain.fulfillment.facts import Item
from tongdan.domain.kernel.messages import Effect, Fact


class InterceptionAsked(Fact, frozen=True, kw_only=True):
    """Its carrier is asked to turn the parcel back."""

    order: str
    dispatch: str
    carrier: str
    waybill: str


class InterceptionAccepted(Fact, frozen=True, kw_only=True):
    """The carrier will turn it back: a signature for it is no longer the buyer's."""

    order: str
    dispatch: str
    waybill: str


class InterceptionRefused(Fact, frozen=True, kw_only=True):
    """The carrier will not, in its own word: the parcel has to be caught at the door."""

    order: str
    dispatch: str
    waybill: str
    reason: str


class ParcelReturned(Fact, frozen=True, kw_only=True):
    """The parcel turned back and was signed for where it came from. `ends` names the tickets whose cause is gone."""

    order: str
    dispatch: str
    waybill: str
    items: tuple[Item, ...]
    returned_at: datetime
    ends: tuple[str, ...] = ()


class InterceptParcel(Effect, frozen=True, kw_only=True):
    """SF `EXP_RECE_WANTED_INTERCEPT`. Natural: a parcel has one way to go, whoever asks twice."""

    shipment: str
    warehouse: str
    dispatch: str
    waybill: str
