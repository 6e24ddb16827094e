"""Who is asked about which order, and what is expected of whom."""

from datetime import UTC, datetime

from msgspec.structs import replace
from tests.flow.rig import POLICY

from tongdan.domain.kernel.notices import NoticePolicy
from tongdan.domain.orders.lines import PlannedShipment, Units
from tongdan.domain.orders.model import Order, Parcel
from tongdan.flow.watching import ours, watched

AT = datetime(2026, 1, 27, tzinfo=UTC)
SHOPS = {id: replace(shop, erp="main") if id == "dy-1" else shop for id, shop in POLICY.shops.items()}
ASKED = replace(POLICY, shops=SHOPS, notices=NoticePolicy(tells_service=("dy-1",)))
EVERYBODY = {"finance", "channel/DY/dy-1", "wms/EAST", "carrier/SF", "erp/main", "service", "payment/wechat"}
PARCEL = Parcel(
    dispatch="DY20260127000353-S1.1", shipment="DY20260127000353-S1", carrier="SF", waybill="SF1",
    units=(Units(1, 1),), shipped_at=AT,
)  # fmt: skip
PLACED = Order(channel="DY", shop="dy-1", native="47", placed_at=AT, amount_fen=9_900, cod=True)
RELEASED = replace(PLACED, shipments=(PlannedShipment(no=1, warehouse="EAST", units=(Units(1, 1),)),))
SHIPPED = replace(RELEASED, parcels=(PARCEL, replace(PARCEL, dispatch=f"{PARCEL.dispatch}2")))


def partners(order: Order, witnesses: set[str] = EVERYBODY) -> tuple[str, ...]:
    return watched("DY20260127000353", order, AT, witnesses, ASKED).partners


def test_an_order_is_asked_about_where_it_has_been_told() -> None:
    assert partners(replace(PLACED, placed_at=None)) == ()
    assert partners(PLACED) == ("channel/DY/dy-1", "finance")
    assert partners(RELEASED) == ("channel/DY/dy-1", "erp/main", "finance", "wms/EAST")
    assert set(partners(SHIPPED)) == EVERYBODY - {"payment/wechat"}
    assert partners(SHIPPED, {"finance"}) == ("finance",)
    assert "erp/main" not in partners(replace(SHIPPED, shop="mp-1", channel="MP", own=True))


def test_customer_service_is_to_know_each_waybill_once_whatever_becomes_of_the_parcel() -> None:
    mine = ours(SHIPPED, "service", {}, AT)
    assert mine.reached == frozenset({"shipped"})
    assert (mine.waybills, mine.amount_fen) == (("SF1",), None)
    assert ours(RELEASED, "service", {}, AT).reached == frozenset()
