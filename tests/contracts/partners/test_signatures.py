"""Signatures against vectors that were not made with the code under test."""

from datetime import timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.contracts.partners.played import (
    CONF,
    MCHID,
    NOW,
    PUBLIC_KEY_ID,
    STAMP,
    HeldCredentials,
    credentials,
    douyin_push,
    golden,
    hmac_push,
    own_push,
    private_pem,
    public_pem,
    qimen_push,
    qimen_sign,
    wechat_keys,
    wechat_push,
    wechat_seal,
)
from wechatpayv3.core import Core
from wechatpayv3.utils import build_authorization

from tongdan.adapters.partners import authentic, douyin, douyin_api, qimen, wechat, wechat_api, wechat_line
from tongdan.adapters.partners.authentic import FRESH_WITHIN_S, NONCE
from tongdan.adapters.partners.channel_door import ChannelDoor
from tongdan.adapters.partners.douyin_api import DOUYIN
from tongdan.adapters.partners.miniprogram import OwnShopDoor
from tongdan.adapters.partners.wechat import WechatDoor
from tongdan.domain.kernel.policy import Shop
from tongdan.ports import Unauthentic

OWN = Shop(id="mp-main", channel="MP", native="mp-main", name="小程序", legal_entity="同单")
APP_KEY, APP_SECRET = "3409409348479354011", "2ad2355c-01d0-11f8-91dc-05a8cd1054b1"

replace = msgspec.structs.replace


def test_a_douyin_call_has_the_signature_of_the_golden_vector() -> None:
    """The sample pair of the Python kit's README, through the platform's formula."""
    params = '{"shop_order_id":"4781234567890123456"}'
    signature = douyin_api.sign(APP_KEY, APP_SECRET, "order.orderDetail", params, "1700000000")
    assert signature == "2e7f4f5b60fc0e5009da5bff07e4cf68833a857e14cf55b3da0e83a9290dda0e"


def test_a_douyin_push_has_the_signature_md5sum_gives() -> None:
    body = b'[{"tag":"0","msg_id":"0","data":""}]'
    assert douyin.event_sign(APP_KEY, body, APP_SECRET) == "7fd281e949e0e5da9aaceddda6256c67"


def test_an_own_shop_signs_as_openssl_does() -> None:
    """`printf '1769486400\\nn-1\\n{"order_no":"M-1"}' | openssl dgst -sha256 -hmac own-secret`"""
    signature = authentic.sign(b"own-secret", "1769486400", "n-1", b'{"order_no":"M-1"}')
    assert signature == "0302a2f020f8b6f6bafa7dba7423651dedd657dd8e77e71610bb7e14734cd53c"


def test_qimen_signs_as_md5sum_does() -> None:
    query = {
        "method": "taobao.qimen.deliveryorder.confirm",
        "timestamp": "2015-02-01 00:00:00",
        "format": "xml",
        "app_key": "12345",
        "v": "2.0",
        "sign_method": "md5",
        "customerId": "c1",
    }
    assert qimen.sign(query, b"<request/>", "sekret") == "7EC0E87E56CDB92D141D32257EA2D82A"
    assert qimen_sign(query, b"<request/>", "sekret").upper() == "7EC0E87E56CDB92D141D32257EA2D82A"


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("method", ["taobao.qimen.deliveryorder.confirm", "deliveryorder.confirm"])
def test_qimen_signatures_of_either_case_and_methods_of_either_form(method: str, lower: bool) -> None:
    door = qimen.QimenDoor(credentials(), NOW.tzinfo or pytest.fail("aware"))
    assert len(door.open(qimen_push(golden("qimen/confirm-tidy.xml"), method=method, lower=lower))) == 1


def test_a_parameter_given_twice_is_unauthentic() -> None:
    """Even with the same value: whoever reads it next might take the other of the two."""
    door = qimen.QimenDoor(credentials(), NOW.tzinfo or pytest.fail("aware"))
    request = qimen_push(golden("qimen/confirm-tidy.xml"))
    with pytest.raises(Unauthentic, match="twice"):
        door.open(replace(request, query=request.query + "&v=2.0"))


