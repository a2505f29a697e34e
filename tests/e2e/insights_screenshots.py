"""Takes the pictures of figures in the console: `python -m tests.e2e.insights_screenshots docs/screenshots`.

A laid history in the tests' small shop; both languages, both themes, wide and phone.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from .conftest import CHROMIUM
from .customer import Customer
from .screenshots import PASSWORD, PHONE, owner, shop_of
from .world import Member, Shop, environment, serve

WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 860}}
UNKNOWN = ("Can a lamp be engraved with initials?", "Do you repair antique clocks?", "可以定制灯罩的颜色吗？")
TABS = {
    "overview": "",
    "trend": "?tab=trend&days=30",
    "hours": "?tab=heat&days=30",
    "funnel": "?tab=funnel&days=30",
    "intents": "?tab=intents&days=30",
    "assistant": "?tab=assistant&days=30",
    "cost": "?tab=cost&days=30",
    "unanswered": "?tab=unanswered",
    "settings": "?tab=settings",
}


def main(folder: Path) -> None:
    with sync_playwright() as driver, serve() as site, shop_of(site) as shop:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        filled(shop, owner(shop))
        takes: list[tuple[str, dict[str, Any], Any, str]] = [
            ("console-en", WIDE, "light", "en-US"),
            ("console-zhdark", WIDE, "dark", "zh-CN"),
            ("console-phone", PHONE, "light", "en-US"),
            ("console-zhphone", PHONE, "dark", "zh-CN"),
        ]
        for name, options, scheme, language in takes:
            page = opened(browser, shop, options, scheme, language)
            taken(page, folder / f"{name}-live.png")
            for tab, choice in TABS.items():
                page.goto(f"{shop.server.address}/console/insights/reports{choice}")
                taken(page, folder / f"{name}-{tab}.png")
            page.context.close()
        browser.close()


def filled(shop: Shop, member: Member) -> None:
    """A month of conversations, some of them now, and the company's rates."""
    command = [sys.executable, "-m", "kefu.cli", "demo", "history", "--conversations", "1500", "--days", "30"]
    subprocess.run([*command, "--workspace", "shop"], env=environment(shop.server.home), check=True)
    member.patch("/insights/rates", currency="CNY", person_conversation=12.5, assistant_turn=0.02, month=300)
    for question in UNKNOWN:
        customer = Customer(shop, name="Olga")
        customer.say("What are your opening hours?")
        customer.say(question)
        customer.close()
    waiting = Customer(shop, name="Petra")
    waiting.ask_for_a_person()
    waiting.close()


def opened(browser: Browser, shop: Shop, options: dict[str, Any], scheme: Any, language: str) -> Page:
    page = browser.new_context(**options, color_scheme=scheme, locale=language, reduced_motion="reduce").new_page()
    page.goto(f"{shop.server.address}/console/insights")
    page.locator("input[type=email]").fill(shop.email)
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("button[type=submit]").click()
    page.wait_for_url("**/console/insights")
    return page


def taken(page: Page, path: Path) -> None:
    """As soon as what the page shows has been read."""
    expect(page.locator("h2").first).to_be_visible(timeout=20_000)
    expect(page.locator(".skeleton")).to_have_count(0, timeout=20_000)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path, animations="disabled")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
