"""Models and versions through the members' door: registered, compared, promoted past the gate, rolled back."""

import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from kefu.contracts.model_card import read_card
from kefu.desk.accounts.models import Workspace
from kefu.desk.actor import Role
from kefu.desk.modelhub import actions, queries
from kefu.desk.modelhub.models import Version
from kefu.kit.errors import BadInput, BadInstallation, NotAllowed

from ..desks import BASE, Desk, desk_for
from ..shops import Shop, made_shop
from .conftest import Trained
from .rigs import upload
from .samples import TEST_TAILS, rows, sheet

pytestmark = pytest.mark.django_db
# A card's latency is measured where it was trained, which here is a machine with much else to do.
PATIENT = {"latency_p95_ms": 10_000.0}


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return desk_for(shop, Role.SUPERVISOR)


@pytest.fixture
def admin(shop: Shop) -> Desk:
    return desk_for(shop, Role.ADMIN)


@pytest.fixture
def intents(desk: Desk) -> Any:
    """A model with a frozen test that is used for intents."""
    test = upload(desk, sheet(rows(TEST_TAILS)), name="test.csv")
    model = desk.post("/models", {"name": "intents", "role": "intent"}, expect=201)
    return desk.patch(f"/models/{model['id']}", {"test": test["latest"]["id"], "limits": PATIENT})


@pytest.fixture
def versions(intents: Any, shop: Shop, trained: Trained) -> dict[str, str]:
    """Ids of the three models' versions, none of them live but the first."""
    return {
        name: actions.register_folder(shop.kefu, name="intents", folder=trained(name)).version.id
        for name in ("good", "better", "bad")
    }


def promote(desk: Desk, model: Any, version: str, expect: int = 200, **given: Any) -> Any:
    return desk.post(f"/models/{model['id']}/promote", {"version": version, **given}, expect=expect)


def test_a_folder_is_registered_and_the_first_goes_live(intents: Any, versions: dict[str, str], desk: Desk) -> None:
    model = desk.get(f"/models/{intents['id']}")
    assert model["champion"] == {"id": versions["good"], "number": 1}
    assert [each["number"] for each in model["all_versions"]] == [3, 2, 1]
    first = model["all_versions"][-1]
    assert (first["recipe"], first["runtime"], first["task"]) == ("linear", "linear", "classify")
    assert first["labels"] == ["delivery", "hours", "refund"]
    assert first["is_judged"]
    assert first["aliases"] == ["champion"]
    assert first["metrics"]["accuracy"] > 0.9


def test_the_same_folder_again_is_the_same_version(intents: Any, shop: Shop, trained: Trained) -> None:
    first, again = (
        actions.register_folder(shop.kefu, name="intents", folder=trained("good")).version.id for _ in range(2)
    )
    assert first == again


def test_a_role_comes_with_the_first_folder(shop: Shop, trained: Trained, desk: Desk) -> None:
    made = actions.register_folder(shop.kefu, name="demo", folder=trained("good"), role="intent", go_live=True)
    assert made.is_live
    [model] = desk.get("/models")["models"]
    assert (model["role"], model["champion"]["number"]) == ("intent", 1)
    other = actions.register_folder(shop.kefu, name="other", folder=trained("better"), role="intent")
    assert desk.get(f"/models/{other.version.model_id}")["role"] == ""


