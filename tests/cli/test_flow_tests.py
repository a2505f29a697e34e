"""`kefu test` in a folder: exit codes, JUnit, what it says of files that are wrong."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

import kefu
from kefu.cli import cli
from kefu.kit.errors import BadInput

DEMO = Path(kefu.__file__).parent / "demo"
TOOL = """\
tools:
  - name: shop.order
    url: https://shop.example/orders/{order_number}
    outputs: {number: $.number, status: $.status, is_late: $.is_late, total: $.total}
    samples:
      - when: {order_number: LL202611010005}
        body: {number: LL202611010005, status: awaiting_payment, total: 51, is_late: false}
      - {status: 404}
"""
TESTS = """\
schema: kefu.flow-test/v1
tests:
  - name: answered by the tool's own sample
    turns:
      - say: check my order LL202611010005
        expect: {calls: [shop.order], answer: waiting for payment, outcome: solved}
  - name: not found by the tool's own sample
    turns:
      - say: check my order LL202611010009
        expect: {answer: no order with the number}
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["test", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("order_status", "find_order"):
        shutil.copy(DEMO / "flows" / f"{name}.yaml", tmp_path)
    (tmp_path / "tools.yaml").write_text(TOOL, encoding="utf-8")
    (tmp_path / "tests.yaml").write_text(TESTS, encoding="utf-8")
    return tmp_path


def test_the_demo_passes(tmp_path: Path) -> None:
    result = run(DEMO, "--junit", tmp_path / "out/results.xml")
    assert result.exit_code == 0, result.output
    assert "tests pass" in result.output
    root = ElementTree.parse(tmp_path / "out/results.xml").getroot()
    assert int(root.attrib["tests"]) > 30
    assert root.attrib["failures"] == "0"


def test_tools_are_answered_by_their_own_samples(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 0, result.output
    assert "2 of 2 tests pass" in result.output
    assert "order_status: " in result.output


def test_a_failure_is_told_and_exits_with_1(folder: Path) -> None:
    text = TESTS.replace("waiting for payment", "on its way")
    (folder / "tests.yaml").write_text(text, encoding="utf-8")
    result = run(folder, "--json")
    assert result.exit_code == 1
    table = json.loads(result.stdout)
    assert (table["passed"], table["cases"][0]["passed"], table["cases"][1]["passed"]) == (False, False, True)
    [failure] = table["cases"][0]["failures"]
    assert failure["line"] == 5
    assert "on its way" in failure["wanted"]
    assert "waiting for payment" in failure["got"]


def test_only_some(folder: Path) -> None:
    assert "1 of 1 tests pass" in run(folder, "--only", "not found").output
    refused = run(folder, "--only", "nothing of it")
    assert isinstance(refused.exception, BadInput)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("tests.yaml", "schema: kefu.flow-test/v1\ntests:\n - turns:\n   - sai: x", "tests.yaml, line 4: 'sai'"),
        ("order_status.yaml", "schema: kefu.flow/v1\nid: order_status", "order_status.yaml: "),
        ("tools.yaml", "name: x\nurl: no address", "Tool x"),
        ("tools.yaml", "a: [", "tools.yaml is not YAML"),
    ],
)
def test_a_file_that_is_wrong_is_named(folder: Path, name: str, text: str, said: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    result = run(folder)
    assert isinstance(result.exception, BadInput)
    assert said in result.exception.sentence


def test_no_folder_and_no_tests(tmp_path: Path) -> None:
    assert "is not a folder" in str(run(tmp_path / "none").exception)
    assert "There is no test" in str(run(tmp_path).exception)
