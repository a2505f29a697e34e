"""The inbox as members live in it: sorted by keys and in bulk; drafts and messages that no cut network loses."""

import contextlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Error, Page, Route, expect

from .conftest import CHOSEN, Account, MakeAccount, OpenPage
from .customer import Customer
from .test_console import composer, console, hears_what_happens, log, log_in
from .world import Member, Shop, axe_violations, until

# Whether this tab holds something that the server has not confirmed.
LEFT = "Object.keys(sessionStorage).some((name) => name.startsWith('kefu.outbox.'))"


@pytest.fixture(scope="session")
def sorted_shop(member: Member) -> dict[str, Any]:
    """Two labels and a canned reply that everybody has."""
    labels = [member.post("/inbox/labels", title=title, colour="#b91c1c") for title in ("Urgent", "Refund")]
    text = "Hello {{ contact.name }}, this is {{ member.name }}. Your number: {{ contact.phone }}."
    member.post("/canned", shortcut="hello", text=text, language="en", is_shared=True)
    return {label["title"]: label["id"] for label in labels}


def waiting(customer: Callable[..., Customer], name: str, **profile: str) -> Customer:
    made = customer(name=name, **profile)
    made.say("My lamp is broken.")
    made.ask_for_a_person()
    return made


def test_a_reply_is_sent_once_though_the_network_is_cut_and_the_page_reloaded(
    shop: Shop, colleague: MakeAccount, open_page: OpenPage, customer: Callable[..., Customer]
) -> None:
    cut, other = waiting(customer, "Cut Off"), waiting(customer, "Other One")
    page = open_page(console(shop, f"inbox/{cut.conversation}"), expect_errors=True)
    log_in(page, colleague("Nils"))
    page.get_by_role("button", name="Take over").click()
    expect(composer(page)).to_be_focused()
    page.context.set_offline(True)
    composer(page).fill("Nothing of this is lost.")
    composer(page).press("Enter")
    expect(page.locator(".pending")).to_contain_text("Not sent yet")
    page.locator(f"a[href*='{other.conversation}']").click()
    page.context.set_offline(False)
    page.go_back()
    expect(log(page).get_by_text("Nothing of this is lost.")).to_have_count(1)
    expect(page.locator(".pending")).to_have_count(0)
    assert cut.heard().count("Nothing of this is lost.") == 1

    # Stored, but the answer never arrives and the page goes: the next page tries again with the same key.
    place = re.compile(r"/desk/api/inbox/conversations/[^/]+/messages$")
    back: list[bool] = []

    def lose_answers(route: Route) -> None:
        with contextlib.suppress(Error):  # the page goes while a request is under way
            if back:
                route.continue_()
            else:
                route.fetch()
                route.abort()

    page.route(place, lose_answers)
    composer(page).fill("And not twice.")
    composer(page).press("Enter")
    expect(log(page).get_by_text("And not twice.")).to_have_count(1)  # the socket told of it
    assert page.evaluate(LEFT)
    back.append(True)
    page.reload()
    expect(log(page).get_by_text("And not twice.")).to_have_count(1)
    until(page, lambda: not page.evaluate(LEFT))
    assert cut.heard().count("And not twice.") == 1


def test_a_draft_is_there_in_another_browser_until_it_is_sent(
    shop: Shop, colleague: MakeAccount, open_page: OpenPage, customer: Callable[..., Customer]
) -> None:
    dora = waiting(customer, "Dora Draft")
    account = colleague("Lea")
    pages = []
    for _ in range(2):
        page = open_page(console(shop, f"inbox/{dora.conversation}"))
        log_in(page, account)
        expect(composer(page)).to_be_visible()
        if not pages:
            page.get_by_role("button", name="Internal note").click()
            with page.expect_response(lambda answer: "warehouse" in (answer.request.post_data or "")) as stored:
                composer(page).fill("Ask the warehouse")
            assert stored.value.ok
        pages.append(page)
    first, second = pages
    expect(composer(second)).to_have_value("Ask the warehouse")
    expect(second.get_by_role("button", name="Internal note")).to_have_attribute("aria-pressed", "true")
    expect(second.locator(f"a[href*='{dora.conversation}']")).to_contain_text("Draft")
    composer(second).press("Enter")
    expect(log(second)).to_contain_text("Ask the warehouse")
    expect(second.locator(".pending")).to_have_count(0)  # the server has it, and the draft no more
    first.evaluate("sessionStorage.clear()")
    first.reload()
    expect(log(first)).to_contain_text("Ask the warehouse")
    expect(composer(first)).to_have_value("")


