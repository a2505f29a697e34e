"""A conversation as copilot reads it: masked, without notes, with what the assistant decided."""

from dataclasses import dataclass, field
from typing import Any

from kefu.brain.mood import Person, person
from kefu.brain.smalltalk import sort
from kefu.contracts.engine import Said
from kefu.desk.actor import Actor
from kefu.desk.inbox.queries import MessageInfo, messages_before

# Messages read of a conversation: more than almost any has, and what a member would look through by hand.
_LAST = 200
# Of what was said before a question: the few lines that a follow-up refers to, as in a turn.
HISTORY = 12
# Decisions that leave a question without an answer; empty: nobody has said anything.
UNANSWERED = frozenset({"", "refuse", "hand_over", "clarify"})
_LONGEST_WISH = 60  # characters: whoever says more says what it is about


@dataclass(frozen=True)
class Exchange:
    """What a contact asked, in one or several messages, and what was answered; `reply` is None where nothing was.

    `answer` is all that members said to it, else what the assistant said last. `is_wish`: a person is wanted, no more.
    """

    question: str
    asked: MessageInfo
    reply: MessageInfo | None
    answer: str = ""
    is_wish: bool = False

    @property
    def decision(self) -> str:
        """How the assistant answered; "member" where a person did, empty where nobody has."""
        if self.reply is None:
            return ""
        answer: dict[str, Any] = self.reply.answer or {}
        return str(answer.get("decision", "")) if self.reply.author == "assistant" else "member"


def spoken(actor: Actor, conversation_id: str) -> list[MessageInfo]:
    """What contact, assistant and members said to each other, oldest first. Raises NotFound, NotAllowed."""
    found = messages_before(actor, conversation_id, before=None, limit=_LAST)
    return [row for row in found if not row.is_internal and row.author != "system" and row.text]


def exchanges(rows: list[MessageInfo]) -> list[Exchange]:
    """Questions with their answers, oldest first. Messages in a row are one question.

    Thanks and greetings are no questions, and what is said to them is no answer. Nor is the wish for a person after a
    question: what the person then says answers that question.
    """
    found: list[Exchange] = []
    open_now = _Open()
    for row in rows:
        if row.author != "contact":
            open_now.replied(row)
        elif not open_now.goes_on(row):
            found += open_now.closed()
            open_now = _Open(asked=[row], is_wish=_is_wish(row.text))
    return [*found, *open_now.closed()]


@dataclass
class _Open:
    """A question that is being asked and answered; `aside`: something else was said after it."""

    asked: list[MessageInfo] = field(default_factory=list)
    replies: list[MessageInfo] = field(default_factory=list)
    is_wish: bool = False
    aside: str = ""

    def goes_on(self, row: MessageInfo) -> bool:
        """Take up what the contact says, if it is no question of its own."""
        if not sort(row.text).question:
            if self.replies:
                self.aside = "courtesy"
            return True
        if self.asked and not self.is_wish and _is_wish(row.text):
            self.aside = "wish"
            return True
        if self.replies or self.aside or self.is_wish or not self.asked:
            return False
        self.asked.append(row)
        return True

    def replied(self, row: MessageInfo) -> None:
        if self.aside == "wish" and row.author == "assistant":
            return
        if self.aside == "courtesy" and self._made().decision not in UNANSWERED:
            return
        self.replies.append(row)

    def closed(self) -> list[Exchange]:
        return [self._made()] if self.asked else []

    def _made(self) -> Exchange:
        by_members = [row for row in self.replies if row.author == "member"]
        last = next(reversed(by_members or self.replies), None)
        answer = "\n".join(row.text for row in by_members) or (last.text if last else "")
        question = "\n".join(row.text for row in self.asked)
        return Exchange(question, self.asked[-1], last, answer, is_wish=self.is_wish)


def _is_wish(text: str) -> bool:
    return len(text) <= _LONGEST_WISH and person(text) is Person.WANTED


def before(rows: list[MessageInfo], sequence: int) -> tuple[Said, ...]:
    """The lines before a message, as a turn knows them."""
    return tuple(Said(row.author, row.text) for row in rows if row.sequence < sequence)[-HISTORY:]
