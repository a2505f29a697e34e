"""How a workspace's assistant answers."""

from typing import Any, ClassVar

from django.db import models

from kefu.desk.rows import WorkspaceRow, now, row_id


class Assistant(WorkspaceRow):
    """One assistant: its policy as stored JSON, and the engines it uses.

    `encoders` are references by language, where they are not the defaults. `wanted_encoders` are to take their place
    once every passage has its vectors; `encoders_due_at` is when that work goes on.
    """

    id = row_id("asst")
    name = models.CharField(max_length=100)
    policy = models.JSONField(default=dict)
    generator = models.CharField(max_length=300, blank=True, default="")
    sealed_generator_options = models.BinaryField(null=True)
    encoders = models.JSONField(default=dict)
    wanted_encoders = models.JSONField(null=True)
    sealed_encoder_options = models.BinaryField(null=True)
    encoders_due_at = models.DateTimeField(null=True, blank=True)
    encoders_done = models.PositiveIntegerField(default=0)
    encoders_total = models.PositiveIntegerField(default=0)
    encoders_problem = models.TextField(blank=True, default="")
    is_active = models.BooleanField(default=True)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["workspace"], name="assistant_one")]
