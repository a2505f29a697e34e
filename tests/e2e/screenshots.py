"""Takes the pictures of the widget and of files in the console: `python -m tests.e2e.screenshots docs/screenshots`.

A real server, the tests' small shop, Debian's Chromium; both languages, both themes, wide and phone.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, FrameLocator, Page, expect, sync_playwright

from ..ports import free_port
from .conftest import CHROMIUM, HERE
from .pictures import PASSWORD, PHONE, at_the_console, taken
from .world import Member, Server, Shop, Site, environment, serve

WIDE: dict[str, Any] = {"viewport": {"width": 1180, "height": 760}, "device_scale_factor": 1}
LAMP = """<body style="margin:0;width:640px;height:480px;background:linear-gradient(#51372a,#8d6a4b 62%,#3b2a20 62%)">
<div style="position:absolute;left:210px;top:80px;width:220px;height:150px;background:#f6d48f;border-radius:110px 110px
 12px 12px;box-shadow:0 40px 120px 60px rgb(255 214 130 / 45%)"></div>
<div style="position:absolute;left:312px;top:230px;width:16px;height:140px;background:#d9c7ad"></div>
<div style="position:absolute;left:240px;top:366px;width:160px;height:20px;border-radius:10px;background:#d9c7ad"></div>
"""


@dataclass(frozen=True)
class Words:
    """What is said in one language."""

    page: str
    title: str
    claim: str
    question: str
    person: str
    hello: str
    lamp: str
    member: str


ENGLISH = Words(
    page="en",
    title="Quiet lamps for quiet rooms",
    claim="Hand-made shades, warm light, thirty days to change your mind.",
    question="How much does standard delivery cost?",
    person="Talk to a person",
    hello="Hello, this is Mei. What can I do for you?",
    lamp="My lamp hums at night.",
    member="That is the old driver. We send you a new one today, free of charge.",
)
CHINESE = Words(
    page="zh-CN",
    title="安静的房间，温柔的灯",
    claim="手工灯罩，暖光，三十天内可退换。",
    question="标准配送的运费是多少？",
    person="转人工客服",
    hello="您好，我是 Mei，请问有什么可以帮您？",
    lamp="我的灯晚上有嗡嗡声。",
    member="这是旧款驱动器的声音，我们今天就免费为您寄一个新的。",
)


def main(folder: Path) -> None:
    with sync_playwright() as driver, serve() as site, shop_of(site) as shop:
        program = shutil.which("chromium")
        browser = driver.chromium.launch(executable_path=program, args=CHROMIUM)
        member = owner(shop)
        lamp = picture(browser)
        takes = [
            ("widget-en", ENGLISH, WIDE, "light"),
            ("widget-zh", CHINESE, WIDE, "light"),
            ("widget-dark", ENGLISH, WIDE, "dark"),
            ("widget-zhdark", CHINESE, WIDE, "dark"),
            ("widget-phone", ENGLISH, PHONE, "light"),
            ("widget-zhphone", CHINESE, PHONE, "dark"),
        ]
        for name, words, options, scheme in takes:
            page = opened(browser, site, shop, words, options, scheme)
            talk(page, folder, name, words, lamp, member)
            page.context.close()
        for name, words, scheme in (("console-en-files", ENGLISH, "light"), ("console-zhdark-files", CHINESE, "dark")):
            at_the_desk(browser, shop, folder / f"{name}.png", words, scheme, lamp)
        browser.close()


def talk(page: Page, folder: Path, name: str, words: Words, lamp: bytes, member: Member) -> None:
    """One conversation, with a picture of it answered and one of files and a member in it."""
    chat = page.frame_locator("#kefu iframe")
    chat.locator("textarea").fill(words.question)
    chat.locator("textarea").press("Enter")
    chat.locator(".source-chip").first.click()
    expect(chat.locator(".source-text")).to_be_visible()
    chat_taken(page, folder / f"{name}.png")

    chat.get_by_role("button", name=words.person).last.click()
    expect(chat.locator(".state")).to_be_visible()
    thread = member.get("/inbox/conversations?status=waiting")["conversations"][0]["id"]
    member.post(f"/inbox/conversations/{thread}/take")
    member.post(f"/inbox/conversations/{thread}/messages", text=words.hello)
    expect(chat.locator(".row-theirs .bubble").last).to_have_text(words.hello)
    chat.locator("input[type=file]").set_input_files({"name": "lamp.png", "mimeType": "image/png", "buffer": lamp})
    expect(chat.locator(".chosen-file[aria-busy=false]")).to_have_count(1)
    chat.locator("textarea").fill(words.lamp)
    chat.locator("textarea").press("Enter")
    expect(chat.locator(".row-mine .file-image img")).to_be_visible()
    member.post(f"/inbox/conversations/{thread}/messages", text=words.member)
    expect(chat.locator(".row-theirs .bubble").last).to_have_text(words.member)
    chat.locator("input[type=file]").set_input_files(
        {"name": "receipt.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n" + b"%" * 48_000}
    )
    expect(chat.locator(".chosen-file[aria-busy=false]")).to_have_count(1)
    chat_taken(page, folder / f"{name}-files.png")


def at_the_desk(browser: Browser, shop: Shop, path: Path, words: Words, scheme: Any, lamp: bytes) -> None:
    """The same conversation as a member sees it, with a file about to be sent."""
    page = at_the_console(browser, shop, WIDE, scheme, "zh-CN" if words is CHINESE else "en-US")
    page.goto(f"{shop.server.address}/console/inbox?view=mine")
    page.locator("a.row").filter(has_text=words.member).first.click()
    expect(page.locator(".message.contact .file-image img")).to_be_visible()
    page.locator("input[type=file]").set_input_files({"name": "lamp.png", "mimeType": "image/png", "buffer": lamp})
    expect(page.locator(".chosen-file[aria-busy=false]")).to_have_count(1)
    taken(page, path)
    page.context.close()


def opened(browser: Browser, site: Site, shop: Shop, words: Words, options: dict[str, Any], scheme: Any) -> Page:
    context = browser.new_context(**options, color_scheme=scheme, locale="zh-CN" if words is CHINESE else "en-US")
    page = context.new_page()
    page.goto(site.page(f"/{words.page}", company(shop, words)))
    page.locator("#kefu .bubble").click()
    expect(page.frame_locator("#kefu iframe").locator(".suggestion").first).to_be_visible()
    return page


def chat_taken(page: Page, path: Path) -> None:
    """Once what moves in the chat stands still."""
    frame: FrameLocator = page.frame_locator("#kefu iframe")
    frame.locator("body").evaluate(
        "async () => { await Promise.all(document.getAnimations().map((a) => a.finished)); }"
    )
    taken(page, path, has_shades=True)


def company(shop: Shop, words: Words) -> str:
    """A company's page with the loader on it."""
    return f"""<!doctype html><html lang="{words.page}"><meta charset=utf-8><title>Lumen & Loom</title>
<meta name=viewport content="width=device-width, initial-scale=1"><link rel=icon href="data:,">
<style>
  :root {{ color-scheme: light dark }}
  body {{ margin: 0; font: 17px/1.6 system-ui, "Noto Sans CJK SC", sans-serif;
    background: light-dark(#f7f4ee, #1d1b19); color: light-dark(#2b2622, #ece5da) }}
  header {{ padding: 22px 56px; font-weight: 650; letter-spacing: .04em }}
  main {{ padding: 60px 56px; max-width: 460px }}
  h1 {{ font-size: 40px; line-height: 1.15; margin: 0 0 16px }}
  p {{ color: light-dark(#6b625a, #b5aa9c) }}
  i {{ display: block; margin-top: 40px; width: 180px; height: 120px; border-radius: 90px 90px 10px 10px;
    background: light-dark(#f0c979, #c99a45); box-shadow: 0 30px 90px 20px rgb(240 190 90 / 40%) }}
</style><header>Lumen &amp; Loom</header><main><h1>{words.title}</h1><p>{words.claim}</p><i></i></main>
<script src="{shop.server.address}/loader.js" data-channel="{shop.channel}"></script>"""


def picture(browser: Browser) -> bytes:
    page = browser.new_page(viewport={"width": 640, "height": 480})
    page.set_content(LAMP)
    return page.screenshot()


def owner(shop: Shop) -> Member:
    first = Member(shop, shop.password)
    first.post("/session/password", old=shop.password, new=PASSWORD)
    first.close()
    return Member(shop, PASSWORD)


@contextmanager
def shop_of(site: Site) -> Iterator[Shop]:
    with tempfile.TemporaryDirectory(prefix="kefu-pictures-") as home:
        command = [sys.executable, str(HERE / "make_shop.py"), site.origin]
        made = subprocess.run(command, env=environment(Path(home)), check=True, capture_output=True)
        server = Server(Path(home), free_port())
        server.start()
        yield Shop(server, **json.loads(made.stdout.splitlines()[-1]))
        server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
