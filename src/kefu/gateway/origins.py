"""Browsers ask before a page calls another site: which pages may call the customers' door.

Nobody is known here by a cookie, so a page of any site may do what a program may. Only a visitor's first token is given
to pages of the sites that the channel allows, as the widget's frame is. (A program that lies about its origin gets it
all the same: the limit on new visitors is what holds there.)
"""

import re
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_VISITORS = re.compile(r"/v1/channels/[^/]+/visitors")
_CONVERSATIONS = "/v1/conversations"
_ALLOWED = "cross_origin"  # in the request's state: the origin that a route allowed
_DAY = "86400"  # as long as browsers remember an answer at most


class CrossOrigin:
    """Answers a browser's question before a call, and says on each answer who may read it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if "origin" not in headers:
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _permit(headers["origin"], send)
        else:
            await self._app(scope, receive, self._telling(scope, send))

    def _telling(self, scope: Scope, send: Send) -> Send:
        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                everybody = "*" if scope["path"].startswith(_CONVERSATIONS) else None
                allowed = scope.get("state", {}).get(_ALLOWED, everybody)
                if allowed is not None:
                    headers = MutableHeaders(scope=message)
                    headers["Access-Control-Allow-Origin"] = allowed
                    headers["Access-Control-Expose-Headers"] = "Retry-After"
                    headers.add_vary_header("Origin")
            await send(message)

        return telling


def allow_origin(request: Request, settings: dict[str, Any]) -> None:
    """Let the calling page read the answer where the channel's settings allow its site."""
    origin = request.headers.get("origin")
    if origin is not None and any(_fits(origin, each) for each in settings.get("allowed_origins") or ()):
        setattr(request.state, _ALLOWED, origin)


def _is_open(path: str) -> bool:
    return path.startswith(_CONVERSATIONS) or _VISITORS.fullmatch(path) is not None


def _fits(origin: str, allowed: str) -> bool:
    """Whether an origin is the allowed one; `https://*.shop.example` is every name below, as in a frame's policy."""
    pattern = re.escape(allowed.rstrip("/").lower()).replace(r"\*", r"[a-z0-9.-]+")
    return re.fullmatch(pattern, origin.lower()) is not None


async def _permit(origin: str, send: Send) -> None:
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Last-Event-ID",
        "Access-Control-Max-Age": _DAY,
        "Vary": "Origin",
    }
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 204, "headers": raw})
    await send({"type": "http.response.body", "body": b""})
