"""Members, invitations, keys, settings, audit, channels and tickets through HTTP."""

import threading
from typing import Any

import pytest
from django.db import connections

from kefu.desk.accounts import actions
from kefu.desk.accounts.models import LiveTicket, Member, Notification
from kefu.desk.accounts.queries import actor_of_key
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.queries import channel, identity_secret
from kefu.desk.rows import now
from kefu.kit.errors import Conflict, NotSignedIn

from .desks import Desk, desk_for, desk_of
from .shops import Shop, made_shop

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def owner(shop: Shop) -> Desk:
    return desk_of(shop.owner)


@pytest.fixture
def admin(shop: Shop) -> Desk:
    return desk_for(shop, Role.ADMIN)


@pytest.fixture
def agent(shop: Shop) -> Desk:
    return desk_for(shop, Role.AGENT)


def invited(desk: Desk, email: str = "new@example.com", **body: Any) -> tuple[Any, str]:
    made = desk.post("/members/invitations", {"email": email, **body}, expect=201)
    return made["member"], made["link"].rpartition("/")[2]


# members


def test_everybody_sees_who_is_there(shop: Shop, agent: Desk) -> None:
    found = desk_for(shop, Role.VIEWER).get("/members")["members"]
    assert {row["role"] for row in found} == {"owner", "agent", "viewer"}


def test_an_invitation_leads_to_a_password_and_in(admin: Desk, shop: Shop) -> None:
    member, token = invited(admin, " New@Example.com ", role="supervisor", name="Nia")
    assert (member["email"], member["role"], member["is_invited"]) == ("new@example.com", "supervisor", True)
    newcomer = Desk(csrf_checked=True)
    newcomer.get("/session")
    shown = newcomer.get(f"/invitations/{token}")
    assert (shown["workspace"]["slug"], shown["has_password"]) == (shop.slug, False)
    assert newcomer.post(f"/invitations/{token}", {"password": "short"}, expect=422)["field"] == "password"
    found = newcomer.post(f"/invitations/{token}", {"name": "Nia N.", "password": PASSWORD})
    assert (found["user"]["name"], found["member"]["role"]) == ("Nia N.", "supervisor")
    assert newcomer.get("/members")["members"][-1]["is_invited"] is False


def test_an_invitation_opens_once_and_not_when_forged(admin: Desk) -> None:
    member, token = invited(admin)
    again = admin.post(f"/members/{member['id']}/invitation", {})["link"].rpartition("/")[2]
    Desk().post(f"/invitations/{token}", {"password": PASSWORD})
    for used in (token, again, f"{token}x", "nonsense"):
        Desk().get(f"/invitations/{used}", expect=401)
        Desk().post(f"/invitations/{used}", {"password": PASSWORD}, expect=401)
    admin.post(f"/members/{member['id']}/invitation", {}, expect=409)


def test_an_ended_membership_ends_its_invitation(admin: Desk) -> None:
    member, token = invited(admin)
    admin.patch(f"/members/{member['id']}", {"is_active": False})
    Desk().post(f"/invitations/{token}", {"password": PASSWORD}, expect=401)


def test_somebody_of_another_workspace_keeps_their_password(admin: Desk) -> None:
    actions.create_member(made_shop().kefu, email="known@example.com")
    member, token = invited(admin, "known@example.com")
    assert member["is_invited"] is False
    assert Desk().get(f"/invitations/{token}")["has_password"] is True
    Desk().post(f"/invitations/{token}", {"password": PASSWORD}, expect=409)


def test_invitations_are_refused(admin: Desk, agent: Desk) -> None:
    agent.post("/members/invitations", {"email": "a@example.com"}, expect=403)
    admin.post("/members/invitations", {"email": "nobody"}, expect=422)
    admin.post("/members/invitations", {"email": "a@example.com", "role": "king"}, expect=422)
    invited(admin, "a@example.com")
    admin.post("/members/invitations", {"email": "a@example.com"}, expect=409)


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_only_owners_make_and_change_owners_and_admins(owner: Desk, admin: Desk, shop: Shop, role: str) -> None:
    admin.post("/members/invitations", {"email": "high@example.com", "role": role}, expect=403)
    member, _ = invited(owner, "high@example.com", role=role)
    path = f"/members/{member['id']}"
    admin.patch(path, {"role": "agent"}, expect=403)
    admin.patch(path, {"is_active": False}, expect=403)
    admin.post(f"{path}/invitation", {}, expect=403)
    admin.patch(f"/members/{shop.member(Role.AGENT).id}", {"role": role}, expect=403)
    assert owner.patch(path, {"role": "agent"})["role"] == "agent"


