"""Knowledge through the public API."""

import time
from typing import Any

import httpx

from .conftest import Shop


def read(shop: Shop, source_id: str) -> dict[str, Any]:
    """The source once it is read."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        source: dict[str, Any] = shop.get(f"/v1/knowledge/sources/{source_id}")
        if source["state"] not in {"pending", "reading"}:
            return source
    raise AssertionError("The source was not read within a minute.")


def upload(shop: Shop, name: str, data: bytes) -> dict[str, Any]:
    answer = shop.client.post("/v1/knowledge/files", files={"file": (name, data)})
    assert answer.status_code == 202, answer.text
    return read(shop, answer.json()["id"])


def test_an_uploaded_file_answers_and_a_removed_one_no_more(shop: Shop) -> None:
    source = upload(
        shop, "gifts.md", b"# Gift wrapping\n\nGift wrapping with a ribbon costs \xc2\xa57 for each parcel.\n"
    )
    assert (source["state"], source["documents"]) == ("ready", 1)
    question = "How much does gift wrapping cost?"
    assert "¥7" in shop.say(shop.start(), question)["reply"]["answer"]
    assert shop.client.delete(f"/v1/knowledge/sources/{source['id']}").status_code == 204
    assert "¥7" not in shop.say(shop.start(), question)["reply"]["answer"]


def test_a_broken_file_is_named_with_its_reason(shop: Shop) -> None:
    source = upload(shop, "broken.pdf", b"%PDF-1.7\nnothing")
    assert source["state"] == "failed"
    assert source["failures"][0]["name"] == "broken.pdf"
    assert len(source["failures"][0]["reason"]) > 10


def test_a_private_address_is_not_fetched(shop: Shop, address: str) -> None:
    made = shop.post("/v1/knowledge/urls", {"url": f"{address}/healthz"}, expect=202)
    source = read(shop, made["id"])
    assert source["state"] == "failed"
    assert source["documents"] == 0
    for url in ("file:///etc/passwd", "ftp://example.com/x", "nonsense"):
        shop.post("/v1/knowledge/urls", {"url": url}, expect=422)


def test_articles_and_faq_entries_can_be_typed(shop: Shop) -> None:
    article = shop.post("/v1/knowledge/articles", {"title": "Loyalty", "text": "Members collect 5 points."}, expect=202)
    entry = {"question": "Can I pay with bank transfer?", "answer": "Yes, within 7 days.", "more_questions": ["wire?"]}
    faq = shop.post("/v1/knowledge/faqs", entry, expect=202)
    assert read(shop, article["id"])["state"] == read(shop, faq["id"])["state"] == "ready"
    reply = shop.say(shop.start(), "can I pay with bank transfer")["reply"]
    assert (reply["decision"], reply["answer"]) == ("approved", "Yes, within 7 days.")
    shop.post("/v1/knowledge/articles", {"title": " ", "text": "x"}, expect=422)


def test_a_document_is_shown_with_exact_passages(shop: Shop) -> None:
    [source] = [each for each in shop.get("/v1/knowledge/sources")["sources"] if each["name"] == "help.md"]
    [page] = shop.get(f"/v1/knowledge/sources/{source['id']}")["pages"]
    document = shop.get(f"/v1/knowledge/documents/{page['id']}")
    found = shop.get("/v1/knowledge/search?q=return an item")["results"]
    assert found[0]["text"] == document["text"][found[0]["start"] : found[0]["end"]]


def test_another_workspace_reaches_no_source(shop: Shop, other_shop: Shop) -> None:
    [first, *_] = shop.get("/v1/knowledge/sources")["sources"]
    path = f"/v1/knowledge/sources/{first['id']}"
    other_shop.get(path, expect=404)
    other_shop.post(f"{path}/read", expect=404)
    other_shop.post(f"{path}/cancel", expect=404)
    assert other_shop.client.delete(path).status_code == 404
    [page] = shop.get(path)["pages"]
    other_shop.get(f"/v1/knowledge/documents/{page['id']}", expect=404)


def test_knowledge_needs_a_key(address: str) -> None:
    assert httpx.get(f"{address}/v1/knowledge/sources", timeout=60).status_code == 401
