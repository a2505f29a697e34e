"""Channels that are plug-ins, at the members' door: kinds, set-up, checks, pause, traffic, failed deliveries."""

from collections.abc import Iterator
from typing import Any

import pytest

from kefu.contracts.channel import Incoming, NotKnown, Part, RefusedForEver, Sent, TryLater
from kefu.desk.actor import Role
from kefu.desk.inbox import actions, delivering, queries
from kefu.kit import settings
from kefu.testing.fake_telegram import FakeTelegram

from .desks import Desk, desk_for
from .shops import Shop, claim, finish, made_shop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return desk_for(shop, Role.OWNER)


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTelegram]:
    monkeypatch.setenv("KEFU_ALLOW_PRIVATE_ADDRESSES", "true")
    settings.reload()
    with FakeTelegram() as fake:
        yield fake
    monkeypatch.undo()
    settings.reload()


def add(desk: Desk, telegram: FakeTelegram, **values: Any) -> dict[str, Any]:
    body = {"name": "Bot", "values": {**telegram.values, **values}}
    return desk.post("/channel-kinds/telegram/channels", body, expect=201)  # type: ignore[no-any-return]


def arrived(shop: Shop, channel_id: str, text: str = "Hello") -> actions.Arrived:
    info = queries.channel(shop.kefu, channel_id)
    return actions.arrive(info, Incoming("42", f"m{text}", (Part("text", text),)))


def replied(shop: Shop, channel_id: str) -> Any:
    """A claimed delivery of a reply to a message that has just come."""
    arrived(shop, channel_id)
    [turn] = claim()
    finish(turn)
    [claimed] = delivering.claim_deliveries(worker="w", limit=10, lease_seconds=60)
    return claimed


def test_only_a_channel_that_is_called_has_an_address_to_call(desk: Desk, telegram: FakeTelegram) -> None:
    made = add(desk, telegram)
    assert made["hook"].endswith(f"/v1/hooks/{made['channel']['id']}")
    box = {"address": "help@shop.example", "password": "x", "imap": "mail.example", "smtp": "mail.example"}
    mail = desk.post("/channel-kinds/mail/channels", {"name": "Mail", "values": box}, expect=201)
    assert (mail["hook"], desk.get(f"/channels/{mail['channel']['id']}/setup")["hook"]) == ("", "")


def test_every_kind_says_what_it_asks_for_in_both_languages(desk: Desk) -> None:
    found = {each["kind"]: each for each in desk.get("/channel-kinds")["kinds"]}
    assert {"webhook", "telegram", "wechat"} <= set(found)
    for each in found.values():
        assert set(each["title"]) == set(each["help"]) == {"en", "zh"}
        for field in each["fields"]:
            assert set(field["label"]) == set(field["help"]) == {"en", "zh"}, field["key"]
    assert found["wechat"]["capabilities"]["quota"] == {"messages": 5, "seconds": 172800}


def test_made_up_secrets_are_shown_once_and_kept_sealed(desk: Desk, shop: Shop) -> None:
    from kefu.desk.inbox.models import Channel

    made = desk.post(
        "/channel-kinds/webhook/channels", {"name": "CRM", "values": {"url": "https://example.com"}}, expect=201
    )
    assert set(made["secrets"]) == {"secret", "reply_secret"}
    channel_id = made["channel"]["id"]
    assert made["hook"].endswith(f"/v1/hooks/{channel_id}")
    shown = desk.get(f"/channels/{channel_id}/setup")
    assert shown["values"] == {"url": "https://example.com", "secret": True, "reply_secret": True}
    row = Channel.objects.of(shop.workspace_id).get(id=channel_id)
    assert made["secrets"]["secret"].encode() not in bytes(row.sealed_values)
    assert made["secrets"]["secret"] not in str(desk.get("/channels")) + str(desk.get(f"/channels/{channel_id}"))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": ""}, "url"),
        ({"url": "ftp://x"}, "url"),
        ({"url": "https://x", "secret": "short"}, "secret"),
        ({"url": "https://x", "surprise": "1"}, "surprise"),
    ],
)
def test_a_bad_form_names_its_field_and_makes_nothing(desk: Desk, values: dict[str, str], field: str) -> None:
    refused = desk.post("/channel-kinds/webhook/channels", {"name": "CRM", "values": values}, expect=422)
    assert refused["field"] == field
    assert "short" not in refused["detail"]
    assert [each["name"] for each in desk.get("/channels")["channels"]] == ["Website"]


