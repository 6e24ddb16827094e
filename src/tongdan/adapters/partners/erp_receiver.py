"""The receiver of an open order as far as an ERP's file shows it: platforms have them masked, encrypted or left out."""

from typing import Final

from tongdan.adapters.partners.erp_cells import Cells, Wrong
from tongdan.adapters.partners.regions import region_of
from tongdan.domain.kernel.messages import Person

_AROUND_CIPHERS: Final = "~$#"  # as Pinduoduo, Taobao and Douyin write what they have encrypted


def read_person(cells: Cells) -> tuple[Person, str]:
    """A receiver in the open, and the region. Raises Wrong where something is missing."""
    province = cells.needed("province")
    region = region_of(province)
    if not region:
        raise Wrong("province: expected the name of a province", "province 应为省级行政区名称")
    person = Person(
        name=cells.needed("name"),
        phone=cells.needed("phone"),
        province=province,
        city=cells.needed("city"),
        district=cells.get("district"),
        detail=cells.needed("detail"),
    )
    return person, region


def read_receiver(cells: Cells) -> tuple[Person, bool]:
    """The receiver, and whether something of it is hidden. Raises Wrong for what is no province."""
    province, city, district = _place(cells)
    if province and not region_of(province) and not _is_hidden(province):
        raise Wrong("province: expected the name of a province", "province 应为省级行政区名称")
    address = [text for text in (cells.get("street"), cells.get("detail")) if text]
    person = Person(
        name=cells.get("name"),
        phone=cells.get("phone"),
        province=province,
        city=city,
        district=district,
        detail=" ".join(address),
        buyer=cells.get("buyer")[:64],
    )
    shown = [person.name, person.phone, province, *(address or [""])]
    return person, any(_is_hidden(text) for text in shown)


def _place(cells: Cells) -> tuple[str, str, str]:
    if cells.get("province") or not cells.get("area"):
        return cells.get("province"), cells.get("city"), cells.get("district")
    province, city, district, *_ = [*cells.get("area").split(), "", "", ""]
    return province, city, district


def _is_hidden(text: str) -> bool:
    return not text or "*" in text or (text[0] in _AROUND_CIPHERS and text[-1] in _AROUND_CIPHERS)
