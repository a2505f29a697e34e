"""The sentences that Kefu itself says, in English and Chinese; a company's own (`policy.texts`) come first."""

from collections.abc import Mapping

from kefu.contracts.turn import Policy

# Who answers, and when. Where people keep hours and are not at work, the inbox says when they are back instead.
_PASSING = {
    "en": "I'm passing you to a person, who will answer you here.",
    "zh": "正在为您转接人工客服，客服人员会在这里回复您。",
}
_KEPT = {
    "en": (
        "Nobody of our team is here at this hour; your message is kept for them, and a person answers you here as soon"
        " as we are back."
    ),
    "zh": "现在不是人工服务时间，您的消息已经转给人工客服，上班后会在这里回复您。",
}
# No figure stands in these texts: figures come from knowledge only.
BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "en": {
        "greeting": "Hello! I'm {name}. How can I help you?",
        "how_are_you": "I'm well, thank you for asking. How can I help you?",
        "thanks": "You're welcome! Is there anything else I can help with?",
        "goodbye": "Goodbye, and have a good day!",
        "acknowledgement": "All right. Let me know if there is anything else I can help with.",
        "help": "Of course. What would you like to know?",
        "identity": (
            "I'm {name}, an automatic assistant. I answer from our help pages, and I can bring in a person"
            " whenever you like."
        ),
        "no_question": "Could you tell me in a few words what you would like to know?",
        "file_received": (
            "Thank you, I have received your file. I cannot look into it myself: please tell me in a few words what"
            " it is about, or talk to a person."
        ),
        "nothing_heard": (
            "I'm sorry, I couldn't hear anything in your recording. Please say it again a little closer to the"
            " microphone, or write it to me."
        ),
        "recording_unreadable": ("I'm sorry, I couldn't play your recording. Please say it again, or write it to me."),
        "refuse": (
            "I'm sorry, I couldn't find an answer to that in our help pages, and I don't want to guess."
            " Would you like to talk to a person?"
        ),
        "refuse_forbidden": "I'm sorry, I can't help with that topic here. Would you like to talk to a person?",
        "refuse_quiet": (
            "I'm sorry, I couldn't find an answer to that in our help pages, and I don't want to guess."
            " Nobody of our team is here at this hour; please ask again later."
        ),
        "refuse_forbidden_quiet": (
            "I'm sorry, I can't help with that topic here."
            " Nobody of our team is here at this hour; please ask again later."
        ),
        "refuse_instruction": (
            "I'm here to answer questions about our service from our help pages. What would you like to know?"
        ),
        "hand_over": f"Of course. {_PASSING['en']}",
        "hand_over_refused": f"I'm sorry, I couldn't find that either. {_PASSING['en']}",
        "hand_over_anger": f"I'm sorry that this has been a bad experience. {_PASSING['en']}",
        "hand_over_failure": f"I'm sorry, something went wrong on our side. {_PASSING['en']}",
        "hand_over_quiet": f"Of course. {_KEPT['en']}",
        "hand_over_anger_quiet": f"I'm sorry that this has been a bad experience. {_KEPT['en']}",
        "clarify": "Which of these do you mean?",
        "talk_to_person": "Talk to a person",
    },
    "zh": {
        "greeting": "您好，我是{name}，请问有什么可以帮您？",
        "how_are_you": "我很好，谢谢您的关心。请问有什么可以帮您？",
        "thanks": "不客气！还有什么可以帮您的吗？",
        "goodbye": "再见，祝您生活愉快！",
        "acknowledgement": "好的，如果还有其他问题，请随时告诉我。",
        "help": "当然可以，请问您想了解什么？",
        "identity": "我是{name}，一位自动客服助手。我根据帮助中心的内容回答问题，您也可以随时让我为您转接人工客服。",
        "no_question": "请您简单描述一下想了解的问题，好吗？",
        "file_received": "谢谢，您发送的文件已收到。我无法查看文件内容，请您简单说明想咨询的问题，或转接人工客服。",
        "nothing_heard": "抱歉，我没有听到您的语音内容。请靠近麦克风再说一次，或者直接输入文字。",
        "recording_unreadable": "抱歉，您的语音无法播放。请再说一次，或者直接输入文字。",
        "refuse": "抱歉，我在帮助中心里没有找到这个问题的答案，不想随意猜测。需要为您转接人工客服吗？",
        "refuse_forbidden": "抱歉，这个话题我无法在这里回答。需要为您转接人工客服吗？",
        "refuse_quiet": (
            "抱歉，我在帮助中心里没有找到这个问题的答案，不想随意猜测。现在不是人工服务时间，请您稍后再来咨询。"
        ),
        "refuse_forbidden_quiet": "抱歉，这个话题我无法在这里回答。现在不是人工服务时间，请您稍后再来咨询。",
        "refuse_instruction": "我在这里根据帮助中心的内容回答与我们服务有关的问题。请问您想了解什么？",
        "hand_over": f"好的，{_PASSING['zh']}",
        "hand_over_refused": f"抱歉，这个问题我也没有找到答案。{_PASSING['zh']}",
        "hand_over_anger": f"非常抱歉给您带来了不好的体验。{_PASSING['zh']}",
        "hand_over_failure": f"抱歉，系统出了点问题。{_PASSING['zh']}",
        "hand_over_quiet": f"好的。{_KEPT['zh']}",
        "hand_over_anger_quiet": f"非常抱歉给您带来了不好的体验。{_KEPT['zh']}",
        "clarify": "请问您想问的是哪一个？",
        "talk_to_person": "转人工客服",
    },
}
LAST_RESORT = "en"
_HAND_OVERS = ("hand_over", *(f"hand_over_{why}" for why in ("refused", "anger", "failure", "quiet", "anger_quiet")))


def say(key: str, language: str, policy: Policy) -> str:
    """The sentence `key` in the customer's language, else the policy's default language, else English.

    In each language the policy's own text wins over the built-in one. `{name}` becomes the assistant's name.
    """
    for code in (language, language.partition("-")[0], policy.default_language, LAST_RESORT):
        text = policy.texts.get(code, {}).get(key) or BUILT_IN.get(code, {}).get(key)
        if text:
            # Not str.format: a company's own text may hold braces.
            return text.replace("{name}", policy.name)
    raise KeyError(key)


def every_form(key: str, policy: Policy) -> tuple[str, ...]:
    """All forms of a sentence that this assistant may have said, to know it again in a conversation."""
    return tuple(
        texts[key].replace("{name}", policy.name)
        for table in (policy.texts, BUILT_IN)
        for texts in table.values()
        if key in texts
    )


def promise(text: str, policy: Policy) -> str:
    """The part of a hand-over's reply that says who answers and when; empty where it says nothing of that.

    It is a company's own sentence whole, and of a built-in one all but the apology before it.
    """
    own = [
        texts[key].replace("{name}", policy.name)
        for texts in policy.texts.values()
        for key in _HAND_OVERS
        if texts.get(key)
    ]
    agreed = [texts[key] for texts in BUILT_IN.values() for key in ("hand_over", "hand_over_quiet")]
    return next((each for each in (*own, *agreed, *_PASSING.values(), *_KEPT.values()) if each in text), "")
