"""Runs through the members' door: asked for, watched, cancelled, resumed, judged, gathered in."""

import os
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kefu.desk.actor import Role
from kefu.desk.modelhub import actions, due, folders
from kefu.desk.modelhub.models import Run, RunEvent, Version
from kefu.desk.modelhub.work import work_folder
from kefu.desk.rows import now
from kefu.jobs.embedded import EmbeddedRunner
from kefu.kit import settings

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
def data(desk: Desk) -> Any:
    return upload(desk, sheet())["latest"]


@pytest.fixture
def test_data(desk: Desk) -> Any:
    return upload(desk, sheet(rows(TEST_TAILS)), name="test.csv")["latest"]


@pytest.fixture
def long(desk: Desk) -> Any:
    """Data whose check takes a minute: personal data are looked for in every text."""
    pairs = [(f"parcel {number} from street {number}", f"label {number % 3}") for number in range(20_000)]
    return upload(desk, sheet(pairs), name="long.csv")


def ask(desk: Desk, data: Any, expect: int = 202, **given: Any) -> Any:
    return desk.post("/runs", {"model": "intents", "recipe": "linear", "train": data["id"], **given}, expect=expect)


def check(desk: Desk, dataset: Any) -> Any:
    return desk.post(f"/datasets/{dataset['id']}/check", {"label_errors": False}, expect=202)


def tend_until(run: Any, told: str) -> None:
    """Look after a run until it has told something of a kind."""
    while not RunEvent.objects.across_workspaces("a test").filter(run_id=run["id"], told=told).exists():
        due.tend()
        assert Run.objects.across_workspaces("a test").get(id=run["id"]).state == "running"
        due.runner().wait(work_folder(run["id"]), 0.05)


def process_of(run: Any) -> int:
    return int((work_folder(run["id"]) / "pid").read_text())


def test_a_training_makes_a_version(desk: Desk, data: Any, test_data: Any) -> None:
    asked = ask(desk, data, valid=test_data["id"], seed=7, options={"features": 5000})
    assert (asked["state"], asked["inputs"]["train"]["number"]) == ("queued", 1)
    finished(asked)
    run = desk.get(f"/runs/{asked['id']}")
    assert (run["state"], run["version"], run["model"]) == ("finished", 1, "intents")
    assert run["metrics"]["accuracy"] > 0.9
    version = desk.get(f"/versions/{run['version_id']}")
    assert (version["seed"], version["card"]["options"]["features"], version["run_id"]) == (7, 5000, run["id"])
    assert version["card"]["name"] == "intents"
    assert version["card"]["data_sha256"] == data["sha256"]
    assert not work_folder(run["id"]).exists()


def test_a_run_tells_what_it_does(desk: Desk, data: Any) -> None:
    asked = ask(desk, data)
    before = desk.get(f"/runs/{asked['id']}/events")
    assert (before["events"], before["is_over"]) == ([], False)
    finished(asked)
    told = desk.get(f"/runs/{asked['id']}/events")
    kinds = [each["told"] for each in told["events"]]
    assert kinds[0] in {"note", "started"}
    assert {"started", "epoch"} <= set(kinds)
    assert kinds[-1] == "finished"
    assert [each["number"] for each in told["events"]] == list(range(1, len(kinds) + 1))
    assert told["is_over"]
    later = desk.get(f"/runs/{asked['id']}/events?after={told['next'] - 1}")
    assert [each["told"] for each in later["events"]] == ["finished"]


def test_what_went_wrong_is_told(desk: Desk) -> None:
    one = upload(desk, b"text,label\nHello,hi\nHi there,hi\n")["latest"]
    asked = ask(desk, one)
    finished(asked)
    run = desk.get(f"/runs/{asked['id']}")
    assert run["state"] == "failed"
    assert run["problem"]["sentence"]
    assert run["is_resumable"]


def test_bad_options_are_refused_at_once(desk: Desk, data: Any) -> None:
    assert "Options" in ask(desk, data, expect=422, options={"learning_rat": 1})["detail"]
    ask(desk, data, expect=422, options={"licence": "/etc/passwd"})
    ask(desk, data, expect=422, options={"licence": ["a"]})
    ask(desk, data, expect=404, recipe="magic")
    ask(desk, data, expect=404, valid="dver_of_nobody")
    assert desk.get("/runs")["runs"] == []


def test_recipes_are_listed_with_their_options(desk: Desk) -> None:
    found = {each["name"]: each for each in desk.get("/recipes")["recipes"]}
    assert found["linear"]["is_installed"]
    assert "features" in {each["name"] for each in found["linear"]["options"]}


