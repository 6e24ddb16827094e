"""The partners as a test plays them: each signs in a few lines of its own, never with the code under test.

`wrap` turns a content (what a partner wants to say) into a body, so that a mutated content still arrives
well signed and reaches the code that reads it; for most partners the content is the body.
"""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from wechatpayv3.utils import rsa_sign

from tongdan.adapters.partners import channels_of
from tongdan.adapters.partners.channel_door import ChannelDoor
from tongdan.adapters.partners.channel_format import Push
from tongdan.adapters.partners.douyin_api import DOUYIN
from tongdan.adapters.partners.finance import FinanceDoor
from tongdan.adapters.partners.jd_api import JD
from tongdan.adapters.partners.kuaishou_api import KUAISHOU
from tongdan.adapters.partners.mapped import mapped
from tongdan.adapters.partners.miniprogram import OwnShopDoor
from tongdan.adapters.partners.pinduoduo import PINDUODUO
from tongdan.adapters.partners.qimen import QimenDoor
from tongdan.adapters.partners.sf import SfDoor
from tongdan.adapters.partners.sms import SmsDoor
from tongdan.adapters.partners.taobao_api import TAOBAO
from tongdan.adapters.partners.wechat import WechatDoor
from tongdan.adapters.policy_files import Conf, load_conf
from tongdan.domain.kernel.policy import Shop
from tongdan.ports import Door, Inbound, NotUnderstood, PushRequest

NOW = datetime(2026, 1, 27, 4, 0, tzinfo=UTC)
STAMP = "1769486400"
GOLDEN = Path(__file__).parent / "golden"
# What is delivered, and a shop on each channel that has none there.
MORE_SHOPS = {
    id: Shop(
        id=id, channel=channel, native=native, name="同单旗舰店", legal_entity="同单（杭州）贸易有限公司"
    )
    for id, channel, native in (("xx-main", "XX", "shop-77"),)
}


def delivered() -> Conf:
    """What is delivered, and the example of a channel by map as if it had been taken into use."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "conf"
        copytree(Path(__file__).parents[3] / "conf", copy)
        copytree(copy / "examples", copy, dirs_exist_ok=True)
        conf = load_conf(copy)
    shops = MORE_SHOPS | conf.policy.shops
    return conf._replace(policy=msgspec.structs.replace(conf.policy, shops=shops))


CONF: Conf = delivered()
(EXAMPLE,) = (channel for channel in channels_of(CONF) if channel.code == "XX")
# The same, as it would be if a push held the whole order.
WHOLE_ORDERS = mapped(
    "XX",
    msgspec.structs.replace(CONF.by_map["XX"], push=Push(message="id", shop="shop.id", order="order")),
    ZoneInfo("Asia/Shanghai"),
)
MCHID = "1900000109"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000001092026012700"


class HeldCredentials:
    """Credentials from memory."""

    def __init__(self, held: Mapping[str, Mapping[str, str]]) -> None:
        self.held = dict(held)

    def get(self, name: str) -> Mapping[str, str]:
        return self.held[name]


class WechatKeys(NamedTuple):
    """The key pairs of one merchant and of the platform; `serial` is that of the platform's certificate."""

    merchant: rsa.RSAPrivateKey
    certified: rsa.RSAPrivateKey
    bare: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def serial(self) -> str:
        return f"{self.certificate.serial_number:X}"


