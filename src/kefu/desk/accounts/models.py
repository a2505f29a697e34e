"""Workspaces, the people in them, their keys, and the two logs: events for machines, audit for people."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from kefu.desk.actor import Role
from kefu.desk.rows import WorkspaceRow, now, row_id


class Workspace(models.Model):
    id = row_id("ws")
    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    sealed_key = models.BinaryField()
    default_language = models.CharField(max_length=12, default="en")
    settings = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=now, editable=False)


class UserManager(BaseUserManager):  # type: ignore[type-arg]
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """Somebody who can log in, by an address kept in lower case. What they may do is their membership's business."""

    id = row_id("user")
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    language = models.CharField(max_length=12, blank=True, default="")
    theme = models.CharField(max_length=8, blank=True, default="")
    created_at = models.DateTimeField(default=now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []


class Member(WorkspaceRow):
    id = row_id("mem")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=12, choices=[(role.value, role.value) for role in Role])
    is_active = models.BooleanField(default=True)
    wants_mail = models.BooleanField(default=True)
    # By what name the workspace's sign-on server knows the person; empty until they first came that way.
    sso_subject = models.CharField(max_length=255, blank=True, default="")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "user"], name="member_once_per_workspace"),
            models.UniqueConstraint(
                fields=["workspace", "sso_subject"],
                name="member_once_per_subject",
                condition=~models.Q(sso_subject=""),
            ),
        ]


class ApiKey(WorkspaceRow):
    id = row_id("key")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)


class Event(WorkspaceRow):
    """One change, written in the change's own transaction; ids grow, so a reader asks for what came after its last."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=40)
    row_id = models.CharField(max_length=32)
    conversation_id = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["workspace", "id"], name="event_workspace_id")]


class AuditEntry(WorkspaceRow):
    id = models.BigAutoField(primary_key=True)
    actor_kind = models.CharField(max_length=12)
    actor_id = models.CharField(max_length=64)
    action = models.CharField(max_length=60)
    row_id = models.CharField(max_length=64)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["workspace", "-id"], name="audit_workspace_newest")]


class LiveTicket(WorkspaceRow):
    """Opens one live socket for a member, once and within half a minute."""

    digest = models.CharField(max_length=64, primary_key=True)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()
    # The session that asked for it: the socket ends with it.
    sign_in = models.CharField(max_length=20, blank=True, default="")


class Notification(WorkspaceRow):
    """A mail to a member, about the row `about`. `state` is pending, sent, failed or dropped.

    The sealed mail is address, subject and text: an invitation's link opens an account.
    """

    id = row_id("note")
    about = models.CharField(max_length=32)
    sealed_mail = models.BinaryField()
    state = models.CharField(max_length=8, default="pending")
    due_at = models.DateTimeField(null=True, default=now)
    attempts = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["due_at"], name="notification_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["about"], name="notification_about"),
        ]


class BusinessHours(WorkspaceRow):
    """When a workspace's people work, in force from `since` until the next row's; what was counted before stays."""

    id = models.BigAutoField(primary_key=True)
    since = models.DateTimeField()
    hours = models.JSONField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace", "since"], name="business_hours_once")
        ]


class Team(WorkspaceRow):
    """People who deal with the same kind of conversations.

    `method` is how those who wait are offered: manual (to nobody), round_robin or least_busy. Its members need all of
    `skills`; customers in other than its `languages` (none: any) go elsewhere. Who is offered a conversation has
    `offer_seconds` to take it; after `escalate_seconds` of waiting (0: never) leads and supervisors are told. `hours`
    None: the workspace's.
    """

    id = row_id("team")
    name = models.CharField(max_length=100)
    method = models.CharField(max_length=12, default="manual")
    skills = models.JSONField(default=list)
    languages = models.JSONField(default=list)
    # A minute: who sits at the desk has seen it by then, and the customer has not left yet.
    offer_seconds = models.PositiveIntegerField(default=60)
    escalate_seconds = models.PositiveIntegerField(default=300)
    hours = models.JSONField(null=True, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["workspace", "name"], condition=models.Q(is_active=True), name="team_name_once"
            )
        ]


class TeamMember(WorkspaceRow):
    """Somebody in a team. `last_offer_at`: round-robin goes on with whom it was longest ago."""

    id = models.BigAutoField(primary_key=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+")
    is_lead = models.BooleanField(default=False)
    last_offer_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["team", "member"], name="team_member_once")]


class Staffing(WorkspaceRow):
    """What a member can do and whether they are there. Who has no row has the defaults.

    `availability` is what the member chose: online, busy or away. `seen_at` is when a window of theirs was last open.
    `conversation_limit` is how many conversations they are given at most (0: any number).
    """

    id = models.BigAutoField(primary_key=True)
    member = models.OneToOneField(Member, on_delete=models.CASCADE, related_name="+")
    skills = models.JSONField(default=list)
    languages = models.JSONField(default=list)
    # Five chats at once is what practised agents manage; whoever manages more is given more.
    conversation_limit = models.PositiveSmallIntegerField(default=5)
    availability = models.CharField(max_length=8, default="online")
    seen_at = models.DateTimeField(null=True, blank=True)


class SignOn(WorkspaceRow):
    """How a workspace's people come in with their company's account (OpenID Connect).

    `newcomer_role` empty: only who is a member already. `is_only_way`: passwords open the workspace to `break_glass`
    alone, an owner.
    """

    id = row_id("sso")
    issuer = models.CharField(max_length=300)
    client_id = models.CharField(max_length=300)
    sealed_secret = models.BinaryField()
    domains = models.JSONField(default=list)
    newcomer_role = models.CharField(max_length=12, blank=True, default="")
    trusts_unverified = models.BooleanField(default=False)
    is_on = models.BooleanField(default=False)
    is_only_way = models.BooleanField(default=False)
    break_glass = models.ForeignKey(Member, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["workspace"], name="sign_on_once_per_workspace")
        ]
