"""Every figure on timelines made by hand: reopening, hand-back, bursts, merging, midnight, daylight saving, hours."""

import itertools
import json
import random

import pytest

from kefu.desk.accounts.hours import checked_hours
from kefu.desk.accounts.queries import HoursBook
from kefu.desk.insights.fold import Clock, Fold, standing, written_labels

from .lines import HOUR, MINUTE, Line

OFFICE = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def book(zone: str = "Asia/Shanghai", weekly: dict[str, list[list[str]]] | None = None, *off: str) -> HoursBook:
    return HoursBook(((0, checked_hours(time_zone=zone, weekly=weekly or OFFICE, holidays=off)),))


def answered() -> Line:
    return Line().began("10:00").asks("10:01").assistant("10:02")


def handed_over() -> Line:
    """Asked at 10:00; the assistant hands over at 10:01."""
    return Line().began("10:00").asks("10:00").waits("10:01", "assistant").assistant("10:01", "hand_over", "anger")


def test_messages_are_counted_by_who_is_on_duty_and_who_says_them() -> None:
    line = handed_over().owned("10:05").asks("10:06").member("10:07")
    assert line.values("incoming_messages", who="assistant") == [1]
    assert line.values("incoming_messages", who="person", member="mem_a") == [1]
    assert line.values("outgoing_messages", who="assistant") == [1]
    assert line.values("outgoing_messages", who="person", member="mem_a") == [1]


def test_the_first_response_is_counted_from_the_first_message() -> None:
    assert answered().values("first_response_time") == [MINUTE]
    assert answered().asks("10:30").assistant("10:40").values("first_response_time") == [MINUTE]


def test_a_persons_clock_starts_at_the_hand_over() -> None:
    line = handed_over().owned("10:05").member("10:07")
    assert line.values("first_response_time", who="assistant") == [MINUTE]
    assert line.values("first_response_time", who="person", member="mem_a") == [6 * MINUTE]


def test_taking_over_from_the_assistant_starts_a_persons_clock_when_the_contact_waits() -> None:
    assert answered().asks("10:10").owned("10:12").member("10:13").values("first_response_time", who="person") == [
        3 * MINUTE
    ]
    line = answered().owned("10:12").member("10:13").asks("10:20").member("10:24")
    assert line.values("first_response_time", who="person") == [4 * MINUTE]


def test_another_owner_does_not_start_the_clock_again() -> None:
    line = handed_over().owned("10:05").owned("10:30", "mem_b").member("10:31", "mem_b")
    assert line.values("first_response_time", who="person", member="mem_b") == [30 * MINUTE]
    assert line.owned("10:40", "mem_a").asks("10:41").member("10:45").values("first_response_time", who="person") == [
        30 * MINUTE
    ]


def test_handing_back_stops_a_persons_clock_and_another_hand_over_starts_it_anew() -> None:
    line = handed_over().owned("10:05").back("10:06").asks("10:10").assistant("10:11")
    assert line.values("first_response_time", who="person") == []
    line.waits("10:20").owned("10:21").member("10:25")
    assert line.values("first_response_time", who="person") == [5 * MINUTE]
    assert line.values("first_response_time", who="assistant") == [MINUTE]


def test_reopening_starts_the_clock_again() -> None:
    line = answered().resolved("10:30").reopened("12:00").asks("12:00").assistant("12:03")
    assert line.values("first_response_time") == [MINUTE, 3 * MINUTE]
    assert line.values("reopenings", detail="contact") == [1]


def test_a_resolved_conversation_taken_up_by_a_member_starts_no_clock() -> None:
    line = answered().resolved("10:30").owned("11:00").member("11:05")
    assert line.values("first_response_time", who="person") == []
    assert line.values("reopenings", detail="member") == [1]
    assert line.values("bot_handoffs") == []


def test_asking_for_a_person_after_the_end_reopens_and_hands_over() -> None:
    line = answered().resolved("10:30").waits("11:00").owned("11:02").member("11:04")
    assert line.values("reopenings") == [1]
    assert line.values("bot_handoffs", detail="contact") == [1]
    assert line.values("first_response_time", who="person") == [4 * MINUTE]


