"""Check lets no figure, link or name out that the sources do not hold."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kefu.brain.check import Sources, check_generated, check_quoted

PASSAGE = (
    "Standard delivery costs ¥12 and is free from ¥1,000. A parcel takes 2–4 working days. We are open from Monday to"
    " Friday, 9:00 to 18:00. Call 400-555-0199 or write to help@shop.example, see https://shop.example/help/delivery."
    " From 5 March 2026 Swiftbird Express carries parcels of up to 20 kg. Opened earphones cannot be returned."
)
CHINESE = (
    "标准配送费用为 ¥12，满 ¥99 免运费，由雁捷快递承运。包裹需要 3 个工作日送达，退货期限为 30 天。"
    "已拆封的耳机不能退货。"
)
ENGLISH_SOURCES = Sources((PASSAGE,), asked="My order LL123456789012, is delivery free over 62 euros with PayPal?")
CHINESE_SOURCES = Sources((CHINESE,), asked="退货要多久", language="zh")

SUPPORTED = [
    "Standard delivery costs 12 yuan.",
    "Delivery is free from 1000元.",
    "Delivery is free from RMB 1,000.00.",
    "A parcel takes two to four working days.",
    "A parcel takes 2 to 4 business days.",
    "We are open Monday to Friday from 9 a.m. to 6 p.m.",
    "You can call 400 555 0199 or write to Help@shop.example.",
    "See shop.example/help/delivery for delivery.",
    "From March 5 parcels are carried by Swiftbird Express.",
    "Since 2026-03-05 parcels of up to 20kg are carried.",
    "Your order LL123456789012 takes 2 working days.",
    "Opened earphones cannot be returned.",
]
UNSUPPORTED = [
    ("Standard delivery costs ¥13.", "¥13"),
    ("Standard delivery costs $12.", "$12"),
    ("Delivery is free over 62 euros.", "62 euros"),
    ("A parcel takes 5 working days.", "5 working days"),
    ("A parcel takes 2 days.", "2 days"),
    ("A parcel takes 2 weeks.", "2 weeks"),
    ("We are open on Saturday from 9:00.", "saturday"),
    ("We are open until 7 p.m.", "7 p.m."),
    ("Call 400-555-0190.", "400-555-0190"),
    ("Write to info@shop.example.", "info@shop.example"),
    ("See https://evil.example/pay for delivery.", "https://evil.example/pay"),
    ("From 6 March 2026 parcels are carried.", "6 march 2026"),
    ("You get 10% off.", "10%"),
    ("Parcels are carried by Northline Express.", "Northline"),
    ("Your parcel LL999999999999 takes 2 working days.", "ll999999999999"),
    ("The parcel goes to <ADDRESS_1>.", "<ADDRESS_1>"),
]


@pytest.mark.parametrize("answer", SUPPORTED)
def test_what_the_passage_says_in_other_forms_passes(answer: str) -> None:
    assert ENGLISH_SOURCES.unsupported(answer) == ()


def test_the_question_said_back_is_no_answer() -> None:
    asked = "can I take classes at 2 schools at the same time if I still have benefits leftover?"
    cited = (
        "You can take classes at more than one school as long as the classes at both schools count toward your degree.",
        "The school decides how to rate each hour: a 2-hour class may be full time. It takes two years.",
    )
    sources = Sources(cited, asked=asked)
    assert sources.unsupported(asked) == ("2",)
    assert not check_generated(asked, sources).passed
    held = Sources(("Can I take classes at 2 schools? Yes.",), asked="Can I take classes at 2 schools")
    assert check_generated("Can I take classes at 2 schools?", held).reason == "question_said_back"
    # What was shown and not cited, or asked alone, lends a claim no support.
    kettle = Sources(("Delivery costs ¥12.",), asked="Do blue kettles whistle while water boils?")
    assert check_generated("Blue kettles whistle while water boils.", kettle).reason == "unsupported_sentence"


def test_a_customer_lends_the_number_of_their_order_and_no_form_or_model() -> None:
    sources = Sources(("Send the form with your order.",), asked="Where do I get FS-2 for order LL123456789012?")
    assert sources.unsupported("Send the form for order LL123456789012.") == ()
    assert sources.unsupported("Send form FS-2 with your order.") == ("fs-2",)
    # What the customer supposes and a passage confirms may be said in the same words.
    assert check_generated("Delivery costs ¥12.", Sources(("Delivery costs ¥12.",), asked="Delivery costs ¥12.")).passed


@pytest.mark.parametrize(
    ("answer", "text", "is_held"),
    [
        ("You may study at 2 schools.", "You may study at two accredited schools.", True),
        ("You may study at 2 schools.", "Schools: 2", True),
        ("You may study at 2 schools.", "Classes of 2 hours count.", False),
        ("You may study at 2 schools.", "It opens on 2 March 2026.", False),
        ("You may study at 2 schools.", "You may bring 2 pets.", False),
        ("It takes 12 or more hours.", "It takes 12 hours.", True),
        ("It was founded in 2019 by students.", "It opened on 2 March 2019. Since 2019, it has grown.", True),
        ("可以同时在2所学校上课。", "最多可以在2所学校报名。", True),
        ("可以同时在2所学校上课。", "每节课2小时。", False),
    ],
)
def test_a_number_is_held_by_one_that_counts_the_same(answer: str, text: str, is_held: bool) -> None:
    language = "zh" if answer[0] == "可" else "en"
    assert (Sources((text,), language=language).unsupported(answer) == ()) is is_held


@pytest.mark.parametrize(("answer", "missing"), UNSUPPORTED)
def test_what_the_passage_does_not_say_is_named(answer: str, missing: str) -> None:
    assert missing in ENGLISH_SOURCES.unsupported(answer)
    assert not check_generated(answer, ENGLISH_SOURCES).passed


@pytest.mark.parametrize(
    "answer",
    [
        "标准配送12元，满九十九元免运费。",
        "包裹需要三个工作日送达。",
        "退货期限为三十天。",
        "由雁捷快递承运，配送费¥12。",
    ],
)
def test_chinese_forms_pass(answer: str) -> None:
    assert CHINESE_SOURCES.unsupported(answer) == ()


@pytest.mark.parametrize(
    "answer",
    [
        "配送费13元。",
        "包裹需要三天送达。",
        "退货期限为四十天。",
        "由顺丰快递承运。",
        "退款百分之十。",
        "可用PayPal支付。",
        "请看《售后手册》。",
    ],
)
def test_chinese_inventions_are_caught(answer: str) -> None:
    assert CHINESE_SOURCES.unsupported(answer)


def test_sentences_without_support_or_against_the_source_fail() -> None:
    assert check_generated("Our gold members receive champagne during summer holidays.", ENGLISH_SOURCES).reason == (
        "unsupported_sentence"
    )
    assert check_generated("Opened earphones can be returned.", ENGLISH_SOURCES).reason == "contradiction"
    assert check_generated("已拆封的耳机可以退货。", CHINESE_SOURCES).reason == "contradiction"
    assert check_generated("Opened earphones cannot be returned.", ENGLISH_SOURCES).passed
    assert check_generated("已拆封的耳机不能退货。", CHINESE_SOURCES).passed


@pytest.mark.parametrize(
    "answer",
    [
        "NO_ANSWER",
        "I don't know.",
        "The passages do not mention this.",
        "I'm sorry, I could not find that.",
        "抱歉，资料中没有提到这一点。",
    ],
)
def test_a_generators_refusal_is_known(answer: str) -> None:
    verdict = check_generated(answer, ENGLISH_SOURCES)
    assert verdict.no_answer
    assert not verdict.passed


def test_quotes_must_stand_word_for_word() -> None:
    assert check_quoted(("A parcel takes 2–4 working days.",), Sources((PASSAGE,))).passed
    assert not check_quoted(("A parcel takes 3–4 working days.",), Sources((PASSAGE,))).passed


VALUES = [Decimal(value) for value in ("12", "1000", "2", "4", "9", "18", "5", "2026", "20", "3")]
WORDS = {"500": "五百", "27": "二十七", "61": "六十一", "340": "三百四十"}


@example(Decimal("1.00"), "{}")  # not Monday
@given(
    st.integers(0, 10**7) | st.decimals(0, 10**5, places=2).map(abs),
    st.sampled_from(
        ("{}", "¥{}", "{} yuan", "{}元", "${}", "{} days", "{}天", "{}%", "{} working days", "{} kg", "{:,}")
    ),
)
def test_any_number_that_is_not_in_the_passages_is_caught(number: int | Decimal, form: str) -> None:
    if Decimal(number) in VALUES or str(number) in PASSAGE.replace("-", ""):
        return
    answer = f"Standard delivery costs {form.format(number)} for a parcel."
    assert ENGLISH_SOURCES.unsupported(answer)


@pytest.mark.parametrize(("digits", "words"), WORDS.items())
def test_chinese_numerals_are_caught_and_recognised(digits: str, words: str) -> None:
    assert CHINESE_SOURCES.unsupported(f"配送费{words}元。")
    assert Sources((f"配送费{digits}元。",), language="zh").unsupported(f"配送费{words}元。") == ()


@given(st.text(max_size=200))
def test_any_text_gets_a_verdict(text: str) -> None:
    check_generated(text, ENGLISH_SOURCES)
    assert Sources((text,)).quotes([text])
