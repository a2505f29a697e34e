"""Files through the public API, and what the assistant says to one without a word."""

from typing import Any

import httpx

from .conftest import Shop, new_visitor

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def upload(client: httpx.Client, thread: str, name: str, data: bytes, *, expect: int = 201) -> Any:
    answer = client.post(f"/v1/conversations/{thread}/attachments", files={"file": (name, data, "text/html")})
    assert answer.status_code == expect, answer.text
    return answer.json()


def send(client: httpx.Client, thread: str, **body: Any) -> Any:
    answer = client.post(f"/v1/conversations/{thread}/messages", params={"wait": 60}, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_file_without_a_word_is_asked_about(shop: Shop, visitor: httpx.Client) -> None:
    thread = visitor.post("/v1/conversations", json={}).json()["id"]
    file = upload(visitor, thread, "lamp.svg", PNG)
    assert file == {
        "id": file["id"],
        "kind": "image",
        "name": "lamp.svg.png",
        "media_type": "image/png",
        "size": len(PNG),
    }
    stored = send(visitor, thread, attachments=[file["id"]])
    assert stored["message"]["attachments"] == [file]
    assert stored["reply"]["decision"] == "clarify"
    assert "received your file" in stored["reply"]["answer"]
    assert stored["reply"]["quick_replies"] == ["Talk to a person"]
    answered = send(visitor, thread, text="How much does standard delivery cost?")
    assert "¥12" in answered["reply"]["answer"]
    messages = visitor.get(f"/v1/conversations/{thread}/messages").json()["messages"]
    assert [each["attachments"] for each in messages] == [[file], [], [], []]


def test_a_file_is_answered_in_the_customer_s_language(shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "你好")
    file = upload(shop.client, thread, "a.png", PNG)
    assert "文件" in send(shop.client, thread, attachments=[file["id"]])["reply"]["answer"]


def test_a_file_comes_back_as_it_was_and_harmless(address: str, shop: Shop, visitor: httpx.Client) -> None:
    thread = visitor.post("/v1/conversations", json={}).json()["id"]
    page = b"<script>alert(1)</script>"
    file = upload(visitor, thread, "发票.html", page)
    place = f"/v1/conversations/{thread}/attachments/{file['id']}"
    answer = visitor.get(place)
    assert answer.content == page
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%E5%8F%91%E7%A5%A8.html.txt"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    with new_visitor(address, shop) as other:
        assert other.get(place).status_code == 404
    assert httpx.get(f"{address}{place}", timeout=60).status_code == 401


def test_what_cannot_be_sent_is_refused_with_its_reason(shop: Shop, visitor: httpx.Client) -> None:
    thread = visitor.post("/v1/conversations", json={}).json()["id"]
    refused = upload(visitor, thread, "photo.png", b"MZ\x90\x00" + bytes(100), expect=422)
    assert refused["reason"] == "kind"
    assert upload(visitor, thread, "big.png", PNG + bytes(10 * 2**20), expect=413)["code"] == "too_large"
    body = {"text": "x", "attachments": ["att_of_nobody"]}
    assert visitor.post(f"/v1/conversations/{thread}/messages", json=body).status_code == 422


def test_a_browser_is_told_what_it_may_send(address: str, shop: Shop) -> None:
    visit = httpx.post(f"{address}/v1/channels/{shop.channel_id}/visitors", json={}, timeout=60).json()
    assert visit["channel"]["attachments"] == {"per_message": 5, "bytes": 10 * 2**20}
