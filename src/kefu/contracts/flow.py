"""A company's own business logic, as it is written: a flow with its slots, steps and replies (`kefu.flow/v1`).

What a run of a flow holds, is told and wants done is in `flow_state`. YAML is read and written in `brain.flow`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SCHEMA = "kefu.flow/v1"

# What slots, variables, arguments and results may hold: what JSON can.
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]

# A text in each language of the flow, by ISO 639-1 code; each is a template.
Texts = Mapping[str, str]
# Words or phrases in each language; "*" for any.
Words = Mapping[str, tuple[str, ...]]

# Names that templates and conditions know besides slots and variables, so no slot or variable may have them.
RESERVED = (
    "contact", "conversation", "result", "error", "today", "now", "language", "intent", "mood", "message", "round",
)  # fmt: skip


class SlotType(StrEnum):
    """What a slot takes, and the form its value is kept in."""

    TEXT = "text"  # what was said, without "it is" and the like
    NAME = "name"  # a placeholder <NAME_1>, or the name as written
    ADDRESS = "address"  # a placeholder <ADDRESS_1>, or the address as written
    NUMBER = "number"  # int, or float where there is a fraction
    MONEY = "money"  # {"amount": 99.5, "currency": "CNY"}
    DATE = "date"  # "2026-11-27"
    TIME = "time"  # "15:00"
    PHONE = "phone"  # a placeholder <PHONE_1>, or E.164
    EMAIL = "email"  # a placeholder <EMAIL_1>, or the address in lower case
    PATTERN = "pattern"  # the text that matches, in capitals if the pattern has none but capitals
    CHOICE = "choice"  # the value of one of the choices
    YES_NO = "yes_no"  # true or false


@dataclass(frozen=True)
class Choice:
    """One of few: its `value` in slots and tools, what it is called, and what else people call it."""

    value: str
    label: Texts = field(default_factory=dict)
    synonyms: Words = field(default_factory=dict)


@dataclass(frozen=True)
class Remember:
    """How long a slot's value is kept: for the flow, the conversation, or with the contact for `days` or for good."""

    scope: str = "flow"  # flow, conversation, contact
    days: int | None = None


@dataclass(frozen=True)
class Slot:
    """One thing that a flow needs to know.

    `minimum` and `maximum` are a number, an amount, a time (`09:00`), or a date: `2026-12-01`, `today`, `today+30`.
    `direction` is "future" or "past" for dates. `again` is the question when an answer was not understood, the plain
    question where it is empty. After `ask_again` further questions the flow does what `if_missing` says: "hand_over",
    "skip", "end", or the id of a step. `attribute` is the contact's attribute that the value is taken from and, if it
    is remembered with the contact, kept in. `confirm` asks "is that right?" before the value counts; `confirm_text` is
    that question. `volunteer`: also taken when the customer names it unasked.
    """

    name: str
    type: SlotType = SlotType.TEXT
    question: Texts = field(default_factory=dict)
    again: Texts = field(default_factory=dict)
    examples: Words = field(default_factory=dict)
    hint: Words = field(default_factory=dict)  # what customers call it: "date" in "change the date"
    pattern: str | None = None
    choices: tuple[Choice, ...] = ()
    minimum: str | float | None = None
    maximum: str | float | None = None
    direction: str | None = None
    currency: str | None = None
    ask_again: int = 2
    if_missing: str = "hand_over"
    attribute: str | None = None
    remember: Remember = field(default_factory=Remember)
    confirm: bool = False
    confirm_text: Texts = field(default_factory=dict)
    volunteer: bool = True
    invalid: Texts = field(default_factory=dict)  # said when a value was understood but is not allowed


@dataclass(frozen=True)
class When:
    """What starts a flow: any of these. `called` alone: only other flows start it."""

    intents: tuple[str, ...] = ()
    keywords: Words = field(default_factory=dict)
    patterns: tuple[str, ...] = ()
    called: bool = False


@dataclass(frozen=True)
class Interrupts:
    """What a customer may do in the middle of a flow.

    `questions`: "answer" from knowledge and go on, "hand_over", or "ignore". `cancel`: words besides the built-in ones
    ("never mind", 算了) that end the flow; `may_cancel` false: no words do. `corrections`: "no, I meant Friday".
    `other_flows`: what a message does that would start another flow: "ask" whether to leave, "switch", or "ignore".
    """

    questions: str = "answer"
    cancel: Words = field(default_factory=dict)
    may_cancel: bool = True
    corrections: bool = True
    other_flows: str = "ask"


@dataclass(frozen=True)
class Step:
    """What all steps have: an id, unique in its flow; made from kind and place where the file gives none."""

    id: str

    @property
    def kind(self) -> str:
        """The step's word in YAML."""
        return _KINDS[type(self)]

    def branches(self) -> Iterator[tuple[str, tuple["Step", ...]]]:
        """The named lists of steps inside this one, in the order of the file."""
        return iter(())


@dataclass(frozen=True)
class SayStep(Step):
    """Say a reply: a key of `replies`, or texts written here."""

    say: str = ""
    texts: Texts = field(default_factory=dict)
    quick_replies: Words = field(default_factory=dict)


