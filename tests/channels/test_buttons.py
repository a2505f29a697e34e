"""Buttons: what is pressed on a channel is stored, reaches the flow, and is taken exactly where words are ambiguous."""

from collections.abc import Callable
from typing import Any

import pytest

from kefu.contracts.channel import Request
from kefu.desk.actor import system as acting
from kefu.desk.assistants import actions
from kefu.testing.fake_telegram import FakeTelegram
from kefu.testing.fake_webhook import FakeWebhook
from kefu.testing.fake_wechat import FakeWeChat

from ..gateway.conftest import Shop, new_visitor
from .conftest import Line

ASKS = "Which of your phones is it?"
FLOW = f"""schema: kefu.flow/v1
id: phones
name: {{en: Phones}}
languages: [en]
when: {{keywords: {{en: [my phone is broken]}}}}
steps:
  - choose: {{en: {ASKS}}}
    options:
      - {{value: old, label: {{en: My phone}}, steps: [{{say: {{en: Bring the old one.}}}}]}}
      - {{value: new, label: {{en: My phone}}, steps: [{{say: {{en: Bring the new one.}}}}]}}
"""
STARTS = "My phone is broken"


@pytest.fixture
def phones(shop: Shop) -> Shop:
    kefu = acting(shop.workspace_id)
    actions.publish_flow(kefu, flow_id=actions.save_flow(kefu, text=FLOW).info.id)
    return shop


def talk(line: Line, says: Callable[[str], Request], presses: Callable[[], Request]) -> list[tuple[str, str, str]]:
    """What is said and pressed after a customer begins the flow and presses the second button."""
    line.post(says(STARTS))
    assert line.settled(1) == ["sent"]
    line.post(presses())
    assert line.settled(2) == ["sent"] * 2
    return [(row.author, row.text, row.pressed) for row in line.messages()]


EXPECTED = [
    ("contact", STARTS, ""),
    ("assistant", ASKS, ""),
    ("contact", "My phone", "new"),
    ("assistant", "Bring the new one.", ""),
]


def test_webhook(phones: Shop, open_line: Callable[..., Line], system: FakeWebhook) -> None:
    line = open_line("webhook", system.values)
    said = talk(line, lambda text: system.message("u1", text, key="m1"), lambda: system.presses("u1", 1, key="m2"))
    assert said == EXPECTED


def test_telegram(phones: Shop, open_line: Callable[..., Line], telegram: FakeTelegram) -> None:
    line = open_line("telegram", telegram.values)
    said = talk(
        line,
        lambda text: telegram.request(telegram.says("42", text)),
        lambda: telegram.request(telegram.presses("42", telegram.sent[-1], 1)),
    )
    assert said == EXPECTED


def test_wechat(phones: Shop, open_line: Callable[..., Line], wechat: FakeWeChat) -> None:
    line = open_line("wechat", wechat.values)

    def posted(body: bytes) -> Request:
        wechat.heard("openid")
        query, sealed = wechat.signed(body)
        return Request("POST", query, {}, sealed)

    said = talk(
        line,
        lambda text: posted(wechat.message("openid", "text", Content=text)),
        lambda: posted(wechat.presses("openid", 1)),
    )
    assert said == EXPECTED


def test_the_accounts_own_menu_answers_a_question_too(
    phones: Shop, open_line: Callable[..., Line], wechat: FakeWeChat
) -> None:
    line = open_line("wechat", wechat.values)

    def posted(body: bytes) -> Request:
        wechat.heard("openid")
        query, sealed = wechat.signed(body)
        return Request("POST", query, {}, sealed)

    said = talk(
        line,
        lambda text: posted(wechat.message("openid", "text", Content=text)),
        lambda: posted(wechat.message("openid", "event", Event="CLICK", EventKey="new")),
    )
    assert said[2:] == [("contact", "new", "new"), EXPECTED[-1]]


def test_a_visitors_browser(phones: Shop, address: str) -> None:
    with new_visitor(address, phones) as visitor:
        thread = visitor.post("/v1/conversations", json={}).json()["id"]

        def say(key: str = "", **body: Any) -> Any:
            headers = {"Idempotency-Key": key} if key else {}
            path = f"/v1/conversations/{thread}/messages?wait=60"
            return visitor.post(path, json=body, headers=headers).raise_for_status().json()

        asked = say(text=STARTS)["reply"]
        assert (asked["quick_replies"], asked["quick_reply_values"]) == (["My phone"] * 2, ["old", "new"])
        pressed = say("k1", pressed="new")
        assert pressed["reply"]["answer"] == "Bring the new one."
        assert (pressed["message"]["text"], pressed["message"]["pressed"]) == ("My phone", "new")
        assert say("k1", pressed="new")["message"] == {**pressed["message"], "outcome": "replied"}
        # Nothing offers it any more; and what nothing offers is no secret way to hold unmasked words.
        late = say(text="13800138000", pressed="13800138000")["message"]
        assert late["pressed"] is None
        refused = visitor.post(f"/v1/conversations/{thread}/messages", json={"pressed": "13800138000"})
        assert (refused.status_code, refused.json()["field"]) == (422, "text")
