"""How often flows are started, finished and left, and at which step, from what turns kept."""

from typing import Any

import pytest

from kefu.contracts.turn import Decision, Kept
from kefu.desk.actor import Role
from kefu.desk.flow_traffic import flow_traffic
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox import due
from kefu.kit.errors import BadInput, NotAllowed

from ..desks import desk_for
from ..shops import Shop, claim, made_shop, outcome

pytestmark = pytest.mark.django_db
STARTED = {"kind": "started", "flow": "book", "version": 1}


@pytest.fixture
def shop() -> Shop:
    return made_shop()


def turn(shop: Shop, thread: str, *events: dict[str, Any], path: tuple[str, ...], step: str | None = None) -> None:
    """One turn of a flow, as dispatch stores it."""
    shop.say(thread, "hello")
    [claimed] = claim()
    over = next((each.get("outcome") for each in events if each["kind"] == "ended"), None)
    flow = {"name": "flow", "flow": "book", "version": 1, "step": step, "path": list(path), "events": list(events)}
    made = outcome("All right.", Decision.FLOW, kept=Kept(state=None if over else {"frames": []}))
    due.finish_turns(worker="worker", outcomes=[(claimed.id, made, {"steps": [{**flow, "outcome": over}]})])


def ended(word: str, step: str = "") -> dict[str, Any]:
    return {"kind": "ended", "flow": "book", "step": step, "outcome": word}


def test_each_run_is_counted_once_with_how_it_ended_and_where(shop: Shop) -> None:
    one, two, three, four = (shop.start() for _ in range(4))
    turn(shop, one, STARTED, path=("book/ask_day",), step="ask_day")
    turn(shop, one, ended("solved"), path=("book/ask_day", "book/ask_time", "book/ask_day", "book/say_done"))
    turn(shop, two, STARTED, path=("book/ask_day",), step="ask_day")
    turn(shop, two, ended("cancelled"), path=())
    turn(shop, three, STARTED, path=("book/ask_day", "book/ask_time"), step="ask_time")
    inbox.resolve(shop.kefu, conversation_id=three)
    turn(shop, four, STARTED, path=("book/ask_day",), step="ask_day")
    _, [found] = flow_traffic(shop.member(Role.VIEWER))
    assert (found.started, found.finished, found.cancelled, found.dropped, found.handed_over) == (4, 1, 1, 1, 0)
    assert (found.under_way, dict(found.outcomes)) == (1, {"solved": 1, "cancelled": 1, "dropped": 1})
    steps = {name: (each.reached, each.cancelled, each.dropped) for name, each in found.steps.items()}
    assert steps == {"ask_day": (4, 1, 0), "ask_time": (2, 0, 1), "say_done": (1, 0, 0)}


def test_hand_overs_and_replies_that_did_not_leave_are_hand_overs(shop: Shop) -> None:
    handed = {"kind": "handed_over", "flow": "book", "step": "no_system", "reason": "tool"}
    turn(shop, shop.start(), STARTED, handed, ended("handed_over"), path=("book/call_1", "book/no_system"))
    _, [found] = flow_traffic(shop.owner)
    assert (found.started, found.handed_over, found.steps["no_system"].handed_over) == (1, 1, 1)


def test_the_members_door_gives_it_for_a_period(shop: Shop) -> None:
    turn(shop, shop.start(), STARTED, ended("solved"), path=("book/say_1",))
    desk = desk_for(shop, Role.VIEWER)
    [found] = desk.get("/flows/traffic")["flows"]
    assert (found["key"], found["finished"], found["steps"]["say_1"]["reached"]) == ("book", 1, 1)
    assert desk.get("/flows/traffic?from=2020-01-01&to=2020-01-31")["flows"] == [] or not sum(
        each["started"] for each in desk.get("/flows/traffic?from=2020-01-01&to=2020-01-31")["flows"]
    )
    desk.get("/flows/traffic?from=2026-02-31", expect=422)
    with pytest.raises(BadInput):
        flow_traffic(shop.owner, first="2026-05-02", last="2026-05-01")
    with pytest.raises(NotAllowed):
        flow_traffic(shop.visitor())
