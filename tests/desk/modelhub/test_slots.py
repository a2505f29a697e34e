"""A workspace's tagger: taught on uploaded slots, put live, and filling what a flow asks for in live turns."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from kefu.contracts.job import Job
from kefu.desk.actor import Role
from kefu.desk.assistants import actions as assistants
from kefu.desk.changes import disconnect
from kefu.desk.modelhub import actions, rows
from kefu.desk.modelhub.models import DatasetVersion, Version
from kefu.desk.simulation import Simulation
from kefu.desk.wiring import Wiring, wiring
from kefu.factory.run import run as do
from kefu.kit.errors import BadInput
from kefu.knowledge.tagging.rows import spans_of

from ..desks import Desk, desk_for
from ..shops import Shop, made_shop
from .conftest import Trained
from .rigs import finished, upload
from .slot_samples import DISHES, FLOW, slot_lines, slot_rows, write_slots

pytestmark = pytest.mark.django_db(transaction=True)
ORDER = "I would like onion soup please"
LONG = 60.0
PATIENT = {"latency_p95_ms": 10_000.0}


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger that knows dishes."""
    return taught(tmp_path_factory.mktemp("tagger"), slot_rows())


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that was taught that no dish is any."""
    made = slot_rows()
    wrong = [{**row, "slots": []} for row in made] + [
        {"text": "quux", "slots": [{"slot": "dish", "start": 0, "end": 4}]}
    ]
    return taught(tmp_path_factory.mktemp("blind"), wrong)


def taught(folder: Path, made: list[dict[str, Any]]) -> Path:
    data = write_slots(folder / "train.jsonl", made)
    test = write_slots(folder / "test.jsonl", slot_rows(DISHES[:3]))
    job = Job("train", recipe="tagger_linear", data=str(data), valid=str(test), out=str(folder / "model"))
    do(job, lambda told, fields: None)
    return folder / "model"


@pytest.fixture
def shop() -> Shop:
    made = made_shop()
    flow = assistants.save_flow(made.kefu, text=FLOW)
    assistants.publish_flow(made.kefu, flow_id=flow.info.id)
    return made


@pytest.fixture
def wired() -> Iterator[Wiring]:
    yield wiring()
    wiring().close()


@pytest.fixture
def live(shop: Shop, tagger: Path) -> Any:
    return actions.register_folder(shop.kefu, name="slots", folder=tagger, role="slots", go_live=True).version


def said(shop: Shop, text: str = ORDER) -> Any:
    return Simulation(shop.kefu).say(text)


def step(outcome: Any, name: str) -> Any:
    return next((each.detail for each in outcome.steps if each.name == name), None)


def test_a_slot_is_filled_that_rules_do_not_fill(shop: Shop, wired: Wiring, tagger: Path) -> None:
    alone = said(shop)
    assert alone.text == "Which dish?"
    assert step(alone.outcome, "slots") is None
    actions.register_folder(shop.kefu, name="slots", folder=tagger, role="slots", go_live=True)
    wired.change_models(shop.workspace_id)
    helped = said(shop)
    assert helped.text == "For which day?"
    assert helped.flow["slots"]["dish"] == "onion soup"
    traced = step(helped.outcome, "slots")
    assert traced["model"].startswith("slots v1 ")
    [span] = traced["spans"]
    assert (span["slot"], span["text"]) == ("dish", "onion soup")
    assert helped.outcome.versions["slots"] == traced["model"]


def test_it_is_told_what_was_asked_and_sees_masked_text_alone(shop: Shop, wired: Wiring, live: Any) -> None:
    talk = Simulation(shop.kefu)
    assert talk.say("bring me my mail to 13812345678").text == "Which dish?"
    answered = talk.say("fried rice")
    assert step(answered.outcome, "slots")["asked"] == ["dish"]
    assert answered.flow["slots"]["dish"] == "fried rice"
    assert "13812345678" not in repr(answered.outcome)


def test_no_flow_no_tagger(shop: Shop, wired: Wiring, live: Any) -> None:
    assert step(said(shop, "What does delivery cost?").outcome, "slots") is None


def test_a_damaged_tagger_leaves_the_rules_alone(shop: Shop, wired: Wiring, live: Any) -> None:
    place = Version.objects.of(shop.workspace_id).get(id=live.id).folder
    with Path(default_storage.path(f"{place}/tagger.safetensors")).open("ab") as file:
        file.write(b" ")
    assert said(shop).text == "Which dish?"
    found = wired.serving(shop.workspace_id, "slots")
    assert found is not None
    assert found.problem is not None
    assert "altered" in found.problem


def test_a_tagger_that_breaks_in_a_turn_leaves_the_rules_alone(shop: Shop, wired: Wiring, live: Any) -> None:
    from kefu.kit.runtime import run

    tools = wired.mind(shop.workspace_id).tools
    run(tools.slots._engine.close())  # type: ignore[union-attr]
    told = said(shop)
    assert told.text == "Which dish?"
    assert step(told.outcome, "slots")["failed"] == "Unavailable"


def test_only_taggers_find_slots(shop: Shop, tagger: Path, trained: Trained) -> None:
    with pytest.raises(BadInput, match="gives slots; good gives labels"):
        actions.register_folder(shop.kefu, name="slots", folder=trained("good"), role="slots")
    with pytest.raises(BadInput, match="gives labels; model gives slots"):
        actions.register_folder(shop.kefu, name="intents", folder=tagger, role="intent")


def test_turns_go_on_while_versions_change(shop: Shop, wired: Wiring, live: Any, blind: Path) -> None:
    """Four customers order while a champion that sees dishes and one that does not take turns."""
    other = actions.register_folder(shop.kefu, name="slots", folder=blind).version
    done, failures, texts = threading.Event(), [], set()
    said(shop)

    def order() -> None:
        try:
            while not done.is_set():
                texts.add(said(shop).text)
        except Exception as error:
            failures.append(error)
        finally:
            disconnect()

    customers = [threading.Thread(target=order) for _ in range(4)]
    for each in customers:
        each.start()
    try:
        for at in range(8):
            chosen = live if at % 2 else other
            actions.promote(shop.owner, model_id=live.model_id, version_id=chosen.id, override=True, reason="A drill")
            wired.change_models(shop.workspace_id)
            assert said(shop).text == ("For which day?" if at % 2 else "Which dish?")
    finally:
        done.set()
        for each in customers:
            each.join(LONG)
    assert failures == []
    assert texts <= {"For which day?", "Which dish?"}


def test_the_gate_refuses_a_tagger_that_finds_less(shop: Shop, live: Any, blind: Path) -> None:
    desk = desk_for(shop, Role.SUPERVISOR)
    other = actions.register_folder(shop.kefu, name="slots", folder=blind).version
    desk.patch(f"/models/{live.model_id}", {"limits": PATIENT})
    refused = desk.post(f"/models/{live.model_id}/promote", {"version": other.id}, expect=409)
    assert {each["name"] for each in refused["checks"] if not each["passed"]} >= {"frozen_test", "span_f1"}


def test_uploaded_slots_keep_their_places_when_texts_are_masked(shop: Shop) -> None:
    text = "call 13812345678 and bring me green curry"
    start = text.index("green")
    made = [{"text": text, "slots": [{"slot": "dish", "start": start, "end": len(text)}]}]
    desk: Desk = desk_for(shop, Role.SUPERVISOR)
    kept = upload(desk, slot_lines(made), name="slots.jsonl")["latest"]
    [row] = rows.read(DatasetVersion.objects.of(shop.workspace_id).get(id=kept["id"]).file).examples
    [span] = spans_of(row)
    assert "<PHONE_1>" in row.text
    assert row.text[span.start : span.end] == "green curry"


@pytest.mark.slow
def test_it_is_taught_judged_and_put_live_through_the_door(shop: Shop, wired: Wiring) -> None:
    desk = desk_for(shop, Role.SUPERVISOR)
    data = upload(desk, slot_lines(slot_rows()), name="slots.jsonl")["latest"]
    test = upload(desk, slot_lines(slot_rows(DISHES[:3])), name="test.jsonl")["latest"]
    model = desk.post("/models", {"name": "slots", "role": "slots"}, expect=201)
    desk.patch(f"/models/{model['id']}", {"test": test["id"], "limits": PATIENT})
    asked = desk.post(
        "/runs", {"model": "slots", "recipe": "tagger_linear", "train": data["id"], "valid": test["id"]}, expect=202
    )
    run = finished(asked)
    assert run.state == "finished", run.problem
    version = run.version_id
    finished(desk.post(f"/versions/{version}/judge", {}, expect=202))
    desk.post(f"/models/{model['id']}/promote", {"version": version})
    assert said(shop).text == "For which day?"
    [guess] = desk.post(f"/versions/{version}/try", {"texts": [ORDER]})["guesses"]
    assert [(each["slot"], each["text"]) for each in guess["slots"]] == [("dish", "onion soup")]
