"""Logging in and out, whose session it is, and what guards it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session

from kefu.desk.accounts import actions
from kefu.desk.accounts.models import Member
from kefu.desk.actor import Role
from kefu.kit import settings as kefu_settings

from .desks import BASE, Desk, desk_of, user_of
from .shops import Shop, made_shop

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


ATTEMPTS = 3


@pytest.fixture(autouse=True)
def _fresh_rates(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few enough attempts that none comes back while a test runs."""
    monkeypatch.setenv("KEFU_LOG_INS_PER_ACCOUNT", str(ATTEMPTS))
    monkeypatch.setenv("KEFU_LOG_INS_PER_ADDRESS", str(ATTEMPTS))
    for forget in (kefu_settings.settings, actions._per_address, actions._per_account):
        forget.cache_clear()
    yield
    monkeypatch.undo()
    for forget in (kefu_settings.settings, actions._per_address, actions._per_account):
        forget.cache_clear()


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def somebody(shop: Shop) -> dict[str, str]:
    """An agent with a one-time password."""
    made = actions.create_member(shop.kefu, email="anna@example.com", name="Anna", role=Role.AGENT)
    return {"email": "anna@example.com", "password": str(made.password)}


@pytest.fixture
def desk() -> Desk:
    desk = Desk(csrf_checked=True)
    assert desk.get("/session")["user"] is None
    return desk


def test_logging_in_tells_who_and_where(desk: Desk, shop: Shop, somebody: dict[str, str]) -> None:
    found = desk.post("/session", somebody)
    assert found["user"]["email"] == "anna@example.com"
    assert found["user"]["must_change_password"] is True
    assert found["workspace"]["slug"] == shop.slug
    assert found["member"]["role"] == "agent"
    assert [each["slug"] for each in found["workspaces"]] == [shop.slug]


def test_the_session_is_another_one_after_logging_in(desk: Desk, somebody: dict[str, str]) -> None:
    session = desk.client.session
    session["workspace"] = "chosen by a stranger"
    session.save()
    desk.client.cookies["kefu_session"] = session.session_key
    desk.post("/session", somebody)
    assert desk.client.cookies["kefu_session"].value != session.session_key
    assert not Session.objects.filter(session_key=session.session_key).exists()


def test_the_cookies_are_for_the_api_alone(desk: Desk, somebody: dict[str, str]) -> None:
    desk.post("/session", somebody)
    for name in ("kefu_session", "kefu_csrf"):
        cookie = desk.client.cookies[name]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/desk")


def test_answers_are_not_stored_by_caches(desk: Desk) -> None:
    assert desk.client.get(f"{BASE}/session").headers["Cache-Control"] == "no-store"
    assert desk.client.get(f"{BASE}/members").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"email": "nobody@example.com"}])
def test_a_wrong_password_and_an_unknown_address_look_alike(
    desk: Desk, somebody: dict[str, str], wrong: dict[str, str]
) -> None:
    refusal = desk.post("/session", {**somebody, **wrong}, expect=401)
    assert refusal["detail"] == "The e-mail address or the password is not right."
    assert desk.get("/session")["user"] is None


