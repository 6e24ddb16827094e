"""The slot is the log: 256 of them, each with its own sequence, hash chain, cursors and id counters.

A shard (a file, a database) is only where slots lie, so slots can move while ids, chains and cursors stay as they are.
`slot_of` is part of the data format: BLAKE2b over the UTF-8 of all parts, each after its length in characters and a
colon; never Python's `hash()`.
"""

from hashlib import blake2b
from typing import Final

SLOTS: Final = 256


def digest(*parts: str, size: int = 16) -> bytes:
    """A stable digest of `parts` (size in bytes, 1…64); ("a", "bc") and ("ab", "c") differ."""
    return blake2b("".join([f"{len(part)}:{part}" for part in parts]).encode(), digest_size=size).digest()


def slot_of(*parts: str) -> int:
    """The slot (0…255) that a key lives in: the first byte of its 8-byte digest."""
    return digest(*parts, size=8)[0]
