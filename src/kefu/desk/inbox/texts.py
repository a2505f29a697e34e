"""Sentences that the inbox itself says: to customers in a conversation, to members by mail. English and Chinese."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

_CUSTOMER: Mapping[str, Mapping[str, str]] = {
    "en": {
        "joined": "{name} has joined the conversation.",
        "joined_nameless": "A colleague has joined the conversation.",
        "given_back": "The assistant is back in the conversation.",
        "nobody_came": (
            "I'm sorry, nobody is free at the moment. Leave your e-mail address here and we will write to you."
        ),
        "or_assistant": 'Or write "assistant" to go on with the assistant.',
        "address_kept": "Thank you. We will write to you at the address you gave.",
        "place_in_queue": "You are number {number} in the queue. A person will answer you here.",
        "closed_until": (
            "Nobody of our team is here at the moment. We are back {when}. Write your message and your e-mail address "
            "here, and we will answer you then."
        ),
        "closed": (
            "Nobody of our team is here at the moment. Write your message and your e-mail address here, and we will "
            "answer you."
        ),
        "escalated": "Nobody has taken this conversation yet. {names} have been told.",
        "file_unfit": "[A file that cannot be kept: {name}]",
        "not_delivered": (
            "This reply did not reach the customer: {reason} "
            "It waits under “Replies that need you” on the channel's page."
        ),
        "maybe_delivered": (
            "This reply was interrupted while it was sent ({reason}), and may or may not have reached the customer. "
            "It waits under “Replies that need you” on the channel's page."
        ),
    },
    "zh": {
        "joined": "{name} 已加入对话。",
        "joined_nameless": "客服人员已加入对话。",
        "given_back": "智能助手已回到对话中。",
        "nobody_came": "非常抱歉，目前没有空闲的客服人员。请在这里留下您的邮箱地址，我们会通过邮件联系您。",
        "or_assistant": "也可以回复“助手”，继续向智能助手提问。",
        "address_kept": "谢谢，我们会按您留下的地址与您联系。",
        "place_in_queue": "您前面还有 {before} 位客户在等待，您排在第 {number} 位。客服人员会在这里回复您。",
        "closed_until": "现在不是人工服务时间，我们将于{when}恢复服务。请留下您的问题和邮箱地址，届时我们会回复您。",
        "closed": "现在不是人工服务时间。请留下您的问题和邮箱地址，我们会回复您。",
        "escalated": "这个会话还没有人接手，已通知 {names}。",
        "file_unfit": "[无法保存的文件：{name}]",
        "not_delivered": "这条回复未能送达客户：{reason} 可在该渠道页面的“需要处理的回复”中处理。",
        "maybe_delivered": (
            "这条回复在发送途中中断（{reason}），可能已送达，也可能没有。可在该渠道页面的“需要处理的回复”中处理。"
        ),
    },
}
_MAIL: Mapping[str, tuple[str, str]] = {
    "en": ("A customer is waiting in {workspace}", "A customer is waiting for a person on {channel}.\n{link}\n"),
    "zh": ("{workspace}：有客户正在等待", "{channel} 上有一位客户正在等待人工客服。\n{link}\n"),
}


_MENTION: Mapping[str, tuple[str, str]] = {
    "en": ("{name} mentioned you in {workspace}", "{name} mentioned you in a note.\n{link}\n"),
    "zh": ("{workspace}：{name} 提到了您", "{name} 在一条内部备注中提到了您。\n{link}\n"),
}


_ROUTING: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "escalated": {
        "en": (
            "Nobody has taken a conversation in {workspace}",
            "A customer has waited too long for a person.\n{link}\n",
        ),
        "zh": ("{workspace}：有会话无人接手", "一位客户等待人工客服的时间过长。\n{link}\n"),
    },
    "sla_warned": {
        "en": ("A promised time ends soon in {workspace}", "What was promised to a customer is due soon.\n{link}\n"),
        "zh": ("{workspace}：承诺时限即将到期", "对一位客户承诺的时限即将到期。\n{link}\n"),
    },
    "sla_breached": {
        "en": ("A promised time was missed in {workspace}", "What was promised to a customer is late.\n{link}\n"),
        "zh": ("{workspace}：已超过承诺时限", "对一位客户承诺的时限已超过。\n{link}\n"),
    },
}
_DAYS: Mapping[str, tuple[str, ...]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def to_customer(key: str, language: str, **fields: str) -> str:
    """A sentence in the customer's language, English where there is none."""
    text = _CUSTOMER.get(language.partition("-")[0], _CUSTOMER["en"])[key]
    for name, value in fields.items():
        text = text.replace(f"{{{name}}}", value)  # not str.format: a name may hold braces
    return text


def hand_over_mail(language: str, **fields: str) -> tuple[str, str]:
    """Subject and text of the mail that says that a customer waits; nothing of what was said is in it."""
    return _filled(_MAIL, language, fields)


def mention_mail(language: str, **fields: str) -> tuple[str, str]:
    """Subject and text of the mail that says that a note names a member; nothing of the note is in it."""
    return _filled(_MENTION, language, fields)


def member_mail(key: str, language: str, **fields: str) -> tuple[str, str]:
    """Subject and text of a mail about a conversation that needs somebody; nothing of what was said is in it."""
    return _filled(_ROUTING[key], language, fields)


def moment_in_words(at: datetime, time_zone: str, language: str) -> str:
    """A moment of the coming weeks as a customer reads it, with the zone that it is told in."""
    local = at.astimezone(ZoneInfo(time_zone))
    code = "zh" if language.partition("-")[0] == "zh" else "en"
    day, clock = _DAYS[code][local.weekday()], f"{local.hour:02d}:{local.minute:02d}"
    if code == "zh":
        return f"{local.month} 月 {local.day} 日（{day}）{clock}（{time_zone}）"
    return f"on {day}, {local.day} {_MONTHS[local.month - 1]}, at {clock} ({time_zone})"


def _filled(mails: Mapping[str, tuple[str, str]], language: str, fields: Mapping[str, str]) -> tuple[str, str]:
    subject, text = mails.get(language.partition("-")[0], mails["en"])
    for name, value in fields.items():
        subject, text = subject.replace(f"{{{name}}}", value), text.replace(f"{{{name}}}", value)
    return " ".join(subject.split()), text
