"""Knowledge through HTTP: adding, changing, removing, trying, and what wants looking after."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from kefu.desk.actor import Role
from kefu.desk.library import actions
from kefu.desk.library.due import due_sources, read_sources
from kefu.desk.library.models import Document
from kefu.desk.rows import now
from kefu.desk.wiring import wiring
from kefu.kit.settings import settings

from .desks import BASE, Desk, desk_for, desk_of
from .shops import Shop, made_shop

pytestmark = pytest.mark.django_db
SHEET = (
    "question,answer,more_questions\n"
    'What are your opening hours?,From 9:00 to 21:00.,"When are you open?\nAre you open on Sunday?"\n'
    "怎么退货？,30 天内可以退货。,\n"
)


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return desk_for(shop, Role.SUPERVISOR)


@pytest.fixture
def agent(shop: Shop) -> Desk:
    return desk_for(shop, Role.AGENT)


def read(shop: Shop) -> None:
    """What dispatch does with sources that are due."""
    mine = [source for workspace, source in due_sources() if workspace == shop.workspace_id]
    read_sources(shop.workspace_id, mine, embed=wiring().embed)
    wiring().changed(shop.workspace_id, "library.changed")


def upload(desk: Desk, *files: tuple[str, bytes], expect: int = 202) -> Any:
    body = {"file": [SimpleUploadedFile(name, data) for name, data in files]}
    answer = desk.client.post(f"{BASE}/library/files", body)
    assert answer.status_code == expect, answer.content
    return answer.json()


@pytest.fixture
def sheet(shop: Shop, desk: Desk) -> str:
    """A FAQ sheet that was read; its source's id."""
    [source] = upload(desk, ("faq.csv", SHEET.encode()))["sources"]
    read(shop)
    return str(source["id"])


def faqs(desk: Desk, query: str = "") -> list[Any]:
    return list(desk.get(f"/library/faqs?{query}")["faqs"])


# sources


def test_files_are_kept_at_once_and_read_later(desk: Desk, shop: Shop) -> None:
    added = upload(
        desk, ("a.md", b"# Hours\n\nWe open at nine."), ("b.txt", b"Closed on Sundays."), ("c.pdf", b"%PDF-")
    )
    assert [(each["name"], each["state"]) for each in added["sources"]] == [
        ("a.md", "pending"),
        ("b.txt", "pending"),
        ("c.pdf", "pending"),
    ]
    read(shop)
    by_name = {each["name"]: each for each in desk.get("/library/sources")["sources"]}
    assert (by_name["a.md"]["state"], by_name["a.md"]["documents"]) == ("ready", 1)
    assert by_name["c.pdf"]["state"] == "failed"
    assert by_name["c.pdf"]["failures"][0]["name"] == "c.pdf"


def test_a_file_past_the_limit_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "__dict__", {**settings().__dict__, "upload_megabytes": 1})
    assert upload(desk, ("big.txt", b"x" * (2**20 + 1)), expect=413)["code"] == "too_large"
    assert upload(desk, ("fits.txt", b"x" * 2**20))["sources"]


def test_a_source_is_looked_into(desk: Desk, shop: Shop) -> None:
    desk.post("/library/articles", {"title": "Delivery", "text": "It costs ¥12.\n\n## Abroad\n\nIt costs ¥30."}, 202)
    read(shop)
    [source] = desk.get("/library/sources")["sources"]
    [page] = desk.get(f"/library/sources/{source['id']}")["pages"]
    document = desk.get(f"/library/documents/{page['id']}")
    passage = document["passages"][-1]
    shown = desk.get(f"/library/passages/{passage['id']}")
    assert shown["text"] == document["text"][passage["start"] : passage["end"]]
    assert "¥30" in shown["text"]
    assert shown["headings"] == ["Delivery", "Abroad"]


def test_an_article_is_changed_in_place(desk: Desk, shop: Shop) -> None:
    source = desk.post("/library/articles", {"title": "Hours", "text": "We open at nine."}, 202)["id"]
    desk.post("/library/articles", {"title": "Taken", "text": "x"}, 202)
    path = f"/library/sources/{source}/article"
    assert desk.get(path) == {"title": "Hours", "text": "We open at nine."}
    assert desk.put(path, {"title": "Opening hours", "text": "We open at ten."}, 202)["name"] == "Opening hours.md"
    read(shop)
    [page] = desk.get(f"/library/sources/{source}")["pages"]
    assert "ten" in desk.get(f"/library/documents/{page['id']}")["text"]
    desk.put(path, {"title": "Taken", "text": "x"}, 409)
    assert desk.put(path, {"title": " ", "text": "x"}, 422)["field"] == "title"


