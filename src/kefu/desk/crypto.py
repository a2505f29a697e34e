"""Secrets: the installation's key, each workspace's key, sealing, signing, hashing.

The installation's key lies in `home/secret.key` (or the setting `secret_key`) and never in the database, so a stolen
database alone tells nothing. It wraps one AES-256-GCM key for each workspace; erasing a workspace's key makes all its
originals unreadable, in backups too.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
import time
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kefu.kit.errors import BadInstallation, NotSignedIn
from kefu.kit.settings import settings

_NONCE = 12  # bytes; AES-GCM's own size (NIST SP 800-38D)


def seal(key: bytes, plain: str | bytes, *, about: str = "") -> bytes:
    """Encrypt with a 32-byte key: nonce, then ciphertext and tag. `about` is bound to it and must be given to open."""
    nonce = os.urandom(_NONCE)
    data = plain.encode() if isinstance(plain, str) else plain
    return nonce + AESGCM(key).encrypt(nonce, data, about.encode())


def unseal(key: bytes, sealed: bytes | memoryview, *, about: str = "") -> bytes:
    """Decrypt what `seal` made.

    Raises BadInstallation when the key is not the one it was sealed with.
    """
    raw = bytes(sealed)
    try:
        return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], about.encode())
    except (InvalidTag, ValueError):  # ValueError: shorter than a nonce
        raise BadInstallation(
            "The database was written with another secret key. Put the secret.key of that installation in its home."
        ) from None


def new_workspace_key() -> bytes:
    """A fresh workspace key, wrapped by the installation's key, to be stored with the workspace."""
    return seal(derived_key("workspaces"), secrets.token_bytes(32))


@cache
def workspace_key(wrapped: bytes) -> bytes:
    """The workspace's 32-byte key from its stored, wrapped form."""
    return unseal(derived_key("workspaces"), wrapped)


@cache
def derived_key(purpose: str) -> bytes:
    """32 bytes for one purpose, from the installation's key (HMAC-SHA256 as in HKDF-Expand, RFC 5869)."""
    return hmac.digest(_installation_key(), purpose.encode() + b"\x01", "sha256")


def sign(payload: dict[str, Any], *, purpose: str, seconds: int) -> str:
    """A token that says `payload` until `seconds` from now. Signed, not secret."""
    body = _b64(json.dumps({**payload, "exp": int(time.time()) + seconds}, separators=(",", ":")).encode())
    return f"{body}.{_b64(hmac.digest(derived_key(purpose), body.encode(), 'sha256'))}"


def verify(token: str, *, purpose: str) -> dict[str, Any]:
    """The payload of a token that `sign` made for this purpose.

    Raises NotSignedIn for a token that is forged, garbled or expired.
    """
    body, _, signature = token.partition(".")
    expected = _b64(hmac.digest(derived_key(purpose), body.encode(), "sha256"))
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise NotSignedIn("The token is not valid.")
    payload: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    if payload["exp"] < time.time():
        raise NotSignedIn("The token has expired; ask for a new one.")
    return payload


def digest(secret: str) -> str:
    """SHA-256 of a random secret, for looking it up. Secrets have 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


@cache
def _installation_key() -> bytes:
    given = settings().secret_key
    if not given:
        return _key_file(settings().folder / "secret.key")
    try:
        key = base64.b64decode(given, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise BadInstallation("Setting KEFU_SECRET_KEY must be the base64 of exactly 32 bytes.")
    return key


def _key_file(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    except OSError as error:
        raise BadInstallation(f"{path} cannot be written ({error.strerror}).", file=str(path)) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(32)))
    return _read_key(path)


def _read_key(path: Path) -> bytes:
    try:
        key = base64.b64decode(path.read_bytes())
    except (OSError, binascii.Error):
        key = b""
    if len(key) != 32:
        raise BadInstallation(f"{path} is damaged: put back the copy from your backup.", file=str(path))
    return key


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
