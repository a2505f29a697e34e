"""A flow within a turn: started, gone on with, interrupted, handed over; and a policy's last words."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kefu.brain.flow import Shelf, load_flow
from kefu.brain.tools import Tools
from kefu.brain.turn import answer
from kefu.contracts.engine import Said
from kefu.contracts.tool import ToolCall, ToolOutcome, ToolState
from kefu.contracts.turn import Decision, Disclaimer, Escalation, TurnOutcome, TurnRequest
from kefu.engines.scripted.engine import ScriptedGenerator

from .conftest import POLICY, SHOP, WordIndex

# A Sunday morning.
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ORDER = """
schema: kefu.flow/v1
id: order_status
name: {en: Order status}
languages: [en]
when: {keywords: {en: [where is my order]}}
slots:
  order_number:
    type: pattern
    pattern: 'LL\\d{4}'
    question: {en: "What is your order number?"}
  phone:
    type: phone
    question: {en: "Under which number may we call you?"}
steps:
  - ask: order_number
  - call: shop.order
    with: {number: "{{ order_number }}"}
    save: {status: "{{ result.status }}", arrives: "{{ result.arrives }}"}
    on_error:
      - say: {en: "I cannot look it up now."}
      - hand_over: {reason: tool, team: orders, note: "wanted {{ order_number }}: {{ error.code }}"}
  - say: {en: "Order {{ order_number }} is {{ status }} and arrives on {{ arrives | date }}."}
    quick_replies: {en: [Thank you]}
  - ask: phone
  - set: {contact.phone: "{{ phone }}", conversation.asked: true}
  - say: {en: "We call you under {{ phone }}."}
"""
SHIPPED = ToolOutcome(ToolState.DONE, {"status": "shipped", "arrives": "2026-11-27", "fee": 17}, 200)


class Systems:
    """A company's systems, which answer what the test says and keep what they were asked."""

    def __init__(self, outcome: ToolOutcome = SHIPPED) -> None:
        self.outcome = outcome
        self.calls: list[ToolCall] = []

    async def call(self, call: ToolCall, *, conversation_id: str, turn_id: str) -> ToolOutcome:
        self.calls.append(call)
        return self.outcome


class Customer:
    """A conversation: each turn begins with what the last one kept."""

    def __init__(self, flow: str = ORDER, *, systems: Systems | None = None, **given: Any) -> None:
        self.systems = systems or Systems()
        flows = Shelf([load_flow(flow)]) if flow else None
        self.tools = Tools(WordIndex(SHOP), flows=flows, runner=self.systems, generator=given.pop("generator", None))
        self.request = TurnRequest("t", "w1", "c1", "", **{"policy": POLICY, "now": NOW, **given})
        self.turns = 0
        self.said: list[Said] = []
        self.shown: list[str] = []

    async def say(self, text: str) -> TurnOutcome:
        self.turns += 1
        request = replace(self.request, turn_id=f"t{self.turns}", text=text, history=tuple(self.said))
        outcome = await answer(request, self.tools, self.shown.append)
        self.said += [Said("contact", text), Said("assistant", outcome.text)]
        if outcome.kept is not None:
            remembered = {**self.request.remembered, **outcome.kept.remembered}
            self.request = replace(self.request, state=outcome.kept.state, remembered=remembered)
        return outcome


def step_of(outcome: TurnOutcome, name: str = "flow") -> Mapping[str, Any]:
    return next(step.detail for step in outcome.steps if step.name == name)


async def test_a_message_starts_a_flow_and_the_next_goes_on_with_it() -> None:
    customer = Customer()
    asked = await customer.say("Where is my order?")
    assert (asked.decision, asked.text) == (Decision.FLOW, "What is your order number?")
    assert step_of(asked)["waiting"]["slot"] == "order_number"
    told = await customer.say("It is LL1234")
    assert told.text.startswith("Order LL1234 is shipped and arrives on")
    assert told.text.endswith("Under which number may we call you?")
    [call] = customer.systems.calls
    assert (call.tool, dict(call.arguments)) == ("shop.order", {"number": "LL1234"})
    [traced] = step_of(told)["tool_calls"]
    assert (traced["tool"], traced["state"], traced["outputs"]["status"]) == ("shop.order", "done", "shipped")
    assert step_of(told)["unsupported"] == []
    assert step_of(told, "tools") == {"calls": 1}


