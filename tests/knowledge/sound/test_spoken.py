"""Written text is read aloud as a person would say it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kefu.knowledge.sound.sentences import sentences
from kefu.knowledge.sound.spoken import said_in_chinese, spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It costs $62.50.", "It costs 62 dollars 50."),
        ("It costs €1 or £2.05.", "It costs 1 euro or 2 pounds and 5 pence."),
        ("Above €1,200 it is free.", "Above 1200 euros it is free."),
        ("Order KF-20931 has left.", "Order K F, 2 0 9 3 1 has left."),
        ("Call 400-820-1234.", "Call 4 0 0, 8 2 0, 1 2 3 4."),
        ("10kg in 3-5 days, on 24 November 2026", "10kg in 3-5 days, on 24 November 2026"),
        ("**Free** with [our card](https://shop.example/card) [1]", "Free with our card"),
        ("See https://shop.example/a?b=c for more", "See the link in the text for more"),
        ("1,234,567 parcels for $1,234,567.00", "1234567 parcels for 1234567 dollars"),
        ("Open 9:00-18:00, for 2–4 days", "Open 9:00 to 18:00, for 2 to 4 days"),
        ("Your code is 4821, dial 10086.", "Your code is 4 8 2 1, dial 1 0 0 8 6."),
        (
            "$0.99, $1.01, $1.5, £0.01 and $2.5M",
            "99 cents, 1 dollar and 1 cent, 1 dollar 50, 1 penny and 2.5 million dollars",
        ),
        ("24/7, from 00:30 to 0:00 or 10:00", "24 7, from 12:30 am to midnight or 10:00"),
        ("USD 20 or 1,299.50 RMB", "20 dollars or 1299 yuan and 50 fen"),
        ("30x20x10 cm, or 1920 × 1080", "30 by 20 by 10 cm, or 1920 by 1080"),
        ("We call <PHONE_1> on <ID_NUMBER_2>", "We call your phone number on the number you gave"),
    ],
)
def test_english_is_said_as_people_say_it(written: str, said: str) -> None:
    assert spoken(written, "en") == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("满99元包邮", "满九十九元包邮"),
        ("运费¥62.50，或$5", "运费六十二点五元，或五美元"),
        ("2026-11-24送达", "二零二六年十一月二十四日送达"),
        ("14:30-18:05营业，2:00休息", "十四点半到十八点零五分营业，两点休息"),
        ("订单KF-20931共2件", "订单K F, 二 零 九 三 一 共两件"),
        ("成功率95%，3-5个工作日", "成功率百分之九十五，三到五个工作日"),
        ("请拨打400-820-1234", "请拨打四 零 零, 八 二 零, 一 二 三 四"),
        ("邮编200030，拨打10086", "邮编二 零 零 零 三 零，拨打一 零 零 八 六"),
        ("电话费100元，共1,234,567件", "电话费一百元，共一百二十三万四千五百六十七件"),
        ("-5度，-5℃到20°C，亏损-3.5%", "零下五度，零下五摄氏度到二十摄氏度，亏损负百分之三点五"),
        ("付1/2，5月-6月", "付二分之一，五月到六月"),
        ("第2个，2.5kg，30x20x10cm，500ml", "第二个，二点五公斤，三十乘二十乘十厘米，五百毫升"),
        ("10:30:15，3点05分", "十点三十分十五秒，三点零五分"),
        ("版本2.1.3，地址192.168.1.10", "版本二点一点三，地址一九二点一六八点一点一零"),
        ("￥20万，¥99元，USD 20，5000 RMB", "二十万元，九十九元，二十美元，五千元"),
        ("QQ群123456，5G网络，iPhone 15", "QQ群一 二 三 四 五 六，五G网络，iPhone 十五"),
        ("<PHONE_1>已登记", "您的电话号码已登记"),
    ],
)
def test_chinese_is_said_as_people_say_it(written: str, said: str) -> None:
    assert spoken(written, "zh") == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0", "零"),
        ("10", "十"),
        ("11", "十一"),
        ("105", "一百零五"),
        ("1001", "一千零一"),
        ("10200", "一万零二百"),
        ("110000", "十一万"),
        ("100000005", "一亿零五"),
        ("62.05", "六十二点零五"),
        ("2000", "两千"),
        ("22200", "两万两千二百"),
        ("20000", "两万"),
        ("120000", "十二万"),
    ],
)
def test_chinese_numbers_have_their_zeros(written: str, said: str) -> None:
    assert said_in_chinese(written) == said


@given(st.text(max_size=400), st.sampled_from(["en", "zh"]))
def test_any_text_can_be_said_in_short_pieces(text: str, language: str) -> None:
    pieces = sentences(spoken(text, language), language)
    assert all(len(piece) <= 440 for piece in pieces)
    assert all(any(char.isalnum() or char == "_" for char in piece) for piece in pieces)


@given(st.lists(st.sampled_from(["one two three", "，", "。", ". ", "四五六", ", ", "seven"]), max_size=60))
def test_cutting_into_sentences_loses_no_word(parts: list[str]) -> None:
    text = "".join(parts)
    pieces = sentences(text, "en")
    assert [char for char in "".join(pieces) if char.isalnum()] == [char for char in text if char.isalnum()]
