"""What a customer takes back: "no, I meant Friday", "the other address", 不对，是明天."""

from collections.abc import Mapping

from kefu.brain.flow import cues
from kefu.brain.flow.program import program_of
from kefu.brain.flow.run import Run
from kefu.brain.slots.gather import Filled, fold_lengthwise, names_one
from kefu.brain.slots.readings import fitting, readings, subjects
from kefu.contracts.flow import AskStep, CallFlowStep, CallStep, Slot, SlotType, Step
from kefu.knowledge.words import fold

# These types read almost anything, so they are corrected only by name or right after they were said.
_LIBERAL = (SlotType.TEXT, SlotType.NAME, SlotType.ADDRESS)


def correct(
    run: Run, text: str, *, asked: Slot | None = None, freely: bool = False, besides: Slot | None = None
) -> bool:
    """Change the slots that a message takes back; whether it took any back.

    `asked` is the slot that is waited for: a message that only may correct ("sorry, 7 pm") answers the question if it
    can. `freely`: values of filled slots count without a word of correction, as when all values were just shown.
    `besides` is a slot that is confirmed at the moment: only others are corrected, and only by name.
    """
    strong = cues.corrects(text)
    filled = _filled(run) if run.top.flow.interrupts.corrections else []
    if not filled or not (strong or freely or cues.may_correct(text)):
        return False
    meant = cues.meant(text)
    named = [slot for slot in filled if slot is not besides and _is_named(slot, text)]
    answers = asked is not None and cues.may_answer(text) and bool(readings(asked, run.read(meant), asked=True))
    if not named and (besides is not None or answers):
        return False
    changes = _changes(run, meant, named or filled, named=bool(named), strong=strong)
    if changes:
        return _apply(run, changes, quietly=freely)
    to_clear = [slot for slot in named if strong and cues.wants_it_cleared(text)]
    return _apply(run, {slot.name: None for slot in to_clear[:1]}, quietly=True)


def otherwise(run: Run, filled: Mapping[str, Filled]) -> dict[str, Filled | None]:
    """The slots for which a tagger found another value than they hold."""
    values = run.top.values
    if not run.top.flow.interrupts.corrections:
        return {}
    return {
        name: each for name, each in filled.items() if name in values and values[name].value not in (None, each.value)
    }


def take_back(run: Run, changes: Mapping[str, Filled | None]) -> bool:
    """Change these slots and go back; whether it did: never past what was done for good."""
    if not changes:
        return False
    since = min(_since(run, name) for name in changes)
    passed = map(run.top.program.steps.get, run.top.trail[since:])
    if any(step is not None and _is_final(run, step) for step in passed):
        return False
    return _apply(run, dict(changes), quietly=True)


def change_named(run: Run, text: str, step: AskStep) -> bool:
    """After "what should I change?": new values, or the slots that are named emptied; whether there were any."""
    slots = [slot for slot in _filled(run) if slot.name in step.slots]
    named = [slot for slot in slots if _is_named(slot, text)]
    changes = _changes(run, cues.meant(text), named or slots, named=bool(named), strong=True)
    return _apply(run, changes or {slot.name: None for slot in named}, quietly=True)


def _filled(run: Run) -> list[Slot]:
    """The slots that hold a value, the last filled first."""
    slots, values = run.top.program.slots, run.top.values
    held = [name for name, value in values.items() if name in slots and value.value is not None]
    return [slots[name] for name in sorted(held, key=lambda name: -values[name].at)]


def _is_named(slot: Slot, text: str) -> bool:
    return names_one(fold(text), subjects(slot))


def _changes(run: Run, text: str, slots: list[Slot], *, named: bool, strong: bool) -> dict[str, Filled | None]:
    """New values that differ from the present ones: of every named slot, else of the last filled that can be meant."""
    changes: dict[str, Filled | None] = {}
    heard = run.read(text)
    for place, slot in enumerate(slots):
        present = run.top.values[slot.name].value
        closely = named or (strong and place == 0 and slot.type not in _LIBERAL)
        if slot.type in _LIBERAL and not named and not (strong and place == 0 and len(slots) == 1):
            closely = False
        found = [each for each in readings(slot, heard, asked=closely, before=present) if each.value != present]
        if not closely and slot.type is SlotType.NUMBER:
            found = [each for each in found if _unit_follows(slot, text, each.end)]
        if slot.type in _LIBERAL and named and _says_nothing(slot, text):
            found = []
        allowed = [(each, fitting(slot, each, heard.today)) for each in found]
        value = next(((each, value) for each, (value, why) in allowed if why is None and value != present), None)
        if value is not None:
            each, new = value
            changes[slot.name] = Filled(new, text[each.start : each.end])
            if not named:
                break
    return changes


def _unit_follows(slot: Slot, text: str, end: int) -> bool:
    return names_one(fold_lengthwise(text)[end : end + 10], subjects(slot))


def _says_nothing(slot: Slot, text: str) -> bool:
    """ "The other address" names what is wrong and does not say what is right."""
    rest = fold(text)
    for word in sorted(map(fold, subjects(slot)), key=len, reverse=True):
        rest = rest.replace(word, " ") if word else rest
    return cues.wants_it_cleared(text) and len(rest.split()) <= 5 and not any(char.isdigit() for char in rest)


def _apply(run: Run, changes: dict[str, Filled | None], *, quietly: bool) -> bool:
    """Change slots, and go back to the first step that used one of them, as far as that can be undone."""
    if not changes:
        return False
    frame = run.top
    since = [_since(run, name) for name in changes]
    passed = frame.trail[min(since) :]
    final = [step for step in map(frame.program.steps.get, passed) if step is not None and _is_final(run, step)]
    if any(frame.program.mentions(step.id, name) for step in final for name in changes):
        run.say(run.own_words("_too_late"))
        return True
    for name, filled in changes.items():
        if filled is None:
            run.empty(name)
        else:
            run.fill(frame.program.slots[name], filled)
    if not quietly:
        run.say(run.own_words("_changed"))
    if not final:
        used = [step_id for step_id in passed if any(frame.program.mentions(step_id, name) for name in changes)]
        emptied = [name for name, filled in changes.items() if filled is None]
        back = used[0] if used else next((step for name in emptied for step in _asking(run, name)), None)
        if back is not None and back != frame.step:
            frame.go(back)
            run.waiting = None
    return True


def _since(run: Run, name: str) -> int:
    """Where in the trail a value was filled."""
    frame = run.top
    forgotten = frame.gone_through - len(frame.trail)
    return max(0, frame.values[name].at - forgotten)


def _asking(run: Run, name: str) -> list[str]:
    """The steps already passed that ask for a slot, the last first."""
    steps = run.top.program.steps
    return [
        step_id
        for step_id in reversed(run.top.trail)
        if isinstance(step := steps.get(step_id), AskStep) and name in step.slots
    ]


def _is_final(run: Run, step: Step) -> bool:
    """Whether a step, or a flow that it called, did something that going back would do again."""
    called: set[str] = set()
    steps = [step]
    while steps:
        each = steps.pop()
        if isinstance(each, CallStep) and not each.repeatable:
            return True
        if isinstance(each, CallFlowStep) and each.flow not in called:
            called.add(each.flow)
            flow = run.shelf.get(each.flow)
            if flow is None:
                return True
            steps += program_of(flow).steps.values()
    return False