def test_the_last_owner_stays(owner: Desk, shop: Shop) -> None:
    path = f"/members/{shop.owner.id}"
    owner.patch(path, {"role": "admin"}, expect=409)
    owner.patch(path, {"is_active": False}, expect=409)
    invited(owner, "second@example.com", role="owner")
    assert owner.patch(path, {"role": "admin"})["role"] == "admin"


@pytest.mark.django_db(transaction=True)
def test_the_last_two_owners_cannot_leave_at_the_same_moment(shop: Shop) -> None:
    second = shop.member(Role.OWNER)
    together, refused = threading.Barrier(2), []

    def demote(actor: Actor) -> None:
        together.wait()
        try:
            actions.change_member(actor, member_id=actor.id, role=Role.AGENT)
        except Conflict as refusal:
            refused.append(refusal)
        finally:
            connections.close_all()

    racing = [threading.Thread(target=demote, args=(actor,)) for actor in (shop.owner, second)]
    for each in racing:
        each.start()
    for each in racing:
        each.join()
    assert len(refused) == 1
    assert Member.objects.of(shop.workspace_id).filter(role="owner").count() == 1


def test_who_leaves_gives_their_conversations_back(admin: Desk, shop: Shop) -> None:
    leaving, thread = shop.member(Role.AGENT), shop.start()
    desk_of(leaving).post(f"/inbox/conversations/{thread}/take")
    admin.patch(f"/members/{leaving.id}", {"is_active": False})
    row = admin.get(f"/inbox/conversations/{thread}")
    assert (row["status"], row["assignee"]) == ("waiting", None)


def test_members_of_elsewhere_are_not_found(admin: Desk) -> None:
    admin.patch(f"/members/{made_shop().owner.id}", {"role": "agent"}, expect=404)


# keys


def test_a_key_is_shown_once_and_works_until_it_is_revoked(admin: Desk) -> None:
    made = admin.post("/keys", {"name": "shop", "scopes": ["conversations"]}, expect=201)
    assert actor_of_key(made["secret"]).scopes == {"conversations"}
    [listed] = admin.get("/keys")["keys"]
    assert listed == made["key"]
    assert made["secret"] not in str(listed)
    admin.delete(f"/keys/{listed['id']}")
    with pytest.raises(NotSignedIn):
        actor_of_key(made["secret"])


def test_keys_are_for_admins(agent: Desk, admin: Desk) -> None:
    agent.get("/keys", expect=403)
    agent.post("/keys", {"name": "x"}, expect=403)
    agent.delete("/keys/key_x", expect=403)
    admin.delete("/keys/key_x", expect=404)
    admin.post("/keys", {"name": " "}, expect=422)
    admin.post("/keys", {"name": "x", "scopes": ["everything"]}, expect=422)
    admin.post("/keys", {"name": "x", "scopes": []}, expect=422)


# settings and audit


def test_settings_are_changed_in_part(admin: Desk) -> None:
    found = admin.patch("/settings", {"title": "Lumen", "settings": {"nobody_came_seconds": 60}})
    assert found["title"] == "Lumen"
    assert found["settings"].items() >= {"nobody_came_seconds": 60, "mail_on_hand_over": True}.items()
    assert admin.patch("/settings", {"default_language": "zh"})["settings"]["nobody_came_seconds"] == 60
    assert found["mail_configured"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": " "}, "title"),
        ({"default_language": "English"}, "default_language"),
        ({"settings": {"nobody_came_seconds": -1}}, "nobody_came_seconds"),
        ({"settings": {"nobody_came_seconds": True}}, "nobody_came_seconds"),
        ({"settings": {"mail_on_hand_over": 1}}, "mail_on_hand_over"),
        ({"settings": {"unknown": 1}}, "unknown"),
    ],
)
def test_bad_settings_are_refused_by_name(admin: Desk, body: Any, field: str) -> None:
    assert admin.patch("/settings", body, expect=422)["field"] == field


def test_settings_are_for_admins(agent: Desk) -> None:
    agent.patch("/settings", {"title": "x"}, expect=403)
    assert agent.get("/settings")["settings"]["nobody_came_seconds"] == 300


