"""An agent's whole day in a browser: called, takes, uses the suggestion, changes it, sends, gives back, resolves, is
rated, and sees it in the figures."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from .conftest import MakeAccount, OpenPage
from .customer import Customer
from .test_console import LOOKING_ELSEWHERE, composer, console, log, log_in
from .test_insights import shown
from .world import Member, Shop, eventually

COMMENT = "Quick and kind"


def test_an_agents_day(
    shop: Shop, member: Member, colleague: MakeAccount, open_page: OpenPage, customer: Callable[..., Customer]
) -> None:
    member.patch("/surveys/settings", is_on=True, delay_seconds=0)
    page = open_page(console(shop))
    page.add_init_script(LOOKING_ELSEWHERE)
    page.reload()
    log_in(page, colleague("Dana"))
    expect(page.get_by_text("Colleagues online")).to_be_visible()

    # A customer wants a person, and asks.
    iris = customer(name="Iris Day")
    assert "9:00" in iris.say("What are your opening hours?")
    iris.ask_for_a_person()
    eventually(page, "notified.length > 0")
    assert page.evaluate("notified") == ["Iris Day waits for a person"]
    iris.say("Within how many days of delivery can I return an item?", answered=False)

    # Taken, and answered with what knowledge suggests, in the agent's own words.
    page.get_by_role("link", name=re.compile("Iris Day")).first.click()
    expect(log(page)).to_contain_text("return an item")
    page.get_by_role("button", name="Take over").click()
    expect(page.locator(".head .badge").first).to_have_text("Open")
    page.get_by_role("button", name="Suggest a reply").click()
    suggestion = page.get_by_role("region", name="Suggested reply")
    expect(suggestion).to_contain_text("30 days")
    suggestion.get_by_role("button", name="Put into the reply").click()
    expect(composer(page)).to_have_value(re.compile("30 days"))
    composer(page).press("End")
    composer(page).type(" All the best from us")
    composer(page).press("Enter")
    expect(log(page)).to_contain_text("All the best from us")
    expect(page.locator(".pending")).to_have_count(0)  # the server has it
    [told] = [text for text in iris.heard() if "All the best from us" in text]
    assert "30 days" in told

    # Given back, answered by the assistant, taken again and resolved.
    page.get_by_role("button", name="Give back").click()
    expect(page.locator(".head .badge").first).to_have_text("Assistant")
    assert "9:00" in iris.say("What are your opening hours?")
    page.get_by_role("button", name="Take over").click()
    expect(page.locator(".head .badge").first).to_have_text("Open")
    page.get_by_role("button", name="Resolve", exact=True).click()
    expect(page.locator(".head .badge").first).to_have_text("Resolved")
    assert iris.status() == "resolved"

    # Rated, which the agent sees beside the conversation and in the figures.
    iris.rate(5, COMMENT)
    page.get_by_role("button", name="Details").click()
    expect(page.get_by_text(COMMENT)).to_be_visible()
    page.goto(console(shop, "insights/reports?tab=csat"))
    page.get_by_role("tab", name="Satisfaction").click()
    shown(page, "Answers", "1")
    expect(page.get_by_text(COMMENT)).to_be_visible()
