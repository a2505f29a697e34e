"""What somebody waits for comes in a short piece, in the language whose voice is slow."""

import pytest

from kefu.brain.listen import pieces
from kefu.knowledge.sound.sentences import ends_sentence, first_clause


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("标准配送费用是十二元，需要三到五个工作日。", ["标准配送费用是十二元，", "需要三到五个工作日。"]),
        ("是的，可以，三十天内都能退货。", ["是的，可以，", "三十天内都能退货。"]),
        ("营业时间是九点。", ["营业时间是九点。"]),
        ("我们每天9:30到21:00提供服务。", ["我们每天9:30到21:00提供服务。"]),
        ("满1,000元即可免运费，", ["满1,000元即可免运费，"]),
        ("标准配送需要两到四个工作日送达。", ["标准配送需要两到四个工作日送达。"]),
    ],
)
def test_a_mandarin_sentence_begins_with_its_first_clause(text: str, cut: list[str]) -> None:
    assert first_clause(text, "zh") == cut


def test_an_english_sentence_is_said_as_a_whole() -> None:
    text = "Standard delivery costs twelve yuan, and takes two to four working days."
    assert first_clause(text, "en") == [text]


def test_only_the_beginning_of_a_reply_is_cut() -> None:
    text = "退款会原路退回，请您耐心等待。标准配送费用是十二元，需要三到五个工作日。"
    assert pieces(text, "zh", is_first=True) == [
        "退款会原路退回，",
        "请您耐心等待。",
        "标准配送费用是十二元，需要三到五个工作日。",
    ]
    assert pieces(text, "zh", is_first=False)[0] == "退款会原路退回，请您耐心等待。"
    assert "".join(pieces(text, "", is_first=True)) == text


def test_a_speaker_stops_behind_a_sentence_and_breathes_behind_a_clause() -> None:
    assert [ends_sentence(each) for each in ("退款会原路退回，", "请耐心等待。", "Thank you", "是的；")] == [
        False,
        True,
        True,
        False,
    ]
