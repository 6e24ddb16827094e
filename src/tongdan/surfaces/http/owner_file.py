"""A small JSON file that only its owner may read: read again when it changes, written whole or not at all.

So what one process revokes stops working in every other at the next request, without a message between them.
"""

import os
import stat
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class FileRefused(Exception):
    """The file cannot be used or changed like this; the message says what to do, in English and Chinese."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en: Final = en
        self.zh: Final = zh


class OwnerFile(Generic[T]):
    """The `kind` of struct that `path` holds; a file that is not there yet is an empty one."""

    def __init__(self, path: Path, kind: type[T]) -> None:
        self._path: Final = path
        self._kind: Final = kind
        self._version = (-1, -1)
        self._held = kind()

    def read(self) -> T:
        """Raises FileRefused."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return self._kind()
        version = (status.st_mtime_ns, status.st_ino)
        if version != self._version:
            if stat.S_IMODE(status.st_mode) & 0o077:
                raise FileRefused(
                    f"{self._path} must be readable by its owner only: chmod 600 {self._path}",
                    f"{self._path} 只能由其所有者读取：chmod 600 {self._path}",
                )
            try:
                self._held = msgspec.json.decode(self._path.read_bytes(), type=self._kind)
            except msgspec.DecodeError as error:
                raise FileRefused(
                    f"{self._path} is not what it should be: {error}", f"{self._path} 内容有误：{error}"
                ) from None
            self._version = version
        return self._held

    def write(self, held: T) -> None:
        part = self._path.with_name(self._path.name + ".new")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(held), indent=1))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
