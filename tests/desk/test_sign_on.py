"""Single sign-on against a server that speaks OpenID Connect as such servers do, and against ones that lie."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

from kefu.desk.accounts import actions, oidc, sign_on, sign_on_views
from kefu.desk.accounts.models import Member, SignOn, User
from kefu.desk.actor import Actor, Role
from kefu.kit import settings as kefu_settings
from kefu.kit.errors import BadInput, Conflict
from kefu.testing.fake_oidc import CLIENT_ID, CLIENT_SECRET, FakeOidc

from .desks import Desk, desk_of, user_of
from .shops import Shop, made_shop

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def _server() -> Iterator[FakeOidc]:
    with FakeOidc() as server:  # one for all tests: a key of 2048 bits takes its time
        yield server


@pytest.fixture
def server(_server: FakeOidc, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOidc]:
    monkeypatch.setenv("KEFU_ALLOW_PRIVATE_ADDRESSES", "true")
    monkeypatch.setenv("KEFU_LOG_INS_PER_ADDRESS", "1000")
    _server.spoil, _server.sign_with, _server.thin, _server.calls_itself = {}, None, False, None
    _server.failures.clear()
    _forget()
    yield _server
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    kefu_settings.settings.cache_clear()
    sign_on_views._per_address.cache_clear()
    oidc._described.clear()


@pytest.fixture
def shop(server: FakeOidc) -> Shop:
    """A workspace whose newcomers of shop.example become agents."""
    shop = made_shop()
    sign_on.set_sign_on(
        shop.owner,
        changes={
            "issuer": server.issuer,
            "client_id": CLIENT_ID,
            "secret": CLIENT_SECRET,
            "domains": ["shop.example"],
            "newcomer_role": "agent",
            "is_on": True,
        },
    )
    server.redirects = {f"http://testserver/desk/sso/{shop.slug}/callback"}
    return shop


def with_password(shop: Shop, actor: Actor) -> None:
    user = user_of(actor)
    user.set_password(PASSWORD)
    user.save()


def left(shop: Shop, client: Client, wanted: str = "") -> str:
    """Where the browser is sent to log in."""
    answer = client.get(f"/desk/sso/{shop.slug}/start", {"next": wanted} if wanted else {})
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def arrived(shop: Shop, server: FakeOidc, desk: Desk, wanted: str = "", **claims: Any) -> str:
    """Where the console goes on after a log-in at the company's server."""
    back = server.log_in(left(shop, desk.client, wanted), **{"sub": "u1", "email": "ann@shop.example", **claims})
    answer = desk.client.get(back.removeprefix("http://testserver"))
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def refusal(location: str) -> str:
    place = urlsplit(location)
    assert place.path == "/console/login"
    return parse_qs(place.query)["sso"][0]


# who comes in


def test_a_newcomer_of_the_companys_domain_becomes_a_member(shop: Shop, server: FakeOidc) -> None:
    desk = Desk()
    assert arrived(shop, server, desk, "/inbox", name="Ann") == "/console/inbox"
    found = desk.get("/session")
    assert (found["user"]["name"], found["member"]["role"], found["way"]) == ("Ann", "agent", "sso")
    told = {each["email"]: each["is_invited"] for each in desk.get("/members")["members"]}
    assert told["ann@shop.example"] is False
    actions_told = [entry["action"] for entry in desk_of(shop.owner).get("/audit")["entries"][:2]]
    assert actions_told == ["member.sso_linked", "member.joined"]


def test_who_came_once_is_known_by_the_servers_own_name_for_them(shop: Shop, server: FakeOidc) -> None:
    first, second = Desk(), Desk()
    arrived(shop, server, first)
    arrived(shop, server, second, email="married@elsewhere.example")
    assert second.get("/session")["user"]["id"] == first.get("/session")["user"]["id"]


def test_an_address_that_became_somebody_elses_does_not_let_them_in(shop: Shop, server: FakeOidc) -> None:
    arrived(shop, server, Desk())
    assert refusal(arrived(shop, server, Desk(), sub="u2")) == "other_account"
    [member] = Member.objects.of(shop.workspace_id).filter(sso_subject="u1")
    desk_of(shop.owner).delete(f"/members/{member.id}/sso")
    assert arrived(shop, server, Desk(), sub="u2") == "/console/"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"email": "ann@elsewhere.example"}, "domain"),
        ({"email": "ann@shop.example.evil.example"}, "domain"),
        ({"email_verified": False}, "unverified"),
        ({"email_verified": None}, "unverified"),
        ({"email": ""}, "no_address"),
    ],
)
def test_not_everybody_is_let_in(shop: Shop, server: FakeOidc, claims: dict[str, Any], reason: str) -> None:
    assert refusal(arrived(shop, server, Desk(), **claims)) == reason
    assert not User.objects.filter(email__startswith="ann@").exists()


