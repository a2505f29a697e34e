"""What models tell of a question: when they are asked, what follows, and that a turn survives them."""

import asyncio
import dataclasses
import json

import pytest

from kefu.brain import sense
from kefu.contracts.engine import Classified
from kefu.contracts.turn import Decision, TurnOutcome
from kefu.kit.errors import Unavailable
from kefu.testing.models import ScriptedClassifier, ScriptedScorer

from .conftest import POLICY

RULES = dataclasses.replace(POLICY, intent_rules={"talk_to_person": "hand_over", "stock": "refuse", "fees": "answer"})


def intents(label: str = "fees", confidence: float = 0.95, scope: float = 0.6) -> ScriptedClassifier:
    rest = {"stock": (1 - confidence) / 2, "points": (1 - confidence) / 4, "other": (1 - confidence) / 4}
    told = Classified(label, confidence, scope < 0.05, scope, {label: confidence, **rest})
    return ScriptedClassifier(options={"answer": told})


def mood(number: float) -> dict[str, ScriptedScorer]:
    return {"en": ScriptedScorer(options={"number": number})}


def sensed(outcome: TurnOutcome) -> dict:
    return next((dict(step.detail) for step in outcome.steps if step.name == "sense"), {})


async def test_what_they_tell_stands_in_the_trace(ask) -> None:
    outcome = await ask("How long does a parcel delivery take?", models={"intents": intents(), "mood": mood(0.25)})
    told = sensed(outcome)
    assert outcome.decision is Decision.EXTRACTED
    assert (told["intent"], told["confidence"], told["scope"], told["out_of_scope"]) == ("fees", 0.95, 0.6, False)
    assert list(told["top"]) == ["fees", "stock", "points"]
    assert (told["mood"], told["upset"]) == (0.25, False)


async def test_a_scope_that_is_not_known_is_no_number_in_the_trace(ask) -> None:
    outcome = await ask("How long does a parcel take?", models={"intents": intents(scope=float("nan"))})
    assert sensed(outcome)["scope"] is None
    json.dumps([dict(step.detail) for step in outcome.steps], allow_nan=False)


@pytest.mark.parametrize("text", ["Can I return shoes?", "hello", "thanks", "let me talk to a person", "???"])
async def test_nothing_is_computed_where_it_could_not_matter(ask, text: str) -> None:
    models = {"intents": intents(), "mood": mood(-1.0)}
    outcome = await ask(text, models=models)
    assert sensed(outcome) == {}
    assert models["intents"].asked == models["mood"]["en"].asked == []


async def test_an_intent_with_a_rule_is_handed_over_or_refused(ask) -> None:
    question = "How long does a parcel delivery take?"
    person = await ask(question, policy=RULES, models={"intents": intents("talk_to_person")})
    assert (person.decision, person.reason) == (Decision.HAND_OVER, "intent")
    topic = await ask(question, policy=RULES, models={"intents": intents("stock")})
    assert (topic.decision, topic.reason) == (Decision.REFUSE, "intent")


@pytest.mark.parametrize("unsure", [{"confidence": 0.79}, {"scope": 0.01}])
async def test_an_intent_that_is_not_certain_changes_nothing(ask, unsure: dict) -> None:
    told = intents("talk_to_person", **unsure)
    outcome = await ask("How long does a parcel delivery take?", policy=RULES, models={"intents": told})
    assert outcome.decision is Decision.EXTRACTED


async def test_a_certain_intent_settles_a_doubtful_search_where_the_company_wants_it(ask) -> None:
    question = "How long does the standard take with aeroplanes?"  # half of its words are found
    assert (await ask(question)).decision is not Decision.EXTRACTED
    assert (await ask(question, policy=RULES, models={"intents": intents()})).decision is Decision.EXTRACTED
    assert (await ask(question, models={"intents": intents()})).decision is not Decision.EXTRACTED


async def test_a_model_that_fails_leaves_the_turn_to_the_rules(ask) -> None:
    broken = {
        "intents": ScriptedClassifier(options={"error": Unavailable("gone")}),
        "mood": {"en": ScriptedScorer(options={"error": RuntimeError("broken")})},
    }
    question = "How long does a parcel delivery take?"
    outcome, plain = await ask(question, models=broken), await ask(question)
    assert (outcome.decision, outcome.text) == (plain.decision, plain.text)
    assert sensed(outcome) == {"failed": {"intent": "Unavailable", "mood": "RuntimeError"}}


async def test_a_model_that_is_too_slow_is_not_waited_for(ask, monkeypatch: pytest.MonkeyPatch) -> None:
    class Asleep(ScriptedClassifier):
        async def classify(self, texts):
            await asyncio.Event().wait()

    monkeypatch.setattr(sense, "SECONDS", 0.01)
    outcome = await ask("How long does a parcel delivery take?", models={"intents": Asleep()})
    assert outcome.decision is Decision.EXTRACTED
    assert sensed(outcome)["failed"] == {"intent": "TimeoutError"}


async def test_who_is_upset_gets_a_person_instead_of_a_refusal_and_an_offer_with_an_answer(ask) -> None:
    upset = {"mood": mood(-0.9)}
    refused = await ask("aeroplanes keep letting me down", models=upset)
    assert (refused.decision, refused.reason) == (Decision.HAND_OVER, "complaint")
    answered = await ask("How long does a parcel delivery take?", models=upset)
    assert answered.decision is Decision.EXTRACTED
    assert "Talk to a person" in answered.quick_replies


async def test_a_complaint_that_both_hear_is_handed_over(ask) -> None:
    outcome = await ask("I am very disappointed. How long does a parcel delivery take?", models={"mood": mood(-0.9)})
    assert (outcome.decision, outcome.reason) == (Decision.HAND_OVER, "anger")


async def test_one_model_of_mood_may_serve_every_language(ask) -> None:
    everywhere = {"*": ScriptedScorer(options={"number": -0.9})}
    assert sensed(await ask("包裹要几天送达？", models={"mood": everywhere}))["upset"]
    assert sensed(await ask("包裹要几天送达？", models={"mood": mood(-0.9)})) == {}
