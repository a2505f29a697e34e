"""How people come in, and what is kept of customers, as members see it: second factors, sessions, roles, contacts."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page, expect

from .conftest import CHOSEN, PASSWORD, Account, MakeAccount, OpenPage
from .customer import Customer
from .test_console import console, log_in
from .world import Member, Shop, axe_violations, environment


def code(secret: str, *, later: int = 0) -> str:
    """What an authenticator app shows now, or in the half minute after."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later))


def set_up(page: Page, password: str) -> str:
    """Goes through the three steps; gives the app's secret."""
    page.get_by_label("Your password").fill(password)
    page.get_by_role("button", name="Set up").last.click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    secret = page.get_by_text(re.compile("^[A-Z2-7]{32}$")).inner_text()
    page.get_by_label("Six digits").fill(code(secret))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text(re.compile("^[a-z2-9]{5}-[a-z2-9]{5}$"))).to_have_count(10)
    assert axe_violations(page) == []
    page.get_by_role("button", name="I have kept them").click()
    return secret


@pytest.fixture
def guarded(shop: Shop) -> Account:
    """The owner of a workspace of their own, which asks for a second factor."""
    email = f"tove{time.monotonic_ns()}@shop.example"
    command = [sys.executable, "-m", "kefu.cli", "members", "create", email, "--name", "Tove", "--role", "owner"]
    made = subprocess.run(
        [*command, "--workspace", "vault", "--json"],
        env=environment(shop.server.home),
        check=True,
        capture_output=True,
    )
    once = json.loads(made.stdout)["password"]
    desk = Member(Shop(shop.server, shop.channel, email, once), once)
    desk.post("/session/password", old=once, new=PASSWORD)
    desk.patch("/settings", settings={"require_second_factor": True})
    desk.close()
    return Account(email, "Tove", PASSWORD)


def test_a_second_factor_is_asked_for_set_up_and_given(shop: Shop, guarded: Account, open_page: OpenPage) -> None:
    page = open_page(console(shop, "inbox"), expect_errors=True)  # refusals are console errors
    log_in(page, guarded)
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    page.goto(console(shop, "members"))
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    assert axe_violations(page) == []
    secret = set_up(page, guarded.password)
    expect(page).to_have_url(console(shop, "members"))

    again = open_page(console(shop, "account"), expect_errors=True)
    log_in(again, guarded)
    again.get_by_label("Code of your authenticator app").fill("000000")
    again.get_by_role("button", name="Continue").click()
    expect(again.get_by_role("alert")).to_contain_text("not right")
    again.get_by_label("Code of your authenticator app").fill(code(secret, later=1))
    again.get_by_role("button", name="Continue").click()
    expect(again.get_by_text("Recovery codes left: 10")).to_be_visible()
    expect(again.get_by_text("This session")).to_be_visible()
    assert axe_violations(again) == []

    again.get_by_role("button", name="End all others").click()
    expect(again.get_by_text("1 session ended")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name=re.compile("^Log in$"))).to_be_visible()


def test_an_owner_sees_roles_sessions_and_who_did_what(
    shop: Shop, member: Member, colleague: MakeAccount, open_page: OpenPage
) -> None:
    assert member.get("/session")["user"]["name"] == "Mei"
    colleague("Uma")
    page = open_page(console(shop, "members"))
    log_in(page, Account(shop.email, "Mei", CHOSEN))
    page.get_by_text("What each role may do").click()
    row = page.get_by_role("row").filter(has_text="Set up single sign-on")
    expect(row.get_by_text("Yes")).to_have_count(1)
    page.get_by_role("button", name=re.compile("Uma")).last.click()
    page.get_by_role("menuitem", name="Sessions").click()
    expect(page.get_by_role("dialog", name="Sessions of Uma")).to_be_visible()
    assert axe_violations(page) == []
    page.keyboard.press("Escape")

    page.goto(console(shop, "settings"))
    expect(page.get_by_role("heading", name="Single sign-on")).to_be_visible()
    expect(page.get_by_label("Redirect address")).to_contain_text("/desk/sso/shop/callback")
    assert axe_violations(page) == []

    page.goto(console(shop, "audit"))
    page.get_by_label("What").select_option("member.created")
    expect(page.get_by_text("Added a member").last).to_be_visible()
    expect(page.locator("li.row").filter(has_not_text="Added a member")).to_have_count(0)
    assert axe_violations(page) == []
    with page.expect_download() as file:
        page.get_by_role("button", name="Export as CSV").click()
    assert file.value.suggested_filename == "audit.csv"


def test_a_contacts_page_says_what_is_kept_and_blocks(
    shop: Shop, colleague: MakeAccount, customer: Callable[..., Customer], open_page: OpenPage
) -> None:
    zoe = customer(name="Zoe Lind", email="zoe@lind.example")
    zoe.say("What are your opening hours?")
    page = open_page(console(shop, "contacts"))
    log_in(page, colleague("Vera", "admin"))
    page.get_by_role("button", name="Attributes").click()
    page.get_by_label("Title").fill("Tier")  # an attribute that no other test's customers have
    page.get_by_label("Key").fill("tier")
    page.get_by_label("Kind").select_option("choice")
    page.get_by_label("Choices").fill("Gold, Silver")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("Gold, Silver")).to_be_visible()
    assert axe_violations(page) == []
    page.keyboard.press("Escape")

    page.get_by_label("Search").fill("zoe@lind")
    page.get_by_role("link", name=re.compile("Zoe Lind")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Zoe Lind")
    expect(page.get_by_label("E-mail")).to_have_value("zoe@lind.example")
    page.get_by_label("Tier").select_option("Gold")
    with page.expect_response(lambda answer: answer.request.method == "PATCH") as saved:
        page.get_by_role("button", name="Save").click()
    assert saved.value.ok
    page.get_by_label("Where they said so").fill("Chat")
    page.get_by_role("button", name="Note consent: Marketing").click()
    expect(page.get_by_text("Given", exact=True)).to_be_visible()
    page.get_by_label("For members only").fill("Likes warm light.")
    page.get_by_role("button", name="Add a note").click()
    expect(page.get_by_text("Likes warm light.")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Website"))).to_be_visible()
    assert axe_violations(page) == []
    page.reload()
    expect(page.get_by_label("Tier")).to_have_value("Gold")

    page.get_by_role("button", name="Block").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Block").click()
    expect(page.get_by_text("Blocked; 0 messages refused.")).to_be_visible()
    assert zoe.is_refused("Hello?")
    page.reload()
    expect(page.get_by_text("Blocked; 1 message refused.")).to_be_visible()
    page.get_by_role("button", name="Unblock").click()
    expect(page.get_by_role("button", name="Block", exact=True)).to_be_visible()
    assert zoe.say("What are your opening hours?")
