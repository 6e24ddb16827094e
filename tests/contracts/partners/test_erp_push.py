"""ERPs that orders are pushed to, by signed JSON and Kingdee's WebAPI: repeated, taken back, misunderstood."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.partners.called import Answer, Partner, done, errand, failed, ok, said
from tests.contracts.partners.played import NOW, HeldCredentials, hmac_push

from tongdan.adapters.partners.erp_push import ErpPushActor
from tongdan.adapters.partners.k3cloud import K3CloudActor, sale_order, signed
from tongdan.adapters.partners.settings import ErpSettings
from tongdan.domain.kernel.messages import Effect
from tongdan.domain.kernel.money import fen_from_yuan
from tongdan.domain.orders.commands import NoteSystemStatus
from tongdan.domain.orders.erp_facts import CancelAtErp, ErpParcel, PushToErp, ReviseAtErp
from tongdan.domain.orders.lines import Line, Units
from tongdan.ports import Actor, HttpRequest, HttpResponse, NoAnswer, Repeat, Undo, Unreachable

ORDER = "DY20260127000892"
HOST = "erp.example.com"
PUSH = PushToErp(
    partner="erp/main", order=ORDER, channel="DY", shop="dy-main", native="4781",
    lines=(
        Line(no=1, sku="SHIRT", units=3, amount_fen=10_000, title="衬衫"),
        Line(no=2, sku="TOWEL", units=1, amount_fen=0, gift=True),
    ),
    amount_fen=10_600, freight_fen=600, discount_fen=0, placed_at=NOW, paid_at=NOW,
)  # fmt: skip
PARCEL = ErpParcel(carrier="SF", waybill="SF1", units=(Units(1, 3),))
REVISION = ReviseAtErp(
    partner="erp/main", order=ORDER, revision=2, copy=PUSH, refunded_fen=900, parcels=(PARCEL,)
)
CANCEL = CancelAtErp(partner="erp/main", order=ORDER, shop="dy-main", reason="不想要了")
WEBHOOK = ErpSettings(kind="webhook", base_url=f"https://{HOST}/orders")
KINGDEE = ErpSettings(
    kind="k3cloud",
    base_url=f"https://{HOST}/K3Cloud",
    org="100",
    freight_material="YF001",
    customers={"dy-main": "C1"},
)
SECRETS = {
    "erp/main": {
        "secret": "secret of the erp", "acct_id": "dcid-1", "user": "user-1", "app_secret": "test-app-secret-value",
        "app_id": "123456_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4",
    }
}  # fmt: skip


def partner(answer: Answer) -> Partner:
    made = Partner(HOST, answer)
    made.wire = made.wire._replace(credentials=HeldCredentials(SECRETS))
    return made


def actor(kind: str, at: Partner) -> Actor:
    made = ErpPushActor if kind == "webhook" else K3CloudActor
    return made("erp/main", WEBHOOK if kind == "webhook" else KINGDEE, at.wire)


def kingdee_says(success: bool, code: int = 0, *fields: str) -> bytes:
    errors = [{"FieldName": field, "Message": "陈小明", "DIndex": 0} for field in fields]
    status = {"IsSuccess": success, "MsgCode": code, "Errors": errors, "SuccessEntitys": []}
    return json.dumps({"Result": {"ResponseStatus": status, "Id": 1, "Number": ORDER}}).encode()


# ---- both


@pytest.mark.parametrize("kind", ["webhook", "k3cloud"])
@pytest.mark.parametrize("effect", [PUSH, REVISION, CANCEL], ids=["push", "revision", "cancel"])
@pytest.mark.parametrize(
    ("answer", "wide", "unknown"),
    [
        (Unreachable, True, False),
        (NoAnswer, True, True),
        (HttpResponse(503, {"retry-after": "30"}, b""), True, False),
        (HttpResponse(500, {}, b""), True, True),
        (ok(b"<html>busy</html>"), False, True),
        (ok(b"{}"), False, True),
        (ok(b"\xff"), False, True),
    ],
)
async def test_whose_fault_it_is(
    kind: str, effect: Effect, answer: Answer, wide: bool, unknown: bool
) -> None:
    at = partner(answer)
    failure = await failed(actor(kind, at).perform(errand(effect, ORDER)))
    assert (failure.partner_wide, failure.unknown, failure.final) == (wide, unknown, False)


@pytest.mark.parametrize("kind", ["webhook", "k3cloud"])
async def test_without_its_credential_nothing_is_sent(kind: str) -> None:
    at = partner(ok(b""))
    at.wire = at.without_credentials()
    failure = await failed(actor(kind, at).perform(errand(PUSH, ORDER)))
    assert failure.partner_wide and at.asked == []


@pytest.mark.parametrize(("kind", "repeat"), [("webhook", Repeat.KEYED), ("k3cloud", Repeat.QUERY_FIRST)])
def test_how_it_is_repeated_and_undone_is_declared(kind: str, repeat: Repeat) -> None:
    verbs = actor(kind, partner(ok(b""))).verbs
    assert (verbs[PushToErp].repeat, verbs[PushToErp].undo) == (repeat, Undo.COMPENSABLE)
    assert verbs[CancelAtErp].repeat is repeat


# ---- signed JSON


async def test_an_order_is_pushed_signed_under_the_id_of_the_effect() -> None:
    at = partner(said(200, ok=True, number="SO-1"))
    outcome = await done(actor("webhook", at).perform(errand(PUSH, ORDER)))
    assert outcome.command == NoteSystemStatus(
        order=ORDER, system="erp", native_status="saved SO-1", said_at=NOW, status="released"
    )
    (asked,) = at.asked
    told = json.loads(asked.body)
    assert (told["id"], told["type"], told["order_id"], told["native"]) == ("E-7", "order", ORDER, "4781")
    assert [(line["sku"], line["units"], line["amount_fen"], line["gift"]) for line in told["lines"]] == [
        ("SHIRT", 3, 10_000, False),
        ("TOWEL", 1, 0, True),
    ]
    assert (told["amount_fen"], told["freight_fen"], told["currency"]) == (10_600, 600, "CNY")
    expected = hmac_push("secret of the erp", "", asked.body, nonce="E-7-1").headers
    assert dict(asked.headers) == {"content-type": "application/json", **expected}


async def test_an_order_is_taken_back() -> None:
    at = partner(said(200, ok=True))
    outcome = await done(actor("webhook", at).perform(errand(CANCEL, ORDER)))
    assert isinstance(outcome.command, NoteSystemStatus)
    assert outcome.command.native_status == outcome.command.status == "cancelled"
    assert json.loads(at.asked[0].body) == {
        "id": "E-7", "type": "cancel", "order_id": ORDER, "shop": "dy-main", "reason": "不想要了",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "wide", "final"),
    [
        (said(401), True, False),
        (said(404), False, True),
        (said(200, ok=False, error="period closed"), False, True),
    ],
)
async def test_what_it_does_not_take(answer: HttpResponse, wide: bool, final: bool) -> None:
    failure = await failed(actor("webhook", partner(answer)).perform(errand(PUSH, ORDER)))
    assert (failure.partner_wide, failure.final) == (wide, final)


async def test_a_revision_tells_the_whole_order_and_what_has_become_of_it() -> None:
    at = partner(said(200, ok=True, number="SO-1"))
    outcome = await done(actor("webhook", at).perform(errand(REVISION, ORDER)))
    assert isinstance(outcome.command, NoteSystemStatus) and outcome.command.native_status == "saved SO-1"
    first = partner(said(200, ok=True))
    await done(actor("webhook", first).perform(errand(PUSH, ORDER)))
    (asked,), (pushed,) = at.asked, first.asked
    parcels = [{"carrier": "SF", "waybill": "SF1", "lines": [{"no": 1, "units": 3}]}]
    assert json.loads(asked.body) == json.loads(pushed.body) | {
        "type": "revision", "revision": 2, "refunded_fen": 900, "parcels": parcels,
    }  # fmt: skip


# ---- Kingdee


def test_a_call_is_signed_as_a_public_client_signs_it() -> None:
    """The vector of kdclient, a public Go client of the same API."""
    service = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery"
    headers = signed(
        SECRETS["erp/main"], f"https://{HOST}/K3Cloud/{service}.common.kdsvc", "100",
        datetime.fromtimestamp(1_700_000_000, UTC),
    )  # fmt: skip
    assert headers["x-api-signature"] == (
        "MjNhMzg5MmZiMWE1MTQ1ZGE5NWFkYmZiZWYxYzhlY2NjNzcwM2ZjNDJlZTczMzBhNzkxOTk1ODhjNDZkMTEzYw=="
    )
    assert headers["x-kd-signature"] == (
        "NjI5MzRiZGVhNGJhOWY2N2Y2YzQ2MzQ5ODA3N2JiZTRiMDRmOTUwNjI3YWIzODU1ODBkZDdhNzgwMzdmMDgxMg=="
    )
    assert headers["x-kd-appdata"] == "ZGNpZC0xLHVzZXItMSwyMDUyLDEwMA=="
    assert (headers["x-api-clientid"], headers["x-api-nonce"]) == ("123456", "1700000000")


async def test_an_order_becomes_a_sale_order_under_our_own_number() -> None:
    at = partner(ok(kingdee_says(True)))
    outcome = await done(actor("k3cloud", at).perform(errand(PUSH, ORDER)))
    assert outcome.command == NoteSystemStatus(
        order=ORDER, system="erp", native_status="saved", said_at=NOW, status="released"
    )
    (asked,) = at.asked
    assert asked.url.endswith("/K3Cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.Save.common.kdsvc")
    told = json.loads(asked.body)
    assert told["formid"] == "SAL_SaleOrder"
    model = json.loads(told["data"])["Model"]
    assert model == sale_order(PUSH, KINGDEE)
    assert (model["FBillNo"], model["FCustId"], model["FDate"]) == (ORDER, {"FNumber": "C1"}, "2026-01-27")
    assert [
        (row["FMaterialId"]["FNumber"], row["FQty"], row["FTaxPrice"], row["FAllAmount"])
        for row in model["FSaleOrderEntry"]
    ] == [("SHIRT", 3, "33.333333", "100.00"), ("TOWEL", 1, "0.000000", "0.00"), ("YF001", 1, "6.00", "6.00")]


@given(
    amounts=st.lists(st.integers(1, 10**7), min_size=1, max_size=9),
    freight_fen=st.integers(0, 5_000),
    discount_fen=st.integers(0, 10**6),
)
def test_the_rows_of_a_sale_order_add_up_to_what_the_buyer_pays(
    amounts: list[int], freight_fen: int, discount_fen: int
) -> None:
    lines = tuple([Line(no=no, sku="S", units=1, amount_fen=fen) for no, fen in enumerate(amounts, 1)])
    amount_fen = max(0, sum(amounts) - discount_fen) + freight_fen
    order = msgspec.structs.replace(PUSH, lines=lines, amount_fen=amount_fen, freight_fen=freight_fen)
    rows = sale_order(order, KINGDEE)["FSaleOrderEntry"]
    assert sum(fen_from_yuan(row["FAllAmount"]) for row in rows) == amount_fen
    assert all(fen_from_yuan(row["FAllAmount"]) >= 0 for row in rows)


@pytest.mark.parametrize(
    ("effect", "there", "expected"),
    [(PUSH, True, "saved"), (PUSH, False, None), (CANCEL, True, None), (CANCEL, False, "cancelled")],
)
async def test_who_did_not_hear_the_answer_looks(effect: Effect, there: bool, expected: str | None) -> None:
    at = partner(ok(kingdee_says(there, 0 if there else 4)))
    found = await actor("k3cloud", at).look_up(errand(effect, ORDER))
    assert ".View." in at.asked[0].url
    if expected is None:
        assert found is None
    else:
        command = msgspec.structs.asdict(found)["command"]  # type: ignore[arg-type]
        assert command.native_status == expected


async def test_what_is_not_there_need_not_be_deleted() -> None:
    at = partner(ok(kingdee_says(False, 4)))
    await done(actor("k3cloud", at).perform(errand(CANCEL, ORDER)))
    assert [".View." in asked.url for asked in at.asked] == [True]


async def test_what_is_there_is_deleted() -> None:
    at = partner(ok(kingdee_says(True)))
    await done(actor("k3cloud", at).perform(errand(CANCEL, ORDER)))
    assert [asked.url.rpartition("DynamicFormService.")[2] for asked in at.asked] == [
        "View.common.kdsvc",
        "Delete.common.kdsvc",
    ]


@pytest.mark.parametrize(("code", "wide"), [(1, True), (9, True), (4, False), (11, False)])
async def test_a_refusal_names_its_fields_and_quotes_nothing(code: int, wide: bool) -> None:
    at = partner(ok(kingdee_says(False, code, "FCustId", "FMaterialId")))
    failure = await failed(actor("k3cloud", at).perform(errand(PUSH, ORDER)))
    assert (failure.partner_wide, failure.final) == (wide, not wide)
    assert failure.error == f"MsgCode {code}: FCustId, FMaterialId"


class Books(Partner):
    """A Kingdee that is looked at before it is asked to save."""

    def __init__(self, seen: bytes, saved: bytes) -> None:
        super().__init__(HOST, ok(saved))
        self.wire = self.wire._replace(credentials=HeldCredentials(SECRETS))
        self._answers = {".View.": ok(seen), ".Save.": ok(saved)}

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        self.answer = next(answer for what, answer in self._answers.items() if what in request.url)
        return await super()._handle(request)


async def revised(revision: ReviseAtErp, seen: bytes) -> dict[str, object]:
    """What Kingdee is asked to save, after it has been looked at."""
    at = Books(seen, kingdee_says(True))
    await done(actor("k3cloud", at).perform(errand(revision, ORDER)))
    looked, saved = at.asked
    assert (".View." in looked.url, ".Save." in saved.url) == (True, True)
    told: dict[str, object] = json.loads(json.loads(saved.body)["data"])
    return told


def there(id: int) -> bytes:
    return json.dumps({"Result": {"ResponseStatus": None, "Result": {"Id": id}}}).encode()


async def test_a_revision_is_saved_over_the_sale_order_that_is_there() -> None:
    told = await revised(REVISION, there(100_042))
    note = "DY 4781; 退款 9.00; SF SF1"
    assert told == {
        "IsDeleteEntry": "true",
        "Model": sale_order(PUSH, KINGDEE) | {"FID": 100_042, "FNote": note},
    }


async def test_a_sale_order_that_is_not_there_is_saved_anew() -> None:
    told = await revised(REVISION, kingdee_says(False, 4))
    assert isinstance(told["Model"], dict) and "FID" not in told["Model"]
    assert told["Model"]["FBillNo"] == ORDER


async def test_without_a_line_that_leaves_the_rows_stay_as_they_are() -> None:
    nothing = msgspec.structs.replace(REVISION, copy=msgspec.structs.replace(PUSH, lines=()), parcels=())
    assert await revised(nothing, there(7)) == {
        "IsDeleteEntry": "false",
        "Model": {"FID": 7, "FBillNo": ORDER, "FNote": "DY 4781; 退款 9.00"},
    }


async def test_an_audited_sale_order_is_not_revised_and_a_person_has_to_look() -> None:
    at = Books(there(7), kingdee_says(False, 11, "FBillNo"))
    failure = await failed(actor("k3cloud", at).perform(errand(REVISION, ORDER)))
    assert failure.final and failure.error == "MsgCode 11: FBillNo"
