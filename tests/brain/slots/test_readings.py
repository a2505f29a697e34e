"""What customers write for a slot, in English and Chinese, on Sunday 22 November 2026 at ten."""

from datetime import UTC, datetime

import pytest

from kefu.brain.slots.readings import Heard, fitting, readings, refusal
from kefu.contracts.flow import Choice, Slot, SlotType

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
COLOURS = (
    Choice("red", {"en": "Red", "zh": "红色"}),
    Choice("red_wine", {"en": "Red wine", "zh": "酒红"}),
    Choice("blue", {"en": "Blue", "zh": "蓝色"}, {"en": ("navy", "dark blue"), "zh": ("天蓝",)}),
)


def read(slot, text, *, asked=True, before=None):
    language = "zh" if any("\u3400" <= char <= "\u9fff" for char in text) else "en"
    return [found.value for found in readings(slot, Heard(text, language, NOW), asked=asked, before=before)]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("today", ["2026-11-22"]),
        ("tomorrow at 3pm", ["2026-11-23"]),
        ("the day after tomorrow", ["2026-11-24"]),
        ("Friday", ["2026-11-27"]),
        ("this Friday", ["2026-11-27"]),
        ("next Friday", ["2026-11-27"]),
        ("friday next week", ["2026-11-27"]),
        ("a week from Monday", ["2026-11-30"]),
        ("next Tuesday or Wednesday", ["2026-11-24", "2026-11-25"]),
        ("on sat", ["2026-11-28"]),
        ("in 14 days", ["2026-12-06"]),
        ("in two weeks' time", ["2026-12-06"]),
        ("anything free now?", ["2026-11-22"]),
        ("in two hours", ["2026-11-22"]),
        ("the 5th", ["2026-12-05"]),
        ("August 23rd", ["2027-08-23"]),
        ("23 Aug 2027", ["2027-08-23"]),
        ("Sun, 05 Aug 2018", ["2018-08-05"]),
        ("Friday the 27th", ["2026-11-27"]),
        ("12/5", ["2026-12-05"]),
        ("13/12/2026", ["2026-12-13"]),
        ("5.12.2026", ["2026-12-05"]),
        ("2026-12-05", ["2026-12-05"]),
        ("Christmas Eve", ["2026-12-24"]),
        ("今天", ["2026-11-22"]),
        ("大后天", ["2026-11-25"]),
        ("下周三下午三点", ["2026-11-25"]),
        ("这周五", ["2026-11-27"]),
        ("星期天", ["2026-11-22"]),
        ("11月27日", ["2026-11-27"]),
        ("十二月五号", ["2026-12-05"]),
        ("11月27日（星期五）", ["2026-11-27"]),
        ("2026年12月5日", ["2026-12-05"]),
        ("明年1月3日", ["2027-01-03"]),
        ("下个月5号", ["2026-12-05"]),
        ("27号", ["2026-11-27"]),
        ("三天后", ["2026-11-25"]),
        ("两周以后", ["2026-12-06"]),
        ("月底", ["2026-11-30"]),
        ("国庆节", ["2027-10-01"]),
        ("we are four", []),
        ("may I ask something", []),
        ("I sat in the sun", []),
        ("31 February", []),
        ("3.5 kg", []),
        ("2号线", []),
        ("周到", []),
    ],
)
def test_days(text, days):
    assert read(Slot("day", SlotType.DATE, direction="future"), text) == days


def test_days_in_the_past():
    past = Slot("day", SlotType.DATE, direction="past")
    assert read(past, "Friday") == ["2026-11-20"]
    assert read(past, "August 23rd") == ["2026-08-23"]
    assert read(past, "上周五，两周前") == ["2026-11-13", "2026-11-08"]
    assert read(past, "the 25th") == ["2026-10-25"]


