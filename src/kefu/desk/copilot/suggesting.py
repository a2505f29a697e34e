"""A reply for a member to send: what the assistant would answer, from the same knowledge and by the same rules."""

from dataclasses import dataclass, replace

from kefu.brain.tools import Tools
from kefu.brain.turn import answer
from kefu.contracts.engine import Said
from kefu.contracts.index import Hit
from kefu.contracts.turn import Citation, Decision, TurnOutcome, TurnRequest
from kefu.desk.actor import Actor, Role
from kefu.desk.copilot.said import before, exchanges, spoken
from kefu.desk.inbox.queries import get
from kefu.desk.wiring import Mind, wiring
from kefu.kit.errors import Unavailable
from kefu.kit.ids import new_id
from kefu.kit.runtime import run
from kefu.knowledge.language import detect

_SECONDS = 60.0  # a generated answer on a slow machine; who writes a reply waits no longer
_HITS = 3
# The customer's last questions that are tried, the newest first: the last message is often only "a person please".
_TRIED = 3
_ANSWERED = frozenset({Decision.APPROVED, Decision.EXTRACTED, Decision.GENERATED})


@dataclass(frozen=True)
class Suggestion:
    """A reply to `question`, or an empty `text` with a `reason`: nothing_asked or nothing_found.

    `found` are passages that come nearest, for the member to read, whether they answer or not.
    """

    question: str
    text: str = ""
    reason: str = ""
    decision: str = ""
    confidence: float = 0.0
    language: str = ""
    citations: tuple[Citation, ...] = ()
    found: tuple[Hit, ...] = ()


def suggestion(actor: Actor, conversation_id: str) -> Suggestion:
    """What may be replied to a customer's last question; nothing is stored.

    Raises NotFound, NotAllowed, Unavailable when no answer comes within a minute.
    """
    actor.require_role(Role.AGENT)
    thread = get(actor, conversation_id)
    rows = spoken(actor, conversation_id)
    asked = [(each.question, before(rows, each.asked.sequence)) for each in exchanges(rows)[-_TRIED:]][::-1]
    if not asked:
        return Suggestion("", reason="nothing_asked")
    mind = wiring().mind(actor.workspace_id)
    try:
        return run(_first_answered(actor.workspace_id, mind, asked, thread.language), timeout=_SECONDS)
    except TimeoutError:
        raise Unavailable("No answer came within a minute; is the generator's server busy?") from None


async def _first_answered(
    workspace_id: str, mind: Mind, asked: list[tuple[str, tuple[Said, ...]]], language: str
) -> Suggestion:
    for question, history in asked:
        outcome = await answer(_request(workspace_id, mind, question, history, language), _without_flows(mind))
        if outcome.decision in _ANSWERED:
            return _of(question, outcome, await _found(mind, question))
    question = asked[0][0]
    return Suggestion(question, reason="nothing_found", found=await _found(mind, question))


def _request(workspace_id: str, mind: Mind, question: str, history: tuple[Said, ...], language: str) -> TurnRequest:
    return TurnRequest(
        turn_id=new_id("turn"),
        workspace_id=workspace_id,
        conversation_id="",
        text=question,
        history=history,
        policy=mind.policy,
        language_hint=language or None,
    )


def _without_flows(mind: Mind) -> Tools:
    """A flow that began here would call the company's systems for a conversation that is not the assistant's."""
    return replace(mind.tools, flows=None, runner=None)


async def _found(mind: Mind, question: str) -> tuple[Hit, ...]:
    evidence = await mind.index.search(question, detect(question, hint=mind.policy.default_language), _HITS)
    return tuple(evidence.hits)


def _of(question: str, outcome: TurnOutcome, found: tuple[Hit, ...]) -> Suggestion:
    return Suggestion(
        question,
        text=outcome.text,
        decision=outcome.decision.value,
        confidence=round(outcome.confidence, 4),
        language=outcome.language,
        citations=outcome.citations,
        found=found,
    )
