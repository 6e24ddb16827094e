"""How WeChat's servers push to a mini-program in safe mode: SHA-1 over sorted parts, AES-256-CBC around the message.

In plain mode its signature covers no byte of the message, so only safe mode is believed. Source: the message push pages
of the mini-program documentation: the key is the base64 of EncodingAESKey with its missing `=`, its first 16 bytes are
the vector, the plain text is 16 random bytes, a length in network order, the message and the appid, padded to 32.
"""

import hashlib
from base64 import b64decode
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tongdan.ports import Unauthentic

BLOCK: Final = 32
RANDOM: Final = 16
KEY_LENGTH: Final = 43


def signature(*parts: str) -> str:
    """The lower-case hex SHA-1 of the parts, sorted and joined."""
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "replace")).hexdigest()


def decrypt(aes_key: str, appid: str, sealed: str) -> bytes:
    """The message in `sealed`. Raises Unauthentic when it was not sealed with this key for this app."""
    try:
        key = b64decode(aes_key + "=", validate=True)
        content = b64decode(sealed, validate=True)
        if len(aes_key) != KEY_LENGTH or not content or len(content) % 16:
            raise ValueError
        opener = Cipher(AES(key), CBC(key[:16])).decryptor()
        padded = opener.update(content) + opener.finalize()
    except ValueError:
        raise Unauthentic("the message cannot be decrypted") from None
    pad = padded[-1]
    if not 1 <= pad <= BLOCK or len(padded) < RANDOM + 4 + pad:
        raise Unauthentic("the message is not padded as it should be")
    plain = padded[RANDOM:-pad]
    length = int.from_bytes(plain[:4], "big")
    message, recipient = plain[4 : 4 + length], plain[4 + length :]
    if len(message) != length or recipient != appid.encode():
        raise Unauthentic("the message is for another app")
    return message