def test_an_unknown_kind_is_not_found(desk: Desk) -> None:
    desk.post("/channel-kinds/pigeon/channels", {"name": "P", "values": {}}, expect=404)


def test_a_form_is_changed_field_by_field(desk: Desk, shop: Shop, telegram: FakeTelegram) -> None:
    channel_id = add(desk, telegram)["channel"]["id"]
    changed = desk.patch(f"/channels/{channel_id}/setup", {"values": {"mode": "polling"}})
    assert changed["values"]["mode"] == "polling"
    assert queries.channel_with_values(channel_id)[1]["token"] == telegram.values["token"]
    desk.patch(f"/channels/{channel_id}/setup", {"values": {"token": None}}, expect=422)


def test_settings_are_checked_live_and_the_last_error_is_kept(desk: Desk, telegram: FakeTelegram) -> None:
    channel_id = add(desk, telegram, mode="polling")["channel"]["id"]
    assert [each["passed"] for each in desk.post(f"/channels/{channel_id}/check")["checks"]] == [True, True]
    assert desk.get(f"/channels/{channel_id}")["last_error"] == ""
    telegram.fail_next(401, body={"ok": False, "error_code": 401, "description": "Unauthorized"})
    assert [each["passed"] for each in desk.post(f"/channels/{channel_id}/check")["checks"]] == [False]
    assert "Unauthorized" in desk.get(f"/channels/{channel_id}")["last_error"]


def test_a_test_message_is_sent(desk: Desk, telegram: FakeTelegram) -> None:
    channel_id = add(desk, telegram)["channel"]["id"]
    body = {"to": "42", "text": "Hello from Kefu"}
    assert desk.post(f"/channels/{channel_id}/test-message", body)["passed"]
    assert telegram.texts("42") == ["Hello from Kefu"]
    telegram.blocked.add("42")
    assert not desk.post(f"/channels/{channel_id}/test-message", body)["passed"]


def test_pause_and_resume_are_shown(desk: Desk, telegram: FakeTelegram) -> None:
    channel_id = add(desk, telegram)["channel"]["id"]
    assert desk.post(f"/channels/{channel_id}/pause")["paused_at"]
    assert desk.post(f"/channels/{channel_id}/resume")["paused_at"] is None


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (Sent("7"), "sent"),
        (TryLater("It is closed."), "pending"),
        (RefusedForEver("Nobody is there."), "dead"),
        (NotKnown("The line broke."), "unsure"),
    ],
)
def test_how_sending_ended_is_the_deliverys_state(
    desk: Desk, shop: Shop, telegram: FakeTelegram, result: Any, state: str
) -> None:
    channel_id = add(desk, telegram)["channel"]["id"]
    delivering.settle(replied(shop, channel_id), result)
    shown = {"sent": "sent", "pending": "undone"}.get(state, "failed")
    [row] = desk.get(f"/channels/{channel_id}/deliveries?state={shown}")["deliveries"]
    assert row["state"] == state
    traffic = desk.get(f"/channels/{channel_id}/traffic")
    assert (traffic["received"], traffic["sent"], traffic["failed"]) == (
        1,
        state == "sent",
        state in {"dead", "unsure"},
    )


