"""A customer calls from the widget, is answered, interrupts, and speaks with a member: Chromium's microphone plays."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from kefu.contracts.engine import Sound
from kefu.engines.tts.engine import EmbeddedSpeaker
from kefu.kit.runtime import run
from kefu.knowledge.sound import decode, encode

from .conftest import CHROMIUM, MakeAccount
from .world import Member, Shop, axe_violations

# Somebody reads aloud (tests/engines/speech/fixtures/LICENSE): a voice that none of our engines made.
RECORDED = Path(__file__).parents[1] / "engines" / "speech" / "fixtures" / "en_lj_LJ001-0002.wav"
QUESTION = "How can I return an item?"
# The recording begins again after so long: the answer to it takes longer, so the customer interrupts it.
_PERIOD = 5.0
_WAIT = 120_000  # recogniser and voice are read from disk first, on a busy machine


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The question, again and again."""

    async def say() -> Sound:
        speaker = EmbeddedSpeaker("package:voices", {"threads": 1})
        await speaker.load()
        pieces = [each.samples async for each in speaker.speak(QUESTION, "en")]
        await speaker.close()
        said = np.concatenate(pieces)
        return Sound(np.concatenate([said, np.zeros(int(_PERIOD * 24_000) - len(said), np.float32)]), 24_000)

    return file_of(run(say()), tmp_path_factory)


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording, again and again, with a pause."""
    sound = decode(RECORDED.read_bytes())
    pause = np.zeros(int(_PERIOD * sound.rate), np.float32)
    return file_of(Sound(np.concatenate([sound.samples, pause]), sound.rate), tmp_path_factory)


def file_of(sound: Sound, folders: pytest.TempPathFactory) -> Path:
    file = folders.mktemp("calls") / "microphone.wav"
    file.write_bytes(encode(sound, "wav"))
    return file


@contextmanager
def with_microphone(chromium: Browser, recording: Path) -> Iterator[Browser]:
    program = shutil.which("chromium")
    microphone = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={recording}",
    ]
    browser = chromium.browser_type.launch(executable_path=program, args=[*CHROMIUM, *microphone])
    try:
        yield browser
    finally:  # else a call goes on, and rings in the next test
        browser.close()


def called(browser: Browser, shop: Shop) -> tuple[Page, Locator]:
    """The chat with a call under way, and the call's panel."""
    context = browser.new_context(locale="en-US", viewport={"width": 420, "height": 760}, permissions=["microphone"])
    page = context.new_page()
    page.goto(shop.chat)
    page.get_by_role("button", name="Call", exact=True).click()
    panel = page.get_by_role("region", name="Call")
    expect(panel.get_by_role("status")).not_to_have_text("Connecting…", timeout=_WAIT)
    return page, panel


def pieces_played(panel: Locator) -> int:
    return int(panel.get_attribute("data-played") or 0)


def until(page: Page, what: Callable[[], bool]) -> None:
    """Look again every tenth of a second, while the page goes on."""
    for _ in range(_WAIT // 100):
        if what():
            return
        page.wait_for_timeout(100)
    raise AssertionError("It did not come to pass.")


def test_a_recorded_voice_is_written_down_and_answered_aloud(chromium: Browser, shop: Shop, reading: Path) -> None:
    with with_microphone(chromium, reading) as browser:
        page, panel = called(browser, shop)
        # The microphone plays from before the call stands, so the first that is heard may be the end of the sentence.
        read = page.locator(".row-mine .bubble", has_text="comparatively modern")
        expect(read.first).to_be_visible(timeout=_WAIT)
        expect(panel.locator(".call-caption").last).to_be_visible(timeout=_WAIT)
        until(page, lambda: pieces_played(panel) > 0)
        assert axe_violations(page) == []
        expect(page.locator(".row-mine .audio").first).to_be_visible()  # the sound is kept with its words
        panel.get_by_role("button", name="Hang up").click()
        expect(panel).to_have_count(0)
        expect(page.locator(".system", has_text="The call has ended after")).to_be_visible(timeout=_WAIT)


def test_a_customer_interrupts_and_speaks_with_a_member(
    chromium: Browser, shop: Shop, member: Member, colleague: MakeAccount, asking: Path
) -> None:
    account = colleague("Rosa")
    with with_microphone(chromium, asking) as browser:
        page, panel = called(browser, shop)
        expect(panel.locator(".call-caption").last).to_contain_text("You can return an item", timeout=_WAIT)
        newest = member.get("/calls")["calls"][-1]
        place = f"/inbox/conversations/{newest['conversation']}/messages"

        def said() -> list[dict]:
            return member.get(place)["messages"]

        def is_interrupted() -> bool:
            answers = [each["answer"] for each in said() if each["author"] == "assistant"]
            return any(answer["unheard_from"] is not None for answer in answers)

        until(page, is_interrupted)
        panel.get_by_role("button", name="Talk to a person").click()
        desk = browser.new_context(locale="en-US", permissions=["microphone"]).new_page()
        desk.goto(f"{shop.server.address}/console/")
        desk.get_by_label("E-mail").fill(account.email)
        desk.get_by_label("Password", exact=True).fill(account.password)
        desk.get_by_role("button", name="Log in", exact=True).click()
        # Another call may still ring: that of a customer whose browser was closed rings on for a while.
        ringing = desk.get_by_role("listitem").filter(has=desk.locator(f"a[href*='{newest['conversation']}']"))
        ringing.get_by_role("button", name="Answer").click(timeout=_WAIT)
        dock = desk.get_by_role("region", name="Calls").locator(".panel")
        expect(panel.get_by_role("status")).to_have_text("You are speaking with Rosa", timeout=_WAIT)
        before = pieces_played(panel)
        until(desk, lambda: pieces_played(dock) > 10 and pieces_played(panel) > before + 10)
        until(desk, lambda: any(each["author"] == "member" for each in said()))
        assert axe_violations(desk) == []
        dock.get_by_role("button", name="Hang up").click()
        expect(panel.get_by_role("status")).to_have_text("The call has ended.", timeout=_WAIT)
        told = "The call has ended after"  # what was said last may be written down after that
        until(desk, lambda: any(each["author"] == "system" and told in each["text"] for each in said()))
