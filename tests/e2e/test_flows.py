"""Flows as an admin works with them: drawn and written, tried, put live and taken back; tools and tests beside them."""

import re

from playwright.sync_api import Locator, Page, expect

from .conftest import MakeAccount, OpenPage
from .test_console import PHONE, console, log_in
from .world import Shop, axe_violations

TOOL_SAMPLES = "- when: {order_number: LL1}\n  body: {status: shipped}"
FAILING = """schema: kefu.flow-test/v1
language: en
tests:
  - name: the greeting promises a minute
    flow: greeted
    turns:
      - say: start the new flow
        expect: {answer: It takes a minute}
"""
OPENAPI = """openapi: 3.1.0
info: {title: Shop, version: "1"}
servers: [{url: "https://api.shop.example"}]
paths:
  /orders/{number}:
    get:
      operationId: find_order
      summary: Find an order
      parameters: [{name: number, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: It}}
"""


def make(page: Page, template: str, name: str) -> None:
    page.get_by_role("button", name="New flow").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(re.compile(f"^{template}")).check()
    dialog.get_by_label("Name in files").fill(name)
    dialog.get_by_role("button", name="Create").click()
    expect(page.get_by_role("group", name="Picture of the flow")).to_be_visible()


def step(page: Page, text: str) -> Locator:
    return page.get_by_role("group", name="Picture of the flow").get_by_role("button", name=re.compile(re.escape(text)))


def put_live(page: Page, note: str) -> None:
    page.get_by_role("button", name="Put live").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Note").fill(note)
    dialog.get_by_role("button", name="Put live").click()


def test_a_flow_is_drawn_written_tried_and_put_live(shop: Shop, colleague: MakeAccount, open_page: OpenPage) -> None:
    page = open_page(console(shop, "flows"), viewport={"width": 1600, "height": 900}, reduced_motion="reduce")
    log_in(page, colleague("Fei", "admin"))
    expect(page.get_by_role("heading", name="Flows")).to_be_visible()
    make(page, "Appointment", "visits")

    # The picture changes the file.
    step(page, "Gladly. It takes a minute.").click()
    page.get_by_label(re.compile("^English")).fill("With pleasure.")
    expect(step(page, "With pleasure.")).to_be_visible()
    file = page.locator(".cm-content")
    expect(file).to_contain_text("en: With pleasure.")
    # The file changes the picture, and what is done is undone in both.
    file.get_by_text("A colleague confirms").first.dblclick(position={"x": 330, "y": 8})
    page.keyboard.press("Home")
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("\n  goodbye: {en: See you soon!, zh: 再见！}\n")
    page.get_by_role("tab", name="Replies").click()
    expect(page.get_by_role("tabpanel", name="Replies").locator("details").filter(has_text="goodbye")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("tabpanel", name="Replies").locator("details").filter(has_text="goodbye")).to_have_count(0)
    page.get_by_role("button", name="Redo").click()

    # A new step is wrong until it says something in each language.
    page.get_by_role("button", name="Add a step here").first.click()
    page.get_by_role("menuitem", name="Say", exact=True).click()
    expect(page.get_by_role("tabpanel", name="Step").get_by_text(re.compile("no text in 'en'"))).to_be_visible()
    page.get_by_label("Reply").select_option("goodbye")
    expect(page.get_by_text(re.compile("no text in"))).to_have_count(0)
    expect(step(page, "See you soon!")).to_be_visible()
    assert axe_violations(page) == []
    page.get_by_role("button", name="Delete this step").click()
    expect(step(page, "See you soon!")).to_have_count(0)

    page.get_by_role("tab", name="Try").click()
    page.get_by_role("button", name="make an appointment").click()
    tried = page.get_by_role("log", name="Tried conversation")
    expect(tried).to_contain_text("With pleasure.", timeout=20_000)
    expect(step(page, "waits here")).to_contain_text("wish")
    page.get_by_role("button", name="Repair").click()
    expect(tried).to_contain_text("Which day suits you?")
    expect(page.locator(".slots")).to_contain_text("repair")
    assert axe_violations(page) == []

    put_live(page, "The first")
    expect(page.get_by_text("Version 1 is live.")).to_be_visible(timeout=20_000)
    step(page, "With pleasure.").click()
    page.get_by_role("tab", name="Step").click()
    page.get_by_label(re.compile("^English")).fill("Of course.")
    put_live(page, "Friendlier")
    expect(page.get_by_text("Version 2 is live.")).to_be_visible(timeout=20_000)

    page.get_by_role("tab", name="Versions").click()
    page.get_by_role("button", name="What changed").first.click()
    expect(page.get_by_role("dialog").locator("tr.added")).to_contain_text("Of course.")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Go back to version 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back to it").click()
    expect(page.get_by_text("Version 1 is live.").last).to_be_visible(timeout=20_000)
    expect(page.locator(".version").filter(has_text="The first").get_by_text("Live", exact=True)).to_be_visible()
    assert axe_violations(page) == []

    page.get_by_role("link", name="Flows").first.click()
    row = page.get_by_role("listitem").filter(has_text="visits")
    page.get_by_role("button", name="Appointment: more").click()
    page.get_by_role("menuitem", name="Pause").click()
    expect(row.get_by_text("Paused", exact=True)).to_be_visible()
    page.get_by_role("button", name="Appointment: more").click()
    page.get_by_role("menuitem", name="Remove").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)