def test_a_failed_delivery_is_sent_again_or_dropped(desk: Desk, shop: Shop, telegram: FakeTelegram) -> None:
    channel_id = add(desk, telegram)["channel"]["id"]
    delivering.settle(replied(shop, channel_id), RefusedForEver("Nobody is there."))
    [row] = desk.get(f"/channels/{channel_id}/deliveries")["deliveries"]
    assert desk.post(f"/deliveries/{row['id']}/resend")["state"] == "pending"
    assert desk.post(f"/deliveries/{row['id']}/resend", expect=409)["state"] == "pending"
    [claimed] = delivering.claim_deliveries(worker="w", limit=10, lease_seconds=60)
    delivering.settle(claimed, NotKnown("The line broke."))
    assert desk.post(f"/channels/{channel_id}/deliveries/resend")["count"] == 0  # it may have arrived
    assert desk.post(f"/deliveries/{row['id']}/drop")["state"] == "dropped"
    assert desk.get(f"/channels/{channel_id}/deliveries")["deliveries"] == []


@pytest.mark.parametrize(("begun", "state"), [(False, "undone"), (True, "failed")], ids=["only claimed", "begun"])
def test_what_a_dead_worker_claimed_is_sent_again_unless_sending_had_begun(
    desk: Desk, shop: Shop, telegram: FakeTelegram, begun: bool, state: str
) -> None:
    channel_id = add(desk, telegram)["channel"]["id"]
    arrived(shop, channel_id)
    [turn] = claim()
    finish(turn)
    [claimed] = delivering.claim_deliveries(worker="dead", limit=10, lease_seconds=-1)
    if begun:
        assert delivering.begin(claimed)
    assert delivering.take_up_interrupted() == 1
    assert len(desk.get(f"/channels/{channel_id}/deliveries?state={state}")["deliveries"]) == 1
    assert not delivering.begin(claimed)
    assert not delivering.settle(claimed, Sent("late"))
    assert desk.get(f"/channels/{channel_id}/deliveries?state=sent")["deliveries"] == []


def test_a_webhooks_interrupted_delivery_is_sent_again_with_its_key(desk: Desk, shop: Shop) -> None:
    made = desk.post("/channel-kinds/webhook/channels", {"name": "CRM", "values": {"url": "https://x"}}, expect=201)
    arrived(shop, made["channel"]["id"])
    [turn] = claim()
    finish(turn)
    [claimed] = delivering.claim_deliveries(worker="dead", limit=10, lease_seconds=-1)
    delivering.begin(claimed)
    delivering.take_up_interrupted()
    again = delivering.claim_deliveries(worker="w", limit=10, lease_seconds=60)
    assert [each.batch for each in again] in ([], [claimed.batch])  # after its pause, with the same key
    [row] = queries.deliveries(shop.kefu, made["channel"]["id"], states=("pending", "claimed"))
    assert queries.outgoing(shop.workspace_id, row.conversation_id, claimed.batch).key == claimed.batch


def test_only_admins_set_channels_up_and_other_workspaces_see_nothing(
    desk: Desk, shop: Shop, telegram: FakeTelegram
) -> None:
    channel_id = add(desk, telegram)["channel"]["id"]
    delivering.settle(replied(shop, channel_id), RefusedForEver("Nobody is there."))
    [row] = desk.get(f"/channels/{channel_id}/deliveries")["deliveries"]
    viewer, stranger = desk_for(shop, Role.VIEWER), desk_for(made_shop(), Role.OWNER)
    assert viewer.get("/channel-kinds")["kinds"]
    for who, status in ((viewer, 403), (stranger, 404)):
        who.get(f"/channels/{channel_id}/setup", expect=status)
        who.patch(f"/channels/{channel_id}/setup", {"values": {}}, expect=status)
        who.post(f"/channels/{channel_id}/check", expect=status)
        who.post(f"/channels/{channel_id}/pause", expect=status)
        who.post(f"/channels/{channel_id}/test-message", {"to": "1", "text": "x"}, expect=status)
        who.post(f"/deliveries/{row['id']}/resend", expect=status)
        who.post(f"/deliveries/{row['id']}/drop", expect=status)
    stranger.get(f"/channels/{channel_id}/traffic", expect=404)
    stranger.get(f"/channels/{channel_id}/deliveries", expect=404)
    stranger.post(f"/channels/{channel_id}/deliveries/resend", expect=404)


