"""Which messages call the assistant in place of a person."""

import pytest

from kefu.brain.back import calls_assistant


@pytest.mark.parametrize(
    "text",
    [
        "assistant",
        "Assistant!",
        '"assistant"',
        "Ask the assistant again",
        "back to the bot please",
        "I don't need a person anymore.",
        "Let me talk to the chatbot instead",
        "助手",
        "“助手”",
        "继续问智能助手",
        "我要转回机器人",
        "取消转人工",
        "不用人工了",
    ],
)
def test_it_is_called(text: str) -> None:
    assert calls_assistant(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello?",
        "Is the assistant a person?",
        "the assistant told me that delivery is free",
        "I want a person, not the assistant",
        "Do you sell a kitchen assistant?",
        "never mind",
        "助手说运费是12元",
        "我要人工，不要机器人",
        "转人工",
        "智能助手是什么",
    ],
)
def test_other_words_call_nobody(text: str) -> None:
    assert not calls_assistant(text)