@pytest.mark.parametrize("name", ["app_key", "customerId"])
def test_our_secret_does_not_sign_for_another_account(name: str) -> None:
    door = qimen.QimenDoor(credentials(), NOW.tzinfo or pytest.fail("aware"))
    with pytest.raises(Unauthentic, match="not ours"):
        door.open(qimen_push(golden("qimen/confirm-tidy.xml"), differs={name: "another"}))


def test_our_secret_does_not_sign_for_another_app() -> None:
    request = douyin_push(golden("douyin/paid-101.json"))
    headers = {**request.headers, "app-id": "3409409348479354012"}
    with pytest.raises(Unauthentic, match="app-id"):
        ChannelDoor(DOUYIN, credentials(), CONF.policy).open(replace(request, headers=headers))


# ---- freshness


@pytest.mark.parametrize("late_s", [-FRESH_WITHIN_S, 0, FRESH_WITHIN_S])
def test_within_the_window_a_signature_is_fresh(late_s: int) -> None:
    late = timedelta(seconds=late_s)
    assert OwnShopDoor(OWN, credentials()).open(
        replace(own_push(golden("own/order.json")), received_at=NOW + late)
    )
    notice = wechat_push(wechat_seal(golden("wechat/transaction.json")), at=NOW + late)
    assert len(WechatDoor(credentials()).open(notice)) == 1


@pytest.mark.parametrize("late_s", [-FRESH_WITHIN_S - 1, FRESH_WITHIN_S + 1])
def test_outside_the_window_a_good_signature_is_a_replay(late_s: int) -> None:
    late = timedelta(seconds=late_s)
    with pytest.raises(Unauthentic, match="not fresh"):
        OwnShopDoor(OWN, credentials()).open(
            replace(own_push(golden("own/order.json")), received_at=NOW + late)
        )
    notice = wechat_push(wechat_seal(golden("wechat/transaction.json")), at=NOW + late)
    with pytest.raises(Unauthentic, match="not fresh"):
        WechatDoor(credentials()).open(notice)


@pytest.mark.parametrize("stamp", ["", "1769486400.0", "-1769486400", "1" * 13, "٣", "1769486400 "])
def test_a_signed_timestamp_that_is_no_epoch_time_is_unauthentic(stamp: str) -> None:
    request = hmac_push("secret of the own shop", "/own/mp-main/orders", golden("own/order.json"), stamp)
    with pytest.raises(Unauthentic, match="epoch"):
        OwnShopDoor(OWN, credentials()).open(request)


def test_the_nonce_is_signed_too() -> None:
    request = own_push(golden("own/order.json"))
    with pytest.raises(Unauthentic):
        OwnShopDoor(OWN, credentials()).open(replace(request, headers={**request.headers, NONCE: "n-2"}))


# ---- WeChat Pay, with the wechatpayv3 package as the other side


def their_side() -> Core:
    """The package as a merchant in public key mode, with the same keys."""
    held, keys = credentials().get(f"wechat/{MCHID}"), wechat_keys()
    return Core(
        mchid=MCHID,
        cert_serial_no=held["serial_no"],
        private_key=held["private_key"],
        apiv3_key=held["api_v3_key"],
        public_key=public_pem(keys.bare),
        public_key_id=PUBLIC_KEY_ID,
    )


def test_both_read_the_same_notice() -> None:
    """What the package decrypts from the notice is what our command says."""
    request = wechat_push(wechat_seal(golden("wechat/transaction.json")), bare=True)
    theirs = their_side().callback(dict(request.headers), request.body)
    (ours,) = WechatDoor(credentials()).open(request)
    assert theirs["resource"]["transaction_id"] == ours.command.transaction  # type: ignore[union-attr]
    assert theirs["resource"]["amount"]["total"] == ours.command.amount_fen == 20_500  # type: ignore[union-attr]


def test_both_reject_the_same_forgery() -> None:
    request = wechat_push(wechat_seal(golden("wechat/transaction.json")), bare=True)
    forged = replace(request, body=request.body.replace(b"EV-2018", b"EV-2019"))
    assert their_side().callback(dict(forged.headers), forged.body) is None
    with pytest.raises(Unauthentic):
        WechatDoor(credentials()).open(forged)


