"""Files between a customer in the widget and a member in the console."""

import base64
import struct
import zlib
from typing import Any

import pytest
from playwright.sync_api import FilePayload, FrameLocator, Locator, Page, expect

from .conftest import MakeAccount, OpenPage
from .test_console import composer, console, log_in
from .test_widget import PHONE, bubble, embed, frame
from .world import Shop, Site, axe_violations, until

Chat = Page | FrameLocator
PASTE = """(field, [name, data]) => {
    const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([bytes], name, { type: "image/png" }));
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""
DROP = """(shell, [name, data]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([data], name, { type: "text/plain" }));
    for (const type of ["dragover", "drop"]) {
        shell.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    }
}"""


def picture(red: int, green: int, blue: int, *, width: int = 320, height: int = 240) -> bytes:
    """A PNG of one colour (RFC 2083)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes((red, green, blue)) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def file(name: str, data: bytes, kind: str = "application/octet-stream") -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": data}


LAMP = file("lamp.png", picture(200, 120, 40), "image/png")
NOTE = file("order.txt", b"Order 889123, the lamp hums.", "text/plain")


def choose(chat: Chat, *files: FilePayload) -> None:
    chat.locator("input[type=file]").set_input_files(list(files))


def chosen(chat: Chat) -> Locator:
    return chat.locator(".chosen-file")


def loaded(image: Locator) -> None:
    """Once it is seen with what was sent in it."""
    expect(image).to_be_visible()
    until(image.page, lambda: bool(image.evaluate("(image) => image.complete && image.naturalWidth > 0")))


def test_a_customer_s_picture_is_seen_by_a_member_who_sends_one_back(
    shop: Shop, site: Site, open_page: OpenPage, colleague: MakeAccount
) -> None:
    page = open_page(embed(shop, site))
    page.evaluate("Kefu.setAttributes({ name: 'Ada Lund' })")
    bubble(page).click()
    chat = frame(page)
    choose(chat, LAMP, NOTE)
    expect(chosen(chat)).to_have_count(2)
    expect(chat.locator(".chosen-file[aria-busy=true]")).to_have_count(0)
    assert axe_violations(page) == []
    chat.locator("textarea").press("Enter")
    expect(chat.locator(".row-mine .sent-file")).to_have_count(2)
    expect(chosen(chat)).to_have_count(0)
    # Nobody has looked into them: the assistant asks what they are about and offers a person.
    expect(chat.locator(".row-theirs .bubble").last).to_contain_text("received your file")
    chat.locator(".quick").get_by_role("button", name="Talk to a person").click()
    expect(chat.locator(".state")).to_be_visible()

    desk = open_page(console(shop, "inbox"))
    log_in(desk, colleague("Tom"))
    desk.locator("a.row").filter(has_text="Ada Lund").click()
    thumbnail = desk.locator(".message.contact .file-image img")
    loaded(thumbnail)
    with desk.expect_download() as saved:
        desk.get_by_role("button", name="order.txt").click()
    assert saved.value.path().read_bytes() == NOTE["buffer"]
    assert saved.value.suggested_filename == "order.txt"

    choose(desk, file("label.png", picture(40, 120, 200), "image/png"))
    expect(desk.locator(".chosen-file[aria-busy=false]")).to_have_count(1)
    assert axe_violations(desk) == []
    composer(desk).fill("Please print this label")
    composer(desk).press("Enter")
    expect(desk.locator(".message.member .file-image img")).to_be_visible()
    answer = chat.locator(".row-theirs").last
    expect(answer).to_contain_text("Please print this label")
    loaded(answer.locator(".file-image img"))

    page.reload()
    expect(chat.locator(".sent-file")).to_have_count(3)
    first = chat.locator(".row-mine .file-image")
    first.scroll_into_view_if_needed()
    expect(first.locator("img")).to_be_visible()  # fetched when it comes into sight
    assert axe_violations(page) == []


def test_files_are_pasted_dropped_and_taken_away(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(shop.chat)
    data = base64.b64encode(LAMP["buffer"]).decode()
    expect(page.get_by_role("button", name="Attach files")).to_be_visible()  # the server has said what it takes
    page.locator("textarea").evaluate(PASTE, ["screenshot.png", data])
    page.locator(".shell").evaluate(DROP, ["note.txt", "It hums."])
    expect(chosen(page)).to_have_count(2)
    page.get_by_role("button", name="Remove screenshot.png").click()
    expect(page.locator(".chosen-file[aria-busy=false]")).to_have_count(1)
    page.locator("textarea").fill("Have a look")
    page.get_by_role("button", name="Send").click()
    sent = page.locator(".row-mine").last
    expect(sent).to_contain_text("Have a look")
    expect(sent.get_by_role("button", name="note.txt")).to_be_visible()


def test_what_cannot_be_sent_is_said_in_a_sentence(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(shop.chat, expect_errors=True, locale="zh-CN")
    choose(page, file("大图.png", bytes(10 * 2**20 + 1), "image/png"))
    expect(page.get_by_role("alert")).to_have_text("大图.png 过大，单个文件不能超过 10 MB。")
    choose(page, file("run.png", b"MZ\x90\x00" + bytes(100), "image/png"))
    expect(page.get_by_role("alert")).to_contain_text("无法发送 run.png")
    expect(chosen(page)).to_have_count(0)
    # Nothing is there to be sent: in the button's place is the one that records.
    expect(page.get_by_role("button", name="发送", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="录制语音")).to_be_visible()


@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
def test_a_file_waits_while_there_is_no_network_and_is_sent_once(
    shop: Shop, open_page: OpenPage, options: dict[str, Any]
) -> None:
    page = open_page(shop.chat, expect_errors=True, **options)
    expect(page.locator("textarea")).to_be_visible()
    page.context.set_offline(True)
    choose(page, LAMP)
    expect(page.locator(".chosen-state")).to_have_text("Waits for the connection")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    page.context.set_offline(False)
    expect(page.locator(".chosen-file[aria-busy=false]")).to_have_count(1)
    page.context.set_offline(True)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".row-mine .sent-file")).to_have_count(1)
    page.context.set_offline(False)
    expect(page.locator(".row-theirs .bubble").last).to_contain_text("received your file")
    expect(page.locator(".row-mine .sent-file")).to_have_count(1)
    page.reload()
    expect(page.locator(".row-mine .sent-file")).to_have_count(1)
