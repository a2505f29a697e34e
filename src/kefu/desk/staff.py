"""People who come and go, over every app: who can no longer answer customers gives their conversations back."""

from django.db import transaction

from kefu.desk.accounts import actions as accounts
from kefu.desk.accounts.queries import MemberInfo
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox import actions as inbox


def change_member(
    actor: Actor, *, member_id: str, role: Role | None = None, is_active: bool | None = None
) -> MemberInfo:
    """Give a member another role, or end or restore the membership. Raises Conflict, NotFound, NotAllowed."""
    with transaction.atomic():
        changed = accounts.change_member(actor, member_id=member_id, role=role, is_active=is_active)
        if not changed.is_active or changed.role is Role.VIEWER:
            inbox.release(actor, member_id=member_id)
    return changed
