"""Through the members' door: options looked for, words that tell, texts to label, models that teach others."""

import base64
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kefu.desk.actor import Role
from kefu.desk.modelhub import actions, due
from kefu.desk.modelhub.models import Run, Version
from kefu.desk.modelhub.work import work_folder
from kefu.knowledge.pictures import array_url, size_of

from ..desks import Desk, desk_for
from ..shops import Shop, made_shop
from .conftest import Trained
from .rigs import finished, upload
from .samples import TEST_TAILS, rows, sheet

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return desk_for(shop, Role.SUPERVISOR)


@pytest.fixture
def version(shop: Shop, trained: Trained) -> str:
    return actions.register_folder(shop.kefu, name="intents", folder=trained("good")).version.id


@pytest.fixture
def pool(desk: Desk) -> Any:
    texts = [text for text, _ in rows(TEST_TAILS)]
    return upload(desk, "\n".join(["text", *texts]).encode(), name="pool.csv")


def job_of(run: Any) -> Any:
    row = Run.objects.across_workspaces("a test").get(id=run["id"])
    return due._job(row)


def test_texts_worth_labelling_become_a_dataset_with_guesses(desk: Desk, pool: Any, version: str) -> None:
    asked = desk.post(f"/datasets/{pool['id']}/select", {"versions": [version], "budget": 5}, expect=202)
    assert (asked["kind"], asked["inputs"]["models"]["name"]) == ("select", "intents")
    assert finished(asked).state == "finished"
    assert desk.get(f"/runs/{asked['id']}")["metrics"]["chosen"] == 5
    [made] = [each for each in desk.get("/datasets")["datasets"] if each["name"] == "pool.csv (to label)"]
    assert made["latest"]["rows"] == 5
    assert set(made["latest"]["labels"]) <= {"delivery", "refund", "hours"}
    refused = desk.post(f"/datasets/{pool['id']}/select", {"budget": 5}, expect=422)
    assert "labelled data" in refused["detail"]


def test_the_words_that_tell_are_shown_with_how_faithful_they_are(desk: Desk, pool: Any, version: str) -> None:
    given = {"data": pool["latest"]["id"], "rows": 4}
    asked = desk.post(f"/versions/{version}/explain", given, expect=202)
    assert finished(asked).state == "finished"
    found = desk.get(f"/runs/{asked['id']}")["metrics"]
    assert found["lost_without_top_words"] >= found["lost_without_random_words"]
    assert (found["method"], found["texts_measured"]) == ("occlusion", 4)
    assert len(found["texts"]) == 4
    assert {"text", "start", "end", "weight"} <= set(found["texts"][0]["words"][0])


def test_options_name_versions_and_data_of_the_workspace(desk: Desk, pool: Any, version: str, shop: Shop) -> None:
    data = upload(desk, sheet())["latest"]
    more = {"base_model": f"version:{version}", "licence": f"version:{version},dataset:{pool['latest']['id']}"}
    asked = {"model": "student", "recipe": "head", "train": data["id"], "options": more}
    run = desk.post("/runs", asked, expect=202)
    assert set(run["inputs"]) == {"train", "base_model", "licence", "licence 2"}
    job = job_of(run)
    work = work_folder(run["id"])
    first, second = job.options["licence"].split(",")
    assert job.options["base_model"] == first
    assert first.startswith("path:")
    assert (Path(first.removeprefix("path:")) / "card.json").is_relative_to(work)
    assert (Path(first.removeprefix("path:")) / "card.json").is_file()
    assert Path(second).is_relative_to(work)
    stranger = desk_for(made_shop(), Role.SUPERVISOR)
    own = upload(stranger, sheet())["latest"]
    stranger.post("/runs", {**asked, "train": own["id"]}, expect=404)


def test_a_tuning_is_asked_for_with_ranges(desk: Desk, shop: Shop) -> None:
    pytest.importorskip("optuna")
    data, test = upload(desk, sheet())["latest"], upload(desk, sheet(rows(TEST_TAILS)), name="test.csv")["latest"]
    given = {"model": "tuned", "recipe": "linear", "train": data["id"], "valid": test["id"], "trials": 2}
    run = desk.post("/runs/tune", {**given, "options": {"regularisation": "0.5..2", "features": 500}}, expect=202)
    job = job_of(run)
    assert job.kind == "tune"
    assert job.options["written"] == {"regularisation": "0.5..2", "features": 500}
    desk.post("/runs/tune", {**given, "options": {"no_such": "1..2"}}, expect=422)
    desk.post("/runs/tune", {**given, "trials": 1}, expect=422)


def test_a_trial_takes_an_encoder_that_was_pre_trained(desk: Desk, version: str, pool: Any) -> None:
    given = {"train": pool["latest"]["id"], "valid": pool["latest"]["id"]}
    assert "pre-trained" in desk.post(f"/versions/{version}/trial", given, expect=422)["detail"]


def test_who_may_ask(shop: Shop, pool: Any, version: str) -> None:
    viewer = desk_for(shop, Role.VIEWER)
    viewer.post(f"/datasets/{pool['id']}/select", {"versions": [version]}, expect=403)
    viewer.post(f"/versions/{version}/explain", {"data": pool["latest"]["id"]}, expect=403)
    assert Version.objects.of(shop.workspace_id).count() == 1


def test_pictures_in_a_zip_are_kept_as_they_are(desk: Desk) -> None:
    made = upload(desk, pictures(), name="pictures.zip")
    assert (made["latest"]["rows"], made["latest"]["labels"]) == (4, {"dark": 2, "light": 2})
    first = desk.get(f"/datasets/{made['id']}/rows")["rows"][0]
    assert size_of(first["text"]) == (9, 9, 1)
    asked = desk.post(f"/datasets/{made['id']}/check", {}, expect=202)
    assert finished(asked).state == "finished"
    assert desk.get(f"/runs/{asked['id']}")["metrics"]["personal"] == 0
    assert "0 files to choose from" in upload(desk, b"PK\x05\x06" + bytes(18), name="empty.zip", expect=422)["detail"]


def test_a_trial_takes_a_recipe_that_trains_an_encoder(desk: Desk, version: str, pool: Any) -> None:
    Version.objects.across_workspaces("a test").filter(id=version).update(
        card={**Version.objects.across_workspaces("a test").get(id=version).card, "task": "language"}
    )
    given = {"train": pool["latest"]["id"], "valid": pool["latest"]["id"], "recipe": "head"}
    assert "trains no encoder" in desk.post(f"/versions/{version}/trial", given, expect=422)["detail"]


def pictures() -> bytes:
    """Two light and two dark ones."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for label, value in (("dark", 20), ("light", 220)):
            for number in range(2):
                url = array_url(np.full((9, 9), value + number, np.uint8))
                archive.writestr(f"{label}/{number}.png", base64.b64decode(url.partition(",")[2]))
    return out.getvalue()
