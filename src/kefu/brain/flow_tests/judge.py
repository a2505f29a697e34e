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


# What was expected, and what came.
Wrong = tuple[str, str]


def failures_of(expect: Expect, seen: Seen) -> list[Wrong]:
    """For each thing that is not as expected: what was, and what came instead."""
    problems = [("a turn without trouble", each) for each in seen.problems]
    return [*problems, *_place(expect, seen), *_slots(expect, seen), *_calls(expect, seen), *_answer(expect, seen)]


def _place(expect: Expect, seen: Seen) -> Iterator[Wrong]:
    pairs = (
        ("flow", expect.flow, seen.flow),
        ("step", expect.step, seen.step),
        ("outcome", expect.outcome, seen.outcome),
        ("decision", expect.decision, seen.decision),
        ("team", expect.team, seen.team),
    )
    for what, wanted, found in pairs:
        if wanted is not None and wanted != found:
            yield f"{what} {wanted}", found or "none"
    if expect.hand_over is not None and expect.hand_over != seen.hand_over:
        reason = f" ({seen.reason})" if seen.reason else ""
        yield "a hand-over" if expect.hand_over else "no hand-over", f"{'one' if seen.hand_over else 'none'}{reason}"


def _slots(expect: Expect, seen: Seen) -> Iterator[Wrong]:
    for name, wanted in expect.slots.items():
        if seen.slots.get(name) != wanted:
            yield f"slot {name} {wanted!r}", repr(seen.slots.get(name))


def _calls(expect: Expect, seen: Seen) -> Iterator[Wrong]:
    if expect.calls is None:
        return
    same = len(expect.calls) == len(seen.calls)
    if not same or any(not _is(wanted, found) for wanted, found in zip(expect.calls, seen.calls, strict=True)):
        wanted = ", ".join(_told(each.tool, dict(each.arguments)) for each in expect.calls) or "none"
        yield f"calls {wanted}", ", ".join(_told(*each) for each in seen.calls) or "none"


def _is(wanted: ExpectedCall, found: tuple[str, dict[str, Any]]) -> bool:
    tool, arguments = found
    return wanted.tool == tool and all(
        name in arguments and arguments[name] == value for name, value in wanted.arguments.items()
    )


def _told(tool: str, arguments: dict[str, Any]) -> str:
    return f"{tool}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})"


def _answer(expect: Expect, seen: Seen) -> Iterator[Wrong]:
    text, shown = seen.text.casefold(), repr(seen.text[:_SHOWN])
    if seen.missing_answer and (expect.contains or expect.exact is not None or expect.sources or expect.decision):
        yield "an answer", seen.missing_answer
    if expect.exact is not None and seen.text.strip() != expect.exact.strip():
        yield f"exactly {expect.exact!r}", shown
    yield from ((f"an answer with {part!r}", shown) for part in expect.contains if part.casefold() not in text)
    yield from ((f"an answer without {part!r}", shown) for part in expect.not_contains if part.casefold() in text)
    for source in expect.sources:
        if not any(source.casefold() in each.casefold() for each in seen.sources):
            yield f"the source {source!r}", ", ".join(seen.sources) or "none"
    if expect.quick_replies is not None and expect.quick_replies != seen.quick_replies:
        yield f"quick replies {list(expect.quick_replies)}", str(list(seen.quick_replies))
