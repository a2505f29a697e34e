"""The console as members meet it: logging in, knowledge, a conversation taken and given back, two who race."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from .conftest import PASSWORD, Account, MakeAccount, OpenPage
from .customer import Customer
from .world import Member, Shop, axe_violations, eventually, until

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
# A member in another window, whose browser may notify them.
LOOKING_ELSEWHERE = """
    window.notified = [];
    window.Notification = class {
        static permission = "granted";
        constructor(title) { notified.push(title); }
        close() {}
    };
    Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
"""


def console(shop: Shop, path: str = "") -> str:
    return f"{shop.server.address}/console/{path}"


def log_in(page: Page, account: Account, *, chinese: bool = False) -> None:
    page.get_by_label("邮箱" if chinese else "E-mail").fill(account.email)
    page.get_by_label("密码" if chinese else "Password").fill(account.password)
    page.get_by_role("button", name=re.compile("^登录$" if chinese else "^Log in$")).click()


def hears_what_happens(page: Page, member: Member, name: str) -> None:
    """Once the inbox is shown, and somebody's console is told of what happens from now on."""
    expect(page.locator(".rows .item, .rows .empty").first).to_be_visible()
    until(page, lambda: member.sees_online(name), f"{name} is online")


def composer(page: Page) -> Locator:
    return page.locator(".composer textarea")


def write(page: Page, text: str) -> None:
    """Sends a reply or a note and waits until the server has it."""
    composer(page).fill(text)
    composer(page).press("Enter")
    expect(log(page).get_by_text(text)).to_have_count(1)
    expect(page.locator(".pending")).to_have_count(0)
    expect(log(page).get_by_text(text)).to_have_count(1)


def log(page: Page) -> Locator:
    return page.get_by_role("log")


def test_a_one_time_password_opens_only_the_door_to_a_new_one(
    shop: Shop, newcomer: MakeAccount, open_page: OpenPage
) -> None:
    new = newcomer("Noor")
    page = open_page(console(shop, "knowledge?tab=faq"))
    log_in(page, new)
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    page.goto(console(shop, "inbox"))
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    page.get_by_label("Present password").fill(new.password)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page).to_have_url(console(shop, "inbox"))
    expect(page.get_by_role("navigation", name="Main").first).to_contain_text("Inbox")


def test_a_wrong_password_is_told_and_an_ended_session_leads_back(
    shop: Shop, colleague: MakeAccount, open_page: OpenPage
) -> None:
    agent = colleague("Ines")
    page = open_page(console(shop, "knowledge?tab=faq"), expect_errors=True)  # refusals are console errors
    log_in(page, Account(agent.email, agent.name, "not the password"))
    expect(page.get_by_role("alert")).to_contain_text("not right")
    log_in(page, agent)
    expect(page).to_have_url(console(shop, "knowledge?tab=faq"))
    expect(page.get_by_text("What are your opening hours?")).to_be_visible()

    page.context.clear_cookies()
    page.get_by_role("tab", name="Stale").click()
    expect(page.get_by_text("Your session has ended")).to_be_visible()
    log_in(page, agent)
    expect(page).to_have_url(console(shop, "knowledge?tab=care"))


def test_knowledge_is_added_and_asked(shop: Shop, colleague: MakeAccount, open_page: OpenPage) -> None:
    page = open_page(console(shop, "knowledge"))
    log_in(page, colleague("Sofia", "supervisor"))
    text = "# Gift wrapping\n\nGift wrapping costs 25 yuan for each parcel and takes one more day.\n"
    page.locator("input[type=file]").set_input_files(
        {"name": "gifts.md", "mimeType": "text/markdown", "buffer": text.encode()}
    )
    row = page.locator(".source").filter(has_text="gifts.md")
    expect(row.get_by_text("Ready")).to_be_visible()
    row.get_by_role("button", name=re.compile("gifts.md")).first.click()
    page.get_by_role("link", name="Gift wrapping").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Gift wrapping")
    expect(page.locator(".piece").last).to_contain_text("25 yuan")

    page.go_back()
    question = page.get_by_label("Question", exact=True)
    question.fill("How much does gift wrapping cost?")
    question.press("Enter")
    expect(page.locator(".try .answer")).to_contain_text("25 yuan")
    expect(page.locator(".try .passage").first).to_be_visible()

    question.fill("What is the meaning of life?")
    question.press("Enter")
    page.get_by_role("button", name="Write the answer").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Question", exact=True)).to_have_value("What is the meaning of life?")
    dialog.get_by_label("Answer", exact=True).fill("Good light in the evening.")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("tab", name="Questions and answers").click()
    expect(page.locator("summary").filter(has_text="meaning of life")).to_be_visible()


