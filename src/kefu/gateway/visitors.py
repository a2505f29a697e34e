"""Browsers: their tokens, and the pages and scripts that they load."""

import hmac
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, RedirectResponse, Response

import kefu
from kefu.desk.actor import Actor
from kefu.desk.contacts import actions as contacts
from kefu.desk.identify import identify
from kefu.desk.inbox import queries
from kefu.desk.inbox.queries import ChannelInfo
from kefu.desk.webhooks.actions import widget_opened
from kefu.gateway import shapes
from kefu.gateway.gate import VISITOR_SECONDS, visitor_of, visitor_token
from kefu.gateway.origins import allow_origin
from kefu.gateway.state import Gateway, gateway_of
from kefu.kit.errors import NotAllowed, NotSignedIn, Unavailable

router = APIRouter()

STATIC = Path(kefu.__file__).parent / "static"
# The pages have no inline script or style, and call nobody but us. An image that a customer sends is a blob.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)


class IdentityInvalid(NotAllowed):
    """A page says who its visitor is, and the signature is wrong."""

    code = "identity_invalid"


@router.post("/v1/channels/{channel_id}/visitors", status_code=201, tags=["Visitors"])
async def visitor(request: Request, channel_id: str, body: shapes.NewVisitor | None = None) -> dict[str, Any]:
    """A token for a browser. With an earlier token of the same channel the visitor stays who they were."""
    gateway, asked = gateway_of(request), body or shapes.NewVisitor()
    channel = await gateway.rows.read(queries.channel_for_visitors, channel_id)
    allow_origin(request, channel.settings)
    known = _known(channel, asked.token)
    if known is None:
        gateway.gate.count_visitor(request)
    else:
        known = await gateway.gate.current(known)
        gateway.gate.count_message(known)
    contact_id = await _contact(gateway, channel, known, asked.identity)
    token = visitor_token(workspace_id=channel.workspace_id, channel_id=channel.id, contact_id=contact_id)
    if asked.attributes:
        await gateway.rows.write(
            contacts.change_profile, visitor_of(token), contact_id=contact_id, changes=asked.attributes
        )
    await gateway.rows.write(widget_opened, visitor_of(token))
    latest = await gateway.rows.read(queries.conversations, visitor_of(token), limit=1)
    return {
        "token": token,
        "expires_in": VISITOR_SECONDS,
        "contact": contact_id,
        "channel": shapes.channel_json(channel),
        "conversation": {"id": latest[0].id, "status": latest[0].status} if latest else None,
    }


async def _contact(
    gateway: Gateway, channel: ChannelInfo, known: Actor | None, identity: shapes.Identity | None
) -> str:
    door = Actor(channel.workspace_id, "system", "visitors")
    before = known.contact_id if known is not None else None
    if identity is None:
        return before if before is not None else await gateway.rows.write(contacts.meet, door, channel_id=channel.id)
    secret = await gateway.rows.read(queries.identity_secret, channel)
    expected = hmac.new((secret or "").encode(), identity.id.encode(), "sha256").hexdigest()
    if secret is None or not hmac.compare_digest(expected, identity.hash.lower()):
        raise IdentityInvalid("The signature does not fit this user: hex(HMAC-SHA256(identity secret, id)).")
    return await gateway.rows.write(
        identify,
        door,
        channel_id=channel.id,
        external_id=identity.id,
        anonymous_id=before,
        profile=identity.known(),
    )


@router.get("/chat/{channel_id}", include_in_schema=False)
async def chat(request: Request, channel_id: str) -> Response:
    """The chat as a page of its own."""
    await gateway_of(request).rows.read(queries.channel_for_visitors, channel_id)
    return _page("widget", policy="frame-ancestors 'none'")


@router.get("/widget/{channel_id}", include_in_schema=False)
async def widget(request: Request, channel_id: str) -> Response:
    """The chat as a frame, for the sites that the channel allows."""
    channel = await gateway_of(request).rows.read(queries.channel_for_visitors, channel_id)
    origins = channel.settings.get("allowed_origins") or []
    return _page("widget", policy="frame-ancestors " + (" ".join(origins) or "'self'"))


@router.get("/console", include_in_schema=False)
async def console_door() -> Response:
    """Where members go who type the shorter address."""
    return RedirectResponse("/console/")


@router.get("/console/{page:path}", include_in_schema=False)
async def console(page: str) -> Response:
    """The members' console: one page that knows its own addresses, and shows the widget in a frame."""
    return _page("console", policy="font-src 'self'; frame-src 'self'; frame-ancestors 'none'")


@router.get("/loader.js", include_in_schema=False)
async def loader() -> Response:
    """The script that a company puts on its pages."""
    return _built("loader.js", "text/javascript")


def _page(app: str, *, policy: str) -> Response:
    page = STATIC / app / "index.html"
    if not page.exists():
        raise Unavailable("The web pages are not built. Build them with: make web")
    # A page knows what it is about from its address; what it shows comes with its visitor's or member's own rights.
    return FileResponse(
        page,
        media_type="text/html",
        headers={
            "Content-Security-Policy": f"{_POLICY}; {policy}",
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        },
    )


def _built(name: str, media_type: str) -> Response:
    path = STATIC / name
    if not path.exists():
        raise Unavailable("The web pages are not built. Build them with: make web")
    return FileResponse(path, media_type=media_type, headers={"Cache-Control": "public, max-age=300"})


def _known(channel: ChannelInfo, token: str | None) -> Actor | None:
    if not token:
        return None
    try:
        actor = visitor_of(token)
    except NotSignedIn:
        return None
    return actor if actor.channel_id == channel.id else None
