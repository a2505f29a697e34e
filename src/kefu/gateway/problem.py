"""Errors as the public API shows them: application/problem+json (RFC 9457); `kit.problem` makes them."""

import json
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from kefu.kit import problem as documents
from kefu.kit.errors import KefuError
from kefu.kit.log import Log

_log = Log(__name__)


class ProblemResponse(Response):
    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, default=str).encode()


def problem(
    status: int, code: str, detail: str, /, *, headers: dict[str, str] | None = None, **fields: Any
) -> Response:
    """A problem document as a response; `fields` are what the error names besides."""
    return shown(documents.problem(status, code, detail, headers=headers, **fields))


def of_error(error: KefuError) -> Response:
    """The problem document of one of our errors."""
    document = documents.of_error(error)
    if document.status == HTTPStatus.UNAUTHORIZED:
        document.headers["WWW-Authenticate"] = "Bearer"
    return shown(document)


def shown(document: documents.Problem) -> Response:
    return ProblemResponse(document.body, status_code=document.status, headers=document.headers)


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
        if first["type"] == "json_invalid":  # its place is a character's number, which is no field
            why = f"{first.get('ctx', {}).get('error', first['msg'])} at character {first['loc'][-1]}"
            return problem(422, "bad_input", f"The body is not JSON: {why}.", field="body")
        return shown(documents.of_bad_shape(tuple(part for part in first["loc"] if part != "body"), first["msg"]))

    @app.exception_handler(HTTPException)
    async def by_status(request: Request, error: HTTPException) -> Response:
        code = "not_found" if error.status_code == HTTPStatus.NOT_FOUND else "http_error"
        return problem(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def a_bug(request: Request, error: Exception) -> Response:
        _log.error("request_crashed", path=request.url.path, exception=error)
        return shown(documents.of_bug())
