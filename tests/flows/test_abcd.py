"""Three of ABCD's agent guidelines as flows: all that a company writes for people can be written in the language."""

from pathlib import Path

import pytest

from kefu.brain.flow import Shelf, check_flow, load_flow
from kefu.brain.flow_tests import on_shelf, read_tests, run_suite

FOLDER = Path(__file__).parent / "abcd"
FLOWS = sorted(path for path in FOLDER.glob("*.yaml") if path.stem != "tests")


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_it_is_sound(path: Path) -> None:
    checked = check_flow(path.read_text(encoding="utf-8"), flows={each.stem for each in FLOWS})
    assert checked.problems == ()


def test_every_way_through_them() -> None:
    flows = [load_flow(path.read_text(encoding="utf-8")) for path in FLOWS]
    tests = read_tests((FOLDER / "tests.yaml").read_text(encoding="utf-8"), "tests.yaml")
    report = run_suite([tests], on_shelf(Shelf(flows)), flows=flows)
    assert report.passed, report.table()
    assert {each.flow: each.missing for each in report.coverage if each.missing} == {}
