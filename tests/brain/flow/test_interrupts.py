"""What a customer may do in the middle of a flow: ask, cancel, correct, want something else."""

import pytest

from kefu.brain.flow import cues, load_flow, which_starts
from kefu.contracts.flow_state import AnswerFromKnowledge, SetAttribute, Start

STATUS = """
schema: kefu.flow/v1
id: status
name: {en: Order status}
languages: [en]
when: {intents: [status], keywords: {en: [where is my order]}, patterns: ['(?i)track .*AB[0-9]+']}
slots:
  order: {type: pattern, pattern: 'AB[0-9]+', question: Which order?}
steps:
- ask: order
- say: 'Order {{ order }} is on its way.'
"""


@pytest.fixture
def asked(table):
    """Four people, tomorrow at seven, and the flow wants to know whether that is right."""
    return table.say("table for 4 tomorrow at 7")


def test_a_question_is_answered_and_the_flow_asks_again(table):
    table.say("book a table")
    assert table.say("Do you have parking?").said == ["[Do you have parking?]", "For how many people?"]
    assert table.say("你们有停车位吗？").said[0] == "[你们有停车位吗？]"
    assert table.say("three").last == "Which day?"  # and none of it was held against them


def test_a_question_beside_an_answer_is_answered_too(table):
    table.say("book a table")
    assert table.say("We are three. Do you have parking?").said == ["[Do you have parking?]", "Which day?"]


def test_a_question_that_names_a_day_is_no_answer(table):
    table.say("book a table").say("three")
    assert table.say("Do you open on Sundays?").said[0] == "[Do you open on Sundays?]"
    assert table.say("can we do Sunday?").last == "At what time?"


def test_a_flow_may_ignore_questions_or_give_them_to_a_person(table_yaml, table):
    table.flow = load_flow(table_yaml + "  questions: hand_over\n")
    table.shelf = type(table.shelf)([table.flow])
    table.say("book a table")
    assert table.say("Do you have parking?").handed_over.note == "Do you have parking?"


@pytest.mark.parametrize(
    "words", ["never mind", "oh, forget it", "cancel", "stop", "算了", "不用了，谢谢", "forget the table", "不订了"]
)
def test_words_that_cancel(table, words):
    table.say("book a table")
    assert table.say(words).outcome == "cancelled"
    assert "stopped" in table.said[0]


@pytest.mark.parametrize("words", ["Never mind, I found it.", "forget it, I'll call you", "算了，我自己来吧"])
def test_words_that_cancel_may_have_a_reason_behind_a_comma(table, words):
    table.say("book a table")
    assert table.say(words).outcome == "cancelled"


def test_never_mind_with_a_value_goes_on(table):
    table.say("book a table").say("3")
    assert table.say("never mind, make it 5 people").outcome is None
    assert table.say("never mind, on friday").outcome is None


def test_cancelling_something_else_does_not_cancel_the_flow(table):
    table.say("book a table")
    assert table.say("I want to cancel order AB1").outcome is None


def test_a_flow_may_forbid_cancelling(table_yaml, table):
    table.flow = load_flow(table_yaml + "  may_cancel: false\n")
    table.shelf = type(table.shelf)([table.flow])
    assert table.say("book a table").say("never mind").outcome is None


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("no, I meant Friday", "date", "2026-11-27"),
        ("no, we are 5 people", "people", 5),
        ("actually make it 5 people", "people", 5),
        ("yes but at 8 pm", "time", "20:00"),
        ("not Monday, Tuesday", "date", "2026-11-24"),
        ("sorry, wrong day, it should be Wednesday", "date", "2026-11-25"),
        ("Friday", "date", "2026-11-27"),
        ("不对，是后天", "date", "2026-11-24"),
        ("不是明天，是周五", "date", "2026-11-27"),
        ("改成5位", "people", 5),
        ("时间改到晚上八点", "time", "20:00"),
    ],
)
def test_corrections_while_all_values_are_shown(asked, words, name, value):
    asked.say(words, language="zh" if not words.isascii() else "en")
    assert asked.value(name) == value
    others = {"people": 4, "date": "2026-11-23", "time": "19:00"}
    assert all(asked.value(other) == kept for other, kept in others.items() if other != name)
    assert asked.state.waiting.kind == "confirm"


