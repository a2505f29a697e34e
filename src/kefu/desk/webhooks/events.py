"""Which events other systems can be told of, and from which of ours they are made. Chatwoot's names where the same."""

from collections.abc import Mapping
from dataclasses import dataclass

from kefu.desk.accounts.queries import EventInfo
from kefu.desk.inbox.models import Happening

EVENTS: Mapping[str, Mapping[str, str]] = {
    "conversation_created": {"en": "A conversation began", "zh": "新会话"},
    "conversation_status_changed": {
        "en": "It passed to the assistant, to people, or was resolved",
        "zh": "会话状态变化（助手、等待、人工、已解决）",
    },
    "conversation_updated": {"en": "Something of it changed", "zh": "会话更新"},
    "message_created": {"en": "Somebody said something", "zh": "新消息"},
    "message_updated": {"en": "A message was changed or rated", "zh": "消息更新或被评价"},
    "contact_created": {"en": "A new customer", "zh": "新客户"},
    "contact_updated": {"en": "A customer's details changed", "zh": "客户资料更新"},
    "webwidget_triggered": {"en": "A visitor opened the chat", "zh": "访客打开聊天窗口"},
    "csat_rated": {"en": "A customer rated a conversation", "zh": "客户评价会话"},
    "sla_breached": {"en": "A promised time was missed", "zh": "超过承诺时间"},
}
_OF_KIND: Mapping[str, str] = {
    "conversation.created": "conversation_created",
    "conversation.updated": "conversation_updated",
    "message.created": "message_created",
    "message.updated": "message_updated",
    "message.rated": "message_updated",
    "contact.created": "contact_created",
    "contact.updated": "contact_updated",
    "widget.opened": "webwidget_triggered",
}
_HAPPENED = "conversation.happened"
_OF_HAPPENING: Mapping[str, str] = {"rated": "csat_rated", "sla_missed": "sla_breached"}
# The status that a step of a conversation's life leads to.
_STATUS: Mapping[str, str] = {"waits": "waiting", "owned": "open", "assistant": "bot", "resolved": "resolved"}
KINDS = (*_OF_KIND, _HAPPENED)


@dataclass(frozen=True)
class Notable:
    """An event that other systems may be told of, with what changed (Chatwoot's `changed_attributes`)."""

    id: int
    name: str
    workspace_id: str
    row_id: str
    conversation_id: str
    changed: Mapping[str, Mapping[str, str]]
    detail: Mapping[str, object]


def notable(event: EventInfo) -> Notable | None:
    """What an event of ours is to other systems; None for one that is nothing to them."""
    name, changed, detail = _OF_KIND.get(event.kind, ""), {}, {}
    if event.kind == _HAPPENED:
        row = Happening.objects.of(event.workspace_id).filter(id=int(event.row_id)).first()
        if row is None:  # erased meanwhile
            return None
        name, detail = _OF_HAPPENING.get(row.kind, ""), dict(row.detail)
        if row.kind in _STATUS:
            before, after = _status_before(row), _STATUS[row.kind]
            name = "conversation_status_changed" if before != after else ""
            changed = {"status": {"previous_value": before, "current_value": after}}
    if not name:
        return None
    return Notable(event.id, name, event.workspace_id, event.row_id, event.conversation_id, changed, detail)


def _status_before(row: Happening) -> str:
    """A conversation's status before a step; it begins with the assistant."""
    earlier = Happening.objects.of(row.workspace_id).filter(
        conversation_id=row.conversation_id, kind__in=list(_STATUS), id__lt=row.id
    )
    kind = earlier.order_by("-id").values_list("kind", flat=True).first()
    return _STATUS[kind] if kind is not None else "bot"
