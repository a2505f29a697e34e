import pytest

from kefu.knowledge.language import detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("退款多久到账？", "zh"),
        ("請問運費多少", "zh"),
        ("TiDB 怎么升级到 v8.5？", "zh"),
        ("App Store 下载不了", "zh"),
        ("返品はできますか", "ja"),
        ("배송은 얼마나 걸리나요", "ko"),
        ("How long does a refund take to reach my card?", "en"),
        ("Wie kann ich mein Geld zurückbekommen?", "de"),
        ("¿Cuánto cuesta el envío a las islas?", "es"),
        ("Сколько стоит доставка в другой город?", "ru"),
    ],
)
def test_languages_are_told_apart(text: str, language: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("text", ["refund status", "ok", "VAT invoice?", "hi", "LL123456789012", "?!", "<PHONE_1>", ""])
def test_a_text_too_short_to_tell_is_in_the_conversations_language(text: str) -> None:
    assert detect(text) == "en"
    assert detect(text, "zh-CN,zh;q=0.9") == "zh"
    assert detect(text, "fr_FR") == "fr"


def test_a_hint_does_not_overrule_a_plain_text() -> None:
    assert detect("How long does a refund take to reach my card?", "zh") == "en"
    assert detect("退款多久到账？", "en") == "zh"


def test_one_name_in_han_does_not_make_an_english_question_chinese() -> None:
    assert detect("Do you ship the 朗 lamp to customers who live in Macao or in Hong Kong?") == "en"


def test_placeholders_of_masked_data_do_not_count() -> None:
    assert detect("我的手机号是 <PHONE_1>，邮箱是 <EMAIL_1>") == "zh"


@pytest.mark.parametrize("text", ["\ud800 broken", "\x00\x01", "a" * 100_000, "😀😀"])
def test_odd_texts_get_some_language(text: str) -> None:
    assert detect(text).isalpha()


@pytest.mark.parametrize("hint", ["", "*", "12", "x", "not a language"])
def test_a_hint_that_is_no_language_is_ignored(hint: str) -> None:
    assert detect("ok", hint) == "en"
