"""What a turn did beside what was expected of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kefu.brain.flow_tests.shapes import Expect, ExpectedCall

_SHOWN = 300  # characters of an answer that a sentence quotes


@dataclass
class Seen:
    """What a turn did. `problems` fail it whatever was expected; `missing_answer` only if an answer was."""

    texts: list[str] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    quick_replies: tuple[str, ...] = ()
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    slots: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    flow: str | None = None
    step: str | None = None
    decision: str = ""
    hand_over: bool = False
    team: str | None = None
    reason: str = ""
    outcome: str | None = None
    missing_answer: str = ""

    @property
    def text(self) -> str:
        """The whole answer."""
        return "\n\n".join(self.texts)


def failures_of(expect: Expect, seen: Seen) -> list[str]:
    """A sentence for each thing that is not as expected."""
    return [*seen.problems, *_place(expect, seen), *_slots(expect, seen), *_calls(expect, seen), *_answer(expect, seen)]


def _place(expect: Expect, seen: Seen) -> Iterator[str]:
    pairs = (
        ("flow", expect.flow, seen.flow),
        ("step", expect.step, seen.step),
        ("outcome", expect.outcome, seen.outcome),
        ("decision", expect.decision, seen.decision),
        ("team", expect.team, seen.team),
    )
    for what, wanted, found in pairs:
        if wanted is not None and wanted != found:
            yield f"{what} is {found or 'none'}, expected {wanted}"
    if expect.hand_over is not None and expect.hand_over != seen.hand_over:
        yield f"it was {'' if seen.hand_over else 'not '}handed over" + (f" ({seen.reason})" if seen.reason else "")


def _slots(expect: Expect, seen: Seen) -> Iterator[str]:
    for name, wanted in expect.slots.items():
        if seen.slots.get(name) != wanted:
            yield f"slot {name} is {seen.slots.get(name)!r}, expected {wanted!r}"


def _calls(expect: Expect, seen: Seen) -> Iterator[str]:
    if expect.calls is None:
        return
    same = len(expect.calls) == len(seen.calls)
    if not same or any(not _is(wanted, found) for wanted, found in zip(expect.calls, seen.calls, strict=True)):
        wanted = ", ".join(_told(each.tool, dict(each.arguments)) for each in expect.calls) or "none"
        found = ", ".join(_told(*each) for each in seen.calls) or "none"
        yield f"calls were {found}; expected {wanted}"


def _is(wanted: ExpectedCall, found: tuple[str, dict[str, Any]]) -> bool:
    tool, arguments = found
    return wanted.tool == tool and all(
        name in arguments and arguments[name] == value for name, value in wanted.arguments.items()
    )


def _told(tool: str, arguments: dict[str, Any]) -> str:
    return f"{tool}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})"


def _answer(expect: Expect, seen: Seen) -> Iterator[str]:
    text = seen.text
    if seen.missing_answer and (expect.contains or expect.exact is not None or expect.sources or expect.decision):
        yield seen.missing_answer
    if expect.exact is not None and text.strip() != expect.exact.strip():
        yield f"the answer is {text[:_SHOWN]!r}, expected exactly {expect.exact!r}"
    for part in expect.contains:
        if part.casefold() not in text.casefold():
            yield f"the answer does not hold {part!r}: {text[:_SHOWN]!r}"
    for part in expect.not_contains:
        if part.casefold() in text.casefold():
            yield f"the answer holds {part!r}: {text[:_SHOWN]!r}"
    for source in expect.sources:
        if not any(source.casefold() in each.casefold() for each in seen.sources):
            yield f"{source!r} is not cited; cited: {', '.join(seen.sources) or 'nothing'}"
    if expect.quick_replies is not None and expect.quick_replies != seen.quick_replies:
        yield f"quick replies are {list(seen.quick_replies)}, expected {list(expect.quick_replies)}"
