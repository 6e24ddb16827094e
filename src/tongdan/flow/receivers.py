"""Whether two orders go to the same receiver, without anybody being shown who that is.

Where a platform gives an address id of its own, that decides; else name, telephone and address as they were given, as
long as nothing of them is masked. What is encrypted without such an id cannot be compared: a cipher may differ for the
same text.
"""

from tongdan.domain.kernel.messages import Person
from tongdan.flow.clues import ADDRESS_ID, phone_digits


def receiver_of(person: Person | None) -> tuple[str, ...] | None:
    """What is the same for the same receiver; None when that cannot be known. Not to be kept, shown or logged."""
    if person is None:
        return None
    if address := person.sealed.get(ADDRESS_ID):
        return (ADDRESS_ID, address)
    told = (person.name, person.province, person.city, person.district, person.detail)
    if any("*" in text for text in (*told, person.phone)) or not (person.phone and person.detail):
        return None
    return (phone_digits(person.phone), *["".join(text.split()) for text in told])
