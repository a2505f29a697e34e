"""Takes the pictures of the console: `python -m tests.e2e.console_screenshots docs/screenshots`.

A shop with a month behind it and customers who write now; both languages, both themes, wide and phone.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from .conftest import CHROMIUM
from .customer import Customer
from .flow_screenshots import filled as with_flows
from .pictures import PHONE, at_the_console, taken
from .screenshots import owner, shop_of
from .world import Member, Shop, environment, serve

WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 860}}
INTENTS = """
from kefu.cli.session import ready, workspace_or_new
ready()
from kefu.desk.demo_intents import learn_intents
learn_intents(workspace_or_new("shop")[1], None)
"""
# Name, address, and what is done on the page before its picture is taken.
Place = tuple[str, str, Callable[[Page], None] | None]


def main(folder: Path) -> None:
    with sync_playwright() as driver, serve() as site, shop_of(site) as shop:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        thread, contact = filled(shop, owner(shop))
        conversation: Place = ("conversation", f"inbox/{thread}?view=open", explained)
        overview: Place = ("overview", "insights/reports?days=30", None)
        takes: list[tuple[str, dict[str, Any], Any, str, list[Place]]] = [
            ("console-en", WIDE, "light", "en-US", [conversation, *wide(contact), overview]),
            ("console-zh", WIDE, "light", "zh-CN", [conversation, ("home", "", None), overview]),
            ("console-zhdark", WIDE, "dark", "zh-CN", dark()),
            ("console-phone", PHONE, "light", "en-US", [("inbox", "inbox?view=all", None), ("home", "", None)]),
            ("console-zhphone", PHONE, "dark", "zh-CN", [("inbox", f"inbox/{thread}", None), overview]),
        ]
        for name, options, scheme, language, places in takes:
            page = at_the_console(browser, shop, options, scheme, language)
            for part, address, act in places:
                page.goto(f"{shop.server.address}/console/{address}")
                expect(page.locator("h1:visible, h2:visible").first).to_be_visible(timeout=20_000)
                if act is not None:
                    act(page)
                taken(page, folder / f"{name}-{part}.png")
            page.context.close()
        browser.close()


def wide(contact: str) -> list[Place]:
    return [
        ("knowledge", "knowledge", asked),
        ("thresholds", "assistant?tab=thresholds", None),
        ("model", "models", lambda page: page.locator("a.model").first.click()),
        ("routing", "settings/routing?tab=rules", None),
        ("contact", f"contacts/{contact}", None),
        ("channel", "channels", lambda page: page.locator("main a", has_text="Website").first.click()),
    ]


def dark() -> list[Place]:
    return [
        ("knowledge", "knowledge?tab=faq", None),
        ("hours", "insights/reports?tab=heat&days=30", None),
        ("unanswered", "insights/reports?tab=unanswered&days=30", None),
        ("audit", "audit", None),
        ("account", "account", None),
    ]


def explained(page: Page) -> None:
    """Opens why the first answer is what it is."""
    page.locator(".message.assistant .link").first.click()
    expect(page.locator("h2", has_text="Why").or_(page.locator("h2", has_text="为什么"))).to_be_visible()


def asked(page: Page) -> None:
    page.get_by_placeholder("Ask as a customer would…").fill("Can I bring something back after three weeks?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Passages found")).to_be_visible(timeout=30_000)


def filled(shop: Shop, member: Member) -> tuple[str, str]:
    """A month of conversations, four of now, and what a company sets up; gives one with a person, and its contact."""
    kept = environment(shop.server.home)
    history = [sys.executable, "-m", "kefu.cli", "demo", "history", "--conversations", "900", "--days", "30"]
    subprocess.run([*history, "--workspace", "shop"], env=kept, check=True)
    subprocess.run([sys.executable, "-c", INTENTS], env=kept, check=True)
    with_flows(member)
    set_up(member)
    for question, language in (("Do you repair antique clocks?", "en"), ("可以定制灯罩的颜色吗？", "zh")):
        customer = Customer(shop, name="Petra Adams" if language == "en" else "陈静")
        customer.say("What are your opening hours?" if language == "en" else "营业时间是几点？")
        customer.say(question)
        customer.ask_for_a_person()
        customer.close()
    ravi = Customer(shop, name="Ravi Menon", email="ravi@example.com")
    ravi.say("How much does standard delivery cost?")
    ravi.say("And how long do I have to return something?")
    ravi.ask_for_a_person()
    thread = f"/inbox/conversations/{ravi.conversation}"
    member.post(f"{thread}/take")
    member.post(f"{thread}/messages", text="Hello, what is wrong with the lamp?")
    member.post(f"{thread}/notes", text="The second broken shade of this week: see the batch.", mentions=[])
    ravi.say("The shade has a crack on the side.", answered=False)
    ravi.close()
    return ravi.conversation, str(member.get(thread)["contact"]["id"])


def set_up(member: Member) -> None:
    """Teams, rules, promises, attributes and replies."""
    teams = {team["name"]: team["id"] for team in member.get("/teams")["teams"]}
    people = [each["id"] for each in member.get("/members")["members"]][:4]
    for team in teams.values():
        leads = [{"id": each, "is_lead": place == 0} for place, each in enumerate(people)]
        member.patch(f"/teams/{team}", members=leads)
    rules = [
        {"languages": ["zh"], "team": teams["Orders"]},
        {"contact": {"plan": "gold"}, "team": teams["Accounts"]},
    ]
    member.patch("/routing", rules=rules, default_team=teams["Orders"])
    member.put("/contacts/attributes", key="plan", kind="choice", title="Plan", choices=["free", "gold"], is_told=True)
    member.post("/canned", shortcut="returns", text="You can return it within 30 days.", language="en", is_shared=True)
    member.patch("/insights/rates", currency="CNY", person_conversation=12.5, assistant_turn=0.02, month=300)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
