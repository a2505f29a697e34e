"""The widget as customers meet it: in a frame on a company's site, and as a page of its own."""

import dataclasses
import hashlib
import hmac
import re
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from .conftest import OpenPage
from .world import Member, Shop, Site, axe_violations, eventually, until

QUESTION = "What are your opening hours?"
ANSWER = "We answer from 9:00 to 21:00 every day."
_BACK_MS = 180_000  # encoders load, then the browser comes back with its backoff
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
LISTEN = """() => {
    window.heard = [];
    for (const event of ["open", "message:sent", "message:received", "feedback", "close"]) {
        Kefu.on(event, () => heard.push(event));
    }
}"""
Chat = Page | FrameLocator


def embed(
    shop: Shop, site: Site, path: str = "/", *, attributes: str = "", language: str = "en", **headers: str
) -> str:
    """A page of the site with the loader on it; gives its address."""
    html = (
        f"<!doctype html><html lang={language}><meta charset=utf-8><title>Shop</title>"
        "<meta name=viewport content='width=device-width, initial-scale=1'><link rel=icon href='data:,'>"
        f"<main><h1>Lamps</h1><p>Quiet rooms.</p></main>"
        f"<script src='{shop.server.address}/loader.js' data-channel='{shop.channel}'></script>"
    )
    return site.page(path, html, **headers)


def bubble(page: Page) -> Locator:
    return page.locator("#kefu .bubble")


def frame(page: Page) -> FrameLocator:
    return page.frame_locator("#kefu iframe")


def say(chat: Chat, text: str) -> None:
    chat.locator("textarea").fill(text)
    chat.locator("textarea").press("Enter")


def bubbles(chat: Chat) -> Locator:
    return chat.locator(".row .bubble")


def conversation_of(page: Page, shop: Shop) -> str:
    """The visitor's conversation."""
    return page.evaluate(  # type: ignore[no-any-return]
        """async (channel) => {
            const headers = { Authorization: `Bearer ${localStorage.getItem(`kefu:${channel}:token`)}` };
            return (await (await fetch("/v1/conversations", { headers })).json()).conversations[0].id;
        }""",
        shop.channel,
    )


def stored(page: Page, shop: Shop) -> list[str]:
    """The visitor's conversation as the server has it."""
    return page.evaluate(  # type: ignore[no-any-return]
        """async (channel) => {
            const headers = { Authorization: `Bearer ${localStorage.getItem(`kefu:${channel}:token`)}` };
            const read = async (path) => (await fetch(path, { headers })).json();
            const { conversations } = await read("/v1/conversations");
            const { messages } = await read(`/v1/conversations/${conversations[0].id}/messages`);
            return messages.map(({ author, text }) => `${author}: ${text}`);
        }""",
        shop.channel,
    )


def test_a_customer_is_answered_with_a_source_to_open(shop: Shop, site: Site, open_page: OpenPage) -> None:
    page = open_page(embed(shop, site))
    page.evaluate(LISTEN)
    bubble(page).click()
    chat = frame(page)
    expect(chat.locator("h1")).to_have_text("Lumen & Loom")
    expect(chat.locator("textarea")).to_be_focused()
    chat.get_by_role("button", name=QUESTION).click()
    expect(bubbles(chat).last).to_have_text(ANSWER)

    source = chat.locator(".source-chip").first
    source.click()
    expect(source).to_have_attribute("aria-expanded", "true")
    expect(chat.locator(".source-text")).to_contain_text(ANSWER)

    chat.get_by_role("button", name="Helpful", exact=True).click()
    expect(chat.get_by_role("button", name="Helpful", exact=True)).to_have_attribute("aria-pressed", "true")
    chat.get_by_role("button", name="Close chat").click()
    expect(page.locator("#kefu .panel")).to_be_hidden()
    heard = page.evaluate("heard")
    # An answer may overtake the server's word that the question is stored.
    assert sorted(heard[1:3]) == ["message:received", "message:sent"]
    assert [heard[0], *heard[3:]] == ["open", "feedback", "close"]


