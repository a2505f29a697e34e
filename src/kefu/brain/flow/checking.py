"""What is wrong with a flow that can be read: names, ways, templates, slots. Each problem names its line and mends."""

import difflib
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime

from kefu.brain.flow import graph
from kefu.brain.flow.built_in import BUILT_IN
from kefu.brain.flow.listed import ASPECTS
from kefu.brain.flow.program import program_of
from kefu.brain.flow.reading import MOST_PROBLEMS, NAME, Path, Reader
from kefu.brain.flow.reading_flow import MOST_PARTS
from kefu.brain.flow.templates import BadTemplate, names_in, text_template, value_template
from kefu.brain.slots.patterns import compiled
from kefu.brain.slots.readings import Heard, bound, readings
from kefu.contracts.flow import (
    RESERVED,
    AskStep,
    CallFlowStep,
    CallStep,
    ChooseStep,
    Flow,
    GotoStep,
    HandOverStep,
    IfStep,
    Json,
    RateStep,
    RepeatStep,
    SayStep,
    SetStep,
    Slot,
    SlotType,
    Step,
)
from kefu.kit.errors import BadInput

# Examples are read as if they were said on this day: what counts is that they can be read at all.
_SAID_ON = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_WORDS_FOR_MISSING = ("hand_over", "skip", "end")
_MEASURED = (SlotType.NUMBER, SlotType.MONEY)
_TEMPLATE_HELP = "See the template language in docs/reference/flows.md."


