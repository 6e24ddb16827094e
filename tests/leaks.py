"""Where people stand in clear: the names, phones, addresses and payment ids of a seeded world, looked for byte by byte.

Each value is looked for in every spelling in which a file, a message or a log may hold it.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tongdan.labs.world.people import Buyer, buyer_of
from tongdan.labs.world.world import World


def bought(world: World) -> dict[tuple[str, str], Buyer]:
    """(channel, native) → who bought it, at the address they last gave."""
    own = {("MP", native): order.buyer for native, order in world.own_shop.orders.items()}
    return own | {
        (code, native): order.buyer
        for code, platform in world.platforms.by_code.items()
        for native, order in platform.orders.items()
    }


def secrets_of(seed: int, buyers: Iterable[Buyer]) -> dict[bytes, str]:
    """Spelling → what it is; of everybody as they first were too, before they changed their address."""
    told = set(buyers)
    everybody = told | {buyer_of(seed, buyer.id.removeprefix("U")) for buyer in told}
    return {
        spelling: f"{kind} of {buyer.id}"
        for buyer in everybody
        for kind in ("name", "phone", "detail", "openid")
        for spelling in _spellings(getattr(buyer, kind))
    }


def _spellings(value: str) -> Iterator[bytes]:
    yield value.encode()
    yield value.encode("gb18030")
    yield json.dumps(value)[1:-1].encode()
    yield "".join(f"%{each:02X}" for each in value.encode()).encode()


def found_in(secrets: dict[bytes, str], where: bytes) -> set[str]:
    return {what for secret, what in secrets.items() if secret in where}


def leaks(secrets: dict[bytes, str], *folders: Path) -> dict[str, set[str]]:
    """File → who stands in it. Raises AssertionError when there is too little to look at."""
    files = {path: path.read_bytes() for each in folders for path in each.rglob("*") if path.is_file()}
    assert len(files) > 10
    assert sum(map(len, files.values())) > 1_000_000
    return {path.name: found for path, held in files.items() if (found := found_in(secrets, held))}
