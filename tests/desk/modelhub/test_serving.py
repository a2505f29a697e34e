"""A champion answers: loaded before it takes over, changed while turns are at work, refused when it was altered."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from kefu.contracts.engine import Classifier
from kefu.desk.actor import Role
from kefu.desk.changes import disconnect
from kefu.desk.modelhub import actions
from kefu.desk.modelhub.models import Version
from kefu.desk.wiring import Wiring, wiring
from kefu.kit.runtime import run

from ..desks import Desk, desk_for
from ..shops import Shop, made_shop
from .conftest import Trained

pytestmark = pytest.mark.django_db(transaction=True)
LONG = 60.0


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return desk_for(shop, Role.ADMIN)


@pytest.fixture
def versions(shop: Shop, trained: Trained) -> dict[str, str]:
    """A model for intents: `good` is live, `bad` waits."""
    kept = {
        name: actions.register_folder(
            shop.kefu, name="intents", folder=trained(name), role="intent", go_live=name == "good"
        ).version
        for name in ("good", "bad")
    }
    return {name: each.id for name, each in kept.items()} | {"model": kept["good"].model_id}


@pytest.fixture
def wired() -> Iterator[Wiring]:
    """This process's engines, with an encoder that takes no second to load."""
    yield wiring()
    wiring().close()


def promote(shop: Shop, versions: dict[str, str], name: str) -> None:
    actions.promote(shop.owner, model_id=versions["model"], version_id=versions[name], override=True, reason="A drill")


def label(classifier: Any) -> str:
    [found] = run(classifier.classify(["I want my money back please"]))
    return str(found.label)


def version_of(wired: Wiring, shop: Shop) -> int | None:
    found = wired.serving(shop.workspace_id, "intent")
    return found.number if found is not None else None


def test_a_mind_has_its_workspaces_champion(shop: Shop, versions: dict[str, str], wired: Wiring) -> None:
    tools = wired.mind(shop.workspace_id).tools
    assert isinstance(tools.intents, Classifier)
    assert "*" not in tools.mood  # its own; those that come with Kefu are by language
    assert label(tools.intents) == "refund"
    assert tools.versions["intent"].startswith("intents v1 ")
    assert wired.mind(made_shop().workspace_id).tools.intents is None


def test_a_promotion_takes_over_once_it_is_loaded(
    shop: Shop, versions: dict[str, str], wired: Wiring, desk: Desk
) -> None:
    before = wired.mind(shop.workspace_id)
    promote(shop, versions, "bad")
    assert wired.ready_mind(shop.workspace_id) is before
    wired.change_models(shop.workspace_id)
    assert wired.ready_mind(shop.workspace_id) is None
    after = wired.mind(shop.workspace_id)
    assert label(after.tools.intents) != "refund"
    assert label(before.tools.intents) == "refund"
    assert desk.get(f"/models/{versions['model']}")["serving"]["number"] == 2
    actions.roll_back(shop.owner, model_id=versions["model"])
    wired.change_models(shop.workspace_id)
    assert label(wired.mind(shop.workspace_id).tools.intents) == "refund"


def test_an_event_is_enough(shop: Shop, versions: dict[str, str], wired: Wiring) -> None:
    wired.mind(shop.workspace_id)
    promote(shop, versions, "bad")
    wired.changed(shop.workspace_id, "modelhub.promoted")
    [loading] = [each for each in threading.enumerate() if each.name == "kefu-models"]
    loading.join(LONG)
    assert version_of(wired, shop) == 2


def test_a_model_without_a_role_answers_nothing(shop: Shop, versions: dict[str, str], wired: Wiring) -> None:
    wired.mind(shop.workspace_id)
    actions.change_model(shop.owner, model_id=versions["model"], changes={"role": ""})
    wired.change_models(shop.workspace_id)
    assert wired.mind(shop.workspace_id).tools.intents is None


def test_the_old_one_is_closed_after_its_last_turn(shop: Shop, versions: dict[str, str], wired: Wiring) -> None:
    mind = wired.mind(shop.workspace_id)
    engine = mind.tools.intents._classifier._engine  # type: ignore[union-attr]
    promote(shop, versions, "bad")
    wired.change_models(shop.workspace_id)
    wired.mind(shop.workspace_id)
    gc.collect()
    assert label(mind.tools.intents) == "refund"  # a turn that began before still holds it
    del mind
    gc.collect()
    run(asyncio.sleep(0))  # closing is the loop's
    assert not is_loaded(engine)


def is_loaded(engine: Any) -> bool:
    try:
        engine.card()
    except Exception:
        return False
    return True


def test_an_altered_version_is_refused_and_the_old_one_stays(
    shop: Shop, versions: dict[str, str], wired: Wiring, desk: Desk
) -> None:
    wired.mind(shop.workspace_id)
    promote(shop, versions, "bad")
    alter(shop, versions["bad"])
    wired.change_models(shop.workspace_id)
    assert label(wired.mind(shop.workspace_id).tools.intents) == "refund"
    serving = desk.get(f"/models/{versions['model']}")["serving"]
    assert serving["number"] == 1
    assert "altered" in serving["problem"]


def test_after_a_restart_the_champion_before_answers_for_an_altered_one(
    shop: Shop, versions: dict[str, str], wired: Wiring
) -> None:
    promote(shop, versions, "bad")
    alter(shop, versions["bad"])
    assert label(wired.mind(shop.workspace_id).tools.intents) == "refund"
    assert version_of(wired, shop) == 1


def test_an_altered_card_is_refused_too(shop: Shop, versions: dict[str, str], wired: Wiring) -> None:
    alter(shop, versions["good"], "card.json")
    assert wired.mind(shop.workspace_id).tools.intents is None


def alter(shop: Shop, version_id: str, name: str = "linear.safetensors") -> None:
    place = Version.objects.of(shop.workspace_id).get(id=version_id).folder
    with Path(default_storage.path(f"{place}/{name}")).open("ab") as file:
        file.write(b" ")


def test_no_turn_fails_while_versions_change(shop: Shop, versions: dict[str, str], wired: Wiring) -> None:
    """Eight threads take turns while the champion goes back and forth twenty times."""
    done, failures, answers = threading.Event(), [], {"refund": 0, "other": 0}
    wired.mind(shop.workspace_id)

    def take_turns() -> None:
        try:
            while not done.is_set():
                mind = wired.ready_mind(shop.workspace_id) or wired.mind(shop.workspace_id)
                answers["refund" if label(mind.tools.intents) == "refund" else "other"] += 1
        except Exception as error:
            failures.append(error)
        finally:
            disconnect()

    threads = [threading.Thread(target=take_turns) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        for at in range(20):
            if at % 2:
                actions.roll_back(shop.owner, model_id=versions["model"])
            else:
                promote(shop, versions, "bad")
            wired.change_models(shop.workspace_id)
            assert label(wired.mind(shop.workspace_id).tools.intents)
    finally:
        done.set()
        for thread in threads:
            thread.join(LONG)
    assert failures == []
    assert answers["refund"]
    assert answers["other"]
