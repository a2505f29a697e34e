"""Signatures and the AES envelope of WeChat's servers.

Key: base64 of EncodingAESKey + "="; AES-256-CBC with the key's first 16 bytes as the initial vector; PKCS#7 to blocks
of 32 bytes. Plain: 16 random bytes, the message's length as 4 bytes in network order, the message, the AppID.
"""

import base64
import binascii
import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 32  # bytes; WeChat pads to its key's size, not to AES's block
_RANDOM = 16


class Unreadable(ValueError):
    """An envelope that this key does not open."""


def signature(token: str, *parts: str) -> str:
    """SHA-1, in hex, of the sorted parts with the token among them: WeChat's `signature` and `msg_signature`."""
    # The protocol's own choice; its strength rests on the token, and in safe mode on AES.
    return hashlib.sha1("".join(sorted((token, *parts))).encode()).hexdigest()  # noqa: S324


def fits(given: str, token: str, *parts: str) -> bool:
    """Whether a signature is the one of these parts."""
    return hmac.compare_digest(given.encode(), signature(token, *parts).encode())


def encrypt(aes_key: str, app_id: str, message: bytes) -> str:
    """A message in its envelope, base64."""
    key = _key(aes_key)
    plain = os.urandom(_RANDOM) + struct.pack("!I", len(message)) + message + app_id.encode()
    padding = _BLOCK - len(plain) % _BLOCK
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()


def decrypt(aes_key: str, sealed: str) -> tuple[bytes, str]:
    """The message of an envelope and the AppID that it names. Raises Unreadable."""
    key = _key(aes_key)
    try:
        raw = base64.b64decode(sealed, validate=True)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        padded = decryptor.update(raw) + decryptor.finalize()
    except (ValueError, binascii.Error) as error:
        raise Unreadable("not base64, or no whole blocks") from error
    padding = padded[-1] if padded else 0
    if not 1 <= padding <= _BLOCK or padded[-padding:] != bytes([padding]) * padding:
        raise Unreadable("the padding is wrong")
    plain = padded[:-padding]
    head = _RANDOM + 4
    if len(plain) < head:
        raise Unreadable("too short")
    (length,) = struct.unpack("!I", plain[_RANDOM:head])
    if head + length > len(plain):
        raise Unreadable("the length is wrong")
    return plain[head : head + length], plain[head + length :].decode("utf-8", "replace")


def _key(aes_key: str) -> bytes:
    return base64.b64decode(f"{aes_key}=")
