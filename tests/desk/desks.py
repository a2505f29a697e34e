"""A member at the members' door: Django's test client against the real addresses, signed in."""

from collections.abc import Mapping
from typing import Any

from django.test import Client

from kefu.desk.accounts.models import Member, User
from kefu.desk.actor import Actor, Role

from .shops import Shop

BASE = "/desk/api"


class Desk:
    """Calls the API and asserts the status; gives the body."""

    def __init__(self, *, csrf_checked: bool = False, address: str = "127.0.0.1") -> None:
        self.client = Client(enforce_csrf_checks=csrf_checked, REMOTE_ADDR=address)
        self.csrf = ""

    def get(self, path: str, expect: int = 200, **headers: str) -> Any:
        return self._called("get", path, None, expect, headers)

    def post(self, path: str, body: Any = None, expect: int = 200, **headers: str) -> Any:
        return self._called("post", path, body, expect, headers)

    def put(self, path: str, body: Any = None, expect: int = 200, **headers: str) -> Any:
        return self._called("put", path, body, expect, headers)

    def patch(self, path: str, body: Any = None, expect: int = 200, **headers: str) -> Any:
        return self._called("patch", path, body, expect, headers)

    def delete(self, path: str, expect: int = 204, **headers: str) -> Any:
        return self._called("delete", path, None, expect, headers)

    def _called(self, method: str, path: str, body: Any, expect: int, headers: Mapping[str, str]) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = getattr(self.client, method)(
            f"{BASE}{path}",
            data=body,
            content_type="application/json",
            headers={"X-CSRFToken": self.csrf, **named},
        )
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.content.decode()[:500]}"
        if not answer.content:
            return None
        found = answer.json()
        if expect >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert found["status"] == expect
        self.csrf = found.get("csrf", self.csrf) if isinstance(found, dict) else self.csrf
        return found


def desk_of(actor: Actor) -> Desk:
    """The door as this member sees it."""
    desk = Desk()
    desk.client.force_login(user_of(actor))
    return desk


def desk_for(shop: Shop, role: Role) -> Desk:
    """The door as somebody new with this role sees it."""
    return desk_of(shop.owner if role is Role.OWNER else shop.member(role))


def user_of(actor: Actor) -> User:
    return Member.objects.of(actor.workspace_id).select_related("user").get(id=actor.id).user
