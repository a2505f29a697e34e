"""Channels, conversations, messages and the turns that answer them."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from kefu.desk.rows import WorkspaceRow, now, row_id


class Channel(WorkspaceRow):
    id = row_id("ch")
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=100)
    settings = models.JSONField(default=dict)
    assistant_on = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)
    sealed_identity_secret = models.BinaryField(null=True)
    sealed_values = models.BinaryField(null=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")
    last_error_texts = models.JSONField(default=dict, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    recovered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "name"], name="channel_name_once")
        ]


class ChannelValue(WorkspaceRow):
    """What a channel's processes remember together: a token, who fetches now. Of no use once it has expired."""

    id = models.BigAutoField(primary_key=True)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    sealed_value = models.BinaryField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["channel", "name"], name="channel_value_once")
        ]


class Refusal(WorkspaceRow):
    """How many requests to a channel were refused on a day (UTC), and why."""

    id = models.BigAutoField(primary_key=True)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    reason = models.CharField(max_length=20)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["channel", "day", "reason"], name="refusal_once_a_day")
        ]


class Conversation(WorkspaceRow):
    """A thread with a contact. `status` is bot, waiting, open or resolved; `assignee_id` is a member's.

    `due_at` is when, if nothing is said, the status has lasted too long: dispatch then closes the conversation or,
    while it waits, tells the contact that nobody is free, once (`nobody_told_at`). `clock` is where its figures stand,
    kept by whoever watches what happens. `assistant_state` is what the assistant was in the middle of, given back to it
    with the next turn and forgotten when somebody else takes over; `remembered` is what it keeps until the end. Both
    are masked.

    `priority` is 0 to 3: none, low, high, urgent. `offered_to` is the member who may take it first, `escalated_at` when
    leads were told that nobody takes it. `sla_clock`, `sla_state` and `sla_due_at` are of the clock that ends first.
    """

    # Every list has an index that begins with the workspace; one of its own would only mislead SQLite's planner.
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+", db_index=False)
    id = row_id("conv")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    contact = models.ForeignKey("contacts.Contact", on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=10, default="bot")
    assignee_id = models.CharField(max_length=32, blank=True, default="")
    language = models.CharField(max_length=12, blank=True, default="")
    intent = models.CharField(max_length=64, blank=True, default="")
    labels = models.CharField(max_length=400, blank=True, default="")
    is_snoozed = models.BooleanField(default=False)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    last_sequence = models.PositiveIntegerField(default=0)
    refusals_in_a_row = models.PositiveSmallIntegerField(default=0)
    sealed_placeholders = models.BinaryField(null=True)
    waiting_since = models.DateTimeField(null=True, blank=True)
    nobody_told_at = models.DateTimeField(null=True, blank=True)
    address_wanted = models.BooleanField(default=False)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=40, blank=True, default="")
    last_activity_at = models.DateTimeField(default=now)
    due_at = models.DateTimeField(null=True, blank=True)
    clock = models.JSONField(null=True)
    assistant_state = models.JSONField(null=True)
    remembered = models.JSONField(default=dict)
    team_id = models.CharField(max_length=32, blank=True, default="")
    priority = models.PositiveSmallIntegerField(default=0)
    offered_to = models.CharField(max_length=32, blank=True, default="")
    escalated_at = models.DateTimeField(null=True, blank=True)
    sla_clock = models.CharField(max_length=12, blank=True, default="")
    sla_state = models.CharField(max_length=8, blank=True, default="")
    sla_due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            # All that lists are narrowed by stands in it: whatever is combined, no row is read that is not shown.
            models.Index(
                fields=[
                    *("workspace", "-last_activity_at", "status", "assignee_id", "channel", "language", "intent"),
                    *("labels", "is_snoozed", "team_id", "priority", "id"),
                ],
                name="conversation_list",
            ),
            models.Index(fields=["workspace", "status", "-last_activity_at"], name="conversation_inbox"),
            models.Index(fields=["workspace", "assignee_id", "status", "-last_activity_at"], name="conversation_owner"),
            models.Index(fields=["workspace", "channel", "-last_activity_at"], name="conversation_channel"),
            models.Index(fields=["due_at"], name="conversation_due", condition=Q(due_at__isnull=False)),
            # Only those that have a team or a clock pay for these with every message.
            models.Index(
                fields=["workspace", "team_id", "status", "-last_activity_at"],
                name="conversation_team",
                condition=~Q(team_id=""),
            ),
            models.Index(
                fields=["workspace", "sla_due_at"], name="conversation_sla", condition=Q(sla_due_at__isnull=False)
            ),
        ]


