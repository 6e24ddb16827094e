"""When each key was called with last, in a small file of each process: losing it costs a warning, never an order."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from tongdan.adapters.credentials_file import write_private
from tongdan.ports import Clock

FOLDER: Final = "key-use"
FLUSH_EVERY_S: Final = 60.0

_decoder: Final = msgspec.json.Decoder(dict[str, datetime])


class KeyUseFiles:
    """`ports.UseBook` in `folder`, of which `process` writes one file once a minute at most."""

    def __init__(self, folder: Path, process: int, clock: Clock) -> None:
        self._folder: Final = folder
        self._path: Final = folder / f"{process}.json"
        self._clock: Final = clock
        self._used: Final = _read(self._path)
        self._flushed_s = clock.monotonic()
        self._changed = False

    def note(self, task: str, key: str, at: datetime) -> None:
        self._used[f"{task}/{key}"] = at
        self._changed = True
        if self._clock.monotonic() - self._flushed_s >= FLUSH_EVERY_S:
            self.flush()

    def last(self) -> Mapping[str, datetime]:
        told = [_read(path) for path in self._folder.glob("*.json")]
        latest: dict[str, datetime] = {}
        for used in (*told, self._used):
            for name, at in used.items():
                latest[name] = max(at, latest.get(name, at))
        return latest

    def flush(self) -> None:
        self._flushed_s = self._clock.monotonic()
        if self._changed:
            self._changed = False
            self._folder.mkdir(exist_ok=True, mode=0o700)
            write_private(self._path, msgspec.json.encode(self._used))


def _read(path: Path) -> dict[str, datetime]:
    try:
        return _decoder.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError, ValueError):
        return {}
