"""Who does something: a member, an API key, a visitor, or Kefu itself; always in one workspace."""

from dataclasses import dataclass
from enum import StrEnum

from kefu.kit.errors import NotAllowed


class Role(StrEnum):
    """What a member may do; each role may do what the ones after it may."""

    OWNER = "owner"
    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    AGENT = "agent"
    VIEWER = "viewer"


class Scope(StrEnum):
    """What an API key may do."""

    CONVERSATIONS = "conversations"
    CONTACTS = "contacts"
    KNOWLEDGE_READ = "knowledge:read"
    KNOWLEDGE_WRITE = "knowledge:write"
    INSIGHTS_READ = "insights:read"


_ORDER = list(Role)


@dataclass(frozen=True)
class Actor:
    """`kind` is member, key, visitor or system; `contact_id` and `channel_id` are a visitor's own."""

    workspace_id: str
    kind: str
    id: str
    role: Role | None = None
    scopes: frozenset[str] = frozenset()
    contact_id: str | None = None
    channel_id: str | None = None
    sign_in: str = ""  # the session that a member's socket belongs to

    def require_role(self, least: Role) -> None:
        """Let members of at least this role, and Kefu itself, pass.

        Raises NotAllowed.
        """
        if self.kind == "system":
            return
        if self.kind != "member" or self.role is None or _ORDER.index(self.role) > _ORDER.index(least):
            raise NotAllowed(f"This needs the role {least.value}.", role=least.value)

    def require(self, *, scope: Scope, role: Role, or_scope: Scope | None = None) -> None:
        """Let keys with the scope, or the other one, members of at least the role, and Kefu itself, pass.

        Raises NotAllowed.
        """
        if self.kind == "key":
            if scope not in self.scopes and or_scope not in self.scopes:
                raise NotAllowed(f"This API key lacks the scope {scope.value}.", scope=scope.value)
            return
        self.require_role(role)


def system(workspace_id: str, name: str = "kefu") -> Actor:
    """Kefu itself, at work in a workspace: the command line and dispatch."""
    return Actor(workspace_id=workspace_id, kind="system", id=name)