def test_only_typed_articles_are_articles(desk: Desk, sheet: str) -> None:
    desk.get(f"/library/sources/{sheet}/article", 409)
    desk.put(f"/library/sources/{sheet}/article", {"title": "x", "text": "x"}, 409)


def test_reading_is_cancelled_and_begun_again(desk: Desk) -> None:
    [source] = upload(desk, ("a.md", b"# Hours\n\nWe open at nine."))["sources"]
    path = f"/library/sources/{source['id']}"
    assert desk.post(f"{path}/cancel")["state"] == "cancelled"
    desk.post(f"{path}/cancel", expect=409)
    assert desk.post(f"{path}/read", expect=202)["state"] == "pending"


def test_a_removed_source_is_gone_with_its_passages(desk: Desk, sheet: str) -> None:
    assert faqs(desk)
    desk.delete(f"/library/sources/{sheet}")
    assert faqs(desk) == []
    desk.delete(f"/library/sources/{sheet}", 404)


@pytest.mark.parametrize("url", ["ftp://example.com", "file:///etc/passwd", "", "x" * 3000])
def test_what_is_no_address_is_refused(desk: Desk, url: str) -> None:
    desk.post("/library/urls", {"url": url}, 422)


def test_an_address_is_kept_to_be_fetched(desk: Desk) -> None:
    added = desk.post("/library/urls", {"url": " https://example.com/help "}, 202)
    assert (added["kind"], added["address"]) == ("url", "https://example.com/help")


def test_agents_read_and_do_not_write(agent: Desk, sheet: str, shop: Shop) -> None:
    assert agent.get("/library/sources")["sources"]
    faq = faqs(agent)[0]["id"]
    entry = {"question": "q", "answer": "a"}
    upload(agent, ("a.md", b"x"), expect=403)
    agent.post("/library/urls", {"url": "https://example.com"}, 403)
    agent.post("/library/articles", {"title": "t", "text": "t"}, 403)
    agent.post("/library/faqs", entry, 403)
    agent.put(f"/library/faqs/{faq}", entry, 403)
    agent.delete(f"/library/faqs/{faq}", 403)
    agent.put(f"/library/sources/{sheet}/article", {"title": "t", "text": "t"}, 403)
    agent.post(f"/library/sources/{sheet}/read", expect=403)
    agent.post(f"/library/sources/{sheet}/cancel", expect=403)
    agent.delete(f"/library/sources/{sheet}", 403)


# FAQ entries


def test_entries_are_listed_and_searched_in_every_script(desk: Desk, sheet: str) -> None:
    [hours, returns] = faqs(desk)
    assert hours["more_questions"] == ["When are you open?", "Are you open on Sunday?"]
    assert hours["source"] == {"id": sheet, "name": "faq.csv", "kind": "file"}
    assert (returns["question"], returns["language"]) == ("怎么退货？", "zh")
    assert faqs(desk, "search=SUNDAY") == [hours]
    assert faqs(desk, "search=退货") == [returns]
    first = desk.get("/library/faqs?limit=1")
    assert desk.get(f"/library/faqs?limit=1&after={first['next']}")["faqs"] == [returns]


def test_a_typed_entry_is_added_changed_and_removed(desk: Desk, shop: Shop) -> None:
    desk.post(
        "/library/faqs", {"question": "Do you ship?", "answer": "Yes.", "more_questions": [" Shipping? ", ""]}, 202
    )
    read(shop)
    [entry] = faqs(desk)
    assert entry["more_questions"] == ["Shipping?"]
    changed = desk.put(f"/library/faqs/{entry['id']}", {"question": "Do you ship abroad?", "answer": "No."}, 202)
    assert changed["name"] == "FAQ: Do you ship abroad?.csv"
    read(shop)
    [entry] = faqs(desk)
    assert (entry["question"], entry["answer"], entry["more_questions"]) == ("Do you ship abroad?", "No.", [])
    desk.delete(f"/library/faqs/{entry['id']}")
    assert faqs(desk) == []
    assert desk.get("/library/sources")["sources"] == []


def test_an_entry_of_a_sheet_is_changed_and_the_others_stay(desk: Desk, shop: Shop, sheet: str) -> None:
    [hours, returns] = faqs(desk)
    body = {"question": hours["question"], "answer": "From 8:00 to 22:00.", "more_questions": hours["more_questions"]}
    desk.put(f"/library/faqs/{hours['id']}", body, 202)
    desk.put(f"/library/faqs/{hours['id']}", body, 404)
    read(shop)
    assert [(each["question"], each["answer"], each["more_questions"]) for each in faqs(desk)] == [
        (hours["question"], "From 8:00 to 22:00.", hours["more_questions"]),
        (returns["question"], returns["answer"], []),
    ]
    desk.delete(f"/library/faqs/{faqs(desk)[0]['id']}")
    read(shop)
    assert [each["question"] for each in faqs(desk)] == ["怎么退货？"]


