"""When a person takes over, and when one is offered."""

from kefu.brain.mood import Mood, Person
from kefu.brain.understand import Understanding
from kefu.contracts.turn import Decision, Escalation, Policy

# The confidence from which an intent is acted on.
CERTAIN = 0.8


def reason(meaning: Understanding, policy: Policy) -> str | None:
    """Why a message goes to a person before anything is looked up, or None."""
    if meaning.person is Person.WANTED:
        return "asked_for_person"
    if meaning.rule_word is not None:
        return "rule_word"
    if felt(meaning) is Mood.ANGRY:
        return "anger"
    if any(_holds(rule, meaning) for rule in meaning.rules if not rule.refusals):
        return "escalation"
    return None


def _holds(rule: Escalation, meaning: Understanding) -> bool:
    """Whether what a rule wants beyond words and contact is so; a rule that wants nothing at all never holds."""
    if not (rule.moods or rule.words or rule.intents or rule.contact or rule.refusals):
        return False
    if rule.moods and felt(meaning).value not in rule.moods:
        return False
    intent = meaning.intent
    known = intent is not None and not intent.out_of_scope and intent.confidence >= CERTAIN
    return not rule.intents or (known and intent is not None and intent.label in rule.intents)


def felt(meaning: Understanding) -> Mood:
    """How a customer feels by words and by the model: each sees a complaint, both together anger."""
    if not meaning.is_upset or meaning.mood is Mood.ANGRY:
        return meaning.mood
    return Mood.COMPLAINT if meaning.mood is Mood.CALM else Mood.ANGRY


def reason_instead_of_refusing(meaning: Understanding, policy: Policy, refusals_in_a_row: int) -> str | None:
    """Why a person takes a question that would be refused, or None.

    `refusals_in_a_row` were said before this turn. The one that would make them `policy.refusals_before_hand_over`
    brings a person instead: with 2, the second question in a row without an answer.
    """
    if meaning.person is Person.ASKED_ABOUT:
        return "asked_for_person"
    if felt(meaning) is Mood.COMPLAINT:
        return "complaint"
    refusals = refusals_in_a_row + 1
    if any(rule.refusals <= refusals and _holds(rule, meaning) for rule in meaning.rules if rule.refusals):
        return "escalation"
    # In quiet hours nobody is there whom the assistant could bring of its own accord.
    if 0 < policy.refusals_before_hand_over <= refusals and not meaning.is_quiet:
        return "refused_in_a_row"
    return None


def offers_person(decision: Decision, meaning: Understanding) -> bool:
    """Whether a reply comes with the button that asks for a person."""
    wish = felt(meaning) is Mood.COMPLAINT or meaning.person is Person.ASKED_ABOUT
    if meaning.is_quiet:
        return False
    return decision is Decision.REFUSE or (wish and decision is not Decision.HAND_OVER)


def said(why: str, meaning: Understanding) -> str:
    """The sentence that comes with a hand-over; in quiet hours it does not promise an answer at once."""
    text = TEXTS[why]
    if not meaning.is_quiet:
        return text
    return "hand_over_anger_quiet" if text == "hand_over_anger" else "hand_over_quiet"


TEXTS = {
    "asked_for_person": "hand_over",
    "rule_word": "hand_over",
    "escalation": "hand_over",
    "anger": "hand_over_anger",
    "intent": "hand_over",
    "complaint": "hand_over_anger",
    "refused_in_a_row": "hand_over_refused",
    "failure": "hand_over_failure",
}
