"""The way of a message: hear, mask, understand, then a flow, or ground, decide, reply, check."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from kefu.brain import disclaimers, ground, handoff, mask, reply, running, sense, tag
from kefu.brain.check import Sources, check_quoted
from kefu.brain.decide import Decided, before_flows, decide, failure, may_start, refuse, without_evidence
from kefu.brain.hear import hear
from kefu.brain.quiet import is_quiet
from kefu.brain.reply import Cancel, Cancelled, Draft, Listener
from kefu.brain.texts import promise, say
from kefu.brain.tools import Tools
from kefu.brain.trace import Trace, explain_decision, explain_evidence, explain_meaning, explain_senses
from kefu.brain.understand import Understanding, fitting, mentioned, understand
from kefu.contracts.flow import Flow
from kefu.contracts.flow_state import Candidate, FlowState
from kefu.contracts.index import Evidence
from kefu.contracts.turn import Decision, Kept, TurnOutcome, TurnRequest
from kefu.kit.errors import KefuError
from kefu.kit.log import Log

__all__ = ["Tools", "answer"]

log = Log(__name__)
# Decisions that tell the customer something; disclaimers are added to these alone.
_ANSWERS = frozenset({Decision.APPROVED, Decision.EXTRACTED, Decision.GENERATED, Decision.FLOW})


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
    back: joined, it is the outcome's text, or the beginning of a hand-over's. Once `cancel` is set nothing more is
    shown and the outcome is an empty hand-over, to be discarded.
    """
    turn = _Turn(request, tools, Listener(on_delta, cancel))
    meaning = Understanding(request.language_hint or request.policy.default_language, "")
    kept: Kept | None = None
    try:
        meaning = _hear_and_understand(turn)
        meaning, draft, kept = await _answered(turn, meaning)
        draft, kept = _finished(turn, meaning, draft, kept)
    except Cancelled:
        return TurnOutcome("", Decision.HAND_OVER, 1.0, meaning.language, "taken_over", steps=turn.trace.steps())
    except Exception as error:  # whatever breaks, the customer gets a person and not an error
        log.error("turn_failed", exception=error, turn=request.turn_id, workspace=request.workspace_id)
        draft, kept = reply.built_in(failure(), meaning, request.policy), None
    return _outcome(turn, meaning, draft, kept)


async def _answered(turn: _Turn, meaning: Understanding) -> tuple[Understanding, Draft, Kept | None]:
    """By the flow under way, by one that the message starts, or from knowledge; and what is kept of a flow."""
    state = running.under_way(turn.request) if turn.tools.flows is not None else None
    if state is not None and before_flows(meaning, turn.request.policy) is None:
        meaning = await _sense(turn, meaning, _nothing(meaning))
        if before_flows(meaning, turn.request.policy) is None:
            return (meaning, *await _flow(turn, meaning, state))
    evidence = await _look_up(turn, meaning)
    meaning = await _sense(turn, meaning, evidence)
    if may_start(meaning, evidence, turn.request.policy):
        flow = running.starting(running.told(turn.request, meaning), turn.tools)
        if flow is not None:
            return (meaning, *await _flow(turn, meaning, flow))
    return meaning, await _from_knowledge(turn, meaning, evidence), None


async def _flow(turn: _Turn, meaning: Understanding, first: FlowState | Flow) -> tuple[Draft, Kept]:
    """Go on with a flow, or begin one; questions in the middle of it are answered from knowledge."""
    request = turn.request

    async def from_knowledge(question: str) -> Draft:
        asked = _understood(turn, question, meaning.language)
        evidence = await _look_up(turn, asked)
        asked = await _sense(turn, asked, evidence)
        return await _from_knowledge(turn, asked, evidence, facts=running.facts(run.state, run.results))

    async def tagged(text: str, asked: Sequence[str] = ()) -> tuple[Candidate, ...]:
        return await _tagged(turn, text, asked)

    heard = replace(running.told(request, meaning), candidates=await tagged(meaning.text, tag.requested(first)))
    run = running.Run(request, turn.tools, heard, meaning.language, from_knowledge, tagged)
    await running.go_through(run, first)
    draft = running.draft(run)
    turn.trace.add("flow", run.engine_ms, running.explained(run))
    if run.calls:
        turn.trace.add("tools", run.tools_ms, {"calls": len(run.calls)})
    if running.unsupported(run):  # what the flow has done is done: a person goes on
        return reply.built_in(failure("check_failed"), meaning, request.policy), replace(running.kept(run), state=None)
    if run.answered is not None and run.answered.decided.decision is Decision.GENERATED and not _hands_over(draft):
        turn.listener.say(draft.text.removeprefix(run.answered.text))  # what knowledge said was shown as it was made
    return draft, running.kept(run)


def _hands_over(draft: Draft) -> bool:
    """Such a reply's end comes with the stored message: when people are back is known only there."""
    return draft.decided.decision is Decision.HAND_OVER


