"""OpenID Connect as a workspace's members come in by it: allauth's protocol, over connections that are checked.

On top of what allauth does (authorization code, state, PKCE): the token's signature is always checked, with algorithms
of public keys alone; issuer, audience, time and nonce must fit; no address within a private network is reached.
"""

import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import requests
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest, HttpResponse
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from kefu.kit.errors import BadInput, NotAllowed
from kefu.kit.runtime import run
from kefu.kit.settings import settings
from kefu.knowledge.guarded_http import guarded_client, read_body

# Signatures by public keys; none of those that a secret makes, and never "none".
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_SECONDS = 10.0  # a sign-on server answers within one; the person waits
_MOST_BYTES = 500_000  # the largest providers' descriptions and keys have some 20,000
_LEEWAY_SECONDS = 60  # between our clock and theirs
_REMEMBERED_SECONDS = 300.0  # a description changes once in years; a changed one is read within minutes
_LONGEST_SUBJECT = 255  # OpenID Connect Core 1.0, section 2


class SignOnRefused(NotAllowed):
    """Somebody may not come in this way; `reason` is one word, for the page that says so."""

    code = "sign_on_refused"

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence, reason=reason)
        self.reason = reason


@dataclass(frozen=True)
class SignOnServer:
    """A company's server, and who we are there; `redirect` is where it sends people back to."""

    workspace_id: str
    issuer: str
    client_id: str
    secret: str
    redirect: str


@dataclass(frozen=True)
class Claims:
    """What a server says of a person. `subject` is theirs for ever; an address may become somebody else's."""

    subject: str
    email: str = ""
    is_verified: bool = False
    name: str = ""


def leave_for(request: HttpRequest, server: SignOnServer, *, next_path: str) -> HttpResponse:
    """A redirect to the server's own log-in. State, PKCE's verifier and nonce stay in this browser's session.

    Raises BadInput for a server that does not describe itself, SignOnRefused for one that does not answer.
    """
    provider, nonce = _provider(request, server), secrets.token_urlsafe(24)
    with _refusals():
        answer: HttpResponse = provider.redirect(
            request, process="login", auth_params={"nonce": nonce}, nonce=nonce, next_path=next_path
        )
    return answer


def came_back(request: HttpRequest, server: SignOnServer) -> tuple[Claims, str]:
    """Whom the server sends back, and the path that they wanted. Raises SignOnRefused, BadInput."""
    provider = _provider(request, server)
    state = statekit.unstash_state(request, provider_id=provider.sub_id, state_id=request.GET.get("state", ""))
    if state is None:
        raise SignOnRefused("expired", "This log-in was not begun in this browser, or too long ago; begin again.")
    if "code" not in request.GET:
        reason = "cancelled" if request.GET.get("error") == "access_denied" else "provider"
        raise SignOnRefused(reason, "The company's server did not let you in.")
    adapter = provider.get_oauth2_adapter(request)
    with _refusals():
        if request.GET.get("iss", adapter.openid_config["issuer"]) != adapter.openid_config["issuer"]:
            raise SignOnRefused("provider", "The answer comes from another server.")  # RFC 9207
        client = adapter.get_client(request, provider.app)
        tokens = adapter.get_access_token_data(
            request, provider.app, client, pkce_code_verifier=state["pkce_code_verifier"]
        )
        return adapter.claims(tokens, nonce=state["nonce"]), str(state["next_path"])


