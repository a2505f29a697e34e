"""Surveys at the customers' door: asked by dispatch, answered by a browser or a program."""

import time
from typing import Any

import httpx

from .conftest import Shop


def asked(client: httpx.Client, thread: str) -> dict[str, Any]:
    """The survey, once dispatch has asked."""
    until = time.monotonic() + 60
    found: dict[str, Any] = {}
    while time.monotonic() < until:
        found = client.get(f"/v1/conversations/{thread}/survey").json()
        if found["state"] == "asked":
            break
    return found


def test_a_visitor_is_asked_and_rates_once(shop: Shop, visitor: httpx.Client) -> None:
    thread = visitor.post("/v1/conversations", json={}).json()["id"]
    text = {"text": "What are your opening hours?"}
    visitor.post(f"/v1/conversations/{thread}/messages", params={"wait": 60}, json=text)
    assert visitor.get(f"/v1/conversations/{thread}/survey").json()["state"] == "none"
    visitor.post(f"/v1/conversations/{thread}/resolve")
    survey = asked(visitor, thread)
    assert survey["state"] == "asked"
    assert len(survey["choices"]) == 5
    rated = visitor.put(f"/v1/conversations/{thread}/rating", json={"score": 4}).json()
    assert (rated["state"], rated["score"]) == ("rated", 4)
    again = visitor.put(f"/v1/conversations/{thread}/rating", json={"score": 4, "comment": "Quick"}).json()
    assert again["comment"] == "Quick"
    assert visitor.put(f"/v1/conversations/{thread}/rating", json={"score": 1}).status_code == 409
    assert visitor.put(f"/v1/conversations/{thread}/rating", json={"score": 6}).status_code == 422
    assert shop.get(f"/v1/conversations/{thread}/survey")["score"] == 4


def test_a_program_passes_its_customers_rating_on(shop: Shop, other_shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "What are your opening hours?")
    shop.post(f"/v1/conversations/{thread}/resolve")
    asked(shop.client, thread)
    assert other_shop.client.put(f"/v1/conversations/{thread}/rating", json={"score": 5}).status_code == 404
    stored = shop.say(thread, "满意", wait=0)
    assert stored["message"]["outcome"] == "replied"
    assert shop.get(f"/v1/conversations/{thread}/survey")["score"] == 4
    assert shop.get(f"/v1/conversations/{thread}")["status"] == "resolved"
