"""Customers, and how each channel knows them."""

from typing import Any, ClassVar

from django.db import models

from kefu.desk.rows import WorkspaceRow, now, row_id


class Contact(WorkspaceRow):
    """A customer. Name and address are personal, so they lie sealed with the workspace's key.

    `merged_into`: they turned out to be another contact, who has all that was theirs.
    """

    id = row_id("contact")
    sealed_profile = models.BinaryField(null=True)
    language = models.CharField(max_length=12, blank=True, default="")
    last_seen_at = models.DateTimeField(default=now)
    erased_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["merged_into"], name="contact_merged", condition=~models.Q(merged_into=""))
        ]


class Identity(WorkspaceRow):
    """A contact as one channel knows them: `digest` finds them, `sealed_external_id` addresses them."""

    id = row_id("ident")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    channel_id = models.CharField(max_length=32)
    digest = models.CharField(max_length=64)
    sealed_external_id = models.BinaryField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "channel_id", "digest"], name="identity_once_per_channel")
        ]
