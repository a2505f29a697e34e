"""Teams, promises and offers in the console: made by an owner, offered to an agent, seen by the customer."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from .conftest import MakeAccount, OpenPage
from .customer import Customer
from .test_console import console, log_in
from .world import Member, Shop, axe_violations

_ROUTED_MS = 90_000  # whom nobody is free for is looked at again every few seconds; the machine may be busy


@pytest.fixture
def alone(member: Member) -> Iterator[None]:
    """The shop's other tests know nothing of teams and promises."""
    yield
    for each in member.get("/sla")["policies"]:
        member.delete("/sla/" + each["id"])
    for each in member.get("/teams")["teams"]:
        member.delete("/teams/" + each["id"])


@pytest.mark.usefixtures("alone")
def test_what_waits_is_promised_offered_and_taken(
    shop: Shop, colleague: MakeAccount, customer: Callable[..., Customer], open_page: OpenPage
) -> None:
    boss = open_page(console(shop, "settings/routing"))
    log_in(boss, colleague("Bao", "admin"))
    lin = colleague("Wenyi", "agent")
    expect(boss.get_by_role("heading", name="No team yet")).to_be_visible()
    assert axe_violations(boss) == []
    boss.get_by_role("button", name="New team").click()
    boss.get_by_label("Name").fill("Lamps")
    boss.get_by_role("checkbox", name="Wenyi", exact=True).check()
    assert axe_violations(boss) == []
    boss.get_by_role("button", name="Add", exact=True).click()
    expect(boss.get_by_role("heading", name="Lamps")).to_be_visible()

    boss.get_by_role("tab", name="Rules").click()
    boss.get_by_label("Everything else goes to").select_option(label="Lamps")
    boss.get_by_role("button", name="Add a rule").click()
    assert axe_violations(boss) == []
    boss.get_by_role("button", name="Save").click()
    expect(boss.get_by_role("button", name="Save")).to_have_count(0)

    boss.get_by_role("tab", name="Promised times").click()
    boss.get_by_role("button", name="New promise").click()
    boss.get_by_label("Name").fill("All")
    boss.get_by_label("First reply within minutes").fill("10")
    assert axe_violations(boss) == []
    boss.get_by_role("button", name="Add", exact=True).click()
    expect(boss.get_by_text("First reply in 10 min")).to_be_visible()

    page = open_page(console(shop, "inbox"))
    log_in(page, lin)
    asker = customer(name="Paula Routed")
    asker.say("What are your opening hours?")
    asker.ask_for_a_person()
    row = page.locator("a.row").filter(has_text="Paula Routed")
    expect(row.get_by_text("Offered to you")).to_be_visible(timeout=_ROUTED_MS)
    expect(row.get_by_text(re.compile("First reply: (9|10) min left"))).to_be_visible()
    expect(row.get_by_text("Lamps")).to_be_visible()
    row.click()
    page.get_by_role("button", name="Priority and team").click()
    page.get_by_role("menuitem", name="Urgent").click()
    expect(page.locator("header.head").get_by_text("Urgent")).to_be_visible()
    assert axe_violations(page) == []
    page.get_by_role("button", name="Take", exact=False).first.click()
    expect(page.get_by_text("Offered to you")).to_have_count(0)
    page.get_by_role("button", name="Filter").click()
    page.get_by_label("Team", exact=True).select_option(label="Lamps")
    assert axe_violations(page) == []

    page.locator("button.user-button").click()
    page.get_by_role("menuitem", name="I am busy: offer me nothing").click()
    expect(page.locator("button.user-button")).to_contain_text("Busy")
    boss.get_by_role("tab", name="People").click()
    expect(boss.locator("li.staff").filter(has_text="Wenyi").get_by_text("Busy")).to_be_visible()
    assert axe_violations(boss) == []
