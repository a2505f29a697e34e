"""A change of knowledge answers customers once the workspace's tests pass with it; until then what was there does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from kefu.desk import going_live
from kefu.desk.accounts.models import Event
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.assistants import actions as assistants
from kefu.desk.assistants.actions import SuiteFailed
from kefu.desk.assistants.models import SuiteFile
from kefu.desk.library import actions, queries
from kefu.desk.library.due import Report
from kefu.desk.rows import now
from kefu.desk.simulation import Simulation
from kefu.desk.wiring import wiring
from kefu.kit import settings
from kefu.kit.errors import BadInput, Conflict, NotAllowed

from .desks import desk_for, desk_of
from .shops import Shop, made_shop

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = "How much is standard delivery?"
TESTS = f"""schema: kefu.flow-test/v1
tests:
  - name: delivery
    turns:
      - say: {ASKED}
        expect: {{decision: approved, answer: "¥12"}}
"""


@pytest.fixture
def shop() -> Shop:
    """One question with its answer, and a test of it."""
    made = made_shop()
    entry = actions.add_faq(made.owner, question=ASKED, answer="Standard delivery costs ¥12.")
    read(made, entry.id)
    assistants.save_suite_file(made.owner, name="delivery.yaml", text=TESTS)
    return made


def read(shop: Shop, *ids: str) -> Report:
    report = going_live.read_sources(
        shop.workspace_id, ids, embed=partial(wiring().embed, workspace_id=shop.workspace_id)
    )
    wiring().changed(shop.workspace_id, "library.changed")
    return report


def change(shop: Shop, answer: str) -> queries.SourceInfo:
    """The entry with another answer, read."""
    [entry] = queries.faqs(shop.owner)
    source = actions.change_faq(shop.owner, passage_id=entry.id, question=ASKED, answer=answer)
    read(shop, source.id)
    return queries.source(shop.owner, source.id)


def answered(shop: Shop) -> str:
    wiring().changed(shop.workspace_id, "library.changed")
    return Simulation(shop.kefu).say(ASKED).text


def test_a_change_that_tests_fail_with_is_held_back(shop: Shop) -> None:
    held = change(shop, "Standard delivery costs ¥15.")
    assert (held.state, held.documents) == ("held", 1)
    assert held.held is not None
    assert (held.held["failed"], held.held["failures"][0]["test"]) == (1, "delivery")
    assert "¥12" in answered(shop)
    assert Event.objects.of(shop.workspace_id).filter(kind="source.held").exists()
    assert change(shop, "Standard delivery costs ¥12, always.").state == "ready"
    assert "always" in answered(shop)


def test_a_change_that_tests_pass_with_goes_live_whole(shop: Shop) -> None:
    assert change(shop, "It costs ¥12 a parcel.").state == "ready"
    assert "a parcel" in answered(shop)
    added = actions.add_article(shop.owner, title="Returns", text="You can return an item within 30 days.")
    assert read(shop, added.id).added == ["Returns.md"]


def test_an_admin_may_publish_it_anyway_and_says_why(shop: Shop) -> None:
    held = change(shop, "Standard delivery costs ¥15.")
    with pytest.raises(NotAllowed):
        actions.publish_held(shop.member(Role.SUPERVISOR), source_id=held.id, reason="new prices")
    with pytest.raises(BadInput):
        actions.publish_held(shop.owner, source_id=held.id, reason=" ")
    actions.publish_held(shop.owner, source_id=held.id, reason="new prices")
    read(shop, held.id)
    assert queries.source(shop.owner, held.id).state == "ready"
    assert "¥15" in answered(shop)
    with pytest.raises(Conflict):
        actions.publish_held(shop.owner, source_id=held.id, reason="again")


def test_what_tests_need_is_not_removed(shop: Shop) -> None:
    [entry] = queries.faqs(shop.owner)
    writer = Actor(shop.workspace_id, "key", "key_that_writes", scopes=frozenset({Scope.KNOWLEDGE_WRITE}))
    with pytest.raises(SuiteFailed):
        going_live.remove_source(writer, source_id=entry.source_id)
    with pytest.raises(SuiteFailed):
        going_live.remove_faq(shop.owner, passage_id=entry.id)
    desk, sources = desk_of(shop.owner), f"/library/sources/{entry.source_id}"
    assert desk.delete(sources, expect=409)["report"]["failed"] == 1
    desk_for(shop, Role.SUPERVISOR).delete(f"{sources}?override=true&reason=old", expect=403)
    desk.delete(f"{sources}?override=true", expect=422)
    assert "¥12" in answered(shop)
    desk.delete(f"{sources}?override=true&reason=old")
    assert queries.faqs(shop.owner) == []


def test_the_api_shows_what_is_held_and_publishes_it(shop: Shop) -> None:
    held = change(shop, "Standard delivery costs ¥15.")
    desk = desk_of(shop.owner)
    [source] = desk.get("/library/sources")["sources"]
    assert (source["state"], source["held"]["failed"]) == ("held", 1)
    assert desk.post(f"/library/sources/{held.id}/publish", {"reason": "new prices"}, expect=202)["state"] == "pending"


@pytest.mark.parametrize("setting", [True, False])
def test_a_company_may_go_without(shop: Shop, setting: bool) -> None:
    assistants.set_up(shop.owner, policy={"test_knowledge_changes": setting})
    assert (going_live.knowledge_trial(shop.workspace_id) is not None) is setting


def test_tests_that_cannot_be_run_hold_everything_back(shop: Shop) -> None:
    with pytest.raises(BadInput, match=r"broken\.yaml, line 1: write `schema"):
        assistants.save_suite_file(shop.owner, name="broken.yaml", text="tests: 7")
    # As one stored when the language was another.
    SuiteFile.objects.create(workspace_id=shop.workspace_id, name="broken.yaml", text="tests: 7", updated_at=now())
    held = change(shop, "It costs ¥12 a parcel.")
    assert held.held is not None
    assert held.held["failures"][0]["test"] == "The tests could not be run"


def test_a_page_that_is_published_past_the_tests_is_what_was_tested(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEFU_ALLOW_PRIVATE_ADDRESSES", "true")
    settings.reload()
    [entry] = queries.faqs(shop.owner)
    going_live.remove_faq(shop.owner, passage_id=entry.id, override=True, reason="it moves to a page")
    pages = {"price": "¥15"}
    with site(lambda: f"<h1>{ASKED}</h1><p>Standard delivery costs {pages['price']} wherever you live.</p>") as address:
        source = actions.add_url(shop.owner, url=address)
        read(shop, source.id)
        assert queries.source(shop.owner, source.id).state == "held"
        pages["price"] = "¥99, says who has broken in meanwhile,"
        actions.publish_held(shop.owner, source_id=source.id, reason="new prices")
        read(shop, source.id)
    [page] = queries.documents(shop.owner, source.id)
    text = queries.document(shop.owner, page.id).text
    assert "¥15" in text
    assert "¥99" not in text
    assert queries.source(shop.owner, source.id).state == "ready"
    settings.reload()


@contextmanager
def site(page: Callable[[], str]) -> Iterator[str]:
    """A web site of one page, made anew each time that it is fetched."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<html><title>Help</title><body>{page()}</body></html>".encode()
            self.send_response(404 if self.path == "/robots.txt" else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