class FlowChecker:
    """Checks one flow; problems go to the reader that knows where everything stands."""

    def __init__(
        self, flow: Flow, reader: Reader, tools: Collection[str] | None = None, flows: Collection[str] | None = None
    ) -> None:
        self.flow = flow
        self.reader = reader
        self.tools = tools
        self.flows = None if flows is None else {*flows, flow.id}
        self.program = program_of(flow)
        self.variables = set(_variables(flow))
        self.known = {*self.program.slots, *self.variables, *RESERVED, "value", "current", "other", "item", "place"}
        self.used: set[str] = set()

    def check(self) -> None:
        """Note everything that is wrong."""
        sizes = (
            ("steps", len(self.program.steps)),
            ("slots", len(self.flow.slots)),
            ("variables", len(self.variables)),
        )
        for what, size in sizes:
            if size > MOST_PARTS:
                self._note("too_many", f"The flow has {size} {what}.", f"{MOST_PARTS} at most; use call_flow.", (what,))
                return
        self._start()
        for slot in self.flow.slots:
            self._slot(slot)
        for step in self.flow.all_steps():
            self._step(step)
        self._templates()
        self._fillings()
        self._replies()
        if not any(problem.code in ("unknown_step", "duplicate_id") for problem in self.reader.problems):
            self._ways()

    def _note(self, code: str, sentence: str, fix: str, at: Path, *, severity: str = "error") -> None:
        self.reader.problem(code, sentence, fix, at, severity=severity)

    def _unknown(self, what: str, name: str, known: Iterable[str], at: Path) -> None:
        """A name of nothing: what may have been meant."""
        if len(self.reader.problems) >= MOST_PROBLEMS:
            return
        listed = sorted(known)
        near = difflib.get_close_matches(name, listed, 1)
        fix = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(listed) or 'none'}."
        self._note(f"unknown_{what}", f"There is no {what} {name!r}.", fix, at)

    def _start(self) -> None:
        when = self.flow.when
        if not self.flow.steps and ("steps",) in self.reader.places:
            self._note("missing_key", "The flow has no steps.", "Add steps: with at least one.", ("steps",))
        if not (when.intents or when.keywords or when.patterns or when.called):
            fix = "Give when: intents, keywords or patterns, or called: true if only other flows start it."
            self._note("never_starts", "Nothing starts this flow.", fix, ("when",), severity="warning")
        for pattern in when.patterns:
            self._pattern(pattern, ("when", "patterns"))

    def _pattern(self, pattern: str, at: Path) -> None:
        try:
            compiled(pattern)
        except BadInput as error:
            fix = "Patterns are RE2: no look-around (?= ?!, no back references; \\d, [A-Z]{2}, (?i) and | are fine."
            self._note("bad_pattern", error.sentence, fix, at)

    # Slots

    def _slot(self, slot: Slot) -> None:
        at = ("slot", slot.name)
        if slot.type is SlotType.CHOICE and not slot.choices:
            self._note("missing_key", f"The choice {slot.name!r} has none.", "Add choices: with a value each.", at)
        values = [choice.value for choice in slot.choices]
        self._once(values, (*at, "choices"))
        if slot.type is SlotType.PATTERN and not slot.pattern:
            self._note(
                "missing_key", f"{slot.name!r} has no pattern.", "Add pattern: '[A-Z]{2}\\d{6}' or the like.", at
            )
        if slot.pattern:
            self._pattern(slot.pattern, (*at, "pattern"))
        if slot.if_missing not in _WORDS_FOR_MISSING and slot.if_missing not in self.program.steps:
            self._unknown("step", slot.if_missing, {*self.program.steps, *_WORDS_FOR_MISSING}, (*at, "if_missing"))
        self._bounds(slot)
        if not any(problem.code == "bad_pattern" for problem in self.reader.problems):
            self._examples(slot)

    def _once(self, values: list[str], at: Path) -> None:
        for value in {value for value in values if values.count(value) > 1}:
            self._note("duplicate_id", f"The choice {value!r} is there twice.", "Keep one of them.", at)

    def _bounds(self, slot: Slot) -> None:
        today = _SAID_ON.date()
        limits = []
        for key, written in (("min", slot.minimum), ("max", slot.maximum)):
            if written is None:
                continue
            known = bound(written, slot.type, today)
            fits = isinstance(known, int | float) if slot.type in _MEASURED else isinstance(known, str)
            if slot.type not in (*_MEASURED, SlotType.DATE, SlotType.TIME) or not fits:
                fix = 'Numbers and money: 1; times: "11:00"; dates: 2026-12-01, today, today+30. Others have none.'
                self._note("bad_bound", f"{written!r} bounds no {slot.type}.", fix, ("slot", slot.name, key))
            else:
                limits.append(known)
        both_fit = len(limits) == 2 and type(limits[0]) is type(limits[1])
        if both_fit and limits[0] > limits[1]:  # type: ignore[operator]  # both are of one type
            fix = "Exchange min and max."
            self._note("bad_bound", f"{slot.name!r}: min is above max.", fix, ("slot", slot.name, "min"))

    def _examples(self, slot: Slot) -> None:
        for language, examples in slot.examples.items():
            spoken = self.flow.languages[0] if language == "*" and self.flow.languages else language
            for example in examples:
                heard = Heard(example, spoken, _SAID_ON)
                if not readings(slot, heard, asked=True):
                    fix = "Mend the example, the slot's type, pattern or choices; customers will write so too."
                    said = f"The example {example!r} is not understood as {slot.name!r} ({slot.type})."
                    self._note("bad_example", said, fix, ("slot", slot.name, "examples"))

    # Steps

    def _step(self, step: Step) -> None:
        at = ("step", step.id)
        if isinstance(step, AskStep):
            self._ask(step)
        elif isinstance(step, ChooseStep):
            self._choose(step)
        elif isinstance(step, GotoStep) and step.to not in self.program.steps:
            self._unknown("step", step.to, self.program.steps, (*at, "goto"))
        elif isinstance(step, CallStep) and self.tools is not None and step.tool not in self.tools:
            self._unknown("tool", step.tool, self.tools, (*at, "call"))
        elif isinstance(step, CallFlowStep) and self.flows is not None and step.flow not in self.flows:
            self._unknown("flow", step.flow, self.flows, (*at, "call_flow"))
        elif isinstance(step, RepeatStep) and not step.steps:
            self._note("missing_key", "There is nothing to repeat.", "Add steps:", at)
        elif isinstance(step, IfStep) and not step.condition:
            self._note("missing_key", "if: has no condition.", "Such as if: people > 8", at)

    def _choose(self, step: ChooseStep) -> None:
        at = ("step", step.id)
        if not step.options and not step.source:
            self._note("missing_key", "There is nothing to choose from.", "Add options:, or from: with a list.", at)
        if step.options and step.source:
            self._note("two_lists", "A choice is from options or from a list.", "Leave out options: or from:", at)
        if step.source and not step.label:
            fix = "Such as label: {en: '{{ item.name }}'}"
            self._note("missing_key", "The items of a list need a label.", fix, at)
        if step.source and not step.into:
            self._note("missing_key", "Nothing keeps the item that is chosen.", "Add into: with a name.", at)
        for aspect in step.compare:
            if aspect not in ASPECTS:
                self._unknown("comparison", aspect, ASPECTS, (*at, "compare"))
        self._once([option.choice.value for option in step.options], (*at, "options"))

    def _ask(self, step: AskStep) -> None:
        at = ("step", step.id, "ask")
        if not step.slots:
            self._note("missing_key", "There is nothing to ask for.", "Name a slot, or several: [date, time].", at)
        for name in step.slots:
            slot = self.program.slots.get(name)
            if slot is None:
                self._unknown("slot", name, self.program.slots, at)
            elif not slot.question:
                fix = f"Add question: to the slot {name!r}."
                self._note("missing_key", f"The slot {name!r} is asked for and has no question.", fix, ("slot", name))

    # Templates and names

    def _templates(self) -> None:
        for step in self.flow.all_steps():
            for source, at, is_condition in _step_templates(step):
                self._template(source, at, is_condition=is_condition)
        for slot in self.flow.slots:
            for key in ("question", "again", "invalid", "confirm_text"):
                place = "confirm" if key == "confirm_text" else key
                for language, text in getattr(slot, key).items():
                    self._template(text, ("slot", slot.name, place, language))
        for name, texts in self.flow.replies.items():
            for language, text in texts.items():
                self._template(text, ("reply", name, language))

    def _template(self, source: Json, at: Path, *, is_condition: bool = False) -> None:
        try:
            if is_condition:
                names = value_template(str(source)).names if source else frozenset()
                if "{{" in str(source):
                    raise BadTemplate("A condition stands without {{ }}.")
            else:
                names = names_in(source)
                if isinstance(source, str) and "{" in source:
                    text_template(source)
        except BadTemplate as error:
            line, column = self.reader.place(at)
            self.reader.places[(*at, "#")] = (line + error.line - 1, column)
            self._note("bad_template", error.sentence, _TEMPLATE_HELP, (*at, "#"))
            return
        self.used |= names
        for name in sorted(names - self.known):
            self._unknown("name", name, self.known - {"value", "current", "other", "item", "place"}, at)

    def _fillings(self) -> None:
        """Slots and variables that are used must be filled somewhere before."""
        asked = {name for step in self.flow.all_steps() if isinstance(step, AskStep) for name in step.slots}
        for slot in self.flow.slots:
            at = ("slot", slot.name)
            recalled = slot.attribute or slot.remember.scope != "flow"
            if slot.name in asked or slot.name in self.variables or recalled or self.flow.when.called:
                continue
            if slot.name not in self.used:
                self._note("unused_slot", f"Nothing asks for or uses {slot.name!r}.", "Add ask:, or leave it out.", at,
                           severity="warning")  # fmt: skip
            elif not slot.volunteer or slot.type in (SlotType.TEXT, SlotType.YES_NO):
                fix = f"Add - ask: {slot.name} before it is used."
                self._note("never_filled", f"The slot {slot.name!r} is used and never filled.", fix, at)
            else:
                fix = f"Add - ask: {slot.name}, unless it is meant to be volunteered only."
                said = f"The slot {slot.name!r} is filled only if the customer names it unasked."
                self._note("never_filled", said, fix, at, severity="warning")
        if not self.flow.when.called:
            self._set_before_use()

    def _set_before_use(self) -> None:
        ways = list(graph.edges(self.program))
        setters: dict[str, set[str]] = {}
        for step in self.flow.all_steps():
            for name in _sets(step):
                setters.setdefault(name, set()).add(step.id)
        for name in sorted(self.variables - set(self.program.slots)):
            after = graph.reached(ways, setters.get(name, ()))
            for step in self.flow.all_steps():
                own = step.id in setters.get(name, ()) and not isinstance(step, SetStep)
                if step.id not in after and not own and self.program.mentions(step.id, name):
                    fix = f"Set {name!r} before, or write {{{{ {name} | default('') }}}} after setting it elsewhere."
                    self._note("used_before_set", f"{name!r} is used before it is set.", fix, ("step", step.id))

    def _replies(self) -> None:
        said = {step.say for step in self.flow.all_steps() if isinstance(step, SayStep)}
        handed = [step.texts for step in self.flow.all_steps() if isinstance(step, HandOverStep)]
        for name, texts in self.flow.replies.items():
            if name.startswith("_") and name not in BUILT_IN:
                self._unknown("reply", name, BUILT_IN, ("reply", name))
            elif not name.startswith("_") and name not in said and texts not in handed:
                fix = "Leave it out, or say it."
                self._note("unused_reply", f"Nothing says {name!r}.", fix, ("reply", name), severity="warning")

    # Ways

    def _ways(self) -> None:
        if self.program.first is None:
            return
        ways = list(graph.edges(self.program))
        live = graph.reached(ways, [self.program.first])
        covered: set[str] = set()
        for step in self.flow.all_steps():
            if step.id not in live and step.id not in covered:
                covered |= graph.reached(ways, [step.id]) | _all_inside(step)
                fix = "Lead to it with goto, move it, or leave it out."
                self._note("unreachable", f"The step {step.id!r} is never come to.", fix, ("step", step.id))
        to_end = graph.reached(graph.reversed_edges(ways), [graph.OVER])
        stuck = next((step for step in self.flow.all_steps() if step.id in live and step.id not in to_end), None)
        if stuck is not None:
            fix = "Add end:, hand_over: or a branch that leaves."
            self._note("no_way_out", f"From {stuck.id!r} the flow never ends.", fix, ("step", stuck.id))
        self._circles([edge for edge in ways if edge.source in live])

    def _circles(self, ways: list[graph.Edge]) -> None:
        """Circles in which nobody is asked: a turn would run in them until its steps are used up."""
        emptied = {name for step in self.flow.all_steps() if isinstance(step, SetStep)
                   for name, value in step.values.items() if value is None}  # fmt: skip
        steps = self.program.steps
        silent = [
            edge
            for edge in ways
            if edge.target in steps
            and not _waits(steps[edge.source], emptied)
            and not (isinstance(steps[edge.target], RepeatStep) and edge.target in self.program.repeats[edge.source])
        ]
        around = graph.circle(silent)
        if around:
            fix = "Ask something in it (afresh: true asks again), empty a slot with set: {slot: null}, or use repeat."
            said = f"It runs in a circle without asking anything: {' → '.join([*around, around[0]])}."
            self._note("circle", said, fix, ("step", around[0]))


