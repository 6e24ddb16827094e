"""Cainiao's e-waybills (菜鸟电子面单): a number for a package, found by its trade order, cancelled, shown for printing.

The same package asked for again gets the same number; print data are encrypted for Cainiao's own component, so the
receiver stands in them only for whoever made them. Errors are those of Taobao's gateway, an empty account among them.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from tongdan.labs.world.carrier import Carrier
from tongdan.labs.world.gateway import Refused, TopGateway
from tongdan.labs.world.numbers import Number
from tongdan.labs.world.setting import Setting

GET, CANCEL = "cainiao.waybill.ii.get", "cainiao.waybill.ii.cancel"
FIND, SHOW = "cainiao.waybill.ii.query.by.tradecode", "cainiao.waybill.ii.query.by.waybillcode"
REMOTE: Final = 15
Asked = Mapping[str, str]


class Cainiao(TopGateway):
    """The gateway, for the account it knows by the credential `app`."""

    name = "cainiao"

    def __init__(self, setting: Setting, carrier: Carrier, app: Mapping[str, str]) -> None:
        super().__init__(setting, app)
        self.receivers: Final[dict[str, Mapping[str, Any]]] = {}  # by key: what it was told of them
        self._numbers: Final = carrier.numbers
        self._methods.update({GET: self._get, FIND: self._find, SHOW: self._show, CANCEL: self._cancel})

    def _order(self, said: Asked) -> str:
        return self._setting.names.native_of(self._key(said).partition(".")[0])

    def _key(self, said: Asked) -> str:
        """The seller's key, as far as a call tells it."""
        if "waybill_code" in said:
            number = self._numbers.by_waybill.get(said["waybill_code"])
            return "" if number is None else number.key
        if "param_list" in said:
            return str(json.loads(said["param_list"])[0].get("object_id", ""))
        wanted = json.loads(said.get("param_waybill_cloud_print_apply_new_request", "{}"))
        orders = wanted.get("trade_order_info_dtos") or [{}]
        return str(orders[0].get("object_id", ""))

    def _get(self, said: Asked) -> object:
        asked = json.loads(said["param_waybill_cloud_print_apply_new_request"])
        (order,) = asked["trade_order_info_dtos"]
        code, recipient = asked["cp_code"], order["recipient"]
        key, address = order["package_info"]["id"], recipient["address"]
        if not (recipient["name"] and recipient["mobile"] and address["province"] and address["detail"]):
            raise Refused(REMOTE, "isv.invalid-parameter:recipient")
        if not (
            asked["sender"]["address"]["province"]
            and order["template_url"]
            and order["package_info"]["items"]
        ):
            raise Refused(REMOTE, "isv.invalid-parameter:sender")
        number = self._numbers.known(code, key)
        if number is not None and number.live:
            number.asked += 1
        elif number is not None:
            raise Refused(REMOTE, "isv.waybill-already-cancelled")
        elif address["province"] in self._numbers.out_of_range:
            raise Refused(REMOTE, "isv.address-unreachable")
        else:
            number = self._numbers.take(code, key, address["province"])
        if number is None:
            raise Refused(REMOTE, "waybill account not enough", "电子面单余额不足")
        self.receivers[key] = recipient
        return {"modules": {"waybill_cloud_print_response": [_waybill(number)]}}

    def _find(self, said: Asked) -> object:
        keys = {each["biz_sub_code"] for each in json.loads(said["param_list"])}
        return _shown([each for each in self._numbers.live() if each.key in keys and each.code != "SF"])

    def _show(self, said: Asked) -> object:
        asked = json.loads(said["param_list"])
        found = [self._numbers.by_waybill.get(each["waybill_code"]) for each in asked]
        return _shown([each for each in found if each is not None and each.live])

    def _cancel(self, said: Asked) -> object:
        number = self._numbers.by_waybill.get(said["waybill_code"])
        if number is None or number.code != said["cp_code"]:
            raise Refused(REMOTE, "isv.waybill-not-exist")
        if not number.live:
            raise Refused(REMOTE, "isv.waybill-already-cancelled")
        if number.parcel:
            raise Refused(REMOTE, "isv.waybill-cancel-fail")
        number.live = False
        return {"cancel_result": True}


def _shown(numbers: list[Number]) -> object:
    entries = [{"success": True, "waybill_cloud_print_response": _waybill(each)} for each in numbers]
    return {"modules": {"waybill_cloud_print_with_result_desc_response": entries}}


def _waybill(number: Number) -> dict[str, str]:
    sealed = hashlib.sha256(number.waybill.encode()).hexdigest()
    data = {"encryptedData": f"AES:{sealed}", "signature": "MD:sim", "templateURL": "", "ver": "1"}
    return {
        "object_id": number.key, "waybill_code": number.waybill, "cp_code": number.code, "print_data": json.dumps(data),
    }  # fmt: skip