def test_by_invitation_only(shop: Shop, server: FakeOidc) -> None:
    sign_on.set_sign_on(shop.owner, changes={"newcomer_role": ""})
    desk = Desk()
    assert refusal(arrived(shop, server, desk)) == "not_invited"
    actions.invite(shop.kefu, email="ann@shop.example", role=Role.SUPERVISOR)
    assert arrived(shop, server, desk) == "/console/"
    assert desk.get("/session")["member"]["role"] == "supervisor"


def test_an_ended_membership_stays_ended(shop: Shop, server: FakeOidc) -> None:
    arrived(shop, server, Desk())
    [member] = Member.objects.of(shop.workspace_id).filter(sso_subject="u1")
    actions.change_member(shop.owner, member_id=member.id, is_active=False)
    assert refusal(arrived(shop, server, Desk())) == "ended"


def test_an_address_that_only_userinfo_tells(shop: Shop, server: FakeOidc) -> None:
    server.thin = True
    assert arrived(shop, server, Desk()) == "/console/"


# what one company's server may not do to others


def test_a_session_of_a_companys_server_opens_that_workspace_alone(shop: Shop, server: FakeOidc) -> None:
    other = made_shop()
    victim = actions.invite(other.kefu, email="victim@shop.example", role=Role.OWNER).member
    with_password(other, Actor(other.workspace_id, "member", victim.id))
    desk = Desk()
    arrived(shop, server, desk, email="victim@shop.example")
    found = desk.get("/session")
    assert [each["slug"] for each in found["workspaces"]] == [shop.slug]
    desk.get("/members", expect=404, X_Kefu_Workspace=other.slug)
    desk.patch("/session", {"workspace": other.slug}, expect=404)
    desk.patch("/session", {"name": "Somebody Else"}, expect=403)
    desk.post("/session/password", {"old": PASSWORD, "new": "another horse battery"}, expect=403)
    desk.post("/session/second-factor/app", {"password": PASSWORD}, expect=403)
    desk.post("/session/second-factor/off", {"password": PASSWORD}, expect=403)


def test_it_neither_sees_nor_ends_sessions_that_a_password_opened(shop: Shop, server: FakeOidc) -> None:
    other = made_shop()
    victim = actions.invite(other.kefu, email="victim@shop.example", role=Role.OWNER).member
    theirs = desk_of(Actor(other.workspace_id, "member", victim.id))
    theirs.get("/session")
    [session] = theirs.get("/session/list")["sessions"]
    desk = Desk()
    arrived(shop, server, desk, email="victim@shop.example")
    assert [each["way"] for each in desk.get("/session/list")["sessions"]] == ["sso"]
    desk.delete(f"/session/list/{session['id']}", expect=404)
    assert desk.delete("/session/list", expect=200)["ended"] == 0
    assert theirs.get("/members")["members"]


# the protocol


@pytest.mark.parametrize(
    "spoiled",
    [
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another-client"]},
        {"azp": "another-client"},
        {"nonce": "of another log-in"},
        {"nonce": None},
        {"exp": 1_000_000},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": "x" * 300},
    ],
    ids=lambda claims: " ".join(f"{name}={str(value)[:20]}" for name, value in claims.items()),
)
def test_a_token_that_does_not_hold_lets_nobody_in(shop: Shop, server: FakeOidc, spoiled: dict[str, Any]) -> None:
    server.spoil = spoiled
    desk = Desk()
    assert refusal(arrived(shop, server, desk)) == "provider"
    assert desk.get("/session")["user"] is None


@pytest.mark.parametrize("way", ["another key", "a secret", "none"])
def test_a_signature_that_is_not_the_servers_lets_nobody_in(shop: Shop, server: FakeOidc, way: str) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    server.sign_with = {
        "another key": (stranger, "RS256"),
        "a secret": (CLIENT_SECRET * 2, "HS256"),
        "none": (None, "none"),
    }[way]
    assert refusal(arrived(shop, server, Desk())) == "provider"