class Turn(WorkspaceRow):
    """The work of answering. `state` is pending, claimed or done; `outcome`, once done, is replied or left.

    What became of a message follows from its turn: the last of a replied turn is replied, the ones before it are
    merged into that turn, those of a turn that was left are left to a member.
    """

    id = row_id("turn")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, default="pending")
    outcome = models.CharField(max_length=8, blank=True, default="")
    due_at = models.DateTimeField(default=now)
    claimed_by = models.CharField(max_length=40, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_sequence = models.PositiveIntegerField()
    decision = models.CharField(max_length=12, blank=True, default="")
    confidence = models.FloatField(null=True)
    trace = models.JSONField(null=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            # Later messages join the one turn that still waits, and only one is worked on.
            models.UniqueConstraint(fields=["conversation"], condition=Q(state="pending"), name="turn_one_pending"),
            models.UniqueConstraint(fields=["conversation"], condition=Q(state="claimed"), name="turn_one_claimed"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["workspace", "due_at"], name="turn_undone", condition=~Q(state="done")),
            models.Index(fields=["workspace", "-created_at"], name="turn_newest"),
        ]


class Message(WorkspaceRow):
    """One thing said. `text` is masked; `sealed_original` is what was said where masking changed it.

    `turn_id` is, on a contact's message, the turn that deals with it (empty: left to a member), and on an
    assistant's, the turn that made it: one each, which is why a retried turn cannot answer twice. `attachments` says
    of the message's files what is shown with it, so that reading messages needs no other table. `pressed` is the value
    of the button that a contact's message was said with.
    """

    # Messages are read by conversation, and `message_in_order` finds them by it: further indexes only cost time.
    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="+", db_index=False)
    id = row_id("msg")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+", db_index=False)
    sequence = models.PositiveIntegerField()
    author = models.CharField(max_length=10)
    author_id = models.CharField(max_length=32, blank=True, default="")
    text = models.TextField()
    sealed_original = models.BinaryField(null=True)
    turn_id = models.CharField(max_length=32, blank=True, default="")
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - null is not compared
    answer = models.JSONField(null=True)
    attachments = models.JSONField(null=True)
    is_internal = models.BooleanField(default=False)
    thumb = models.CharField(max_length=4, blank=True, default="")
    comment = models.TextField(blank=True, default="")
    pressed = models.CharField(max_length=500, blank=True, default="")
    # Of a refusal or a hand-over, by a member who looked at it: right or wrong.
    verdict = models.CharField(max_length=5, blank=True, default="")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["conversation", "sequence"], name="message_in_order"),
            models.UniqueConstraint(fields=["conversation", "idempotency_key"], name="message_once"),
            models.UniqueConstraint(
                fields=["turn_id"], condition=Q(author="assistant") & ~Q(turn_id=""), name="turn_answers_once"
            ),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["turn_id"], name="message_turn")]


class Attachment(WorkspaceRow):
    """A file for a conversation: uploaded first, named by a message later.

    `file` is where the storage keeps it, sealed with the workspace's key. `name` is masked; `sealed_name` is the whole
    where masking changed it. Until a message names the file, `due_at` is when it is thrown away.
    """

    id = row_id("att")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    author = models.CharField(max_length=10)
    author_id = models.CharField(max_length=32, blank=True, default="")
    message_id = models.CharField(max_length=32, blank=True, default="")
    name = models.CharField(max_length=200)
    sealed_name = models.BinaryField(null=True)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    file = models.CharField(max_length=200)
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["due_at"], name="attachment_due", condition=Q(due_at__isnull=False))
        ]


class Happening(WorkspaceRow):
    """A step of a conversation's life that is no message, after the message of that sequence. Never changed.

    `kind`, `by` and `detail` are as in `actions.Happened`.
    """

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=10)
    by = models.CharField(max_length=40, blank=True, default="")
    detail = models.JSONField(default=dict)


class ReadMark(WorkspaceRow):
    """Up to which message a member has read a conversation."""

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    member_id = models.CharField(max_length=32)
    sequence = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["conversation", "member_id"], name="read_mark_once")
        ]


