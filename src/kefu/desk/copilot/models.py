"""Suggested replies and what members made of them, where a workspace wants to learn from that."""

from typing import Any, ClassVar

from django.db import models

from kefu.desk.rows import WorkspaceRow, row_id


class KeptEdit(WorkspaceRow):
    """A reply that was suggested and, once `message_id` is set, the one that was sent in its place.

    All texts are masked. `distance` is 0 where it was sent as it was, 1 where nothing of it is left. `passages` are the
    ids of what the suggestion stands on.
    """

    id = row_id("edit")
    conversation = models.ForeignKey("inbox.Conversation", on_delete=models.CASCADE, related_name="+")
    member_id = models.CharField(max_length=32)
    question = models.TextField()
    suggested = models.TextField()
    decision = models.CharField(max_length=12)
    language = models.CharField(max_length=12, blank=True, default="")
    passages = models.JSONField(default=list)
    message_id = models.CharField(max_length=32, blank=True, default="")
    sent = models.TextField(blank=True, default="")
    distance = models.FloatField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["workspace", "sent_at"], name="kept_edit_sent")]
