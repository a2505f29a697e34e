"""How a workspace's assistant answers: policy and engines, its flows and its tools."""

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


class Tool(WorkspaceRow):
    """A call to the company's own systems. `definition` is what `tools.spec.ToolSpec` reads; credentials are sealed."""

    id = row_id("tool")
    name = models.CharField(max_length=60)
    definition = models.JSONField()
    sealed_credentials = models.BinaryField(null=True)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "name"], name="tool_name_once")
        ]


class ToolCall(WorkspaceRow):
    """One call of a tool, in the ledger before it is made, so that no call is made twice.

    `state` is started, done, failed or unknown; `arguments` and `outputs` are masked. A call that was started and never
    finished is made again only where that does no harm.
    """

    id = row_id("call")
    call_id = models.CharField(max_length=200)
    conversation = models.ForeignKey("inbox.Conversation", on_delete=models.CASCADE, related_name="+")
    turn_id = models.CharField(max_length=32)
    tool = models.CharField(max_length=60)
    state = models.CharField(max_length=8, default="started")
    arguments = models.JSONField(default=dict)
    outputs = models.JSONField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    problem = models.CharField(max_length=40, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=1)
    ms = models.FloatField(null=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "conversation", "call_id"], name="tool_call_once")
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["workspace", "-created_at"], name="tool_call_newest")]


class Flow(WorkspaceRow):
    """A company's own business logic. `key` is the flow's id in its file; `draft` the file as it is being written.

    `live_number` is the version that starts for customers while `is_live`; a run goes on in the version it began.
    """

    id = row_id("flow")
    key = models.CharField(max_length=60)
    name = models.CharField(max_length=200, blank=True, default="")
    draft = models.TextField(blank=True, default="")
    is_live = models.BooleanField(default=False)
    live_number = models.PositiveIntegerField(null=True)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["workspace", "key"], name="flow_key_once")]


class FlowVersion(WorkspaceRow):
    """A flow as it was published; never changed. `table` is the file as JSON, `author_id` a member's or empty."""

    id = row_id("flowv")
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    text = models.TextField()
    table = models.JSONField()
    author_id = models.CharField(max_length=32, blank=True, default="")
    note = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["flow", "number"], name="flow_version_once")
        ]


class SuiteFile(WorkspaceRow):
    """A file of tests: conversations, and what is expected of the assistant before anything goes live."""

    id = row_id("suite")
    name = models.CharField(max_length=200)
    text = models.TextField()
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "name"], name="suite_file_once")
        ]