def test_an_entry_that_cannot_be_written_back_says_where_to_change_it(desk: Desk, shop: Shop) -> None:
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("faq.csv", SHEET)
    upload(desk, ("help.zip", packed.getvalue()))
    read(shop)
    refusal = desk.put(f"/library/faqs/{faqs(desk)[0]['id']}", {"question": "q", "answer": "a"}, 409)
    assert "help.zip" in refusal["detail"]


@pytest.mark.parametrize("field", ["question", "answer"])
def test_half_an_entry_is_refused(desk: Desk, sheet: str, field: str) -> None:
    body = {"question": "q", "answer": "a", field: " "}
    assert desk.post("/library/faqs", body, 422)["field"] == field
    assert desk.put(f"/library/faqs/{faqs(desk)[0]['id']}", body, 422)["field"] == field


# trying, stale, twice


def test_a_question_is_tried_on_the_knowledge_of_this_moment(agent: Desk, desk: Desk, sheet: str, shop: Shop) -> None:
    tried = agent.post("/library/try", {"question": "When are you open?"})
    assert (tried["answer"]["answer"], tried["answer"]["decision"]) == ("From 9:00 to 21:00.", "approved")
    assert [step["name"] for step in tried["trace"]["steps"]][:3] == ["hear", "mask", "understand"]
    assert (tried["hits"][0]["document"], tried["hits"][0]["kind"]) == ("faq.csv", "faq")
    desk.delete(f"/library/sources/{sheet}")
    wiring().changed(shop.workspace_id, "library.changed")
    tried = agent.post("/library/try", {"question": "When are you open?"})
    assert (tried["answer"]["decision"], tried["hits"]) == ("refuse", [])


def test_a_tried_question_is_masked(agent: Desk, sheet: str) -> None:
    tried = agent.post("/library/try", {"question": "Is 138 0013 8000 your number?"})
    assert "138 0013 8000" not in str(tried)


def test_viewers_do_not_try(shop: Shop) -> None:
    desk_for(shop, Role.VIEWER).post("/library/try", {"question": "x"}, 403)


def test_what_has_not_changed_for_long_is_stale(agent: Desk, sheet: str, shop: Shop) -> None:
    assert agent.get("/library/stale?days=30")["documents"] == []
    Document.objects.of(shop.workspace_id).update(created_at=now() - timedelta(days=31))
    [page] = agent.get("/library/stale?days=30")["documents"]
    assert page["source"]["id"] == sheet
    agent.get("/library/stale?days=0", 422)


def test_what_is_said_twice_is_found(agent: Desk, desk: Desk, sheet: str, shop: Shop) -> None:
    desk.post("/library/faqs", {"question": "when are you OPEN", "answer": "Never."}, 202)
    both = {"question": "E102", "answer": "There is not enough money in the account, please add some."}
    desk.post("/library/faqs", both, 202)
    desk.post(
        "/library/faqs", {**both, "answer": "账户余额不足，请先充值后再试一次。"}, 202
    )  # said in another language
    text = b"# Delivery\n\nA parcel within the country takes two to four working days and costs twelve yuan."
    upload(desk, ("delivery.md", text), ("delivery-copy.md", text))
    read(shop)
    found = agent.get("/library/duplicates")
    [twice] = found["questions"]
    assert {entry["document"] for entry in twice["entries"]} == {"faq.csv", "FAQ: when are you OPEN.csv"}
    near = {frozenset((pair["a"]["document"], pair["b"]["document"])) for pair in found["passages"]}
    assert frozenset({"delivery.md", "delivery-copy.md"}) in near
    assert all(pair["similarity"] > 0.97 for pair in found["passages"])
    assert found["looked_at"] == found["passages_in_all"]


def test_another_workspaces_knowledge_is_not_found(sheet: str, shop: Shop, desk: Desk) -> None:
    stranger = desk_of(made_shop().owner)
    faq = faqs(desk)[0]["id"]
    document = faqs(desk)[0]["document"]
    for path in (f"/library/sources/{sheet}", f"/library/documents/{document}", f"/library/passages/{faq}"):
        stranger.get(path, 404)
    stranger.put(f"/library/faqs/{faq}", {"question": "q", "answer": "a"}, 404)
    stranger.delete(f"/library/faqs/{faq}", 404)
    assert stranger.get("/library/sources")["sources"] == []
    assert actions.get(shop.workspace_id, sheet).state == "ready"
