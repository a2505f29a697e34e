"""Where knowledge came from, its pages, their citable pieces with vectors, and what asking it of itself taught."""

from typing import Any, ClassVar

from django.db import models

from kefu.desk.rows import WorkspaceRow, now, row_id


class Source(WorkspaceRow):
    """A file, an address, a typed article. `state` is pending, reading, ready, failed, cancelled or held.

    Held: the workspace's tests fail with what was read, so its documents are those from before; `held` is the tests'
    report. `is_untested`: somebody wants it read without them.
    """

    id = row_id("src")
    name = models.CharField(max_length=500)
    kind = models.CharField(max_length=12)
    address = models.CharField(max_length=2000, blank=True, default="")
    state = models.CharField(max_length=12, default="pending")
    failures = models.JSONField(default=list)
    digest = models.CharField(max_length=64, blank=True, default="")
    file = models.CharField(max_length=300, blank=True, default="")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=now)
    held = models.JSONField(null=True)
    is_untested = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "name"], name="source_name_once")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["due_at"], name="source_due", condition=models.Q(due_at__isnull=False))
        ]


class Document(WorkspaceRow):
    id = row_id("doc")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=600)
    title = models.CharField(max_length=500)
    text = models.TextField()
    media_type = models.CharField(max_length=100)
    url = models.CharField(max_length=2000, null=True, blank=True)  # noqa: DJ001 - null says that there is none
    language = models.CharField(max_length=12)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["source", "name"], name="document_once_per_source")
        ]


class Passage(WorkspaceRow):
    """A citable piece: the document's text from `start` to `end`. Never changed: new text is a new row."""

    id = row_id("psg")
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    kind = models.CharField(max_length=8)
    language = models.CharField(max_length=12)
    heading_path = models.JSONField(default=list)
    questions = models.JSONField(default=list)
    answer = models.TextField(null=True, blank=True)  # noqa: DJ001 - null says that there is none


class Vector(WorkspaceRow):
    """A passage's vectors from one encoder: float16 rows, the text's first, then its questions'."""

    id = models.BigAutoField(primary_key=True)
    passage = models.ForeignKey(Passage, on_delete=models.CASCADE, related_name="+")
    encoder = models.CharField(max_length=80)
    dimension = models.PositiveIntegerField()
    rows = models.BinaryField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["passage", "encoder"], name="vector_once_per_encoder")
        ]


class Rehearsal(WorkspaceRow):
    """Confidence fitted to the workspace's FAQ: by encoder group, what `knowledge.rehearsal` gives as JSON.

    `passages` is how many there were; `due_at` says that there are many others now.
    """

    id = row_id("reh")
    groups = models.JSONField(default=dict)
    passages = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["workspace"], name="rehearsal_one")]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["due_at"], name="rehearsal_due", condition=models.Q(due_at__isnull=False))
        ]
