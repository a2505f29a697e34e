"""A customer speaks to the widget: Chromium's microphone plays a recording."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from kefu.contracts.engine import Sound
from kefu.engines.tts.engine import EmbeddedSpeaker
from kefu.kit.runtime import run
from kefu.knowledge.sound import encode

from .conftest import CHROMIUM
from .world import Shop, axe_violations

QUESTION = "How much does standard delivery cost?"
_HEARD_MS = 120_000  # recogniser and voice are read from disk first, on a busy machine


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The question as a WAV file, with a moment of silence around it: Chromium plays it in a circle."""

    async def say() -> Sound:
        speaker = EmbeddedSpeaker("package:voices", {"threads": 1})
        await speaker.load()
        pieces = [each async for each in speaker.speak(QUESTION, "en")]
        await speaker.close()
        quiet = np.zeros(pieces[0].rate // 2, np.float32)
        return Sound(np.concatenate([quiet, *(each.samples for each in pieces), quiet]), pieces[0].rate)

    file = tmp_path_factory.mktemp("voice") / "question.wav"
    file.write_bytes(encode(run(say()), "wav"))
    return file


@pytest.fixture
def speaking(chromium: Browser, spoken: Path) -> Iterator[Browser]:
    """Another Chromium, whose microphone is the recording; the one of all tests has none."""
    program = shutil.which("chromium")
    microphone = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={spoken}",
        "--autoplay-policy=no-user-gesture-required",
    ]
    browser = chromium.browser_type.launch(executable_path=program, args=[*CHROMIUM, *microphone])
    yield browser
    browser.close()


def after(seconds: int) -> re.Pattern[str]:
    """What the timer shows from then on: it may be looked at less often than it changes."""
    return re.compile(rf"^0:(0[{seconds}-9]|[1-5]\d)$")


def chat(browser: Browser, shop: Shop) -> Page:
    context = browser.new_context(locale="en-US", viewport={"width": 420, "height": 760}, permissions=["microphone"])
    page = context.new_page()
    page.goto(f"{shop.server.address}/chat/{shop.channel}")
    return page


def test_a_spoken_question_is_written_down_and_its_answer_read_aloud(speaking: Browser, shop: Shop) -> None:
    page = chat(speaking, shop)
    page.get_by_role("button", name="Record a voice message").click()
    expect(page.get_by_role("timer")).to_have_text(after(3))
    assert axe_violations(page) == []
    assert page.locator(".voice-bars > span").count() > 5
    page.get_by_role("button", name="Send the recording").click()
    mine = page.locator(".row-mine").last
    expect(mine.locator(".bubble")).to_contain_text("delivery cost", timeout=_HEARD_MS)
    expect(mine.locator(".audio")).to_be_visible()
    answer = page.locator(".row-theirs").last
    expect(answer.locator(".audio-playing")).to_be_visible(timeout=_HEARD_MS)
    assert axe_violations(page) == []
    page.reload()
    expect(page.locator(".row-mine .audio")).to_be_visible()
    expect(page.locator(".audio-playing")).to_have_count(0)


def test_a_recording_is_discarded(speaking: Browser, shop: Shop) -> None:
    page = chat(speaking, shop)
    page.get_by_role("button", name="Record a voice message").click()
    expect(page.get_by_role("timer")).to_have_text(after(1))
    page.get_by_role("button", name="Discard the recording").click()
    expect(page.get_by_role("textbox", name="Your message")).to_be_visible()
    expect(page.locator(".row-mine")).to_have_count(0)


def test_a_customer_without_a_microphone_is_told_and_writes(chromium: Browser, shop: Shop) -> None:
    page = chromium.new_context(locale="en-US").new_page()
    page.goto(f"{shop.server.address}/chat/{shop.channel}")
    page.get_by_role("button", name="Record a voice message").click()
    expect(page.get_by_text("The microphone cannot be used here")).to_be_visible()
    page.get_by_role("textbox", name="Your message").fill("Hello")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    page.context.close()