def test_a_customer_is_taken_answered_given_back_and_resolved(
    shop: Shop, member: Member, colleague: MakeAccount, open_page: OpenPage, customer: Callable[..., Customer]
) -> None:
    page = open_page(console(shop, "inbox"))
    log_in(page, colleague("Hanna"))
    hears_what_happens(page, member, "Hanna")
    ada = customer(name="Ada Quill")
    ada.say("How can I reach you? I am at ada@quill.example")
    ada.ask_for_a_person()

    row = page.get_by_role("link", name=re.compile("Ada Quill"))
    expect(row).to_contain_text("waits")
    row.click()
    expect(log(page)).to_contain_text("<EMAIL_1>")
    expect(log(page)).not_to_contain_text("ada@quill.example")
    page.get_by_role("button", name="Show what is masked").first.click()
    expect(log(page)).to_contain_text("ada@quill.example")

    page.get_by_role("button", name="Why this").first.click()
    why = page.get_by_role("complementary", name="Why this answer")
    expect(why).to_contain_text("Steps")
    expect(why).to_contain_text("Versions")

    page.keyboard.press("t")
    expect(page.locator(".head .badge")).to_have_text("Open")
    expect(composer(page)).to_be_focused()
    write(page, "I am looking into it.")
    assert "I am looking into it." in ada.heard()
    page.get_by_role("button", name="Internal note").click()
    write(page, "Regular customer.")
    assert "Regular customer." not in ada.heard()

    ada.say("Thank you, I wait.", answered=False)
    expect(log(page)).to_contain_text("Thank you, I wait.")
    page.get_by_role("button", name="Give back").click()
    expect(page.locator(".head .badge")).to_have_text("Assistant")
    assert ada.say("What are your opening hours?") == "We answer from 9:00 to 21:00 every day."
    expect(log(page)).to_contain_text("We answer from 9:00 to 21:00 every day.")

    page.get_by_role("button", name="Take over").click()
    expect(page.locator(".head .badge")).to_have_text("Open")
    page.get_by_role("button", name="Resolve", exact=True).click()
    expect(page.locator(".head .badge")).to_have_text("Resolved")
    assert ada.status() == "resolved"


def test_of_two_who_reach_for_a_conversation_one_has_it_and_the_other_hears_who(
    shop: Shop, colleague: MakeAccount, open_page: OpenPage, customer: Callable[..., Customer]
) -> None:
    bo = customer(name="Bo Racer")
    bo.ask_for_a_person()
    pages: list[Page] = []
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    for name in ("Lena First", "Marc Second"):
        page = open_page(console(shop, f"inbox/{bo.conversation}"), expect_errors=True)  # a lost race is a 409
        log_in(page, colleague(name))
        expect(page.get_by_role("button", name="Take over")).to_be_enabled()
        # The socket would tell the slower one in time; the race is about when it does not: both have asked before the
        # server hears either.
        page.route(re.compile(r"/conversations/[^/]+/take$"), hold)
        pages.append(page)
    for page in pages:
        page.get_by_role("button", name="Take over").click()
    until(pages[0], lambda: len(held) == len(pages), "both have asked")
    for route in held:
        route.continue_()
    winners = []
    for page in pages:
        expect(page.locator(".head .badge")).to_have_text("Open")
        winners.append(page.locator(".head").get_by_text("yours").count())
    assert sorted(winners) == [0, 1]
    loser = pages[winners.index(0)]
    expect(loser.locator(".composer")).to_contain_text("has this conversation")
    expect(loser.get_by_role("button", name="Reply", exact=True)).to_be_disabled()


def test_a_reply_is_stored_once_though_its_answer_was_lost(
    shop: Shop, colleague: MakeAccount, open_page: OpenPage, customer: Callable[..., Customer]
) -> None:
    cleo = customer(name="Cleo")
    cleo.ask_for_a_person()
    page = open_page(console(shop, f"inbox/{cleo.conversation}"), expect_errors=True)
    log_in(page, colleague("Otto"))
    lost: list[int] = []

    def lose_the_first_answer(route: Any) -> None:
        if not lost:
            lost.append(route.fetch().status)  # it arrives and is stored; the answer does not come back
            route.abort()
        else:
            route.continue_()

    page.route(re.compile(r"/desk/api/inbox/conversations/[^/]+/messages$"), lose_the_first_answer)
    composer(page).fill("Only once, please.")
    composer(page).press("Enter")
    expect(page.locator(".pending")).to_have_count(0)
    expect(log(page).get_by_text("Only once, please.")).to_have_count(1)
    assert lost == [201]
    assert cleo.heard().count("Only once, please.") == 1