async def _tagged(turn: _Turn, text: str, asked: Sequence[str]) -> tuple[Candidate, ...]:
    """What the workspace's tagger finds for a flow's slots, if there is one; a pressed button holds none."""
    tagger = turn.tools.slots
    if tagger is None or not text or turn.request.pressed is not None:
        return ()
    with turn.trace.step("slots") as found:
        said = await tag.tag(tagger, text, asked, turn.tools.versions.get("slots", ""))
        found.update(said.detail)
        return said.candidates


async def _from_knowledge(
    turn: _Turn, meaning: Understanding, evidence: Evidence | None, *, facts: Sequence[str] = ()
) -> Draft:
    decided = _decide(turn, meaning, evidence)
    return _check(turn, meaning, await _write(turn, meaning, decided, facts))


def _hear_and_understand(turn: _Turn) -> Understanding:
    request = turn.request
    with turn.trace.step("hear") as found:
        heard = hear(request.text, request.language_hint, request.policy.default_language)
        found["language"] = heard.language
    with turn.trace.step("mask") as found:
        masked = mask.verify(heard.text, heard.language)
        found.update(placeholders=dict(masked.kinds), late=masked.late)
    with turn.trace.step("understand") as found:
        meaning = _understood(turn, masked.text, heard.language)
        found.update(explain_meaning(meaning))
    return meaning


def _understood(turn: _Turn, text: str, language: str) -> Understanding:
    """What a masked text means, with what is known of customer and hour."""
    request, policy = turn.request, turn.request.policy
    return replace(
        understand(text, language, request.history, policy),
        rules=fitting(policy.escalations, text, language, request.contact),
        is_quiet=is_quiet(policy.quiet_hours, request.now, is_open=request.is_open),
    )


def _nothing(meaning: Understanding) -> Evidence:
    return Evidence(meaning.question, meaning.language, (), 0.0)


async def _look_up(turn: _Turn, meaning: Understanding) -> Evidence | None:
    """What knowledge holds; no hits where nothing need be looked up, None where it cannot be."""
    if without_evidence(meaning, turn.request.policy) is not None:
        return _nothing(meaning)
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


async def _write(turn: _Turn, meaning: Understanding, decided: Decided, facts: Sequence[str]) -> Draft:
    """The decision's text; where it cannot be made, the next humbler one allowed: generated, extracted, refused."""
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
            request, tools, listener = turn.request, turn.tools, turn.listener
            draft, verdict = await reply.generated(decided, meaning, request, tools, listener, facts=facts)
            found.update(generated=draft is not None, stopped_by=verdict.reason, unsupported=len(verdict.unsupported))
            if verdict.no_answer and draft is None:
                return _refused(turn, meaning, "generator_found_no_answer", decided.confidence)
        if draft is None and (decided.decision is Decision.EXTRACTED or Decision.EXTRACTED in policy.kinds):
            draft = reply.extracted(decided, meaning)
        return draft or _refused(turn, meaning, "nothing_to_quote", decided.confidence)


def _check(turn: _Turn, meaning: Understanding, draft: Draft) -> Draft:
    """Generated text was checked as it was made; what is quoted must stand in its citation."""
    with turn.trace.step("check") as found:
        verdict = check_quoted(draft.quotes, Sources(draft.sources)) if draft.quotes else draft.verdict
        found.update(passed=verdict.passed, reason=verdict.reason, unsupported=len(verdict.unsupported))
        if draft.quotes and not verdict.passed:
            return _refused(turn, meaning, "check_failed", draft.decided.confidence)
        return draft


def _finished(turn: _Turn, meaning: Understanding, draft: Draft, kept: Kept | None) -> tuple[Draft, Kept | None]:
    """The reply by the policy's last words: without what may never be said, with what must be said once."""
    request, policy = turn.request, turn.request.policy
    own = draft.decided.text is not None  # built in, or the company's own text for it
    if not own and mentioned(policy.forbidden_words, draft.text, meaning.language) is not None:
        if draft.decided.decision is Decision.FLOW:  # what it has done is done: a person goes on
            return reply.built_in(failure("forbidden_word"), meaning, policy), None
        return _refused(turn, meaning, "forbidden_word", draft.decided.confidence), kept
    if own or draft.decided.decision not in _ANSWERS:
        return draft, kept
    added = disclaimers.due(policy, meaning, request.remembered)
    if not added:
        return draft, kept
    words = "".join(f"\n\n{each.text}" for each in added)
    if draft.decided.decision is Decision.GENERATED:
        turn.listener.say(words)
    kept = kept or Kept(state=request.state)
    remembered = {**kept.remembered, **disclaimers.said(request.remembered, added)}
    return replace(draft, text=draft.text + words), replace(kept, remembered=remembered)


def _refused(turn: _Turn, meaning: Understanding, why: str, confidence: float) -> Draft:
    request = turn.request
    return reply.built_in(
        refuse(meaning, request.policy, request.refusals_in_a_row, why, confidence), meaning, request.policy
    )


def _outcome(turn: _Turn, meaning: Understanding, draft: Draft, kept: Kept | None) -> TurnOutcome:
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
        quick_reply_values=(*(draft.values or draft.quick_replies), *person),
        kept=kept,
        promise=promise(draft.text, turn.request.policy) if decided.decision is Decision.HAND_OVER else "",
    )
