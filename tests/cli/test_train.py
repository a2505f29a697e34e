"""`kefu train`, `evaluate` and `predict` in processes of their own: what is printed, exit codes, and being stopped."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .homes import Home

SAMPLES = Path(__file__).parents[1] / "factory/samples"
TRAIN, VALID, OUTSIDE = (SAMPLES / f"{name}.csv" for name in ("intents_train", "intents_valid", "out_of_scope"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    home = Home(folder / "home")
    done = home.kefu("train", "linear", "--data", TRAIN, "--valid", VALID, "--out", folder / "model", "--json")
    assert done.code == 0, done.err
    told = [row["event"] for row in done.rows]
    assert told[0] == "note"
    assert told[1] == "started"
    assert told[-1] == "finished"
    assert done.rows[-1]["metrics"]["accuracy"] >= 0.9
    assert not home.path.exists(), "training needs no database"
    return folder / "model"


def test_training_tells_a_line_an_epoch(new_home: Home, tmp_path: Path) -> None:
    done = new_home.kefu("train", "linear", "--data", TRAIN, "--valid", VALID, "--out", tmp_path / "m", "seed=3")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[1] == "linear: 96 rows, 8 labels"
    assert lines[2].startswith("epoch 1: features ")
    assert lines[3].startswith("Finished in ")
    assert done.err == "", "there is no terminal to draw a bar on"


def test_a_training_goes_on_without_bad_rows_if_asked(new_home: Home, tmp_path: Path) -> None:
    data = tmp_path / "rows.csv"
    data.write_text(Path(TRAIN).read_text(encoding="utf-8") + "nothing is said of this one,\n", encoding="utf-8")
    arguments = ["train", "linear", "--data", data, "--valid", VALID, "--out", tmp_path / "m"]
    refused = new_home.kefu(*arguments)
    assert (refused.code, "the label is missing" in refused.err, "--skip-bad" in refused.err) == (1, True, True)
    done = new_home.kefu(*arguments, "--skip-bad")
    assert (done.code, "linear: 96 rows, 8 labels" in done.out) == (0, True)
    assert "rows.csv: left out line " in done.out


def test_evaluating_prints_one_object(new_home: Home, model: Path, tmp_path: Path) -> None:
    done = new_home.kefu("evaluate", model, "--data", VALID, "--oos", OUTSIDE, "--out", tmp_path, "--json")
    assert done.code == 0
    assert done.json["accuracy"] >= 0.9
    assert (tmp_path / "report.html").is_file()
    shown = new_home.kefu("evaluate", model, "--data", VALID, "--out", tmp_path)
    assert "accuracy" in shown.out
    assert str(tmp_path / "report.html") in shown.out


def test_predicting_a_file_prints_a_line_each(new_home: Home, model: Path) -> None:
    done = new_home.kefu("predict", model, "--file", VALID, "--json-lines")
    assert len(done.rows) == 48
    assert set(done.rows[0]) == {"text", "label", "confidence", "out_of_scope", "scores"}


def test_a_model_that_cannot_be_written_into_is_measured_all_the_same(new_home: Home, model: Path) -> None:
    done = new_home.kefu("evaluate", model, "--data", VALID, "--out", "/proc/nowhere", "--json")
    assert done.json["report"] is None
    assert "The report was not written" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["linaer", "--data", TRAIN], "There is no recipe 'linaer'. Did you mean linear?"),
        (["linear", "--data", "nowhere.csv"], "nowhere.csv cannot be read: No such file or directory."),
        (["linear", "--data", TRAIN, "featurs=3"], "The recipe linear has no option 'featurs'. Did you mean features?"),
        (["linear", "--data", TRAIN, "features=few"], "Option features of the recipe linear cannot be 'few':"),
        (["linear", "--data", TRAIN, "seed"], "'seed' is no option; write key=value"),
        (["linear", "--data", TRAIN, "--extend", "nowhere"], "nowhere"),
    ],
)
def test_what_is_wrong_is_one_sentence(new_home: Home, tmp_path: Path, arguments: list[str | Path], said: str) -> None:
    done = new_home.kefu("train", *arguments, "--out", tmp_path / "m")
    assert done.code == 1
    [sentence] = [line for line in done.err.splitlines() if line]
    assert sentence.startswith("kefu: ")
    assert said in sentence


def test_texts_without_labels_are_refused_for_that_alone(new_home: Home, tmp_path: Path) -> None:
    chats = tmp_path / "chats.jsonl"
    chat = '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Good day."}]}\n'
    chats.write_text(50 * chat, encoding="utf-8")
    done = new_home.kefu("train", "linear", "--data", chats, "--out", tmp_path / "m")
    assert "chats.jsonl holds no labels" in done.err
    assert "Too few rows" not in done.out


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(new_home: Home, tmp_path: Path, model: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("keep", encoding="utf-8")
    for _ in range(2):
        done = new_home.kefu("train", "linear", "--data", TRAIN, "--out", tmp_path / "mine")
        assert done.code == 1
        assert "mine is not empty" in done.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    before = (model / "card.json").read_bytes()
    done = new_home.kefu("train", "linear", "--data", TRAIN, "--out", model)
    assert done.code == 1
    assert "it holds a finished model" in done.err
    assert (model / "card.json").read_bytes() == before


def test_after_a_failure_the_same_folder_may_be_used(new_home: Home, tmp_path: Path) -> None:
    one = tmp_path / "one.csv"
    one.write_text("text,label\nhello,a\ngood morning,a\n", encoding="utf-8")
    assert new_home.kefu("train", "linear", "--data", one, "--valid", one, "--out", tmp_path / "m").code == 1
    assert new_home.kefu("train", "linear", "--data", TRAIN, "--valid", VALID, "--out", tmp_path / "m").code == 0


def test_a_recipe_that_needs_torch_says_the_install_line(new_home: Home, tmp_path: Path) -> None:
    program = "import sys; sys.modules['torch'] = None\nfrom kefu.cli import main; main()"
    arguments = ["train", "finetune", "--data", TRAIN, "--valid", VALID, "--out", tmp_path / "m"]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=new_home.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == "kefu: torch is not installed. Install it with: pip install 'kefu[train]'"


def test_a_terminal_sees_a_bar(new_home: Home, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = ["train", "head", "--data", str(TRAIN), "--valid", str(VALID), "--out", str(tmp_path / "m")]
    process = subprocess.Popen(
        [sys.executable, "-m", "kefu.cli", *command], env=new_home.environment, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while read := os.read(ours, 4096):
            shown += read
    os.close(ours)
    assert process.wait(300) == 0, shown
    assert "texts/s]" in shown.decode()
    assert "epoch 1" in shown.decode()


def test_ctrl_c_says_how_to_go_on(new_home: Home, tmp_path: Path) -> None:
    rows = [f"where is parcel number {number} of {number % 97},label{number % 20}\n" for number in range(4000)]
    many = tmp_path / "many.csv"
    many.write_text("text,label\n" + "".join(rows), encoding="utf-8")
    command = ["train", "head", "--data", str(many), "--valid", str(many), "--out", str(tmp_path / "m"), "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "kefu.cli", *command],
        env=new_home.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "progress":
            process.send_signal(signal.SIGINT)
            break
    rest, err = process.communicate(timeout=600)
    assert process.returncode == 130
    assert json.loads(rest.splitlines()[-1])["event"] == "cancelled"
    assert f"Go on with: kefu {' '.join(command)} --resume" in err
    assert "Traceback" not in err
    assert json.loads((tmp_path / "m/events.jsonl").read_text().splitlines()[-1])["event"] == "cancelled"
