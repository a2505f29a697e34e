"""One thing done to many conversations, each by itself: what one refuses hinders no other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.actions.conversations import assign, mark_read, resolve, take
from kefu.desk.inbox.actions.labels import label
from kefu.desk.inbox.actions.routes import set_priority, set_team
from kefu.desk.inbox.actions.snoozing import snooze, wake
from kefu.kit.errors import BadInput, KefuError

MOST = 200  # conversations at once: a page of the list
_ALL = 2**31 - 1  # past any message's sequence


@dataclass(frozen=True)
class Done:
    """What became of one conversation; `error` None: it was done."""

    conversation_id: str
    error: KefuError | None


def do_to_many(actor: Actor, *, conversation_ids: Sequence[str], action: str, **given: Any) -> list[Done]:
    """Resolve, assign (`member_id`), take, label (`add`, `remove`), team (`team_id`), priority (`priority`), snooze
    (`until`), wake or read many conversations.

    Each is a transaction of its own, with its own result, in order. Raises BadInput for another action or too many,
    NotAllowed.
    """
    actor.require_role(Role.VIEWER if action == "read" else Role.AGENT)
    call = _ACTIONS.get(action)
    if call is None:
        raise BadInput(f"Many conversations at once: {', '.join(_ACTIONS)}; not {action!r}.", field="action")
    ids = list(dict.fromkeys(conversation_ids))
    if not 0 < len(ids) <= MOST:
        raise BadInput(f"1 to {MOST} conversations at once, not {len(ids)}.", field="conversations")
    return [_done(call, actor, each, given) for each in ids]


def _done(call: Callable[..., Any], actor: Actor, conversation_id: str, given: dict[str, Any]) -> Done:
    try:
        call(actor, conversation_id=conversation_id, **given)
    except KefuError as error:
        return Done(conversation_id, error)
    return Done(conversation_id, None)


def _read(actor: Actor, *, conversation_id: str) -> None:
    mark_read(actor, conversation_id=conversation_id, sequence=_ALL)


_ACTIONS: dict[str, Callable[..., Any]] = {
    "resolve": resolve,
    "assign": assign,
    "take": take,
    "label": label,
    "team": set_team,
    "priority": set_priority,
    "snooze": snooze,
    "wake": wake,
    "read": _read,
}
