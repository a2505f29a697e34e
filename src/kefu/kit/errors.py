"""Every error that Kefu raises on purpose.

KefuError                   base: `code`, `status` for the HTTP doors, fields
├─ BadInput                 422 what was passed cannot be used; says what was expected
│  └─ TooLarge              413 over a size limit
├─ NotAllowed               403 the actor may not do this
│  └─ NotSignedIn           401 no actor at all, or a key that is wrong, expired or revoked
├─ NotFound                 404 no such row in this workspace
├─ Conflict                 409 the row is not in a state for this, or exists already
├─ Busy                     429 a queue or a rate is full; `retry_after` seconds
├─ Unavailable              503 an engine, a server or a file that is needed does not answer
│  └─ MissingExtra          503 an optional package is not installed; says the install line
└─ BadInstallation          500 the folder, the database or a model file is damaged; says what mends it
"""

from typing import Any


class KefuError(Exception):
    """An error a person can act on: a stable code, one sentence, and fields."""

    code = "error"
    status = 500

    def __init__(self, sentence: str, **fields: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fields = fields


class BadInput(KefuError):
    code = "bad_input"
    status = 422


class TooLarge(BadInput):
    code = "too_large"
    status = 413


class NotAllowed(KefuError):
    code = "not_allowed"
    status = 403


class NotSignedIn(NotAllowed):
    code = "not_signed_in"
    status = 401


class NotFound(KefuError):
    code = "not_found"
    status = 404


class Conflict(KefuError):
    code = "conflict"
    status = 409


class Busy(KefuError):
    """A queue or a rate is full; `retry_after` is in seconds."""

    code = "busy"
    status = 429

    def __init__(self, sentence: str, *, retry_after: int = 1, **fields: Any) -> None:
        super().__init__(sentence, **fields)
        self.retry_after = retry_after


class Unavailable(KefuError):
    code = "unavailable"
    status = 503


class MissingExtra(Unavailable):
    code = "missing_extra"


class BadInstallation(KefuError):
    code = "bad_installation"
    status = 500


class KefuWarning(UserWarning):
    """Something works, but not as configured."""
