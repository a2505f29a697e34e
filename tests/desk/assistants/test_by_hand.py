"""Tools of a simulated conversation answered by a person: samples, values, errors and time-outs."""

from typing import Any

import pytest

from kefu.desk.actor import Role
from kefu.desk.assistants import actions

from ..desks import Desk, desk_for
from ..shops import Shop, made_shop

pytestmark = pytest.mark.django_db
FLOW = """schema: kefu.flow/v1
id: find
name: {en: Find it, zh: 查找}
languages: [en, zh]
when: {keywords: {en: [where is it], zh: [在哪里]}}
steps:
  - call: shop.order
    save: {status: "{{ result.status }}"}
    on_error:
      - say: {en: "No: {{ error.code }}.", zh: "没有：{{ error.code }}。"}
      - end: unsolved
  - say: {en: "It is {{ status }}.", zh: "状态：{{ status }}。"}
"""
TOOL = {
    "name": "shop.order",
    "url": "https://shop.example/order",
    "outputs": {"status": "$.status"},
    "samples": [{"status": 200, "body": {"status": "shipped"}}, {"status": 404, "body": {"detail": "gone"}}],
}
SAID = "Where is it?"


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def desk(shop: Shop) -> Desk:
    actions.save_tool(shop.owner, definition=TOOL)
    return desk_for(shop, Role.AGENT)


def simulated(desk: Desk, *answers: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = desk.post("/flows/simulate", {"text": SAID, "drafts": [FLOW], "answers": list(answers)})
    return found


def test_a_call_waits_for_a_person_and_shows_the_samples(desk: Desk) -> None:
    asked = simulated(desk)
    assert (asked["text"], asked["state"]) == ("", None)
    assert asked["asked"]["tool"] == "shop.order"
    assert [each["status"] for each in asked["asked"]["samples"]] == [200, 404]
    assert asked["asked"]["outputs"] == ["status"]


@pytest.mark.parametrize(("given", "text"), [
    ({"sample": 0}, "It is shipped."),
    ({"sample": 1}, "No: not_found."),
    ({"sample": 9}, "No: no_sample."),
    ({"outputs": {"status": "on its way"}}, "It is on its way."),
    ({"problem": "timeout"}, "No: timeout."),
    ({"problem": "busy", "message": "later"}, "No: busy."),
])  # fmt: skip
def test_it_goes_on_with_what_the_person_answers(desk: Desk, given: dict[str, Any], text: str) -> None:
    found = simulated(desk, given)
    assert (found["text"], found["asked"]) == (text, None)


def test_without_answers_the_samples_answer_by_themselves(desk: Desk) -> None:
    assert desk.post("/flows/simulate", {"text": SAID, "drafts": [FLOW]})["text"] == "It is shipped."


def test_a_flow_has_its_title_in_each_language(shop: Shop, desk: Desk) -> None:
    admin = desk_for(shop, Role.ADMIN)
    made = admin.post("/flows", {"text": FLOW}, expect=201)
    assert made["names"] == {"en": "Find it", "zh": "查找"}
    assert desk.get("/flows")["flows"][0]["names"]["zh"] == "查找"
