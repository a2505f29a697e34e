"""`kefu channels`: added, checked, paused, and failed replies looked after, from the command line."""

from pathlib import Path

import pytest

from kefu.testing.fake_webhook import FakeWebhook

from .homes import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home", {"KEFU_ALLOW_PRIVATE_ADDRESSES": "true"})


@pytest.mark.slow
def test_a_channel_from_adding_to_pausing(home: Home) -> None:
    with FakeWebhook() as system:
        values = [f"{key}={value}" for key, value in system.values.items()]
        added = home.kefu("channels", "add", "webhook", *values, "--name", "CRM", "--json").json
        assert (added["kind"], added["name"], added["secrets"]) == ("webhook", "CRM", {})
        checked = home.kefu("channels", "check", added["id"], "--to", "u1")
        assert [checked.code, *(line[:2] for line in checked.out.splitlines())] == [0, "ok", "ok"]
        assert [body["type"] for body in system.taken.values()] == ["test", "message.reply"]
    assert home.kefu("channels", "check", added["id"]).code == 1
    home.kefu("channels", "set", added["id"], "url=https://example.com/replies")
    home.kefu("channels", "pause", added["id"])
    [listed] = home.kefu("channels", "list", "--json").json["channels"]
    assert listed["paused_at"]
    assert "no answer" in listed["last_error"]
    home.kefu("channels", "resume", added["id"])
    assert home.kefu("channels", "traffic", added["id"], "--json").json["received"] == 0
    assert home.kefu("channels", "dead", added["id"], "--json").json == {"deliveries": []}
    assert home.kefu("channels", "resend", added["id"]).out == "0 replies are sent again.\n"


@pytest.mark.slow
def test_what_is_wrong_is_said_in_one_sentence(home: Home) -> None:
    assert "pigeon" in home.refuses("channels", "add", "pigeon")
    assert "is needed" in home.refuses("channels", "add", "webhook")
    assert "KEY=VALUE" in home.refuses("channels", "add", "webhook", "https://example.com")
    assert "no 'colour'" in home.refuses("channels", "add", "webhook", "colour=red")
    assert "no such channel" in home.refuses("channels", "pause", "ch_x")
    kinds = home.kefu("channels", "kinds", "--json").json["kinds"]
    assert {"webhook", "telegram", "wechat"} <= {each["kind"] for each in kinds}
