"""The members' console: one page for every address under /console/, which finds its own way from there."""

from fastapi import APIRouter
from starlette.responses import FileResponse, RedirectResponse, Response

from kefu.gateway.visitors import STATIC
from kefu.kit.errors import Unavailable

router = APIRouter()

# Scripts and styles come from files only, so that what customers write can never run.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@router.get("/console", include_in_schema=False)
async def without_slash() -> Response:
    return RedirectResponse("/console/", status_code=308)


@router.get("/console/{path:path}", include_in_schema=False)
async def console(path: str) -> Response:
    """The same page whatever the path: it asks the members' door for what it shows."""
    page = STATIC / "console" / "index.html"
    if not page.exists():
        raise Unavailable("The web pages are not built. Build them with: make web")
    return FileResponse(page, media_type="text/html", headers=_HEADERS)
