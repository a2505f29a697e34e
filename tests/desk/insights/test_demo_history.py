"""The demo's history is as the actions would have left it, and the same for the same seed."""

from datetime import timedelta

import pytest

from kefu.desk.accounts.queries import members
from kefu.desk.actor import Role
from kefu.desk.contacts.models import Consent
from kefu.desk.copilot import queries as copilot
from kefu.desk.copilot.models import KeptEdit
from kefu.desk.demo_history import lay_history
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox.filters import Filter
from kefu.desk.inbox.models import Conversation, Happening, Message, SlaClock, Turn
from kefu.desk.inbox.queries import messages, threads
from kefu.desk.inbox.queries.chats import chats
from kefu.desk.insights.models import ReportingEvent
from kefu.desk.insights.queries.cells import Filters
from kefu.desk.insights.queries.period import period_of
from kefu.desk.insights.queries.reports import breakdown, csat, funnel, intents, overview
from kefu.desk.insights.rolling import recount, roll_up
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, NotAllowed

from ..shops import made_shop

pytestmark = pytest.mark.django_db


def test_a_history_is_shown_counted_and_goes_on() -> None:
    shop = made_shop()
    laid = lay_history(shop.owner, conversations=300, days=10)
    assert laid.conversations == 300
    assert recount(shop.workspace_id).wrong_conversations == 300
    assert recount(shop.workspace_id, repair=False).is_equal
    waits = Conversation.objects.of(shop.workspace_id).filter(status="waiting").values_list("waiting_since", flat=True)
    assert all(since > now() - timedelta(hours=3) for since in waits), "somebody comes, also after a reopening"
    newest = threads(shop.owner, limit=20)
    assert len(newest) == 20
    resolved = threads(shop.owner, Filter(status=("resolved",)), limit=1)[0].conversation.id
    said = messages(shop.owner, resolved)
    assert [each.sequence for each in said] == list(range(1, len(said) + 1))
    assert all(each.outcome == "replied" for each in said if each.author == "contact" and each.turn_id)
    shop.say(resolved, "And one thing more")
    inbox.resolve(shop.program, conversation_id=resolved)
    roll_up()
    assert recount(shop.workspace_id, repair=False).is_equal


def test_a_history_has_everything_that_reports_tell_of() -> None:
    shop = made_shop()
    lay_history(shop.owner, conversations=400, days=6)
    recount(shop.workspace_id)
    period = period_of(shop.owner)
    values = {row["metric"]: row["value"] for row in overview(shop.owner, period, Filters()).rows}
    assert values["conversations_count"] == 400
    assert 0.5 < values["automation_rate"] < 0.95
    assert 0.03 < values["refusal_rate"] < 0.25
    assert values["csat_score"] > 0.5
    assert values["assignments_count"] > 20
    assert values["unanswered_count"] > 20
    for judged in ("handoff_correctness", "refusal_precision"):
        assert 0.5 < values[judged] <= 1
    assert values["thumbs_count"] > 5
    for kept in ("sla_first_reply_met_rate", "sla_next_reply_met_rate", "sla_resolution_met_rate"):
        assert 0.5 < values[kept] <= 1
    assert any(each.distance > 0 for each in copilot.edits(shop.owner))
    assert len(list(chats(shop.owner))) > 50, "enough agreed for models to learn"
    assert all(row["conversations"] for row in funnel(shop.owner, period, Filters()).rows)
    assert len(intents(shop.owner, period, Filters()).rows) > 20
    for by, names in (("label", {"invoice", "refund", "urgent", "vip", "complaint"}), ("team", {"Orders", "Accounts"})):
        assert {row["name"] for row in breakdown(shop.owner, period, Filters(), by=by).rows} == names
    assert csat(shop.owner, period, Filters()).more["comments"]
    assert not Message.objects.of(shop.workspace_id).filter(created_at__gt=now()).exclude(author="assistant").exists()


def test_the_same_seed_makes_the_same_history() -> None:
    first, second = made_shop(), made_shop()
    for shop in (first, second):
        lay_history(shop.owner, conversations=40, days=3, seed=5)
    texts = [
        list(Message.objects.of(shop.workspace_id).order_by("created_at", "id").values_list("text", flat=True)[:50])
        for shop in (first, second)
    ]
    assert texts[0] == texts[1]
    for model in (Turn, SlaClock, Consent, KeptEdit):
        assert model.objects.of(first.workspace_id).count() == model.objects.of(second.workspace_id).count()


def test_a_second_history_uses_the_same_people_and_channels() -> None:
    shop = made_shop()
    for seed in (1, 2):
        lay_history(shop.owner, conversations=10, days=2, seed=seed)
    agents = [each for each in members(shop.owner) if each.role is Role.AGENT]
    assert len(agents) == 6
    assert Conversation.objects.of(shop.workspace_id).count() == 20
    assert Happening.objects.of(shop.workspace_id).exists()
    assert not ReportingEvent.objects.of(shop.workspace_id).exists()


def test_too_much_is_refused() -> None:
    shop = made_shop()
    for wrong in (
        {"conversations": 0, "days": 1},
        {"conversations": 1, "days": 0},
        {"conversations": 10**7, "days": 1},
    ):
        with pytest.raises(BadInput):
            lay_history(shop.owner, **wrong)
    with pytest.raises(NotAllowed):
        lay_history(shop.member(Role.ADMIN), conversations=1, days=1)
