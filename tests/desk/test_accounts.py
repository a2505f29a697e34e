"""Workspaces, members, keys, tickets and the two logs, straight from their actions."""

from datetime import timedelta

import pytest

from kefu.desk.accounts import actions, queries
from kefu.desk.accounts.audit import trail
from kefu.desk.accounts.models import ApiKey, AuditEntry, Event, LiveTicket, User
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict, NotAllowed, NotFound, NotSignedIn

from .shops import Shop, made_shop


@pytest.fixture
def shop(db: None) -> Shop:
    return made_shop()


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["", "Shop", "a b", "-shop", "shop-", "laden_1", "店", "x" * 61, "a/b", "a\n"])
def test_a_workspace_is_named_by_a_short_plain_word(slug: str) -> None:
    with pytest.raises(BadInput, match="small letters"):
        actions.make_workspace(slug=slug)


def test_a_name_is_taken_once(shop: Shop) -> None:
    with pytest.raises(Conflict, match=shop.slug):
        actions.make_workspace(slug=shop.slug)
    assert actions.workspace_made_if_new(shop.slug)[1] is False
    with pytest.raises(NotFound, match=shop.slug):
        queries.workspace_named("nowhere")


def test_each_workspace_has_a_key_of_its_own(shop: Shop) -> None:
    keys = {queries.workspace_key(each.workspace_id) for each in (shop, made_shop())}
    assert len(keys) == 2
    assert all(len(key) == 32 for key in keys)


def test_a_new_member_logs_in_once_with_a_password_and_then_chooses_one(shop: Shop) -> None:
    made = actions.create_member(shop.owner, email=" Mia@Example.com ", name="Mia", role=Role.ADMIN)
    assert made.member.email == "mia@example.com"
    assert made.password
    user = actions.sign_in(email="MIA@example.com", password=made.password, address="10.0.0.1")
    assert user.must_change_password
    assert made.password not in user.password
    with pytest.raises(BadInput) as weak:
        actions.change_password(user, old=made.password, new="password")
    assert weak.value.fields["field"] == "new"
    with pytest.raises(BadInput) as wrong:
        actions.change_password(user, old="not it", new="a long enough phrase")
    assert wrong.value.fields["field"] == "old"
    actions.change_password(user, old=made.password, new="a long enough phrase")
    assert not User.objects.get(id=user.id).must_change_password
    with pytest.raises(NotSignedIn):
        actions.sign_in(email="mia@example.com", password=made.password, address="10.0.0.1")


def test_a_reset_password_is_new_and_opens_once(shop: Shop) -> None:
    made = actions.create_member(shop.owner, email="ben@example.com")
    password = actions.reset_password(shop.owner, email="ben@example.com")
    assert password != made.password
    assert actions.sign_in(email="ben@example.com", password=password, address="10.0.0.2").must_change_password
    with pytest.raises(NotFound):
        actions.reset_password(made_shop().owner, email="ben@example.com")


def test_an_unknown_address_and_a_wrong_password_say_the_same(shop: Shop) -> None:
    actions.create_member(shop.owner, email="ann@example.com")
    said = []
    for email in ("ann@example.com", "nobody@example.com"):
        with pytest.raises(NotSignedIn) as refused:
            actions.sign_in(email=email, password="wrong", address="10.0.0.3")
        said.append(refused.value.sentence)
    assert said[0] == said[1]


def test_somebody_is_a_member_once_and_of_several_workspaces(shop: Shop) -> None:
    other = made_shop()
    first = actions.create_member(shop.owner, email="eve@example.com")
    assert first.password
    with pytest.raises(Conflict):
        actions.create_member(shop.owner, email="EVE@example.com")
    assert actions.create_member(other.owner, email="eve@example.com").password is None


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPERVISOR, Role.AGENT, Role.VIEWER])
def test_only_an_owner_makes_owners_and_admins(shop: Shop, role: Role) -> None:
    member = shop.member(role)
    for made in (Role.OWNER, Role.ADMIN):
        with pytest.raises(NotAllowed):
            actions.create_member(member, email="new@example.com", role=made)
        with pytest.raises(NotAllowed):
            actions.invite(member, email="new@example.com", role=made)
    if role is not Role.ADMIN:
        with pytest.raises(NotAllowed):
            actions.create_member(member, email="new@example.com", role=Role.VIEWER)
        with pytest.raises(NotAllowed):
            actions.create_key(member, name="mine")


