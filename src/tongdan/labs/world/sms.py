"""Aliyun's SMS service (短信服务): takes messages, brings them to phones, and reports what became of each.

It checks signature V3, answers `SendSms` and `QuerySendDetails`, and pushes SmsReport to the receipt address: an array
without a signature, again after minutes until it hears code 0. Source: dysmsapi 2017-05-25, and reports as its users
have pasted them.
"""

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tongdan.domain.kernel.ids import SHANGHAI
from tongdan.labs.world.faults import ANSWER_LOST, BUSY, LIMITED, NEVER_TOLD, PHONE_OFF
from tongdan.labs.world.outbox import Outbox
from tongdan.labs.world.phones import FAIR, RESEND_WINDOW, Weather
from tongdan.labs.world.setting import Setting
from tongdan.ports import HttpRequest, HttpResponse, NoAnswer

RETRIES_S: Final = (60, 300, 600, 1_800, *[3_600] * 12)
TOGETHER: Final = 10
LINGER_S: Final = 3.0
ARRIVES_MEAN_S: Final = 6.0
FRESH_WITHIN_S: Final = 900
WALL: Final = "%Y-%m-%d %H:%M:%S"


class Sms(NamedTuple):
    """A message that was taken."""

    phone: str
    template: str
    out_id: str
    biz_id: str
    taken_at: datetime
    order: str  # its channel's number, as far as anybody has said it


class Report(NamedTuple):
    """What became of it."""

    sms: Sms
    arrived: bool
    at: datetime


class _Refused(Exception):
    def __init__(self, code: str, status: int = 200) -> None:
        super().__init__(code)
        self.code: Final = code
        self.status: Final = status


