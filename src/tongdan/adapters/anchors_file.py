"""Chain heads of every day, one line of JSON each, beside the shard files and outside of any database.

Each line is hashed over the one before, so whoever keeps a copy of one line holds all earlier ones fast, and a journal
that was exchanged as a whole, chains and all, does not agree with it. Several processes may append.
"""

import fcntl
import os
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from tongdan.ports import Anchor, StoreFailure

FILE: Final = "anchors.jsonl"
MODE: Final = 0o600
_LONGEST_LINE: Final = 65_536  # bytes; 256 heads of 80 bytes have room
_decoder: Final = msgspec.json.Decoder(Anchor)


class AnchorsFile:
    """`ports.Anchors` in the file at `path`; it need not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, day: int, at: datetime, heads: dict[int, str]) -> None:
        try:
            with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, MODE), "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                size = file.seek(0, os.SEEK_END)
                start = file.seek(max(0, size - _LONGEST_LINE))
                tail = file.read()
                whole = start + tail.rfind(b"\n") + 1
                file.truncate(whole)  # a line that a power cut tore
                file.seek(whole)
                last = tail[: whole - start].split(b"\n")[-2:-1]
                before = _decoder.decode(last[0]).hash if last else ""
                anchor = Anchor(day=day, at=at, heads=heads, before=before)
                anchor = msgspec.structs.replace(anchor, hash=_hash_of(anchor))
                file.write(msgspec.json.encode(anchor) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreFailure(f"{self._path.name}: {error.strerror}") from error
        except msgspec.MsgspecError:
            raise StoreFailure(f"{self._path.name} ends in a line that is no anchor") from None

    def entries(self) -> Iterator[Anchor]:
        before = ""
        try:
            with self._path.open("rb") as file:
                for n, line in enumerate(file, 1):
                    if not line.endswith(b"\n"):
                        return  # torn, and never reported as written
                    anchor = _decoder.decode(line)
                    plain = msgspec.structs.replace(anchor, hash="")
                    if anchor.before != before or anchor.hash != _hash_of(plain):
                        raise StoreFailure(f"{self._path.name}: line {n} is not as it was written")
                    before = anchor.hash
                    yield anchor
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreFailure(f"{self._path.name}: {error.strerror}") from error
        except msgspec.MsgspecError:
            raise StoreFailure(f"{self._path.name} holds a line that is no anchor") from None


def _hash_of(anchor: Anchor) -> str:
    return blake2b(msgspec.json.encode(anchor), digest_size=32).hexdigest()