def _waits(step: Step, emptied: set[str]) -> bool:
    """Whether a step surely waits for the customer each time that it is come to."""
    if isinstance(step, AskStep):
        return bool(step.confirm) or step.afresh or any(name in emptied for name in step.slots)
    # A list may be empty, and then nobody is asked.
    return isinstance(step, RateStep) or (isinstance(step, ChooseStep) and not step.source)


def _all_inside(step: Step) -> set[str]:
    return {step.id}.union(*(_all_inside(inner) for _, inside in step.branches() for inner in inside))


def _variables(flow: Flow) -> Iterator[str]:
    """Every name that a step sets, slots included."""
    for step in flow.all_steps():
        yield from _sets(step)


def _sets(step: Step) -> list[str]:
    names: list[str] = []
    if isinstance(step, SetStep):
        names = [name for name, value in step.values.items() if value is not None]
    elif isinstance(step, CallStep | CallFlowStep):
        names = list(step.save)
    elif isinstance(step, ChooseStep | RateStep) and step.into:
        names = [step.into]
    return [name for name in names if "." not in name]


def _step_templates(step: Step) -> Iterator[tuple[Json, Path, bool]]:
    """Every template of a step with its place, and whether it is a condition."""
    for source, place in (*_said(step), *_worked_out(step)):
        yield source, ("step", step.id, *place), False
    if isinstance(step, ChooseStep):
        yield step.source, ("step", step.id, "from"), True
    if isinstance(step, IfStep | RepeatStep):
        yield step.condition, ("step", step.id, "if" if isinstance(step, IfStep) else "while"), True