@cache
def wechat_keys() -> WechatKeys:
    merchant, certified, bare = (rsa.generate_private_key(65_537, 2_048) for _ in range(3))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "platform of the test")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(certified.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=10))
        .not_valid_after(NOW + timedelta(days=10))
        .sign(certified, hashes.SHA256())
    )
    return WechatKeys(merchant, certified, bare, certificate)


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@cache
def credentials() -> HeldCredentials:
    """One credential for each partner of `conf/`."""
    keys = wechat_keys()
    douyin = {"app_key": "3409409348479354011", "app_secret": "2ad2355c-01d0-11f8-91dc-05a8cd1054b1"}
    return HeldCredentials(
        {
            "douyin/dy-main": {**douyin, "access_token": "token-of-the-shop"},
            "pinduoduo/pd-main": {
                "client_id": "9c1e8d2b",
                "client_secret": "testSecret-of-the-app",
                "access_token": "token-of-the-pd-shop",
            },
            "taobao/tb-main": {
                "app_key": "23012346",
                "app_secret": "secret-of-the-tb-app",
                "session": "session-of-the-tb-shop",
            },
            "jd/jd-main": {
                "app_key": "B33F6D750B74FA81078EAEF88D8869BF",
                "app_secret": "secret-of-the-jd-app",
                "access_token": "token-of-the-jd-shop",
            },
            "kuaishou/ks-main": {
                "app_key": "ks699183844582124027",
                "sign_secret": "secret-of-the-ks-app",
                "access_token": "token-of-the-ks-shop",
                "message_secret": "bWVzc2FnZSBzZWNyZXQhIQ==",
            },
            "example/xx-main": {"secret": "secret-of-the-xx-shop", "token": "token-of-the-xx-shop"},
            "own/mp-main": {"secret": "secret of the own shop"},
            "finance/main": {"secret": "secret of the finance system"},
            "sf/main": {
                "partner_id": "TDKJ",
                "check_word": "check word of the account",
                "push_secret": "push-secret-of-the-account",
            },
            "cainiao/main": {
                "app_key": "23017788",
                "app_secret": "secret-of-the-cainiao-app",
                "session": "session-of-the-cainiao-account",
            },
            "cainiao-link/main": {
                "provider_id": "681336aaf2cb36ff",
                "secret": "secret-of-the-link-resource",
                "access_code": "access-code-of-the-seller",
            },
            "service/main": {"secret": "secret of customer service"},
            "sms/main": {
                "access_key_id": "YourAccessKeyId",
                "access_key_secret": "YourAccessKeySecret",
                "push_secret": "push-secret-of-the-sms-account",
            },
            "wechat-mini/wxd678efh567hg6787": {
                "secret": "secret of the mini-program",
                "push_token": "push token of the mini-program",
                "push_aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
            },
            "qimen/main": {"app_key": "23012345", "secret": "qimen-secret", "customer_id": "C1"},
            f"wechat/{MCHID}": {
                "appid": "wxd678efh567hg6787",
                "api_v3_key": "a-key-of-exactly-32-bytes-length",
                "serial_no": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
                "private_key": private_pem(keys.merchant),
                f"platform_key:{keys.serial}": keys.certificate.public_bytes(Encoding.PEM).decode(),
                f"platform_key:{PUBLIC_KEY_ID}": public_pem(keys.bare),
            },
        }
    )


class Played(NamedTuple):
    """A partner at its door; `contents` are golden. `signed`: it proves who it is with every message; `sealed`: its
    proof is that its body opens, and nothing stands beside it."""

    name: str
    door: Door
    wrap: Callable[[bytes], bytes]
    sign: Callable[[bytes, str], PushRequest]
    contents: Sequence[bytes]
    signed: bool = True
    sealed: bool = False

    def push(self, content: bytes, path: str = "") -> PushRequest:
        return self.sign(self.wrap(content), path)


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def request(
    path: str, headers: Mapping[str, str], body: bytes, query: str = "", at: datetime = NOW
) -> PushRequest:
    return PushRequest("POST", path, query, headers, body, at)


def as_is(content: bytes) -> bytes:
    return content


# ---- Douyin


def douyin_push(body: bytes, path: str = "") -> PushRequest:
    app = credentials().get("douyin/dy-main")
    signature = hashlib.md5(b"".join([app["app_key"].encode(), body, app["app_secret"].encode()])).hexdigest()
    headers = {"app-id": app["app_key"], "event-sign": signature, "content-type": "application/json"}
    return request(path or "/push/douyin/dy-main", headers, body)


def douyin_item(data: bytes) -> bytes:
    """A message whose `data` is the given bytes as a JSON string (what is not UTF-8 becomes a replacement)."""
    return json.dumps(
        [{"tag": "101", "msg_id": "7:0:1769486400", "data": data.decode(errors="replace")}]
    ).encode()


# ---- Pinduoduo


def pinduoduo_push(body: bytes, path: str = "") -> PushRequest:
    """A frame of the message socket, posted by whoever holds it."""
    return hmac_push("testSecret-of-the-app", path or "/push/pinduoduo/pd-main", body)


# ---- Taobao and JD: posted by whoever runs the platform's message client


def taobao_push(body: bytes, path: str = "") -> PushRequest:
    return hmac_push("secret-of-the-tb-app", path or "/push/taobao/tb-main", body)


def jd_push(body: bytes, path: str = "") -> PushRequest:
    return hmac_push("secret-of-the-jd-app", path or "/push/jd/jd-main", body)


# ---- a channel by map


def example_push(body: bytes, path: str = "") -> PushRequest:
    return hmac_push("secret-of-the-xx-shop", path or "/push/example/xx-main", body)


# ---- Kuaishou


