"""Errors as both doors show them: problem documents (RFC 9457). The one place that decides status and headers."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from kefu.kit.errors import Busy, KefuError

MEDIA_TYPE = "application/problem+json"
_RESERVED = frozenset({"type", "title", "status", "detail", "code"})


@dataclass(frozen=True)
class Problem:
    """A problem document with its HTTP status and headers."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def problem(status: int, code: str, detail: str, /, *, headers: dict[str, str] | None = None, **fields: Any) -> Problem:
    """A problem document; `fields` are what the error names besides, none of them in place of our own."""
    body = {
        "type": f"https://kefu.dev/problems/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **{name: value for name, value in fields.items() if name not in _RESERVED},
    }
    return Problem(status, body, headers or {})


def of_error(error: KefuError) -> Problem:
    """The problem document of one of our errors."""
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Busy) else {}
    return problem(error.status, error.code, error.sentence, headers=headers, **error.fields)


def of_bad_shape(location: tuple[Any, ...], reason: str) -> Problem:
    """The problem document of a request that is not of the expected shape."""
    place = ".".join(str(part) for part in location) or "body"
    return problem(422, "bad_input", f"{place}: {reason}", field=place)


def of_bug() -> Problem:
    """The problem document of an error that nobody expected; its details stay in the log."""
    return problem(500, "internal_error", "Something went wrong on our side; it was written to the log.")
