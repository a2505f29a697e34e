"""Jobs in processes of their own: what they tell, how they end, and what a restart finds."""

import json
import os
import signal
from pathlib import Path

import pytest

from kefu.contracts.job import Job, Told
from kefu.jobs.embedded import EmbeddedRunner
from kefu.jobs.runner import End, JobEvent, Look, Runner, end_of, event_of
from kefu.kit.errors import Conflict

LONG = 300.0  # seconds; nothing here takes so long, however slow the machine
QUESTIONS = {
    "delivery": "When does parcel {} arrive?",
    "refund": "I want my money back for order {}",
    "hours": "Are you open on day {} of the month?",
}


def rows(count: int) -> str:
    lines = [
        json.dumps({"text": text.format(number), "label": label})
        for number in range(count)
        for label, text in QUESTIONS.items()
    ]
    return "\n".join(lines)


def split_job(folder: Path) -> Job:
    """A job of a second."""
    data = folder.parent / "data.jsonl"
    data.write_text(
        "\n".join(
            json.dumps({"text": f"{word} {label}", "label": label})
            for label in QUESTIONS
            for word in "one two three four five six".split()
        )
    )
    return Job("split", data=str(data), out=str(folder / "out"), options={"share": 0.5})


def long_job(folder: Path) -> Job:
    """A job of a minute: personal data are looked for in every text."""
    data = folder.parent / "long.jsonl"
    data.write_text(rows(15_000))
    return Job("check", data=str(data), out=str(folder / "out"), options={"label_errors": False})


def read_until(runner: EmbeddedRunner, folder: Path, told: Told) -> list[JobEvent]:
    """What was told up to an event of this kind."""
    seen: list[JobEvent] = []
    position = 0
    while not any(each.told is told for each in seen):
        look = runner.look(folder, position)
        seen, position = [*seen, *look.events], look.position
        assert look.is_running or look.events, f"ended before it told {told}: {look.last_words}"
        runner.wait(folder, 0.05)
    return seen


@pytest.fixture
def runner() -> EmbeddedRunner:
    return EmbeddedRunner(threads=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "job"


def ended(runner: EmbeddedRunner, folder: Path) -> Look:
    assert runner.wait(folder, LONG)
    return runner.look(folder)


def test_it_is_a_runner(runner: EmbeddedRunner) -> None:
    assert isinstance(runner, Runner)


def test_a_job_tells_what_it_does_and_ends(runner: EmbeddedRunner, folder: Path) -> None:
    runner.start(split_job(folder), folder)
    look = ended(runner, folder)
    assert [each.told for each in look.events] == [Told.STARTED, Told.FINISHED]
    assert look.events[0].fields["rows"] == 18
    assert end_of(look.events) is End.FINISHED
    assert not look.is_running
    assert (folder / "out" / "test.jsonl.gz").exists()


def test_a_look_goes_on_where_the_last_one_stopped(runner: EmbeddedRunner, folder: Path) -> None:
    runner.start(split_job(folder), folder)
    first = ended(runner, folder)
    assert runner.look(folder, first.position).events == ()


def test_what_went_wrong_is_told(runner: EmbeddedRunner, folder: Path) -> None:
    runner.start(Job("split", data=str(folder / "nothing.csv"), out=str(folder / "out")), folder)
    look = ended(runner, folder)
    assert end_of(look.events) is End.FAILED
    assert "nothing.csv" in look.events[-1].fields["sentence"]


def test_a_job_is_cancelled(runner: EmbeddedRunner, folder: Path) -> None:
    runner.start(long_job(folder), folder)
    read_until(runner, folder, Told.STARTED)
    runner.stop(folder)
    assert end_of(ended(runner, folder).events) is End.CANCELLED


def test_a_job_runs_nice_in_a_group_of_its_own(runner: EmbeddedRunner, folder: Path) -> None:
    runner.start(long_job(folder), folder)
    process = int((folder / "pid").read_text())
    assert os.getpgid(process) == process != os.getpgid(0)
    assert os.getpriority(os.PRIO_PROCESS, process) > os.getpriority(os.PRIO_PROCESS, 0)
    runner.stop(folder, at_once=True)
    assert end_of(ended(runner, folder).events) is End.INTERRUPTED


def test_one_folder_runs_one_job(runner: EmbeddedRunner, folder: Path) -> None:
    runner.start(long_job(folder), folder)
    with pytest.raises(Conflict):
        EmbeddedRunner().start(split_job(folder), folder)
    runner.stop(folder, at_once=True)
    ended(runner, folder)


def test_another_server_goes_on_watching(runner: EmbeddedRunner, folder: Path) -> None:
    runner.start(long_job(folder), folder)
    read_until(runner, folder, Told.STARTED)
    after_a_restart = EmbeddedRunner()
    assert after_a_restart.look(folder).is_running
    assert not after_a_restart.wait(folder, 0)
    after_a_restart.stop(folder)
    # The process is a child of this one, which alone can take its end.
    assert end_of(ended(runner, folder).events) is End.CANCELLED
    assert not after_a_restart.look(folder).is_running


def test_a_process_that_was_killed_is_told_from_one_that_ended(runner: EmbeddedRunner, folder: Path) -> None:
    runner.start(long_job(folder), folder)
    read_until(runner, folder, Told.STARTED)
    os.killpg(int((folder / "pid").read_text()), signal.SIGKILL)
    look = ended(runner, folder)
    assert not look.is_running
    assert end_of(look.events) is End.INTERRUPTED


def test_a_folder_without_a_job_runs_nothing(runner: EmbeddedRunner, folder: Path) -> None:
    look = runner.look(folder)
    assert (look.events, look.is_running) == ((), False)
    assert end_of(look.events) is End.INTERRUPTED
    runner.stop(folder)
    assert runner.wait(folder, 0)


def test_a_long_log_is_cut_and_read_on(runner: EmbeddedRunner, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kefu.jobs.embedded._LONGEST_LOG", 10)
    runner.start(long_job(folder), folder)
    read_until(runner, folder, Told.PROGRESS)
    position = 1
    while position:
        position = runner.trim(folder, runner.look(folder).position)
    assert (folder / "events").stat().st_size < 1000
    seen = read_until(runner, folder, Told.PROGRESS)
    assert seen[-1].fields["done"] > 0
    runner.stop(folder)
    assert end_of(ended(runner, folder).events) is End.CANCELLED


def test_secrets_are_kept_from_a_job(runner: EmbeddedRunner, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_SECRET_KEY", "c2VjcmV0")
    runner.start(long_job(folder), folder)
    read_until(runner, folder, Told.PROGRESS)  # before it runs, there is nothing to read
    environment = Path(f"/proc/{(folder / 'pid').read_text()}/environ")
    if environment.exists():  # Linux alone shows it
        assert b"KEFU_SECRET_KEY" not in environment.read_bytes()
        assert b"OMP_NUM_THREADS=1" in environment.read_bytes()
    runner.stop(folder, at_once=True)
    ended(runner, folder)


@pytest.mark.parametrize("line", [b"", b"hello", b"[]", b'{"event": "danced"}', b"{}", b"\xff", b"[" * 5000])
def test_what_is_no_event_is_passed_over(line: bytes) -> None:
    assert event_of(line) is None