@pytest.mark.usefixtures("sorted_shop")
def test_a_conversation_is_worked_by_keys_alone(
    shop: Shop, colleague: MakeAccount, open_page: OpenPage, customer: Callable[..., Customer]
) -> None:
    kay = waiting(customer, "Kay Keys")
    page = open_page(console(shop, f"inbox/{kay.conversation}"))
    log_in(page, colleague("Kim"))
    expect(composer(page)).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Snooze")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("t")
    expect(composer(page)).to_be_focused()
    page.keyboard.type("/hel")
    expect(page.get_by_role("option").filter(has_text="/hello")).to_be_visible()
    page.keyboard.press("Enter")
    expect(composer(page)).to_have_value("Hello Kay Keys, this is Kim. Your number: {{contact.phone}}.")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    page.keyboard.type("none yet")  # what has no value is chosen, to be written over
    page.keyboard.press("Enter")
    expect(log(page)).to_contain_text("none yet.")
    expect(page.locator(".pending")).to_have_count(0)
    assert "Hello Kay Keys, this is Kim. Your number: none yet." in kay.heard()
    expect(log(page)).to_contain_text("Hello <NAME_1>")
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    page.get_by_role("menuitemcheckbox", name="Urgent").click()
    expect(page.locator(".head .facts")).to_contain_text("Urgent")
    page.keyboard.press("Escape")
    expect(page.get_by_role("menuitemcheckbox")).to_have_count(0)
    page.keyboard.press("s")
    page.get_by_role("menuitem", name="Until the customer writes").click()
    expect(page.locator(".head .facts")).to_contain_text("Snoozed until the customer writes")
    kay.say("Hello again", answered=False)
    expect(page.get_by_text("A conversation that you snoozed is back")).to_be_visible()
    expect(page.locator(".head .facts")).not_to_contain_text("Snoozed")
    page.keyboard.press("e")
    expect(page.locator(".head .facts")).to_contain_text("Resolved")


def test_many_are_labelled_filtered_kept_as_a_view_and_resolved(
    shop: Shop,
    sorted_shop: dict[str, Any],
    colleague: MakeAccount,
    open_page: OpenPage,
    customer: Callable[..., Customer],
) -> None:
    pair = [waiting(customer, f"Bulk {name}") for name in ("One", "Two")]
    page = open_page(console(shop, "inbox"))
    log_in(page, colleague("Bea", "supervisor"))
    for each in ("One", "Two"):
        page.get_by_role("checkbox", name=f"Tick Bulk {each}").check(force=True)
    bar = page.get_by_role("toolbar")
    expect(bar).to_contain_text("2 ticked")
    bar.get_by_role("button", name="Labels").click()
    page.get_by_role("menuitemcheckbox", name="Refund").click()
    page.keyboard.press("Escape")
    expect(page.get_by_text("2 conversations done")).to_be_visible()  # a page that is left too soon asks nothing more
    rows = page.locator(".rows .item")
    page.goto(console(shop, f"inbox?view=all&label={sorted_shop['Refund']}"))
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="1 filter is set").click()
    expect(page.get_by_role("group", name="Filters").get_by_role("button", name="Refund")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert axe_violations(page) == []
    page.get_by_role("button", name="More views").click()
    page.get_by_role("menuitem", name="Save this view").click()
    page.get_by_label("Name").fill("Refunds")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="View: Refunds")).to_be_visible()
    for each in ("One", "Two"):
        page.get_by_role("checkbox", name=f"Tick Bulk {each}").check(force=True)
    page.get_by_role("toolbar").get_by_role("button", name="Resolve").click()
    expect(page.get_by_text("2 conversations done")).to_be_visible()
    assert [each.status() for each in pair] == ["resolved", "resolved"]
    page.get_by_role("button", name="View: Refunds").click()
    expect(page.get_by_role("menuitem", name=re.compile("Refunds .* 2"))).to_be_visible()
    page.get_by_role("menuitem", name="Rename the view Refunds").click()
    page.get_by_role("textbox", name="Name").fill("Money back")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="View: Money back")).to_be_visible()


def test_colleagues_are_seen_looking_and_hear_that_they_are_mentioned(
    shop: Shop, member: Member, colleague: MakeAccount, open_page: OpenPage, customer: Callable[..., Customer]
) -> None:
    mia = waiting(customer, "Mia Mention")
    mei, uma = Account(shop.email, "Mei", CHOSEN), colleague("Uma Under")
    page = open_page(console(shop, f"inbox/{mia.conversation}"))
    log_in(page, mei)
    expect(composer(page)).to_be_visible()
    theirs: Page = open_page(console(shop, "inbox"))
    log_in(theirs, uma)
    hears_what_happens(theirs, member, "Uma Under")
    page.keyboard.press("n")
    page.keyboard.type("@Uma")
    page.get_by_role("option", name=re.compile("Uma Under")).click()
    page.keyboard.type("please have a look")
    page.keyboard.press("Enter")
    expect(theirs.get_by_text("A colleague mentioned you in a note.")).to_be_visible()
    theirs.get_by_role("button", name="More views").click()
    theirs.get_by_role("menuitem", name=re.compile("Mentions of me · 1")).click()
    theirs.get_by_role("link", name=re.compile("Mia Mention")).click()
    expect(log(theirs)).to_contain_text("@Uma Under please have a look")
    expect(theirs.get_by_role("status").get_by_text("Mei looking too")).to_be_visible()
    expect(page.get_by_text("Uma Under looking too")).to_be_visible()
    theirs.goto(console(shop, "replies"))
    expect(theirs.get_by_role("heading", name="Canned replies")).to_be_visible()
    expect(theirs.locator(".skeleton")).to_have_count(0)
    expect(page.get_by_text("Uma Under looking too")).to_have_count(0)
    assert axe_violations(theirs) == []