class Label(WorkspaceRow):
    """What members sort conversations by; `colour` is #rrggbb. One that is gone keeps its title for past figures."""

    id = row_id("lbl")
    title = models.CharField(max_length=60)
    colour = models.CharField(max_length=7)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(Lower("title"), "workspace", condition=Q(is_active=True), name="label_title_once")
        ]


class Mention(WorkspaceRow):
    """A member is named in a note. `seen_at`: they have looked at the conversation since."""

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    message_id = models.CharField(max_length=32)
    member_id = models.CharField(max_length=32)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["message_id", "member_id"], name="mention_once")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["member_id", "conversation"], name="mention_of_member"),
            models.Index(fields=["member_id"], name="mention_unseen", condition=Q(seen_at__isnull=True)),
        ]


class Draft(WorkspaceRow):
    """What a member was writing in a conversation, a reply or a note; sealed, since nothing of it is masked yet."""

    id = row_id("draft")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    member_id = models.CharField(max_length=32)
    sealed_text = models.BinaryField()
    is_internal = models.BooleanField(default=False)
    kept_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["member_id", "conversation"], name="draft_once")
        ]


class CannedReply(WorkspaceRow):
    """A reply that is written once, found by its `shortcut`. `member_id`: whose own it is; without one, everybody's."""

    id = row_id("canned")
    member_id = models.CharField(max_length=32, blank=True, default="")
    shortcut = models.CharField(max_length=40)
    language = models.CharField(max_length=12, blank=True, default="")
    text = models.TextField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["workspace", "member_id", "shortcut", "language"], name="canned_shortcut_once"
            )
        ]


class SavedView(WorkspaceRow):
    """A way of narrowing the list, kept under a name. `member_id`: whose own it is; without one, everybody's."""

    id = row_id("view")
    member_id = models.CharField(max_length=32, blank=True, default="")
    name = models.CharField(max_length=60)
    chosen = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "member_id", "name"], name="view_name_once")
        ]


class Reach(WorkspaceRow):
    """How a conversation on a pushing channel is reached.

    `digest` finds it by the contact and the thread as the channel knows them; `sealed_address` holds both and what the
    last message brought for answering it; `used` counts what was pushed since that one. With `is_held`, replies wait
    for a request that they can go back with.
    """

    id = row_id("reach")
    conversation = models.OneToOneField(Conversation, on_delete=models.CASCADE, related_name="+")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    sealed_address = models.BinaryField()
    last_inbound_at = models.DateTimeField()
    used = models.PositiveSmallIntegerField(default=0)
    is_held = models.BooleanField(default=False)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["channel", "digest"], name="reach_once")]


class Arrival(WorkspaceRow):
    """A message as it arrived, each once however often its sender repeats it.

    `state` is open (its files came along and are being kept), waiting (its files are to be fetched), claimed, stored
    or dropped (nothing of it could be kept). `sealed_incoming` is what came, until it is stored; `sealed_answer` what
    went back with the request, for its repetition.
    """

    id = row_id("arr")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    message_id = models.CharField(max_length=32, blank=True, default="")
    turn_id = models.CharField(max_length=32, blank=True, default="")
    state = models.CharField(max_length=8)
    tries = models.PositiveSmallIntegerField(default=1)
    due_at = models.DateTimeField(default=now)
    claimed_by = models.CharField(max_length=40, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sealed_incoming = models.BinaryField(null=True)
    sealed_answer = models.BinaryField(null=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["channel", "digest"], name="arrival_once")]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["due_at"], name="arrival_due", condition=Q(state__in=["waiting", "claimed"])),
            models.Index(fields=["conversation", "created_at"], name="arrival_of_thread"),
            models.Index(fields=["channel", "created_at"], name="arrival_of_channel"),
        ]


