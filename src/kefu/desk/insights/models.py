"""What was measured, rolled up by hour and day; questions without an answer; who gets the weekly report."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from kefu.desk.rows import WorkspaceRow, now, row_id


class ReportingEvent(WorkspaceRow):
    """One thing measured, stored once, in the transaction of what it measures.

    `number` counts what was measured in its conversation. Times are whole milliseconds, so that sums are exact;
    `business` is the value in business hours (for what is counted: whether it happened in them). `labels` is all labels
    between commas. A conversation that was erased leaves its events without its id. `rolled`: they stand in roll-ups.
    `count` -1 takes one back that belongs elsewhere since: the same with the other sign.
    """

    id = models.BigAutoField(primary_key=True)
    conversation_id = models.CharField(max_length=32, null=True, blank=True)  # noqa: DJ001 - null is not compared
    number = models.PositiveIntegerField()
    metric = models.CharField(max_length=24)
    at = models.DateTimeField()
    value = models.BigIntegerField()
    business = models.BigIntegerField()
    count = models.SmallIntegerField(default=1)
    channel_id = models.CharField(max_length=32, blank=True, default="")
    member_id = models.CharField(max_length=32, blank=True, default="")
    team_id = models.CharField(max_length=32, blank=True, default="")
    labels = models.CharField(max_length=400, blank=True, default="")
    intent = models.CharField(max_length=64, blank=True, default="")
    language = models.CharField(max_length=12, blank=True, default="")
    who = models.CharField(max_length=10, blank=True, default="")
    detail = models.CharField(max_length=24, blank=True, default="")
    rolled = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "conversation_id", "number"], name="reporting_event_once")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["workspace", "metric", "at"], name="reporting_event_metric"),
            models.Index(fields=["id"], name="reporting_event_unrolled", condition=Q(rolled=False)),
        ]


class RollUp(WorkspaceRow):
    """What was measured within an hour or a day of UTC (`grain` h or d), for one value of one dimension.

    Dimension "" is everything; `channel_id` "" is all channels, else that channel alone. Hours are kept of everything
    and of `who`, days of every dimension: periods of any time zone are days, and what is left at their ends is read
    from the figures. The dimensions `bucket`, `bucket_assistant` and `bucket_person` count times by how long they were
    (`measure.BOUNDS`).
    """

    id = models.BigAutoField(primary_key=True)
    metric = models.CharField(max_length=24)
    grain = models.CharField(max_length=1)
    dimension = models.CharField(max_length=16, blank=True, default="")
    channel_id = models.CharField(max_length=32, blank=True, default="")
    start = models.DateTimeField()
    value = models.CharField(max_length=400, blank=True, default="")
    count = models.BigIntegerField()
    total = models.BigIntegerField()
    business = models.BigIntegerField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["workspace", "metric", "grain", "dimension", "channel_id", "start", "value"],
                name="roll_up_once",
            )
        ]
        # All of a day, to be counted again.
        indexes: ClassVar[list[Any]] = [models.Index(fields=["workspace", "start"], name="roll_up_start")]


class UnansweredQuestion(WorkspaceRow):
    """A masked question that knowledge could not answer, until it was put with others like it (`group_id`)."""

    id = models.BigAutoField(primary_key=True)
    conversation_id = models.CharField(max_length=32)
    number = models.PositiveIntegerField()
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField()
    channel_id = models.CharField(max_length=32)
    language = models.CharField(max_length=12, blank=True, default="")
    group_id = models.CharField(max_length=32, blank=True, default="")
    text = models.TextField(blank=True, default="")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["conversation_id", "number"], name="unanswered_question_once")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["workspace", "at"], name="unanswered_question_at"),
            models.Index(fields=["workspace", "id"], name="unanswered_question_new", condition=Q(group_id="")),
            models.Index(fields=["group_id"], name="unanswered_question_group"),
        ]


class QuestionGroup(WorkspaceRow):
    """Questions that mean the same. `question` is the one nearest their middle; `rows` is that middle, float16.

    `state` is open, drafted (a FAQ entry was made: `source_id`) or dismissed.
    """

    id = row_id("qst")
    question = models.TextField()
    language = models.CharField(max_length=12, blank=True, default="")
    encoder = models.CharField(max_length=80)
    dimension = models.PositiveIntegerField()
    rows = models.BinaryField()
    size = models.PositiveIntegerField(default=0)
    nearness = models.FloatField(default=0.0)
    state = models.CharField(max_length=10, default="open")
    source_id = models.CharField(max_length=32, blank=True, default="")
    last_at = models.DateTimeField(default=now)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["workspace", "encoder", "-last_at"], name="question_group_encoder")
        ]


class ReportSettings(WorkspaceRow):
    """What a workspace's answers cost, and when its weekly report goes out (`due_at`; none where nobody gets it)."""

    id = models.BigAutoField(primary_key=True)
    rates = models.JSONField(default=dict)
    weekly = models.JSONField(default=dict)
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["workspace"], name="report_settings_one")]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["due_at"], name="report_settings_due", condition=Q(due_at__isnull=False))
        ]