def test_with_the_assistant_off_a_persons_clock_starts_with_the_first_message() -> None:
    line = Line().began("10:00").waits("10:00", "off").asks("10:10").owned("10:11").member("10:15")
    assert line.values("first_response_time", who="person") == [5 * MINUTE]
    assert line.values("bot_handoffs") == []


def test_each_reply_is_counted_from_when_the_contact_began_to_wait() -> None:
    line = answered().asks("10:10").asks("10:12").assistant("10:15").assistant("10:16")
    assert line.values("reply_time") == [MINUTE, 5 * MINUTE]


def test_after_a_hand_over_the_contact_waits_for_the_person() -> None:
    line = handed_over().owned("10:05").member("10:07").member("10:08")
    assert line.values("reply_time", who="assistant") == [MINUTE]
    assert line.values("reply_time", who="person") == [6 * MINUTE]


def test_what_comes_while_an_answer_is_made_goes_on_waiting() -> None:
    line = Line().began("10:00").asks("10:00").asks("10:01").assistant("10:02", through=1).assistant("10:04")
    assert line.values("reply_time") == [2 * MINUTE, 3 * MINUTE]
    assert line.values("replied_messages") == [1, 1]


def test_messages_of_a_burst_are_all_replied_to_at_their_own_times() -> None:
    line = Line().began("10:00").asks("10:58").asks("11:03").assistant("11:05")
    assert [each.at for each in line.measured("replied_messages")] == [line.moment("10:58"), line.moment("11:03")]


def test_announcing_a_hand_over_is_no_reply_to_the_question() -> None:
    assert handed_over().values("replied_messages") == []
    assert handed_over().resolved("12:00").values("replied_messages") == []
    assert handed_over().owned("10:05").member("10:06").values("replied_messages") == [1]


def test_a_flood_without_a_reply_keeps_the_clock_small_and_is_counted_whole() -> None:
    line = Line().began("10:00")
    for number in range(500):
        line.asks(f"{10 + number // 60}:{number % 60:02d}")
    assert len(line.folded().clock.unreplied) == 200
    assert sum(line.member("23:00").values("replied_messages")) == 500


def test_a_resolution_is_counted_from_the_beginning_each_time() -> None:
    line = answered().resolved("10:30", "idle").reopened("12:00").asks("12:00").assistant("12:01").resolved("13:00")
    assert line.values("resolution_time") == [30 * MINUTE, 3 * HOUR]
    assert [each.detail for each in line.measured("resolution_time")] == ["idle", "contact"]


def test_a_conversation_in_which_nothing_was_asked_is_not_resolved() -> None:
    line = Line().began("10:00").resolved("10:30", "idle")
    assert line.values("resolution_time") == line.values("automated_resolutions") == []
    assert line.values("conversations") == [1]


def test_automation_is_a_resolution_without_a_members_message() -> None:
    assert answered().resolved("10:30").values("automated_resolutions") == [1]
    line = handed_over().owned("10:05").member("10:07").resolved("10:30", "member:mem_a")
    assert line.values("automated_resolutions") == []
    assert line.values("resolution_time", who="person", detail="member") == [30 * MINUTE]


def test_the_assistant_alone_resolves_a_conversation_once() -> None:
    line = answered().resolved("10:30").reopened("12:00").asks("12:00").assistant("12:01").resolved("13:00")
    assert line.values("bot_resolutions") == [1]
    assert handed_over().resolved("11:00").values("bot_resolutions") == []


def test_a_conversation_is_handed_over_once() -> None:
    line = handed_over().owned("10:05").back("10:20").waits("10:30").back("10:40").owned("10:50")
    assert line.values("bot_handoffs") == [1]
    assert line.measured("bot_handoffs")[0].detail == "assistant"


def test_refusals_for_want_of_knowledge_are_told_from_others() -> None:
    line = Line().began("10:00")
    reasons = {"nothing_found": 1, "below_threshold": 1, "out_of_scope": 1, "forbidden_topic": 0, "injection": 0}
    for reason, wanted in reasons.items():
        line.asks("10:01").assistant("10:01", "refuse", reason)
        assert len(line.values("refusals", detail=reason)) == wanted
        assert len(line.values("unanswered", detail=reason)) == wanted
    assert len(line.values("turns", detail="refuse")) == len(reasons)


