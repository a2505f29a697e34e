"""Second factors: set up, asked for, used once, required by a workspace, lost and reset."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.contrib.sessions.models import Session

from kefu.desk.accounts import actions, second_factor
from kefu.desk.accounts.models import AuditEntry, Member, User
from kefu.desk.accounts.queries import actor_of_member
from kefu.desk.actor import Actor, Role
from kefu.kit.errors import NotAllowed, NotSignedIn

from .desks import Desk, desk_of, user_of
from .shops import Shop, made_shop

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
EMAIL = "anna@example.com"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The app's half minutes; fresh rates."""
    at = [1_000_000]
    for module in (totp, second_factor):
        name = "yield_hotp_counters_from_time" if module is totp else "counters"
        monkeypatch.setattr(module, name, lambda: iter((at[0] - 1, at[0], at[0] + 1)))
    rates = (second_factor._per_minutes, second_factor._per_day, actions._per_account, actions._per_address)
    for rate in rates:
        rate.cache_clear()
    yield at
    for rate in rates:
        rate.cache_clear()


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def anna(shop: Shop) -> Actor:
    """An agent with a password of her own."""
    made = actions.create_member(shop.kefu, email=EMAIL, name="Anna", role=Role.AGENT)
    user = User.objects.get(email=EMAIL)
    user.set_password(PASSWORD)
    user.must_change_password = False
    user.save()
    return Actor(shop.workspace_id, "member", made.member.id, role=Role.AGENT)


def code_of(secret: str, counter: int) -> str:
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def logged_in() -> Desk:
    desk = Desk(csrf_checked=True)
    desk.get("/session")
    desk.post("/session", {"email": EMAIL, "password": PASSWORD})
    return desk


def set_up(desk: Desk, at: int) -> tuple[str, list[str]]:
    secret = desk.post("/session/second-factor/app", {"password": PASSWORD})["secret"]
    found = desk.put("/session/second-factor/app", {"code": code_of(secret, at)})
    desk.get("/session")
    return secret, found["recovery_codes"]


def test_an_app_is_set_up_with_its_first_code(anna: Actor, clock: list[int]) -> None:
    desk = logged_in()
    assert desk.get("/session/second-factor") == {"is_on": False, "since": None, "codes_left": 0, "required_by": []}
    desk.post("/session/second-factor/app", {"password": "wrong"}, expect=422)
    made = desk.post("/session/second-factor/app", {"password": PASSWORD})
    assert made["address"].startswith(f"otpauth://totp/Kefu:anna%40example.com?secret={made['secret']}")
    assert made["picture"].startswith("data:image/svg+xml")
    desk.put("/session/second-factor/app", {"code": "000000"}, expect=422)
    codes = desk.put("/session/second-factor/app", {"code": code_of(made["secret"], clock[0])})["recovery_codes"]
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[a-z2-9]{5}-[a-z2-9]{5}", code) for code in codes)
    desk.get("/session")
    found = desk.get("/session/second-factor")
    assert (found["is_on"], found["codes_left"]) == (True, 10)
    desk.post("/session/second-factor/app", {"password": PASSWORD}, expect=409)


def test_neither_secret_nor_codes_lie_open_in_the_database(anna: Actor, clock: list[int]) -> None:
    secret, codes = set_up(logged_in(), clock[0])
    kept = repr(list(Authenticator.objects.values())) + repr(list(AuditEntry.objects.across_workspaces("all").values()))
    sessions = [session.get_decoded() for session in Session.objects.all()]
    for each in (secret, *codes, *(code.replace("-", "") for code in codes)):
        assert each not in kept
        assert each not in repr(sessions)


def test_the_password_alone_opens_nothing(anna: Actor, clock: list[int]) -> None:
    secret, _ = set_up(logged_in(), clock[0])
    clock[0] += 1
    desk = Desk(csrf_checked=True)
    desk.get("/session")
    before = desk.client.cookies["kefu_csrf"].value
    answer = desk.post("/session", {"email": EMAIL, "password": PASSWORD})
    assert (answer["second_factor"], answer["user"]) == (True, None)
    assert desk.client.cookies["kefu_csrf"].value != before
    assert desk.get("/session")["user"] is None
    desk.get("/members", expect=401)
    waiting = desk.client.cookies["kefu_session"].value
    desk.post("/session/code", {"code": code_of(secret, clock[0] + 5)}, expect=401)
    found = desk.post("/session/code", {"code": code_of(secret, clock[0])})
    assert found["user"]["email"] == EMAIL
    assert desk.client.cookies["kefu_session"].value != waiting
    assert desk.get("/members")["members"]


def test_a_code_needs_the_token_of_the_session(anna: Actor, clock: list[int]) -> None:
    secret, _ = set_up(logged_in(), clock[0])
    clock[0] += 1
    desk = Desk(csrf_checked=True)
    desk.get("/session")
    desk.post("/session", {"email": EMAIL, "password": PASSWORD})
    desk.csrf = "x" * 32
    assert desk.post("/session/code", {"code": code_of(secret, clock[0])}, expect=403)["code"] == "csrf_failed"


def test_a_code_without_a_password_opens_nothing(anna: Actor, clock: list[int]) -> None:
    secret, _ = set_up(logged_in(), clock[0])
    desk = Desk()
    desk.post("/session/code", {"code": code_of(secret, clock[0] + 1)}, expect=401)


