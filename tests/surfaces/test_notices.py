"""Notices over the API: an order's own, the lists, and sending again; what cannot be sent is refused by name."""

from tests.surfaces.conftest import API, Served

from tongdan.domain.notices.commands import PlanNotice
from tongdan.ports import Accepted, Inbound
from tongdan.surfaces.http.keys import Scope

ALL = (Scope.READ, Scope.WRITE)


async def planned(served: Served) -> tuple[str, str]:
    """An order and the notice that its parcel left."""
    id = await served.place()
    now = served.centre.clock.now()
    command = PlanNotice(
        order=id, shop="mp-main", kind="shipped", about=f"{id}-S1.1", happened_at=now, waybill="SF1"
    )
    message = Inbound(command=command, key=("t", id), source="test", shop="mp-main", happened_at=now, raw=b"")
    assert isinstance(await served.centre.bus.ask(message), Accepted)
    return id, f"notice/{id}/shipped/{id}-S1.1"


async def test_an_order_shows_what_its_buyer_was_told(served: Served) -> None:
    id, key = await planned(served)
    async with served.client(*ALL) as client:
        shown = (await client.get(f"{API}/orders/{id}")).json()["notices"]
        listed = (await client.get(f"{API}/notices", params={"order": id})).json()["notices"]
        everything = (await client.get(f"{API}/notices", params={"which": "all"})).json()["notices"]
        for told in (shown, listed, everything):  # providers cannot be reached here, so its stage may move on
            assert [(each["notice"], each["waybill"]) for each in told] == [(key, "SF1")]
        assert shown[0]["stage"] in ("waiting", "sending")  # by night nobody is told anything
        for which in ("failed", "missing"):
            assert (await client.get(f"{API}/notices", params={"which": which})).json() == {"notices": []}
        facts = (await client.get(f"{API}/orders/{id}/timeline")).json()["facts"]
        assert "NoticePlanned" in [each["fact"] for each in facts]


async def test_what_is_on_its_way_or_unknown_is_not_sent_again(served: Served) -> None:
    id, key = await planned(served)
    await served.centre.quiet()
    async with served.client(*ALL) as client:
        for notice, error in (
            (key, "notice-under-way"),
            (f"{key}9", "unknown-id"),
            ("notice/DY1/shipped/x", "unknown-id"),
            (f"notice/{id}/gone/x", "unknown-id"),
            ("order/x", "unknown-id"),
        ):
            answer = await client.post(f"{API}/notices/resend", json={"notice": notice, "reason": "r"})
            assert (answer.json()["error"], answer.is_error) == (error, True)
        assert "NoticeResent" not in {row.fact for row in served.centre.reads.journal()}


async def test_sending_again_needs_the_right_to_write(served: Served) -> None:
    _, key = await planned(served)
    async with served.client(Scope.READ) as client:
        answer = await client.post(f"{API}/notices/resend", json={"notice": key, "reason": "r"})
        assert answer.status_code == 403
