"""Every error of the members' door as a problem document; `kit.problem` makes them."""

import json
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from kefu.kit import problem as documents
from kefu.kit.errors import KefuError
from kefu.kit.log import Log

_SERVER_ERROR = 500

_log = Log(__name__)


def install(api: NinjaAPI) -> None:
    """Show every error of `api` as a problem document."""

    @api.exception_handler(KefuError)
    def ours(request: HttpRequest, error: KefuError) -> HttpResponse:
        if error.status >= _SERVER_ERROR:
            _log.error("request_failed", path=request.path, code=error.code)
        return shown(documents.of_error(error))

    @api.exception_handler(ValidationError)
    def bad_shape(request: HttpRequest, error: ValidationError) -> HttpResponse:
        first: Any = error.errors[0]
        # Location: where ("body", "query"), the parameter's name in our code, then the place that the caller knows.
        place = first["loc"][2:] if first["loc"][0] == "body" else first["loc"][1:]
        return shown(documents.of_bad_shape(tuple(place), first["msg"]))

    @api.exception_handler(HttpError)
    def by_status(request: HttpRequest, error: HttpError) -> HttpResponse:
        return shown(documents.problem(error.status_code, "http_error", str(error)))

    @api.exception_handler(SuspiciousOperation)
    def unusable(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:
        return refused(request)

    @api.exception_handler(Exception)
    def a_bug(request: HttpRequest, error: Exception) -> HttpResponse:
        _log.error("request_crashed", path=request.path, exception=error)
        return shown(documents.of_bug())


def shown(document: documents.Problem) -> HttpResponse:
    return HttpResponse(
        json.dumps(document.body, ensure_ascii=False, default=str),
        status=document.status,
        content_type=documents.MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **document.headers},
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's own 404, for addresses that no route has."""
    return shown(documents.problem(404, "not_found", "There is nothing at this address."))


def crashed(request: HttpRequest) -> HttpResponse:
    """Django's own 500, for what breaks outside of the API."""
    return shown(documents.of_bug())


def refused(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's own 400, such as a host name that is not allowed."""
    return shown(documents.problem(400, "bad_request", "The request cannot be used."))
