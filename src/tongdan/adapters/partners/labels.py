"""What every carrier's label and number have in common: their bounds, and what each interface can be given.

A label is personal data on its way to a printer: fetched when somebody asks, handed on, and not kept.
"""

import re
from typing import Final

from tongdan.adapters.partners.reading import NotReadable
from tongdan.adapters.partners.settings import Partners
from tongdan.domain.kernel.policy import SELLER, WAREHOUSE, CarrierMap, Policy, Warehouse

PDF: Final = "pdf"
JSON: Final = "json"  # print data for the printing component of a cloud printer
MAX_LABEL_BYTES: Final = 2 * 2**20
SF: Final = "sf"
CAINIAO: Final = "cainiao"
SF_CODE: Final = "SF"

# Whose interface → channels whose receivers it can be given. Own shops have theirs in clear, Taobao's OAID is opened by
# Cainiao. Douyin, Pinduoduo and JD encrypt theirs for waybill services of their own, which the warehouse uses.
RECEIVERS: Final = {SF: frozenset({"MP"}), CAINIAO: frozenset({"MP", "TB"})}

_NUMBER: Final = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII)


def number_of(text: str) -> str:
    """A carrier's number. Raises NotReadable."""
    number = text.strip()
    if not _NUMBER.fullmatch(number):
        raise NotReadable("expected the waybill to be at most 40 letters, digits and hyphens")
    return number


def check_waybills(policy: Policy, partners: Partners) -> tuple[str, str, str] | None:
    """What cannot be meant: file, place, what was expected."""
    for carrier in policy.carriers.values():
        if wrong := _wrong_terms(carrier, partners):
            return f"carriers/{carrier.code}.yml", *wrong
    for warehouse in policy.warehouses.values():
        if wrong := _wrong_taking(warehouse, policy):
            return "warehouses.yml", *wrong
    for code in partners.senders:
        if code not in policy.warehouses:
            return "partners.yml", f"senders.{code}", "expected a warehouse of warehouses.yml"
    return None


def _wrong_terms(carrier: CarrierMap, partners: Partners) -> tuple[str, str] | None:
    terms = carrier.waybill
    if terms is None:
        return None
    known = RECEIVERS.get(terms.through)
    if known is None or (terms.through == SF) != (carrier.code == SF_CODE):
        return "waybill.through", f"expected {SF} for the carrier {SF_CODE}, {CAINIAO} for every other"
    if terms.through == CAINIAO and partners.cainiao is None:
        return "waybill.through", "expected partners.yml to have `cainiao`"
    if not terms.channels or (strange := set(terms.channels) - known):
        got = f", got {min(strange)!r}" if terms.channels else ""
        return (
            "waybill.channels",
            f"expected channels whose receivers it can open: {', '.join(sorted(known))}{got}",
        )
    if not terms.template:
        return "waybill.template", "expected the template of its label"
    return None


def _wrong_taking(warehouse: Warehouse, policy: Policy) -> tuple[str, str] | None:
    if warehouse.waybill not in (WAREHOUSE, SELLER):
        return f"{warehouse.code}.waybill", f"expected {WAREHOUSE} or {SELLER}, got {warehouse.waybill!r}"
    giving = [each.code for each in policy.carriers.values() if each.waybill is not None]
    if warehouse.waybill == SELLER and warehouse.carrier not in giving:
        expected = (
            f"expected a carrier with `waybill` in its file ({', '.join(giving)}), got {warehouse.carrier!r}"
        )
        return f"{warehouse.code}.carrier", expected
    return None