def test_an_unknown_address_costs_a_hash_as_well(
    desk: Desk, somebody: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.auth.hashers import Argon2PasswordHasher

    hashed: list[Any] = []
    encode = Argon2PasswordHasher.encode
    monkeypatch.setattr(Argon2PasswordHasher, "encode", lambda *given: hashed.append(given) or encode(*given))
    desk.post("/session", {"email": "nobody@example.com", "password": "x"}, expect=401)
    assert len(hashed) == 1


def test_attempts_on_one_account_are_limited_from_wherever_they_come(somebody: dict[str, str]) -> None:
    for number in range(ATTEMPTS):
        desk = Desk(address=f"192.0.2.{number}")
        desk.post("/session", {**somebody, "password": "wrong"}, expect=401)
    refusal = Desk(address="192.0.2.200").post("/session", {**somebody, "email": "ANNA@example.com "}, expect=429)
    assert refusal["code"] == "busy"


def test_attempts_from_one_address_are_limited_whomever_they_are_for(shop: Shop) -> None:
    desk = Desk(address="192.0.2.1")
    for number in range(ATTEMPTS):
        desk.post("/session", {"email": f"{number}@example.com", "password": "x"}, expect=401)
    desk.post("/session", {"email": "another@example.com", "password": "x"}, expect=429)


@pytest.mark.parametrize("token", ["", "x" * 64])
def test_unsafe_requests_need_the_token(desk: Desk, somebody: dict[str, str], token: str) -> None:
    right = desk.csrf
    desk.csrf = token
    assert desk.post("/session", somebody, expect=403)["code"] == "csrf_failed"
    desk.csrf = right
    desk.post("/session", somebody)
    desk.csrf = token
    for method, path in [
        ("delete", "/session"),
        ("patch", "/session"),
        ("post", "/session/password"),
        ("post", "/live-ticket"),
        ("patch", "/settings"),
        ("delete", "/keys/key_1"),
    ]:
        refusal = getattr(desk, method)(path, expect=403)
        assert refusal["code"] == "csrf_failed", path


def test_logging_out_ends_the_session(desk: Desk, somebody: dict[str, str]) -> None:
    desk.post("/session", somebody)
    desk.delete("/session")
    assert desk.get("/session")["user"] is None
    desk.delete("/session")
    desk.get("/members", expect=401)


def test_a_one_time_password_opens_nothing_but_the_door_to_a_new_one(desk: Desk, somebody: dict[str, str]) -> None:
    desk.post("/session", somebody)
    for path in ("/members", "/inbox/counts", "/library/sources", "/assistant", "/channels", "/settings"):
        assert desk.get(path, expect=403)["code"] == "must_change_password", path
    desk.post("/session/password", {"old": somebody["password"], "new": PASSWORD})
    assert desk.get("/members")["members"]


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(desk: Desk, somebody: dict[str, str]) -> None:
    other = Desk(csrf_checked=True)
    other.get("/session")
    other.post("/session", somebody)
    desk.post("/session", somebody)
    desk.post("/session/password", {"old": somebody["password"], "new": PASSWORD})
    desk.get("/members")
    assert other.get("/session")["user"] is None


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [("wrong", PASSWORD, "old"), ("", "short", "new"), ("", "password1234", "new"), ("", "123456789012", "new")],
)
def test_a_bad_password_is_refused(desk: Desk, somebody: dict[str, str], old: str, new: str, field: str) -> None:
    desk.post("/session", somebody)
    refusal = desk.post("/session/password", {"old": old or somebody["password"], "new": new}, expect=422)
    assert refusal["field"] == field


def test_preferences_are_kept(shop: Shop) -> None:
    member = shop.member(Role.AGENT)
    desk_of(member).patch("/session", {"language": "zh", "theme": "dark", "name": " Anna ", "notify_mail": False})
    found = desk_of(member).get("/session")
    assert (found["user"]["language"], found["user"]["theme"], found["user"]["name"]) == ("zh", "dark", "Anna")
    assert found["member"]["notify_mail"] is False
    assert desk_of(member).patch("/session", {"theme": "pink"}, expect=422)["field"] == "theme"


def test_a_member_of_two_workspaces_chooses(shop: Shop) -> None:
    second = made_shop()
    member = shop.member(Role.AGENT)
    actions.invite(second.kefu, email=user_of(member).email, role=Role.VIEWER)
    desk = desk_of(member)
    assert desk.get("/session")["workspace"]["slug"] == shop.slug
    assert desk.get("/settings", X_Kefu_Workspace=second.slug)["slug"] == second.slug
    assert desk.get("/settings", X_Kefu_Workspace=second.workspace_id)["slug"] == second.slug
    assert desk.get("/settings")["slug"] == shop.slug
    assert desk.patch("/session", {"workspace": second.slug})["member"]["role"] == "viewer"
    assert desk.get("/settings")["slug"] == second.slug


def test_nobody_chooses_a_workspace_that_they_are_not_in(shop: Shop) -> None:
    other = made_shop()
    desk = desk_of(shop.owner)
    desk.get("/settings", 404, X_Kefu_Workspace=other.slug)
    desk.patch("/session", {"workspace": other.workspace_id}, expect=404)


def test_an_ended_membership_opens_nothing_more(shop: Shop) -> None:
    member = shop.member(Role.AGENT)
    desk = desk_of(member)
    desk.get("/members")
    Member.objects.of(shop.workspace_id).filter(id=member.id).update(is_active=False)
    desk.get("/members", expect=403)
    assert desk.get("/session")["workspaces"] == []


def test_a_host_that_is_not_ours_is_refused_as_a_problem(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["help.example.com"]
    answer = Desk(csrf_checked=True).client.post(f"{BASE}/session", headers={"host": "evil.example"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")


def test_an_address_that_nothing_has_is_a_problem() -> None:
    assert Desk().get("/nothing", expect=404)["code"] == "not_found"