def test_members_are_called_when_a_customer_wants_a_person(
    shop: Shop, colleague: MakeAccount, open_page: OpenPage, customer: Callable[..., Customer]
) -> None:
    page = open_page(console(shop))
    page.add_init_script(LOOKING_ELSEWHERE)
    page.reload()
    log_in(page, colleague("Wanda"))
    expect(page.get_by_text("Colleagues online")).to_be_visible()
    gus = customer(name="Gus Waiting")
    gus.say("What are your opening hours?")
    gus.ask_for_a_person()
    eventually(page, "notified.length > 0")
    assert page.evaluate("notified") == ["Gus Waiting waits for a person"]
    expect(page.get_by_role("link", name=re.compile("Gus Waiting"))).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(\d+\) Home"))


def test_customer_and_member_see_each_other_write(
    shop: Shop, member: Member, colleague: MakeAccount, open_page: OpenPage
) -> None:
    chat = open_page(shop.chat)
    chat.locator("textarea").fill("Do you sell quiet lamps?")
    chat.locator("textarea").press("Enter")
    expect(chat.locator(".row .bubble")).to_have_count(3)  # greeted, stored, answered
    page = open_page(console(shop, "inbox?view=bot&search=quiet lamps"))
    log_in(page, colleague("Yara"))
    hears_what_happens(page, member, "Yara")
    page.locator(".rows .row").first.click()
    expect(log(page)).to_contain_text("quiet lamps")

    def is_seen_writing() -> bool:
        chat.locator("textarea").press_sequentially("I mean ")  # told every few seconds, and shown for a few
        return "is writing" in log(page).inner_text()

    until(page, is_seen_writing)
    page.get_by_role("button", name="Take over").click()
    write(page, "We do: the Moth is our quietest.")
    expect(chat.get_by_text("We do: the Moth is our quietest.", exact=True)).to_be_visible()
    expect(chat.get_by_text("Yara").first).to_be_visible()


