"""Who is told what happens in conversations, inside the transaction of the change: what they raise undoes it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kefu.desk.listeners import Listeners

if TYPE_CHECKING:
    from kefu.desk.inbox.actions.happenings import Happened, Watcher
    from kefu.desk.inbox.actions.messages import Taken
    from kefu.desk.inbox.models import Conversation

WATCHERS: "Listeners[Watcher]" = Listeners()
# Told after all watchers: what they let happen comes after what they were told of.
FOLLOWERS: "Listeners[Callable[[Conversation, Happened], None]]" = Listeners()
# Asked whether what is said in a resolved conversation is their business.
AFTER_END: "Listeners[Callable[[Conversation, str], Taken | None]]" = Listeners()
