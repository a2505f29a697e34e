"""A conversation as copilot reads it: masked, without notes, with what the assistant decided."""

from dataclasses import dataclass
from typing import Any

from kefu.contracts.engine import Said
from kefu.desk.actor import Actor
from kefu.desk.inbox.queries import MessageInfo, messages_before

# Messages read of a conversation: more than almost any has, and what a member would look through by hand.
_LAST = 200
# Of what was said before a question: the few lines that a follow-up refers to, as in a turn.
HISTORY = 12


@dataclass(frozen=True)
class Exchange:
    """What a contact asked, in one or several messages, and what was answered; `reply` is None where nothing was."""

    question: str
    asked: MessageInfo
    reply: MessageInfo | None

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
    """Questions with their answers, oldest first. Messages in a row are one question; the last answer to one counts."""
    found: list[Exchange] = []
    asked: list[MessageInfo] = []
    replies: list[MessageInfo] = []

    def close() -> None:
        if asked:
            question = "\n".join(row.text for row in asked)
            found.append(Exchange(question, asked[-1], replies[-1] if replies else None))
        asked.clear()
        replies.clear()

    for row in rows:
        if row.author == "contact":
            if replies:
                close()
            asked.append(row)
        elif asked:
            replies.append(row)
    close()
    return found


def before(rows: list[MessageInfo], sequence: int) -> tuple[Said, ...]:
    """The lines before a message, as a turn knows them."""
    return tuple(Said(row.author, row.text) for row in rows if row.sequence < sequence)[-HISTORY:]
