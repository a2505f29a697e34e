"""How fast flows run: steps a second on one core, and the milliseconds that a flow adds to a turn.

python benchmarks/flow_engine.py

Processor time, so that a busy machine does not matter. A turn is what dispatch does for it: state out of JSON, the
message understood and taken, steps run, state into JSON again. Tools take no time here.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from kefu.brain.flow import Shelf, begin, check_flow, go_on, load_flow, which_starts
from kefu.contracts.flow import Flow
from kefu.contracts.flow_state import CallTool, FlowState, ToolResult, Understood

TABLE = Path(__file__).parent.parent / "tests" / "brain" / "flow" / "book_table.yaml"
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
# Every kind of step that does not wait, with conditions and templates as companies write them: 184 steps a turn.
MIXED = """
schema: kefu.flow/v1
id: mixed
languages: [en]
when: {called: true}
steps:
- set: {count: 0, parcels: [{number: 1, state: open}, {number: 2, state: shut}]}
- repeat: 26
  while: count < 100
  steps:
  - set: {count: '{{ count + 1 }}', label: 'Parcel {{ count }}'}
  - if: count % 2 == 0 and parcels | length > 1
    then:
    - say: '{{ label }} of {{ parcels | part("number") | join(", ") }}: even.'
    - set: {even: true}
    else:
    - say: '{{ label }} is odd.'
    - goto: again
  - id: again
    set: {even: '{{ not even }}'}
  - say: 'So far {{ count }}.'
- end: solved
"""
TALKS = (
    ("en", ("I want to book a table", "we are four", "next Friday", "half past seven", "no, 5 people", "yes", "inside",
            "Do you have parking?", "Brian White", "my number is <PHONE_1>", "yes", "a high chair please", "5")),
    ("en", ("Can I reserve a table for 4 tomorrow at 7 on the terrace?", "not Monday, Tuesday", "yes please", "Ann",
            "<PHONE_2>", "yes", "no wishes", "4")),
    ("zh", ("我想订位", "四位", "下周五", "晚上七点半", "不对，是五位", "对的", "室内", "你们有停车位吗？", "<NAME_1>",
            "<PHONE_1>", "对", "要儿童椅", "5")),
    ("zh", ("订明天晚上七点半4位，露台", "改成后天", "好的", "<NAME_1>", "<PHONE_1>", "是的", "没有", "5")),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each figure is measured")
    seconds = parser.parse_args().seconds
    rate = steps_a_second(seconds)
    turns = sorted(turn_milliseconds(seconds))
    text = TABLE.read_text(encoding="utf-8")
    flows = [replace(load_flow(text), id=f"flow_{at}") for at in range(50)]
    heard = Understood(
        "c", "t", NOW, text="Good morning, I would like to book tables for the whole family", language="en"
    )
    print("| what | figure |\n| --- | --- |")
    print(f"| steps a second, one core | {rate:,.0f} |")
    print(f"| a flow turn, mean | {statistics.fmean(turns):.2f} ms |")
    print(f"| a flow turn, 95th percentile | {turns[int(0.95 * len(turns))]:.2f} ms |")
    print(f"| which of 50 flows a message starts | {_each(lambda: which_starts(flows, heard), seconds):.2f} ms |")
    print(
        f"| read and check a flow of {text.count(chr(10))} lines | {_each(lambda: check_flow(text), seconds):.1f} ms |"
    )


def steps_a_second(seconds: float) -> float:
    """Steps of all kinds that do not wait, per second of processor time."""
    flow = load_flow(MIXED)
    shelf = Shelf([flow])
    heard = Understood("c", "t", NOW)
    begin(flow, heard, shelf)
    steps, began = 0, time.process_time()
    while time.process_time() - began < seconds:
        stepped = begin(flow, heard, shelf)
        assert stepped.state.outcome == "solved"
        steps += len(stepped.path)
    return steps / (time.process_time() - began)


def turn_milliseconds(seconds: float) -> list[float]:
    """Milliseconds of processor time of each turn of the conversations, again and again."""
    flow = load_flow(TABLE.read_text(encoding="utf-8"))
    for language, talk in TALKS:
        _talk(flow, language, talk)
    taken: list[float] = []
    began = time.process_time()
    while time.process_time() - began < seconds:
        for language, talk in TALKS:
            taken += _talk(flow, language, talk)
    return taken


def _talk(flow: Flow, language: str, messages: tuple[str, ...]) -> list[float]:
    shelf = Shelf([flow])
    stored: str | None = None
    taken = []
    for at, text in enumerate(messages):
        began = time.process_time()
        heard = Understood("c", f"turn {at}", NOW, text=text, language=language)
        if stored is None:
            stepped = begin(flow, heard, shelf)
        else:
            stepped = go_on(FlowState.from_json(json.loads(stored)), heard, shelf)
        while stepped.effects and isinstance(call := stepped.effects[-1], CallTool):
            result = ToolResult(call.call_id, value={"tables": 2, "number": "T-17"})
            stepped = go_on(stepped.state, replace(heard, tool_result=result), shelf)
        stored = json.dumps(stepped.state.as_json())
        taken.append(1000 * (time.process_time() - began))
    assert stepped.state.outcome == "solved", (language, text, stepped)
    return taken


def _each(work: Callable[[], object], seconds: float) -> float:
    work()
    times, began = 0, time.process_time()
    while time.process_time() - began < seconds / 3:
        work()
        times += 1
    return 1000 * (time.process_time() - began) / times


if __name__ == "__main__":
    main()
