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
    # What a blocked contact says is refused, and only counted.
    blocked_at = models.DateTimeField(null=True, blank=True)
    refused = models.PositiveIntegerField(default=0)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["merged_into"], name="contact_merged", condition=~models.Q(merged_into="")),
            models.Index(fields=["workspace", "-last_seen_at"], name="contact_seen"),
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


class Attribute(WorkspaceRow):
    """Something that a workspace keeps of its contacts, under `key` in their profiles.

    `kind` is text, number, date, choice or yes_no; `choices` are those of a choice. `is_told`: the assistant may know
    and use it.
    """

    id = row_id("attr")
    key = models.CharField(max_length=40)
    title = models.CharField(max_length=100)
    kind = models.CharField(max_length=8)
    choices = models.JSONField(default=list)
    is_told = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "key"], name="attribute_once_per_workspace")
        ]


class Consent(WorkspaceRow):
    """What a contact agreed to or no longer agrees to, and where they said so. The latest of a kind holds."""

    id = models.BigAutoField(primary_key=True)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10)
    is_given = models.BooleanField()
    source = models.CharField(max_length=200)
    given_at = models.DateTimeField(default=now)
    by_kind = models.CharField(max_length=12)
    by_id = models.CharField(max_length=64)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["contact", "kind", "-id"], name="consent_latest")]


class ContactNote(WorkspaceRow):
    """What members write down about a contact, for members alone."""

    id = row_id("cnote")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    author_id = models.CharField(max_length=64)
    sealed_text = models.BinaryField()