def test_a_person_instead_of_one_refusal_more_is_unanswered_and_no_refusal() -> None:
    line = Line().began("10:00").asks("10:00").waits("10:01", "assistant")
    line.assistant("10:01", "hand_over", "refused_in_a_row")
    assert line.values("refusals") == []
    assert line.values("unanswered") == [1]
    assert list(line.folded().questions.values()) == [1]


def test_a_turn_takes_from_its_question_to_its_answer() -> None:
    line = Line().began("10:00").asks("10:00").assistant("10:02", "extracted", intent="refund", asked="10:00")
    assert line.values("turns", detail="extracted", intent="refund", who="assistant") == [2 * MINUTE]
    assert line.resolved("10:05").measured("resolution_time")[0].intent == "refund"


def test_failures_are_counted() -> None:
    line = Line().began("10:00").asks("10:00").waits("10:01", "assistant").assistant("10:01", "hand_over", "failed")
    assert line.values("failures") == [1]


def test_satisfaction() -> None:
    line = answered().resolved("10:30").happens("10:30", "surveyed").happens("10:40", "rated", "contact", score=4)
    assert line.values("csat_sent") == [1]
    assert line.values("csat", detail="4") == [4]
    assert line.values("csat_good") == [1]
    poor = handed_over().owned("10:05").member("10:06").resolved("10:30").happens("10:40", "rated", score=2)
    assert poor.values("csat", member="mem_a", who="person") == [2]
    assert poor.values("csat_good") == []


def test_answers_and_ratings_count_in_business_hours_as_what_they_are() -> None:
    line = Line("Asia/Shanghai").began("08:50").asks("08:55").assistant("08:59").asks("09:00").assistant("09:05")
    line.resolved("09:06").happens("09:07", "rated", "contact", score=4)
    figures = {
        name: [each.business for each in line.measured(name, book())] for name in ("answers", "turns", "ratings")
    }
    assert figures == {"answers": [0, 1], "turns": [0, 0], "ratings": [1]}


def test_the_last_thumb_counts() -> None:
    line = answered().happens("10:05", "thumbed", old="", new="down").happens("10:06", "thumbed", old="down", new="up")
    assert sum(line.values("thumbs", detail="down")) == 0
    assert sum(line.values("thumbs", detail="up")) == 1


def test_the_last_verdict_on_a_refusal_or_a_hand_over_counts() -> None:
    line = answered().happens("10:05", "judged", decision="refuse", old="", new="wrong")
    line.happens("10:06", "judged", decision="refuse", old="wrong", new="right")
    line.happens("10:07", "judged", decision="hand_over", old="", new="right")
    assert [sum(line.values(name)) for name in ("judged_refusals", "right_refusals")] == [1, 1]
    assert [sum(line.values(name)) for name in ("judged_handoffs", "right_handoffs")] == [1, 1]
    line.happens("10:08", "judged", decision="hand_over", old="right", new="")
    assert [sum(line.values(name)) for name in ("judged_handoffs", "right_handoffs")] == [0, 0]


def test_the_funnel_stands_where_the_conversation_was_asked_and_counts_each_stage_once() -> None:
    line = Line().began("23:50").asks("23:58").assistant("23:59").asks("2026-11-19 00:10").assistant("00:11")
    line.waits("00:20").owned("00:21").resolved("00:30").happens("00:31", "rated", score=5)
    line.reopened("00:40").asks("00:40").resolved("00:50")
    figures = line.measured("funnel")
    assert [each.detail for each in figures] == ["asked", "answered", "handed_over", "resolved", "satisfied"]
    assert {each.at for each in figures} == {line.moment("2026-11-18 23:58")}


def test_a_conversation_stands_under_what_was_last_known_of_it_in_the_funnel_too() -> None:
    line = handed_over().happens("10:02", "teamed", team="t_1").owned("10:05").member("10:06")
    line.happens("10:07", "teamed", team="t_2").owned("10:08", "mem_b").resolved("10:09").happens(
        "10:10", "rated", score=5
    )
    facts = [*line.measured("conversations"), *line.measured("funnel")]
    assert [each.detail for each in facts] == ["", "asked", "handed_over", "resolved", "satisfied"]
    assert {(each.team, each.member, each.who, each.language) for each in facts} == {("t_2", "mem_b", "person", "en")}
    line.reopened("11:00").asks("11:00").assistant("11:01", intent="refund")
    assert {(each.member, each.intent) for each in line.resolved("11:05").measured("funnel")} == {("mem_b", "refund")}