def test_a_workspace_keeps_an_owner(shop: Shop) -> None:
    for change in ({"role": Role.ADMIN}, {"is_active": False}):
        with pytest.raises(Conflict, match="needs an owner"):
            actions.change_member(shop.owner, member_id=shop.owner.id, **change)
    second = shop.member(Role.OWNER)
    assert actions.change_member(second, member_id=shop.owner.id, role=Role.VIEWER).role == Role.VIEWER


def test_who_was_a_member_opens_nothing_any_more(shop: Shop) -> None:
    member = shop.member(Role.AGENT)
    ticket = actions.make_ticket(member)
    actions.change_member(shop.owner, member_id=member.id, is_active=False)
    with pytest.raises(NotSignedIn):
        queries.actor_of_member(shop.workspace_id, member.id)
    with pytest.raises(NotSignedIn):
        actions.redeem_ticket(ticket)


def test_a_ticket_opens_once_and_not_for_long(shop: Shop) -> None:
    ticket = actions.make_ticket(shop.owner)
    assert actions.redeem_ticket(ticket) == shop.owner
    late = actions.make_ticket(shop.owner)
    LiveTicket.objects.of(shop.workspace_id).update(expires_at=now() - timedelta(seconds=1))
    for used in (ticket, late, "ticket_nonsense", ""):
        with pytest.raises(NotSignedIn):
            actions.redeem_ticket(used)


def test_an_invitation_opens_once(shop: Shop) -> None:
    invited = actions.invite(shop.owner, email="kim@example.com", role=Role.AGENT)
    assert queries.invitation(invited.token).member.email == "kim@example.com"
    with pytest.raises(BadInput):
        actions.accept_invitation(invited.token, name="Kim", password="short")
    user = actions.accept_invitation(invited.token, name="Kim", password="a long enough phrase")
    assert (user.name, user.check_password("a long enough phrase")) == ("Kim", True)
    with pytest.raises(NotSignedIn):
        actions.accept_invitation(invited.token, password="another long phrase")
    with pytest.raises(Conflict):
        actions.invite_again(shop.owner, member_id=invited.member.id)


@pytest.mark.parametrize("token", ["", "x", "x.y", "e30.e30", "中.文"])
def test_a_forged_invitation_opens_nothing(shop: Shop, token: str) -> None:
    with pytest.raises(NotSignedIn):
        queries.invitation(token)


def test_a_key_opens_its_workspace_with_its_scopes_until_it_is_revoked(shop: Shop) -> None:
    made = actions.create_key(shop.owner, name=" shop front ", scopes=(Scope.CONVERSATIONS,))
    assert made.secret.startswith(made.key.hint)
    assert made.key.name == "shop front"
    actor = queries.actor_of_key(made.secret)
    assert (actor.workspace_id, actor.id, actor.scopes) == (shop.workspace_id, made.key.id, {Scope.CONVERSATIONS})
    stored = ApiKey.objects.of(shop.workspace_id).values().get(id=made.key.id)
    assert made.secret not in repr(stored)
    for _ in range(2):
        actions.revoke_key(shop.owner, key_id=made.key.id)
    with pytest.raises(NotSignedIn):
        queries.actor_of_key(made.secret)
    assert [key.revoked_at is not None for key in queries.keys(shop.owner)] == [True]


