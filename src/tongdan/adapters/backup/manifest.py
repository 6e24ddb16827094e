"""What a backup says of itself: when it was cut, what it follows, and how each of its files can be told to be whole.

A manifest is written last and its folder gets its name after that, so a folder with a name is a whole backup. It
holds no secret: the master key is known by marks only.
"""

from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from tongdan.ports import StoreFailure

FORMAT: Final = 1
FILE: Final = "manifest.json"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One shard of a backup. `whole`: a copy of the file; else only what has come since the backup before.

    `pos` and `last` are position and hash of its last journal row at the cut, by which a later increment knows that it
    follows; `shape` changes when rows may have gone, so that only a whole copy will do. `heads`: slot → epoch, seq and
    hash; `reacted`: slot → epoch and seq of the relay's cursor.
    """

    file: str
    whole: bool
    bytes: int
    digest: str
    rows: int
    pos: int
    last: str
    shape: str
    heads: dict[int, tuple[int, int, str]]
    reacted: dict[int, tuple[int, int]]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`previous`: the backup that this one adds to, "" for one that stands alone. `revision`: the newest policy.

    `keys`: a mark for each generation of the master key, which is needed to read people and payloads.
    """

    name: str
    at: datetime
    previous: str
    shards: list[Part]
    revision: int
    keys: list[str]
    held_ms: float
    took_s: float
    format: int = FORMAT

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.shards)

    @property
    def reacted(self) -> dict[int, tuple[int, int]]:
        """slot → the fact up to which its relay had reacted; of a slot that lay in two files, the earlier."""
        earliest: dict[int, tuple[int, int]] = {}
        for part in self.shards:
            for slot, place in part.reacted.items():
                earliest[slot] = min(place, earliest.get(slot, place))
        return earliest

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.shards)


_decoder: Final = msgspec.json.Decoder(Manifest)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def read_manifest(folder: Path) -> Manifest:
    """Raises StoreFailure for one that cannot be read, or is of a later format."""
    try:
        manifest = _decoder.decode((folder / FILE).read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreFailure(f"{folder.name}: its manifest cannot be read: {error}") from error
    if manifest.format > FORMAT:
        raise StoreFailure(f"{folder.name} has format {manifest.format}, this version reads up to {FORMAT}")
    return manifest
