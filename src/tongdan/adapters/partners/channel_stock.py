"""How each platform is told what it may sell of a SKU: absolute numbers, so that a repeat changes nothing.

Pinduoduo, Taobao and Kuaishou want the number of the goods beside that of the SKU, which a match says. Kuaishou takes
differences only, so what it has is read first: what it sells between the two calls stays sold. Sources: Douyin, the
platform's kits (sku.syncStock); Pinduoduo, lywzx/pdd-node-sdk (goods.quantity.update); Taobao, mzzya/tbsdk
(skus.quantity.update, 20 SKUs a call); JD, its .NET and Java kits (stock.write.updateSkuStock); Kuaishou, the
docstrings of its Python kits (item.sku.stock.update of 2025: changeType 1 adds, 2 takes, 1 to 9,999,998 at a time;
item.sku.list.get). Assumed: JD's answer says `success`, Kuaishou lists `skuId` or `kwaiSkuId` and `skuStock`.
"""

from typing import Final

import msgspec

from tongdan.adapters.partners.channel import Call, Refused, Talk
from tongdan.adapters.partners.reading import NotReadable
from tongdan.domain.fulfillment.quota_facts import PublishQuota
from tongdan.ports import Failed

SYNC: Final = "sku.syncStock"
UPDATE: Final = "pdd.goods.quantity.update"
SET_SKUS: Final = "taobao.skus.quantity.update"
SET_SKU: Final = "jingdong.stock.write.updateSkuStock"
CHANGE: Final = "open.item.sku.stock.update"
SKUS: Final = "open.item.sku.list.get"
WHOLE: Final = 1  # Pinduoduo, Taobao: all of it, not a difference
ADDS, TAKES = 1, 2


class _Done(msgspec.Struct):
    is_success: bool = False


class _Set(msgspec.Struct):
    success: bool | str = False


class _Sku(msgspec.Struct, rename="camel"):
    sku_stock: int
    sku_id: int | str = ""
    kwai_sku_id: int | str = ""


_done: Final = msgspec.json.Decoder(_Done)
_set: Final = msgspec.json.Decoder(_Set)
_skus: Final = msgspec.json.Decoder(list[_Sku])


class DouyinStocks:
    def publish(self, effect: PublishQuota) -> Talk[None]:
        number = {"sku_id": _number(effect.offer), "stock_num": effect.units, "incremental": False}
        yield Call(SYNC, number)


class PinduoduoStocks:
    def publish(self, effect: PublishQuota) -> Talk[None]:
        """Goods that are in a promotion of the platform take no lower number: that is a no."""
        numbers = {"goods_id": _product(effect), "sku_id": _number(effect.offer)}
        data = yield Call(UPDATE, {**numbers, "quantity": effect.units, "update_type": WHOLE})
        if not _done.decode(data).is_success:
            raise Refused(Failed("Pinduoduo: is_success false"))


class TaobaoStocks:
    def publish(self, effect: PublishQuota) -> Talk[None]:
        quantities = f"{_number(effect.offer)}:{effect.units}"
        yield Call(SET_SKUS, {"num_iid": _product(effect), "skuid_quantities": quantities, "type": WHOLE})


class JdStocks:
    def publish(self, effect: PublishQuota) -> Talk[None]:
        data = yield Call(SET_SKU, {"skuId": _number(effect.offer), "stockNum": effect.units})
        if str(_set.decode(data).success).lower() != "true":
            raise Refused(Failed("JD: success false"))


class KuaishouStocks:
    def publish(self, effect: PublishQuota) -> Talk[None]:
        product, number = _product(effect), _number(effect.offer)
        skus = _skus.decode((yield Call(SKUS, {"kwaiItemId": product})))
        found = [each for each in skus if str(number) in (str(each.sku_id), str(each.kwai_sku_id))]
        if not found:
            raise Refused(Failed("Kuaishou: the goods have no such SKU", final=True))
        change = effect.units - found[0].sku_stock
        if change:
            kind = ADDS if change > 0 else TAKES
            changed = {"skuChangeStock": abs(change), "changeType": kind}
            yield Call(CHANGE, {"kwaiItemId": product, "skuId": number, **changed})


def _product(effect: PublishQuota) -> int:
    if not effect.product:
        where = f"tongdan catalog match {effect.shop} {effect.offer} {effect.sku} --product NUMBER"
        raise Refused(Failed(f"the platform's number of the goods is not known: {where}", final=True))
    return _number(effect.product)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise NotReadable("expected a number of at most 19 digits to know goods and SKUs by")
    return int(text)
