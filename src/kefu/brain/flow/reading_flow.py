"""The parts of a flow in YAML: head, slots, steps, replies, interrupts. See docs/reference/flows.md."""

from typing import TYPE_CHECKING

from kefu.brain.flow.reading import ID, NAME, Fields, Reader
from kefu.contracts.flow import (
    RESERVED,
    SCHEMA,
    STEP_KINDS,
    AskStep,
    CallFlowStep,
    CallStep,
    ChooseStep,
    EndStep,
    Flow,
    GotoStep,
    HandOverStep,
    IfStep,
    Interrupts,
    Option,
    RateStep,
    Remember,
    RepeatStep,
    SayStep,
    SetStep,
    Slot,
    SlotType,
    Step,
    Texts,
    When,
)

if TYPE_CHECKING:
    import yaml

FLOW_KEYS = (
    "schema", "id", "name", "version", "languages", "description", "when", "slots", "steps", "replies", "interrupts",
)  # fmt: skip
WHEN_KEYS = ("intents", "keywords", "patterns", "called")
SLOT_KEYS = (
    "type", "question", "again", "invalid", "examples", "hint", "pattern", "choices", "min", "max", "direction",
    "currency", "ask_again", "if_missing", "attribute", "remember", "confirm", "volunteer",
)  # fmt: skip
INTERRUPT_KEYS = ("questions", "cancel", "may_cancel", "corrections", "other_flows")
# What stands beside each kind of step.
STEP_KEYS = {
    "say": ("quick_replies",),
    "ask": ("confirm", "unknown", "afresh"),
    "choose": ("options", "from", "label", "compare", "into", "ask_again", "otherwise"),
    "call": ("with", "save", "repeatable", "on_error"),
    "set": (),
    "if": ("then", "else"),
    "repeat": ("while", "steps", "otherwise"),
    "goto": (),
    "call_flow": ("with", "save"),
    "hand_over": (),
    "rate": ("scale", "into"),
    "end": (),
}
HAND_OVER_KEYS = ("reason", "team", "note", "say")
QUESTIONS = ("answer", "hand_over", "ignore")
OTHER_FLOWS = ("ask", "switch", "ignore")
DIRECTIONS = ("future", "past")
MOST_ROUNDS, MOST_QUESTIONS = 100, 10
# Ten times the longest guideline that we have seen; ways and names are looked at for each step.
MOST_PARTS = 500


