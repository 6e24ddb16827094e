"""The master key: a file of mode 0600 made at first start, or an environment variable. It may have generations.

Line n holds generation n as 64 hex digits; the last line is the one that seals. A generation under which nothing
readable is sealed any more can be retired: its line then says `retired`, so that the others keep their numbers. In
the environment commas stand for the ends of lines.
"""

import os
import stat
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

from tongdan.adapters.vault import KEY_BYTES, AesGcmVault
from tongdan.ports import Entropy

MASTER_KEY_ENV: Final = "TONGDAN_MASTER_KEY"
RETIRED: Final = "retired"
MAX_GENERATIONS: Final = 255  # a generation is one byte of what is sealed


class MasterKeyRefused(Exception):
    """The keys cannot be changed like this; the message says what to do, in English and Chinese."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en: Final = en
        self.zh: Final = zh


def open_vault(path: Path, entropy: Entropy) -> AesGcmVault:
    """A vault under the master key: from the environment if set, else from `path`, made there at first start.

    Raises PermissionError when others may read the file, ValueError when it does not hold what it should.
    """
    keys = dict(_generations(path, entropy))
    newest = max(keys)
    return AesGcmVault(keys.pop(newest), entropy, generation=newest, older=keys)


def key_marks(path: Path) -> list[str]:
    """A mark for each generation, by which a key is known again and which tells nothing of it; "" for a retired one.

    Empty when there is no key. Makes none.
    """
    given = os.environ.get(MASTER_KEY_ENV)
    if not given and not path.exists():
        return []
    lines = given.split(",") if given else path.read_text().split()
    keys = dict(_read(lines, MASTER_KEY_ENV if given else str(path)))
    return [
        blake2b(keys[n], digest_size=8, person=b"tongdan-key-mark").hexdigest() if n in keys else ""
        for n in range(1, len(lines) + 1)
    ]


def rotate(path: Path, entropy: Entropy) -> int:
    """Add a generation, used from the next start on; returns its number. Raises MasterKeyRefused."""
    lines = _changeable(path, entropy)
    if len(lines) >= MAX_GENERATIONS:
        raise MasterKeyRefused(
            f"there have been {MAX_GENERATIONS} generations", f"主密钥已有 {MAX_GENERATIONS} 代"
        )
    _write(path, [*lines, entropy.token(KEY_BYTES).hex()])
    return len(lines) + 1


def retire(path: Path, entropy: Entropy, generation: int) -> None:
    """Forget an older generation for good. Whoever calls has made sure that nothing needs it."""
    lines = _changeable(path, entropy)
    if not 0 < generation < len(lines) or lines[generation - 1] == RETIRED:
        raise MasterKeyRefused(
            f"generation {generation} is in use, retired, or never was", f"第 {generation} 代正在使用、已停用或不存在"
        )  # fmt: skip
    _write(path, [RETIRED if n == generation else line for n, line in enumerate(lines, 1)])


def _changeable(path: Path, entropy: Entropy) -> list[str]:
    if os.environ.get(MASTER_KEY_ENV):
        raise MasterKeyRefused(
            f"the master key comes from {MASTER_KEY_ENV}: append a comma and 64 hex digits there",
            f"主密钥来自 {MASTER_KEY_ENV}：请在其末尾追加逗号和 64 位十六进制数",
        )
    _generations(path, entropy)
    return path.read_text().split()


def _generations(path: Path, entropy: Entropy) -> list[tuple[int, bytes]]:
    if given := os.environ.get(MASTER_KEY_ENV):
        return _read(given.split(","), MASTER_KEY_ENV)
    if not path.exists():
        _write(path, [entropy.token(KEY_BYTES).hex()])
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise PermissionError(f"{path} must be readable by its owner only: chmod 600 {path}")
    return _read(path.read_text().split(), str(path))


def _read(lines: Sequence[str], where: str) -> list[tuple[int, bytes]]:
    """(generation, key) of those not retired."""
    try:
        keys = [(n, bytes.fromhex(line)) for n, line in enumerate(lines, 1) if line != RETIRED]
    except ValueError:
        keys = []
    if not keys or keys[-1][0] != len(lines) or any(len(key) != KEY_BYTES for _, key in keys):
        raise ValueError(f"{where} must hold the master key as 64 hex digits, one line a generation")
    return keys


def _write(path: Path, lines: Sequence[str]) -> None:
    """Whole or not at all, and durable before anything is sealed under it."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
