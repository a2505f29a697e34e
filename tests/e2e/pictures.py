"""What the scripts that take the documentation's pictures share: members' pages, and small files."""

import io
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from .world import Shop

PASSWORD = "four-lamps-in-a-quiet-room"
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 780},
    "device_scale_factor": 1,
    "has_touch": True,
    "is_mobile": True,
}
_COLOURS = 256  # a third of the bytes; by coverage, since averages turn a small green dot grey


def at_the_console(browser: Browser, shop: Shop, options: dict[str, Any], scheme: Any, language: str) -> Page:
    """The owner's browser, logged in."""
    page = browser.new_context(**options, color_scheme=scheme, locale=language, reduced_motion="reduce").new_page()
    page.goto(f"{shop.server.address}/console/account")
    page.locator("input[type=email]").fill(shop.email)
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("button[type=submit]").click()
    page.wait_for_url("**/console/account")
    return page


def taken(page: Page, path: Path, *, has_shades: bool = False) -> None:
    """A picture of the page as soon as what it shows has been read; one that has shades keeps all its colours."""
    expect(page.locator(".skeleton")).to_have_count(0, timeout=20_000)
    page.wait_for_load_state("networkidle")
    page.mouse.move(5, 5)
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    if not has_shades:
        picture = picture.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    print(path)