def kuaishou_seal(content: bytes) -> bytes:
    """Encrypted as the platform's guide says: a zero IV, padding of 1 to 16 bytes, base64."""
    key = b64decode(credentials().get("kuaishou/ks-main")["message_secret"])
    short = 16 - len(content) % 16
    cipher = Cipher(AES(key), CBC(bytes(16))).encryptor()
    return b64encode(cipher.update(content + bytes([short]) * short) + cipher.finalize())


def kuaishou_post(body: bytes, path: str = "") -> PushRequest:
    return request(path or "/push/kuaishou/ks-main", {"content-type": "text/plain;charset=utf-8"}, body)


def kuaishou_push(content: bytes, path: str = "") -> PushRequest:
    return kuaishou_post(kuaishou_seal(content), path)


# ---- own shops and finance


def hmac_push(secret: str, path: str, body: bytes, stamp: str = STAMP, nonce: str = "n-1") -> PushRequest:
    signer = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    for part in (stamp.encode(), b"\n", nonce.encode(), b"\n", body):
        signer.update(part)
    headers = {
        "x-tongdan-timestamp": stamp,
        "x-tongdan-nonce": nonce,
        "x-tongdan-signature": signer.hexdigest(),
    }
    return request(path, headers, body)


def own_push(body: bytes, path: str = "") -> PushRequest:
    return hmac_push("secret of the own shop", path or "/own/mp-main/orders", body)


def finance_push(body: bytes, path: str = "") -> PushRequest:
    return hmac_push("secret of the finance system", path or "/push/finance/main", body)


# ---- WeChat Pay


def wechat_refund_seal(content: bytes) -> bytes:
    return wechat_seal(content, "REFUND.SUCCESS")


def wechat_seal(content: bytes, event: str = "TRANSACTION.SUCCESS") -> bytes:
    """A notice whose resource is `content`, sealed with the merchant's APIv3 key."""
    key = credentials().get(f"wechat/{MCHID}")["api_v3_key"].encode()
    sealed = AESGCM(key).encrypt(b"a nonce of12", content, b"transaction")
    notice = {
        "id": "EV-2018022511223320873",
        "create_time": "2026-01-27T12:00:36+08:00",
        "resource_type": "encrypt-resource",
        "event_type": event,
        "summary": "支付成功",
        "resource": {
            "original_type": "transaction",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": b64encode(sealed).decode(),
            "associated_data": "transaction",
            "nonce": "a nonce of12",
        },
    }
    return json.dumps(notice, ensure_ascii=False).encode()


def wechat_push(
    body: bytes, path: str = "", stamp: str = STAMP, bare: bool = False, at: datetime = NOW
) -> PushRequest:
    """Signed by the wechatpayv3 package; `bare`: with the platform's public key instead of its certificate's."""
    keys = wechat_keys()
    key, serial = (keys.bare, PUBLIC_KEY_ID) if bare else (keys.certified, keys.serial)
    text = body.decode("utf-8", "surrogateescape")
    try:
        signature = rsa_sign(key, f"{stamp}\nnonce-1\n{text}\n")
    except UnicodeEncodeError:  # the package signs text only; for other bytes sign what it would have signed
        message = f"{stamp}\nnonce-1\n".encode() + body + b"\n"
        signature = b64encode(key.sign(message, PKCS1v15(), hashes.SHA256())).decode()
    headers = {
        "wechatpay-timestamp": stamp,
        "wechatpay-nonce": "nonce-1",
        "wechatpay-signature": signature,
        "wechatpay-serial": serial,
        "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
    }
    return request(path or f"/push/wechat/{MCHID}", headers, body, at=at)


# ---- Qimen


def qimen_sign(query: Mapping[str, str], body: bytes, secret: str) -> str:
    text = b"".join(name.encode() + query[name].encode() for name in sorted(query))
    return hashlib.md5(secret.encode() + text + body + secret.encode()).hexdigest()


def qimen_push(
    body: bytes,
    path: str = "",
    method: str = "",
    lower: bool = False,
    differs: Mapping[str, str] | None = None,
) -> PushRequest:
    account = credentials().get("qimen/main")
    if not method:
        report = b"processStatus" in body or b"orderprocess" in body
        method = "taobao.qimen." + ("orderprocess.report" if report else "deliveryorder.confirm")
    query = {
        "method": method,
        "timestamp": "2026-01-27 12:00:00",
        "format": "xml",
        "app_key": account["app_key"],
        "v": "2.0",
        "sign_method": "md5",
        "customerId": account["customer_id"],
        **(differs or {}),
    }
    signature = qimen_sign(query, body, account["secret"])
    query["sign"] = signature if lower else signature.upper()
    return request(path or "/push/qimen/main", {}, body, urlencode(query))


