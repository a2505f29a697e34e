"""Datasets, runs, models and their versions."""

from typing import Any, ClassVar

from django.db import models

from kefu.desk.rows import WorkspaceRow, now, row_id


class Dataset(WorkspaceRow):
    """Labelled texts under a name; what they are is in its versions."""

    id = row_id("data")
    name = models.CharField(max_length=100)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "name"], name="dataset_name_once")
        ]


class DatasetVersion(WorkspaceRow):
    """One state of a dataset, never changed: its rows lie in `file`, a gzipped JSON-lines file in the storage.

    `bad` are rows of the upload that could not be used; `left_out` counts, by why, what could not be gathered from the
    workspace itself; `report` is what the last check found.
    """

    id = row_id("dver")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    labels = models.JSONField(default=dict)
    format = models.CharField(max_length=100)
    mapping = models.JSONField(default=dict)
    bad = models.JSONField(default=list)
    bad_rows = models.PositiveIntegerField(default=0)
    left_out = models.JSONField(default=dict)
    file = models.CharField(max_length=300)
    note = models.CharField(max_length=300, blank=True, default="")
    report = models.JSONField(null=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    made_by = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["dataset", "number"], name="dataset_version_number_once")
        ]


class Model(WorkspaceRow):
    """A model under a name. `role` is what the workspace uses its champion for, of `actions.registry.ROLES`.

    `test` is the frozen test that versions are compared on; `limits` differ from the gate's own where set.
    """

    id = row_id("mdl")
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=12, blank=True, default="")
    test = models.ForeignKey(DatasetVersion, on_delete=models.RESTRICT, null=True, related_name="+")
    champion = models.ForeignKey("modelhub.Version", on_delete=models.SET_NULL, null=True, related_name="+")
    challenger = models.ForeignKey("modelhub.Version", on_delete=models.SET_NULL, null=True, related_name="+")
    limits = models.JSONField(default=dict)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "name"], name="model_name_once"),
            models.UniqueConstraint(fields=["workspace", "role"], name="model_role_once", condition=~models.Q(role="")),
        ]


class Run(WorkspaceRow):
    """One piece of long work. `state`: queued, running, finished, failed, cancelled or interrupted.

    `inputs` name rows by what they are for (train, valid, test, oos: dataset versions; extend, model: versions).
    `position` is how far its job's log was read; `host` the machine that it runs on, `lease_until` how long that one
    is taken to live. `cancel_at` is when it was asked to stop, `stopped_at` when its process was told;
    `gathering_at` when a server began to put away what it made. `told` counts its events, `steps` those of training; of
    these every `stride`-th is kept.
    """

    id = row_id("run")
    kind = models.CharField(max_length=12)
    model = models.ForeignKey(Model, on_delete=models.CASCADE, null=True, related_name="+")
    version = models.ForeignKey("modelhub.Version", on_delete=models.SET_NULL, null=True, related_name="+")
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, null=True, related_name="+")
    recipe = models.CharField(max_length=60, blank=True, default="")
    options = models.JSONField(default=dict)
    inputs = models.JSONField(default=dict)
    state = models.CharField(max_length=12, default="queued")
    resume = models.BooleanField(default=False)
    attempts = models.PositiveIntegerField(default=0)
    host = models.CharField(max_length=200, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    gathering_at = models.DateTimeField(null=True, blank=True)
    position = models.BigIntegerField(default=0)
    told = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    stride = models.PositiveIntegerField(default=1)
    progress = models.JSONField(null=True)
    metrics = models.JSONField(default=dict)
    problem = models.JSONField(null=True)
    made_by = models.CharField(max_length=64)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["created_at"], name="run_open", condition=models.Q(state__in=["queued", "running"])),
            models.Index(fields=["workspace", "-created_at"], name="run_newest"),
        ]


class RunEvent(WorkspaceRow):
    """Something that a run told; `number` counts from 1 over all its attempts, `step` its steps of training."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    told = models.CharField(max_length=12)
    at = models.CharField(max_length=40)
    step = models.PositiveIntegerField(null=True, blank=True)
    fields = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["run", "number"], name="run_event_number_once")
        ]


class Version(WorkspaceRow):
    """What a run made, or a folder that was registered: files in the storage below `folder`, never changed.

    `sha256` is of card.json, which holds the hash of every other file. `judged` is what it answered on the model's
    frozen test, with the metrics of that evaluation.
    """

    id = row_id("ver")
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="+")
    folder = models.CharField(max_length=300)
    files = models.JSONField(default=list)
    card = models.JSONField()
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    judged = models.JSONField(null=True)
    note = models.CharField(max_length=300, blank=True, default="")
    made_by = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["model", "number"], name="version_number_once")
        ]


class Promotion(WorkspaceRow):
    """That an alias was set: from which version to which, by whom, with what the gate said."""

    id = row_id("prom")
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="+")
    alias = models.CharField(max_length=12)
    version = models.ForeignKey(Version, on_delete=models.SET_NULL, null=True, related_name="+")
    previous = models.ForeignKey(Version, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=12)
    verdict = models.JSONField(null=True)
    reason = models.CharField(max_length=1000, blank=True, default="")
    made_by = models.CharField(max_length=64)
