import pytest

from kefu.knowledge.words import normalised_question, simplified, tokenise


def test_english_words_are_folded_and_stemmed_and_small_words_left_out() -> None:
    assert tokenise("Could you tell me how the REFUNDS are determined?", "en") == tokenise("refund determine", "en")


def test_chinese_is_cut_into_words_and_bigrams() -> None:
    terms = tokenise("退款多久到账", "zh")
    assert "退款" in terms
    assert "到账" in terms


def test_a_chinese_text_keeps_its_latin_words_and_numbers() -> None:
    assert {"tidb", "8.5"} <= set(tokenise("如何把 TiDB 升级到８.５？", "zh"))


def test_thousands_separators_do_not_matter() -> None:
    assert tokenise("1,500 yuan", "en") == tokenise("1500 yuan", "en")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I return an item?", "  how do i return an ITEM "),
        ("Ｈｏｗ　ｍｕｃｈ？", "how much"),
        ("退款多久到账？", "退款 多久 到账"),
        ("App 怎么下载？", "app怎么下载"),
        ("Café opening-hours", "cafe opening hours"),
        ("運費多少錢？", "运费多少钱"),
    ],
)
def test_script_case_width_punctuation_and_blanks_do_not_make_another_question(one: str, other: str) -> None:
    assert normalised_question(one) == normalised_question(other)


def test_other_words_make_another_question() -> None:
    assert normalised_question("How do I return an item?") != normalised_question("How do I return items?")
    assert normalised_question("new art") != normalised_question("newart")


def test_traditional_characters_are_read_as_simplified_ones_but_not_in_japanese() -> None:
    assert tokenise("如何退貨？", "zh") == tokenise("如何退货？", "zh")
    assert simplified("你們幾點開門, ABC 12") == "你们几点开门, ABC 12"
    assert simplified("営業時間を教えて") == "営業時間を教えて"