def test_a_new_version_is_judged_on_the_frozen_test(desk: Desk, data: Any, test_data: Any, shop: Shop) -> None:
    model = desk.post("/models", {"name": "intents"}, expect=201)
    desk.patch(f"/models/{model['id']}", {"test": test_data["id"]})
    finished(ask(desk, data))
    [judging] = desk.get(f"/runs?model={model['id']}&open=true")["runs"]
    assert (judging["kind"], judging["version"]) == ("evaluate", 1)
    assert not desk.get(f"/models/{model['id']}")["all_versions"][0]["is_judged"]
    before = Version.objects.of(shop.workspace_id).get()
    assert finished(judging).state == "finished"
    [version] = desk.get(f"/models/{model['id']}")["all_versions"]
    assert version["is_judged"]
    assert version["sha256"] == before.sha256
    stored = Version.objects.of(shop.workspace_id).get()
    assert stored.judged["judged"]["data_sha256"] == test_data["sha256"]
    assert len(stored.judged["judged"]["right"]) == len(rows(TEST_TAILS))
    # Its files were not touched: they are still what the card pins.
    folders.verified(folders.local(stored.folder, stored.files), stored.sha256)


def test_a_champion_that_never_saw_the_test_is_judged_with_the_new_version(
    desk: Desk, data: Any, test_data: Any, shop: Shop, trained: Trained
) -> None:
    made = actions.register_folder(shop.kefu, name="intents", folder=trained("good"), go_live=True)
    other = upload(desk, sheet(rows((" hm", " ok", " oh", " ah"))), name="other.csv")["latest"]
    desk.patch(f"/models/{made.version.model_id}", {"test": other["id"]})
    finished(ask(desk, data))
    waiting = desk.get(f"/runs?model={made.version.model_id}&open=true")["runs"]
    assert sorted(each["version"] for each in waiting) == [1, 2]
    for each in waiting:
        assert finished(each).state == "finished"
    candidate = desk.get(f"/models/{made.version.model_id}")["all_versions"][0]["id"]
    compared = desk.get(f"/models/{made.version.model_id}/compare?candidate={candidate}")
    assert compared["needs_judging"] == []
    assert next(each for each in compared["verdict"]["checks"] if each["name"] == "frozen_test")["passed"]


def test_judging_needs_a_test(desk: Desk, shop: Shop, trained: Trained) -> None:
    made = actions.register_folder(shop.kefu, name="intents", folder=trained("good"))
    desk.post(f"/versions/{made.version.id}/judge", expect=409)


def test_a_queued_run_is_cancelled_at_once(desk: Desk, data: Any) -> None:
    asked = ask(desk, data)
    assert desk.post(f"/runs/{asked['id']}/cancel")["state"] == "cancelled"
    desk.post(f"/runs/{asked['id']}/cancel", expect=409)
    due.tend()
    assert desk.get(f"/runs/{asked['id']}")["state"] == "cancelled"


def test_a_run_at_work_is_cancelled_and_resumed(desk: Desk, long: Any) -> None:
    asked = check(desk, long)
    due.tend()
    tend_until(asked, "started")
    told = desk.post(f"/runs/{asked['id']}/cancel")
    assert (told["state"], told["is_cancelling"]) == ("running", True)
    assert finished(asked).state == "cancelled"
    resumed = desk.post(f"/runs/{asked['id']}/resume", expect=202)
    assert resumed["state"] == "queued"
    due.tend()
    tend_until(asked, "note")
    assert desk.get(f"/runs/{asked['id']}")["state"] == "running"
    os.killpg(process_of(asked), signal.SIGKILL)
    assert finished(asked).state == "interrupted"


def test_a_process_that_is_gone_is_noticed(desk: Desk, long: Any) -> None:
    asked = check(desk, long)
    due.tend()
    os.killpg(process_of(asked), signal.SIGKILL)
    assert finished(asked).state == "interrupted"
    run = desk.get(f"/runs/{asked['id']}")
    assert run["is_resumable"]
    assert "resumed" in run["problem"]["sentence"]


