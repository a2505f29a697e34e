"""A file of tests, checked: every name that is not known, and every value of the wrong kind, is told with its line."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kefu.brain.flow_tests.shapes import SCHEMA, Case, Expect, ExpectedCall, TestFile, ToolSample, Turn
from kefu.brain.flow_tests.tables import BadTests, Table, plain, read_table

__all__ = ["BadTests", "read_tests"]

_SHARED = ("language", "now", "contact", "conversation", "tools", "flow")
_FILE = ("schema", "name", "description", *_SHARED, "tests")
_CASE = ("name", "description", *_SHARED, "turns")
_TURN = ("say", "press", "intent", "mood", "candidates", "expect")
_EXPECT = (
    "flow", "step", "slots", "calls", "answer", "sources", "decision", "hand_over", "outcome", "quick_replies",
)  # fmt: skip
_ANSWER = ("exact", "contains", "not_contains")
_SAMPLE = ("with", "result", "error", "message")


def read_tests(text: str, name: str = "tests.yaml") -> TestFile:
    """The tests in a YAML text. Raises BadTests that names the line and what mends it."""
    reader = _Reader(name)
    table = read_table(text, name)
    reader.only(table, _FILE)
    if table.get("schema") != SCHEMA:
        raise BadTests(f"{name}, line {table.line}: write `schema: {SCHEMA}` first.", name=name, line=table.line)
    cases = [reader.case(each, table, at) for at, each in enumerate(reader.list_of(table, "tests", Table), start=1)]
    if not cases:
        raise BadTests(f"{name}: there is no test in it; add one to `tests:`.", name=name, line=table.line)
    return TestFile(name, tuple(cases))


@dataclass(frozen=True)
class _Reader:
    """Reads the tables of one file."""

    name: str

    def case(self, table: Table, shared: Table, number: int) -> Case:
        self.only(table, _CASE)
        both = {**shared, **table}
        turns = [self._turn(each) for each in self.list_of(table, "turns", Table)]
        if not turns:
            raise self.wrong(table, "turns", "a test needs turns, each with `say:`")
        own, common = self._samples(table), self._samples(shared)
        samples = {tool: (*own.get(tool, ()), *common.get(tool, ())) for tool in {**common, **own}}
        return Case(
            name=self.text(table, "name") or f"test {number}",
            line=table.line,
            turns=tuple(turns),
            language=str(both.get("language", "en")),
            flow=str(both.get("flow", "")),
            now=self._clock(table if "now" in table else shared),
            contact=plain(self.table(table if "contact" in table else shared, "contact")),
            conversation=plain(self.table(table if "conversation" in table else shared, "conversation")),
            samples=samples,
        )

    def _turn(self, table: Table) -> Turn:
        self.only(table, _TURN)
        if "say" not in table and "press" not in table:
            raise self.wrong(table, "say", "each turn needs `say:`, what the customer writes")
        return Turn(
            say=self.text(table, "say") or self.text(table, "press"),
            line=table.line,
            expect=self._expect(self.table(table, "expect")),
            press=self.text(table, "press") or None,
            intent=self.text(table, "intent") or None,
            mood=self.text(table, "mood"),
            candidates={slot: str(value) for slot, value in self.table(table, "candidates").items()},
        )

    def _expect(self, table: Table) -> Expect:
        self.only(table, _EXPECT)
        exact, contains, not_contains = self._answer(table)
        hand_over = table.get("hand_over")
        team = None
        if isinstance(hand_over, Table):
            self.only(hand_over, ("team",))
            team, hand_over = self.text(hand_over, "team") or None, True
        if hand_over is not None and not isinstance(hand_over, bool):
            raise self.wrong(table, "hand_over", "true, false, or {team: NAME}")
        return Expect(
            flow=self.text(table, "flow") or None,
            step=self.text(table, "step") or None,
            slots=plain(self.table(table, "slots")),
            calls=tuple(self._call(table, each) for each in self.listed(table, "calls")) if "calls" in table else None,
            exact=exact,
            contains=contains,
            not_contains=not_contains,
            sources=self.texts(table, "sources"),
            decision=self.text(table, "decision") or None,
            hand_over=hand_over,
            team=team,
            outcome=self.text(table, "outcome") or None,
            quick_replies=self.texts(table, "quick_replies") if "quick_replies" in table else None,
        )

    def _answer(self, table: Table) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
        """A bare text is one that the answer must hold."""
        given = table.get("answer")
        if not isinstance(given, Table):
            return None, self.texts(table, "answer"), ()
        self.only(given, _ANSWER)
        exact = self.text(given, "exact") if "exact" in given else None
        return exact, self.texts(given, "contains"), self.texts(given, "not_contains")

    def _call(self, table: Table, given: Any) -> ExpectedCall:
        if isinstance(given, str):
            return ExpectedCall(given)
        if not isinstance(given, Table):
            raise self.wrong(table, "calls", "a tool's name, or {tool: NAME, with: {…}}")
        self.only(given, ("tool", "with"))
        return ExpectedCall(self.text(given, "tool"), plain(self.table(given, "with")))

    def _samples(self, table: Table) -> dict[str, tuple[ToolSample, ...]]:
        tools = self.table(table, "tools")
        return {tool: tuple(self._sample(each) for each in self.list_of(tools, tool, Table)) for tool in tools}

    def _sample(self, table: Table) -> ToolSample:
        self.only(table, _SAMPLE)
        if ("result" in table) == ("error" in table):
            raise self.wrong(table, "result", "a sample has either `result:` or `error:` (a code such as timeout)")
        given = plain(self.table(table, "with")) if "with" in table else None
        return ToolSample(given, plain(table.get("result")), self.text(table, "error"), self.text(table, "message"))

    def _clock(self, table: Table) -> datetime | None:
        given = table.get("now")
        if given is None:
            return None
        try:
            at = datetime.fromisoformat(str(given))
        except ValueError:
            raise self.wrong(table, "now", "a time such as 2026-11-22T10:00+08:00") from None
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    # values of a kind

    def only(self, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for word in table:
            if word not in known:
                near = difflib.get_close_matches(word, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
                raise self.wrong(table, word, hint, said=f"{word!r} is not known")

    def text(self, table: Mapping[str, Any], key: str) -> str:
        given = table.get(key)
        if given is None:
            return ""
        if isinstance(given, dict | list):
            raise self.wrong(table, key, "a text")
        return str(given)

    def texts(self, table: Table, key: str) -> tuple[str, ...]:
        return tuple(str(each) for each in self.listed(table, key))

    def listed(self, table: Table, key: str) -> list[Any]:
        given = table.get(key)
        if given is None:
            return []
        return given if isinstance(given, list) else [given]

    def table(self, table: Mapping[str, Any], key: str) -> Table:
        given = table.get(key)
        if given is None:
            return Table()
        if not isinstance(given, Table):
            raise self.wrong(table, key, "a table such as {name: value}")
        return given

    def list_of(self, table: Mapping[str, Any], key: str, kind: type) -> list[Any]:
        given = table.get(key, [])
        if not isinstance(given, list) or not all(isinstance(each, kind) for each in given):
            raise self.wrong(table, key, "a list, each entry a table")
        return given

    def wrong(self, table: Mapping[str, Any], key: str, expected: str, *, said: str = "") -> BadTests:
        lines: dict[str, int] = getattr(table, "lines", {})
        line = lines.get(key, getattr(table, "line", 0))
        problem = said or f"{key} is not right"
        return BadTests(f"{self.name}, line {line}: {problem}; expected: {expected}.", name=self.name, line=line)
