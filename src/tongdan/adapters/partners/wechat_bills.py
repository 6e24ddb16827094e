"""WeChat Pay's bills of a day, fetched: where the file is, then the file, whose hash has to be the one announced.

`GET /v3/bill/tradebill` and `/v3/bill/fundflowbill` (`bill_date`) answer with `hash_type` SHA1, `hash_value` and a
`download_url` that lives some minutes; the file itself comes without a signature, which is what the hash is for. There
is a bill of yesterday from 10:00 on, and none of a day without trade (NO_STATEMENT_EXIST). Source: the platform's
documents of the two interfaces and its Go kit.
"""

from hashlib import sha1
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from tongdan.adapters.partners.reading import UNREADABLE, reason_of
from tongdan.adapters.partners.wechat_line import Line, code_of
from tongdan.domain.finance.books import FetchBill
from tongdan.ports import Done, Errand, Failed

TRADE: Final = "/v3/bill/tradebill"
FUND: Final = "/v3/bill/fundflowbill"
FILES: Final = "/v3/billdownload/file"
SHA1: Final = "SHA1"


class _Announced(msgspec.Struct):
    hash_type: str
    hash_value: str
    download_url: str


_announced: Final = msgspec.json.Decoder(_Announced)


async def fetch_bill(line: Line, errand: Errand, effect: FetchBill, mchid: str) -> Done | Failed:
    """`Done.found` are the bytes of the file."""
    asked = urlencode({"bill_date": effect.day.isoformat()})
    path = f"{FUND if effect.fund else TRADE}?{asked}"
    response = await line.call(errand, mchid, "GET", path, b"")
    if isinstance(response, Failed):
        return response
    if response.status >= 400:
        return Failed(f"WeChat {response.status} {code_of(response)}", final=True)
    try:
        announced = _announced.decode(response.body)
        url = urlsplit(announced.download_url)
    except UNREADABLE as error:
        return Failed(f"the answer is not understood: {reason_of(error)}", final=True)
    if announced.hash_type != SHA1 or url.path != FILES:
        return Failed(f"expected hash_type {SHA1} and a download_url of {FILES}", final=True)
    file = await line.call(errand, mchid, "GET", f"{url.path}?{url.query}", b"", unsigned=True)
    if isinstance(file, Failed):
        return file
    if file.status >= 400:
        return Failed(f"WeChat {file.status} {code_of(file)}", final=True)
    if sha1(file.body).hexdigest() != announced.hash_value.lower():
        return Failed("the file is not the one announced: its hash differs", unknown=True)
    return Done(None, found=file.body)