def test_a_password_that_was_changed_meanwhile_no_longer_waits(anna: Actor, clock: list[int]) -> None:
    secret, _ = set_up(logged_in(), clock[0])
    clock[0] += 1
    desk = Desk()
    desk.post("/session", {"email": EMAIL, "password": PASSWORD})
    user = user_of(anna)
    user.set_password("another horse battery")
    user.save()
    desk.post("/session/code", {"code": code_of(secret, clock[0])}, expect=401)


def test_a_code_works_once_and_not_one_before_it(anna: Actor, clock: list[int]) -> None:
    secret, _ = set_up(logged_in(), clock[0])
    user = user_of(anna)
    with pytest.raises(NotSignedIn):  # it was used to set up
        second_factor.check(user, code=code_of(secret, clock[0]))
    second_factor.check(user, code=f" {code_of(secret, clock[0] + 1)} ")
    second_factor._per_minutes.cache_clear()
    for counter in (clock[0] + 1, clock[0], clock[0] - 1):
        with pytest.raises(NotSignedIn):
            second_factor.check(user, code=code_of(secret, counter))


def test_recovery_codes_work_once_each(anna: Actor, clock: list[int]) -> None:
    desk = logged_in()
    _, codes = set_up(desk, clock[0])
    user = user_of(anna)
    second_factor.check(user, code=codes[3].upper())
    with pytest.raises(NotSignedIn):
        second_factor.check(user, code=codes[3])
    assert second_factor.second_factor(user).codes_left == 9
    fresh = desk.post("/session/second-factor/recovery-codes", {"password": PASSWORD})["recovery_codes"]
    with pytest.raises(NotSignedIn):
        second_factor.check(user, code=codes[4])
    second_factor.check(user, code=fresh[4])


def test_codes_cannot_be_guessed_on_and_on(anna: Actor, clock: list[int]) -> None:
    set_up(logged_in(), clock[0])
    second_factor._per_minutes.cache_clear()
    desk = Desk()
    desk.post("/session", {"email": EMAIL, "password": PASSWORD})
    for number in range(5):
        desk.post("/session/code", {"code": f"{number:06}"}, expect=401)
    assert desk.post("/session/code", {"code": "999999"}, expect=429)["code"] == "busy"


def test_setting_it_up_ends_the_other_sessions(anna: Actor, clock: list[int]) -> None:
    other, desk = logged_in(), logged_in()
    set_up(desk, clock[0])
    other.get("/members", expect=401)
    assert desk.get("/members")["members"]


def test_a_workspace_that_asks_for_it_lets_nobody_in_before(shop: Shop, anna: Actor, clock: list[int]) -> None:
    desk = logged_in()
    ticket = desk.post("/live-ticket")["ticket"]
    socket = actions.redeem_ticket(ticket)
    actions.change_workspace(shop.kefu, settings={"require_second_factor": True})
    assert desk.get("/members", expect=403)["code"] == "second_factor_required"
    assert desk.get("/session")["member"]["needs"] == "second_factor"
    with pytest.raises(NotSignedIn):
        actor_of_member(shop.workspace_id, anna.id, sign_in=socket.sign_in)
    assert desk.get("/session/second-factor")["required_by"] == [shop.slug]
    set_up(desk, clock[0])
    assert desk.get("/session")["member"]["needs"] == ""
    assert desk.get("/members")["members"]
    desk.post("/session/second-factor/off", {"password": PASSWORD}, expect=409)
    actions.change_workspace(shop.kefu, settings={"require_second_factor": False})
    assert desk.post("/session/second-factor/off", {"password": PASSWORD})["is_on"] is False


def test_who_lost_it_is_let_in_again_by_who_is_above_them(shop: Shop, anna: Actor, clock: list[int]) -> None:
    set_up(logged_in(), clock[0])
    desk_of(shop.member(Role.SUPERVISOR)).delete(f"/members/{anna.id}/second-factor", expect=403)
    admin = desk_of(shop.member(Role.ADMIN))
    admin.delete(f"/members/{shop.owner.id}/second-factor", expect=403)
    admin.delete(f"/members/{anna.id}/second-factor")
    entry = admin.get("/audit")["entries"][0]
    assert (entry["action"], entry["before"]["second_factor"]) == ("member.second_factor_reset", True)
    assert logged_in().get("/session")["user"]["email"] == EMAIL


def test_nobody_changes_how_somebody_comes_in_elsewhere(shop: Shop, anna: Actor, clock: list[int]) -> None:
    stranger = made_shop()
    there = actions.invite(stranger.kefu, email=EMAIL, role=Role.AGENT).member
    set_up(logged_in(), clock[0])
    for call in (second_factor.reset,):
        with pytest.raises(NotAllowed, match="another workspace"):
            call(stranger.owner, member_id=there.id)
    desk_of(stranger.owner).get(f"/members/{there.id}/sessions", expect=403)
    assert second_factor.is_on(user_of(anna))
    assert second_factor.reset(stranger.kefu, member_id=there.id) is True


def test_what_was_done_is_told_in_the_workspace(shop: Shop, anna: Actor, clock: list[int]) -> None:
    desk = logged_in()
    set_up(desk, clock[0])
    desk.post("/session/second-factor/off", {"password": PASSWORD})
    entries: list[dict[str, Any]] = desk_of(shop.owner).get("/audit")["entries"]
    told = [entry["action"] for entry in entries if entry["actor"]["id"] == anna.id]
    assert told == ["member.second_factor_off", "member.second_factor_on"]
    assert Member.objects.of(shop.workspace_id).filter(id=anna.id).exists()