def test_a_log_in_is_finished_in_the_browser_that_began_it(shop: Shop, server: FakeOidc) -> None:
    mine, victim = Desk(), Desk()
    back = server.log_in(left(shop, mine.client), sub="u1", email="ann@shop.example")
    answer = victim.client.get(back.removeprefix("http://testserver"))
    assert refusal(answer.headers["Location"]) == "expired"
    assert victim.get("/session")["user"] is None


def test_a_state_works_once_and_for_its_own_workspace(shop: Shop, server: FakeOidc) -> None:
    desk = Desk()
    back = server.log_in(left(shop, desk.client), sub="u1", email="ann@shop.example").removeprefix("http://testserver")
    other = made_shop()
    sign_on.set_sign_on(
        other.owner,
        changes={"issuer": server.issuer, "client_id": CLIENT_ID, "secret": CLIENT_SECRET, "is_on": True},
    )
    assert refusal(desk.client.get(back.replace(shop.slug, other.slug)).headers["Location"]) == "expired"
    assert desk.client.get(back).headers["Location"] == "/console/"
    assert refusal(desk.client.get(back).headers["Location"]) == "expired"


def test_the_session_is_another_one_afterwards(shop: Shop, server: FakeOidc) -> None:
    desk = Desk()
    location = left(shop, desk.client)
    before = desk.client.cookies["kefu_session"].value
    desk.client.get(server.log_in(location, sub="u1", email="ann@shop.example").removeprefix("http://testserver"))
    assert desk.client.cookies["kefu_session"].value != before


def test_an_answer_of_another_server_is_refused(shop: Shop, server: FakeOidc) -> None:
    desk = Desk()
    back = server.log_in(left(shop, desk.client), sub="u1", email="ann@shop.example").removeprefix("http://testserver")
    forged = f"{back.partition('&iss=')[0]}&iss=https%3A%2F%2Fevil.example"
    assert refusal(desk.client.get(forged).headers["Location"]) == "provider"


def test_who_turns_back_is_told_so(shop: Shop) -> None:
    desk = Desk()
    state = parse_qs(urlsplit(left(shop, desk.client)).query)["state"][0]
    answer = desk.client.get(f"/desk/sso/{shop.slug}/callback", {"state": state, "error": "access_denied"})
    assert refusal(answer.headers["Location"]) == "cancelled"


def test_a_server_that_breaks_is_told_of_without_its_words(
    shop: Shop, server: FakeOidc, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk()
    back = server.log_in(left(shop, desk.client), sub="u1", email="ann@shop.example").removeprefix("http://testserver")
    server.fail_next(500, body={"error": "with ann@shop.example in it"})
    with caplog.at_level("DEBUG"):
        assert refusal(desk.client.get(back).headers["Location"]) == "unavailable"
    assert "ann@" not in caplog.text
    assert CLIENT_SECRET not in caplog.text


@pytest.mark.parametrize(
    ("wanted", "page"),
    [
        ("/inbox/c1?tab=2", "/console/inbox/c1?tab=2"),
        ("https://evil.example", "/console/"),
        ("//evil.example", "/console/"),
        ("/\\evil.example", "/console/"),
        ("/../desk/api", "/console/"),
        ("/a\r\nSet-Cookie: x", "/console/"),
        ("inbox", "/console/"),
    ],
)
def test_afterwards_the_console_opens_and_nothing_else(shop: Shop, server: FakeOidc, wanted: str, page: str) -> None:
    assert arrived(shop, server, Desk(), wanted) == page


def test_strangers_cannot_tell_workspaces_apart(shop: Shop) -> None:
    made = made_shop()
    for slug in (made.slug, "nobody"):
        answer = Client().get(f"/desk/sso/{slug}/start")
        assert refusal(answer.headers["Location"]) == "unknown"
        assert Desk().get(f"/session/ways?workspace={slug}") == {"workspace": None}
    assert Desk().get(f"/session/ways?workspace={shop.slug}")["workspace"]["slug"] == shop.slug


# settings


def test_private_addresses_are_not_reached_unless_allowed(
    shop: Shop, server: FakeOidc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEFU_ALLOW_PRIVATE_ADDRESSES", "false")
    _forget()
    assert refusal(left(shop, Client())) == "unavailable"
    for issuer in ("https://127.0.0.1/company", "https://169.254.169.254/", "http://login.example.com"):
        found = desk_of(shop.owner).patch("/settings/sso", {"issuer": issuer}, expect=422)
        assert found["code"] in {"address_refused", "bad_input"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"issuer": "login.example.com"}, "issuer"),
        ({"client_id": " "}, "client_id"),
        ({"domains": []}, "domains"),
        ({"domains": ["localhost"]}, "domains"),
        ({"newcomer_role": "owner"}, "newcomer_role"),
        ({"is_only_way": True}, "break_glass"),
        ({"is_on": None}, "is_on"),
    ],
)
def test_settings_that_cannot_be_are_refused(shop: Shop, changes: dict[str, Any], field: str) -> None:
    assert desk_of(shop.owner).patch("/settings/sso", changes, expect=422)["field"] == field


