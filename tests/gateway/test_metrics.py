"""`/metrics` is for who holds the token, and tells numbers only; traces tell steps and no words."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kefu.kit import settings, tracing

from .conftest import Shop
from .test_dispatch import eventually


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("KEFU_METRICS_TOKEN", "opens-metrics")
    settings.reload()
    yield "opens-metrics"
    monkeypatch.delenv("KEFU_METRICS_TOKEN")
    settings.reload()


def test_without_a_token_there_are_no_metrics(shop: Shop) -> None:
    assert shop.client.get("/metrics", headers={"Authorization": "Bearer anything"}).status_code == 404


def test_metrics_need_the_token(shop: Shop, token: str) -> None:
    assert shop.client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert shop.client.get("/metrics", headers={"Authorization": ""}).status_code == 401


def test_metrics_count_turns_and_name_nobody(shop: Shop, token: str) -> None:
    thread = shop.start(contact={"id": "customer-mia", "profile": {"name": "Mia Novak"}})
    shop.say(thread, "What are your opening hours?")

    def shown() -> str:
        return shop.client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).text

    eventually(lambda: "kefu_turns_in_flight 0.0" in shown())  # what other tests asked may still be answered
    text = shown()
    assert 'kefu_turns_total{decision="approved"}' in text
    assert 'kefu_turn_seconds_bucket{decision="approved",le="+Inf"}' in text
    assert 'kefu_step_seconds_count{step="ground"}' in text
    assert 'kefu_conversations{state="bot"} ' in text
    for secret in ("Mia", "opening hours", thread, shop.workspace_id, shop.slug):
        assert secret not in text


def test_a_turn_is_traced_through_every_floor_without_a_word(shop: Shop) -> None:
    spans = InMemorySpanExporter()
    tracing.configure(spans)
    try:
        shop.say(shop.start(), "How much does the delivery of a sofa cost?")
    finally:
        tracing.close()
    found = spans.get_finished_spans()
    names = {each.name for each in found}
    assert {"gateway.receive", "dispatch.turn", "dispatch.store", "brain.hear", "brain.ground", "engine.embed"} <= names
    [turn] = [each for each in found if each.name == "dispatch.turn"]
    steps = [each for each in found if each.name.startswith(("brain.", "engine.", "gateway.", "dispatch."))]
    assert {each.context.trace_id for each in steps} == {turn.context.trace_id}
    assert "sofa" not in "".join(each.to_json() for each in found)


def test_spans_cost_nothing_while_nobody_traces() -> None:
    assert tracing.span("brain.hear") is tracing.span("brain.ground")


def test_the_dashboard_asks_for_what_there_is(shop: Shop, token: str) -> None:
    shop.say(shop.start(), "What are your opening hours?")
    shop.say(shop.start(), "How many moons has Jupiter?")
    text = shop.client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).text
    board = (Path(__file__).parents[2] / "deploy/grafana/kefu.json").read_text(encoding="utf-8")
    asked = set(re.findall(r"kefu_[a-z_]+", "".join(re.findall(r'"expr": "(.*)"', board))))
    assert len(asked) > 10
    # Nothing has failed, so that no error is counted yet: its kind is shown all the same.
    shown = set(re.findall(r"kefu_[a-z_]+", text)) | {"kefu_errors_total"}
    assert asked <= shown