async def test_a_run_that_is_over_keeps_what_it_learnt_and_no_state() -> None:
    customer = Customer()
    await customer.say("Where is my order LL1234?")
    over = await customer.say("call me under <PHONE_1>")
    assert over.text == "We call you under <PHONE_1>."
    assert over.kept is not None
    assert over.kept.state is None
    assert over.kept.contact["phone"].value == "<PHONE_1>"
    assert over.kept.remembered == {"asked": True}
    after = await customer.say("How much is standard delivery?")
    assert after.decision is Decision.EXTRACTED


async def test_a_question_in_the_middle_is_answered_from_knowledge_and_the_flow_asks_again() -> None:
    customer = Customer()
    await customer.say("Where is my order?")
    between = await customer.say("How much does standard delivery cost?")
    assert between.decision is Decision.FLOW
    assert "Standard delivery costs ¥12." in between.text
    assert between.text.endswith("What is your order number?")
    assert between.citations
    assert [event["kind"] for event in step_of(between)["events"]] == ["interrupted"]
    assert (await customer.say("LL1234")).text.startswith("Order LL1234")


async def test_what_is_generated_in_the_middle_may_use_a_tools_result() -> None:
    generator = ScriptedGenerator("scripted:test", {"replies": ["Standard delivery costs ¥12. Your fee was ¥17."]})
    await generator.load()
    policy = replace(POLICY, kinds=frozenset({*POLICY.kinds, Decision.GENERATED}))
    customer = Customer(generator=generator, policy=policy)
    await customer.say("Where is my order LL1234?")
    between = await customer.say("How much does standard delivery cost?")
    assert "Your fee was ¥17." in between.text
    assert "".join(customer.shown) == between.text
    alone = Customer("", generator=generator, policy=policy)
    assert "¥17" not in (await alone.say("How much does standard delivery cost?")).text


async def test_a_hand_over_after_a_generated_answer_shows_no_promise_before_it_is_stored() -> None:
    generator = ScriptedGenerator("scripted:test", {"replies": ["Standard delivery costs ¥12."]})
    await generator.load()
    policy = replace(POLICY, kinds=frozenset({*POLICY.kinds, Decision.GENERATED}))
    away = Systems(ToolOutcome(ToolState.FAILED, {}, 503))
    silent = ORDER.replace('      - say: {en: "I cannot look it up now."}\n', "")
    customer = Customer(silent, generator=generator, policy=policy, systems=away)
    await customer.say("Where is my order?")
    passed_on = await customer.say("LL1234. And how much does standard delivery cost?")
    assert passed_on.decision is Decision.HAND_OVER
    assert passed_on.promise
    assert "".join(customer.shown) == "Standard delivery costs ¥12."
    assert passed_on.text.startswith("Standard delivery costs ¥12.\n\n")


async def test_a_tool_that_fails_leads_where_the_flow_says() -> None:
    customer = Customer(systems=Systems(ToolOutcome(ToolState.UNKNOWN, problem="unknown")))
    outcome = await customer.say("Where is my order LL1234?")
    assert outcome.decision is Decision.HAND_OVER
    assert outcome.text.startswith("I cannot look it up now.")
    assert outcome.kept is not None
    assert (outcome.kept.team, outcome.kept.note) == ("orders", "wanted LL1234: unknown")
    assert outcome.kept.state is None


@pytest.mark.parametrize("said", ["I want to talk to a human", "this is a fucking scam, you useless idiots"])
async def test_a_person_comes_before_the_flow(said: str) -> None:
    customer = Customer()
    await customer.say("Where is my order?")
    outcome = await customer.say(said)
    assert outcome.decision is Decision.HAND_OVER
    assert not [step for step in outcome.steps if step.name == "flow"]


