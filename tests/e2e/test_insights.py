"""Figures as a supervisor looks at them: the live page moves, reports count, an unanswered question gets its answer."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from .conftest import MakeAccount, OpenPage
from .customer import Customer
from .test_console import PHONE, console, log_in
from .world import Member, Shop, axe_violations, until

_ROLLED_MS = 90_000  # figures are rolled up, and questions grouped, every few seconds; the machine may be busy
UNKNOWN = "Do you repair antique grandfather clocks?"


def tile(page: Page, name: str) -> Locator:
    """The value of the figure with this name."""
    return page.locator(".tile").filter(has=page.get_by_text(name, exact=True)).locator(".value")


def shown(page: Page, name: str, value: str) -> None:
    """Waits until a report says it: figures come with the next roll-up, and a report is read when it is opened."""

    def is_said() -> bool:
        expect(tile(page, name)).to_be_visible()
        if tile(page, name).inner_text() == value:
            return True
        page.reload()
        return False

    until(page, is_said, f"{name} is {value}")


def test_an_answer_and_a_refusal_appear_live_and_in_reports(
    shop: Shop, member: Member, colleague: MakeAccount, customer: Callable[..., Customer], open_page: OpenPage
) -> None:
    page = open_page(console(shop, "insights"))
    log_in(page, colleague("Lin", "supervisor"))
    expect(page.get_by_role("heading", name="Live")).to_be_visible()

    asker = customer(name="Petra")
    assert "9:00" in asker.say("What are your opening hours?")
    asker.say(UNKNOWN)

    # Nobody touches the page. What other tests asked is among its last minutes, and leaves them one by one.
    def shows_what_is() -> bool:
        last = member.get("/insights/live")["last"]
        shown = (tile(page, name).inner_text() for name in ("Answers", "Not answered"))
        return last["turns"] >= 2 and tuple(shown) == (str(last["turns"]), str(last["refusals"]))

    until(page, shows_what_is)
    expect(tile(page, "Answer time (median)")).not_to_have_text("–")
    expect(page.locator(".people")).to_contain_text("Lin")
    expect(page.locator("canvas")).to_be_visible()
    assert axe_violations(page) == []

    page.get_by_role("link", name="Reports").click()
    expect(page.get_by_role("tab", name="Overview")).to_have_attribute("aria-selected", "true")
    expect(tile(page, "Refusal rate")).not_to_have_text("–")
    page.get_by_role("button", name="What is Refusal rate?").click()
    expect(page.get_by_role("dialog", name="Refusal rate")).to_be_visible()
    page.keyboard.press("Escape")
    assert axe_violations(page) == []
    with page.expect_download() as file:
        page.get_by_role("button", name="Download Overview as CSV").click()
    assert file.value.suggested_filename.startswith("overview-")

    page.get_by_role("tab", name="Assistant").click()
    expect(page.get_by_role("region", name="How the assistant answered").locator("canvas")).to_be_visible()
    page.get_by_label("Answered by").select_option("person")
    shown(page, "Unanswered questions", "0")
    for name in ("Trend", "Hours", "Funnel", "Intents", "Members", "Satisfaction", "Cost", "Settings"):
        page.get_by_role("tab", name=name, exact=True).click()
        expect(page.locator(".skeleton")).to_have_count(0)
        assert axe_violations(page) == []


def test_an_unanswered_question_gets_its_answer(
    shop: Shop, colleague: MakeAccount, customer: Callable[..., Customer], open_page: OpenPage
) -> None:
    question = "Can a lamp be engraved with initials?"
    asker = customer(name="Olga")
    asker.say(question)
    page = open_page(console(shop, "insights/reports?tab=unanswered"), **PHONE)
    log_in(page, colleague("Min", "supervisor"))
    write = page.get_by_role("button", name=f"Write the answer to: {question}")
    expect(write).to_be_visible(timeout=_ROLLED_MS)
    assert axe_violations(page) == []

    write.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Question", exact=True)).to_have_value(question)
    dialog.get_by_label("Answer", exact=True).fill("Yes: up to three letters on the foot, within a week.")
    assert axe_violations(page) == []
    dialog.get_by_role("button", name="Add to the knowledge").click()
    expect(page.get_by_text("The answer is in the knowledge now.")).to_be_visible()
    expect(write).to_have_count(0)
    page.get_by_label("Show", exact=True).select_option("drafted")
    expect(page.get_by_role("heading", name=question)).to_be_visible()
