"""STAR's eight tasks as flows, its customers replayed: python benchmarks/star.py dialogues_en/star

Each dialogue's customer turns go through the pure engine in their order. Nothing of what the wizard did is seen by
it; tools answer what the dialogue's database answered to the same call. The flows in benchmarks/star were written
looking at one half of the dialogues only (each task's, in the order of their ids: the first, the third, …); the other
half is reported apart. The data hold the 15 complete dialogues of each of eight tasks, and all eight are taken. What
customers mean is told by lists and patterns (star_rules.py) and a linear tagger (star_slots.py) taught on the seen
half; a dialogue of that half is replayed with a tagger that has not seen it.

A dialogue is right when its last outcome is the one that the task's graph gives for what the database last answered
(or that the wizard said after it), and the same calls were made: for each kind of request the last one that was
answered, with the same arguments. Free text (what the fraud was, what to change) need only be there. A look-up that the
wizard left out may be made; a booking may not.
"""

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from star_rules import candidates as candidates_of
from star_slots import Find, taught

from kefu.brain.flow import Shelf, begin, go_on, load_flow
from kefu.brain.hear import hear
from kefu.brain.slots.dates import dates
from kefu.brain.slots.times import times
from kefu.contracts.flow import Flow
from kefu.contracts.flow_state import CallTool, FlowState, ToolResult, Understood
from kefu.knowledge.masking import mask
from kefu.knowledge.masking.placeholders import unmask

FLOWS = Path(__file__).parent / "star"
RESULTS = Path(__file__).parent / "results/star.json"
# What a task can come to, as its graph names the replies.
OUTCOMES = {
    "bank_balance": {"bank_inform_balance", "bank_inform_cannot_authenticate"},
    "bank_fraud_report": {"bank_inform_fraud_report_submitted", "bank_inform_cannot_authenticate"},
    "doctor_followup": {"doctor_inform_doctors_instructions", "doctor_inform_nothing_found"},
    "hotel_book": {
        "hotel_ask_confirm_booking", "hotel_unavailable", "hotel_reservation_succeeded", "hotel_reservation_failed",
    },
    "hotel_service_request": {"hotel_inform_service_request_successful", "hotel_inform_service_request_failed"},
    "plane_book": {
        "plane_flight_available", "plane_flight_unavailable", "plane_reservation_succeeded", "plane_reservation_failed",
    },
    "ride_change": {"ride_inform_changes_successful", "ride_inform_changes_failed"},
    "ride_status": {"ride_provide_booking_status", "ride_inform_nothing_found"},
}  # fmt: skip
# What an answer of the database means: the first of these words in it.
MEANS = {
    "bank_balance": (("BankBalance", "bank_inform_balance"), ("must provide", "bank_inform_cannot_authenticate")),
    "bank_fraud_report": (
        ("submitted", "bank_inform_fraud_report_submitted"), ("must provide", "bank_inform_cannot_authenticate"),
    ),
    "doctor_followup": (("Message", "doctor_inform_doctors_instructions"),),
    "hotel_book": (
        ("Confirmed", "hotel_reservation_succeeded"), ("Failed", "hotel_reservation_failed"),
        ("Unavailable", "hotel_unavailable"), ("Available", "hotel_ask_confirm_booking"),
    ),
    "hotel_service_request": (
        ("Confirmed", "hotel_inform_service_request_successful"), ("Failed", "hotel_inform_service_request_failed"),
    ),
    "plane_book": (
        ("Confirmed", "plane_reservation_succeeded"), ("Failed", "plane_reservation_failed"),
        ("Unavailable", "plane_flight_unavailable"), ("Available", "plane_flight_available"),
    ),
    "ride_change": (("success", "ride_inform_changes_successful"), ("unable", "ride_inform_changes_failed")),
    "ride_status": (("RideStatus", "ride_provide_booking_status"),),
}  # fmt: skip
FREE_TEXT = {"FraudReport", "ChangeDescription", "CustomerRequest"}
SECURITY = ("DateOfBirth", "SecurityAnswer1", "SecurityAnswer2")
WRAPPED = re.compile(r'api\.is_equal_to\("?(.*?)"?\)')
SEARCH = re.compile(r"api\.is_(?!equal_to)")
MOST_CALLS = 8
FOLDS = 2
A_DAY = datetime(2020, 1, 1, 10, tzinfo=UTC)  # from which written dates and times are read, the same for both sides
ALIKE = 0.85  # Katrine and Katarina, not Ben and Mark


