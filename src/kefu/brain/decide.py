"""Decide: from what was understood and found, how a turn is answered, and why. Pure: no clock, no chance, no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass

from kefu.brain import handoff
from kefu.brain.handoff import CERTAIN
from kefu.brain.mood import Mood, Person
from kefu.brain.quote import approved
from kefu.brain.smalltalk import SmallTalk
from kefu.brain.understand import Understanding
from kefu.contracts.index import Evidence, Hit
from kefu.contracts.turn import Decision, Policy

# Hits are as likely meant as the best one when they score at least this share of its score, and stand at least so high
# in the range from the last hit to the first: scores of some encoders all lie close together.
_CLOSE, _CLOSE_IN_RANGE = 0.9, 0.6
# The share of the question's words that the first three hits must hold before a customer is asked which one is meant.
# Of questions to other companies asked of the demo shop 47 in 620 were asked back without this, 13 with it.
_SHARED = 0.25
# A question whose scope is below this looks less familiar than anything the intents' model knows. It is answered only
# if search is surer than usual by so much: of 600 questions of the demo's customers no answer is lost, of 85 answers to
# questions meant for other companies 8 are not given, and 4 of 9 such questions are no longer asked back.
_STRANGE, _DOUBT = -0.02, 0.05
# One is no choice; more than three are a list of everything.
_FEWEST_CHOICES, _MOST_CHOICES = 2, 3


@dataclass(frozen=True)
class Decided:
    """A decision: its reason for the trace, the hits it stands on (best first), and the text's key if built in."""

    decision: Decision
    reason: str
    confidence: float = 0.0
    hits: tuple[Hit, ...] = ()
    text: str | None = None


def before_all(meaning: Understanding, policy: Policy) -> Decided | None:
    """The decision that stands before everything else, a flow under way included; or None."""
    why = handoff.reason(meaning, policy)
    if why is not None:
        return Decided(Decision.HAND_OVER, why, 1.0, text=handoff.said(why, meaning))
    if meaning.forbidden is not None:
        return Decided(Decision.REFUSE, "forbidden_topic", 1.0, text=_forbidden(meaning))
    return None


def before_flows(meaning: Understanding, policy: Policy) -> Decided | None:
    """The same where a flow is under way or would start, as a company's own flow for complaints.

    Words that complain and a model that hears anger make a person the better answer to a question, not to who says
    "I want to make a complaint"; words of anger do.
    """
    first = before_all(meaning, policy)
    return None if first is not None and first.reason == "anger" and meaning.mood is not Mood.ANGRY else first


def without_evidence(meaning: Understanding, policy: Policy) -> Decided | None:
    """The decision where nothing need be looked up, or None."""
    first = before_all(meaning, policy)
    if first is not None:
        return first
    # "Who are you?" may be in the company's own FAQ; the other courtesies are not looked up.
    if meaning.small_talk is not None and meaning.small_talk is not SmallTalk.IDENTITY:
        return _small_talk(meaning.small_talk)
    if meaning.empty:
        return Decided(Decision.CLARIFY, "no_question", 0.0, text="no_question")
    return None


def decide(
    meaning: Understanding, evidence: Evidence, policy: Policy, refusals_in_a_row: int, *, can_generate: bool
) -> Decided:
    """The decision on a question and what knowledge holds on it. Total: any evidence gives a decision."""
    at_once = without_evidence(meaning, policy)
    if at_once is not None:
        return at_once
    if evidence.exact is not None and Decision.APPROVED in policy.kinds and evidence.exact.passage.answer:
        return Decided(Decision.APPROVED, "exact_question", 1.0, (evidence.exact,))
    if meaning.small_talk is not None:
        return _small_talk(meaning.small_talk)
    return (
        _by_intent(meaning, policy)
        or _by_confidence(meaning, evidence, policy, can_generate)
        or refuse(meaning, policy, refusals_in_a_row, _why_refused(meaning, evidence), evidence.confidence)
    )


def refuse(meaning: Understanding, policy: Policy, refusals_in_a_row: int, why: str, confidence: float) -> Decided:
    """A refusal, or a person where one refusal more would be too many."""
    if meaning.injection:
        return Decided(Decision.REFUSE, "injection", confidence, text="refuse_instruction")
    instead = handoff.reason_instead_of_refusing(meaning, policy, refusals_in_a_row)
    if instead is not None:
        return Decided(Decision.HAND_OVER, instead, confidence, text=handoff.said(instead, meaning))
    return Decided(Decision.REFUSE, why, confidence, text="refuse_quiet" if meaning.is_quiet else "refuse")


def may_start(meaning: Understanding, evidence: Evidence | None, policy: Policy) -> bool:
    """Whether a message may start a flow: small talk may not, nor a question that has an approved answer."""
    if meaning.small_talk is not None or meaning.injection or before_flows(meaning, policy) is not None:
        return False
    exact = evidence.exact if evidence is not None else None
    return exact is None or Decision.APPROVED not in policy.kinds or not exact.passage.answer


