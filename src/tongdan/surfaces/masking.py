"""Personal data as it is shown to whoever may not see it.

A name keeps its first character (张**), a phone its first three and last four digits (138****1234), an address its
region. A payload as received may hold anything anywhere, so there the rule is turned round: only what is known to be
harmless (codes, numbers, times, amounts) is shown, everything else is a dot for a reader to know it was there.
"""

import json
import re
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError, indent, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tongdan.domain.kernel.messages import Person

HIDDEN: Final = "•••"
MAX_SHOWN_BYTES: Final = 65_536
MAX_DEPTH: Final = 12

# Field names of partners' messages whose values name no person, without case and underscores.
_HARMLESS_NAMES: Final = """
    actualqty adjustfee aftersaleid aftersalestatus aftersaletype afterorderstatus algorithm amount amountfen appid
    applytime associateddata attempt banktype biz biztype canceltime carrier channel channelpaymentno code companycode
    completetime confirmtype count createtime currency customerid deliveryordercode deliveryorderid discountfen errno
    errorcode event eventtype expresscode expresscompanyid expshiptime flag freightfen inventorytype itemcode itemid
    itemnum itemquantity logid logisticscode mainstatus mchid method milestone modifytime msgid nativestatus
    operatetime orderamount ordercode ordercreatetime orderid orderlineno orderno orderstatus ordertype originaltype
    originamount outbizcode outskuid outtradeno ownercode packagecode packid paid paidat parentorderid payamount
    payercurrency payertotal paytime paytype pid placedat planqty platformsku postamount price processstatus productid
    promotionamount quantity reasoncode reference refundstatus requestid resourcetype returncode serial settledat
    shipmentid shippednum shippedorderid shipping shiptime shop shopid shoporderid sids sku skucode skuid skunum
    sourceordercode sourceplatformcode status subcode success successtime system tag time timestamp total totalamount
    tradestate tradetype transactionid type units updatetime volume warehouse warehousecode waybill weight
"""
_HARMLESS: Final = frozenset(_HARMLESS_NAMES.split())
_REGION: Final = frozenset(["province", "city", "district", "town"])
_CODE: Final = re.compile(r"[!-~][ -~]{0,79}")
_PHONE: Final = re.compile(r"(\+?86)?1[3-9]\d{9}")
_SHORT_NUMBER: Final = 10**6  # a longer one may be a phone


def mask_name(name: str) -> str:
    """`张三丰` → `张**`: how long the name is stays hidden too."""
    return f"{name[0]}**" if name else ""


def mask_phone(phone: str) -> str:
    """`13812341234` → `138****1234`. What is too short to keep anything of is hidden whole."""
    if "*" in phone:  # as the platform masked it
        return phone
    digits = re.sub(r"\D", "", phone)
    return f"{digits[-11:][:3]}****{digits[-4:]}" if len(digits) >= 10 else "****" if phone else ""


def mask_person(person: Person) -> Person:
    return Person(
        name=mask_name(person.name),
        phone=mask_phone(person.phone),
        province=person.province,
        city=person.city,
        district=person.district,
        buyer=mask_name(person.buyer),
        sealed=dict.fromkeys(person.sealed, HIDDEN),
    )


def mask_raw(raw: bytes) -> str:
    """A payload as received, laid out for reading, with everything hidden that may name somebody."""
    if len(raw) > MAX_SHOWN_BYTES:
        return _unshown(raw)
    head = raw.lstrip()[:1]
    try:
        if head in (b"{", b"["):
            return json.dumps(_masked("", json.loads(raw), 0), ensure_ascii=False, indent=2)
        if head == b"<":
            root = fromstring(raw.decode())
            _mask_element(root, 0)
            indent(root)
            return tostring(root, encoding="unicode")
    except (ValueError, RecursionError, ParseError, DefusedXmlException, LookupError):
        pass
    return _unshown(raw)


def _unshown(raw: bytes) -> str:
    return f"{HIDDEN} ({len(raw)} bytes)"


def _shown(name: str, value: str) -> str:
    """The value if it names nobody, else a dot."""
    plain = name.replace("_", "").replace("-", "").lower()
    if plain in _REGION and len(value) <= 16 and not any(each.isdigit() for each in value):
        return value
    is_code = plain in _HARMLESS and _CODE.fullmatch(value) and not _PHONE.fullmatch(value)
    return value if is_code or not value else HIDDEN


def _masked(name: str, value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return HIDDEN
    if isinstance(value, dict):
        return {_key(key): _masked(key, each, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(name, each, depth + 1) for each in value]
    if isinstance(value, str) and value[:1] in ("{", "["):  # JSON within JSON: some platforms go three deep
        try:
            return _masked(name, json.loads(value), depth + 1)
        except ValueError:
            return HIDDEN
    if isinstance(value, int | float) and abs(value) >= _SHORT_NUMBER:
        return value if _shown(name, str(value)) != HIDDEN else HIDDEN
    return _shown(name, value) if isinstance(value, str) else value


def _key(key: str) -> str:
    """Some payloads use a person's number as a key."""
    return key if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", key) else HIDDEN


def _mask_element(element: Element, depth: int) -> None:
    if depth > MAX_DEPTH:
        element.clear()
        return
    name = str(element.tag).rpartition("}")[2]
    if element.text and element.text.strip():
        element.text = _shown(name, element.text.strip())
    for attribute, value in element.attrib.items():
        element.attrib[attribute] = _shown(attribute, value)
    element.tail = None
    for child in element:
        _mask_element(child, depth + 1)