def test_a_server_by_another_name_is_not_taken(shop: Shop, server: FakeOidc) -> None:
    server.calls_itself = "https://login.example.com/{tenant}"
    oidc._described.clear()
    assert desk_of(shop.owner).post("/settings/sso/check", expect=422)["field"] == "issuer"


def test_the_secret_is_sealed_and_never_shown(shop: Shop) -> None:
    found = desk_of(shop.owner).get("/settings/sso")
    assert found["has_secret"] is True
    assert found["redirect"] == f"http://testserver/desk/sso/{shop.slug}/callback"
    row = SignOn.objects.of(shop.workspace_id).get()
    audited = repr(desk_of(shop.owner).get("/audit"))
    for place in (repr(found), repr(bytes(row.sealed_secret)), audited):
        assert CLIENT_SECRET not in place
    assert '"secret": "changed"' in audited.replace("'", '"')


def test_only_owners_set_it(shop: Shop) -> None:
    admin = desk_of(shop.member(Role.ADMIN))
    assert admin.get("/settings/sso")["is_on"] is True
    admin.patch("/settings/sso", {"is_on": False}, expect=403)
    desk_of(shop.member(Role.AGENT)).get("/settings/sso", expect=403)


def test_another_server_knows_other_people(shop: Shop, server: FakeOidc) -> None:
    arrived(shop, server, Desk())
    sign_on.set_sign_on(shop.owner, changes={"is_on": False, "issuer": "https://other.example"})
    assert not Member.objects.of(shop.workspace_id).exclude(sso_subject="").exists()


def test_sessions_end_when_the_way_is_closed(shop: Shop, server: FakeOidc) -> None:
    desk, other = Desk(), desk_of(shop.owner)
    arrived(shop, server, desk)
    assert desk.get("/members")["members"]
    other.patch("/settings/sso", {"is_on": False})
    desk.get("/members", expect=401)
    assert other.get("/members")["members"]


# the only way


def test_as_the_only_way_it_shuts_passwords_out_but_one_owners(shop: Shop, server: FakeOidc) -> None:
    agent = shop.member(Role.AGENT)
    inside = desk_of(agent)
    assert inside.get("/members")["members"]
    with_password(shop, shop.owner)
    sign_on.set_sign_on(shop.owner, changes={"is_only_way": True})
    assert inside.get("/members", expect=403)["code"] == "sso_required"
    assert inside.get("/session")["member"]["needs"] == "sso"
    assert desk_of(shop.owner).get("/members")["members"]
    desk = Desk()
    arrived(shop, server, desk, email=user_of(agent).email, sub="agent")
    assert desk.client.get("/desk/api/session").json()["user"] is None  # example.com is not the company's domain
    sign_on.set_sign_on(shop.owner, changes={"domains": ["shop.example", "example.com"]})
    arrived(shop, server, desk, email=user_of(agent).email, sub="agent")
    assert desk.get("/members")["members"]


def test_the_owner_with_the_password_stays(shop: Shop) -> None:
    with_password(shop, shop.owner)
    second = shop.member(Role.OWNER)
    found = sign_on.set_sign_on(shop.owner, changes={"is_only_way": True})
    assert found.break_glass == shop.owner.id
    with pytest.raises(Conflict, match="password"):
        actions.change_member(second, member_id=shop.owner.id, role=Role.AGENT)
    with pytest.raises(BadInput, match="owner"):
        sign_on.set_sign_on(shop.owner, changes={"break_glass": second.id})  # has no password