def failure(why: str = "failure") -> Decided:
    """Nothing works: a person, with an apology."""
    return Decided(Decision.HAND_OVER, why, 0.0, text=handoff.TEXTS["failure"])


def choices(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The hits that are as good as the best, one for each name; empty unless they are few enough to ask back."""
    close: dict[str, Hit] = {}
    lowest = hits[-1].score if len(hits) > _FEWEST_CHOICES else 0.0
    for hit in hits:
        at_least = max(_CLOSE * hits[0].score, lowest + _CLOSE_IN_RANGE * (hits[0].score - lowest))
        if hit.score >= at_least:
            close.setdefault(label(hit), hit)
    return tuple(close.values()) if _FEWEST_CHOICES <= len(close) <= _MOST_CHOICES else ()


def label(hit: Hit) -> str:
    """What a hit is called when a customer is asked which one is meant: FAQ question, or title and heading."""
    passage = hit.passage
    if passage.questions:
        return passage.questions[0]
    heading = passage.heading_path[-1] if passage.heading_path else ""
    return ": ".join(dict.fromkeys(part for part in (passage.title, heading) if part)) or passage.document


def _by_intent(meaning: Understanding, policy: Policy) -> Decided | None:
    """What the company wants done about an intent, where it is certain; "answer" is a matter of confidence."""
    intent = meaning.intent
    rule = policy.intent_rules.get(intent.label) if intent is not None and is_certain(meaning) else None
    # Who asks about talking to a person is answered if knowledge holds it.
    if intent is None or rule is None or meaning.injection or meaning.person is not Person.NO:
        return None
    if rule == "hand_over":
        text = handoff.said("complaint" if handoff.felt(meaning) is Mood.COMPLAINT else "intent", meaning)
        return Decided(Decision.HAND_OVER, "intent", intent.confidence, text=text)
    if rule == "refuse":
        return Decided(Decision.REFUSE, "intent", intent.confidence, text=_forbidden(meaning))
    return None


def is_certain(meaning: Understanding) -> bool:
    """Whether the model is sure of an intent that it knows."""
    intent = meaning.intent
    return intent is not None and not intent.out_of_scope and intent.confidence >= CERTAIN


def _by_confidence(meaning: Understanding, evidence: Evidence, policy: Policy, can_generate: bool) -> Decided | None:
    if not evidence.hits:
        return None
    hits, sure = evidence.hits, evidence.confidence
    doubt = _doubt(meaning, policy)
    if hits[0].passage.answer and sure >= policy.approved_threshold + doubt and Decision.APPROVED in policy.kinds:
        entries = approved(evidence)
        return Decided(Decision.APPROVED, "faq_hit" if len(entries) == 1 else "faq_hits", sure, entries)
    if sure >= policy.answer_threshold + doubt:
        # A text that instructs an assistant never reaches a generator.
        if Decision.GENERATED in policy.kinds and can_generate and not meaning.injection:
            return Decided(Decision.GENERATED, "passages_found", sure, hits)
        if Decision.EXTRACTED in policy.kinds:
            return Decided(Decision.EXTRACTED, "passage_found", sure, hits)
        return None
    # Who was just asked back and is still not understood is not asked again.
    may_ask = (
        sure >= policy.clarify_threshold
        and evidence.features.get("coverage_top3", 1.0) >= _SHARED
        and not meaning.asked_back
        and not _is_outside(meaning)
    )
    asked_back = choices(hits) if may_ask else ()
    return Decided(Decision.CLARIFY, "close_choices", sure, asked_back) if asked_back else None


def _doubt(meaning: Understanding, policy: Policy) -> float:
    """How much surer, or less sure, search must be because of what the intents' model says."""
    intent = meaning.intent
    if intent is None:
        return 0.0
    if intent.out_of_scope:
        return _DOUBT if intent.scope is not None and intent.scope < _STRANGE else 0.0
    if is_certain(meaning) and policy.intent_rules.get(intent.label) == "answer":
        return min(0.0, policy.clarify_threshold - policy.answer_threshold)
    return 0.0


def _is_outside(meaning: Understanding) -> bool:
    return meaning.intent is not None and meaning.intent.out_of_scope


def _why_refused(meaning: Understanding, evidence: Evidence) -> str:
    if evidence.hits and _is_outside(meaning):
        return "out_of_scope"
    return "below_threshold" if evidence.hits else "nothing_found"


def _forbidden(meaning: Understanding) -> str:
    return "refuse_forbidden_quiet" if meaning.is_quiet else "refuse_forbidden"


def _small_talk(kind: SmallTalk) -> Decided:
    return Decided(Decision.APPROVED, "small_talk", 1.0, text=kind.value)
