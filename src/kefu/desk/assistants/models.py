"""How a workspace's assistant answers."""

from typing import Any, ClassVar

from django.db import models

from kefu.desk.rows import WorkspaceRow, now, row_id


class Assistant(WorkspaceRow):
    """One assistant: its policy as stored JSON, and the generator it may use, if any."""

    id = row_id("asst")
    name = models.CharField(max_length=100)
    policy = models.JSONField(default=dict)
    generator = models.CharField(max_length=300, blank=True, default="")
    sealed_generator_options = models.BinaryField(null=True)
    is_active = models.BooleanField(default=True)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["workspace"], name="assistant_one")]
