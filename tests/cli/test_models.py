"""`kefu models` in processes of its own: registered, judged, promoted, rolled back, and kept by a backup."""

import json
from pathlib import Path

import pytest

from .homes import Home

TEXTS = {
    "delivery": ["When does my parcel arrive", "Where is my order", "How long does shipping take"],
    "refund": ["I want my money back", "How do I get a refund", "Please return my payment"],
}
TAILS = ("", " please", " today", "?", " thanks", " now", " again", " soon")
TEST_TAILS = (" my friend", " I ask", " then", " perhaps")


def written(path: Path, tails: tuple[str, ...], *, wrong: bool = False) -> Path:
    labels = list(TEXTS)
    rows = [
        {"text": text + tail, "label": labels[(labels.index(label) + wrong) % 2]}
        for label, texts in TEXTS.items()
        for text in texts
        for tail in tails
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two trained models, one of which has everything the wrong way round, and a test."""
    folder = tmp_path_factory.mktemp("trained")
    home = Home(folder / "home")
    test = written(folder / "test.jsonl", TEST_TAILS)
    for name in ("right", "wrong"):
        data = written(folder / f"{name}.jsonl", TAILS, wrong=name == "wrong")
        done = home.kefu("train", "linear", "--data", data, "--valid", data, "--out", folder / name)
        assert done.code == 0, done.err
    assert test.exists()
    return folder


def register(home: Home, made: Path, name: str, *more: str | Path) -> None:
    done = home.kefu("models", "register", made / name, "--name", "intents", *more)
    assert done.code == 0, done.err


def test_a_model_is_registered_and_shown(home: Home, made: Path) -> None:
    done = home.kefu("models", "register", made / "right", "--name", "intents", "--role", "intent", "--json")
    assert (done.json["number"], done.json["labels"]) == (1, ["delivery", "refund"])
    looked_at = {"frozen_test", "parity_gap", "latency_p95_ms", "size_mb"}
    assert {check["name"] for check in done.json["verdict"]["checks"]} == looked_at
    [listed] = home.kefu("models", "list", "--json").json["models"]
    assert (listed["name"], listed["role"], listed["versions"]) == ("intents", "intent", 1)
    shown = home.kefu("models", "show", "intents", "--json").json
    assert [each["number"] for each in shown["versions"]] == [1]
    assert "intents" in home.kefu("models", "show", "intents").out


def test_a_version_is_judged_compared_promoted_and_rolled_back(home: Home, made: Path, tmp_path: Path) -> None:
    register(home, made, "right", "--test", made / "test.jsonl")
    register(home, made, "wrong")
    # Where everything runs at once, a card's latency is beyond any limit; the gate's own tests look at that.
    first = home.kefu("models", "promote", "intents", "1", "--override", "--reason", "The first", "--json")
    assert first.json["champion"] == 1
    compared = home.kefu("models", "compare", "intents", "2", "--json").json
    assert not compared["verdict"]["passed"]
    assert compared["candidate"]["judged"]
    assert compared["champion"]["judged"]
    refused = home.kefu("models", "promote", "intents", "2", "--json")
    assert refused.code == 1
    assert not next(each for each in refused.json["checks"] if each["name"] == "frozen_test")["passed"]
    aloud = home.kefu("models", "promote", "intents", "2")
    assert aloud.code == 1
    assert "loses" in aloud.out
    unreasoned = home.kefu("models", "promote", "intents", "2", "--override")
    assert (unreasoned.code, "reason" in unreasoned.err) == (1, True)
    forced = home.kefu("models", "promote", "intents", "2", "--override", "--reason", "A drill", "--json")
    assert forced.json["champion"] == 2
    assert home.kefu("models", "rollback", "intents", "--json").json["champion"] == 1
    assert home.kefu("models", "rollback", "intents").code == 1
    assert home.kefu("models", "promote", "intents", "2", "--challenger", "--json").json["challenger"] == 2


def test_mistakes_are_named(home: Home, made: Path, tmp_path: Path) -> None:
    assert home.kefu("models", "show", "intents", "-w", "nowhere").code == 1
    nothing = home.kefu("models", "register", tmp_path, "--name", "intents")
    assert (nothing.code, "card.json" in nothing.err) == (1, True)
    register(home, made, "right")
    unknown = home.kefu("models", "promote", "intents", "7")
    assert (unknown.code, "Versions: 1" in unknown.err) == (1, True)
    assert home.kefu("models", "show", "other").code == 1


def test_a_backup_holds_the_models(home: Home, made: Path, tmp_path: Path) -> None:
    register(home, made, "right")
    assert home.kefu("backup", tmp_path / "all.tar.gz").code == 0
    other = Home(tmp_path / "other")
    assert other.kefu("restore", tmp_path / "all.tar.gz", "--yes").code == 0
    [version] = other.kefu("models", "show", "intents", "--json").json["versions"]
    # Promoting reads every file of the folder and checks its hash.
    done = other.kefu(
        "models", "promote", "intents", str(version["number"]), "--override", "--reason", "Restored", "--json"
    )
    assert done.json["champion"] == 1
