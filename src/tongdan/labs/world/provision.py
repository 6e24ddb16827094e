"""Credentials for the simulated world: made at random for each data directory, known to both sides.

The centre's half goes into its credentials file, in the form that `adapters/credentials_file.py` reads; the
partners' half (private keys of the payment platform) into `world-keys.json` beside it. Both are readable by
their owner only. Nothing is overwritten: a second run finds what the first one made.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from tongdan.adapters.credentials_file import write_credentials
from tongdan.adapters.partners import CHANNELS
from tongdan.adapters.partners.channel import Channel
from tongdan.adapters.partners.settings import FinanceSettings, Partners
from tongdan.domain.kernel.policy import Policy
from tongdan.labs.world.wechat_pay import Merchant
from tongdan.ports import Entropy

CREDENTIALS: Final = "credentials.json"
WORLD_KEYS: Final = "world-keys.json"
_SINCE, _UNTIL = datetime(2016, 1, 1, tzinfo=UTC), datetime(2096, 1, 1, tzinfo=UTC)

Credentials = dict[str, dict[str, str]]


def provision(
    data: Path,
    policy: Policy,
    partners: Partners,
    entropy: Entropy,
    channels: Sequence[Channel] = CHANNELS,
) -> None:
    """Make the credentials of every shop and partner in `data` that are not there yet."""
    path, keys = data / CREDENTIALS, data / WORLD_KEYS
    ours = read_credentials(path) if path.exists() else {}
    theirs = read_credentials(keys) if keys.exists() else {}
    kept = len(ours), len(theirs)
    for name, make in _wanted(policy, partners, entropy, channels):
        if name not in ours:
            ours[name] = make()
    for name in sorted(f"wechat/{mchid}" for mchid in set(partners.wechat.merchants.values())):
        if name not in theirs or name not in ours:
            ours[name], theirs[name] = _wechat(entropy)
    if (len(ours), len(theirs)) == kept:
        return
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_credentials(keys, theirs)
    write_credentials(path, ours)


def _wanted(
    policy: Policy, partners: Partners, entropy: Entropy, channels: Sequence[Channel]
) -> Iterator[tuple[str, Callable[[], dict[str, str]]]]:
    """The name of each credential that is the same on both sides, and how to make it."""
    by_code = {channel.code: channel for channel in channels}
    for shop in policy.shops.values():
        channel = by_code.get(shop.channel)
        if channel is None:
            yield f"own/{shop.id}", lambda: {"secret": entropy.token(32).hex()}
        else:
            yield f"{channel.name}/{shop.id}", partial(_app, entropy, channel)
    yield f"qimen/{partners.qimen.wms}", lambda: _qimen(entropy)
    yield f"finance/{partners.finance.system}", lambda: {"secret": entropy.token(32).hex()}
    yield f"sf/{partners.sf.account}", lambda: _sf(entropy)
    if partners.cainiao is not None:
        yield f"cainiao/{partners.cainiao.account}", lambda: _cainiao(entropy)
    yield from _tellers(partners, entropy)
    for name, erp in partners.erps.items():
        yield (
            f"erp/{name}",
            partial(_kingdee, entropy) if erp.kind == "k3cloud" else partial(_secret, entropy),
        )
    if partners.cainiao_link is not None:
        yield f"cainiao-link/{partners.cainiao_link.account}", lambda: _link(entropy)


def _link(entropy: Entropy) -> dict[str, str]:
    return {
        "provider_id": entropy.token(16).hex(),
        "secret": entropy.token(24).hex(),
        "access_code": entropy.token(12).hex(),
    }


def read_credentials(path: Path) -> Credentials:
    """The whole file, for the partners' side. Raises OSError when there is none."""
    return msgspec.json.decode(path.read_bytes(), type=Credentials)


def merchant_of(data: Path, mchid: str) -> Merchant:
    """What WeChat Pay keeps of the merchant that `provision` made."""
    ours = read_credentials(data / CREDENTIALS)[f"wechat/{mchid}"]
    theirs = read_credentials(data / WORLD_KEYS)[f"wechat/{mchid}"]
    own_key = _private_key(ours["private_key"])
    platform_keys = {serial: _private_key(pem) for serial, pem in theirs.items()}
    return Merchant(
        mchid, ours["appid"], ours["serial_no"], own_key.public_key(), ours["api_v3_key"], platform_keys
    )


def _app(entropy: Entropy, channel: Channel) -> dict[str, str]:
    """What calls need, and what pushes are signed or sealed with."""
    app = {field: _field(entropy, field) for field in (*channel.fields, *channel.push_fields)}
    sealed = {} if channel.seal is None else {channel.seal.field: b64encode(entropy.token(16)).decode()}
    return app | sealed


def _secret(entropy: Entropy) -> dict[str, str]:
    return {"secret": entropy.token(32).hex()}


def _kingdee(entropy: Entropy) -> dict[str, str]:
    """The second half of an app id is Base64 of a secret that the gateway knows, too."""
    hidden = b64encode(entropy.token(24)).decode()
    app_id = f"{_digits(entropy, 6)}_{hidden}"
    return {
        "acct_id": entropy.token(12).hex(),
        "user": "tongdan",
        "app_id": app_id,
        "app_secret": entropy.token(16).hex(),
    }


def _field(entropy: Entropy, name: str) -> str:
    """What names an app is a number of 19 digits, what proves it is unguessable."""
    return _digits(entropy, 19) if name.endswith(("_key", "_id")) else entropy.token(24).hex()


