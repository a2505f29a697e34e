"""`kefu flow` in this process: from a file to customers and back, in a workspace of its own."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from kefu.cli import cli
from kefu.desk.accounts import actions as accounts
from kefu.kit.errors import KefuError

pytestmark = pytest.mark.django_db
FLOW = """schema: kefu.flow/v1
id: opening
name: {en: Book a visit, zh: 预约}
languages: [en, zh]
when: {keywords: {en: [book a visit], zh: [预约]}}
slots:
  day: {type: date, direction: future, question: {en: 'Which day?', zh: 哪一天？}}
steps:
- ask: day
- call: visits.free
  with: {day: '{{ day }}'}
  save: {time: '{{ result.time }}'}
- say: {en: 'See you on {{ day }} at {{ time }}.', zh: '{{ day }}{{ time }}见。'}
"""
TOOL = """tools:
- name: visits.free
  url: https://visits.example/free?day={day}
  outputs: {time: $.time}
  samples:
  - {body: {time: '15:30'}}
"""
CALLED = """schema: kefu.flow/v1
id: which_day
name: {en: Which day, zh: 哪天}
languages: [en, zh]
when: {called: true}
slots:
  day: {type: date, direction: future, question: {en: 'Which day?', zh: 哪一天？}}
steps:
- ask: day
"""
TYPED = """name: rooms.book
method: POST
url: https://rooms.example/bookings
parameters:
  code: {type: text}
  nights: {type: integer}
  breakfast: {type: boolean}
  extras: {type: list, required: false}
body: {code: '{code}', nights: '{nights}', breakfast: '{breakfast}', extras: '{extras}'}
samples:
- body: {}
"""
TESTS = """schema: kefu.flow-test/v1
now: 2026-11-22T10:00+08:00
tests:
- name: a visit
  turns:
  - {say: book a visit, expect: {step: ask_1}}
  - {say: 27 November, expect: {calls: [visits.free], answer: 'Friday, 27 November 2026 at 3:30 pm', outcome: solved}}
