"""A conversation written out: as plain text and as HTML that every mail program shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "subject": "Your conversation with {workspace}",
        "head": "Conversation with {workspace}, {from} to {to} ({zone})",
        "contact": "Customer",
        "assistant": "Assistant",
        "member": "Colleague",
        "system": "",
        "file": "[File: {name}]",
        "masked": "Personal data are left out.",
    },
    "zh": {
        "subject": "您与 {workspace} 的对话记录",
        "head": "与 {workspace} 的对话，{from} 至 {to}（{zone}）",
        "contact": "客户",
        "assistant": "智能助手",
        "member": "客服",
        "system": "",
        "file": "[文件：{name}]",
        "masked": "个人信息已隐去。",
    },
}
# Mail programs keep styles only where they stand on the element itself.
_PAGE = '<div style="font:15px/1.5 -apple-system,Segoe UI,Roboto,sans-serif;color:#1f2937;max-width:640px">{}</div>'
_HEAD = '<p style="color:#6b7280;font-size:13px">{}</p>'
_LINE = (
    '<p style="margin:0 0 12px"><strong>{who}</strong> <span style="color:#6b7280;font-size:13px">{at}</span><br>'
    '<span style="white-space:pre-wrap">{text}</span></p>'
)


@dataclass(frozen=True)
class Said:
    """A line of a transcript: who by kind and, where it is known, by name; files by their names."""

    author: str
    name: str
    at: datetime
    text: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Transcript:
    subject: str
    text: str
    html: str


def transcript(said: Sequence[Said], *, workspace: str, zone: ZoneInfo, language: str, is_masked: bool) -> Transcript:
    """What was said, in order, with times in a zone; in Chinese for `zh`, else in English."""
    words = _WORDS.get(language.partition("-")[0], _WORDS["en"])
    moments = [each.at.astimezone(zone).strftime("%Y-%m-%d %H:%M") for each in said]
    ends = {"from": moments[0] if moments else "", "to": moments[-1] if moments else "", "zone": str(zone)}
    head = _filled(words["head"], {"workspace": workspace, **ends})
    head += f" {words['masked']}" if is_masked else ""
    plain, rich = [head, ""], [_HEAD.format(escape(head))]
    for each, at in zip(said, moments, strict=True):
        who = each.name or words[each.author]
        text = "\n".join(
            [*([each.text] if each.text else []), *(_filled(words["file"], {"name": n}) for n in each.files)]
        )
        plain += [f"{who} · {at}".strip(" ·"), text, ""]
        rich.append(_LINE.format(who=escape(who), at=escape(at), text=escape(text)))
    subject = " ".join(_filled(words["subject"], {"workspace": workspace}).split())
    return Transcript(subject, "\n".join(plain), _PAGE.format("".join(rich)))


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)  # not str.format: a name may hold braces
    return text