def test_no_alone_asks_what_is_wrong(asked):
    assert asked.say("no").last == "What should I change?"
    assert asked.say("the time").last == "At what time?"
    assert asked.say("noon").last == "4 people on Monday, 23 November 2026 at noon. Is that right?"


def test_a_correction_goes_back_as_far_as_it_matters(asked):
    asked.say("yes").say("inside")
    assert asked.last == "What is your name?"
    assert asked.say("sorry, make it 5 people").said == [
        "All right, I have changed that.", "5 people on Monday, 23 November 2026 at 7 pm. Is that right?",
    ]  # fmt: skip
    asked.say("yes")
    assert [call.arguments["seats"] for call in asked.calls] == [4, 5]
    assert asked.last == "What is your name?"


def test_what_was_done_cannot_be_corrected_any_more(asked):
    asked.say("yes").say("inside").say("Ann").say("<PHONE_1>").say("yes").say("none")
    assert asked.calls[-1].tool == "tables.book"
    asked.say("Wait, how was that? Make it 5 people")
    assert len([call for call in asked.calls if call.tool == "tables.book"]) == 1


def test_a_correction_names_what_is_wrong_and_is_asked_what_is_right(asked):
    asked.say("yes").say("inside")
    assert asked.say("the date is wrong").last == "Which day?"


def test_the_other_one_of_two(talk):
    body = """
slots:
  address:
    type: choice
    question: Which address?
    choices: [{value: home, label: Home}, {value: work, label: Work}]
  note: {type: text, question: A note?}
steps:
- ask: [address, note]
- say: 'To {{ address }}.'
"""
    parcel = talk(body).say("hello").say("home")
    assert parcel.say("no, the other address").value("address") == "work"
    assert parcel.last == "A note?"


def test_no_to_one_value_asks_for_it_again(talk):
    body = "slots:\n  n: {type: number, question: How many?, confirm: true, remember: contact}\n"
    body += "steps:\n- ask: n\n- say: 'So {{ n }}.'"
    order = talk(body)
    assert order.say("hello").say("3").last == "3, is that right?"
    assert not [effect for effect in order.effects if isinstance(effect, SetAttribute)]
    assert order.say("no").last == "How many?"
    assert order.say("4").last == "4, is that right?"
    assert order.say("no, 5").last == "5, is that right?"
    order.say("yes")
    assert order.last == "So 5."
    assert [effect.value for effect in order.effects if isinstance(effect, SetAttribute)] == [5]


def test_who_does_not_know_goes_another_way(table):
    table.say("table for 2 tonight at 8").say("yes")
    assert table.say("I don't know").last == "What is your name?"
    assert table.value("area") == "inside"


def test_another_flow_is_offered_and_begun_with_the_message(table):
    other = load_flow(STATUS)
    table.shelf = type(table.shelf)([table.flow, other])
    table.say("book a table")
    assert table.say("where is my order AB12?").last == (
        'We have not finished "Book a table". Shall I leave it and go to "Order status"?'
    )
    assert table.say("no").last == "For how many people?"
    table.say("where is my order AB12?").say("yes")
    (start,) = [effect for effect in table.effects if isinstance(effect, Start)]
    assert (start.to, start.text) == ("status", "where is my order AB12?")
    assert table.state.outcome == "switched"


def test_an_answer_in_place_of_yes_or_no_is_an_answer(table):
    table.shelf = type(table.shelf)([table.flow, load_flow(STATUS)])
    table.say("book a table").say("where is my order?")
    assert table.say("we are three").last == "Which day?"


