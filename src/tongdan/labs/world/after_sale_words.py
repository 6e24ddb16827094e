"""How each platform phrases its after-sales: the push, the detail, the listing, and what an answer has to say.

The life of a case is `after_sales.py`; here are four platforms' fields and numbers, as their adapters' sources have
them (Kuaishou's: `kuaishou_refunds.py`). A gateway takes `methods` into its own.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from tongdan.domain.kernel.money import yuan_from_fen
from tongdan.labs.world.after_sales import AfterSales, Case
from tongdan.labs.world.douyin import Douyin, epoch
from tongdan.labs.world.gateway import Refused, instant, local
from tongdan.labs.world.jd import Jd
from tongdan.labs.world.pinduoduo import Pinduoduo
from tongdan.labs.world.setting import Setting
from tongdan.labs.world.taobao import Taobao

Method = Callable[[Any], Any]


def _id(setting: Setting, case: Case, digits: int) -> str:
    """The same for a push that is repeated."""
    return setting.stream("after-sale message", case.number, case.told).digits(digits)


class DouyinWords:
    listing: Final = "afterSale.List"
    _STATUS: Final = {"applied": 6, "awaiting_return": 7, "returning": 11, "refused": 27, "closed": 28}
    _ANSWERS: Final = {
        101: "agree",
        111: "refund",
        201: "refund",
        102: "refuse",
        112: "refuse",
        202: "refuse",
    }

    def __init__(self, setting: Setting, platform: Douyin) -> None:
        self._setting: Final = setting
        self._platform: Final = platform
        self.book: Final = AfterSales(
            setting, "douyin", self._tell, (50_002, "isv.business-failed:20309541", "售后状态错误")
        )
        self.methods: Final[dict[str, Method]] = {
            "afterSale.Detail": lambda said: self._detail(self.book.of(said["after_sale_id"])),
            self.listing: self._list,
            "afterSale.operate": self._operate,
        }

    def _tell(self, case: Case) -> None:
        at = epoch(case.updated_at)
        data = {
            "aftersale_id": int(case.number), "shop_id": int(self._platform.shop.native), "p_id": int(case.order),
            "s_id": int(case.line), "aftersale_status": self._status(case), "aftersale_type": self._type(case),
            "refund_amount": case.amount_fen, "reason_code": 1, "update_time": at,
        }  # fmt: skip
        tag = {
            "applied": "200",
            "refunding": "201",
            "refused": "204",
            "refunded": "206",
            "closed": "207",
        }.get(case.stage, "208")
        message = {"tag": tag, "msg_id": f"8{_id(self._setting, case, 18)}:0:{at}", "data": json.dumps(data)}
        self._platform.outbox.post(json.dumps(message).encode(), f"douyin.{tag}", case.order)

    def _status(self, case: Case) -> int:
        return self._STATUS.get(case.stage, 12)

    def _type(self, case: Case) -> int:
        return 0 if case.kind == "return_refund" else 1

    def _operate(self, said: Mapping[str, Any]) -> object:
        (item,) = said["items"]
        what = self._ANSWERS.get(said["type"])
        if what is None or (what == "agree" and not item["logistics"]["receiver_address_id"]):
            raise Refused(40_004, "isv.parameter-invalid", "参数错误")
        self.book.answer(item["aftersale_id"], what, str(item["update_time"]))
        return {"items": [{"aftersale_id": int(item["aftersale_id"]), "status_code": 0}]}

    def _list(self, said: Mapping[str, Any]) -> object:
        total, cases = self.book.changed(
            said["update_start_time"], said["update_end_time"], said["page"] + 1, said["size"]
        )
        items = [
            {
                "aftersale_info": {"aftersale_id": case.number, "update_time": epoch(case.updated_at)},
                "order_info": {"shop_order_id": case.order},
            }
            for case in cases
        ]
        return {"items": items, "total": total, "page": said["page"], "size": len(items), "has_more": False}

    def _detail(self, case: Case) -> object:
        refunded = {"refunding": 2, "refunded": 3}.get(case.stage, 1)
        info = {
            "after_sale_id": int(case.number), "after_sale_status": self._status(case),
            "after_sale_type": self._type(case), "refund_status": refunded, "refund_total_amount": case.amount_fen,
            "apply_time": epoch(case.applied_at), "update_time": epoch(case.updated_at), "reason_code": 1,
            "after_sale_apply_count": case.units, "status_deadline": epoch(case.decide_by) if case.decide_by else 0,
        }  # fmt: skip
        back = {"tracking_no": case.waybill, "company_code": "shunfeng" if case.waybill else ""}
        line = {
            "sku_order_id": int(case.line),
            "after_sale_item_count": case.units,
            "item_quantity": case.units,
        }
        return {
            "process_info": {"after_sale_info": info, "logistics_info": {"return": back}},
            "order_info": {"shop_order_id": int(case.order), "sku_order_infos": [line]},
        }


class PinduoduoWords:
    listing: Final = "pdd.refund.list.increment.get"
    _STATUS: Final = {
        "awaiting_return": 7, "returning": 3, "refunding": 4, "refunded": 10, "refused": 6, "closed": 11,
    }  # fmt: skip

    def __init__(self, setting: Setting, platform: Pinduoduo) -> None:
        self._setting: Final = setting
        self._platform: Final = platform
        self.book: Final = AfterSales(
            setting, "pinduoduo", self._tell, (30_000, "", "售后单状态不允许此操作")
        )
        self.methods: Final[dict[str, tuple[str, Method]]] = {
            "pdd.refund.information.get": ("refund_information_get_response", self._detail),
            self.listing: ("refund_increment_get_response", self._list),
            "pdd.refund.returngoods.agree": ("response", lambda said: self._answer(said, "agree")),
            "pdd.refund.agree": ("response", lambda said: self._answer(said, "refund")),
        }

    def _tell(self, case: Case) -> None:
        stamp = int(case.updated_at.timestamp() * 1_000)
        shop = int(self._platform.shop.native)
        content = {
            "mall_id": shop, "refund_fee": case.amount_fen, "bill_type": 1, "modified": stamp,
            "refund_id": int(case.number), "operation": 1_000, "tid": case.order,
        }  # fmt: skip
        topic = (
            "pdd_refund_RefundCreated" if case.stage == "applied" else "pdd_refund_RefundBuyerModifyAgreement"
        )
        frame = {
            "id": int(f"4{_id(self._setting, case, 15)}"), "commandType": "Common", "sendTime": stamp,
            "message": {"type": topic, "mallID": shop, "content": json.dumps(content)},
        }  # fmt: skip
        self._platform.outbox.post(json.dumps(frame).encode(), "pinduoduo.refund", case.order)

    def _status(self, case: Case) -> int:
        back = case.kind == "return_refund"
        return (3 if back else 2) if case.stage == "applied" else self._STATUS[case.stage]

    def _answer(self, said: Mapping[str, str], what: str) -> object:
        request = json.loads(said["request"])
        if what == "agree" and not request["return_address_id"]:
            raise Refused(30_005, message="退货地址不存在")
        self.book.answer(request["after_sales_id"], what)
        return {"result": {"success": True, "after_sales_id": request["after_sales_id"]}}

    def _list(self, said: Mapping[str, str]) -> object:
        total, cases = self.book.changed(
            int(said["start_updated_at"]),
            int(said["end_updated_at"]),
            int(said["page"]),
            int(said["page_size"]),
        )
        rows = [
            {"id": int(case.number), "order_sn": case.order, "updated_time": local(case.updated_at)}
            for case in cases
        ]
        return {"refund_list": rows, "total_count": total}

    def _detail(self, said: Mapping[str, str]) -> object:
        case = self.book.of(said["after_sales_id"])
        return {
            "id": int(case.number), "order_sn": case.order, "after_sales_status": self._status(case),
            "after_sales_type": 2 if case.kind == "return_refund" else 1, "refund_amount": case.amount_fen,
            "goods_number": case.units, "sku_id": case.line, "updated_time": local(case.updated_at),
            "recreated_at": int(case.applied_at.timestamp()), "express_no": case.waybill,
            "expire_time": int(case.decide_by.timestamp()) if case.decide_by else None, "join_or_not": "0",
        }  # fmt: skip


class TaobaoWords:
    listing: Final = "taobao.refunds.receive.get"
    _STATUS: Final = {
        "applied": "WAIT_SELLER_AGREE", "awaiting_return": "WAIT_BUYER_RETURN_GOODS",
        "returning": "WAIT_SELLER_CONFIRM_GOODS", "refused": "SELLER_REFUSE_BUYER", "closed": "CLOSED",
        "refunding": "SUCCESS", "refunded": "SUCCESS",
    }  # fmt: skip

    def __init__(self, setting: Setting, platform: Taobao) -> None:
        self._setting: Final = setting
        self._platform: Final = platform
        self.book: Final = AfterSales(
            setting, "taobao", self._tell, (15, "isv.refund-status-error", "退款状态不允许")
        )
        self.methods: Final[dict[str, Method]] = {
            "taobao.refund.get": lambda said: {"refund": self._show(self.book.of(said["refund_id"]))},
            self.listing: self._list,
            "taobao.rp.returngoods.agree": lambda said: self._answer(
                said["refund_id"], "agree", said["refund_version"]
            ),
            "taobao.refund.refuse": lambda said: self._answer(
                said["refund_id"], "refuse", said["refund_version"]
            ),
            "taobao.rp.refunds.agree": self._refund,
        }

    def _tell(self, case: Case) -> None:
        content = {
            "refund_fee": yuan_from_fen(case.amount_fen), "oid": int(case.line), "tid": int(case.order),
            "refund_id": int(case.number), "bill_type": "refund_bill", "modified": local(case.updated_at),
        }  # fmt: skip
        topic = {"applied": "Created", "refunded": "Success", "closed": "Closed"}.get(
            case.stage, "SellerAgreeAgreement"
        )
        message = {
            "id": int(f"9{_id(self._setting, case, 15)}"), "topic": f"taobao_refund_Refund{topic}",
            "pub_time": local(case.updated_at), "user_id": int(self._platform.shop.native),
            "content": json.dumps(content),
        }  # fmt: skip
        self._platform.outbox.post(json.dumps(message).encode(), "taobao.refund", case.order)

    def _refund(self, said: Mapping[str, str]) -> object:
        number, fen, version, *_ = said["refund_infos"].split("|")
        if int(fen) != self.book.of(number).amount_fen:
            raise Refused(15, "isv.refund-fee-error")
        return {**self._answer(number, "refund", version), "msg_code": "OP_SUCC"}

    def _versioned(self, said: Mapping[str, str], what: str) -> object:
        return self._answer(said["refund_id"], what, said["refund_version"])

    def _answer(self, number: str, what: str, version: str) -> dict[str, object]:
        self.book.answer(number, what, version)
        return {"is_success": True}

    def _list(self, said: Mapping[str, str]) -> object:
        since, until = instant(said["start_modified"]), instant(said["end_modified"])
        total, cases = self.book.changed(
            int(since.timestamp()), int(until.timestamp()), int(said["page_no"]), int(said["page_size"])
        )
        rows = [
            {"refund_id": case.number, "tid": case.order, "modified": local(case.updated_at)}
            for case in cases
        ]
        return {"refunds": {"refund": rows}, "total_results": total}

    def _show(self, case: Case) -> object:
        return {
            "refund_id": case.number, "tid": case.order, "oid": case.line, "status": self._STATUS[case.stage],
            "dispute_type": "REFUND_AND_RETURN" if case.kind == "return_refund" else "REFUND",
            "refund_fee": yuan_from_fen(case.amount_fen), "num": case.units, "created": local(case.applied_at),
            "modified": local(case.updated_at), "company_name": "顺丰速运" if case.waybill else "", "sid": case.waybill,
            "refund_phase": "aftersale", "refund_version": int(case.mark),
            "refund_remind_timeout": {"timeout": local(case.decide_by) if case.decide_by else ""}, "cs_status": 1,
        }  # fmt: skip


class JdWords:
    listing: Final = "jingdong.pop.afs.soa.refundapply.queryPageList"
    _STATUS: Final = {"applied": 0, "refunding": 1, "refused": 2, "refunded": 3, "closed": 11}

    def __init__(self, setting: Setting, platform: Jd) -> None:
        self._setting: Final = setting
        self._platform: Final = platform
        self.book: Final = AfterSales(setting, "jd", self._tell, (10_400_009, "", "退款单状态不允许"))
        head = "jingdong_pop_afs_soa_refundapply_"
        self.methods: Final[dict[str, tuple[str, Method]]] = {
            "jingdong.pop.afs.soa.refundapply.queryById": (
                f"{head}queryById_responce",
                lambda said: {
                    "queryResult": {"success": True, "result": [self._show(self.book.of(said["id"]))]}
                },
            ),
            self.listing: (f"{head}queryPageList_responce", self._list),
            "jingdong.pop.afs.soa.refundapply.replyRefund": (f"{head}replyRefund_responce", self._reply),
        }

    def _tell(self, case: Case) -> None:
        notice = {
            "messageId": _id(self._setting, case, 18), "topic": "pop_refund_apply",
            "venderId": int(self._platform.shop.native), "orderId": int(case.order), "refundId": int(case.number),
            "modified": local(case.updated_at),
        }  # fmt: skip
        self._platform.outbox.post(json.dumps(notice).encode(), "jd.refund", case.order)

    def _reply(self, said: Mapping[str, Any]) -> dict[str, object]:
        self.book.answer(said["id"], {1: "refund", 2: "refuse"}[said["status"]])
        return {"replyResult": {"success": True}}

    def _list(self, said: Mapping[str, Any]) -> dict[str, object]:
        """By the time of application, or that of the last audit."""
        checked = "checkTimeStart" in said
        name = "checkTime" if checked else "applyTime"
        since, until = instant(said[f"{name}Start"]), instant(said[f"{name}End"])
        found = [
            case for case in self.book.cases.values()
            if since <= (case.updated_at if checked else case.applied_at).replace(microsecond=0) <= until
        ]  # fmt: skip
        found.sort(key=lambda case: (case.updated_at, case.number), reverse=True)
        page, size = int(said["pageIndex"]), int(said["pageSize"])
        rows = [self._show(case) for case in found[(page - 1) * size : page * size]]
        return {"queryResult": {"success": True, "result": rows, "totalCount": len(found)}}

    def _show(self, case: Case) -> object:
        checked = local(case.updated_at) if case.stage != "applied" else None
        return {
            "id": int(case.number), "orderId": case.order, "status": str(self._STATUS[case.stage]),
            "applyRefundSum": str(case.amount_fen), "applyTime": local(case.applied_at), "checkTime": checked,
        }  # fmt: skip


Words = DouyinWords | PinduoduoWords | TaobaoWords | JdWords
