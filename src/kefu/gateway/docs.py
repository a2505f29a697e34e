"""The page that shows the API's description; its viewer is served from here, so nothing is loaded from outside."""

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_VIEWER = "/static/docs"
# The page starts its viewer with a script of its own.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'"
)


@router.get("/v1/docs")
async def docs(request: Request) -> HTMLResponse:
    """Swagger UI on `/v1/openapi.json`."""
    page = get_swagger_ui_html(
        openapi_url=str(request.app.openapi_url),
        title="Kefu API",
        swagger_js_url=f"{_VIEWER}/swagger-ui-bundle.js",
        swagger_css_url=f"{_VIEWER}/swagger-ui.css",
        swagger_favicon_url=f"{_VIEWER}/favicon-32x32.png",
    )
    page.headers["Content-Security-Policy"] = _POLICY
    return page
