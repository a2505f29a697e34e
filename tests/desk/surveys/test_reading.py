"""What is a rating, and what only looks like one."""

import pytest

from kefu.desk.surveys import texts
from kefu.desk.surveys.reading import Rating, is_remark, read_rating


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("5", 5),
        (" ５ ", 5),
        ("1.", 1),
        ("5分", 5),
        ("4 分！", 4),
        ("五星", 5),
        ("五星好评", 5),
        ("打3分", 3),
        ("4/5", 4),
        ("4 out of 5", 4),
        ("2 stars", 2),
        ("I give 5", 5),
        ("满意", 4),
        ("非常满意", 5),
        ("不满意。", 2),
        ("差评", 1),
        ("Very satisfied!", 5),
        ("not satisfied", 2),
        ("★★★★☆", 4),
        ("⭐⭐⭐⭐⭐", 5),
        ("5️⃣", 5),
        ("👍", 5),
        ("👎", 1),
    ],
)
def test_ratings_in_figures_words_and_stars(text: str, score: int) -> None:
    assert read_rating(text) == Rating(score)


@pytest.mark.parametrize("language", ["en", "zh", "de"])
def test_every_button_reads_as_its_score(language: str) -> None:
    assert [read_rating(button) for button in texts.buttons(language)] == [Rating(score) for score in (5, 4, 3, 2, 1)]
    assert [read_rating(name) for name in texts.choices(language)] == [Rating(score) for score in (1, 2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("5，谢谢", "谢谢"),
        ("满意，客服很耐心", "客服很耐心"),
        ("4\nQuick and friendly.", "Quick and friendly."),
        ("2 - too slow for me\nand rude", "too slow for me\nand rude"),
        ("4 – good, but slow", "good, but slow"),
        ("so-so, slow", "slow"),
        ("3 - 4 days have passed", None),
        ("good, thanks", "thanks"),
    ],
)
def test_a_rating_may_come_with_a_remark(text: str, comment: str | None) -> None:
    found = read_rating(text)
    assert (found.comment if found else None) == comment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "6",
        "10",
        "55",
        "一",
        "ok",
        "好的",
        "5 parcels",
        "5件",
        "order 5",
        "3, 4 and 5 are missing",
        "5, when will it arrive?",
        "5，我的快递呢",
        "5\n我要退款",
        "5 不满意",
        "satisfied? no, my parcel is lost",
        "Where is my order?",
    ],
)
def test_what_may_be_a_question_is_no_rating(text: str) -> None:
    assert read_rating(text) is None


def test_a_remark_asks_for_nothing_and_is_short() -> None:
    assert is_remark("客服态度很好")
    assert is_remark("It took too long.")
    assert not any(map(is_remark, ("", "  ", "能退款吗", "Please call me", "12345", "x" * 301)))