def test_a_key_ends_when_it_was_to(shop: Shop) -> None:
    past = actions.create_key(shop.owner, name="old", expires_at=now() - timedelta(seconds=1))
    future = actions.create_key(shop.owner, name="new", expires_at=now() + timedelta(hours=1))
    assert queries.actor_of_key(future.secret).id == future.key.id
    for secret in (past.secret, "kefu_nonsense", "", future.secret + "x"):
        with pytest.raises(NotSignedIn):
            queries.actor_of_key(secret)


def test_a_key_needs_a_name_and_known_scopes(shop: Shop) -> None:
    for given in (
        {"name": " "},
        {"name": "x" * 101},
        {"name": "k", "scopes": ("everything",)},
        {"name": "k", "scopes": ()},
    ):
        with pytest.raises(BadInput):
            actions.create_key(shop.owner, **given)
    assert queries.keys(shop.owner) == []


def test_settings_of_a_workspace_are_checked_and_merged(shop: Shop) -> None:
    actions.change_workspace(shop.owner, title=" Lamps ", settings={"nobody_came_seconds": 60})
    actions.change_workspace(shop.owner, default_language="zh", settings={"mail_on_hand_over": False})
    info, chosen = queries.workspace(shop.workspace_id), queries.workspace_settings(shop.workspace_id)
    assert (info.title, info.default_language) == ("Lamps", "zh")
    assert (chosen.nobody_came_seconds, chosen.mail_on_hand_over, chosen.mail_after_seconds) == (60, False, 30)
    for bad in (
        {"title": ""},
        {"default_language": "Chinese"},
        {"settings": {"colour": 1}},
        {"settings": {"nobody_came_seconds": -1}},
        {"settings": {"nobody_came_seconds": "60"}},
        {"settings": {"mail_on_hand_over": 1}},
    ):
        with pytest.raises(BadInput) as refused:
            actions.change_workspace(shop.owner, **bad)
        assert refused.value.fields["field"]
    assert queries.workspace(shop.workspace_id).title == "Lamps"


def test_who_did_what_is_written_down(shop: Shop) -> None:
    made = actions.create_key(shop.owner, name="program")
    actions.revoke_key(shop.owner, key_id=made.key.id)
    newest, before = trail(shop.owner, limit=2)
    assert [newest.action, before.action] == ["key.revoked", "key.created"]
    assert {newest.actor_id, before.actor_id} == {shop.owner.id}
    assert newest.actor_name == "Owner"
    assert trail(shop.owner, before=before.id, limit=1)[0].id < before.id
    assert made.secret not in repr(list(AuditEntry.objects.of(shop.workspace_id).values()))
    with pytest.raises(NotAllowed):
        trail(shop.member(Role.SUPERVISOR))


def test_events_grow_and_old_ones_are_forgotten_but_the_newest_stay(shop: Shop) -> None:
    ids = [actions.announce(shop.workspace_id, "key.created", f"row-{number}") for number in range(6)]
    assert ids == sorted(ids)
    assert [event.id for event in queries.events_after(ids[2])] == ids[3:]
    assert actions.forget_events(before=now() - timedelta(days=1)) == 0
    actions.forget_events(before=now() + timedelta(days=1), keep=2)
    left = Event.objects.across_workspaces("those of every test").values_list("id", flat=True)
    assert sorted(left) == ids[-2:]
    assert queries.last_event_id() == ids[-1]


def test_roles_are_ordered_and_a_key_has_none(shop: Shop) -> None:
    order = list(Role)
    for place, role in enumerate(order):
        actor = Actor(shop.workspace_id, "member", "m", role=role)
        for least_place, least in enumerate(order):
            if place <= least_place:
                actor.require_role(least)
            else:
                with pytest.raises(NotAllowed):
                    actor.require_role(least)
    for kind in ("key", "visitor", "nonsense"):
        with pytest.raises(NotAllowed):
            Actor(shop.workspace_id, kind, "x", scopes=frozenset(Scope)).require_role(Role.VIEWER)