class FlowReader:
    """Reads one document."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.counts = dict.fromkeys(STEP_KINDS, 0)
        self.taken: set[str] = set()
        self.seen: set[str] = set()
        self.replies: dict[str, Texts] = {}

    def flow(self, root: "yaml.Node") -> Flow:
        """The flow, as far as it can be read; problems are with the reader."""
        reader = self.reader
        fields = reader.fields(root, (), FLOW_KEYS, "A flow")
        for key in ("schema", "id", "languages", "steps"):
            if key not in fields.table:
                reader.problem("missing_key", f"The flow has no {key!r}.", f"Add {key}: {_FIRST_LINES[key]}", root)
        if "schema" in fields.table and fields.text("schema") != SCHEMA:
            reader.problem("schema", f"schema must be {SCHEMA}.", f"Write schema: {SCHEMA}", ("schema",))
        reader.languages = fields.names("languages")
        if "languages" in fields.table and not reader.languages:
            reader.problem("missing_language", "A flow has at least one language.", "Write [en].", ("languages",))
        self._replies(fields.node("replies"))
        steps = fields.node("steps")
        self.taken = set(_ids(steps)) if steps is not None else set()
        own_id = fields.node("id")
        return Flow(
            id=reader.name(own_id, "a flow's id", ID) if own_id is not None else "",
            name=fields.texts("name"),
            version=fields.whole("version", 1, 999_999, 1),
            languages=reader.languages,
            description=fields.text("description"),
            when=self._when(fields.node("when")),
            slots=self._slots(fields.node("slots")),
            steps=self._inside(fields, "steps"),
            replies=self.replies,
            interrupts=self._interrupts(fields.node("interrupts")),
        )

    def _replies(self, node: "yaml.Node | None") -> None:
        if node is None:
            return
        for name, key_node, value in self.reader.pairs(node, "replies"):
            if not NAME.fullmatch(name.removeprefix("_")):
                fix = "Use small letters, digits and _."
                self.reader.problem("bad_name", f"{name!r} cannot be a reply's name.", fix, key_node)
            self.replies[name] = self.reader.texts(value, ("reply", name), f"The reply {name!r}")

    def _when(self, node: "yaml.Node | None") -> When:
        if node is None:
            return When()
        fields = self.reader.fields(node, ("when",), WHEN_KEYS, "when")
        return When(fields.names("intents"), fields.words("keywords"), fields.names("patterns"), fields.truth("called"))

    def _interrupts(self, node: "yaml.Node | None") -> Interrupts:
        if node is None:
            return Interrupts()
        fields = self.reader.fields(node, ("interrupts",), INTERRUPT_KEYS, "interrupts")
        return Interrupts(
            questions=fields.one_of("questions", QUESTIONS, "answer"),
            cancel=fields.words("cancel"),
            may_cancel=fields.truth("may_cancel", True),
            corrections=fields.truth("corrections", True),
            other_flows=fields.one_of("other_flows", OTHER_FLOWS, "ask"),
        )

    def _slots(self, node: "yaml.Node | None") -> tuple[Slot, ...]:
        if node is None:
            return ()
        slots = []
        for name, key_node, value in self.reader.pairs(node, "slots"):
            if not NAME.fullmatch(name) or name in RESERVED:
                own = f"; {name!r} has a meaning of its own." if name in RESERVED else "."
                fix = f"Use small letters, digits and _{own}"
                self.reader.problem("bad_name", f"{name!r} cannot be a slot's name.", fix, key_node)
            slots.append(self._slot(name, value))
        return tuple(slots)

    def _slot(self, name: str, node: "yaml.Node") -> Slot:
        reader, path = self.reader, ("slot", name)
        fields = reader.fields(node, path, SLOT_KEYS, f"The slot {name!r}")
        confirm, confirm_text = self._confirm(fields)
        choices = [
            reader.choice(item, (*path, "choices", str(at)))[0] for at, item in enumerate(fields.items("choices"))
        ]
        remember = fields.node("remember")
        return Slot(
            name=name,
            type=SlotType(fields.one_of("type", tuple(kind.value for kind in SlotType), "text")),
            question=fields.texts("question"),
            again=fields.texts("again"),
            invalid=fields.texts("invalid"),
            examples=fields.words("examples"),
            hint=fields.words("hint"),
            pattern=fields.optional("pattern"),
            choices=tuple(choices),
            minimum=self._bound(fields.node("min")),
            maximum=self._bound(fields.node("max")),
            direction=fields.one_of("direction", DIRECTIONS, "") or None,
            currency=fields.optional("currency"),
            ask_again=fields.whole("ask_again", 0, MOST_QUESTIONS, 2),
            if_missing=fields.text("if_missing", "hand_over"),
            attribute=fields.optional("attribute"),
            remember=reader.remember(remember) if remember is not None else Remember(),
            confirm=confirm,
            confirm_text=confirm_text,
            volunteer=fields.truth("volunteer", True),
        )

    def _confirm(self, fields: Fields) -> tuple[bool, Texts]:
        import yaml

        if isinstance(fields.node("confirm"), yaml.MappingNode):
            return True, fields.texts("confirm")
        return fields.truth("confirm"), {}

    def _bound(self, node: "yaml.Node | None") -> str | float | None:
        if node is None:
            return None
        value = self.reader.data(node)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return value
        self.reader.problem("wrong_type", "A bound is a number, a time or a date.", "Such as 1, 11:00, today+30.", node)
        return None

    def steps(self, node: "yaml.Node") -> tuple[Step, ...]:
        """A list of steps."""
        import yaml

        if isinstance(node, yaml.ScalarNode) and node.value == "":
            return ()
        items = self.reader.items(node, "Steps")
        return tuple(step for item in items if (step := self._step(item)) is not None)

    def _step(self, node: "yaml.Node") -> Step | None:
        reader = self.reader
        import yaml

        if not isinstance(node, yaml.MappingNode):
            reader.problem("wrong_type", "A step is a key with its value.", "Such as - say: hello", node)
            return None
        keys = [str(key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        kinds = list(dict.fromkeys(key for key in keys if key in STEP_KINDS))
        if len(kinds) != 1:
            said = f"This step is {' and '.join(kinds)} at once." if kinds else "This step says not what it does."
            fix = "Make two steps of it." if kinds else f"Begin it with one of: {', '.join(STEP_KINDS)}."
            reader.problem("step_kind", said, fix, node)
            return None
        kind = kinds[0]
        self.counts[kind] += 1
        if sum(self.counts.values()) > MOST_PARTS:
            reader.problem("too_many", f"The flow has more than {MOST_PARTS} steps.", "Use call_flow.", ("steps",))
            return None
        step_id = self._id(node, kind)
        here = ("step", step_id)
        fields = reader.fields(node, here, ("id", kind, *STEP_KEYS[kind]), f"A {kind} step")
        made: Step = getattr(self, f"_read_{kind}")(step_id, fields)
        return made

    def _id(self, node: "yaml.MappingNode", kind: str) -> str:
        for key, value in node.value:
            if getattr(key, "value", None) == "id":
                written = self.reader.name(value, "a step's id", ID)
                if written in self.seen:
                    fix = "Give each step an id of its own, or leave the id out."
                    self.reader.problem("duplicate_id", f"Two steps have the id {written!r}.", fix, value)
                self.seen.add(written)
                return written
        made = f"{kind}_{self.counts[kind]}"
        while made in self.taken:
            made += "_"
        self.taken.add(made)
        return made

    def _inside(self, fields: Fields, key: str) -> tuple[Step, ...]:
        node = fields.node(key)
        return self.steps(node) if node is not None else ()

    def _reply(self, fields: Fields, key: str) -> tuple[str, Texts]:
        """The name of a reply, or texts."""
        import yaml

        node = fields.node(key)
        if not isinstance(node, yaml.ScalarNode):
            return "", fields.texts(key)
        written = self.reader.text(node, key)
        if written in self.replies:
            return written, {}
        if len(self.reader.languages) == 1 and not NAME.fullmatch(written):
            return "", fields.texts(key)
        fix = f"Add {written}: to replies, or write a text in each language here."
        self.reader.problem("unknown_reply", f"There is no reply {written!r}.", fix, node)
        return written, {}

    def _read_say(self, step_id: str, fields: Fields) -> SayStep:
        key, texts = self._reply(fields, "say")
        return SayStep(step_id, key, texts, fields.words("quick_replies"))

    def _read_ask(self, step_id: str, fields: Fields) -> AskStep:
        return AskStep(
            step_id,
            slots=fields.names("ask"),
            confirm=fields.texts("confirm"),
            unknown=self._inside(fields, "unknown"),
            afresh=fields.truth("afresh"),
        )

    def _read_choose(self, step_id: str, fields: Fields) -> ChooseStep:
        texts = fields.texts("choose")
        options = []
        for at, item in enumerate(fields.items("options")):
            choice, rest = self.reader.choice(item, (*fields.path, "options", str(at)), ("steps",))
            options.append(Option(choice, self._inside(rest, "steps")))
        return ChooseStep(
            step_id,
            texts=texts,
            options=tuple(options),
            source=fields.text("from"),
            label=fields.texts("label"),
            compare=fields.data("compare"),
            into=fields.name("into"),
            ask_again=fields.whole("ask_again", 0, MOST_QUESTIONS, 2),
            otherwise=self._inside(fields, "otherwise"),
        )

    def _read_call(self, step_id: str, fields: Fields) -> CallStep:
        return CallStep(
            step_id,
            tool=fields.text("call"),
            arguments=fields.data("with"),
            save=fields.data("save"),
            repeatable=fields.truth("repeatable"),
            on_error=self._inside(fields, "on_error"),
        )

    def _read_set(self, step_id: str, fields: Fields) -> SetStep:
        return SetStep(step_id, fields.data("set"))

    def _read_if(self, step_id: str, fields: Fields) -> IfStep:
        return IfStep(step_id, fields.text("if"), self._inside(fields, "then"), self._inside(fields, "else"))

    def _read_repeat(self, step_id: str, fields: Fields) -> RepeatStep:
        return RepeatStep(
            step_id,
            times=fields.whole("repeat", 1, MOST_ROUNDS, 1),
            condition=fields.text("while"),
            steps=self._inside(fields, "steps"),
            otherwise=self._inside(fields, "otherwise"),
        )

    def _read_goto(self, step_id: str, fields: Fields) -> GotoStep:
        return GotoStep(step_id, fields.text("goto"))

    def _read_call_flow(self, step_id: str, fields: Fields) -> CallFlowStep:
        return CallFlowStep(step_id, fields.text("call_flow"), fields.data("with"), fields.data("save"))

    def _read_hand_over(self, step_id: str, fields: Fields) -> HandOverStep:
        import yaml

        node = fields.table["hand_over"]
        if isinstance(node, yaml.ScalarNode):
            return HandOverStep(step_id, reason=fields.text("hand_over", "flow"))
        inner = self.reader.fields(node, (*fields.path, "hand_over"), HAND_OVER_KEYS, "hand_over")
        key, texts = self._reply(inner, "say") if "say" in inner.table else ("", {})
        return HandOverStep(
            step_id,
            reason=inner.text("reason", "flow"),
            team=inner.optional("team"),
            note=inner.text("note"),
            texts=self.replies.get(key, {}) if key else texts,
        )

    def _read_rate(self, step_id: str, fields: Fields) -> RateStep:
        return RateStep(step_id, fields.texts("rate"), fields.whole("scale", 2, 10, 5), fields.name("into"))

    def _read_end(self, step_id: str, fields: Fields) -> EndStep:
        return EndStep(step_id, fields.text("end", "solved"))


_FIRST_LINES = {"schema": SCHEMA, "id": "order_status", "languages": "[en]", "steps": "and a list of steps"}


def _ids(node: "yaml.Node") -> list[str]:
    """Every `id` written below a node."""
    import yaml

    if isinstance(node, yaml.SequenceNode):
        return [found for each in node.value for found in _ids(each)]
    if isinstance(node, yaml.MappingNode):
        own = [str(value.value) for key, value in node.value if getattr(key, "value", None) == "id"]
        return own + [found for _, value in node.value for found in _ids(value)]
    return []
