"""How customers are asked, unless a company writes it otherwise. English and Chinese."""

from collections.abc import Mapping

from kefu.desk.surveys.reading import BEST

QUESTIONS: Mapping[str, str] = {
    "en": "How satisfied are you with this conversation? Choose, or answer with a number from 1 to 5.",
    "zh": "您对本次服务满意吗？请选择，或回复数字 1 至 5（5 为非常满意）。",
}
THANKS: Mapping[str, str] = {
    "en": "Thank you for your rating! You may add in a few words why.",
    "zh": "感谢您的评价！也欢迎再说说原因。",
}
NOTED: Mapping[str, str] = {"en": "Thank you, we have noted it.", "zh": "谢谢，已记录您的意见。"}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "en": ("Very dissatisfied", "Dissatisfied", "Neutral", "Satisfied", "Very satisfied"),
    "zh": ("非常不满意", "不满意", "一般", "满意", "非常满意"),
}


def choices(language: str) -> tuple[str, ...]:
    """What each score is called, the lowest first."""
    return _CHOICES.get(language.partition("-")[0], _CHOICES["en"])


def buttons(language: str) -> tuple[str, ...]:
    """The answers to choose from, the best first; each reads as its score."""
    return tuple(f"{score} · {choices(language)[score - 1]}" for score in range(BEST, 0, -1))


def text_of(own: Mapping[str, str], built_in: Mapping[str, str], language: str) -> str:
    """The company's text in the language, else the built-in one, else the company's or ours in English."""
    code = language.partition("-")[0]
    return own.get(code) or built_in.get(code) or own.get("en") or built_in["en"]