def test_a_restarted_server_goes_on_watching(desk: Desk, long: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = check(desk, long)
    due.tend()
    tend_until(asked, "started")
    mine = due.runner()
    restarted = EmbeddedRunner()
    monkeypatch.setattr(due, "runner", lambda: restarted)
    due.tend()
    assert desk.get(f"/runs/{asked['id']}")["state"] == "running"
    desk.post(f"/runs/{asked['id']}/cancel")
    due.tend()
    mine.wait(work_folder(asked["id"]), 60)  # its parent takes its end; a restarted server's init does that
    due.tend()
    assert desk.get(f"/runs/{asked['id']}")["state"] == "cancelled"


def test_a_run_of_a_machine_that_is_gone_is_interrupted(desk: Desk, data: Any, shop: Shop) -> None:
    asked = ask(desk, data)
    mine = Run.objects.of(shop.workspace_id).filter(id=asked["id"])
    mine.update(state="running", host="elsewhere", lease_until=now() + due.LEASE)
    due.tend()
    assert desk.get(f"/runs/{asked['id']}")["state"] == "running"
    mine.update(lease_until=now())
    due.tend()
    assert desk.get(f"/runs/{asked['id']}")["state"] == "interrupted"
    desk.post(f"/runs/{asked['id']}/resume", expect=202)
    assert finished(asked).state == "finished"


def test_so_many_runs_work_at_once_and_no_more(
    desk: Desk, long: Any, data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [check(desk, long), ask(desk, data)]
    elsewhere = desk_for(made_shop(), Role.OWNER)
    theirs = ask(elsewhere, upload(elsewhere, sheet())["latest"])
    due.tend()
    states = {each["id"]: each["state"] for each in desk.get("/runs")["runs"]}
    assert [states[each["id"]] for each in asked] == ["running", "queued"]
    monkeypatch.setenv("KEFU_RUNS_AT_ONCE", "2")
    settings.reload()
    try:
        due.tend()
    finally:
        monkeypatch.delenv("KEFU_RUNS_AT_ONCE")
        settings.reload()
    # Of those that wait, the workspace with nothing at work comes first.
    assert elsewhere.get(f"/runs/{theirs['id']}")["state"] == "running"
    assert desk.get(f"/runs/{asked[1]['id']}")["state"] == "queued"
    desk.post(f"/runs/{asked[0]['id']}/cancel")
    assert finished(asked[1]).state == "finished"
    assert finished(theirs).state == "finished"


def test_a_workspace_has_so_many_runs_open_and_no_more(desk: Desk, data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kefu.desk.modelhub.actions.training._MOST_OPEN", 1)
    asked = ask(desk, data)
    refused = ask(desk, data, expect=429)
    assert refused["code"] == "busy"
    desk.post(f"/runs/{asked['id']}/cancel")
    ask(desk, data)


def test_data_at_work_stay(desk: Desk, data: Any) -> None:
    asked = ask(desk, data)
    desk.delete(f"/datasets/{data['dataset_id']}", expect=409)
    desk.delete(f"/runs/{asked['id']}", expect=409)
    desk.post(f"/runs/{asked['id']}/cancel")
    desk.delete(f"/runs/{asked['id']}")
    desk.delete(f"/datasets/{data['dataset_id']}")


def test_what_a_run_reached_is_thrown_away_with_it(desk: Desk, long: Any) -> None:
    asked = check(desk, long)
    due.tend()
    os.killpg(process_of(asked), signal.SIGKILL)
    finished(asked)
    work = work_folder(asked["id"])
    due.forget_old_work()
    assert work.exists()
    desk.delete(f"/runs/{asked['id']}")
    assert not work.exists()
    work.mkdir()
    due.forget_old_work()
    assert not work.exists()


def test_a_run_that_nobody_knows_any_more_is_ended(desk: Desk, long: Any, shop: Shop) -> None:
    asked = check(desk, long)
    due.tend()
    tend_until(asked, "started")
    work = work_folder(asked["id"])
    assert actions.erase_everything(shop.owner) == 1
    assert not work.exists()
    assert not due.runner().look(work).is_running


def test_steps_are_kept_evenly_and_not_all(desk: Desk, data: Any, shop: Shop) -> None:
    asked = ask(desk, data)
    work = work_folder(asked["id"])
    work.mkdir(parents=True)
    lines = [f'{{"event": "step", "at": "", "step": {step}, "loss": 0.5}}\n' for step in range(1, 9_001)]
    (work / "events").write_text("".join(lines))
    Run.objects.of(shop.workspace_id).filter(id=asked["id"]).update(state="running", host=due._host())
    due.tend()
    run = desk.get(f"/runs/{asked['id']}")
    assert run["state"] == "interrupted"
    told = desk.get(f"/runs/{asked['id']}/events?limit=2000")["events"]
    steps = [each["fields"]["step"] for each in told]
    assert 200 <= len(steps) <= 1_200
    assert len({after - before for before, after in pairwise(steps)}) == 1


def test_who_may_do_what(desk: Desk, data: Any, shop: Shop) -> None:
    asked = ask(desk, data)
    viewer, agent = desk_for(shop, Role.VIEWER), desk_for(shop, Role.AGENT)
    assert viewer.get(f"/runs/{asked['id']}")["recipe"] == "linear"
    for nobody in (viewer, agent):
        ask(nobody, data, expect=403)
        nobody.post(f"/runs/{asked['id']}/cancel", expect=403)
        nobody.delete(f"/runs/{asked['id']}", expect=403)
    stranger = desk_for(made_shop(), Role.OWNER)
    stranger.get(f"/runs/{asked['id']}", expect=404)
    stranger.get(f"/runs/{asked['id']}/events", expect=404)
    stranger.post(f"/runs/{asked['id']}/cancel", expect=404)


def test_a_job_reads_nothing_but_its_copies(desk: Desk, data: Any, shop: Shop) -> None:
    asked = ask(desk, data)
    row = Run.objects.of(shop.workspace_id).get(id=asked["id"])
    job = due._job(row)
    work = work_folder(asked["id"])
    assert all(Path(place).is_relative_to(work) for place in (job.data, job.out))