class SmsGateway:
    """`account` is the credential `sms/{account}`. `taken` and `reports` are its books, by `BizId`."""

    def __init__(self, setting: Setting, account: Mapping[str, str], weather: Weather = FAIR) -> None:
        self.taken: Final[dict[str, Sms]] = {}
        self.reports: Final[dict[str, Report]] = {}
        self.weather = weather
        self._setting: Final = setting
        self._account: Final = account
        self._calls = 0
        self._lately: Final[deque[datetime]] = deque()
        self.outbox: Final = Outbox[Report](setting, self._wrap, _acknowledged, RETRIES_S, TOGETHER, LINGER_S)
        self._do: Final[Mapping[str, Callable[[dict[str, str]], dict[str, object]]]] = {
            "SendSms": self._take,
            "QuerySendDetails": self._tell,
        }

    async def handle(self, request: HttpRequest) -> HttpResponse:
        action, said, fault, breaks = request.headers.get("x-acs-action", ""), {}, "", ""
        try:
            said = self._admit(request)
            order = self._setting.names.native_of(said.get("OutId", "").partition("/")[0])
            if action == "SendSms":
                self._calls += 1
                breaks = self.weather.breaks(self._setting.seed, f"{said['PhoneNumbers']}/{self._calls}")
                fault = self._setting.faults.meet("sms.SendSms", order, (ANSWER_LOST, BUSY, LIMITED))
            if fault in (BUSY, LIMITED):
                raise _Refused("isp.SYSTEM_ERROR" if fault == BUSY else "Throttling.User")
            if breaks == "before":
                raise NoAnswer("the line broke")
            answer: dict[str, object] = {"Message": "OK", "Code": "OK", **self._do[action](said)}
            status = 200
        except _Refused as no:
            answer, status = {"Message": no.code, "Code": no.code}, no.status
        if fault == ANSWER_LOST or breaks == "after":
            raise NoAnswer("the answer was lost")
        answer["RequestId"] = "8906582E-6722"
        return HttpResponse(status, {"content-type": "application/json"}, json.dumps(answer).encode())

    # ---- what it checks

    def _admit(self, request: HttpRequest) -> dict[str, str]:
        url, headers = urlsplit(request.url), {name.lower(): text for name, text in request.headers.items()}
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        given = dict(part.partition("=")[::2] for part in rest.split(","))
        if scheme != "ACS3-HMAC-SHA256" or given.get("Credential") != self._account["access_key_id"]:
            raise _Refused("InvalidAccessKeyId.NotFound", 404)
        names = given.get("SignedHeaders", "")
        lines = "".join(f"{name}:{headers.get(name, '')}\n" for name in names.split(";"))
        body = hashlib.sha256(request.body).hexdigest()
        canonical = "\n".join([request.method, url.path or "/", url.query, lines, names, body])
        text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        secret = self._account["access_key_secret"].encode()
        if given.get("Signature") != hmac.new(secret, text.encode(), hashlib.sha256).hexdigest():
            raise _Refused("SignatureDoesNotMatch", 400)
        at = datetime.strptime(headers["x-acs-date"] + "+0000", "%Y-%m-%dT%H:%M:%SZ%z")
        if abs((at - self._setting.clock.now()).total_seconds()) > FRESH_WITHIN_S:
            raise _Refused("InvalidTimeStamp.Expired", 400)
        if headers.get("x-acs-action") not in self._do or headers.get("x-acs-version") != "2017-05-25":
            raise _Refused("InvalidAction.NotFound", 404)
        return dict(parse_qsl(url.query, keep_blank_values=True))

    # ---- what it does

    def _take(self, said: dict[str, str]) -> dict[str, object]:
        now = self._setting.clock.now()
        if not (said["PhoneNumbers"].isdigit() and len(said["PhoneNumbers"]) == 11):
            raise _Refused("isv.MOBILE_NUMBER_ILLEGAL")
        if not said["SignName"] or not isinstance(json.loads(said["TemplateParam"]), dict):
            raise _Refused("isv.INVALID_PARAMETERS")
        if self.weather.rejects(now):
            raise _Refused("isv.SMS_TEMPLATE_ILLEGAL")
        self._check_rate(now)
        stream = self._setting.stream("sms", said["PhoneNumbers"], len(self.taken))
        order = self._setting.names.native_of(said.get("OutId", "").partition("/")[0])
        sms = Sms(
            said["PhoneNumbers"],
            said["TemplateCode"],
            said.get("OutId", ""),
            f"{stream.digits(18)}^0",
            now,
            order,
        )
        self.taken[sms.biz_id] = sms
        self._setting.bustle.start(self._bring(sms, stream.waiting_s(ARRIVES_MEAN_S)))
        return {"BizId": sms.biz_id}

    def _check_rate(self, now: datetime) -> None:
        if not self.weather.per_minute:
            return
        while self._lately and self._lately[0] <= now - RESEND_WINDOW:
            self._lately.popleft()
        if len(self._lately) >= self.weather.per_minute:
            raise _Refused("Throttling.User")
        self._lately.append(now)

    async def _bring(self, sms: Sms, after_s: float) -> None:
        await self._setting.clock.sleep(after_s)
        seed = self._setting.seed
        off = self._setting.faults.meet("sms.phone", sms.order, (PHONE_OFF,)) == PHONE_OFF
        arrived = not off and not self.weather.is_off(seed, sms.phone)
        report = Report(sms, arrived, self._setting.clock.now())
        self.reports[sms.biz_id] = report
        silent = self._setting.faults.meet("sms.SmsReport", sms.order, (NEVER_TOLD,)) == NEVER_TOLD
        if not silent and not self.weather.is_silent(seed, sms.phone):
            self.outbox.post(report, "sms.SmsReport", sms.order)

    def _tell(self, said: dict[str, str]) -> dict[str, object]:
        day = said["SendDate"]
        found = [
            self._detail(sms)
            for sms in self.taken.values()
            if sms.phone == said["PhoneNumber"]
            and sms.taken_at.astimezone(SHANGHAI).strftime("%Y%m%d") == day
        ]
        if "BizId" in said:
            found = [each for each in found if self.taken[said["BizId"]].out_id == each["OutId"]]
        return {"TotalCount": len(found), "SmsSendDetailDTOs": {"SmsSendDetailDTO": found}}

    def _detail(self, sms: Sms) -> dict[str, Any]:
        report = self.reports.get(sms.biz_id)
        detail: dict[str, Any] = {
            "SendDate": sms.taken_at.astimezone(SHANGHAI).strftime(WALL),
            "SendStatus": 1,
            "TemplateCode": sms.template,
            "PhoneNum": sms.phone,
            "OutId": sms.out_id,
            "Content": "【同单】",
        }
        if report is not None:
            at = report.at.astimezone(SHANGHAI).strftime(WALL)
            detail |= {"SendStatus": 3 if report.arrived else 2, "ReceiveDate": at, "ErrCode": _code(report)}
        return detail

    def _wrap(self, reports: Sequence[Report]) -> HttpRequest:
        said = [
            {
                "phone_number": report.sms.phone,
                "send_time": report.sms.taken_at.astimezone(SHANGHAI).strftime(WALL),
                "report_time": report.at.astimezone(SHANGHAI).strftime(WALL),
                "success": report.arrived,
                "err_code": _code(report),
                "err_msg": "用户接收成功" if report.arrived else "用户关机或停机",
                "sms_size": "1",
                "biz_id": report.sms.biz_id,
                "out_id": report.sms.out_id,
            }
            for report in reports
        ]
        return HttpRequest(
            method="POST",
            url=f"{self._setting.centre_url}/push/sms/{self._account['push_secret']}",
            headers={"content-type": "application/json"},
            body=json.dumps(said, ensure_ascii=False).encode(),
        )


def _code(report: Report) -> str:
    return "DELIVERED" if report.arrived else "MK:0012"


def _acknowledged(answer: HttpResponse) -> bool:
    return answer.status == 200 and json.loads(answer.body).get("code") == 0