class Delivery(WorkspaceRow):
    """A message on its way out through a pushing channel.

    `state` is pending, claimed, kept (the quota is used up: it goes when the customer writes), sent, unsure (it was
    interrupted and may have been sent), dead (refused, or tried too often) or dropped. Unsure and dead ones wait for a
    member. `batch` names the deliveries that go as one; `pieces_sent` how many of its messages have gone; `begun_at` is
    when, under the present claim, the first was about to leave: before that, certainly nothing has.
    """

    id = row_id("dlv")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="+")
    sequence = models.PositiveIntegerField()
    state = models.CharField(max_length=8, default="pending")
    batch = models.CharField(max_length=32, blank=True, default="")
    due_at = models.DateTimeField(default=now)
    claimed_by = models.CharField(max_length=40, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    begun_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    pieces_sent = models.PositiveSmallIntegerField(default=0)
    external_id = models.CharField(max_length=200, blank=True, default="")
    error = models.CharField(max_length=300, blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["due_at"], name="delivery_due", condition=Q(state__in=["pending", "claimed"])),
            models.Index(fields=["conversation", "state", "sequence"], name="delivery_of_thread"),
            models.Index(fields=["channel", "state", "created_at"], name="delivery_of_channel"),
        ]


class Routing(WorkspaceRow):
    """How those who wait are given to teams: `rules` in order, as `desk.inbox.routing` reads them.

    Its row is held while conversations of the workspace are offered, so that no limit is passed by two at once.
    """

    id = models.BigAutoField(primary_key=True)
    rules = models.JSONField(default=list)
    default_team = models.CharField(max_length=32, blank=True, default="")
    tells_position = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["workspace"], name="routing_once")]


class Route(WorkspaceRow):
    """A conversation on its way to a member, while it waits.

    `state` is waiting, offered or left (it waits no more; those behind it move up). `wanted` is the team that a flow
    named, or its id. `passed` are members who were offered it and did not take it, the last at `offered_until` while
    nobody is offered it. `position` is the one last told.
    """

    id = row_id("route")
    conversation = models.OneToOneField(Conversation, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, default="waiting")
    wanted = models.CharField(max_length=100, blank=True, default="")
    is_begun = models.BooleanField(default=False)
    member_id = models.CharField(max_length=32, blank=True, default="")
    offered_until = models.DateTimeField(null=True, blank=True)
    passed = models.JSONField(default=list)
    skills = models.JSONField(default=list)
    escalate_at = models.DateTimeField(null=True, blank=True)
    position = models.PositiveIntegerField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, default=now)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["due_at"], name="route_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["workspace", "member_id"], name="route_member"),
        ]


class SlaPolicy(WorkspaceRow):
    """How soon a company wants to have answered and solved. Of those that fit, the first by `place` counts.

    Seconds, of business hours where `in_business_hours`; None: no such clock. `conditions` hold lists of channels,
    teams, labels and priorities, and a table of the contact's attributes; what is empty fits all. `on_breach`: a team
    that gets the conversation, a priority that it is raised to, and whether leads and supervisors get a mail.
    """

    id = row_id("sla")
    name = models.CharField(max_length=100)
    place = models.PositiveSmallIntegerField(default=0)
    first_reply_seconds = models.PositiveIntegerField(null=True, blank=True)
    next_reply_seconds = models.PositiveIntegerField(null=True, blank=True)
    resolution_seconds = models.PositiveIntegerField(null=True, blank=True)
    in_business_hours = models.BooleanField(default=True)
    warn_seconds = models.PositiveIntegerField(default=300)
    conditions = models.JSONField(default=dict)
    on_breach = models.JSONField(default=dict)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["workspace", "name"], condition=Q(is_active=True), name="sla_policy_name_once"
            )
        ]


class SlaClock(WorkspaceRow):
    """One promise about a conversation: `kind` is first_reply, next_reply or resolution.

    `state` is running, paused, met, missed or dropped (it is owed no more). `target` and `spent` are milliseconds, of
    business hours where `in_business_hours`; it has run since `since`. Of the conversation's present stay with people
    while `is_current`. `due_at` is when it is looked at next: to warn, or to say that it is too late (`breached_at`).
    """

    id = row_id("clock")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+")
    policy = models.ForeignKey(SlaPolicy, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12)
    state = models.CharField(max_length=8, default="running")
    target = models.BigIntegerField()
    in_business_hours = models.BooleanField(default=True)
    spent = models.BigIntegerField(default=0)
    since = models.DateTimeField(null=True, blank=True)
    is_current = models.BooleanField(default=True)
    due_at = models.DateTimeField(null=True, blank=True)
    warned_at = models.DateTimeField(null=True, blank=True)
    breached_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["conversation", "kind"], condition=Q(state__in=["running", "paused"]), name="sla_clock_one_runs"
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["due_at"], name="sla_clock_due", condition=Q(due_at__isnull=False))
        ]