async def test_a_forbidden_topic_is_refused_in_the_middle_of_a_flow_which_then_goes_on() -> None:
    customer = Customer(policy=replace(POLICY, forbidden_topics=("politics",)))
    await customer.say("Where is my order?")
    refused = await customer.say("What about politics?")
    assert (refused.decision, refused.kept) == (Decision.REFUSE, None)
    assert (await customer.say("LL1234")).decision is Decision.FLOW


async def test_a_question_with_an_approved_answer_starts_no_flow() -> None:
    flow = ORDER.replace("[where is my order]", "[return shoes]")
    outcome = await Customer(flow).say("Can I return shoes?")
    assert (outcome.decision, outcome.reason) == (Decision.APPROVED, "exact_question")


async def test_a_state_that_nobody_can_read_is_forgotten() -> None:
    outcome = await Customer(state={"frames": 7}).say("How much is standard delivery?")
    assert outcome.decision is Decision.EXTRACTED


async def test_a_flow_of_a_version_that_is_gone_brings_a_person() -> None:
    customer = Customer()
    await customer.say("Where is my order?")
    customer.tools = replace(customer.tools, flows=Shelf([]))
    outcome = await customer.say("LL1234")
    assert (outcome.decision, outcome.reason) == (Decision.HAND_OVER, "flow_failed")


async def test_a_turn_of_a_flow_costs_little_more_than_any_other() -> None:
    customer = Customer()
    await customer.say("Where is my order?")
    state, own = customer.request, []
    for _ in range(20):
        customer.request = state
        outcome = await customer.say("LL1234")
        assert outcome.decision is Decision.FLOW
        own.append(sum(step.ms for step in outcome.steps if step.name == "flow"))
    assert min(own) < 5.0, own  # the least is what it costs; the rest is what else the machine does


PRICES = """
schema: kefu.flow/v1
id: prices
name: {en: Prices}
languages: [en]
when: {keywords: {en: [what do seats cost]}}
slots:
  seats: {type: number, max: 12, question: {en: "How many seats?"}}
steps:
  - ask: seats
  - call: shop.order
    save: {fee: "{{ result.fee }}", arrives: "{{ result.arrives }}"}
STEPS
"""


@pytest.mark.parametrize(
    "steps",
    [
        "  - say: {en: \"{{ seats }} seats, {{ fee | money('CNY') }} each, deposit ¥50, from {{ arrives | date }}.\"}",
        '  - set: {total: "{{ seats * fee }}"}\n  - say: {en: "That is ¥{{ total }} on {{ today | date }}."}',
        '  - say: {en: "Seat {% for n in [4, 7] %}{{ loop.index }}: {{ n }} {% endfor %}"}',
    ],
)
async def test_a_flow_says_figures_that_stand_somewhere(steps: str) -> None:
    customer = Customer(PRICES.replace("STEPS", steps))
    await customer.say("What do seats cost?")
    outcome = await customer.say("four")
    assert (outcome.decision, step_of(outcome)["unsupported"]) == (Decision.FLOW, [])


async def test_a_figure_that_a_formula_makes_does_not_leave() -> None:
    customer = Customer(PRICES.replace("STEPS", '  - say: {en: "That is ¥{{ seats * 23.5 + 0.25 }}."}'))
    await customer.say("What do seats cost?")
    outcome = await customer.say("four")
    assert (outcome.decision, outcome.reason) == (Decision.HAND_OVER, "check_failed")
    assert "94" not in outcome.text
    assert step_of(outcome)["unsupported"] == ["¥94.25"]
    assert outcome.kept is not None
    assert outcome.kept.state is None


async def test_a_value_that_is_not_allowed_may_be_named() -> None:
    customer = Customer(
        PRICES.replace("question: {en:", 'invalid: {en: "Not {{ value }}."}, question: {en:').replace("STEPS", "")
    )
    await customer.say("What do seats cost?")
    outcome = await customer.say("forty")
    assert (outcome.decision, outcome.text[:7]) == (Decision.FLOW, "Not 40.")


# The policy's last words


