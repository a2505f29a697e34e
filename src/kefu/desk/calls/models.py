"""Live calls. What is said in one are messages of its conversation."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from kefu.desk.rows import WorkspaceRow, row_id


class Call(WorkspaceRow):
    """One call. `state` is talking (with the assistant), ringing (at the members), joined (by `member_id`) or ended.

    `ended_by` is contact, member, limit (it lasted as long as one may) or lost (nobody was on the line any more, or the
    process that carried it is gone). A process that carries a call keeps `lease_until` ahead.
    """

    id = row_id("call")
    conversation = models.ForeignKey("inbox.Conversation", on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, default="talking")
    member_id = models.CharField(max_length=32, blank=True, default="")
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=8, blank=True, default="")
    lease_until = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["conversation"], condition=~Q(state="ended"), name="call_one_at_a_time")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["workspace", "lease_until"], name="call_under_way", condition=~Q(state="ended"))
        ]
