"""Personal data at rest: AES-256-GCM under a key derived per subject from the master key and the subject's salt.

Deleting a salt row makes everything sealed under it unreadable, in journal, state, archives and backups alike, while
the ciphertext stays in the hash chain. The master key is a file of mode 0600 made at first start, or an environment
variable.
"""

import os
import stat
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tongdan.ports import Entropy

MASTER_KEY_ENV: Final = "TONGDAN_MASTER_KEY"
SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_FORMAT: Final = b"\x01"  # the generation of the master key; rotation adds the next


class AesGcmVault:
    """`sealed` = generation (1 byte) · nonce (12) · ciphertext and tag; the subject's name is authenticated with it."""

    def __init__(self, master_key: bytes, entropy: Entropy) -> None:
        if len(master_key) != 32:
            raise ValueError(f"the master key must have 32 bytes, got {len(master_key)}")
        self._master_key = master_key
        self._entropy = entropy
        # One order is sealed several times within a moment (raw payload, receiver): deriving its key once is enough.
        self._cipher = lru_cache(maxsize=4_096)(self._derive)

    def _derive(self, salt: bytes) -> AESGCM:
        return AESGCM(blake2b(salt, key=self._master_key, digest_size=32, person=b"tongdan-subject").digest())

    def seal(self, salt: bytes, subject: str, plain: bytes) -> bytes:
        nonce = self._entropy.token(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher(salt).encrypt(nonce, plain, subject.encode())

    def open(self, salt: bytes, subject: str, sealed: bytes) -> bytes:
        if sealed[:1] != _FORMAT:
            raise ValueError("sealed under a master key generation that is not known here")
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher(salt).decrypt(nonce, ciphertext, subject.encode())
        except InvalidTag:
            raise ValueError("does not open under this salt and subject") from None

    def forget(self) -> None:
        """Drop derived keys from memory, as erasure demands."""
        self._cipher.cache_clear()


def master_key(path: Path, entropy: Entropy) -> bytes:
    """The 32-byte master key: from the environment (hex) if set, else from `path`, made there at first start.

    Raises PermissionError when others may read the file, ValueError when it is not 64 hex digits.
    """
    if given := os.environ.get(MASTER_KEY_ENV):
        return _from_hex(given, MASTER_KEY_ENV)
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(entropy.token(32).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise PermissionError(f"{path} must be readable by its owner only: chmod 600 {path}")
    return _from_hex(path.read_text().strip(), str(path))


def _from_hex(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ValueError(f"{where} must hold the master key as 64 hex digits")
    return key