def test_unknown_is_said_and_a_person_offered(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(shop.chat)
    say(page, "How tall is the highest mountain of Bhutan?")
    expect(bubbles(page)).to_have_count(3)
    expect(page.locator(".quick").get_by_role("button")).to_have_text("Talk to a person")
    expect(page.locator(".source-chip")).to_have_count(0)


def test_chinese(shop: Shop, site: Site, open_page: OpenPage) -> None:
    page = open_page(embed(shop, site, "/zh", language="zh-CN"))
    expect(bubble(page)).to_have_attribute("aria-label", "打开客服聊天")
    bubble(page).click()
    chat = frame(page)
    expect(chat.locator("html")).to_have_attribute("lang", "zh-CN")
    chat.get_by_role("button", name="营业时间是几点？").click()
    expect(bubbles(chat).last).to_have_text("我们每天9:00至21:00在线。")
    expect(chat.get_by_role("button", name="转人工客服")).to_be_visible()

    page = open_page(shop.chat, locale="zh-CN")
    expect(page.locator("textarea")).to_have_attribute("placeholder", re.compile("请输入"))


def test_an_input_method_s_enter_does_not_send(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(shop.chat)
    page.locator("textarea").fill("nihao")
    page.locator("textarea").dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    expect(page.locator("textarea")).to_have_value("nihao")
    page.locator("textarea").press("Shift+Enter")
    expect(page.locator("textarea")).to_have_value("nihao\n")


def test_offline_and_back_without_loss_or_doubling(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(shop.chat, expect_errors=True)
    say(page, QUESTION)
    expect(bubbles(page).last).to_have_text(ANSWER)
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    say(page, "first word offline")
    say(page, "second word offline")
    expect(page.get_by_text("Will be sent when you are online")).to_have_count(2)
    page.context.set_offline(False)
    expect(page.get_by_text("You are offline.")).to_be_hidden()
    expect(page.locator(".bubble-unsent")).to_have_count(0)
    mine = [line for line in stored(page, shop) if line.startswith("contact")]
    assert mine == [f"contact: {QUESTION}", "contact: first word offline", "contact: second word offline"]
    expect(page.locator(".bubble-mine")).to_have_text([QUESTION, "first word offline", "second word offline"])


def test_an_answer_lost_on_the_way_doubles_nothing(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(shop.chat, expect_errors=True)
    say(page, "hello")
    expect(bubbles(page)).to_have_count(3)
    lost: list[str] = []

    def lose(route: Any) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().text())  # the server stores it
            route.abort()
        else:
            route.continue_()

    page.route("**/messages*", lose)
    say(page, QUESTION)
    expect(bubbles(page).last).to_have_text(ANSWER)
    expect(page.get_by_text("Sending…")).to_have_count(0)
    expect(page.locator(".bubble-mine")).to_have_text(["hello", QUESTION])
    assert lost
    assert [line for line in stored(page, shop) if line == f"contact: {QUESTION}"] == [f"contact: {QUESTION}"]


def test_what_was_written_offline_survives_a_reload(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(shop.chat, expect_errors=True)
    say(page, "before")
    expect(bubbles(page)).to_have_count(3)
    page.route("**/messages*", lambda route: route.abort())
    say(page, QUESTION)
    expect(page.locator(".bubble-unsent")).to_have_text(QUESTION)
    page.unroute("**/messages*")
    page.reload()
    expect(bubbles(page).last).to_have_text(ANSWER)
    expect(page.locator(".bubble-mine")).to_have_text(["before", QUESTION])


def test_the_server_is_killed_and_started_again(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(shop.chat, expect_errors=True)
    say(page, "hello")
    expect(bubbles(page)).to_have_count(3)
    shop.server.kill()
    say(page, QUESTION)
    expect(page.get_by_text("Connection lost. Reconnecting…")).to_be_visible(timeout=_BACK_MS)
    expect(page.locator(".bubble-unsent")).to_have_text(QUESTION)
    shop.server.start()
    expect(bubbles(page).last).to_have_text(ANSWER, timeout=_BACK_MS)
    expect(page.get_by_text("Connection lost. Reconnecting…")).to_be_hidden(timeout=_BACK_MS)
    assert stored(page, shop).count(f"contact: {QUESTION}") == 1


def test_handed_over_and_served_by_a_member(shop: Shop, member: Member, open_page: OpenPage) -> None:
    page = open_page(shop.chat)
    say(page, "hello")
    expect(bubbles(page)).to_have_count(3)
    page.get_by_role("button", name="Talk to a person").last.click()
    expect(page.locator(".header-who")).to_have_text("Waiting for a person")
    thread = conversation_of(page, shop)
    member.post(f"/inbox/conversations/{thread}/take")
    expect(page.locator(".header-who")).to_have_text("Mei is here for you")
    member.post(f"/inbox/conversations/{thread}/messages", text="I am Mei. See https://shop.example/help")
    expect(bubbles(page).last).to_contain_text("I am Mei.")
    expect(bubbles(page).last.get_by_role("link")).to_have_attribute("href", "https://shop.example/help")
    say(page, QUESTION)
    expect(page.locator(".bubble-mine").last).to_have_text(QUESTION)
    member.post(f"/inbox/conversations/{thread}/resolve")
    expect(page.locator(".header-who")).to_have_text("Resolved")
    assert f"assistant: {ANSWER}" not in stored(page, shop)  # silent while a member has it
    say(page, QUESTION)
    expect(bubbles(page).last).to_have_text(ANSWER)


def test_history_and_badge_on_return(shop: Shop, site: Site, member: Member, open_page: OpenPage) -> None:
    # A private window, where Chromium lets a frame of another site store nothing: the page keeps the token for it.
    page = open_page(embed(shop, site))
    bubble(page).click()
    say(frame(page), "I need a person with a ladder")
    frame(page).get_by_role("button", name="Talk to a person").last.click()
    expect(frame(page).locator(".header-who")).to_have_text("Waiting for a person")
    page.keyboard.press("Escape")
    expect(page.locator("#kefu .panel")).to_be_hidden()
    [thread] = member.get("/inbox/conversations?status=waiting&search=ladder")["conversations"]
    member.post(f"/inbox/conversations/{thread['id']}/messages", text="Here I am")
    expect(page.locator("#kefu .badge")).to_have_text("1")
    page.reload()
    expect(page.locator("#kefu .badge")).to_have_text("1")
    expect(bubble(page)).to_have_attribute("aria-label", "Open chat, 1 unread message")
    bubble(page).click()
    expect(bubbles(frame(page)).last).to_have_text("Here I am")
    expect(page.locator("#kefu .badge")).to_be_hidden()


def test_a_form_before_the_chat(shop: Shop, member: Member, open_page: OpenPage) -> None:
    fields = [{"name": "name", "required": True}, {"name": "email", "type": "email", "required": True}]
    settings = {"pre_chat": {"text": {"en": "So that we can reach you.", "zh": "方便联系您。"}, "fields": fields}}
    asking = dataclasses.replace(shop, channel=member.post("/channels", name="Asks first", settings=settings)["id"])
    page = open_page(asking.chat)
    expect(page.get_by_text("So that we can reach you.")).to_be_visible()
    page.get_by_role("button", name="Start chat").click()
    expect(page.get_by_label("Name")).to_be_focused()
    assert axe_violations(page) == []
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("E-mail").fill("ada@")
    page.get_by_role("button", name="Start chat").click()
    expect(page.get_by_label("E-mail")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("E-mail").fill("ada@customer.example")
    page.get_by_role("button", name="Start chat").click()
    say(page, QUESTION)
    expect(bubbles(page).last).to_have_text(ANSWER)
    [thread] = member.get(f"/inbox/conversations?channel={asking.channel}")["conversations"]
    assert thread["contact"]["name"] == "Ada"


def test_a_customer_whom_the_site_knows(shop: Shop, site: Site, member: Member, open_page: OpenPage) -> None:
    secret = member.post(f"/channels/{shop.channel}/identity-secret")["secret"]
    user = {"id": "user-7", "hash": hmac.new(secret.encode(), b"user-7", hashlib.sha256).hexdigest(), "name": "Grace"}
    page = open_page(embed(shop, site))
    page.evaluate("(user) => { Kefu.identify(user); Kefu.setAttributes({ plan: 'pro' }); Kefu.open(); }", user)
    say(frame(page), QUESTION)
    expect(bubbles(frame(page)).last).to_have_text(ANSWER)
    found = member.get("/inbox/conversations")["conversations"]
    [thread] = [each for each in found if each["contact"]["name"] == "Grace"]
    assert member.get(f"/inbox/conversations/{thread['id']}")["contact"]["profile"]["plan"] == "pro"

    # Another browser, the same customer: their conversation is there.
    page = open_page(embed(shop, site))
    page.evaluate("(user) => { Kefu.identify(user); Kefu.open(); }", user)
    expect(bubbles(frame(page)).last).to_have_text(ANSWER)


def test_a_site_that_signs_wrongly(shop: Shop, site: Site, member: Member, open_page: OpenPage) -> None:
    member.post(f"/channels/{shop.channel}/identity-secret")
    page = open_page(embed(shop, site), expect_errors=True)
    page.evaluate("() => { window.codes = []; Kefu.on('error', ({ code }) => codes.push(code)); }")
    page.evaluate("() => { Kefu.identify({ id: 'user-7', hash: '00' }); Kefu.open(); }")
    expect(frame(page).locator(".suggestion")).to_be_visible()
    eventually(page, "codes.includes('identity_invalid')")


def test_nobody_comes_and_an_address_is_left(shop: Shop, member: Member, open_page: OpenPage) -> None:
    soon = member.post("/channels", name="Nobody there", settings={"nobody_came_seconds": 1})
    page = open_page(dataclasses.replace(shop, channel=soon["id"]).chat)
    page.get_by_role("button", name="Talk to a person").click()
    address = page.get_by_label("Leave your e-mail address")
    expect(address).to_be_visible()
    assert axe_violations(page) == []
    address.fill("ada@customer.example")
    page.locator(".state-form").get_by_role("button", name="Send").click()
    expect(address).to_be_hidden()
    expect(page.locator("textarea")).to_be_focused()
    [thread] = member.get(f"/inbox/conversations?channel={soon['id']}")["conversations"]
    assert thread["address_wanted"] is False


def test_phone(shop: Shop, site: Site, open_page: OpenPage) -> None:
    page = open_page(embed(shop, site), **PHONE)
    bubble(page).tap()
    expect(frame(page).locator("textarea")).to_be_visible()
    whole = {"x": 0, "y": 0, "width": 390, "height": 780}
    until(page, lambda: page.locator("#kefu .panel").bounding_box() == whole)  # it has come to rest
    expect(bubble(page)).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.documentElement).overflow") == "hidden"
    say(frame(page), QUESTION)
    expect(bubbles(frame(page)).last).to_have_text(ANSWER)
    frame(page).get_by_role("button", name="Close chat").tap()
    expect(bubble(page)).to_be_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).overflow") == "visible"


def test_keyboard_alone(shop: Shop, site: Site, open_page: OpenPage) -> None:
    page = open_page(embed(shop, site))
    expect(bubble(page)).to_be_visible()
    page.keyboard.press("Tab")
    expect(bubble(page)).to_be_focused()
    page.keyboard.press("Enter")
    expect(frame(page).locator("textarea")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(bubbles(frame(page)).last).to_have_text(ANSWER)
    expect(frame(page).locator("[aria-live=polite]")).to_have_text(f"Assistant: {ANSWER}")
    page.keyboard.press("Escape")
    expect(page.locator("#kefu .panel")).to_be_hidden()
    expect(bubble(page)).to_be_focused()


def test_a_site_with_a_strict_policy(shop: Shop, site: Site, open_page: OpenPage) -> None:
    kefu = shop.server.address
    policy = f"default-src 'none'; script-src {kefu}; frame-src {kefu}; style-src 'none'; img-src data:"
    page = open_page(embed(shop, site, "/strict", Content_Security_Policy=policy))
    assert bubble(page).evaluate("(element) => getComputedStyle(element).position") == "fixed"
    bubble(page).click()
    expect(frame(page).locator("textarea")).to_be_visible()


def test_a_site_that_is_not_allowed(shop: Shop, site: Site, open_page: OpenPage) -> None:
    stranger = embed(shop, site).replace("localhost", "127.0.0.1")
    page = open_page("about:blank", expect_errors=True)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(stranger)
    bubble(page).click()
    expect(page.locator("#kefu .wait p")).to_have_text("The chat cannot be shown on this page at the moment.")
    expect(page.locator("#kefu .wait a")).to_have_attribute("href", shop.chat)
    expect(page.locator("#kefu iframe[data-shown]")).to_have_count(0)
    advice = [text for text in said if text.startswith("Kefu:")]
    assert len(advice) == 1
    assert f"Is {page.evaluate('location.origin')} among the channel's allowed origins?" in advice[0]
    assert f"{shop.server.address}/console/channels/{shop.channel}" in advice[0]


def test_a_chat_that_does_not_exist(shop: Shop, open_page: OpenPage) -> None:
    page = open_page("about:blank", expect_errors=True)
    answer = page.goto(f"{shop.server.address}/chat/ch_nothing")
    assert answer is not None
    assert answer.status == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing(shop: Shop, site: Site, open_page: OpenPage, scheme: str, options: dict[str, Any]) -> None:
    page = open_page(embed(shop, site), color_scheme=scheme, reduced_motion="reduce", **options)
    bubble(page).click()
    chat = frame(page)
    expect(chat.locator(".suggestion")).to_be_visible()
    assert axe_violations(page) == []
    say(chat, QUESTION)
    chat.locator(".source-chip").first.click()
    chat.get_by_role("button", name="Not helpful").click()
    expect(chat.locator(".why-field")).to_be_focused()
    chat.get_by_role("button", name="More options").click()
    assert axe_violations(page) == []
    chat.get_by_role("button", name="Talk to a person").last.click()
    expect(chat.locator(".state")).to_be_visible()
    assert axe_violations(page) == []