def test_the_audit_trail_names_who_did_what(admin: Desk, agent: Desk, shop: Shop) -> None:
    admin.patch("/settings", {"title": "Lumen"})
    first = admin.get("/audit?limit=1")
    [entry] = first["entries"]
    assert (entry["action"], entry["actor"]["name"]) == ("workspace.updated", "Admin")
    assert entry["before"]["title"] != entry["after"]["title"] == "Lumen"
    older = admin.get(f"/audit?limit=200&after={first['next']}")
    assert entry["id"] not in [each["id"] for each in older["entries"]]
    assert older["next"] is None
    agent.get("/audit", expect=403)


# channels


def test_a_channel_is_made_changed_and_switched_off(admin: Desk) -> None:
    made = admin.post("/channels", {"name": "Shop", "settings": {"color": "#2b6cb0"}}, expect=201)
    path = f"/channels/{made['id']}"
    origins = ["https://shop.example", "https://*.shop.example"]
    changed = admin.patch(path, {"settings": {"allowed_origins": origins, "greeting": {"zh": "您好"}}})
    assert changed["settings"] == {"color": "#2b6cb0", "allowed_origins": origins, "greeting": {"zh": "您好"}}
    assert admin.patch(path, {"settings": {"color": None}, "name": "Web"})["settings"].keys() == {
        "allowed_origins",
        "greeting",
    }
    admin.delete(path)
    assert admin.get(path)["is_active"] is False


@pytest.mark.parametrize(
    "settings",
    [
        {"color": "red"},
        {"allowed_origins": ["javascript:alert(1)"]},
        {"allowed_origins": ["https://a.example; script-src *"]},
        {"allowed_origins": ["*"]},
        {"pause_seconds": 3600},
        {"unknown": 1},
        {"pre_chat": {"fields": [{"name": "a b"}]}},
    ],
)
def test_bad_channel_settings_are_refused(admin: Desk, shop: Shop, settings: Any) -> None:
    admin.patch(f"/channels/{shop.channel_id}", {"settings": settings}, expect=422)


def test_channels_are_for_admins(agent: Desk, admin: Desk, shop: Shop) -> None:
    path = f"/channels/{shop.channel_id}"
    assert agent.get("/channels")["channels"][0]["id"] == shop.channel_id
    agent.post("/channels", {"name": "x"}, expect=403)
    agent.patch(path, {"name": "x"}, expect=403)
    agent.delete(path, expect=403)
    agent.post(f"{path}/identity-secret", expect=403)
    admin.post("/channels", {"name": "Website"}, expect=409)
    other = made_shop()
    for call in (admin.get, admin.delete):
        call(f"/channels/{other.channel_id}", expect=404)
    admin.post(f"/channels/{other.channel_id}/identity-secret", expect=404)


def test_a_new_identity_secret_ends_the_old(admin: Desk, shop: Shop) -> None:
    path = f"/channels/{shop.channel_id}/identity-secret"
    first, second = admin.post(path)["secret"], admin.post(path)["secret"]
    assert first != second == identity_secret(channel(shop.kefu, shop.channel_id))
    shown = admin.get(f"/channels/{shop.channel_id}")
    assert shown["has_identity_secret"] is True
    assert second not in str(shown)


# tickets


def test_a_ticket_opens_once_and_for_half_a_minute(agent: Desk, shop: Shop) -> None:
    made = agent.post("/live-ticket")
    assert made["expires_in"] == 30
    assert actions.redeem_ticket(made["ticket"]).role is Role.AGENT
    with pytest.raises(NotSignedIn):
        actions.redeem_ticket(made["ticket"])
    late = agent.post("/live-ticket")["ticket"]
    LiveTicket.objects.of(shop.workspace_id).update(expires_at=now())
    with pytest.raises(NotSignedIn):
        actions.redeem_ticket(late)


def test_a_ticket_is_worth_nothing_once_the_membership_has_ended(agent: Desk, admin: Desk, shop: Shop) -> None:
    ticket = agent.post("/live-ticket")["ticket"]
    Member.objects.of(shop.workspace_id).filter(role="agent").update(is_active=False)
    with pytest.raises(NotSignedIn):
        actions.redeem_ticket(ticket)


def test_without_a_mail_server_nothing_is_queued(admin: Desk, shop: Shop) -> None:
    assert admin.post("/members/invitations", {"email": "m@example.com", "send_mail": True}, 201)["is_mailed"] is False
    assert not Notification.objects.of(shop.workspace_id).exists()
