"""Log lines: JSON, an event with fields, and nothing that a customer said."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from kefu.kit import log as module
from kefu.kit.log import Log


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    module.configure("info")
    yield written
    root.handlers[:], root.level = before


def read(lines: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_is_an_event_with_fields(lines: io.StringIO) -> None:
    Log("kefu.test").info("turn_finished", ms=12.5, workspace="客服")
    (line,) = read(lines)
    assert line.pop("time", None)
    assert line == {
        "level": "info",
        "logger": "kefu.test",
        "event": "turn_finished",
        "ms": 12.5,
        "workspace": "客服",
    }


def test_a_field_does_not_hide_what_every_line_has(lines: io.StringIO) -> None:
    Log("kefu.test").warning("odd", level="mine", logger="mine", time="mine")
    (line,) = read(lines)
    assert (line["level"], line["logger"]) == ("warning", "kefu.test")
    assert line["time"] != "mine"


def test_an_exception_shows_its_type_and_place_but_not_its_words(lines: io.StringIO) -> None:
    try:
        raise ValueError("my number is 13800138000")
    except ValueError as error:
        Log("kefu.test").error("turn_failed", exception=error)
    assert "13800138000" not in lines.getvalue()
    (line,) = read(lines)
    assert line["exception"] == "ValueError"
    assert "test_log.py" in str(line["at"])


def test_what_json_does_not_know_is_written_as_text(lines: io.StringIO) -> None:
    Log("kefu.test").info("odd", value={1, 2}, path=object())
    assert len(read(lines)) == 1


def test_one_event_is_one_line(lines: io.StringIO) -> None:
    Log("kefu.test").info("two", text="a\nb")
    assert len(lines.getvalue().splitlines()) == 1


def test_the_level_is_kept_and_clients_of_others_are_quiet(lines: io.StringIO) -> None:
    logging.getLogger().setLevel("WARNING")
    Log("kefu.test").info("quiet")
    logging.getLogger("httpx").warning("GET https://host/?key=secret")
    Log("kefu.test").warning("heard")
    assert [line["event"] for line in read(lines)] == ["heard"]
