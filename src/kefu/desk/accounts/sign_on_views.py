"""The two addresses of single sign-on that browsers go to: away to the company's server, and back."""

from functools import cache
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from kefu.desk.accounts import oidc, sign_ins, sign_on
from kefu.desk.accounts.oidc import SignOnRefused, SignOnServer
from kefu.desk.http.address import address
from kefu.desk.http.entry import CHOSEN
from kefu.kit.errors import KefuError
from kefu.kit.limits import RateLimit
from kefu.kit.log import Log
from kefu.kit.settings import settings

_CONSOLE = "/console"
_PER_ADDRESS_SECONDS = 300.0

_log = Log(__name__)


def start(request: HttpRequest, slug: str) -> HttpResponse:
    """GET: to the company's own log-in; `next` is the console's page to open afterwards."""
    try:
        _per_address().take(address(request), what="attempts to log in")
        return oidc.leave_for(request, _server(request, slug), next_path=page_of(request.GET.get("next", "")))
    except KefuError as error:
        return _refused(slug, error)


def callback(request: HttpRequest, slug: str) -> HttpResponse:
    """Back from the company's server: a new session, which opens this workspace alone."""
    try:  # not counted: only what was begun comes back
        server = _server(request, slug)
        claims, wanted = oidc.came_back(request, server)
        user = sign_on.arrive(server.workspace_id, claims)
    except KefuError as error:
        return _refused(slug, error)
    sign_ins.begin(request, user, way=f"sso:{server.workspace_id}")
    request.session[CHOSEN] = server.workspace_id
    return HttpResponseRedirect(f"{_CONSOLE}{wanted}")


def page_of(wanted: str) -> str:
    """A path below the console and nothing else: `//host`, a backslash and control characters lead elsewhere."""
    is_path = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
    return wanted if is_path and wanted.isprintable() and len(wanted) <= 500 and ".." not in wanted else "/"


def _server(request: HttpRequest, slug: str) -> SignOnServer:
    return sign_on.server_of(slug, base=settings().public_url or request.build_absolute_uri("/")[:-1])


def _refused(slug: str, error: KefuError) -> HttpResponse:
    reason = error.reason if isinstance(error, SignOnRefused) else "unavailable"
    _log.info("sign_on_refused", workspace=slug[:60], reason=reason, code=error.code)
    return HttpResponseRedirect(f"{_CONSOLE}/login?{urlencode({'sso': reason, 'workspace': slug})}")


@cache
def _per_address() -> RateLimit:
    return RateLimit(settings().log_ins_per_address, _PER_ADDRESS_SECONDS)
