"""WeChat Pay's bills of a day: asked for, fetched where they are announced, and believed by their hash alone."""

import json
from datetime import date
from hashlib import sha1
from typing import Any

import pytest
from tests.contracts.partners.called import Partner, done, errand, failed, ok
from tests.contracts.partners.played import CONF
from tests.contracts.partners.test_wechat_api import HOST, signed

from tongdan.adapters.partners.wechat_api import WechatActor
from tongdan.domain.finance.books import FetchBill
from tongdan.ports import HttpRequest, HttpResponse, Repeat

BILL = "\ufeff交易时间,商户订单号,交易状态".encode()
ASKED = FetchBill(partner="payment/wechat", shop="mp-main", day=date(2026, 1, 27))
ANNOUNCED = {
    "hash_type": "SHA1", "hash_value": sha1(BILL).hexdigest(),
    "download_url": f"https://{HOST}/v3/billdownload/file?token=6XIv5TUPto",
}  # fmt: skip


class Bills(Partner):
    """Announces a bill, signed, and gives the file, which is not."""

    def __init__(self, file: HttpResponse, **differs: Any) -> None:
        super().__init__(HOST, signed(json.dumps(ANNOUNCED | differs).encode()))
        self.file = file

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        announced = await super()._handle(request)
        return self.file if "billdownload" in request.url else announced


def wechat(partner: Partner) -> WechatActor:
    return WechatActor("payment/wechat", CONF.partners.wechat, CONF.policy, partner.wire)


@pytest.mark.parametrize(("fund", "path"), [(False, "tradebill"), (True, "fundflowbill")])
async def test_the_file_is_fetched_where_it_is_announced(fund: bool, path: str) -> None:
    bills = Bills(ok(BILL))
    effect = FetchBill(partner="payment/wechat", shop="mp-main", day=ASKED.day, fund=fund)
    outcome = await done(wechat(bills).perform(errand(effect, "payment/wechat")))
    assert (outcome.command, outcome.found) == (None, BILL)
    assert [asked.url for asked in bills.asked] == [
        f"https://{HOST}/v3/bill/{path}?bill_date=2026-01-27",
        ANNOUNCED["download_url"],
    ]
    assert all(asked.headers["authorization"].startswith("WECHATPAY2") for asked in bills.asked)
    assert wechat(bills).verbs[FetchBill].repeat is Repeat.NATURAL


@pytest.mark.parametrize(
    ("bills", "error"),
    [
        (Bills(ok(BILL + b"x")), "the file is not the one announced: its hash differs"),
        (Bills(ok(BILL), hash_type="MD5"), "expected hash_type SHA1"),
        (
            Bills(ok(BILL), download_url="https://elsewhere.example.com/file?token=1"),
            "expected hash_type SHA1",
        ),
        (Bills(ok(BILL), hash_value=None), "the answer is not understood"),
        (Bills(HttpResponse(404, {}, b'{"code":"NO_STATEMENT_EXIST"}')), "WeChat 404 NO_STATEMENT_EXIST"),
    ],
)
async def test_what_is_not_the_announced_file_is_no_bill(bills: Bills, error: str) -> None:
    outcome = await failed(wechat(bills).perform(errand(ASKED, "payment/wechat")))
    assert outcome.error.startswith(error)
