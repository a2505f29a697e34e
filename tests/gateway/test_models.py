"""A running server and its workspaces' models: runs are taken up, promotions take over, and no turn fails of it."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from kefu.desk.actor import Actor, system
from kefu.desk.modelhub import actions, queries
from kefu.desk.wiring import wiring

from ..desk.tiny_model import tiny_model
from .conftest import Shop

LONG = 240.0
QUESTION = "What are your opening hours?"
DRILL: dict[str, Any] = {"override": True, "reason": "A drill"}


@pytest.fixture
def kefu(shop: Shop) -> Actor:
    return system(shop.workspace_id)


@pytest.fixture
def versions(kefu: Actor, tmp_path: Path) -> list[Any]:
    """Two versions of a model for intents, the first of them live."""
    return [
        actions.register_folder(
            kefu, name="intents", folder=tiny_model(tmp_path / name, bias=bias), role="intent", go_live=name == "one"
        ).version
        for name, bias in (("one", 1.0), ("two", -1.0))
    ]


def wait_until(said: Any) -> None:
    until = time.monotonic() + LONG
    while not said():
        assert time.monotonic() < until
        threading.Event().wait(0.02)


def live(shop: Shop) -> int | None:
    found = wiring().serving(shop.workspace_id, "intent")
    return found.number if found is not None else None


def test_a_promotion_elsewhere_takes_over_here(shop: Shop, versions: list[Any], kefu: Actor) -> None:
    assert "9:00" in shop.say(shop.start(), QUESTION)["reply"]["answer"]
    wait_until(lambda: live(shop) == 1)
    actions.promote(kefu, model_id=versions[0].model_id, version_id=versions[1].id, **DRILL)
    wait_until(lambda: live(shop) == 2)
    assert "9:00" in shop.say(shop.start(), QUESTION)["reply"]["answer"]


def test_no_turn_fails_while_versions_change(shop: Shop, versions: list[Any], kefu: Actor) -> None:
    """Six customers ask on while the champion goes back and forth."""
    done = threading.Event()
    replies: list[str] = []
    failures: list[BaseException] = []
    shop.say(shop.start(), QUESTION)

    def ask() -> None:
        try:
            while not done.is_set():
                replies.append(str(shop.say(shop.start(), QUESTION)["reply"]["answer"]))
        except BaseException as error:
            failures.append(error)

    customers = [threading.Thread(target=ask) for _ in range(6)]
    for each in customers:
        each.start()
    try:
        for at in range(6):
            wanted = versions[(at + 1) % 2]
            actions.promote(kefu, model_id=wanted.model_id, version_id=wanted.id, **DRILL)
            wait_until(lambda number=wanted.number: live(shop) == number)  # type: ignore[misc]
    finally:
        done.set()
        for each in customers:
            each.join(LONG)
    assert failures == []
    assert replies
    assert all("9:00" in each for each in replies)


@pytest.mark.slow
def test_the_server_takes_up_a_run(shop: Shop, kefu: Actor) -> None:
    data = actions.add_dataset(
        kefu, name="intents", file_name="intents.csv", data=b"text,label\nWhere is it,delivery\nMy money,refund\n"
    )
    asked = actions.check(kefu, dataset_id=data.id, label_errors=False)
    wait_until(lambda: queries.run(kefu, asked.id).finished_at is not None)
    assert queries.run(kefu, asked.id).state == "finished"
    report = queries.report(kefu, data.id)
    assert report is not None
    assert report["rows"] == 2
