"""Errors as the public API shows them: application/problem+json (RFC 9457). The one place that decides HTTP status."""

import json
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from kefu.kit.errors import Busy, KefuError
from kefu.kit.log import Log

_log = Log(__name__)


class ProblemResponse(Response):
    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, default=str).encode()


def problem(status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **fields: Any) -> Response:
    """A problem document; `fields` are what the error names besides."""
    body = {
        "type": f"https://kefu.dev/problems/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **{name: value for name, value in fields.items() if name not in {"type", "title", "status", "detail", "code"}},
    }
    return ProblemResponse(body, status_code=status, headers=headers)


def of_error(error: KefuError) -> Response:
    """The problem document of one of our errors."""
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Busy) else None
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers = {"WWW-Authenticate": "Bearer"}
    return problem(error.status, error.code, error.sentence, headers=headers, **error.fields)


def install(app: FastAPI) -> None:
    """Show every error of `app` as a problem document."""

    @app.exception_handler(KefuError)
    async def ours(request: Request, error: KefuError) -> Response:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request_failed", path=request.url.path, code=error.code)
        return of_error(error)

    @app.exception_handler(RequestValidationError)
    async def bad_shape(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
        return problem(422, "bad_input", f"{place}: {first['msg']}", field=place)

    @app.exception_handler(HTTPException)
    async def by_status(request: Request, error: HTTPException) -> Response:
        code = "not_found" if error.status_code == HTTPStatus.NOT_FOUND else "http_error"
        return problem(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def a_bug(request: Request, error: Exception) -> Response:
        _log.error("request_crashed", path=request.url.path, exception=error)
        return problem(500, "internal_error", "Something went wrong on our side; it was written to the log.")
