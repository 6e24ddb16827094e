"""The line to a Qimen WMS (奇门): a signed call, and whether the WMS has considered it.

Times are local to the WMS. Source: Qimen API 26000 to 26003; what a gateway answers that does not know us.
"""

from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, ParseError, tostring
from zoneinfo import ZoneInfo

from defusedxml.ElementTree import fromstring

from tongdan.adapters.partners.exchange import UNAUTHORIZED, Wire, exchange, fields_of
from tongdan.adapters.partners.qimen import PREFIX, sign, text_of
from tongdan.adapters.partners.reading import UNREADABLE
from tongdan.adapters.partners.settings import QimenSettings
from tongdan.ports import Failed, HttpRequest, HttpResponse

# The gateway or the WMS does not know us: nothing is wrong with the order.
PARTNER_WIDE: Final = (
    "sign-check-failure",
    "invalid appkey",
    "invalid-app",
    "isp.",
    "isv.",
    "app-call-limited",
)
AWAY: Final = PARTNER_WIDE[:3]  # of these, what does not take our key

# Qimen gives this answer no code of its own: a warehouse that never got the order will not send it either.
NEVER_HEARD_OF: Final = ("不存在", "not exist", "not found")


class QimenLine:
    """Calls with the credential `qimen/{wms}`: `app_key`, `secret`, `customer_id`."""

    def __init__(self, settings: QimenSettings, wire: Wire) -> None:
        self.settings: Final = settings
        self.zone: Final = ZoneInfo(settings.zone)
        self._wire: Final = wire

    async def call(self, method: str, content: Element) -> tuple[Element, HttpResponse] | Failed:
        """The WMS's answer, whether yes or no; a Failed when it did not consider the call."""
        name = f"qimen/{self.settings.wms}"
        fields = fields_of(self._wire, name, "app_key", "secret", "customer_id")
        if isinstance(fields, Failed):
            return fields
        app_key, secret, customer = fields
        body = tostring(content, encoding="utf-8", xml_declaration=True)
        query = {
            "method": PREFIX + method,
            "timestamp": self.now(),
            "format": "xml",
            "app_key": app_key,
            "v": "2.0",
            "sign_method": "md5",
            "customerId": customer,
        }
        query["sign"] = sign(query, body, secret)
        request = HttpRequest(
            method="POST",
            url=f"{self.settings.base_url}?{urlencode(query)}",
            headers={"content-type": "text/xml;charset=utf-8"},
            body=body,
        )
        response = await exchange(self._wire, request)
        if isinstance(response, Failed):
            return response
        try:
            root: Element = fromstring(response.body, forbid_dtd=True)
            code = text_of(root, "errorCode") or text_of(root, "code")
            known = text_of(root, "flag", 16) or text_of(root, "success", 16)
            words = "" if succeeded(root) else f"{code} {text_of(root, 'message', 2_000)}".lower()
        except (ParseError, LookupError, *UNREADABLE):
            known = words = ""
        if response.status == UNAUTHORIZED:
            return Failed("Qimen refused the call: HTTP 401", partner_wide=True, turned_away=True)
        if not known or response.status >= 400:
            return Failed(f"HTTP {response.status}: no Qimen answer", partner_wide=True, unknown=True)
        if any(word in words for word in PARTNER_WIDE):
            away = any(word in words for word in AWAY)
            return Failed(f"Qimen refused the call: {code}", partner_wide=True, turned_away=away)
        return root, response

    def now(self) -> str:
        return self.local(self._wire.clock.now())

    def local(self, at: datetime) -> str:
        return at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")


def succeeded(root: Element) -> bool:
    return text_of(root, "flag", 16) == "success"


def complaint(root: Element) -> str:
    return f"{text_of(root, 'code')} {(root.findtext('message') or '').strip()[:200]}".strip()
