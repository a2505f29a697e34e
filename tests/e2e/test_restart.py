"""The server is killed and started again while a member and a customer talk: both go on, and nothing is doubled."""

from playwright.sync_api import expect

from .conftest import MakeAccount, OpenPage
from .test_console import composer, console, log, log_in
from .test_files import LAMP, choose
from .test_widget import bubbles, conversation_of, say
from .world import Shop

_BACK_MS = 180_000  # encoders load, then both browsers come back with their backoff


def test_a_conversation_goes_on_over_a_killed_server(shop: Shop, open_page: OpenPage, colleague: MakeAccount) -> None:
    customer = open_page(shop.chat, expect_errors=True)
    say(customer, "hello")
    expect(bubbles(customer)).to_have_count(3)
    customer.get_by_role("button", name="Talk to a person").last.click()
    expect(customer.locator(".header-who")).to_have_text("Waiting for a person")

    desk = open_page(console(shop, f"inbox/{conversation_of(customer, shop)}"), expect_errors=True)
    log_in(desk, colleague("Ravi"))
    composer(desk).fill("Good morning, what is the matter?")
    composer(desk).press("Enter")
    expect(bubbles(customer).last).to_have_text("Good morning, what is the matter?")
    choose(desk, LAMP)  # the server has it, no message names it yet
    expect(desk.locator(".chosen-file[aria-busy=false]")).to_have_count(1)

    shop.server.kill()
    expect(customer.get_by_text("Connection lost. Reconnecting…")).to_be_visible(timeout=_BACK_MS)
    say(customer, "My lamp hums at night.")
    composer(desk).fill("Is it this lamp?")
    composer(desk).press("Enter")
    pending = desk.locator(".pending")
    expect(pending).to_contain_text("Is it this lamp?")
    expect(customer.locator(".bubble-unsent")).to_have_text("My lamp hums at night.")
    shop.server.start()

    expect(customer.locator(".bubble-unsent")).to_have_count(0, timeout=_BACK_MS)
    expect(pending).to_have_count(0, timeout=_BACK_MS)
    for chat, theirs in ((customer, ".row-theirs .file-image img"), (desk, ".message.member .file-image img")):
        expect(chat.locator(theirs)).to_be_visible(timeout=_BACK_MS)
    # Live again, not only caught up: what is said now arrives by itself, once.
    say(customer, "Yes, this one.")
    expect(log(desk).get_by_text("Yes, this one.")).to_be_visible(timeout=_BACK_MS)
    composer(desk).fill("We send another.")
    composer(desk).press("Enter")
    expect(bubbles(customer).last).to_have_text("We send another.", timeout=_BACK_MS)
    for text in ("My lamp hums at night.", "Is it this lamp?", "Yes, this one.", "We send another."):
        expect(log(desk).get_by_text(text)).to_have_count(1)
        expect(customer.locator(".bubble").get_by_text(text)).to_have_count(1)
    customer.reload()
    expect(bubbles(customer).filter(has_text="lamp")).to_have_count(2)
    expect(customer.locator(".sent-file")).to_have_count(1)