async def test_a_forbidden_word_never_leaves() -> None:
    policy = replace(POLICY, forbidden_words=("Swiftbird", "shipped"))
    refused = await Customer(policy=policy).say("Who carries standard delivery parcels, Swiftbird?")
    assert "Swiftbird" not in refused.text
    assert (refused.decision, refused.reason) == (Decision.REFUSE, "forbidden_word")
    customer = Customer(policy=policy)
    flow = await customer.say("Where is my order LL1234?")
    assert (flow.decision, flow.reason) == (Decision.HAND_OVER, "forbidden_word")
    assert "shipped" not in flow.text


async def test_a_disclaimer_is_said_once_a_conversation() -> None:
    disclaimer = Disclaimer("prices", {"en": "Prices may change."}, topics=("delivery",))
    customer = Customer(policy=replace(POLICY, disclaimers=(disclaimer,)))
    other = await customer.say("How long is a gift card valid?")
    first = await customer.say("How much is standard delivery?")
    second = await customer.say("How much is standard delivery?")
    assert [outcome.text.count("Prices may change.") for outcome in (other, first, second)] == [0, 1, 0]


async def test_a_disclaimer_does_not_end_a_flow_under_way() -> None:
    disclaimer = Disclaimer("first", {"en": "I am a machine."})
    customer = Customer(policy=replace(POLICY, disclaimers=(disclaimer,)))
    asked = await customer.say("Where is my order?")
    assert asked.text == "What is your order number?\n\nI am a machine."
    assert (await customer.say("LL1234")).text.startswith("Order LL1234")


@pytest.mark.parametrize(
    ("rule", "contact", "said", "decision"),
    [
        (Escalation(contact={"vip": True}, words=("late",)), {"vip": True}, "My parcel is late", Decision.HAND_OVER),
        (Escalation(contact={"vip": True}, words=("late",)), {"vip": False}, "Is delivery late?", None),
        (Escalation(contact={"vip": True}, words=("late",)), {"vip": True}, "How much is delivery?", None),
        (Escalation(moods=("complaint",)), {}, "I am very disappointed with your delivery", Decision.HAND_OVER),
        (Escalation(), {}, "How much is standard delivery?", Decision.EXTRACTED),
        (Escalation(contact={"vip": True}, refusals=1), {"vip": True}, "Do you sell zebras?", Decision.HAND_OVER),
        (Escalation(contact={"vip": True}, refusals=2), {"vip": True}, "Do you sell zebras?", Decision.REFUSE),
    ],
)
async def test_an_escalation_needs_all_that_it_says(
    rule: Escalation, contact: dict[str, Any], said: str, decision: Decision | None
) -> None:
    outcome = await Customer("", policy=replace(POLICY, escalations=(rule,)), contact=contact).say(said)
    if decision is None:
        assert outcome.decision is not Decision.HAND_OVER
    else:
        assert outcome.decision is decision


@pytest.mark.parametrize(
    ("hours", "hour", "is_open", "quiet"),
    [
        ("22:00-08:00", 23, True, True),
        ("22:00-08:00", 7, True, True),
        ("22:00-08:00", 8, True, False),
        ("12:00-13:00, 22:00-08:00", 12, True, True),
        ("00:00-24:00", 12, True, True),
        ("00:00-24:00", 0, True, True),
        ("closed", 12, False, True),
        ("closed", 12, True, False),
        ("", 3, False, False),
    ],
)
async def test_nobody_is_offered_in_quiet_hours(hours: str, hour: int, is_open: bool, quiet: bool) -> None:
    policy = replace(POLICY, quiet_hours=hours, refusals_before_hand_over=1 if quiet else 2)
    customer = Customer("", policy=policy, now=NOW.replace(hour=hour), is_open=is_open)
    outcome = await customer.say("Do you sell zebras?")
    assert outcome.decision is Decision.REFUSE
    assert bool(outcome.quick_replies) is not quiet
    assert ("Would you like to talk to a person" in outcome.text) is not quiet
    asked = await customer.say("I want to talk to a human")
    assert asked.decision is Decision.HAND_OVER
    assert ("Nobody of our team is here at this hour" in asked.text) is quiet
