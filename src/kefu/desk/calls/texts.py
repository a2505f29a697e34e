"""Sentences about calls in conversations. English and Chinese."""

_ENDED = {"en": "The call has ended after {time}.", "zh": "通话已结束，时长 {time}。"}
_LOST = {"en": "The call was cut off after {time}.", "zh": "通话在 {time} 后中断。"}


def ended(language: str, seconds: int, *, was_lost: bool) -> str:
    """What is said in the conversation when a call is over."""
    known = _LOST if was_lost else _ENDED
    text = known.get(language.partition("-")[0], known["en"])
    return text.replace("{time}", f"{seconds // 60}:{seconds % 60:02}")
