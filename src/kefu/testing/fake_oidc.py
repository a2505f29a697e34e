"""A company's OpenID Connect server: discovery, authorization code with PKCE, tokens signed by its key.

with FakeOidc() as server:
    ...                                   # a workspace with server.issuer, CLIENT_ID and CLIENT_SECRET
    back = server.log_in(location, sub="u1", email="ann@shop.example")   # where the browser is sent back to

It refuses what such servers refuse: a client that it does not know, an address to return to that it was not told, a
request without PKCE or state, a code used twice, another verifier than the challenge was made from. `spoil` changes
the next token's claims after the fact, `sign_with` its signature.
"""

import base64
import hashlib
import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from kefu.testing.fakes import FakeServer, Handler, SeenRequest

CLIENT_ID = "kefu-desk"
CLIENT_SECRET = "a secret of the sign-on server"  # noqa: S105  the fake's own
_MINUTES = 300  # seconds that a token is good for


class FakeOidc(FakeServer):
    """`spoil` are claims that the next tokens have instead of the right ones; None takes a claim away."""

    def __init__(self) -> None:
        super().__init__()
        self.redirects: set[str] = set()
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.sign_with: tuple[Any, str] | None = None  # (key, algorithm) instead of the server's own
        self.spoil: dict[str, Any] = {}
        self.thin = False  # tokens without an address, which is told at the userinfo endpoint alone
        self.calls_itself: str | None = None
        self._codes: dict[str, dict[str, Any]] = {}
        self._people: dict[str, dict[str, Any]] = {}

    @property
    def issuer(self) -> str:
        return f"{self.address}/company"

    def log_in(self, location: str, *, sub: str, **claims: Any) -> str:
        """Somebody logs in at the address that Kefu sent them to; gives the address that they are sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert urlsplit(location)._replace(query="").geturl() == f"{self.issuer}/authorize"
        assert asked["client_id"] == CLIENT_ID
        assert asked["redirect_uri"] in self.redirects, f"not registered: {asked['redirect_uri']}"
        assert asked["response_type"] == "code"
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["state"]) >= 16
        code = secrets.token_urlsafe(16)
        told = {"email_verified": True, **claims, "sub": sub}
        self._codes[code] = {"asked": asked, "claims": told}
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"

    def answer(self, handler: Handler, request: SeenRequest) -> None:
        place = urlsplit(request.path).path
        if place == "/company/.well-known/openid-configuration":
            handler.send_json(200, self._description())
        elif place == "/company/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            handler.send_json(200, {"keys": [{**public, "kid": "key-1", "use": "sig", "alg": "RS256"}]})
        elif place == "/company/token":
            self._token(handler, request)
        elif place == "/company/userinfo":
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            person = self._people.get(token)
            handler.send_json(200 if person else 401, person or {"error": "invalid_token"})
        else:
            handler.send_json(404, {"error": "not_found"})

    def _description(self) -> dict[str, Any]:
        return {
            "issuer": self.calls_itself or self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
        }

    def _token(self, handler: Handler, request: SeenRequest) -> None:
        form: dict[str, str] = request.body
        held = self._codes.pop(form.get("code", ""), None)  # a code works once
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            handler.send_json(401, {"error": "invalid_client"})
        elif held is None or not _fits(form, held["asked"]):
            handler.send_json(400, {"error": "invalid_grant"})
        else:
            access = secrets.token_urlsafe(16)
            self._people[access] = held["claims"]
            body = {
                "access_token": access,
                "token_type": "Bearer",
                "expires_in": _MINUTES,
                "id_token": self._signed(held),
            }
            handler.send_json(200, body)

    def _signed(self, held: dict[str, Any]) -> str:
        at = int(time.time())
        claims = {name: value for name, value in held["claims"].items() if not self.thin or name == "sub"}
        nonce = held["asked"].get("nonce")
        claims |= {"iss": self.issuer, "aud": CLIENT_ID, "iat": at, "exp": at + _MINUTES, "nonce": nonce, **self.spoil}
        key, algorithm = self.sign_with or (self.key, "RS256")
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, key, algorithm=algorithm, headers={"kid": "key-1"})


def _fits(form: dict[str, str], asked: dict[str, str]) -> bool:
    """Whether the client that redeems a code is the one that asked for it (RFC 7636, section 4.6)."""
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return (
        challenge == asked["code_challenge"]
        and form.get("redirect_uri") == asked["redirect_uri"]
        and form.get("grant_type") == "authorization_code"
    )