@pytest.mark.parametrize("bare", [False, True], ids=["certificate", "public key"])
def test_certificate_and_public_key_are_both_in_force(bare: bool) -> None:
    request = wechat_push(wechat_seal(golden("wechat/transaction.json")), bare=bare)
    assert len(WechatDoor(credentials()).open(request)) == 1


def test_a_platform_key_signs_only_under_its_own_serial() -> None:
    request = wechat_push(wechat_seal(golden("wechat/transaction.json")), bare=True)
    headers = {**request.headers, "wechatpay-serial": wechat_keys().serial}
    with pytest.raises(Unauthentic, match="signature"):
        WechatDoor(credentials()).open(replace(request, headers=headers))


def test_a_certificate_out_of_date_signs_nothing() -> None:
    later = NOW + timedelta(days=11)
    stamp = str(int(later.timestamp()))
    request = wechat_push(wechat_seal(golden("wechat/transaction.json")), stamp=stamp, at=later)
    with pytest.raises(Unauthentic, match="not valid now"):
        WechatDoor(credentials()).open(request)


def test_the_platforms_probe_with_a_false_signature_is_refused() -> None:
    request = wechat_push(wechat_seal(golden("wechat/transaction.json")))
    probe = "WECHATPAY/SIGNTEST/" + request.headers["wechatpay-signature"]
    with pytest.raises(Unauthentic):
        WechatDoor(credentials()).open(
            replace(request, headers={**request.headers, "wechatpay-signature": probe})
        )


def test_a_seal_of_another_key_is_unauthentic_so_that_the_platform_tries_again() -> None:
    held = dict(credentials().held)
    held[f"wechat/{MCHID}"] = {**held[f"wechat/{MCHID}"], "api_v3_key": "another-key-of-just-32-bytes-len"}
    with pytest.raises(Unauthentic, match="seal"):
        WechatDoor(HeldCredentials(held)).open(wechat_push(wechat_seal(golden("wechat/transaction.json"))))


def test_a_key_that_was_replaced_holds_at_once_and_the_old_one_no_more() -> None:
    held = HeldCredentials(credentials().held)
    door = WechatDoor(held)
    request = wechat_push(wechat_seal(golden("wechat/transaction.json")), bare=True)
    assert len(door.open(request)) == 1
    other = public_pem(rsa.generate_private_key(65_537, 2_048))
    held.held[f"wechat/{MCHID}"] = {**held.get(f"wechat/{MCHID}"), f"platform_key:{PUBLIC_KEY_ID}": other}
    with pytest.raises(Unauthentic):
        door.open(request)


def test_our_requests_carry_the_authorization_the_package_makes() -> None:
    """RSA-PKCS1v15 is deterministic: the same time and nonce give the same header, byte for byte."""
    keys, body = wechat_keys(), '{"amount":{"total":1}}'
    theirs = build_authorization(wechat_api.JSAPI, "POST", MCHID, "SERIAL", keys.merchant, body, "nonce-1")
    stamp = theirs.split('timestamp="')[1].split('"')[0]
    signature = wechat_line.sign(keys.merchant, stamp, "nonce-1", "POST", wechat_api.JSAPI, body.encode())
    assert wechat_line.authorization(MCHID, "SERIAL", stamp, "nonce-1", signature) == theirs


def test_keys_that_are_no_rsa_keys_are_left_out() -> None:
    keys = wechat.platform_keys(
        {
            f"{wechat.PLATFORM_KEY}A": "no key at all",
            f"{wechat.PLATFORM_KEY}B": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            f"{wechat.PLATFORM_KEY}C": public_pem(wechat_keys().bare),
            "api_v3_key": "not a platform key",
        }
    )
    assert list(keys) == ["C"]
    assert wechat_line.read_private_key({"private_key": private_pem(wechat_keys().merchant)}) is not None
    assert wechat_line.read_private_key({"private_key": "no key"}) is None
    assert wechat_line.read_private_key({}) is None


def test_the_stamp_of_the_tests_is_their_now() -> None:
    assert int(STAMP) == NOW.timestamp()
