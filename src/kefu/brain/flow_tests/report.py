"""What came of a suite: a table for people, JUnit for machines, and which steps no test went through."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from xml.etree import ElementTree

_SHOWN = 3  # failures that the one sentence names


@dataclass(frozen=True)
class Failure:
    """One thing that was not as expected: the turn's line in its file, what the customer said, what came instead."""

    line: int
    said: str
    wanted: str
    got: str

    def __str__(self) -> str:
        return f"line {self.line}: expected {self.wanted}; got {self.got}"


@dataclass(frozen=True)
class CaseResult:
    """One test: it passed if nothing failed."""

    file: str
    name: str
    failures: tuple[Failure, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        return not self.failures


@dataclass(frozen=True)
class Coverage:
    """How many of a flow's steps the tests went through, and which they did not."""

    flow: str
    entered: int
    steps: int
    missing: tuple[str, ...]

    @property
    def share(self) -> float:
        return self.entered / self.steps if self.steps else 1.0


@dataclass(frozen=True)
class SuiteReport:
    """Every test's result, each flow's coverage, and how often each `flow/step` was entered."""

    cases: tuple[CaseResult, ...]
    coverage: tuple[Coverage, ...]
    entered: Mapping[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return all(each.passed for each in self.cases)

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        return tuple(each for each in self.cases if not each.passed)

    @property
    def sentence(self) -> str:
        """One sentence, fit for a refusal."""
        if self.passed:
            return f"All {len(self.cases)} tests pass."
        named = "; ".join(f"{each.file}: {each.name}: {each.failures[0]}" for each in self.failed[:_SHOWN])
        more = f"; and {len(self.failed) - _SHOWN} more" if len(self.failed) > _SHOWN else ""
        return f"{len(self.failed)} of {len(self.cases)} tests fail: {named}{more}."

    def as_json(self) -> dict[str, Any]:
        """For the API and the console."""
        return {
            "passed": self.passed,
            "sentence": self.sentence,
            "cases": [{**asdict(each), "passed": each.passed} for each in self.cases],
            "entered": dict(self.entered),
            "coverage": [{**asdict(each), "share": round(each.share, 4)} for each in self.coverage],
        }

    def table(self) -> str:
        """Lines for a terminal: each test, what failed, each flow's coverage, the sum."""
        lines = []
        width = max((len(each.file) for each in self.cases), default=0)
        for each in self.cases:
            lines.append(f"{'ok  ' if each.passed else 'FAIL'} {each.file:{width}}  {each.name}")
            lines += [f"     {failure}" for failure in each.failures]
        if self.coverage:
            lines.append("")
            lines += [_covered(each) for each in self.coverage]
        passed = len(self.cases) - len(self.failed)
        seconds = sum(each.seconds for each in self.cases)
        return "\n".join([*lines, "", f"{passed} of {len(self.cases)} tests pass, {seconds:.2f} s"])

    def junit(self) -> str:
        """JUnit XML: a suite for each file."""
        root = ElementTree.Element("testsuites", _counts(self.cases))
        for file in dict.fromkeys(each.file for each in self.cases):
            mine = [each for each in self.cases if each.file == file]
            suite = ElementTree.SubElement(root, "testsuite", {"name": _sayable(file), **_counts(mine)})
            for each in mine:
                case = ElementTree.SubElement(
                    suite, "testcase", {"classname": _sayable(file), "name": _sayable(each.name), "time": _time([each])}
                )
                if not each.passed:
                    failure = ElementTree.SubElement(case, "failure", {"message": _sayable(str(each.failures[0]))})
                    failure.text = _sayable("\n".join(map(str, each.failures)))
        ElementTree.indent(root)
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _covered(each: Coverage) -> str:
    missing = f"; not: {', '.join(each.missing)}" if each.missing else ""
    return f"{each.flow}: {each.entered} of {each.steps} steps ({each.share:.0%}){missing}"


def _counts(cases: Sequence[CaseResult]) -> dict[str, str]:
    failed = sum(not each.passed for each in cases)
    return {"tests": str(len(cases)), "failures": str(failed), "errors": "0", "time": _time(cases)}


def _time(cases: Sequence[CaseResult]) -> str:
    return f"{sum(each.seconds for each in cases):.3f}"


def _sayable(text: str) -> str:
    """What XML 1.0 has characters for."""
    return _UNSAYABLE.sub("", text)


_UNSAYABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
