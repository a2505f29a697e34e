"""Routing in the running server: who opens a window is offered what waits, and customers see their place move."""

import json

from websockets.sync.client import connect

from kefu.desk.accounts import team_actions
from kefu.desk.actor import system
from kefu.desk.inbox import actions
from kefu.desk.inbox.actions import routes

from .conftest import Shop, new_visitor
from .test_members_live import member, socket_of, until


def test_a_window_makes_one_available_and_what_waits_is_offered(address: str, shop: Shop) -> None:
    kefu = system(shop.workspace_id)
    vera = member(shop, "Vera")
    team = team_actions.create_team(kefu, name="Routed", method="round_robin", members=[vera.id])
    try:
        routes.set_routing(kefu, default_team=team.id)
        with socket_of(address, vera) as socket:
            thread = shop.start()
            shop.post(f"/v1/conversations/{thread}/hand-over")
            offered = {"id": vera.id, "name": "Vera"}
            while True:
                shown = until(socket, type="conversation.updated")[-1]["conversation"]
                if shown["id"] == thread and shown["offered_to"] == offered:
                    break
            assert shown["team"] == {"id": team.id, "name": "Routed"}
            actions.take(vera, conversation_id=thread)
    finally:
        team_actions.remove_team(kefu, team_id=team.id)


def test_a_customer_sees_their_place_and_moves_up(address: str, shop: Shop) -> None:
    first = shop.start()
    with new_visitor(address, shop) as visitor:
        mine = visitor.post("/v1/conversations", json={}).json()["id"]
        shop.post(f"/v1/conversations/{first}/hand-over")
        visitor.post(f"/v1/conversations/{mine}/hand-over")
        for each in (first, mine):  # before whoever waits from other tests
            routes.set_priority(system(shop.workspace_id), conversation_id=each, priority="urgent")
        assert visitor.get(f"/v1/conversations/{mine}").json()["queue_position"] == 2
        token = visitor.headers["Authorization"].removeprefix("Bearer ")
        with connect(address.replace("http", "ws", 1) + "/v1/live") as socket:
            socket.send(json.dumps({"type": "hello", "token": token}))
            assert json.loads(socket.recv(timeout=60))["type"] == "ready"
            actions.resolve(system(shop.workspace_id), conversation_id=first)
            while True:
                seen = until(socket, type="conversation.updated")[-1]["conversation"]
                if seen["queue_position"] == 1:
                    break
        actions.resolve(system(shop.workspace_id), conversation_id=mine)
