"""What customers found: their questions with the passages that they said answered them, by a thumb or by a choice.

A thumb up says that the cited passage answers, a thumb down that it does not. Whoever was asked what they mean and
pressed one of the answers has chosen the passage that this one cites.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from kefu.contracts.turn import Decision
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.queries.chats import learnable

_COLUMNS = ("conversation_id", "conversation__contact_id", "author", "text", "answer", "thumb", "pressed")


@dataclass
class Found:
    """A question, as customers asked it, masked; passages that answer it, and passages that do not; who asked."""

    question: str
    passages: list[str] = field(default_factory=list)
    negatives: list[str] = field(default_factory=list)
    contacts: set[str] = field(default_factory=set)


@dataclass
class Judged:
    """The questions of which a passage is known that answers it, and how many of what else was there.

    `wrong` questions have only passages that customers found bad; `unjudged` answers nobody spoke of; thumbs up for
    `uncited` answers name no passage.
    """

    found: list[Found]
    wrong: int = 0
    unjudged: int = 0
    uncited: int = 0


def judged(actor: Actor) -> Judged:
    """What customers said of the passages that they were answered with. Raises NotAllowed."""
    actor.require_role(Role.ADMIN)
    rows = learnable(actor.workspace_id).filter(author__in=["contact", "assistant"])
    rows = rows.order_by("conversation_id", "sequence")
    asked: dict[str, Found] = {}
    whole = Judged([])
    in_turn = groupby(rows.values(*_COLUMNS).iterator(), key=lambda row: (row[_COLUMNS[0]], row[_COLUMNS[1]]))
    for (_, contact_id), lines in in_turn:
        for question, passage, answers in _told(lines, whole):
            one = asked.setdefault(question, Found(question))
            one.contacts.add(str(contact_id))
            kept = one.passages if answers else one.negatives
            if passage not in kept:
                kept.append(passage)
    whole.found = [each for each in asked.values() if each.passages]
    whole.wrong = len(asked) - len(whole.found)
    return whole


def _told(lines: Iterator[Mapping[str, Any]], whole: Judged) -> Iterator[tuple[str, str, bool]]:
    """(question, passage, whether it answers) of one conversation."""
    question, doubtful, is_new = "", "", True
    for line in lines:
        if line["author"] == "contact":
            question = line["text"] if is_new else f"{question}\n{line['text']}"
            doubtful, is_new = (doubtful if line["pressed"] else ""), False
            continue
        is_new = True
        answer = line["answer"] or {}
        cited = [str(each["text"]) for each in answer.get("citations", ())]
        if answer.get("decision") == Decision.CLARIFY:
            doubtful = doubtful or question
        elif cited and question.strip():
            chosen = bool(doubtful) and line["thumb"] != "down"
            if line["thumb"]:
                yield question, cited[0], line["thumb"] == "up"
            if chosen:
                yield doubtful, cited[0], True
            whole.unjudged += not line["thumb"] and not chosen
            doubtful = ""
        else:
            whole.uncited += line["thumb"] == "up"