def test_a_folder_that_was_tampered_with_is_refused(shop: Shop, trained: Trained, tmp_path: Path) -> None:
    folder = tmp_path / "tampered"
    shutil.copytree(trained("good"), folder)
    with (folder / "linear.safetensors").open("ab") as file:
        file.write(b"\x00")
    with pytest.raises(BadInstallation, match=r"linear\.safetensors"):
        actions.register_folder(shop.kefu, name="intents", folder=folder)
    assert queries.models(shop.kefu) == [] or queries.models(shop.kefu)[0].versions == 0


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "data/../../x", "..", "a\\b"])
def test_a_card_that_names_files_elsewhere_is_refused(shop: Shop, trained: Trained, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(trained("good"), folder)
    card = (folder / "card.json").read_text()
    (folder / "card.json").write_text(card.replace('"vocabulary.json"', f'"{name}"'.replace("\\", "\\\\")))
    with pytest.raises(BadInput):
        actions.register_folder(shop.kefu, name="intents", folder=folder)


def test_links_in_a_folder_are_refused(shop: Shop, trained: Trained, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(trained("good"), folder)
    (folder / "vocabulary.json").rename(tmp_path / "vocabulary.json")
    (folder / "vocabulary.json").symlink_to(tmp_path / "vocabulary.json")
    with pytest.raises(BadInput, match="link"):
        actions.register_folder(shop.kefu, name="intents", folder=folder)


def test_a_folder_without_a_card_is_refused(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(BadInstallation):
        actions.register_folder(shop.kefu, name="intents", folder=tmp_path)


def test_a_version_as_good_is_promoted_and_rolled_back(intents: Any, versions: dict[str, str], desk: Desk) -> None:
    assert promote(desk, intents, versions["better"])["champion"]["number"] == 2
    assert desk.post(f"/models/{intents['id']}/rollback", {"reason": "Odd answers"})["champion"]["number"] == 1
    told = desk.get(f"/models/{intents['id']}/promotions")["promotions"]
    assert [(each["kind"], each["version"]["number"]) for each in told] == [
        ("rollback", 1),
        ("promote", 2),
        ("promote", 1),
    ]
    assert told[0]["reason"] == "Odd answers"
    assert told[1]["verdict"]["passed"]


def test_rolling_back_twice_goes_back_further(intents: Any, versions: dict[str, str], desk: Desk, admin: Desk) -> None:
    promote(desk, intents, versions["better"])
    promote(admin, intents, versions["bad"], override=True, reason="To see")
    back = [desk.post(f"/models/{intents['id']}/rollback", {})["champion"]["number"] for _ in range(2)]
    assert back == [2, 1]
    desk.post(f"/models/{intents['id']}/rollback", {}, expect=409)


def test_a_worse_version_is_refused_check_by_check(intents: Any, versions: dict[str, str], desk: Desk) -> None:
    refused = promote(desk, intents, versions["bad"], expect=409)
    assert refused["code"] == "gate_refused"
    checks = {each["name"]: each for each in refused["checks"]}
    assert not checks["frozen_test"]["passed"]
    assert "loses" in checks["frozen_test"]["sentence"]
    assert checks["labels"]["passed"]
    assert desk.get(f"/models/{intents['id']}")["champion"]["number"] == 1


def test_an_admin_goes_past_the_gate_with_a_reason(
    intents: Any, versions: dict[str, str], desk: Desk, admin: Desk, shop: Shop
) -> None:
    promote(desk, intents, versions["bad"], expect=403, override=True, reason="I want it")
    promote(admin, intents, versions["bad"], expect=422, override=True)
    assert promote(admin, intents, versions["bad"], override=True, reason="A drill")["champion"]["number"] == 3
    told = desk.get(f"/models/{intents['id']}/promotions")["promotions"][0]
    assert (told["kind"], told["reason"], told["verdict"]["passed"]) == ("override", "A drill", False)
    trail = desk_for(shop, Role.OWNER).get("/audit")
    [entries] = [value for value in trail.values() if isinstance(value, list)]
    assert any(each["action"] == "model.promoted" and "A drill" in str(each["after"]) for each in entries)


def test_two_versions_are_compared(intents: Any, versions: dict[str, str], desk: Desk) -> None:
    found = desk.get(f"/models/{intents['id']}/compare?candidate={versions['bad']}")
    assert (found["candidate"]["number"], found["champion"]["number"]) == (3, 1)
    assert not found["verdict"]["passed"]
    accuracy = next(each for each in found["metrics"] if each["name"] == "accuracy")
    assert accuracy["candidate"] < accuracy["champion"]
    assert any(each["name"].startswith("language") for each in found["slices"])
    assert found["needs_judging"] == []
    pair = f"candidate={versions['better']}&champion={versions['bad']}"
    other = desk.get(f"/models/{intents['id']}/compare?{pair}")
    assert (other["candidate"]["number"], other["champion"]["number"]) == (2, 3)


def test_what_another_test_found_does_not_count(intents: Any, versions: dict[str, str], desk: Desk) -> None:
    other = upload(desk, sheet(), name="other test.csv")
    desk.patch(f"/models/{intents['id']}", {"test": other["latest"]["id"]})
    found = desk.get(f"/models/{intents['id']}/compare?candidate={versions['better']}")
    assert found["needs_judging"] == [versions["better"], versions["good"]]
    refused = promote(desk, intents, versions["better"], expect=409)
    assert not next(each for each in refused["checks"] if each["name"] == "frozen_test")["passed"]


def test_a_challenger_needs_no_gate(intents: Any, versions: dict[str, str], desk: Desk) -> None:
    done = promote(desk, intents, versions["bad"], alias="challenger")
    assert (done["champion"]["number"], done["challenger"]["number"]) == (1, 3)
    promote(desk, intents, versions["better"], alias="challenger")
    assert promote(desk, intents, versions["better"])["challenger"] is None


def test_limits_are_a_models_own(intents: Any, versions: dict[str, str], desk: Desk) -> None:
    desk.patch(f"/models/{intents['id']}", {"limits": {**PATIENT, "size_mb": 0.0001}})
    refused = promote(desk, intents, versions["better"], expect=409)
    assert [each["name"] for each in refused["checks"] if not each["passed"]] == ["size_mb"]
    desk.patch(f"/models/{intents['id']}", {"limits": {"size_mb": -1}}, expect=422)
    desk.patch(f"/models/{intents['id']}", {"limits": {"colour": 1}}, expect=422)


def test_a_stored_file_that_was_altered_is_not_promoted(
    intents: Any, versions: dict[str, str], desk: Desk, shop: Shop
) -> None:
    place = Version.objects.of(shop.workspace_id).get(id=versions["better"]).folder
    with Path(default_storage.path(f"{place}/vocabulary.json")).open("ab") as file:
        file.write(b" ")
    refused = promote(desk, intents, versions["better"], expect=500)
    assert refused["code"] == "bad_installation"
    assert desk.get(f"/models/{intents['id']}")["champion"]["number"] == 1


def test_a_version_is_downloaded_whole(intents: Any, versions: dict[str, str], desk: Desk, trained: Trained) -> None:
    answer = desk.client.get(f"{BASE}/versions/{versions['good']}/download")
    assert answer.status_code == 200
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None
    names = set(archive.namelist())
    assert {"intents-v1/card.json", "intents-v1/linear.safetensors", "intents-v1/README.md"} <= names
    assert all(name.startswith("intents-v1/") and ".." not in name for name in names)
    assert archive.read("intents-v1/card.json") == (trained("good") / "card.json").read_bytes()


def test_a_version_shows_card_report_and_page(intents: Any, versions: dict[str, str], desk: Desk) -> None:
    shown = desk.get(f"/versions/{versions['good']}")
    assert shown["card"]["serve"] == "linear.safetensors"
    assert "card.json" in {each["path"] for each in shown["files"]}
    assert desk.get(f"/versions/{versions['good']}/report")["metrics"]["accuracy"] > 0.9
    page = desk.client.get(f"{BASE}/versions/{versions['good']}/report.html")
    assert "sandbox" in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Type"].startswith("text/html")


def test_texts_are_tried_on_any_version(intents: Any, versions: dict[str, str], desk: Desk) -> None:
    found = desk.post(f"/versions/{versions['better']}/try", {"texts": ["I want a refund", "包裹什么时候到"]})
    assert [each["label"] for each in found["guesses"]] == ["refund", "delivery"]
    assert all(0 <= each["confidence"] <= 1 for each in found["guesses"])
    desk.post(f"/versions/{versions['good']}/try", {"texts": [" "]}, expect=422)
    desk.post(f"/versions/{versions['good']}/try", {"texts": []}, expect=422)


@pytest.mark.django_db(transaction=True)
def test_unused_versions_are_deleted_with_their_files(
    intents: Any, versions: dict[str, str], desk: Desk, shop: Shop
) -> None:
    desk.delete(f"/versions/{versions['good']}", expect=409)
    place = Version.objects.of(shop.workspace_id).get(id=versions["bad"]).folder
    assert default_storage.exists(f"{place}/card.json")
    desk.delete(f"/versions/{versions['bad']}")
    assert not default_storage.exists(f"{place}/card.json")
    assert not Path(default_storage.path(place)).exists()


@pytest.mark.django_db(transaction=True)
def test_a_model_is_deleted_once_it_is_used_for_nothing(
    intents: Any, versions: dict[str, str], desk: Desk, shop: Shop
) -> None:
    desk.delete(f"/models/{intents['id']}", expect=409)
    desk.patch(f"/models/{intents['id']}", {"role": ""})
    places = list(Version.objects.of(shop.workspace_id).values_list("folder", flat=True))
    desk.delete(f"/models/{intents['id']}")
    assert desk.get("/models")["models"] == []
    assert not any(Path(default_storage.path(place)).exists() for place in places)


def test_a_role_belongs_to_one_model(intents: Any, desk: Desk) -> None:
    other = desk.post("/models", {"name": "other", "role": "intent"}, expect=201)
    assert other["role"] == "intent"
    assert desk.get(f"/models/{intents['id']}")["role"] == ""


def test_a_model_fits_its_role(intents: Any, versions: dict[str, str], desk: Desk) -> None:
    refused = desk.patch(f"/models/{intents['id']}", {"role": "mood"}, expect=422)
    assert "gives labels" in refused["detail"]
    desk.post("/models", {"name": "odd", "role": "colour"}, expect=422)


def test_names_are_taken_once(intents: Any, desk: Desk) -> None:
    desk.post("/models", {"name": "intents"}, expect=409)
    other = desk.post("/models", {"name": "other"}, expect=201)
    desk.patch(f"/models/{other['id']}", {"name": "intents"}, expect=409)
    assert desk.patch(f"/models/{other['id']}", {"name": "renamed"})["name"] == "renamed"


def test_a_frozen_test_is_not_deleted(intents: Any, desk: Desk) -> None:
    [test] = desk.get("/datasets")["datasets"]
    desk.delete(f"/datasets/{test['id']}", expect=409)
    assert desk.patch(f"/models/{intents['id']}", {"test": None})["test"] is None
    desk.delete(f"/datasets/{test['id']}")


def test_who_may_do_what(intents: Any, versions: dict[str, str], shop: Shop, trained: Trained) -> None:
    viewer, agent = desk_for(shop, Role.VIEWER), desk_for(shop, Role.AGENT)
    assert len(viewer.get(f"/models/{intents['id']}")["all_versions"]) == 3
    viewer.get(f"/models/{intents['id']}/compare?candidate={versions['bad']}")
    viewer.post(f"/versions/{versions['good']}/try", {"texts": ["Hello"]}, expect=403)
    agent.post(f"/versions/{versions['good']}/try", {"texts": ["Hello"]})
    for nobody in (viewer, agent):
        promote(nobody, intents, versions["better"], expect=403)
        nobody.get(f"/versions/{versions['good']}/download", expect=403)
        nobody.delete(f"/versions/{versions['bad']}", expect=403)
        nobody.post("/models", {"name": "mine"}, expect=403)
        nobody.post(f"/models/{intents['id']}/rollback", {}, expect=403)
    with pytest.raises(NotAllowed):
        actions.register_folder(shop.member(Role.SUPERVISOR), name="x", folder=trained("good"), go_live=True)


def test_another_workspace_finds_nothing(intents: Any, versions: dict[str, str]) -> None:
    stranger = desk_for(made_shop(), Role.OWNER)
    assert stranger.get("/models")["models"] == []
    stranger.get(f"/models/{intents['id']}", expect=404)
    stranger.get(f"/versions/{versions['good']}", expect=404)
    stranger.get(f"/versions/{versions['good']}/download", expect=404)
    promote(stranger, intents, versions["better"], expect=404)


@pytest.mark.django_db(transaction=True)
def test_everything_of_a_workspace_is_erased_with_its_files(
    intents: Any, versions: dict[str, str], shop: Shop, trained: Trained
) -> None:
    other = made_shop()
    actions.register_folder(other.kefu, name="theirs", folder=trained("good"))
    root = Path(default_storage.path(shop.workspace_id))
    assert [each for each in root.rglob("*") if each.is_file()]
    with pytest.raises(NotAllowed):
        actions.erase_everything(shop.member(Role.ADMIN))
    assert actions.erase_everything(shop.owner) == 4
    assert queries.models(shop.kefu) == []
    assert queries.datasets(shop.kefu) == []
    assert not [each for each in root.rglob("*") if each.is_file()]
    assert queries.models(other.kefu)[0].versions == 1


@pytest.mark.django_db(transaction=True)
def test_a_workspace_goes_with_its_models(intents: Any, versions: dict[str, str], shop: Shop) -> None:
    Workspace.objects.get(id=shop.workspace_id).delete()
    assert not Version.objects.of(shop.workspace_id).exists()


def test_a_card_keeps_its_name(trained: Trained) -> None:
    assert read_card(trained("good")).name == "good"