def test_days_in_other_languages_are_left_to_a_library():
    slot = Slot("day", SlotType.DATE)
    assert readings(slot, Heard("27. November 2026", "de", NOW), asked=True)[0].value == "2026-11-27"
    assert readings(slot, Heard("27. November 2026", "de", NOW), asked=False) == []
    assert readings(slot, Heard("demain", "fr", NOW), asked=True)[0].value == "2026-11-23"
    assert readings(slot, Heard("bonjour", "fr", NOW), asked=True) == []
    assert readings(slot, Heard("demain", "qq", NOW), asked=True) == []


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("7pm", ["19:00"]),
        ("7:30 p.m.", ["19:30"]),
        ("19:00", ["19:00"]),
        ("1830", ["18:30"]),
        ("18h30", ["18:30"]),
        ("half past seven in the evening", ["19:30"]),
        ("half nine in the morning", ["09:30"]),
        ("In the evening at 8.", ["20:00"]),
        ("umm 8ish in the evening", ["20:00"]),
        ("6 in the morning for 2 people", ["06:00"]),
        ("19hr", ["19:00"]),
        ("right now", ["10:00"]),
        ("quarter to eight tonight", ["19:45"]),
        ("five past ten in the morning", ["10:05"]),
        ("seven thirty pm", ["19:30"]),
        ("at 7.30 tonight", ["19:30"]),
        ("noon", ["12:00"]),
        ("12am", ["00:00"]),
        ("12 pm", ["12:00"]),
        ("3 o'clock in the afternoon", ["15:00"]),
        ("14:30 to 15:00", ["14:30", "15:00"]),
        ("in 2 hours", ["12:00"]),
        ("下午三点半", ["15:30"]),
        ("晚上8点", ["20:00"]),
        ("今晚8点", ["20:00"]),
        ("早上九点一刻", ["09:15"]),
        ("中午12点半", ["12:30"]),
        ("凌晨一点", ["01:00"]),
        ("晚上十二点", ["00:00"]),
        ("下午3:05", ["15:05"]),
        ("半小时后", ["10:30"]),
        ("at 25", []),
        ("2.5 kg", []),
        ("8 people", []),
        ("the earliest one", []),
        ("maybe that one please", []),
        ("one please", ["13:00"]),
        ("两个小时", []),
        ("2026-11-27", []),
    ],
)
def test_times(text, times):
    assert read(Slot("time", SlotType.TIME), text) == times


def test_an_hour_of_twelve_is_the_one_that_the_slot_allows():
    for text, low, high, meant in (
        ("at 7", "11:00", "22:00", "19:00"),
        ("at 7", "06:00", "12:00", "07:00"),
        ("7", None, None, "07:00"),
        ("3", None, None, "15:00"),
        ("八点", "17:00", "23:00", "20:00"),
    ):
        slot = Slot("time", SlotType.TIME, minimum=low, maximum=high)
        (found,) = readings(slot, Heard(text, "en", NOW), asked=True)
        assert fitting(slot, found, NOW.date()) == (meant, None)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("4", [4]),
        ("four of us", [4]),
        ("twenty-four", [24]),
        ("two hundred and five", [205]),
        ("a dozen", [12]),
        ("a couple", [2]),
        ("just me", [1]),
        ("5 adults and 1 child", [6]),
        ("1,200.5", [1200.5]),
        ("-3", [-3]),
        ("三位", [3]),
        ("三", [3]),
        ("两大一小", [3]),
        ("3万", [30000]),
        ("一千零五十个", [1050]),
        ("the table for 4 tomorrow at 7pm", [4]),
        ("this one", []),
        ("第一个", []),
        ("都一样", []),
        ("AB123", []),
        ("<PHONE_1>", []),
        ("12345678901234567890", []),
    ],
)
def test_numbers(text, numbers):
    assert read(Slot("n", SlotType.NUMBER), text) == numbers


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("¥99.5", 99.5, "CNY"),
        ("99块5", 99.5, "CNY"),
        ("五十块钱", 50, "CNY"),
        ("3万元", 30000, "CNY"),
        ("$20", 20, "USD"),
        ("HK$ 20", 20, "HKD"),
        ("two hundred dollars", 200, "USD"),
        ("20 euros", 20, "EUR"),
        ("99", 99, "CNY"),
        ("一百二", 120, "CNY"),
    ],
)
def test_money(text, amount, currency):
    assert read(Slot("price", SlotType.MONEY, currency="CNY"), text) == [{"amount": amount, "currency": currency}]


def test_a_shared_sign_means_the_shops_own_money():
    assert read(Slot("p", SlotType.MONEY, currency="AUD"), "$20")[0]["currency"] == "AUD"
    assert read(Slot("p", SlotType.MONEY), "20", asked=False) == []


