"""The chats of the docs, as they stand there, against a real server: in a browser on another origin, and in Node."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import OpenPage
from .world import Shop, Site

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "reference" / "client.md"
PACKAGE = ROOT / "web" / "packages" / "client"
QUESTION = "What are your opening hours?"
ANSWER = "We answer from 9:00 to 21:00 every day."


def block(kind: str, shop: Shop, page: Path = DOCS) -> str:
    """A code block of the docs, with the tests' server and channel in place of the example's."""
    found = re.search(rf"^```jsx? {kind}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None, f"{page.name} has no block {kind}"
    return found[1].replace("https://kefu.example", shop.server.address).replace("CHANNEL", shop.channel)


def test_the_web_chat_runs_on_a_page_of_another_origin(shop: Shop, site: Site, open_page: OpenPage) -> None:
    for path in (PACKAGE / "dist").glob("*.js"):
        site.page(f"/client/{path.name}", path.read_text(), Content_Type="text/javascript")
    imports = '<script type="importmap">{"imports": {"@kefu/client": "/client/index.js"}}</script>'
    body = '<pre id="log"></pre><form id="form"><input name="words" /></form>'
    script = f'<script type="module">{block("web", shop)}</script>'
    page = open_page(site.page("/own-chat", f"<!doctype html><title>Shop</title>{imports}{body}{script}"))
    page.locator("input").fill(QUESTION)
    page.locator("input").press("Enter")
    expect(page.locator("#log")).to_have_text(f"contact: {QUESTION}\nassistant: {ANSWER}")
    page.reload()
    expect(page.locator("#log")).to_contain_text(ANSWER)


def test_a_page_that_the_channel_does_not_allow_gets_no_token(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(f"{shop.server.address}/healthz", expect_errors=True)
    elsewhere = shop.server.address.replace("127.0.0.1", "localhost")
    call = f"fetch('{elsewhere}/v1/channels/{shop.channel}/visitors', {{method: 'POST'}})"
    assert page.evaluate(f"{call}.then(() => 'read', () => 'refused')") == "refused"


@pytest.mark.parametrize("options", [[], ["--experimental-websocket", "--no-warnings"]], ids=["asking", "socket"])
def test_the_chat_of_a_program_runs_in_node(shop: Shop, tmp_path: Path, options: list[str]) -> None:
    node = shutil.which("node")
    assert node, "The client's tests need Node, as the web pages do"
    installed = tmp_path / "node_modules" / "@kefu" / "client"
    shutil.copytree(PACKAGE, installed, ignore=shutil.ignore_patterns("node_modules", "src", "test"))
    (tmp_path / "chat.mjs").write_text(block("node", shop))
    ran = subprocess.run(
        [node, *options, "chat.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.stdout, ran.stderr) == (f"assistant: {ANSWER}\n", "")


@pytest.mark.parametrize("kind", ["web", "native"])
def test_the_readme_shows_the_same_chats(shop: Shop, kind: str) -> None:
    assert block(kind, shop, PACKAGE / "README.md") == block(kind, shop)
