"""Surveys of customers after a conversation's end, and when a workspace asks."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from kefu.desk.rows import WorkspaceRow, row_id


class Survey(WorkspaceRow):
    """One resolution's survey. `state` is waiting (asked at `due_at`), asked, rated or dropped.

    It may be answered until `until`. `member_id` is who solved the conversation, empty for the assistant; `by` how the
    customer rated: stars, words, program or flow. `comment` is masked.
    """

    id = row_id("srv")
    conversation = models.ForeignKey("inbox.Conversation", on_delete=models.CASCADE, related_name="+", db_index=False)
    channel_id = models.CharField(max_length=32)
    member_id = models.CharField(max_length=32, blank=True, default="")
    state = models.CharField(max_length=8, default="waiting")
    due_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    rated_at = models.DateTimeField(null=True, blank=True)
    score = models.PositiveSmallIntegerField(null=True, blank=True)
    comment = models.TextField(blank=True, default="")
    by = models.CharField(max_length=8, blank=True, default="")

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["conversation", "-created_at"], name="survey_of_thread"),
            models.Index(fields=["due_at"], name="survey_due", condition=Q(state="waiting")),
            models.Index(fields=["workspace", "-rated_at"], name="survey_rated", condition=Q(state="rated")),
        ]


class SurveySettings(WorkspaceRow):
    """When and how a workspace asks; `chosen` is what differs from `queries.Surveys`."""

    id = models.BigAutoField(primary_key=True)
    chosen = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["workspace"], name="survey_settings_one")]
