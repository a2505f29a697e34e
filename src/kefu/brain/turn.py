"""The way of a message: hear, mask, understand, ground, decide, reply, check."""

from collections.abc import Callable
from dataclasses import dataclass, field

from kefu.brain import ground, handoff, mask, reply, sense
from kefu.brain.check import Sources, check_quoted
from kefu.brain.decide import Decided, decide, failure, refuse, without_evidence
from kefu.brain.hear import hear
from kefu.brain.reply import Cancel, Cancelled, Draft, Listener
from kefu.brain.texts import say
from kefu.brain.tools import Tools
from kefu.brain.trace import Trace, explain_decision, explain_evidence, explain_meaning, explain_senses
from kefu.brain.understand import Understanding, understand
from kefu.contracts.index import Evidence
from kefu.contracts.turn import Decision, TurnOutcome, TurnRequest
from kefu.kit.errors import KefuError
from kefu.kit.log import Log

__all__ = ["Tools", "answer"]

log = Log(__name__)


@dataclass(frozen=True)
class _Turn:
    """What all steps of a turn share."""

    request: TurnRequest
    tools: Tools
    listener: Listener
    trace: Trace = field(default_factory=Trace)


async def answer(
    request: TurnRequest,
    tools: Tools,
    on_delta: Callable[[str], None] | None = None,
    cancel: Cancel | None = None,
) -> TurnOutcome:
    """Answer one customer message; nothing is raised but the task's own cancellation.

    A generated answer goes to `on_delta` sentence by sentence, each after its check; what was shown is never taken
    back: joined, it is the outcome's text. Once `cancel` is set nothing more is shown and the outcome is an empty
    hand-over, to be discarded.
    """
    turn = _Turn(request, tools, Listener(on_delta, cancel))
    meaning = Understanding(request.language_hint or request.policy.default_language, "")
    try:
        meaning = _hear_and_understand(turn)
        evidence = await _look_up(turn, meaning)
        meaning = await _sense(turn, meaning, evidence)
        decided = _decide(turn, meaning, evidence)
        draft = await _write(turn, meaning, decided)
        draft = _check(turn, meaning, draft)
    except Cancelled:
        return TurnOutcome("", Decision.HAND_OVER, 1.0, meaning.language, "taken_over", steps=turn.trace.steps())
    except Exception as error:  # whatever breaks, the customer gets a person and not an error
        log.error("turn_failed", exception=error, turn=request.turn_id, workspace=request.workspace_id)
        draft = reply.built_in(failure(), meaning, request.policy)
    return _outcome(turn, meaning, draft)


def _hear_and_understand(turn: _Turn) -> Understanding:
    request = turn.request
    with turn.trace.step("hear") as found:
        heard = hear(request.text, request.language_hint, request.policy.default_language)
        found["language"] = heard.language
    with turn.trace.step("mask") as found:
        masked = mask.verify(heard.text, heard.language)
        found.update(placeholders=dict(masked.kinds), late=masked.late)
    with turn.trace.step("understand") as found:
        meaning = understand(masked.text, heard.language, request.history, request.policy)
        found.update(explain_meaning(meaning))
    return meaning


async def _look_up(turn: _Turn, meaning: Understanding) -> Evidence | None:
    """What knowledge holds; no hits where nothing need be looked up, None where it cannot be."""
    if without_evidence(meaning, turn.request.policy) is not None:
        return Evidence(meaning.question, meaning.language, (), 0.0)
    last = next((said.text for said in reversed(turn.request.history) if said.author == "assistant"), "")
    with turn.trace.step("ground") as found:
        try:
            evidence = await ground.find(meaning, turn.tools.index, last)
        except KefuError as error:
            log.warning("search_failed", code=error.code, turn=turn.request.turn_id)
            found["failed"] = error.code
            return None
        found.update(explain_evidence(evidence))
        return evidence


async def _sense(turn: _Turn, meaning: Understanding, evidence: Evidence | None) -> Understanding:
    """The meaning with what models tell of it, where that could matter."""
    tools = turn.tools
    if evidence is None or without_evidence(meaning, turn.request.policy) is not None:
        return meaning
    if not sense.is_needed(meaning, evidence, tools):
        return meaning
    with turn.trace.step("sense") as found:
        sensed = await sense.sense(meaning, evidence, tools)
        found.update(explain_senses(sensed.meaning), **({"failed": dict(sensed.failed)} if sensed.failed else {}))
    return sensed.meaning


def _decide(turn: _Turn, meaning: Understanding, evidence: Evidence | None) -> Decided:
    with turn.trace.step("decide") as found:
        if evidence is None:
            decided = failure()
        else:
            request, can_generate = turn.request, turn.tools.generator is not None
            decided = decide(meaning, evidence, request.policy, request.refusals_in_a_row, can_generate=can_generate)
        found.update(explain_decision(decided))
        return decided


async def _write(turn: _Turn, meaning: Understanding, decided: Decided) -> Draft:
    """The decision's text; where it cannot be made, the next humbler one: generated, extracted, refused."""
    policy = turn.request.policy
    with turn.trace.step("reply") as found:
        if decided.text is not None:
            return reply.built_in(decided, meaning, policy)
        if decided.decision is Decision.APPROVED:
            return reply.approved(decided)
        if decided.decision is Decision.CLARIFY:
            return reply.clarify(decided, meaning, policy)
        draft: Draft | None = None
        if decided.decision is Decision.GENERATED:
            draft, verdict = await reply.generated(decided, meaning, turn.request, turn.tools, turn.listener)
            found.update(generated=draft is not None, stopped_by=verdict.reason, unsupported=len(verdict.unsupported))
            if verdict.no_answer and draft is None:
                return _refused(turn, meaning, "generator_found_no_answer", decided.confidence)
        draft = draft or reply.extracted(decided, meaning)
        return draft or _refused(turn, meaning, "nothing_to_quote", decided.confidence)


def _check(turn: _Turn, meaning: Understanding, draft: Draft) -> Draft:
    """Generated text was checked as it was made; what is quoted must stand in its citation."""
    with turn.trace.step("check") as found:
        verdict = check_quoted(draft.quotes, Sources(draft.sources)) if draft.quotes else draft.verdict
        found.update(passed=verdict.passed, reason=verdict.reason, unsupported=len(verdict.unsupported))
        if draft.quotes and not verdict.passed:
            return _refused(turn, meaning, "check_failed", draft.decided.confidence)
        return draft


def _refused(turn: _Turn, meaning: Understanding, why: str, confidence: float) -> Draft:
    request = turn.request
    return reply.built_in(
        refuse(meaning, request.policy, request.refusals_in_a_row, why, confidence), meaning, request.policy
    )


def _outcome(turn: _Turn, meaning: Understanding, draft: Draft) -> TurnOutcome:
    decided, tools = draft.decided, turn.tools
    offers = handoff.offers_person(decided.decision, meaning)
    person = (say("talk_to_person", meaning.language, turn.request.policy),) if offers else ()
    return TurnOutcome(
        text=draft.text,
        decision=decided.decision,
        confidence=round(decided.confidence, 4),
        language=meaning.language,
        reason=decided.reason,
        citations=draft.citations,
        steps=turn.trace.steps(),
        versions={**tools.versions, **draft.versions},
        quick_replies=(*draft.quick_replies, *person),
    )