def test_an_error_is_over_once_something_goes_through(desk: Desk, shop: Shop, telegram: FakeTelegram) -> None:
    channel_id = add(desk, telegram)["channel"]["id"]
    delivering.settle(replied(shop, channel_id), RefusedForEver("Nobody is there."))
    failed = desk.get(f"/channels/{channel_id}")
    assert (failed["last_error"], failed["recovered_at"]) == ("Nobody is there.", None)
    [row] = desk.get(f"/channels/{channel_id}/deliveries")["deliveries"]
    desk.post(f"/deliveries/{row['id']}/resend")
    [claimed] = delivering.claim_deliveries(worker="w", limit=10, lease_seconds=60)
    delivering.settle(claimed, Sent("7"))
    well = desk.get(f"/channels/{channel_id}")
    assert well["last_error"] == "Nobody is there."
    assert well["recovered_at"] > well["last_error_at"]


def test_what_a_check_found_is_kept_in_both_languages(desk: Desk, telegram: FakeTelegram) -> None:
    channel_id = add(desk, telegram)["channel"]["id"]  # by webhook, and no address is public
    desk.post(f"/channels/{channel_id}/check")
    shown = desk.get(f"/channels/{channel_id}")
    assert "KEFU_PUBLIC_URL" in shown["last_error"]
    assert shown["last_error_texts"]["en"] == shown["last_error"]
    assert "请设置 KEFU_PUBLIC_URL" in shown["last_error_texts"]["zh"]
    actions.note_error(channel_id, workspace_id=queries.channel_with_values(channel_id)[0].workspace_id, error="Away.")
    assert desk.get(f"/channels/{channel_id}")["last_error_texts"] == {}


def test_the_key_before_is_kept_when_the_key_is_changed(desk: Desk) -> None:
    values = {"app_id": "wx0123456789abcdef", "app_secret": "0" * 32, "aes_key": "a" * 43}
    made = desk.post("/channel-kinds/wechat/channels", {"name": "WeChat", "values": values}, expect=201)
    channel_id = made["channel"]["id"]

    def change(**changed: str | None) -> tuple[Any, Any]:
        desk.patch(f"/channels/{channel_id}/setup", {"values": changed})
        kept = queries.channel_with_values(channel_id)[1]
        return kept["aes_key"][0], kept["previous_aes_key"][:1]

    assert change(mode="plain") == ("a", "")
    assert change(aes_key="b" * 43) == ("b", "a")
    assert change(aes_key="b" * 43) == ("b", "a")
    assert change(aes_key="c" * 43, previous_aes_key="d" * 43) == ("c", "d")
    assert change(previous_aes_key=None) == ("c", "")


@pytest.mark.parametrize("verb", ["check", "pause"])
def test_what_is_built_in_has_no_connection(desk: Desk, shop: Shop, verb: str) -> None:
    [website] = desk.get("/channels")["channels"]
    refused = desk.post(f"/channels/{website['id']}/{verb}", expect=404)
    assert "built in" in refused["detail"]


@pytest.mark.parametrize("said_before", [False, True], ids=["first", "later"])
def test_of_a_file_that_is_refused_nothing_stays(
    desk: Desk, shop: Shop, telegram: FakeTelegram, said_before: bool
) -> None:
    from kefu.desk.inbox.models import Conversation

    channel_id = add(desk, telegram)["channel"]["id"]
    if said_before:
        arrived(shop, channel_id)
    info = queries.channel(shop.kefu, channel_id)
    came = actions.arrive(info, Incoming("42", "large", (Part("audio", media="m1"),)))
    assert came.state == "waiting"
    actions.drop_arrival(shop.workspace_id, came.id)
    rows = Conversation.objects.of(shop.workspace_id).filter(channel_id=channel_id)
    assert [row.last_sequence for row in rows] == ([1] if said_before else [])
    assert desk.get(f"/channels/{channel_id}/traffic")["received"] == said_before
    again = arrived(shop, channel_id, "Can you hear me?")
    assert (again.state, again.conversation_id == came.conversation_id) == ("stored", said_before)
