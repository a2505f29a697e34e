"""Takes the pictures of flows and tools in the console: `python -m tests.e2e.flow_screenshots docs/screenshots`.

The demo's own flows and tools in the tests' small shop; both languages, both themes, wide and phone.
"""

import shutil
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Page, expect, sync_playwright

from .conftest import CHROMIUM
from .pictures import PHONE, at_the_console, taken
from .screenshots import owner, shop_of
from .world import Member, Shop, serve

WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 860}}
WORDS = {
    "en-US": {"try": "Try", "message": "Message of the customer", "said": "I want to complain", "all": "Show all"},
    "zh-CN": {"try": "试用", "message": "客户的消息", "said": "我要投诉", "all": "显示全部"},
}


def main(folder: Path) -> None:
    with sync_playwright() as driver, serve() as site, shop_of(site) as shop:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        flow, tool = filled(owner(shop))
        takes: list[tuple[str, dict[str, Any], Any, str]] = [
            ("console-en", WIDE, "light", "en-US"),
            ("console-zhdark", WIDE, "dark", "zh-CN"),
            ("console-phone", PHONE, "light", "en-US"),
            ("console-zhphone", PHONE, "dark", "zh-CN"),
        ]
        for name, options, scheme, language in takes:
            page = at_the_console(browser, shop, options, scheme, language)
            tried(page, shop, flow, WORDS[language], folder / f"{name}-flow.png")
            if options is WIDE:
                for part, address in (("flows", "flows"), ("tool", f"flows/tools/{tool}")):
                    page.goto(f"{shop.server.address}/console/{address}")
                    expect(page.locator(".skeleton")).to_have_count(0)
                    taken(page, folder / f"{name}-{part}.png")
            page.context.close()
        browser.close()


def filled(member: Member) -> tuple[str, str]:
    """The demo's tools and flows in the shop; gives the ids of the complaint and of the order's tool."""
    demo = files("kefu") / "demo"
    tools = yaml.safe_load((demo / "tools.yaml").read_text(encoding="utf-8"))["tools"]
    made = [member.post("/tools", definition=tool) for tool in tools]
    # The flow that others call comes first.
    texts = sorted(
        (path.read_text(encoding="utf-8") for path in (demo / "flows").iterdir() if path.name.endswith(".yaml")),
        key=lambda text: "id: find_order" not in text,
    )
    ids: dict[str, str] = {}
    for text in texts:
        flow = member.post("/flows", text=text)
        ids[flow["key"]] = flow["id"]
        member.post(f"/flows/{flow['id']}/publish", note="First version", run_tests=False)
    return ids["complaint"], next(tool["id"] for tool in made if tool["name"] == "shop.order")


def tried(page: Page, shop: Shop, flow: str, words: dict[str, str], path: Path) -> None:
    """The flow's picture beside a conversation that is tried on it."""
    page.goto(f"{shop.server.address}/console/flows/{flow}")
    page.get_by_role("tab", name=words["try"], exact=True).click()
    page.get_by_label(words["message"]).fill(words["said"])
    page.get_by_label(words["message"]).press("Enter")
    expect(page.locator(".step.here")).to_be_visible(timeout=30_000)
    taken(page, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