def test_which_flow_a_message_starts(table, table_flow):
    status = load_flow(STATUS)
    flows = [table_flow, status]

    def started(text, **more):
        starting = which_starts(flows, table.heard(text, **more))
        return (starting.flow.id, starting.why) if starting else None

    assert started("Hi, where is my order?") == ("status", "keyword")
    assert started("I would like to book a table please") == ("book_table", "keyword")
    assert started("booking tables") == ("book_table", "keyword")
    assert started("我想订位", language="zh") == ("book_table", "keyword")
    assert started("please track parcel AB12") == ("status", "pattern")
    assert started("it never came", intent="status", intent_confidence=0.7) == ("status", "intent")
    assert started("it never came", intent="status", intent_confidence=0.3) is None
    assert started("the book on the table") is None
    assert started("") is None


def test_questions_are_left_alone_where_free_text_is_asked_for(talk):
    body = "slots:\n  what: {type: text, question: What is wrong?}\nsteps:\n- ask: what\n- say: 'Noted: {{ what }}'"
    assert talk(body).say("hello").say("It broke. Why is that?").last.startswith("Noted: It broke. Why")
    asked = talk(body).say("hello").say("How long does a repair take?")
    assert isinstance(asked.effects[0], AnswerFromKnowledge)


def test_make_it_friday_answers_a_question_for_a_day(talk):
    body = """
slots:
  arrival: {type: date, question: When do you come?}
  departure: {type: date, question: When do you leave?}
  note: {type: text, question: A note?}
steps:
- ask: [arrival, departure, note]
- say: 'From {{ arrival }} to {{ departure }}.'
"""
    stay = talk(body).say("hello").say("Wednesday")
    assert stay.say("make it Friday").value("departure") == "2026-11-27"
    assert stay.value("arrival") == "2026-11-25"
    again = talk(body).say("hello").say("Wednesday")
    assert again.say("no, I meant Thursday").value("arrival") == "2026-11-26"
    assert again.last == "When do you leave?"


def test_two_sentences_of_chinese_have_no_blank_between_them(table):
    table.known["language"] = "zh"
    table.say("订位，三位").say("蓝色")
    assert table.last == "抱歉，我没有听懂。哪一天？"


@pytest.mark.parametrize(
    "text",
    ["Alright, never mind then.", "Never mind. I'll take the train.", "算了。我再想想", "Okay, forget it, thanks"],
)
def test_never_mind_after_words_that_say_nothing_or_before_a_reason(table, text):
    assert table.say("book a table").say(text).outcome == "cancelled"


@pytest.mark.parametrize("text", ["Never mind. Make it Friday.", "Never mind. Do you have parking?", "算了。三位吧"])
def test_never_mind_before_something_else_goes_on(table, text):
    assert table.say("book a table for 2").say(text).outcome is None


@pytest.mark.parametrize("text", ["Great, but something is wrong", "对不起，我说错了", "fine, but that's not right"])
def test_who_takes_something_back_has_not_agreed(asked, text):
    asked.say(text)
    assert not asked.calls
    assert asked.state.waiting.kind in {"change", "confirm", "slot"}


def test_a_correction_beside_an_outcry_is_heard(asked):
    """A sentence after a question may begin with a small letter."""
    assert "6 people" in asked.say("are you kidding me?? i said 6 people").last


def test_nobody_is_asked_forever_for_what_he_passes_by(table_yaml, table):
    table.flow = load_flow(table_yaml.replace("min: 1", "ask_again: 0\n    min: 1", 1))
    table.shelf = type(table.shelf)([table.flow])
    table.say("book a table")
    assert table.say("tomorrow").last == "For how many people?"  # the first time it is not held against them
    assert table.say("at 7 pm").handed_over.reason == "not_understood"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("不对，是<ADDRESS_2>", "<ADDRESS_2>"),
        ("no, it's <NAME_2>", "<NAME_2>"),
        ("sorry, <PHONE_2>", "<PHONE_2>"),
        ("...no, I meant Friday", "Friday"),
    ],
)
def test_a_placeholder_is_corrected_whole(words, meant):
    assert cues.meant(words) == meant