def described(issuer: str) -> dict[str, Any]:
    """What a server says of itself (OpenID Connect Discovery 1.0). Raises BadInput where it may not be relied on."""
    check_issuer(issuer)
    known = _described.get(issuer)
    if known is None or time.monotonic() - known[0] > _REMEMBERED_SECONDS:
        with _refusals(), GuardedSession() as session:
            found = _object(session.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
        known = _described[issuer] = (time.monotonic(), _checked(issuer, found))
    return dict(known[1])


def check_issuer(issuer: str) -> None:
    """Raises BadInput for an address that no issuer has: `https` without query, in a network that may be reached."""
    place = urlsplit(issuer)
    schemes = {"https", "http"} if settings().allow_private_addresses else {"https"}
    if place.scheme not in schemes or not place.hostname or place.query or place.fragment or place.username:
        raise BadInput("An issuer looks like https://login.example.com/company.", field="issuer")


class SignOnAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """What allauth asks of us."""

    def get_requests_session(self) -> requests.Session:
        return GuardedSession()


class GuardedSession(requests.Session):
    """requests, as allauth calls it, over Kefu's guarded connections; a redirect is an answer, never followed."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Guarded())

    def send(self, request: requests.PreparedRequest, **given: Any) -> requests.Response:
        return super().send(request, **{**given, "allow_redirects": False})


class _Guarded(BaseAdapter):
    def send(self, request: requests.PreparedRequest, *args: Any, **given: Any) -> requests.Response:
        try:
            status, headers, body = run(_sent(request), timeout=3 * _SECONDS)
        except (httpx.HTTPError, TimeoutError) as error:
            raise requests.ConnectionError("the sign-on server does not answer") from error
        answer = requests.Response()
        answer.status_code, answer.headers = status, CaseInsensitiveDict(headers)
        answer._content, answer._content_consumed = body, True  # type: ignore[attr-defined]
        answer.request, answer.url, answer.encoding = request, str(request.url), "utf-8"
        return answer

    def close(self) -> None:
        """Each request has had a client of its own."""


async def _sent(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
    async with guarded_client(
        allow_private=settings().allow_private_addresses, timeout=_SECONDS, max_redirects=0
    ) as client:
        client.follow_redirects = False
        body = request.body.encode() if isinstance(request.body, str) else request.body
        headers = {name: value for name, value in request.headers.items() if name.lower() != "accept-encoding"}
        async with client.stream(str(request.method), str(request.url), content=body, headers=headers) as response:  # type: ignore[arg-type]
            content = await read_body(response, _MOST_BYTES)
            kept = {name: value for name, value in response.headers.items() if name.lower() != "content-encoding"}
            return response.status_code, kept, content


class _Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """allauth's client of one server, for one request."""

    def __init__(self, request: HttpRequest, provider: "_Provider") -> None:
        self._own = provider
        super().__init__(request, provider.app.provider_id)

    def get_provider(self) -> "_Provider":
        return self._own

    @property
    def openid_config(self) -> dict[str, Any]:
        return described(self._own.server.issuer)

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return self._own.server.redirect

    def claims(self, tokens: dict[str, Any], *, nonce: str) -> Claims:
        """What the tokens say, once they are checked; an address that they lack is asked for."""
        told = self._verified(str(tokens.get("id_token", "")))
        if not hmac.compare_digest(str(told.get("nonce", "")), nonce):
            raise SignOnRefused("provider", "The token was made for another log-in.")
        if "email" not in told and "userinfo_endpoint" in self.openid_config:
            more = self._fetch_user_info(str(tokens["access_token"]))
            if isinstance(more, dict) and more.get("sub") == told["sub"]:  # OpenID Connect Core 1.0, section 5.3.2
                told = {**more, **told}
        return Claims(
            subject=str(told["sub"]),
            email=str(told.get("email") or "").strip().lower(),
            is_verified=told.get("email_verified") in {True, "true"},
            name=str(told.get("name") or "").strip()[:200],
        )

    def _verified(self, token: str) -> dict[str, Any]:
        """OpenID Connect Core 1.0, section 3.1.3.7."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise SignOnRefused("provider", "The token's signature is of a kind that is not accepted.")
        with GuardedSession() as session:
            keys = jwt.PyJWKSet.from_dict(_object(session.get(self.openid_config["jwks_uri"]))).keys
        named = [key for key in keys if header.get("kid") in {None, key.key_id} and key.public_key_use in {None, "sig"}]
        if len(named) != 1:
            raise SignOnRefused("provider", "The token names none of the server's keys.")
        client_id = self._own.server.client_id
        told: dict[str, Any] = jwt.decode(
            token,
            key=named[0].key,
            algorithms=[header["alg"]],
            audience=client_id,
            issuer=self.openid_config["issuer"],
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "sub", "aud", "iss"]},
        )
        shared = isinstance(told["aud"], list) and len(told["aud"]) > 1
        if told.get("azp", None if shared else client_id) != client_id:
            raise SignOnRefused("provider", "The token was made for somebody else.")
        if not 0 < len(str(told["sub"])) <= _LONGEST_SUBJECT:
            raise SignOnRefused("provider", "The token does not say whom it is about.")
        return told


class _Provider(OpenIDConnectProvider):  # type: ignore[misc]
    """allauth's provider of one workspace; nothing of it is stored in allauth's tables."""

    def __init__(self, request: HttpRequest, server: SignOnServer) -> None:
        self.server = server
        app = SocialApp(
            provider=OpenIDConnectProvider.id,
            provider_id=server.workspace_id,
            name=server.workspace_id,
            client_id=server.client_id,
            secret=server.secret,
            settings={"server_url": server.issuer, "oauth_pkce_enabled": True},
        )
        super().__init__(request, app=app)

    def get_oauth2_adapter(self, request: HttpRequest) -> _Adapter:
        return _Adapter(request, self)


class _refusals:
    """Turns what goes wrong between us and the server into one refusal; what it answered is neither told nor logged."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (OAuth2Error, requests.RequestException)):
            raise SignOnRefused("unavailable", "The company's server does not answer as it should.") from None
        if isinstance(error, (jwt.PyJWTError, KeyError, TypeError, ValueError)):
            raise SignOnRefused("provider", "The server's token does not hold.") from None


def _provider(request: HttpRequest, server: SignOnServer) -> _Provider:
    return _Provider(request, server)


def _object(answer: requests.Response) -> dict[str, Any]:
    answer.raise_for_status()
    found = answer.json()
    if answer.status_code != requests.codes.ok or not isinstance(found, dict):
        raise requests.RequestException("no JSON object")
    return found


def _checked(issuer: str, found: dict[str, Any]) -> dict[str, Any]:
    if str(found.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
        raise BadInput(
            f"The server calls itself {str(found.get('issuer'))[:200]!r}, not {issuer!r}; use its own name.",
            field="issuer",
        )
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        place = urlsplit(str(found.get(name, "")))
        if place.scheme not in ({"https", "http"} if settings().allow_private_addresses else {"https"}):
            raise BadInput(f"The server's description has no usable {name}.", field="issuer")
    return found


_described: dict[str, tuple[float, dict[str, Any]]] = {}
