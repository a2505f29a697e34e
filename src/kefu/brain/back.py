"""The words with which a customer who waits for a person would rather have the assistant again."""

import re

# Only a message that says nothing else counts, so that a sentence about an assistant never calls a hand-over off.
_EN = re.compile(
    r"(?:please )?(?:"
    r"(?:(?:go |get |take me |bring me )?back to |(?:let me )?(?:ask|talk to|speak to|chat with|continue with|"
    r"go on with|return to|use) |bring back |i want |give me )?(?:the |your )?(?:ai )?(?:assistant|(?:chat ?)?bot|ai)"
    r"(?: again| back| instead)?"
    r"|(?:i )?(?:do not|don'?t) need (?:a )?(?:person|human|agent)(?: any ?more| any longer)?"
    r")(?: please)?",
    re.IGNORECASE,
)
_ZH = re.compile(
    r"(?:请)?(?:我?(?:要|想))?(?:"
    r"(?:继续|还是|重新|再)?(?:问|找|用|转|转回|转到|回到|切换到|切回|换回|换成|叫)?(?:一下)?(?:AI|ai|智能)?(?:助手|机器人|智能客服)"
    r"(?:吧|回来|继续)?"
    r"|(?:取消|不用|不要|不)转?人工(?:客服)?了?(?:吧)?"
    r")"
)
_AROUND = re.compile(r"^[\s\W_]+|[\s\W_]+$")


def calls_assistant(text: str) -> bool:
    """Whether a message asks for the assistant in place of a person, and for nothing else."""
    said = _AROUND.sub("", text)
    return bool(_EN.fullmatch(said) or _ZH.fullmatch(said))
