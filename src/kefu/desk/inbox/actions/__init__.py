"""Writes of the inbox, one file for each noun."""

from kefu.desk.inbox.actions.channels import change_channel, make_channel, new_identity_secret
from kefu.desk.inbox.actions.conversations import (
    ask_for_member,
    assign,
    erase_conversations,
    give_back,
    leave_address,
    mark_read,
    release,
    reopen_for_member,
    resolve,
    start_conversation,
    take,
    tell_nobody_came,
)
from kefu.desk.inbox.actions.messages import (
    TEXT_LIMIT,
    ReceivedMessage,
    give_feedback,
    note,
    receive_message,
    reply,
    reveal,
    say,
)
from kefu.desk.inbox.actions.state import IDLE_WITH_ASSISTANT, IDLE_WITH_MEMBER, close, leave_pending, wait

__all__ = [
    "IDLE_WITH_ASSISTANT",
    "IDLE_WITH_MEMBER",
    "TEXT_LIMIT",
    "ReceivedMessage",
    "ask_for_member",
    "assign",
    "change_channel",
    "close",
    "erase_conversations",
    "give_back",
    "give_feedback",
    "leave_address",
    "leave_pending",
    "make_channel",
    "mark_read",
    "new_identity_secret",
    "note",
    "receive_message",
    "release",
    "reopen_for_member",
    "reply",
    "resolve",
    "reveal",
    "say",
    "start_conversation",
    "take",
    "tell_nobody_came",
    "wait",
]