def test_a_role_is_offered_only_what_it_may_do(shop: Shop, colleague: MakeAccount, open_page: OpenPage) -> None:
    page = open_page(console(shop, "keys"))
    log_in(page, colleague("Vera", "viewer"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Vera")  # keys are for admins: home instead
    rail = page.get_by_role("navigation", name="Main").first
    expect(rail).not_to_contain_text("API keys")
    page.goto(console(shop, "knowledge"))
    expect(page.locator(".source").first).to_be_visible()
    expect(page.get_by_role("button", name="Choose files")).to_have_count(0)
    expect(page.get_by_label("Question", exact=True)).to_have_count(0)
    page.goto(console(shop, "members"))
    expect(page.get_by_text("Vera").first).to_be_visible()
    expect(page.get_by_role("button", name="Invite")).to_have_count(0)


def test_who_logs_out_is_not_told_that_the_session_ended(
    shop: Shop, member: Member, colleague: MakeAccount, open_page: OpenPage
) -> None:
    page = open_page(console(shop, "inbox"))  # a page that asked for anything more would be refused: a console error
    asked: Counter[str] = Counter()
    page.on("request", lambda request: asked.update([request.url]))
    for ended in ("requestfinished", "requestfailed"):
        page.on(ended, lambda request: asked.subtract([request.url]))
    log_in(page, colleague("Orla"))
    hears_what_happens(page, member, "Orla")
    until(page, lambda: not (+asked).total(), "all that was asked before is answered")
    page.get_by_role("button", name=re.compile("Orla")).first.click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page).to_have_url(console(shop, "login"))
    expect(page.get_by_label("Password")).to_be_visible()


def test_somebody_invited_comes_in_by_the_link(shop: Shop, member: Member, open_page: OpenPage) -> None:
    link = member.post("/members/invitations", email="ravi@shop.example", role="agent", name="")["link"]
    page = open_page(console(shop, link.partition("/console/")[2]))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Join")
    page.get_by_label("Your name").fill("Ravi")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Ravi")


def test_a_key_is_shown_once(shop: Shop, colleague: MakeAccount, open_page: OpenPage) -> None:
    page = open_page(console(shop, "keys"))
    log_in(page, colleague("Adam", "admin"))
    page.get_by_role("button", name="Create a key").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("CRM import")
    dialog.get_by_role("button", name="Add").click()
    secret = dialog.locator("pre")
    expect(secret).to_contain_text("kefu_")
    text = secret.inner_text()
    dialog.get_by_role("button", name="I have copied it").click()
    row = page.get_by_role("row").filter(has_text="CRM import")
    expect(row).to_be_visible()
    assert text not in page.content()
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("Revoked")


def test_in_chinese(shop: Shop, colleague: MakeAccount, open_page: OpenPage) -> None:
    page = open_page(console(shop, "inbox"), locale="zh-CN")
    expect(page.get_by_role("heading", level=1)).to_have_text("登录 Kefu")
    log_in(page, colleague("美玲", "owner"), chinese=True)
    expect(page.get_by_role("navigation", name="主导航").first).to_contain_text("知识库")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    english = re.compile(r"\b(?:the|and|with|your|you|is)\b")
    for path in ("", "inbox", "knowledge", "assistant", "channels", "members", "keys", "settings", "audit", "account"):
        page.goto(console(shop, path))
        expect(page.locator("main").get_by_role("heading").first).to_be_visible()
        words = page.locator("nav, main h1, main h2, main label, main .btn, main th").all_inner_texts()
        assert [word for word in words if english.search(word)] == [], path


def test_on_a_phone(shop: Shop, colleague: MakeAccount, open_page: OpenPage, customer: Callable[..., Customer]) -> None:
    dora = customer(name="Dora Phone")
    dora.ask_for_a_person()
    page = open_page(console(shop, "inbox"), **PHONE)
    log_in(page, colleague("Pia"))
    page.get_by_role("link", name=re.compile("Dora Phone")).tap()
    expect(log(page)).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_hidden()
    composer(page).fill("On my way.")
    page.get_by_role("button", name="Send").tap()
    expect(log(page).get_by_text("On my way.")).to_have_count(1)
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(wide)
    page.get_by_role("button", name="Back", exact=True).tap()
    expect(page.get_by_role("searchbox")).to_be_visible()
    for path in ("", "knowledge", "assistant", "channels", "members"):
        page.goto(console(shop, path))
        expect(page.locator("main h1")).to_be_visible()
        assert not page.evaluate(wide), path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    shop: Shop, colleague: MakeAccount, open_page: OpenPage, customer: Callable[..., Customer], scheme: str
) -> None:
    eve = customer(name="Eve Axe")
    eve.say("What are your opening hours?")
    eve.ask_for_a_person()
    page = open_page(console(shop), color_scheme=scheme, reduced_motion="reduce")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert axe_violations(page) == []
    log_in(page, colleague("Axel", "owner"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Axel")
    paths = ("", "knowledge", "knowledge?tab=faq", "knowledge?tab=care", "assistant", "channels")
    for path in (*paths, f"channels/{shop.channel}", "members", "keys", "settings", "audit", "account"):
        page.goto(console(shop, path))
        expect(page.locator("main h1")).to_be_visible()
        expect(page.locator(".skeleton")).to_have_count(0)
        assert axe_violations(page) == [], path
    page.goto(console(shop, f"inbox/{eve.conversation}"))
    page.get_by_role("button", name="Why this").first.click()
    expect(page.get_by_role("complementary", name="Why this answer")).to_contain_text("Versions")
    expect(page.locator(".skeleton")).to_have_count(0)
    assert axe_violations(page) == []


def test_an_encoder_is_chosen_and_takes_over(shop: Shop, colleague: MakeAccount, open_page: OpenPage) -> None:
    page = open_page(console(shop, "assistant"), expect_errors=True)  # a refusal is a console error
    log_in(page, colleague("Lena", "admin"))
    page.get_by_role("tab", name="Engines").click()
    english = page.locator("form.encoder").filter(has_text="package:minilm-service-en")
    english.get_by_role("button", name="Change").click()
    english.get_by_label("Engine").select_option("onnx")
    english.get_by_label("Model", exact=True).fill("package:no-such-model")
    english.get_by_role("button", name="Save").click()
    expect(english.get_by_role("alert")).to_contain_text("'no-such-model'")
    english.get_by_label("Model", exact=True).fill("package:e5-small-zh-en")
    english.get_by_role("button", name="Save").click()
    changed = page.locator("form.encoder").first
    expect(changed.locator("code").first).to_have_text("package:e5-small-zh-en", timeout=180_000)
    expect(changed.get_by_role("status")).to_have_count(0)
    assert axe_violations(page) == []
    changed.get_by_role("button", name="Change").click()
    changed.get_by_label("Engine").select_option("")
    changed.get_by_role("button", name="Save").click()
    expect(changed.locator("code").first).to_have_text("package:minilm-service-en", timeout=180_000)


def test_what_follows_from_an_intent_is_chosen(shop: Shop, colleague: MakeAccount, open_page: OpenPage) -> None:
    page = open_page(console(shop, "assistant"))
    log_in(page, colleague("Ravi", "admin"))
    page.get_by_role("tab", name="Intents").click()
    page.get_by_label("Another intent").fill("legal_advice")
    page.get_by_label("What follows").select_option("refuse")
    page.get_by_role("button", name="Add", exact=True).click()
    rule = page.get_by_label("Rule for legal_advice", exact=True)
    expect(rule).to_have_value("refuse")
    rule.select_option("hand_over")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()

    page.reload()
    page.get_by_role("tab", name="Intents").click()
    expect(rule).to_have_value("hand_over")
    assert axe_violations(page) == []
    page.get_by_role("button", name="Remove the rule for legal_advice").click()
    page.get_by_role("button", name="Save").click()
    expect(rule).to_have_count(0)