def _said(step: Step) -> Iterator[tuple[Json, Path]]:
    """What a step says to the customer."""
    if isinstance(step, SayStep | ChooseStep | RateStep | HandOverStep):
        place = ("hand_over", "say") if isinstance(step, HandOverStep) else (step.kind,)
        yield from ((text, (*place, language)) for language, text in step.texts.items())
    if isinstance(step, SayStep):
        yield from ((word, ("quick_replies",)) for words in step.quick_replies.values() for word in words)
    if isinstance(step, AskStep):
        yield from ((text, ("confirm", language)) for language, text in step.confirm.items())
    if isinstance(step, ChooseStep):
        for at, option in enumerate(step.options):
            for language, text in option.choice.label.items():
                yield text, ("options", str(at), "label", language)
        yield from ((text, ("label", language)) for language, text in step.label.items())


def _worked_out(step: Step) -> Iterator[tuple[Json, Path]]:
    """What a step works out for tools, other flows, variables and colleagues."""
    if isinstance(step, CallStep | CallFlowStep):
        yield from ((value, ("with", name)) for name, value in step.arguments.items())
        yield from ((value, ("save", name)) for name, value in step.save.items())
    if isinstance(step, SetStep):
        yield from ((value, ("set", name)) for name, value in step.values.items())
    if isinstance(step, HandOverStep):
        yield step.note, ("hand_over", "note")


def check_names(flow: Flow, reader: Reader) -> None:
    """Names that set and save give must be names."""
    for step in flow.all_steps():
        keys = ("set",) if isinstance(step, SetStep) else ("save",)
        for name in [*_sets(step), *(step.values if isinstance(step, SetStep) else ())]:
            scope, dot, attribute = name.partition(".")
            fine = NAME.fullmatch(attribute if dot else name) and (
                scope in ("contact", "conversation") if dot else True
            )
            if not fine or name in RESERVED:
                fix = "Use small letters, digits and _; contact.NAME and conversation.NAME keep attributes."
                reader.problem("bad_name", f"{name!r} cannot be set.", fix, ("step", step.id, *keys, name))