# ---- SF


def sf_push(body: bytes, path: str = "") -> PushRequest:
    """Its only proof is the address."""
    secret = credentials().get("sf/main")["push_secret"]
    return request(path or f"/push/sf/{secret}", {"content-type": "application/json"}, body)


# ---- SMS


def sms_push(body: bytes, path: str = "") -> PushRequest:
    """Its only proof is the address."""
    secret = credentials().get("sms/main")["push_secret"]
    return request(path or f"/push/sms/{secret}", {"content-type": "application/json"}, body)


# ---- what a door made of it


def only(door: Door, push: PushRequest) -> Inbound:
    """The one message of a push, which is understood."""
    (message,) = door.open(push)
    assert isinstance(message, Inbound)
    return message


def why(door: Door, push: PushRequest) -> str:
    """Why the one message of a push is not understood."""
    (message,) = door.open(push)
    assert isinstance(message, NotUnderstood)
    return message.reason


# ---- all of them


@cache
def everybody() -> tuple[Played, ...]:
    held, policy = credentials(), CONF.policy
    tags = ("created-100", "paid-101", "address-105", "amount-109", "promise-126", "refund-206", "single")
    data = [msgspec.json.decode(golden(f"douyin/{tag}.json")) for tag in tags]
    texts = [(said[0] if isinstance(said, list) else said)["data"].encode() for said in data]
    return (
        Played(
            "douyin",
            ChannelDoor(DOUYIN, held, policy),
            as_is,
            douyin_push,
            [golden(f"douyin/{tag}.json") for tag in tags],
        ),
        Played(
            "pinduoduo",
            ChannelDoor(PINDUODUO, held, policy),
            as_is,
            pinduoduo_push,
            [golden(f"pinduoduo/{name}.json") for name in ("confirmed", "refund")],
        ),
        Played(
            "taobao",
            ChannelDoor(TAOBAO, held, policy),
            as_is,
            taobao_push,
            [golden(f"taobao/{name}.json") for name in ("paid", "refund")],
        ),
        Played(
            "jd",
            ChannelDoor(JD, held, policy),
            as_is,
            jd_push,
            [golden(f"jd/{name}.json") for name in ("created", "changed")],
        ),
        Played(
            "kuaishou",
            ChannelDoor(KUAISHOU, held, policy),
            kuaishou_seal,
            kuaishou_post,
            [golden(f"kuaishou/{name}.json") for name in ("created", "paid", "refund")],
            sealed=True,
        ),
        Played(
            "example",
            ChannelDoor(EXAMPLE, held, policy),
            as_is,
            example_push,
            [golden(f"example/{name}.json") for name in ("created", "paid")],
        ),
        Played(
            "example-order",
            ChannelDoor(WHOLE_ORDERS, held, policy),
            as_is,
            example_push,
            [golden("example/whole.json")],
        ),
        Played("douyin-data", ChannelDoor(DOUYIN, held, policy), douyin_item, douyin_push, texts),
        Played(
            "own", OwnShopDoor(policy.shops["mp-main"], held), as_is, own_push, [golden("own/order.json")]
        ),
        Played("wechat", WechatDoor(held), wechat_seal, wechat_push, [golden("wechat/transaction.json")]),
        Played(
            "wechat-refund", WechatDoor(held), wechat_refund_seal, wechat_push, [golden("wechat/refund.json")]
        ),
        Played(
            "wechat-notice",
            WechatDoor(held),
            as_is,
            wechat_push,
            [wechat_seal(golden("wechat/transaction.json"))],
        ),
        Played(
            "qimen",
            QimenDoor(held, ZoneInfo("Asia/Shanghai")),
            as_is,
            qimen_push,
            [golden(f"qimen/{name}.xml") for name in ("confirm-tidy", "confirm-careless", "process-sign")],
        ),
        Played(
            "finance",
            FinanceDoor(held, ZoneInfo("Asia/Shanghai")),
            as_is,
            finance_push,
            [golden(f"finance/settled-{unit}.json") for unit in ("fen", "yuan")],
        ),
        Played(
            "sf",
            SfDoor(held, "main", ZoneInfo("Asia/Shanghai")),
            as_is,
            sf_push,
            [golden(f"sf/route-{by}.json") for by in ("waybill", "order")],
            signed=False,
        ),
        Played(
            "sms",
            SmsDoor(held, "main", ZoneInfo("Asia/Shanghai")),
            as_is,
            sms_push,
            [golden(f"sms/{end}.json") for end in ("arrived", "failed")],
            signed=False,
        ),
    )
