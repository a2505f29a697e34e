"""Webhooks: which system is told of which events, and what is on its way to it."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from kefu.desk.rows import WorkspaceRow, now, row_id


class Webhook(WorkspaceRow):
    """A system that is told of events. `after` is the last event that was looked at for it.

    `failing_since` is when the first of the failures began that no success has ended; `paused_at` when sending was
    given up, by Kefu or by a member (`paused_by`): what happens meanwhile waits.
    """

    id = row_id("hook")
    name = models.CharField(max_length=100)
    url = models.CharField(max_length=1000)
    events = models.JSONField(default=list)
    sealed_secret = models.BinaryField()
    after = models.BigIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=40, blank=True, default="")
    last_error = models.CharField(max_length=300, blank=True, default="")
    last_sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "name"], name="webhook_name_once")
        ]


class WebhookDelivery(WorkspaceRow):
    """One event on its way to one system. `state` is pending, claimed, sent or dead (tried too often).

    `sealed_body` is what is sent, the same for each try.
    """

    id = row_id("whd")
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="+", db_index=False)
    event_id = models.BigIntegerField()
    event = models.CharField(max_length=40)
    conversation_id = models.CharField(max_length=32, blank=True, default="")
    sealed_body = models.BinaryField()
    state = models.CharField(max_length=8, default="pending")
    due_at = models.DateTimeField(default=now)
    claimed_by = models.CharField(max_length=40, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["webhook", "event_id"], name="webhook_delivery_once")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["due_at"], name="webhook_delivery_due", condition=Q(state__in=["pending", "claimed"])),
            models.Index(fields=["webhook", "conversation_id", "event_id"], name="webhook_delivery_thread"),
            models.Index(fields=["webhook", "state", "-created_at"], name="webhook_delivery_state"),
        ]
