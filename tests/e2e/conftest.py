"""A real server process, a site on another origin, and Debian's Chromium, for tests that look through a browser."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

import kefu

from ..ports import free_port
from .customer import Customer
from .world import APPEARS_SECONDS, Member, Server, Shop, Site, environment, serve

PASSWORD = "seven slow trains at noon"
CHOSEN = "four-lamps-in-a-quiet-room"  # the owner's
_numbers = count(1)
HERE = Path(__file__).parent
STATIC = Path(kefu.__file__).parent / "static"
expect.set_options(timeout=1000 * APPEARS_SECONDS)
# Without these Chromium calls home at every start; without a sandbox it runs as root in a container.
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser and one server for all of these, so they stay in one process."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "Browser tests need Chromium: apt-get install chromium fonts-noto-cjk"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """On localhost, while Kefu is on 127.0.0.1: another origin and another site."""
    with serve() as made:
        yield made


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, site: Site) -> Iterator[Shop]:
    assert (STATIC / "loader.js").exists(), "The web pages are not built. Build them with: make web"
    home = tmp_path_factory.mktemp("shop")
    command = [sys.executable, str(HERE / "make_shop.py"), site.origin]
    made = subprocess.run(command, env=environment(home), check=True, capture_output=True)
    server = Server(home, free_port())
    server.start()
    yield Shop(server, **json.loads(made.stdout.splitlines()[-1]))
    server.stop()


@pytest.fixture(scope="session")
def member(shop: Shop) -> Iterator[Member]:
    first = Member(shop, shop.password)
    first.post("/session/password", old=shop.password, new=CHOSEN)
    first.close()
    mei = Member(shop, CHOSEN)
    yield mei
    mei.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens pages in a browser of their own; a script error or a console error on any of them fails the test."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def open_(address: str, *, expect_errors: bool = False, **options: Any) -> Page:
        context = chromium.new_context(**{"locale": "en-US", "viewport": {"width": 1200, "height": 800}, **options})
        context.set_default_timeout(1000 * APPEARS_SECONDS)
        contexts.append(context)
        page = context.new_page()
        if not expect_errors:
            page.on("console", lambda message: _note(troubles, message))
            page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert troubles == []


def _note(troubles: list[str], message: ConsoleMessage) -> None:
    if message.type in {"error", "warning"}:
        troubles.append(f"{message.text} ({message.location.get('url')})")


@dataclass(frozen=True)
class Account:
    """Somebody of the workspace, with the password that opens the console now."""

    email: str
    name: str
    password: str


MakeAccount = Callable[..., Account]


@pytest.fixture
def newcomer(shop: Shop) -> MakeAccount:
    """Makes members with a one-time password, as an owner does on the command line."""

    def make(name: str, role: str = "agent") -> Account:
        email = f"member{next(_numbers)}@shop.example"
        command = [sys.executable, "-m", "kefu.cli", "members", "create", email, "--name", name, "--role", role]
        made = subprocess.run(
            [*command, "--workspace", "shop", "--json"],
            env=environment(shop.server.home),
            check=True,
            capture_output=True,
        )
        return Account(email, name, json.loads(made.stdout)["password"])

    return make


@pytest.fixture
def colleague(shop: Shop, newcomer: MakeAccount) -> MakeAccount:
    """Makes members who have chosen a password of their own already."""

    def make(name: str, role: str = "agent") -> Account:
        new = newcomer(name, role)
        desk = Member(Shop(shop.server, shop.channel, new.email, new.password), new.password)
        desk.post("/session/password", old=new.password, new=PASSWORD)
        desk.close()
        return Account(new.email, name, PASSWORD)

    return make


@pytest.fixture
def customer(shop: Shop) -> Iterator[Callable[..., Customer]]:
    made: list[Customer] = []

    def make(**profile: str) -> Customer:
        made.append(Customer(shop, **profile))
        return made[-1]

    yield make
    for each in made:
        each.close()
