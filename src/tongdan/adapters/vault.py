"""Personal data at rest: AES-256-GCM under a key derived per subject from the master key and the subject's salt.

Overwriting a salt makes everything sealed under it unreadable, in journal, state, archives and backups alike, while
the ciphertext stays in the hash chain. Every seal names the generation of the master key it was made under: new ones
use the newest, older ones open as long as the key of their generation is kept (`master_key.py`).
"""

import hmac
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tongdan.ports import Entropy

SALT_BYTES: Final = 16
KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class AesGcmVault:
    """`sealed` = generation (1 byte) · nonce (12) · ciphertext and tag; the subject's name is authenticated with it."""

    def __init__(
        self, master_key: bytes, entropy: Entropy, *, generation: int = 1, older: Mapping[int, bytes] | None = None
    ) -> None:  # fmt: skip
        """`older`: generation → key, for what was sealed before `master_key` came."""
        self._keys = {**(older or {}), generation: master_key}
        if any(len(key) != KEY_BYTES for key in self._keys.values()):
            raise ValueError(f"a master key must have {KEY_BYTES} bytes")
        self._generation = generation
        self._mark = bytes([generation])
        self._entropy = entropy
        newest_first = sorted(self._keys.items(), reverse=True)
        self._token_keys = [
            blake2b(key=key, digest_size=32, person=b"tongdan-tokens").digest() for _, key in newest_first
        ]
        # One order is sealed several times within a moment (raw payload, receiver): deriving its key once is enough.
        self._cipher = lru_cache(maxsize=4_096)(self._derive)

    @property
    def generation(self) -> int:
        return self._generation

    def _derive(self, generation: int, salt: bytes) -> AESGCM:
        if not salt:
            raise ValueError("without a salt nothing is sealed or opened")
        key = self._keys.get(generation)
        if key is None:
            raise ValueError(
                f"sealed under generation {generation} of the master key, which is not known here"
            )
        return AESGCM(blake2b(salt, key=key, digest_size=32, person=b"tongdan-subject").digest())

    def seal(self, salt: bytes, subject: str, plain: bytes) -> bytes:
        nonce = self._entropy.token(_NONCE_BYTES)
        return (
            self._mark + nonce + self._cipher(self._generation, salt).encrypt(nonce, plain, subject.encode())
        )

    def open(self, salt: bytes, subject: str, sealed: bytes) -> bytes:
        if len(sealed) <= _NONCE_BYTES:
            raise ValueError("too short to have been sealed")
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher(sealed[0], salt).decrypt(nonce, ciphertext, subject.encode())
        except InvalidTag:
            raise ValueError("does not open under this salt and subject") from None

    def token(self, kind: str, value: str) -> bytes:
        return _token(self._token_keys[0], kind, value)

    def tokens(self, kind: str, value: str) -> tuple[bytes, ...]:
        return tuple([_token(key, kind, value) for key in self._token_keys])

    def forget(self) -> None:
        """Drop derived keys from memory, as erasure demands."""
        self._cipher.cache_clear()


def _token(key: bytes, kind: str, value: str) -> bytes:
    return hmac.digest(key, f"{kind}:{value}".encode(), "sha256")[:16]
