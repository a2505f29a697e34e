"""What a turn leaves behind beside its reply, stored with it in the caller's transaction."""

import json
from collections.abc import Mapping
from typing import Any

from kefu.contracts.turn import Kept
from kefu.desk.actor import system
from kefu.desk.contacts.actions import keep_attributes
from kefu.desk.inbox.actions.happenings import happened
from kefu.desk.inbox.actions.messages import say
from kefu.desk.inbox.models import Conversation
from kefu.desk.inbox.queries import placeholders
from kefu.kit.log import Log
from kefu.knowledge.masking import unmask, unmask_value

# Characters of JSON. A run of a flow has a few thousand; far more is a mistake that would weigh on every turn.
_LARGEST = 100_000
_MOST_STEPS = 200  # of one turn's path: a flow takes no more
_BEST = 5  # stars, as figures count them

_log = Log(__name__)


def keep(thread: Conversation, kept: Kept) -> None:
    """Keep a turn's state and what it learnt of conversation and contact; the caller saves the locked row."""
    remembered = {**thread.remembered, **kept.remembered}
    thread.assistant_state = _bounded(thread, kept.state)
    thread.remembered = _bounded(thread, {name: value for name, value in remembered.items() if value is not None}) or {}
    if kept.contact:
        known = placeholders(thread)
        values = {name: (unmask_value(each.value, known), each.days) for name, each in kept.contact.items()}
        keep_attributes(system(thread.workspace_id), contact_id=thread.contact_id, values=values)
    if kept.rating_asked:
        happened(thread, "surveyed")
    if kept.rating is not None:
        score, best = kept.rating
        happened(thread, "rated", by="contact", score=max(1, round(score * _BEST / best)))


def keep_flow(thread: Conversation, trace: Mapping[str, Any] | None) -> None:
    """Keep what a flow did in a turn, for its traffic; `trace` is the turn's."""
    steps = (trace or {}).get("steps", ())
    told: Mapping[str, Any] = next((step for step in steps if step.get("name") == "flow"), {})
    if not told.get("flow"):
        return
    events = [dict(each) for each in told.get("events", ())]
    if told.get("unsupported"):  # what it would have said does not leave, and a person goes on
        events.append({"kind": "handed_over", "flow": told["flow"], "step": told.get("step") or ""})
    detail = {name: told.get(name) for name in ("flow", "version", "step", "outcome")}
    happened(thread, "flowed", by="assistant", path=list(told.get("path", ()))[:_MOST_STEPS], events=events, **detail)


def tell_member(thread: Conversation, kept: Kept) -> None:
    """Leave a note for who takes over, if the turn has one."""
    text = "\n".join(part for part in (f"→ {kept.team}" if kept.team else "", kept.note) if part)
    if text:
        original = unmask(text, placeholders(thread))
        say(
            system(thread.workspace_id),
            thread,
            author="system",
            author_id="",
            text=text,
            original=original,
            is_internal=True,
        )


def _bounded(thread: Conversation, state: Any) -> Any:
    if state is not None and len(json.dumps(state)) > _LARGEST:
        _log.error("assistant_state_too_large", workspace=thread.workspace_id, conversation=thread.id)
        return None
    return dict(state) if state is not None else None