@dataclass(frozen=True)
class Call:
    """A request with its plain arguments, and what the database answered: None for nothing."""

    arguments: Mapping[str, str]
    answer: Mapping[str, Any] | None = None

    @property
    def kind(self) -> str:
        return self.arguments.get("RequestType", "")


@dataclass(frozen=True)
class Dialogue:
    """What the replay needs of one: `calls` are the database's, `outcomes` what it may come to: by the database's last
    answer, or by what the wizard said after it."""

    id: int
    task: str
    at: datetime
    turns: tuple[str, ...]
    calls: tuple[Call, ...]
    outcomes: tuple[str, ...]


@dataclass
class Replay:
    """What the engine did."""

    calls: list[Call] = field(default_factory=list)
    outcome: str = ""
    log: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--show", default="", help="print the wrong dialogues of the seen half: all, or a task's")
    parser.add_argument("--seen", action="store_true", help="only the seen half, for those who mend flows and rules")
    given = parser.parse_args()
    flows = {path.stem: load_flow(path.read_text(encoding="utf-8")) for path in sorted(FLOWS.glob("*.yaml"))}
    table: dict[str, dict[str, list[bool]]] = defaultdict(lambda: {"seen": [], "held out": []})
    dialogues_of, tables = by_task(given.folder / "star_dialogues.jsonl")
    seen = {task: dialogues[::2] for task, dialogues in dialogues_of.items()}
    # A dialogue of the seen half is replayed with what was learnt from the other dialogues of that half.
    parts = [
        [tables[each.id] for dialogues in seen.values() for each in dialogues[part::FOLDS]] for part in range(FOLDS)
    ]
    finds = [taught([row for other in range(FOLDS) if other != part for row in parts[other]]) for part in range(FOLDS)]
    whole = taught([row for part in parts for row in part])
    for task, dialogues in dialogues_of.items():
        for place, dialogue in enumerate(dialogues):
            if given.seen and place % 2:
                continue
            find = whole if place % 2 else finds[place // 2 % FOLDS]
            replay = replayed(flows[task], dialogue, find)
            wrong = wrongs(dialogue, replay)
            table[task]["held out" if place % 2 else "seen"].append(not wrong)
            if wrong and place % 2 == 0 and given.show in {"all", task}:
                print(f"== {task} {dialogue.id}: {'; '.join(wrong)}", *replay.log, sep="\n  ")
    report(table, keep=not given.seen)


def report(table: Mapping[str, Mapping[str, Sequence[bool]]], *, keep: bool) -> None:
    """Print the table and keep it, if it is whole."""
    kept: dict[str, Any] = {
        task: {half: [sum(each), len(each)] for half, each in row.items()} for task, row in table.items()
    }
    kept["all"] = {
        half: [sum(row[half][at] for row in kept.values()) for at in (0, 1)] for half in ("seen", "held out")
    }
    print("| task | seen half | held-out half |\n| --- | ---: | ---: |")
    for task, row in kept.items():
        print(f"| {task} | " + " | ".join(f"{row[half][0]} of {row[half][1]}" for half in ("seen", "held out")) + " |")
    shares = {half: row[0] / max(1, row[1]) for half, row in kept["all"].items()}
    right, number = (sum(row[at] for row in kept["all"].values()) for at in (0, 1))
    print(f"\nright: {right / number:.3f} of {number}; seen {shares['seen']:.3f}, held out {shares['held out']:.3f}")
    if not keep:
        return
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


# the dialogues


def by_task(file: Path) -> tuple[dict[str, list[Dialogue]], dict[int, Mapping[str, Any]]]:
    """Each task's dialogues in the order of their ids, and the dialogues as they are written, by id."""
    found: dict[str, list[Dialogue]] = defaultdict(list)
    tables = {table["DialogueID"]: table for table in map(json.loads, file.read_text(encoding="utf-8").splitlines())}
    for table in tables.values():
        dialogue = read(table)
        found[dialogue.task].append(dialogue)
    return {task: sorted(found[task], key=lambda each: each.id) for task in sorted(found)}, tables


def read(table: Mapping[str, Any]) -> Dialogue:
    task = table["Scenario"]["WizardCapabilities"][0]["Task"]
    turns: list[str] = []
    calls: list[Call] = []
    answered = said = ""
    for event in table["Events"]:
        action = event["Action"]
        if action == "utter" and event["Agent"] == "User":
            turns.append(event["Text"])
        elif action == "query":
            calls.append(Call(plain_arguments(event["Constraints"])))
        elif action == "return_item" and calls:
            calls[-1] = replace(calls[-1], answer=event.get("Item") or None)
            told = meant(task, calls[-1])
            answered, said = (told, "") if told else (answered, said)
        elif action == "pick_suggestion" and event["ActionLabel"] in OUTCOMES[task]:
            said = event["ActionLabel"]
    at = datetime.fromtimestamp(table["Events"][0]["UnixTime"], UTC)
    outcomes = tuple(filter(None, dict.fromkeys((answered, said))))
    return Dialogue(table["DialogueID"], task, at, tuple(turns), tuple(calls), outcomes)


def plain_arguments(constraints: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Without quotes, nulls and searches over many values."""
    found = {}
    for name, written in ((name, str(value)) for each in constraints for name, value in each.items()):
        wrapped = WRAPPED.fullmatch(written.strip())
        value = (wrapped[1] if wrapped else written).strip().strip('"').strip()
        if value and value != "null" and not SEARCH.match(value):
            found[name] = value
    return found


def meant(task: str, call: Call) -> str:
    """The outcome that the task's graph gives for an answer."""
    told = json.dumps(call.answer or {})
    return next((outcome for word, outcome in MEANS[task] if word in told), "")


# the replay


def replayed(flow: Flow, dialogue: Dialogue, find: Find) -> Replay:
    """The customer's turns through the engine, masked as in every conversation."""
    shelf, replay = Shelf([flow]), Replay()
    state: FlowState | None = None
    names: Mapping[str, str] = {}
    asked = ""
    for number, said_text in enumerate(dialogue.turns):
        masked = mask(hear(said_text, "en", "en").text, "en", names)
        text, names = masked.text, masked.placeholders
        values = {name: each.value for frame in (state.frames if state else ()) for name, each in frame.values.items()}
        plain = candidates_of(text, [slot.name for slot in flow.slots], values, asked)
        told = {each.slot for each in plain}
        candidates = (*plain, *(each for each in find(text, asked) if each.slot not in told))
        heard = Understood(str(dialogue.id), str(number), dialogue.at, text, candidates=candidates)
        if state is not None and state.over:
            replay.log.append(f"U: {text}  (over)")
            continue
        stepped = begin(flow, heard, shelf) if state is None else go_on(state, heard, shelf)
        replay.log.append(f"U: {text}   {[(each.slot, each.text, round(each.score, 2)) for each in candidates]}")
        for _ in range(MOST_CALLS):
            state = stepped.state
            said = " | ".join(getattr(each, "text", "") or type(each).__name__ for each in stepped.effects)
            values = {name: value.value for frame in state.frames for name, value in frame.values.items()}
            replay.log.append(f"   {[step.split('/')[1] for step in stepped.path]} {said} {values}")
            for step in stepped.path:
                if step.split("/")[1] in OUTCOMES[dialogue.task]:
                    replay.outcome = step.split("/")[1]
            wanted = next((each for each in stepped.effects if isinstance(each, CallTool)), None)
            if wanted is None:
                asked = state.waiting.slot or "" if state.waiting is not None else ""
                break
            result = answered(dialogue, replay, wanted, names)
            stepped = go_on(state, replace(heard, tool_result=result), shelf)
    return replay


def answered(dialogue: Dialogue, replay: Replay, wanted: CallTool, names: Mapping[str, str]) -> ToolResult:
    """What the database answered to this call: the second time it was made, the second answer, if there was one."""
    given = {name: unmask(str(value), names) for name, value in wanted.arguments.items() if value not in (None, "")}
    call = Call(given)
    known = [each for each in dialogue.calls if each.answer is not None and same(each, call)]
    most = max((len(each.arguments) for each in known), default=0)
    known = [each for each in known if len(each.arguments) == most]  # what was refused had lacked something
    before = sum(each.arguments == call.arguments for each in replay.calls)
    answer: Mapping[str, Any] | None = known[min(before, len(known) - 1)].answer if known else None
    if answer is None and call.kind == "Check":
        booked = any(same(replace(each, arguments={**each.arguments, "RequestType": "Check"}), call)
                     for each in dialogue.calls if each.kind == "Book")  # fmt: skip
        answer = {"Message": "Available" if booked else "Unavailable"}
    replay.calls.append(replace(call, answer=answer))
    replay.log.append(f"   {wanted.tool}({given}) -> {answer}")
    if answer is None:
        return ToolResult(wanted.call_id, False, None, "not_found")
    return ToolResult(wanted.call_id, True, dict(answer))


# the comparison


def wrongs(dialogue: Dialogue, replay: Replay) -> list[str]:
    """What is not right."""
    said = []
    if replay.outcome not in (dialogue.outcomes or ("",)):
        said.append(f"came to {replay.outcome or 'nothing'}, not {' or '.join(dialogue.outcomes) or 'nothing'}")
    mine, gold = last_calls(dialogue.task, replay.calls), last_calls(dialogue.task, dialogue.calls)
    for kind, call in gold.items():
        if kind not in mine:
            said.append(f"no call {kind} {dict(call.arguments)}")
        elif not same(call, mine[kind]):
            said.append(f"called with {dict(mine[kind].arguments)}, not {dict(call.arguments)}")
    said += [f"a call {kind} too many" for kind in mine if kind not in gold and kind != "Check"]
    return said


def last_calls(task: str, calls: Sequence[Call]) -> dict[str, Call]:
    """The last call of each kind that the database answered with more than a refusal."""
    return {
        each.kind: each
        for each in calls
        if each.answer is not None and meant(task, each) not in {"", "bank_inform_cannot_authenticate"}
    }


def same(gold: Call, mine: Call) -> bool:
    """Whether a call asks for what the wizard's asked for, who may have left out what was not needed.

    A bank's customer is known by PIN or by the security answers.
    """
    wanted, given = normal(gold.arguments), normal(mine.arguments)
    if "FullName" in wanted and "FullName" in given:
        by_pin = all(name in wanted and name in given for name in ("AccountNumber", "PIN"))
        names = ("FullName", *(("AccountNumber", "PIN") if by_pin else SECURITY))
        return all(name in wanted and alike(wanted[name], given.get(name, "")) for name in names)
    return all(alike(value, given.get(name, "")) for name, value in wanted.items())


def alike(one: str, other: str) -> bool:
    """The same number, or the same words but for a wizard's slip of a letter or two."""
    if one.isdigit() or other.isdigit():
        return one == other
    return one == other or SequenceMatcher(None, one, other).ratio() >= ALIKE


def normal(arguments: Mapping[str, str]) -> dict[str, str]:
    """Arguments without free text, as one writes them: `1st` and `2020-05-01` are the first, `4 pm` is `16:00`."""
    return {name: _normal(name, value) for name, value in arguments.items() if name not in FREE_TEXT}


def _normal(name: str, value: str) -> str:
    value = value.strip(" .").lower()
    if name in {"StartDate", "EndDate"}:
        day = next((each.value for each in dates(value, A_DAY.date())), "")
        return str(int(day[-2:])) if day else re.sub(r"\D", "", value)
    if name == "Time":
        return next((str(each.value) for each in times(value, A_DAY, asked=True)), value)
    if name == "DateOfBirth":
        day = next((each.value for each in dates(value, A_DAY.date(), "past")), "")
        written = re.findall(r"\d+", value) if value.replace("/", "").isdigit() or not day else day.split("-")[::-1]
        return "/".join(str(int(part) % 100) for part in written)
    if name == "Name":
        return value.removeprefix("dr").removeprefix(".").removeprefix("doctor").strip()
    return value.lstrip("0") if value.isdigit() else value


if __name__ == "__main__":
    main()