def _qimen(entropy: Entropy) -> dict[str, str]:
    return {
        "app_key": _digits(entropy, 8),
        "secret": entropy.token(16).hex(),
        "customer_id": f"C{_digits(entropy, 10)}",
    }


def _sf(entropy: Entropy) -> dict[str, str]:
    return {
        "partner_id": _digits(entropy, 10),
        "check_word": entropy.token(16).hex(),
        "push_secret": entropy.token(24).hex(),
    }


def _cainiao(entropy: Entropy) -> dict[str, str]:
    return {
        "app_key": _digits(entropy, 8),
        "app_secret": entropy.token(16).hex(),
        "session": entropy.token(24).hex(),
    }


def _tellers(partners: Partners, entropy: Entropy) -> Iterator[tuple[str, Callable[[], dict[str, str]]]]:
    """Those of whoever tells buyers and customer service, as far as they are configured."""
    if partners.sms is not None:
        yield f"sms/{partners.sms.account}", lambda: _sms(entropy)
    for appid in sorted(set(partners.wechat_mini.apps.values())) if partners.wechat_mini is not None else ():
        yield f"wechat-mini/{appid}", lambda: _mini(entropy)
    if partners.service is not None:
        yield f"service/{partners.service.system}", lambda: {"secret": entropy.token(32).hex()}


def _sms(entropy: Entropy) -> dict[str, str]:
    return {
        "access_key_id": f"LTAI{entropy.token(10).hex()}",
        "access_key_secret": entropy.token(15).hex(),
        "push_secret": entropy.token(24).hex(),
    }


def _mini(entropy: Entropy) -> dict[str, str]:
    return {
        "secret": entropy.token(16).hex(),
        "push_token": entropy.token(12).hex(),
        "push_aes_key": b64encode(entropy.token(32)).decode().rstrip("="),
    }


def _wechat(entropy: Entropy) -> tuple[dict[str, str], dict[str, str]]:
    """A merchant's key, and the platform's two: one in a certificate, one as a bare public key.

    RSA keys come from the operating system even where `entropy` is a seed: they sign headers, and those are
    not kept.
    """
    own, certified, bare = (rsa.generate_private_key(65_537, 2_048) for _ in range(3))
    certificate = _certificate(certified)
    serial, key_id = f"{certificate.serial_number:X}", f"PUB_KEY_ID_01{_digits(entropy, 28)}"
    ours = {
        "appid": f"wx{entropy.token(8).hex()}",
        "api_v3_key": entropy.token(16).hex(),
        "serial_no": entropy.token(20).hex().upper(),
        "private_key": _pem(own),
        f"platform_key:{serial}": certificate.public_bytes(Encoding.PEM).decode(),
        f"platform_key:{key_id}": bare.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    }
    return ours, {serial: _pem(certified), key_id: _pem(bare)}


def _certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulated payment platform")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_SINCE)
        .not_valid_after(_UNTIL)
        .sign(key, hashes.SHA256())
    )


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _private_key(pem: str) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _digits(entropy: Entropy, count: int) -> str:
    """`count` digits, of which the first is not 0."""
    number = int.from_bytes(entropy.token(16), "big") % (9 * 10 ** (count - 1))
    return str(10 ** (count - 1) + number)


def loopback(partners: Partners, urls: Mapping[str, str], centre_url: str) -> Partners:
    """The same settings, with partners at `urls` and the centre's push port at `centre_url`.

    Who tells buyers and customer service may be left out of `urls`, and is not configured then.
    """
    replace, cainiao, link = msgspec.structs.replace, partners.cainiao, partners.cainiao_link
    sms, mini, service = partners.sms, partners.wechat_mini, partners.service
    if cainiao is not None and "cainiao" in urls:
        cainiao = replace(cainiao, base_url=f"{urls['cainiao']}/router/rest")
    if link is not None and "cainiao_link" in urls:
        link = replace(link, base_url=f"{urls['cainiao_link']}/gateway/link.do")
    return replace(
        partners,
        channels={channel.code: urls[channel.name] for channel in CHANNELS if channel.name in urls},
        wechat=replace(partners.wechat, base_url=urls["wechat"], notify_url=f"{centre_url}/push/wechat/"),
        qimen=replace(partners.qimen, base_url=f"{urls['qimen']}/router/qimen/service"),
        finance=_finance(partners.finance, urls["finance"]),
        sf=replace(partners.sf, base_url=f"{urls['sf']}/std/service"),
        erps={
            name: replace(
                erp, base_url=urls[f"erp/{name}"], status_url=erp.status_url and urls[f"erp/{name}"]
            )
            for name, erp in partners.erps.items()
            if f"erp/{name}" in urls
        },
        sms=replace(sms, base_url=urls["sms"]) if sms and "sms" in urls else None,
        wechat_mini=replace(mini, base_url=urls["wechat_mini"]) if mini and "wechat_mini" in urls else None,
        service=replace(service, base_url=f"{urls['service']}/waybills", status_url=urls["service"])
        if service and "service" in urls
        else None,
        cainiao=cainiao,
        cainiao_link=link,
    )


def _finance(settings: FinanceSettings, url: str) -> FinanceSettings:
    books = msgspec.structs.replace(settings.books, url=f"{url}/orders")
    return msgspec.structs.replace(settings, base_url=f"{url}/order-milestones", books=books, status_url=url)