def test_a_hand_over_counts_for_the_team_and_member_that_it_came_to_first() -> None:
    line = handed_over()
    assert line.values("bot_handoffs", team="", member="") == [1]
    line.happens("10:02", "teamed", team="t_1").owned("10:03").happens("10:04", "teamed", team="t_2").owned(
        "10:05", "mem_b"
    )
    assert line.values("bot_handoffs", team="t_1", member="mem_a", who="assistant") == [1]
    assert len(line.measured("bot_handoffs")) == 1


def test_a_hand_over_counts_for_the_intent_and_language_that_it_was_announced_with() -> None:
    line = Line().began("10:00").asks("10:00").waits("10:01", "assistant")
    line.assistant("10:01", "hand_over", "anger", intent="complaint").owned("10:02").member("10:03")
    assert line.values("bot_handoffs", intent="complaint", language="en", member="mem_a") == [1]


def test_what_was_asked_counts_for_the_intent_and_language_that_its_turn_found() -> None:
    line = (
        Line().began("10:00").asks("10:00").asks("10:01").assistant("10:02", intent="refund", through=1).asks("10:03")
    )
    assert line.values("incoming_messages", intent="refund", language="en") == [1, 1]
    line.assistant("10:04")
    assert line.values("incoming_messages", intent="refund", language="en") == [1, 1, 1]
    assert line.values("replied_messages", intent="refund", language="en") == [1, 1, 1]


def test_messages_and_replies_count_for_the_team_that_has_the_conversation_at_that_moment() -> None:
    line = Line().began("10:00").asks("10:00").happens("10:01", "teamed", team="team_a").asks("10:02")
    assert [each.team for each in line.measured("incoming_messages")] == ["", "team_a"]


def test_a_conversation_that_began_before_this_was_kept_goes_on() -> None:
    clock = Clock(number=3, created=1, asked=1, stages=["asked"], unreplied=[[1, 1, {"who": "assistant"}, 1]])
    fold = Fold(clock, book())
    for event in Line().owned("10:00").member("10:01").resolved("10:02").events:
        fold.add(event)
    assert min(each.count for each in fold.measured) == 1
    assert [each.detail for each in fold.measured if each.metric == "funnel"] == ["handed_over", "resolved"]


_STEPS = {
    "asks": lambda line, when, dice: line.asks(when),
    "assistant": lambda line, when, dice: line.assistant(when, intent=dice.choice(["", "refund", "delivery"])),
    "member": lambda line, when, dice: line.member(when, dice.choice(["mem_a", "mem_b"])),
    "waits": lambda line, when, dice: line.waits(when),
    "owned": lambda line, when, dice: line.owned(when, dice.choice(["mem_a", "mem_b"])),
    "back": lambda line, when, dice: line.back(when),
    "resolved": lambda line, when, dice: line.resolved(when),
    "reopened": lambda line, when, dice: line.reopened(when),
    "rated": lambda line, when, dice: line.happens(when, "rated", score=dice.randint(1, 5)),
    "teamed": lambda line, when, dice: line.happens(when, "teamed", team=dice.choice(["", "t_1", "t_2"])),
    "labelled": lambda line, when, dice: line.happens(when, "labelled", labels=dice.sample(["a", "b", "c"], 2)),
    "thumbed": lambda line, when, dice: line.happens(when, "thumbed", old=dice.choice(["", "up"]), new="down"),
}


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_what_was_measured_stands_once_and_under_one_conversation(seed: int) -> None:
    dice = random.Random(seed)
    line = Line().began("09:00")
    for minute in range(30):
        _STEPS[dice.choice(list(_STEPS))](line, f"10:{minute:02d}", dice)
    folded = line.folded(book())
    stand = list(standing(folded.measured))
    assert one_conversation(folded)
    assert sum(each.count for each in folded.measured) == len(stand)
    clock, stored = Clock(), []
    for event in line.events:  # as it is live, where the clock is stored in between
        fold = Fold(Clock.read(json.loads(json.dumps(clock.written()))), book())
        stored += fold.add(event)
        clock = fold.clock
    assert stored == folded.measured


