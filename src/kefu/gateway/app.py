"""The one server: the customers' door (this FastAPI), and the members' door mounted beside it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from a2wsgi import WSGIMiddleware
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kefu import __version__
from kefu.desk.accounts.queries import workspaces
from kefu.desk.insights.queries import live
from kefu.desk.wiring import wiring
from kefu.desk.wsgi import application as desk
from kefu.gateway import (
    attachments,
    audio,
    console,
    contacts,
    docs,
    hooks,
    insights,
    knowledge,
    messages,
    metrics,
    openai,
    openai_audio,
    problem,
    stream,
    surveys,
    visitors,
)
from kefu.gateway.calls import door as calls
from kefu.gateway.calls.switchboard import Switchboard
from kefu.gateway.dispatch import Dispatch
from kefu.gateway.gate import Gate
from kefu.gateway.hooks import Hooks
from kefu.gateway.hub import Hub
from kefu.gateway.intake import Intake
from kefu.gateway.live import MemberEvents, Presence
from kefu.gateway.origins import CrossOrigin
from kefu.gateway.plugins import Plugins
from kefu.gateway.rows import Rows
from kefu.gateway.state import Gateway, gateway_of
from kefu.kit import runtime, tracing
from kefu.kit.log import Log
from kefu.kit.settings import settings

_JSON_LIMIT = 1 * 2**20  # bytes of a body that is no upload; the longest message is 8,000 characters
_READY_SECONDS = 5.0
_DESK_THREADS = 16  # members' requests at a time; fifty members at work make a few each second

_PARTS = (
    *(messages, attachments, audio, stream, knowledge, visitors, hooks, openai, openai_audio, console, docs, metrics),
    surveys,
    insights,
    contacts,
    calls,
)

_log = Log(__name__)


def create_app() -> FastAPI:
    """The server's application. Rows must be ready (`desk.boot`) before it starts."""
    app = FastAPI(
        title="Kefu",
        version=__version__,
        summary="Customer service that learns: conversations, messages, live events, knowledge.",
        docs_url=None,  # gateway/docs.py: the framework's page loads its viewer from outside
        openapi_url="/v1/openapi.json",
        redoc_url=None,
        # Nobody is told of requests but our own log, and being ready to costs each request a tenth of its time.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_lifespan,
    )
    problem.install(app)
    for part in _PARTS:
        app.include_router(part.router)
    _add_health(app)
    visitors.STATIC.mkdir(exist_ok=True)
    app.mount("/static", BuiltFiles(directory=visitors.STATIC), name="static")
    app.mount("/desk", WSGIMiddleware(desk(), workers=_DESK_THREADS))  # type: ignore[arg-type]
    app.add_middleware(BodyLimit)
    app.add_middleware(CrossOrigin)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    runtime.adopt(asyncio.get_running_loop())
    tracing.configure()
    rows = Rows()
    hub = Hub(rows)
    await hub.start()
    plugins = Plugins(rows, hub)
    dispatch = Dispatch(rows, hub, plugins)
    intake = Intake(rows)
    switchboard = Switchboard(rows)
    app.state.gateway = Gateway(
        rows,
        intake,
        hub,
        dispatch,
        Gate(rows, hub),
        MemberEvents(rows, hub),
        Presence(hub),
        Hooks(rows, intake, hub, plugins, dispatch),
        switchboard,
    )
    live.watch_presence(app.state.gateway.presence.online)
    dispatch.start()
    beside = [asyncio.create_task(_warm(rows)), asyncio.create_task(app.state.gateway.presence.keep(rows))]
    yield
    for task in beside:
        task.cancel()
    live.watch_presence(None)
    await switchboard.close()
    await dispatch.stop()
    await hub.stop()
    await asyncio.to_thread(wiring().close)
    rows.close()
    tracing.close()


async def _warm(rows: Rows) -> None:
    """Load the encoders and the smaller workspaces' knowledge before the first customer asks."""
    try:
        await rows.long(wiring().encoders)
        for each in (await rows.read(workspaces))[:20]:
            await rows.long(wiring().mind, each.id)
    except asyncio.CancelledError:
        raise
    except Exception as error:  # the first turn meets the same error and hands over; /readyz says so meanwhile
        _log.error("warm_up_failed", exception=error)


def _add_health(app: FastAPI) -> None:
    @app.get("/healthz", tags=["Health"])
    async def healthz() -> dict[str, Any]:
        """The process lives."""
        return {"status": "ok", "version": __version__}

    @app.get("/readyz", tags=["Health"])
    async def readyz(request: Request) -> Response:
        """The process can answer: its database reads and its encoders are loaded."""
        gateway = gateway_of(request)
        checks = {"database": "ok", "encoders": "ok" if wiring().has_encoders else "loading"}
        try:
            await asyncio.wait_for(gateway.rows.read(workspaces), _READY_SECONDS)
        except Exception:  # whatever is wrong with it, it is not ready
            checks["database"] = "failed"
        is_ready = set(checks.values()) == {"ok"}
        body = {"status": "ready" if is_ready else "not ready", **checks, "turns_in_flight": gateway.dispatch.in_flight}
        return JSONResponse(body, status_code=200 if is_ready else 503)


class BuiltFiles(StaticFiles):
    """The built front end: files with a hash in their name never change, the others are asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        forever = "/assets/" in path and response.status_code == HTTPStatus.OK
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if forever else "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


class BodyLimit:
    """Refuses a request body past the limit before it is read into memory; hooks have a limit of their own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._upload = (max(settings().upload_megabytes, settings().attachment_megabytes) + 1) * 2**20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_hook = scope["type"] == "http" and scope["path"].startswith("/v1/hooks/")  # counted there, too
        if scope["type"] != "http" or is_hook or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        is_upload = headers.get(b"content-type", b"").startswith(b"multipart/")
        limit = self._upload if is_upload else _JSON_LIMIT
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > limit:
            refusal = problem.problem(413, "too_large", f"The request has more than {limit:,} bytes.")
            await refusal(scope, receive, send)
            return
        await self._app(scope, _bounded(receive, limit), send)


def _bounded(receive: Receive, limit: int) -> Receive:
    got = 0

    async def bounded() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > limit:
            # A body without a length, sent in pieces: as if the client had gone.
            return {"type": "http.disconnect"}
        return message

    return bounded
