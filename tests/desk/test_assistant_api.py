"""The assistant through HTTP: policy, generator, calibration, drafts tried."""

from typing import Any

import pytest

from kefu.desk.accounts.models import AuditEntry
from kefu.desk.actor import Role
from kefu.desk.assistants.queries import for_workspace, generator_options
from kefu.testing.fakes import FakeOpenAIServer

from .desks import Desk, desk_for
from .shops import Shop, claim, finish, made_shop

pytestmark = pytest.mark.django_db
GENERATOR = "/assistant/engines/generator"


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def admin(shop: Shop) -> Desk:
    return desk_for(shop, Role.ADMIN)


@pytest.fixture
def agent(shop: Shop) -> Desk:
    return desk_for(shop, Role.AGENT)


def test_a_new_workspace_shows_the_defaults(agent: Desk) -> None:
    found = agent.get("/assistant")
    assert found["policy"] == found["defaults"]
    assert found["set"] == []
    assert found["texts"]["zh"]["talk_to_person"] == "转人工客服"
    assert {each["language"] for each in found["engines"]["encoders"]} == {"en", "*"}


def test_a_policy_is_changed_in_part_and_given_back_its_defaults(admin: Desk, shop: Shop) -> None:
    admin.patch("/assistant", {"policy": {"answer_threshold": 0.7, "kinds": ["approved"]}})
    found = admin.patch(
        "/assistant",
        {"policy": {"forbidden_topics": ["politics"], "texts": {"zh": {"refuse": "不知道"}}, "tone": "formal"}},
    )
    assert found["set"] == ["answer_threshold", "forbidden_topics", "kinds", "texts", "tone"]
    policy = for_workspace(shop.workspace_id).policy
    assert (policy.answer_threshold, policy.kinds, policy.forbidden_topics) == (0.7, {"approved"}, ("politics",))
    found = admin.patch("/assistant", {"policy": {"answer_threshold": None, "texts": None}})
    assert found["policy"]["answer_threshold"] == found["defaults"]["answer_threshold"]
    assert found["set"] == ["forbidden_topics", "kinds", "tone"]


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"answer_threshold": 1.5}, "policy.answer_threshold"),
        ({"kinds": ["invented"]}, "policy.kinds.0"),
        ({"refusals_before_hand_over": -1}, "policy.refusals_before_hand_over"),
        ({"texts": {"en": "Hello"}}, "policy.texts.en"),
        ({"unknown": 1}, "policy.unknown"),
        ({"default_language": "../en"}, "policy.default_language"),
    ],
)
def test_a_bad_policy_is_refused_by_name(admin: Desk, agent: Desk, policy: Any, field: str) -> None:
    assert admin.patch("/assistant", {"policy": policy}, 422)["field"] == field
    assert agent.post("/assistant/try", {"question": "x", "policy": policy}, 422)["field"] == field


def test_the_assistant_is_for_admins_to_change(agent: Desk, shop: Shop) -> None:
    agent.patch("/assistant", {"name": "x"}, 403)
    agent.put(GENERATOR, {"reference": "openai:m"}, 403)
    agent.post(f"{GENERATOR}/check", {"reference": "openai:m"}, 403)
    desk_for(shop, Role.VIEWER).post("/assistant/try", {"question": "x"}, 403)


def test_secrets_of_a_generator_go_in_and_never_come_out(admin: Desk, agent: Desk, shop: Shop) -> None:
    options = {"base_url": "https://llm.example/v1", "api_key": "sk-secret", "model": "m"}
    found = admin.put(GENERATOR, {"reference": "openai:m", "options": options})
    assert found["engines"]["generator"] == {
        "reference": "openai:m",
        "options": {"base_url": "https://llm.example/v1", "model": "m"},
        "secrets": ["api_key"],
    }
    for body in (found, admin.get("/assistant"), agent.get("/assistant"), admin.get("/audit")):
        assert "sk-secret" not in str(body)
    assert agent.get("/assistant")["engines"]["generator"]["options"] == {}
    assert AuditEntry.objects.of(shop.workspace_id).filter(action="assistant.updated").exists()


def test_an_absent_secret_is_kept_for_the_same_server_only(admin: Desk, shop: Shop) -> None:
    server = {"base_url": "https://llm.example/v1"}
    admin.put(GENERATOR, {"reference": "openai:m", "options": {**server, "api_key": "sk-secret"}})
    admin.put(GENERATOR, {"reference": "openai:n", "options": server})
    assert generator_options(shop.workspace_id) == {**server, "api_key": "sk-secret"}
    elsewhere = {"base_url": "https://evil.example/v1"}
    for call, path in ((admin.put, GENERATOR), (admin.post, f"{GENERATOR}/check")):
        assert call(path, {"reference": "openai:n", "options": elsewhere}, 422)["field"] == "api_key"
    admin.put(GENERATOR, {"reference": "openai:n", "options": {**elsewhere, "api_key": None}})
    assert generator_options(shop.workspace_id) == elsewhere


def test_a_password_in_an_address_is_a_secret(admin: Desk) -> None:
    options = {"base_url": "https://user:hush@llm.example/v1"}
    found = admin.put(GENERATOR, {"reference": "openai:m", "options": options})
    assert "hush" not in str(found)
    assert found["engines"]["generator"]["secrets"] == ["base_url"]


def test_a_generator_of_no_known_form_is_refused(admin: Desk) -> None:
    assert admin.put(GENERATOR, {"reference": "file:///etc/passwd"}, 422)["field"] == "reference"


def test_a_generator_is_checked_before_it_is_chosen(admin: Desk, shop: Shop, openai_server: FakeOpenAIServer) -> None:
    openai_server.reply = ["Yes", "."]
    body = {"reference": "openai:m", "options": {"base_url": openai_server.url, "retries": 0}}
    assert admin.post(f"{GENERATOR}/check", body)["detail"] == "Yes."
    openai_server.fail_next(401, times=5)
    refused = admin.post(f"{GENERATOR}/check", body)
    assert refused["ok"] is False
    assert refused["detail"]
    assert for_workspace(shop.workspace_id).generator == ""


def test_engines_are_listed_with_their_options(agent: Desk) -> None:
    found = {each["name"]: each for each in agent.get("/assistant/engines")["engines"]}
    assert found["openai_compat"]["roles"] == ["generate"]
    assert "base_url" in found["openai_compat"]["options"]


def test_thresholds_are_shown_on_the_workspaces_own_questions(agent: Desk, shop: Shop) -> None:
    assert agent.get("/assistant/calibration")["recent"] == {"questions": 0, "points": []}
    shop.say(shop.start(), "When are you open?")
    [turn] = claim()
    finish(turn)
    found = agent.get("/assistant/calibration")
    points = {point["threshold"]: point["answered"] for point in found["recent"]["points"]}
    assert (points[0.0], points[0.9], points[0.95]) == (1.0, 1.0, 0.0)
    assert set(found["thresholds"]) == {"answer", "approved", "clarify"}


def test_a_draft_is_tried_and_not_kept(agent: Desk, shop: Shop) -> None:
    draft = {"texts": {"en": {"refuse": "No idea, sorry."}}}
    tried = agent.post("/assistant/try", {"question": "How deep is the sea?", "policy": draft})
    assert (tried["answer"]["answer"], tried["answer"]["decision"]) == ("No idea, sorry.", "refuse")
    assert agent.get("/assistant")["set"] == []
    assert agent.post("/assistant/try", {"question": "How deep is the sea?"})["answer"]["answer"] != "No idea, sorry."
