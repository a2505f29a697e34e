"""Sentences that the inbox itself says: to customers in a conversation, to members by mail. English and Chinese."""

from collections.abc import Mapping

_CUSTOMER: Mapping[str, Mapping[str, str]] = {
    "en": {
        "joined": "{name} has joined the conversation.",
        "joined_nameless": "A colleague has joined the conversation.",
        "given_back": "The assistant is back in the conversation.",
        "nobody_came": (
            "I'm sorry, nobody is free at the moment. Leave your e-mail address here and we will write to you."
        ),
        "address_kept": "Thank you. We will write to you at the address you gave.",
        "file_unfit": "[A file that cannot be kept: {name}]",
        "not_delivered": (
            "This reply did not reach the customer: {reason} It waits under the channel's failed deliveries."
        ),
        "maybe_delivered": (
            "This reply was interrupted while it was sent ({reason}), and may or may not have reached the customer. "
            "It waits under the channel's failed deliveries."
        ),
    },
    "zh": {
        "joined": "{name} 已加入对话。",
        "joined_nameless": "客服人员已加入对话。",
        "given_back": "智能助手已回到对话中。",
        "nobody_came": "非常抱歉，目前没有空闲的客服人员。请在这里留下您的邮箱地址，我们会通过邮件联系您。",
        "address_kept": "谢谢，我们会按您留下的地址与您联系。",
        "file_unfit": "[无法保存的文件：{name}]",
        "not_delivered": "这条回复未能送达客户：{reason} 可在该渠道的“未送达”列表中处理。",
        "maybe_delivered": (
            "这条回复在发送途中中断（{reason}），可能已送达，也可能没有。可在该渠道的“未送达”列表中处理。"
        ),
    },
}
_MAIL: Mapping[str, tuple[str, str]] = {
    "en": ("A customer is waiting in {workspace}", "A customer is waiting for a person on {channel}.\n{link}\n"),
    "zh": ("{workspace}：有客户正在等待", "{channel} 上有一位客户正在等待人工客服。\n{link}\n"),
}


def to_customer(key: str, language: str, **fields: str) -> str:
    """A sentence in the customer's language, English where there is none."""
    text = _CUSTOMER.get(language.partition("-")[0], _CUSTOMER["en"])[key]
    for name, value in fields.items():
        text = text.replace(f"{{{name}}}", value)  # not str.format: a name may hold braces
    return text


def hand_over_mail(language: str, **fields: str) -> tuple[str, str]:
    """Subject and text of the mail that says that a customer waits; nothing of what was said is in it."""
    subject, text = _MAIL.get(language.partition("-")[0], _MAIL["en"])
    for name, value in fields.items():
        subject, text = subject.replace(f"{{{name}}}", value), text.replace(f"{{{name}}}", value)
    return " ".join(subject.split()), text
