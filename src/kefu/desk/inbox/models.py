"""Channels, conversations, messages and the turns that answer them."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from kefu.desk.rows import WorkspaceRow, now, row_id


class Channel(WorkspaceRow):
    id = row_id("ch")
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=100)
    settings = models.JSONField(default=dict)
    assistant_on = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)
    sealed_identity_secret = models.BinaryField(null=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "name"], name="channel_name_once")
        ]


class Conversation(WorkspaceRow):
    """A thread with a contact. `status` is bot, waiting, open or resolved; `assignee_id` is a member's.

    `due_at` is when, if nothing is said, the status has lasted too long: dispatch then closes the conversation or,
    while it waits, tells the contact that nobody is free, once (`nobody_told_at`).
    """

    id = row_id("conv")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    contact = models.ForeignKey("contacts.Contact", on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=10, default="bot")
    assignee_id = models.CharField(max_length=32, blank=True, default="")
    language = models.CharField(max_length=12, blank=True, default="")
    last_sequence = models.PositiveIntegerField(default=0)
    refusals_in_a_row = models.PositiveSmallIntegerField(default=0)
    sealed_placeholders = models.BinaryField(null=True)
    waiting_since = models.DateTimeField(null=True, blank=True)
    nobody_told_at = models.DateTimeField(null=True, blank=True)
    address_wanted = models.BooleanField(default=False)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=40, blank=True, default="")
    last_activity_at = models.DateTimeField(default=now)
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["workspace", "status", "-last_activity_at"], name="conversation_inbox"),
            models.Index(fields=["workspace", "assignee_id", "status"], name="conversation_assignee"),
            models.Index(fields=["due_at"], name="conversation_due", condition=Q(due_at__isnull=False)),
        ]


class Turn(WorkspaceRow):
    """The work of answering. `state` is pending, claimed or done; `outcome`, once done, is replied or left.

    What became of a message follows from its turn: the last of a replied turn is replied, the ones before it are
    merged into that turn, those of a turn that was left are left to a member.
    """

    id = row_id("turn")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, default="pending")
    outcome = models.CharField(max_length=8, blank=True, default="")
    due_at = models.DateTimeField(default=now)
    claimed_by = models.CharField(max_length=40, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_sequence = models.PositiveIntegerField()
    decision = models.CharField(max_length=12, blank=True, default="")
    confidence = models.FloatField(null=True)
    trace = models.JSONField(null=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            # Later messages join the one turn that still waits, and only one is worked on.
            models.UniqueConstraint(fields=["conversation"], condition=Q(state="pending"), name="turn_one_pending"),
            models.UniqueConstraint(fields=["conversation"], condition=Q(state="claimed"), name="turn_one_claimed"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["workspace", "due_at"], name="turn_undone", condition=~Q(state="done")),
            models.Index(fields=["workspace", "-created_at"], name="turn_newest"),
        ]


class Message(WorkspaceRow):
    """One thing said. `text` is masked; `sealed_original` is what was said where masking changed it.

    `turn_id` is, on a contact's message, the turn that deals with it (empty: left to a member), and on an
    assistant's, the turn that made it: one each, which is why a retried turn cannot answer twice. `attachments` says
    of the message's files what is shown with it, so that reading messages needs no other table.
    """

    id = row_id("msg")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    sequence = models.PositiveIntegerField()
    author = models.CharField(max_length=10)
    author_id = models.CharField(max_length=32, blank=True, default="")
    text = models.TextField()
    sealed_original = models.BinaryField(null=True)
    turn_id = models.CharField(max_length=32, blank=True, default="")
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - null is not compared
    answer = models.JSONField(null=True)
    attachments = models.JSONField(null=True)
    is_internal = models.BooleanField(default=False)
    thumb = models.CharField(max_length=4, blank=True, default="")
    comment = models.TextField(blank=True, default="")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["conversation", "sequence"], name="message_in_order"),
            models.UniqueConstraint(fields=["conversation", "idempotency_key"], name="message_once"),
            models.UniqueConstraint(
                fields=["turn_id"], condition=Q(author="assistant") & ~Q(turn_id=""), name="turn_answers_once"
            ),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["turn_id"], name="message_turn")]


class Attachment(WorkspaceRow):
    """A file for a conversation: uploaded first, named by a message later.

    `file` is where the storage keeps it, sealed with the workspace's key. `name` is masked; `sealed_name` is the whole
    where masking changed it. Until a message names the file, `due_at` is when it is thrown away.
    """

    id = row_id("att")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    author = models.CharField(max_length=10)
    author_id = models.CharField(max_length=32, blank=True, default="")
    message_id = models.CharField(max_length=32, blank=True, default="")
    name = models.CharField(max_length=200)
    sealed_name = models.BinaryField(null=True)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    file = models.CharField(max_length=200)
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["due_at"], name="attachment_due", condition=Q(due_at__isnull=False))
        ]


class ReadMark(WorkspaceRow):
    """Up to which message a member has read a conversation."""

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    member_id = models.CharField(max_length=32)
    sequence = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["conversation", "member_id"], name="read_mark_once")
        ]