def one_conversation(folded: Fold) -> bool:
    """Whether it counts once, and once for each stage of the funnel, all in the same place."""
    facts = [each for each in standing(folded.measured) if each.metric in {"conversations", "funnel"}]
    places = {(each.member, each.team, each.intent, each.language, each.who) for each in facts}
    return len(places) == 1 and [each.detail for each in facts if each.metric == "funnel"] == folded.clock.stages


def test_labels_fit_their_column() -> None:
    assert written_labels([]) == ""
    assert written_labels(["a,b", " a b "]) == ",a b,"
    many = written_labels([f"label number {number:03d}" for number in range(100)])
    assert len(many) <= 400
    assert many.startswith(",label number 000,")


def test_midnight_divides_nothing() -> None:
    line = Line("Asia/Shanghai").began("23:58").asks("23:59").assistant("2026-11-19 00:02")
    assert line.values("first_response_time") == [3 * MINUTE]


@pytest.mark.parametrize(
    ("day", "next_day", "hours"),
    [("2026-03-28", "2026-03-29", 11), ("2026-10-24", "2026-10-25", 13)],
    ids=["forward", "back"],
)
def test_the_clocks_change_counts_as_the_time_that_passed(day: str, next_day: str, hours: int) -> None:
    line = Line("Europe/Berlin", day).began("22:00").asks("22:00").waits("22:00").owned("22:01")
    line.member(f"{next_day} 10:00")
    assert line.values("first_response_time", who="person") == [hours * HOUR]
    sundays = book("Europe/Berlin", {"sun": [["00:00", "10:00"]]})
    figure = line.measured("first_response_time", sundays)[0]
    assert figure.business == (hours - 2) * HOUR


def test_times_in_business_hours_leave_out_night_week_end_and_holiday() -> None:
    # Friday 17:30 to Tuesday 09:15, the Monday being a holiday
    line = Line("Asia/Shanghai", "2026-11-20").began("17:30").asks("17:30").waits("17:30").owned("17:31")
    line.member("2026-11-24 09:15")
    figure = line.measured("first_response_time", book("Asia/Shanghai", None, "2026-11-23"))[0]
    assert figure.value == (3 * 24 + 15) * HOUR + 45 * MINUTE
    assert figure.business == 45 * MINUTE


def test_what_is_counted_out_of_hours_counts_nothing_in_them() -> None:
    line = Line("Asia/Shanghai").began("08:59").asks("08:59").asks("09:01")
    assert [each.business for each in line.measured("incoming_messages", book())] == [0, 1]


def test_a_conversation_folded_event_by_event_from_stored_clocks_measures_the_same() -> None:
    line = handed_over().owned("10:05").asks("10:06").member("10:07").back("10:10").asks("10:20").assistant("10:21")
    line.resolved("10:40").reopened("11:00").asks("11:00").waits("11:01").resolved("12:00")
    clock, steps = Clock(), []
    for event in line.events:
        fold = Fold(Clock.read(clock.written()), book())
        steps += fold.add(event)
        clock = fold.clock
    assert steps == line.folded(book()).measured
    assert [each.number for each in steps] == list(range(len(steps)))


def test_every_order_of_events_is_survived() -> None:
    """Whatever the inbox does in whatever order: no figure is negative, and no crash loses a message."""
    kinds = ["asks", "assistant", "member", "waits", "owned", "back", "resolved", "reopened"]
    for order in itertools.permutations(kinds, 5):
        line = Line().began("09:00")
        for minute, kind in enumerate(order):
            getattr(line, kind)(f"10:{minute:02d}")
        folded = line.folded(book())
        assert all(each.value * each.count >= 0 for each in folded.measured)


def test_promised_times_are_counted_of_all_and_by_kind() -> None:
    line = handed_over().owned("10:05").happens("10:06", "sla_met", "sla", clock="first_reply")
    line = line.happens("10:40", "sla_missed", "sla", clock="resolution")
    assert (line.values("sla"), line.values("sla_met")) == ([1, 1], [1])
    assert line.values("sla_first_reply_met", member="mem_a", detail="first_reply") == [1]
    assert (line.values("sla_resolution"), line.values("sla_resolution_met")) == ([1], [])