@dataclass(frozen=True)
class AskStep(Step):
    """Fill slots, asking for each that is empty, in order. `confirm` shows them all and asks whether they are right.

    `unknown` are steps for a customer who says that they do not know.
    """

    slots: tuple[str, ...] = ()
    confirm: Texts = field(default_factory=dict)
    unknown: tuple[Step, ...] = ()
    afresh: bool = False  # forget what is known and ask

    def branches(self) -> Iterator[tuple[str, tuple[Step, ...]]]:
        yield "unknown", self.unknown


@dataclass(frozen=True)
class Option:
    """One way to go at a `choose`."""

    choice: Choice
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class ChooseStep(Step):
    """Let the customer choose a way to go; `into` keeps the option's value; `otherwise` if none is understood.

    Instead of options it may offer the items of a list: `source` is an expression that gives it, `label` what an item
    is called (`item`, `place`), `compare` the fields by which "the cheapest" is told; `into` keeps the item, and
    `otherwise` are also steps for an empty list.
    """

    texts: Texts = field(default_factory=dict)
    options: tuple[Option, ...] = ()
    source: str = ""
    label: Texts = field(default_factory=dict)
    compare: Mapping[str, Json] = field(default_factory=dict)
    into: str | None = None
    ask_again: int = 2
    otherwise: tuple[Step, ...] = ()

    def branches(self) -> Iterator[tuple[str, tuple[Step, ...]]]:
        for option in self.options:
            yield option.choice.value, option.steps
        yield "otherwise", self.otherwise


@dataclass(frozen=True)
class CallStep(Step):
    """Call a tool. `save` keeps parts of `result` in variables; `on_error` are steps for a tool that fails.

    `repeatable`: a call that only looks something up. After a correction the flow may go back past it and call again;
    past any other call it never goes back.
    """

    tool: str = ""
    arguments: Mapping[str, Json] = field(default_factory=dict)
    save: Mapping[str, Json] = field(default_factory=dict)
    repeatable: bool = False
    on_error: tuple[Step, ...] = ()

    def branches(self) -> Iterator[tuple[str, tuple[Step, ...]]]:
        yield "on_error", self.on_error


@dataclass(frozen=True)
class SetStep(Step):
    """Set variables and slots; null empties a slot; `contact.NAME` keeps an attribute with the contact."""

    values: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class IfStep(Step):
    """Go one way or the other."""

    condition: str = ""
    then: tuple[Step, ...] = ()
    otherwise: tuple[Step, ...] = ()

    def branches(self) -> Iterator[tuple[str, tuple[Step, ...]]]:
        yield "then", self.then
        yield "else", self.otherwise


@dataclass(frozen=True)
class RepeatStep(Step):
    """Do steps again, at most `times`, while `condition` holds (always, if empty).

    `otherwise` are steps for when the last round is over and the condition still holds.
    """

    times: int = 3
    condition: str = ""
    steps: tuple[Step, ...] = ()
    otherwise: tuple[Step, ...] = ()

    def branches(self) -> Iterator[tuple[str, tuple[Step, ...]]]:
        yield "steps", self.steps
        yield "otherwise", self.otherwise


@dataclass(frozen=True)
class GotoStep(Step):
    """Go on at another step of this flow."""

    to: str = ""


@dataclass(frozen=True)
class CallFlowStep(Step):
    """Run another flow, and come back. `arguments` fill its slots; `save` reads its values as `result.NAME`."""

    flow: str = ""
    arguments: Mapping[str, Json] = field(default_factory=dict)
    save: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class HandOverStep(Step):
    """A person takes over: why, which team, and a note for them (a template, never shown to the customer)."""

    reason: str = "flow"
    team: str | None = None
    note: str = ""
    texts: Texts = field(default_factory=dict)


@dataclass(frozen=True)
class RateStep(Step):
    """Ask for a rating from 1 to `scale`; any other message is no rating, and the flow goes on."""

    texts: Texts = field(default_factory=dict)
    scale: int = 5
    into: str | None = None


@dataclass(frozen=True)
class EndStep(Step):
    """The flow is over. `outcome` is solved, unsolved, cancelled or a word of the company's own."""

    outcome: str = "solved"


_KINDS: dict[type[Step], str] = {
    SayStep: "say",
    AskStep: "ask",
    ChooseStep: "choose",
    CallStep: "call",
    SetStep: "set",
    IfStep: "if",
    RepeatStep: "repeat",
    GotoStep: "goto",
    CallFlowStep: "call_flow",
    HandOverStep: "hand_over",
    RateStep: "rate",
    EndStep: "end",
}
STEP_KINDS = tuple(_KINDS.values())


@dataclass(frozen=True)
class Flow:
    """A flow in one version. `languages`: the first is the last resort."""

    id: str
    name: Texts = field(default_factory=dict)
    version: int = 1
    languages: tuple[str, ...] = ("en",)
    description: str = ""
    when: When = field(default_factory=When)
    slots: tuple[Slot, ...] = ()
    steps: tuple[Step, ...] = ()
    replies: Mapping[str, Texts] = field(default_factory=dict)
    interrupts: Interrupts = field(default_factory=Interrupts)

    def slot(self, name: str) -> Slot | None:
        """The slot of that name."""
        return next((slot for slot in self.slots if slot.name == name), None)

    def all_steps(self) -> Iterator[Step]:
        """Every step, in the order of the file, those inside others after the one they are in."""
        waiting = list(reversed(self.steps))
        while waiting:
            step = waiting.pop()
            yield step
            inside = [inner for _, steps in step.branches() for inner in steps]
            waiting += reversed(inside)