def test_a_failing_test_keeps_a_flow_from_going_live(shop: Shop, colleague: MakeAccount, open_page: OpenPage) -> None:
    page = open_page(console(shop, "flows?tab=tests"), expect_errors=True)  # a refusal is a console error
    log_in(page, colleague("Noor", "admin"))
    page.get_by_role("button", name="New file").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("File name").fill("greeting.yaml")
    dialog.get_by_label("Tests (YAML)").fill(FAILING)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("tab", name="Flows").click()
    make(page, "Empty flow", "greeted")
    put_live(page, "")
    expect(page.get_by_role("dialog").get_by_text("the greeting promises a minute")).to_be_visible(timeout=60_000)
    page.keyboard.press("Escape")

    page.goto(console(shop, "flows?tab=tests"))
    page.get_by_role("button", name="Run all").click()
    expect(page.get_by_text("1 failed")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="Steps that tests walked")).to_be_visible()
    assert axe_violations(page) == []
    page.get_by_role("button", name="Remove greeting.yaml").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No tests yet")).to_be_visible()


def test_tools_are_written_tried_and_imported(shop: Shop, colleague: MakeAccount, open_page: OpenPage) -> None:
    page = open_page(console(shop, "flows?tab=tools"))
    log_in(page, colleague("Omar", "admin"))
    page.get_by_role("link", name="New tool").click()
    page.get_by_label("Name", exact=True).fill("shop.parcel")
    page.get_by_label("Address", exact=True).fill("https://api.shop.example/parcels/{order_number}")
    page.get_by_label("Outputs (YAML)").fill("status: $.status")
    page.get_by_label("Samples (YAML)").fill(TOOL_SAMPLES)
    page.get_by_label("Credentials").select_option("bearer")
    page.get_by_label("Secret").fill("four-quiet-lamps")
    page.get_by_label("order_number", exact=True).fill("LL1")
    page.get_by_role("button", name="Answer from samples").click()
    expect(page.locator(".outputs")).to_contain_text("shipped")
    assert axe_violations(page) == []
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="shop.parcel")).to_be_visible()
    assert "four-quiet-lamps" not in page.content()

    page.get_by_role("link", name="Tools").click()
    page.get_by_role("button", name="Import OpenAPI").click()
    page.get_by_label("Or paste it here").fill(OPENAPI)
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_text("1 operation found")).to_be_visible()
    page.get_by_role("button", name="Keep 1 tool").click()
    expect(page.get_by_role("link", name=re.compile("Find an order"))).to_be_visible()
    assert axe_violations(page) == []


def test_on_a_phone_and_in_chinese(shop: Shop, colleague: MakeAccount, open_page: OpenPage) -> None:
    page = open_page(console(shop, "flows"), locale="zh-CN", color_scheme="dark", reduced_motion="reduce", **PHONE)
    log_in(page, colleague("Lan", "admin"), chinese=True)
    page.get_by_role("button", name="新建流程").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("文件中的名称").fill("phone")
    dialog.get_by_role("button", name="创建").click()
    expect(page.get_by_role("button", name=re.compile("好的，只需一分钟。"))).to_be_visible()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert axe_violations(page) == []
