"""Who was erased: a line of JSON for each erasure, beside the shard files and outside their backups.

A backup still holds the salts of those erased since; this log is what they are erased by again after a restore. It
holds order ids and times, no personal data, and is on the disk before the erasure itself.
"""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from tongdan.ports import ErasureEntry, StoreFailure

MODE: Final = 0o600
_decoder: Final = msgspec.json.Decoder(ErasureEntry)


class ErasureLogFile:
    """`ports.ErasureLog` in the file at `path`; it need not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, subjects: Sequence[str], at: datetime, operator: str) -> ErasureEntry:
        entry = ErasureEntry(at=at, operator=operator, subjects=tuple(subjects))
        try:
            with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, MODE), "r+b") as file:
                whole = file.read().rfind(b"\n") + 1
                file.truncate(whole)  # a line that a power cut tore was never acted upon
                file.seek(whole)
                file.write(msgspec.json.encode(entry) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            _sync_folder(self._path.parent)
        except OSError as error:
            raise StoreFailure(f"{self._path.name}: {error.strerror}") from error
        return entry

    def entries(self) -> list[ErasureEntry]:
        """Oldest first. Raises StoreFailure for a line that is none."""
        try:
            *lines, _ = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        try:
            return [_decoder.decode(line) for line in lines]
        except msgspec.MsgspecError as error:
            raise StoreFailure(f"{self._path.name} holds a line that is no erasure: {error}") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
