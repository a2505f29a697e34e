"""Trying a question: answered as a customer's would be, on the knowledge of this moment; nothing is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kefu.brain.turn import answer
from kefu.contracts.engine import Said
from kefu.contracts.index import Evidence, Hit
from kefu.contracts.turn import Policy, TurnOutcome, TurnRequest
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants.actions import checked_policy
from kefu.desk.assistants.queries import policy_of, stored_policy
from kefu.desk.wiring import Mind, wiring
from kefu.kit.errors import Unavailable
from kefu.kit.ids import new_id
from kefu.kit.runtime import run
from kefu.knowledge.language import detect
from kefu.knowledge.masking import mask

_SECONDS = 60.0  # a generated answer on a slow machine; who tries a question waits no longer
_HITS = 5


@dataclass(frozen=True)
class Trial:
    """What would be answered, and the passages that search found."""

    outcome: TurnOutcome
    hits: tuple[Hit, ...]


def try_question(
    actor: Actor, *, question: str, history: tuple[Said, ...] = (), policy: dict[str, Any] | None = None
) -> Trial:
    """Answer a question with the workspace's policy, changed where a draft says so.

    Raises BadInput for a bad draft, NotAllowed, Unavailable when no answer comes within a minute.
    """
    actor.require_role(Role.AGENT)
    mind = wiring().mind(actor.workspace_id)
    if policy:
        mind = replace(mind, policy=_draft(actor.workspace_id, policy))
    said, text = _masked(history, question)
    try:
        return run(_tried(actor.workspace_id, mind, text, said), timeout=_SECONDS)
    except TimeoutError:
        raise Unavailable("No answer came within a minute; is the generator's server busy?") from None


async def _tried(workspace_id: str, mind: Mind, text: str, history: tuple[Said, ...]) -> Trial:
    request = TurnRequest(
        turn_id=new_id("turn"),
        workspace_id=workspace_id,
        conversation_id="",
        text=text,
        history=history,
        policy=mind.policy,
    )
    outcome = await answer(request, mind.tools)
    found: Evidence = await mind.index.search(text, detect(text, hint=mind.policy.default_language), _HITS)
    return Trial(outcome, found.hits)


def _masked(history: tuple[Said, ...], question: str) -> tuple[tuple[Said, ...], str]:
    """All that was said with one numbering of placeholders, so that a name keeps its own."""
    known: Mapping[str, str] = {}
    said = []
    for each in (*history, Said("contact", question)):
        masked = mask(each.text, known=known)
        known = masked.placeholders
        said.append(Said(each.author, masked.text))
    return tuple(said[:-1]), said[-1].text


def _draft(workspace_id: str, policy: dict[str, Any]) -> Policy:
    stored, language = stored_policy(workspace_id)
    changed = {**stored, **checked_policy(policy)}
    return policy_of({part: value for part, value in changed.items() if value is not None}, language)