def test_contact_details_are_placeholders():
    assert read(Slot("phone", SlotType.PHONE), "call <PHONE_2> please") == ["<PHONE_2>"]
    assert read(Slot("phone", SlotType.PHONE), "13812345678是我的") == ["+8613812345678"]
    assert read(Slot("phone", SlotType.PHONE), "12 34 56 7", asked=False) == []
    assert read(Slot("mail", SlotType.EMAIL), "it's <EMAIL_1>") == ["<EMAIL_1>"]
    assert read(Slot("mail", SlotType.EMAIL), "Ann@Example.com") == ["ann@example.com"]
    assert read(Slot("home", SlotType.ADDRESS), "send it to <ADDRESS_1>, second floor") == ["<ADDRESS_1>, second floor"]
    assert read(Slot("home", SlotType.ADDRESS), "my new address is 5 Mill Lane, York.") == ["5 Mill Lane, York"]
    assert read(Slot("home", SlotType.ADDRESS), "actually my phone is <PHONE_1>") == []
    assert read(Slot("home", SlotType.ADDRESS), "不对，手机号改成<PHONE_1>") == []
    assert read(Slot("home", SlotType.ADDRESS), "5 Mill Lane, phone <PHONE_1>") == ["5 Mill Lane, phone <PHONE_1>"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My name is Brian White.", "Brian White"),
        ("Brian White", "Brian White"),
        ("Hi, I'm Ann and I need help", "Ann"),
        ("it's <NAME_1>", "<NAME_1>"),
        ("I think its Mark", "Mark"),
        ("It's Mark again, lol.", "Mark"),
        ("Sarah Brown date of birth 29/02/1980", "Sarah Brown"),
        ("Good morning. My name is Ann Lee", "Ann Lee"),
        ("Fine. I'm Ann.", "Ann"),
        ("您好，我叫王小明", "王小明"),
        ("and it's broken again", None),
        ("I need my instructions", None),
        ("我叫王小明", "王小明"),
        ("hello", None),
        ("order 12", None),
    ],
)
def test_names(text, name):
    assert read(Slot("name", SlotType.NAME), text) == ([name] if name else [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Red please", "red"),
        ("红色的", "red"),
        ("red wine", "red_wine"),
        ("the navy one", "blue"),
        ("blu", None),
        ("bleu", None),
        ("dark blu", "blue"),
        ("the second one", "red_wine"),
        ("第三个", "blue"),
        ("the last one", "blue"),
        ("2", "red_wine"),
        ("red or blue", None),
        ("not red, blue", "blue"),
        ("不要红色，要蓝色", "blue"),
        ("bored", None),
    ],
)
def test_choices(text, value):
    assert read(Slot("colour", SlotType.CHOICE, choices=COLOURS), text) == ([value] if value else [])


def test_the_other_of_two_choices():
    two = Slot("colour", SlotType.CHOICE, choices=COLOURS[1:])
    assert read(two, "the other one", before="blue") == ["red_wine"]
    assert read(two, "换另一个", before="red_wine") == ["blue"]


def test_patterns_forgive_how_people_write():
    order = Slot("order", SlotType.PATTERN, pattern=r"[A-Z]{2}\d{6}")
    assert read(order, "order ab123456, please") == ["AB123456"]
    assert read(order, "AB 123-456") == ["AB123456"]
    assert read(order, "XAB1234567", asked=False) == []
    assert read(order, "<PHONE_3>") == ["<PHONE_3>"]
    assert read(order, "<PHONE_3>", asked=False) == []
    assert read(Slot("n", SlotType.PATTERN, pattern=r"(?i)room (\d+)"), "it is Room 412") == ["412"]


@pytest.mark.parametrize(
    ("text", "answer"),
    [("yes", True), ("yes please", True), ("好的", True), ("没问题", True), ("no thanks", False), ("不用了", False),
     ("not really", False), ("nothing", False), ("perhaps", None), ("notebook", None),
     ("As rivers flow to the sea. Book it.", True), ("So be it", True), ("I was there. It was nice there.", None),
     ("Finally. Yes.", True), ("Take it to another address", None), ("Is it far? No.", False)],
)  # fmt: skip
def test_yes_and_no(text, answer):
    assert read(Slot("ok", SlotType.YES_NO), text) == ([] if answer is None else [answer])


def test_free_text_without_its_first_words():
    problem = Slot("problem", SlotType.TEXT, hint={"en": ("problem",)})
    assert read(problem, "My problem is the screen flickers.") == ["the screen flickers"]
    assert read(problem, "It's broken, thanks!") == ["broken"]
    assert read(problem, "my parcel is wet") == ["my parcel is wet"]
    assert read(problem, "hello") == []
    assert read(problem, "the screen", asked=False) == []


def test_what_a_slot_does_not_allow():
    today = NOW.date()
    date = Slot("d", SlotType.DATE, direction="future", maximum="today+30", minimum="2026-11-24")
    assert refusal(date, "2026-11-21", today) == "past"
    assert refusal(date, "2026-11-23", today) == "too_low"
    assert refusal(date, "2026-12-23", today) == "too_high"
    assert refusal(date, "2026-12-22", today) is None
    assert refusal(Slot("d", SlotType.DATE, direction="past"), "2026-11-23", today) == "future"
    assert refusal(Slot("n", SlotType.NUMBER, minimum=1, maximum=12), 13, today) == "too_high"
    assert refusal(Slot("m", SlotType.MONEY, minimum=5), {"amount": 4.5, "currency": "EUR"}, today) == "too_low"
    assert refusal(Slot("t", SlotType.TIME, maximum="21:30"), "22:00", today) == "too_high"
    assert refusal(Slot("c", SlotType.CHOICE, choices=COLOURS), "green", today) == "no_choice"
