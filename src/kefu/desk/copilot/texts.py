"""Sentences of summaries, English and Chinese."""

from collections.abc import Mapping

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "nothing_asked": "The customer has not asked anything yet.",
        "by_assistant": "Asked: {question} → the assistant answered: {answer}",
        "by_member": "Asked: {question} → a colleague answered: {answer}",
        "unanswered": "Asked, without an answer: {question}",
        "open": "Still open: {question}",
        "known": "Known: {values}",
    },
    "zh": {
        "nothing_asked": "客户还没有提问。",
        "by_assistant": "客户问：{question} → 助手答：{answer}",
        "by_member": "客户问：{question} → 同事答：{answer}",
        "unanswered": "客户问（未得到回答）：{question}",
        "open": "尚未解决：{question}",
        "known": "已知信息：{values}",
    },
}


def words(key: str, language: str, **fields: str) -> str:
    """A sentence in a member's language, English where there is none."""
    text = _WORDS.get(language.partition("-")[0], _WORDS["en"])[key]
    for name, value in fields.items():
        text = text.replace(f"{{{name}}}", value)  # not str.format: what customers write may hold braces
    return text
