"""Teams, routing and promises at the members' door: who may change what, and what is shown."""

from typing import Any

import pytest

from kefu.desk.accounts import team_actions
from kefu.desk.actor import Role
from kefu.desk.inbox import actions, handing

from .desks import Desk, desk_for, desk_of
from .shops import Shop, made_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return made_shop()


def waiting(shop: Shop) -> str:
    thread = shop.start()
    shop.say(thread, "A person, please.")
    actions.ask_for_member(shop.program, conversation_id=thread)
    return thread


def support(desk: Desk, *members: str, **given: Any) -> str:
    people = [{"id": each, "is_lead": True} for each in members]
    made = desk.post("/teams", {"name": "Support", "method": "round_robin", "members": people, **given}, 201)
    return str(made["id"])


def test_teams_are_made_changed_and_ended(shop: Shop) -> None:
    agent, desk = shop.member(Role.AGENT), desk_of(shop.owner)
    team = support(desk, agent.id, skills=["Billing"], languages=["zh", "en"])
    [shown] = desk.get("/teams")["teams"]
    assert (shown["skills"], shown["languages"], shown["hours"]) == (["billing"], ["en", "zh"], None)
    assert shown["members"] == [{"id": agent.id, "name": "Agent", "is_lead": True}]
    hours = {"time_zone": "Asia/Shanghai", "weekly": {"mon": [["09:00", "18:00"]]}, "holidays": []}
    assert (
        desk.patch(f"/teams/{team}", {"hours": hours, "method": "least_busy"})["hours"]["time_zone"] == "Asia/Shanghai"
    )
    assert desk.patch(f"/teams/{team}", {"hours": None})["hours"] is None
    assert desk.patch(f"/teams/{team}", {"hours": {**hours, "time_zone": "Mars"}}, 422)["field"] == "time_zone"
    assert desk.post("/teams", {"name": "Support"}, 409)["detail"].startswith("There is a team")
    assert desk.patch(f"/teams/{team}", {"members": [{"id": "mem_nobody"}]}, 422)["field"] == "members"
    desk.delete(f"/teams/{team}")
    assert desk.get("/teams")["teams"] == []
    desk.get(f"/teams/{team}", 404)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.AGENT, Role.VIEWER])
def test_only_admins_change_teams_routing_and_promises(shop: Shop, role: Role) -> None:
    team = support(desk_of(shop.owner))
    desk = desk_for(shop, role)
    desk.post("/teams", {"name": "Mine"}, 403)
    desk.patch(f"/teams/{team}", {"name": "Mine"}, 403)
    desk.delete(f"/teams/{team}", 403)
    desk.patch("/routing", {"default_team": team}, 403)
    desk.post("/sla", {"name": "Never", "first_reply_seconds": 1}, 403)
    assert desk.get("/routing") == {"rules": [], "default_team": "", "tells_position": True}
    assert desk.get("/sla") == {"policies": []}
    assert len(desk.get("/teams")["teams"]) == 1


def test_members_say_whether_they_are_there(shop: Shop) -> None:
    agent = shop.member(Role.AGENT)
    desk = desk_of(agent)
    assert desk.get("/session/availability")["availability"] == "away"  # no window was ever open
    assert desk.put("/session/availability", {"availability": "online"})["availability"] == "online"
    assert desk.put("/session/availability", {"availability": "busy"})["chosen"] == "busy"
    desk.put("/session/availability", {"availability": "asleep"}, 422)
    desk.patch(f"/staff/{agent.id}", {"conversation_limit": 9}, 403)
    lead = desk_for(shop, Role.SUPERVISOR)
    shown = lead.patch(f"/staff/{agent.id}", {"conversation_limit": 2, "skills": ["vip"], "availability": "away"})
    assert (shown["conversation_limit"], shown["skills"], shown["availability"], shown["load"]) == (
        2,
        ["vip"],
        "away",
        0,
    )
    actions.take(agent, conversation_id=waiting(shop))
    assert {each["id"]: each["load"] for each in lead.get("/staff")["staff"]}[agent.id] == 1
    desk_for(shop, Role.VIEWER).get("/session/availability", 404)


def test_a_conversation_shows_team_offer_priority_and_promise(shop: Shop) -> None:
    agent, desk = shop.member(Role.AGENT), desk_of(shop.owner)
    team = support(desk, agent.id)
    rules = [{"team": team, "channels": [shop.channel_id], "contact": {}}]
    assert desk.patch("/routing", {"rules": rules})["rules"][0]["team"] == team
    body = {"name": "All", "first_reply_seconds": 600, "in_business_hours": False, "on_breach": {"priority": "high"}}
    made = desk.post("/sla", body, 201)
    assert (made["resolution_seconds"], made["on_breach"]["priority"]) == (None, "high")
    team_actions.note_seen({shop.workspace_id: [agent.id]})
    thread = waiting(shop)
    handing.hand_on(shop.workspace_id)
    shown = desk.put(f"/inbox/conversations/{thread}/priority", {"priority": "urgent"})
    assert (shown["team"], shown["priority"]) == ({"id": team, "name": "Support"}, "urgent")
    assert shown["offered_to"] == {"id": agent.id, "name": "Agent"}
    assert (shown["sla"]["clock"], shown["sla"]["state"]) == ("first_reply", "running")
    [found] = desk.get(f"/inbox/conversations?team={team}&priority=3&assignee=none")["conversations"]
    assert found["id"] == thread
    [clock] = desk.get(f"/inbox/conversations/{thread}/clocks")["clocks"]
    assert (clock["kind"], clock["policy_name"], clock["target_seconds"]) == ("first_reply", "All", 600)
    desk.post(f"/inbox/conversations/{thread}/decline", expect=409)
    assert desk_of(agent).post(f"/inbox/conversations/{thread}/decline")["offered_to"] is None
    assert desk.put(f"/inbox/conversations/{thread}/team", {"team": None})["team"] is None
    desk.put(f"/inbox/conversations/{thread}/team", {"team": "team_nobody"}, 404)
    desk_for(shop, Role.VIEWER).put(f"/inbox/conversations/{thread}/priority", {"priority": "low"}, 403)


def test_promises_are_changed_and_end(shop: Shop) -> None:
    desk = desk_of(shop.owner)
    made = desk.post("/sla", {"name": "All", "resolution_seconds": 3600, "conditions": {"priorities": ["high"]}}, 201)
    changed = desk.patch(f"/sla/{made['id']}", {"first_reply_seconds": 60, "resolution_seconds": None})
    assert (changed["first_reply_seconds"], changed["resolution_seconds"]) == (60, None)
    assert changed["conditions"]["priorities"] == ["high"]
    assert desk.patch(f"/sla/{made['id']}", {"first_reply_seconds": None}, 422)["field"] == "first_reply_seconds"
    assert desk.post("/sla", {"name": "Nothing"}, 422)["field"] == "first_reply_seconds"
    desk.delete(f"/sla/{made['id']}")
    desk.delete(f"/sla/{made['id']}", 404)
    assert desk.get("/sla") == {"policies": []}
