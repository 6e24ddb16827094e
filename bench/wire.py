"""The requests of the three intake benchmarks, as bytes ready to be sent, signed and whole.

They are made before the clock starts, so that the generator's work during a run is to send and to count. What
an item means is a function of its index alone, so generator and read-back agree on native numbers without
passing them on.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from bench.baskets import Basket

_RECEIVERS: Final = (
    ("王小明", "13800138000", "浙江省", "杭州市", "余杭区", "文一西路 969 号 3 幢 402 室"),
    ("李娜", "13912345678", "广东省", "深圳市", "南山区", "科技园南区 12 栋 1808"),
    ("欧阳建国", "13688886666", "上海市", "上海市", "浦东新区", "世纪大道 100 号 27 层"),
    ("张伟", "15011112222", "四川省", "成都市", "武侯区", "天府大道中段 666 号 1 单元 1501"),
)
# A Douyin order is created and, so many pushes later, paid: by then the first has been answered.
_STRIDE: Final = 2_000


class Keys(NamedTuple):
    """What a partner signs with. `id` stands in the path; `key` is Douyin's public app key."""

    id: str
    secret: str
    key: str = ""
    shop: int = 0


class Workload(NamedTuple):
    """`request(first, baskets)` makes the request that carries the items first … first + items - 1."""

    name: str
    items: int
    acknowledged: bytes
    request: Callable[[int, list[Basket], Keys, str], bytes]
    native: Callable[[int, str], str]


def receiver_of(index: int) -> dict[str, str]:
    fields = ("name", "phone", "province", "city", "district", "detail")
    return dict(zip(fields, _RECEIVERS[index % len(_RECEIVERS)], strict=True))


def own_native(index: int, run: str) -> str:
    return f"{run}-{index:07d}"


def own_request(first: int, baskets: list[Basket], keys: Keys, run: str) -> bytes:
    """A mini-program order, signed with the shop's HMAC over timestamp, nonce and body."""
    basket = baskets[first % len(baskets)]
    order = {
        "order_no": own_native(first, run),
        "user": basket.buyer,
        "placed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "amount_fen": basket.amount_fen,
        "lines": [line._asdict() for line in basket.lines],
        "receiver": receiver_of(first),
    }
    body = json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode()
    stamp, nonce = str(int(time.time())), f"{run}{first:012d}"
    signed = b"\n".join((stamp.encode(), nonce.encode(), body))
    signature = hmac.new(keys.secret.encode(), signed, hashlib.sha256).hexdigest()
    head = {
        "X-Tongdan-Timestamp": stamp,
        "X-Tongdan-Nonce": nonce,
        "X-Tongdan-Signature": signature,
    }
    return _post(f"/own/{keys.id}/orders", head, body)


def notice_order(index: int) -> tuple[int, bool]:
    """Which order (a running number) this notice is about, and whether it says that it was paid."""
    block, place = divmod(index, 2 * _STRIDE)
    return block * _STRIDE + place % _STRIDE, place >= _STRIDE


def notice_native(index: int, run: str) -> str:
    order, paid = notice_order(index)
    return f"{_douyin_order(order, run)}/{'paid' if paid else 'created'}"


def _douyin_order(number: int, run: str) -> int:
    return 4_700_000_000_000_000_000 + int(run, 36) % 10**9 * 10**8 + number


def _notice(index: int, basket: Basket, keys: Keys, run: str) -> dict[str, str]:
    number, paid = notice_order(index)
    order, at = _douyin_order(number, run), int(time.time())
    data: dict[str, object] = {
        "p_id": order,
        "s_ids": [order],
        "shop_id": keys.shop,
        "order_type": 0,
        "biz": 2,
    }
    if paid:
        data |= {"order_status": 2, "pay_time": at, "pay_amount": basket.amount_fen, "pay_type": 1}
    else:
        data |= {"order_status": 1, "create_time": at}
    return {
        "tag": "101" if paid else "100",
        "msg_id": f"{order}:{int(paid)}:{at}",
        "data": json.dumps(data, separators=(",", ":")),
    }


def _notices(items: int) -> Callable[[int, list[Basket], Keys, str], bytes]:
    def request(first: int, baskets: list[Basket], keys: Keys, run: str) -> bytes:
        """A Douyin push: an array of notices, signed with md5 over key, body and secret."""
        array = [_notice(i, baskets[i % len(baskets)], keys, run) for i in range(first, first + items)]
        body = json.dumps(array, separators=(",", ":")).encode()
        sign = hashlib.md5(keys.key.encode() + body + keys.secret.encode()).hexdigest()
        return _post(f"/push/douyin/{keys.id}", {"app-id": keys.key, "event-sign": sign}, body)

    return request


def _post(path: str, head: dict[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: centre", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in head.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


WORKLOADS: Final = {
    work.name: work
    for work in (
        Workload("intake-own", 1, b"", own_request, own_native),
        Workload("intake-notice", 1, b'"code":0', _notices(1), notice_native),
        Workload("intake-batch", 50, b'"code":0', _notices(50), notice_native),
    )
}


def requests(work: Workload, count: int, baskets: list[Basket], keys: Keys, run: str) -> Iterator[bytes]:
    """`count` requests; the n-th carries the items n·items … (n+1)·items - 1."""
    for n in range(count):
        yield work.request(n * work.items, baskets, keys, run)
