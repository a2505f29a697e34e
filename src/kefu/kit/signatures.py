"""Signatures of Standard Webhooks (https://www.standardwebhooks.com): what Kefu sends and what it is sent."""

import base64
import hmac
import secrets

PREFIX = "whsec_"
_BYTES = 32  # of a secret; the specification asks for 24 to 64


def new_secret() -> str:
    """A fresh secret in the specification's spelling."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def signature(secret: str, key: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`."""
    signed = f"{key}.{timestamp}.".encode() + body
    made = hmac.digest(base64.b64decode(secret.removeprefix(PREFIX)), signed, "sha256")
    return f"v1,{base64.b64encode(made).decode()}"


def headers(secret: str, key: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers that a signed request carries; `key` is the same however often it is sent."""
    return {
        "webhook-id": key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, key, timestamp, body),
    }