"""
Kefu = Callable[..., str]


class Refused(AssertionError):
    """A command that ended with 1; `out` is what it had printed."""

    def __init__(self, out: str) -> None:
        super().__init__(out)
        self.out = out


@pytest.fixture
def kefu(db: None) -> Kefu:
    """What a command prints."""
    accounts.make_workspace(slug="flows")

    def run(*arguments: str | Path, stdin: str = "") -> str:
        done = CliRunner().invoke(cli, [*map(str, arguments), "-w", "flows"], input=stdin)
        if isinstance(done.exception, KefuError):
            done.exception.add_note(done.stderr)
            raise done.exception
        if done.exit_code == 1:
            raise Refused(done.output)
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("flows/opening.yaml", FLOW), ("tools.yaml", TOOL), ("tests/visits.yaml", TESTS)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_a_folder_goes_to_a_workspace_and_comes_back_the_same(kefu: Kefu, folder: Path, tmp_path: Path) -> None:
    assert kefu("flow", "push", folder) == "1 flows, 1 tools, 1 files of tests.\n"
    assert kefu("flow", "list").startswith("opening  draft (never published)  Book a visit")
    assert kefu("flow", "show", "opening") == FLOW
    back = tmp_path / "back"
    assert kefu("flow", "pull", back) == f"3 files in {back}.\n"
    assert (back / "flows/opening.yaml").read_text(encoding="utf-8") == FLOW
    assert (back / "tests/visits.yaml").read_text(encoding="utf-8") == TESTS
    assert kefu("flow", "diff", back) == ""
    (back / "flows/opening.yaml").write_text(FLOW.replace("Which day?", "When?"), encoding="utf-8")
    with pytest.raises(Refused) as differs:
        kefu("flow", "diff", back)
    assert "-  day: {type: date, direction: future, question: {en: 'Which day?'" in differs.value.out


def test_what_was_changed_in_the_workspace_meanwhile_is_not_overwritten(
    kefu: Kefu, folder: Path, tmp_path: Path
) -> None:
    kefu("flow", "push", folder)
    theirs = tmp_path / "theirs"
    kefu("flow", "pull", theirs)
    (theirs / "flows/opening.yaml").write_text(FLOW.replace("Which day?", "Any day?"), encoding="utf-8")
    kefu("flow", "push", theirs)
    kefu("flow", "push", theirs)  # what one pushed oneself is known

    (folder / "flows/opening.yaml").write_text(FLOW.replace("Which day?", "When?"), encoding="utf-8")
    with pytest.raises(KefuError, match=r"flows/opening\.yaml: changed in the workspace") as refused:
        kefu("flow", "push", folder)
    assert refused.value.fields == {"files": ["flows/opening.yaml"]}
    assert "Any day?" in kefu("flow", "show", "opening")
    assert kefu("flow", "push", folder, "--overwrite").startswith("1 flows")
    assert "When?" in kefu("flow", "show", "opening")
    # A folder that knows nothing of the workspace's state overwrites, as do marks that git left in what it knows.
    (theirs / ".kefu-state.json").write_text("<<<<<<< HEAD", encoding="utf-8")
    assert kefu("flow", "push", theirs).startswith("1 flows")


def test_versions_go_live_are_compared_and_come_back(kefu: Kefu, folder: Path) -> None:
    kefu("flow", "push", folder, "--publish", "--note", "the first")
    (folder / "flows/opening.yaml").write_text(FLOW.replace("See you on", "Until"), encoding="utf-8")
    assert "version 2 is live" in kefu("flow", "push", folder, "--publish", "--note", "shorter")
    shown = kefu("flow", "history", "opening").splitlines()
    assert [line.split()[0] for line in shown] == ["2", "1"]
    assert re.fullmatch(r" +2  \S+ \S+  live .* shorter", shown[0])
    versions = json.loads(kefu("flow", "history", "opening", "--json"))["versions"]
    assert [(each["number"], each["is_live"], each["note"]) for each in versions] == [
        (2, True, "shorter"), (1, False, "the first"),
    ]  # fmt: skip
    changed = kefu("flow", "history", "opening", "--from", "1", "--to", "2")
    assert "+- say: {en: 'Until {{ day }} at {{ time }}.'" in changed
    assert "version 1 is live" in kefu("flow", "rollback", "opening", "1")
    assert "paused" in kefu("flow", "pause", "opening")
    assert "is live" in kefu("flow", "resume", "opening")
    assert "deleted" in kefu("flow", "remove", "opening")
    assert kefu("flow", "list") == ""


def test_what_fails_its_tests_does_not_go_live(kefu: Kefu, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tests/visits.yaml").write_text(TESTS.replace("step: ask_1", "step: ask_2"), encoding="utf-8")
    with pytest.raises(KefuError, match="1 of 1 tests fail, so nothing goes live") as refused:
        kefu("flow", "push", folder, "--publish")
    assert "visits.yaml:6: a visit: after 'book a visit' expected" in refused.value.__notes__[0]
    assert "never published" in kefu("flow", "list")
    assert "is live" in kefu("flow", "publish", "opening", "--no-tests", "--note", "the test is wrong")


def test_flows_that_need_each_other_go_live_together_or_not_at_all(kefu: Kefu, folder: Path) -> None:
    opening = FLOW.replace("- ask: day", "- call_flow: which_day\n  save: {day: '{{ result.day }}'}")
    (folder / "flows/opening.yaml").write_text(opening, encoding="utf-8")
    (folder / "flows/which_day.yaml").write_text(CALLED, encoding="utf-8")
    (folder / "tests/visits.yaml").write_text(TESTS.replace("step: ask_1", "step: ask_9"), encoding="utf-8")
    with pytest.raises(KefuError, match="1 of 1 tests fail"):
        kefu("flow", "push", folder, "--publish")
    assert kefu("flow", "list").count("never published") == 2
    (folder / "tests/visits.yaml").write_text(TESTS, encoding="utf-8")
    assert kefu("flow", "push", folder, "--publish").count("version 1 is live") == 2
    assert "live already" in kefu("flow", "push", folder, "--publish")
    assert kefu("flow", "history", "opening").count("\n") == 1


def test_a_file_that_is_wrong_names_its_line_and_what_mends_it(kefu: Kefu, folder: Path) -> None:
    file = folder / "flows/opening.yaml"
    file.write_text(FLOW.replace("ask: day", "ask: dai"), encoding="utf-8")
    done = CliRunner().invoke(cli, ["flow", "validate", str(file)])
    assert done.exit_code == 1
    assert re.search(r"opening\.yaml:9:\d+: error: .*dai.*day", done.output)
    assert "1 files, " in done.output
    with pytest.raises(KefuError, match=r"opening\.yaml"):
        kefu("flow", "push", folder)
    assert kefu("flow", "list") == ""


def test_a_conversation_is_tried_with_what_the_flow_did(kefu: Kefu, folder: Path) -> None:
    kefu("flow", "push", folder)
    said = "book a visit\n27 November 2099\n"
    draft = ("--draft", folder / "flows/opening.yaml")
    shown = kefu("flow", "simulate", *draft, "--trace", stdin=said)
    assert "assistant: Which day?" in shown
    assert "assistant: See you on Friday, 27 November 2099 at 3:30 pm." in shown
    assert "opening/ask_1, waits at ask_1" in shown
    assert 'called visits.free {"day": "2099-11-27"}: {"time": "15:30"}' in shown
    assert "ended: solved" in shown
    by_hand = kefu("flow", "simulate", *draft, "--by-hand", stdin=f'{said}{{"time": "09:00"}}\n\n')
    assert "at 9 am." in by_hand
    with pytest.raises(KefuError, match="An answer is"):
        kefu("flow", "simulate", *draft, "--by-hand", stdin=f"{said}perhaps\n")


def test_a_tool_is_tried_with_arguments_of_its_types(kefu: Kefu, tmp_path: Path) -> None:
    file = tmp_path / "tools.yaml"
    file.write_text(TYPED, encoding="utf-8")
    kefu("tool", "add", file)
    given = ("code=0012", "nights=2", "breakfast=true", 'extras=["bath"]')
    tried = json.loads(kefu("tool", "try", "rooms.book", *given, "--sample"))
    sent = {"code": "0012", "nights": 2, "breakfast": True, "extras": ["bath"]}
    assert json.loads(tried["request"]["body"]) == sent
    with pytest.raises(KefuError, match="breakfast is of type boolean"):
        kefu("tool", "try", "rooms.book", "code=1", "nights=2", "breakfast=perhaps", "--sample")


def test_runs_are_counted_by_flow_and_step(kefu: Kefu, folder: Path) -> None:
    kefu("flow", "push", folder, "--publish")
    assert re.search(r"opening( +0){6}", kefu("flow", "traffic"))
    with pytest.raises(KefuError, match=r"[Dd]ay"):
        kefu("flow", "traffic", "--from", "yesterday")
