"""Writes of the inbox, one file for each noun."""

from kefu.desk.inbox.actions.channels import make_channel
from kefu.desk.inbox.actions.conversations import (
    ask_for_member,
    erase_conversations,
    resolve,
    start_conversation,
)
from kefu.desk.inbox.actions.messages import (
    TEXT_LIMIT,
    ReceivedMessage,
    give_feedback,
    receive_message,
    reveal,
    say,
)
from kefu.desk.inbox.actions.state import IDLE_WITH_ASSISTANT, IDLE_WITH_MEMBER, close, leave_pending

__all__ = [
    "IDLE_WITH_ASSISTANT",
    "IDLE_WITH_MEMBER",
    "TEXT_LIMIT",
    "ReceivedMessage",
    "ask_for_member",
    "close",
    "erase_conversations",
    "give_feedback",
    "leave_pending",
    "make_channel",
    "receive_message",
    "resolve",
    "reveal",
    "say",
    "start_conversation",
]
