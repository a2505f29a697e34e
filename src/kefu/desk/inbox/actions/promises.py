"""What a company promises: how soon it answers and solves, for which conversations, what follows when it is late."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.actions.routes import check_channels, check_teams
from kefu.desk.inbox.models import SlaPolicy
from kefu.desk.inbox.queries.promises import PolicyInfo, policy_info, policy_row
from kefu.desk.inbox.routing import PRIORITIES
from kefu.kit.errors import BadInput, Conflict

_LONGEST = 366 * 24 * 3600  # seconds: whoever promises more than a year promises nothing
_PROMISED = ("first_reply_seconds", "next_reply_seconds", "resolution_seconds")
_CONDITIONS = ("channels", "teams", "labels", "priorities")


def create_policy(actor: Actor, *, name: str, **given: Any) -> PolicyInfo:
    """Promise something; `given` as in `change_policy`. Raises BadInput, Conflict for a taken name, NotAllowed."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = SlaPolicy(workspace_id=actor.workspace_id, name=_name(name))
        _change(actor, row, given)
        _store(row, force_insert=True)
        announce(actor.workspace_id, "sla.created", row.id)
        audit(actor, "sla.created", row.id, after=_shown(row))
    return policy_info(row)


def change_policy(actor: Actor, *, policy_id: str, **given: Any) -> PolicyInfo:
    """Change what is given: name, place, the three times in seconds, in_business_hours, warn_seconds, conditions,
    on_breach. Clocks that run keep what they were promised.

    Raises BadInput that names the field, Conflict for a name that is taken, NotFound, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = policy_row(actor.workspace_id, policy_id)
        before = _shown(row)
        _change(actor, row, given)
        _store(row)
        announce(actor.workspace_id, "sla.updated", row.id)
        audit(actor, "sla.updated", row.id, before=before, after=_shown(row))
    return policy_info(row)


def remove_policy(actor: Actor, *, policy_id: str) -> None:
    """Promise it no more. What runs goes on: it was promised. Raises NotFound, NotAllowed."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = policy_row(actor.workspace_id, policy_id)
        row.is_active = False
        row.save(update_fields=["is_active"])
        announce(actor.workspace_id, "sla.removed", row.id)
        audit(actor, "sla.removed", row.id, before=_shown(row))


def _change(actor: Actor, row: SlaPolicy, given: dict[str, Any]) -> None:
    readers: dict[str, Callable[[Any], Any]] = {
        "name": _name,
        "place": lambda value: _seconds(value, "place", most=30_000),
        **{field: partial(_promised, field=field) for field in _PROMISED},
        "in_business_hours": bool,
        "warn_seconds": lambda value: _seconds(value, "warn_seconds"),
        "conditions": lambda value: _conditions(actor, value or {}),
        "on_breach": lambda value: _on_breach(actor, value or {}),
    }
    unknown = sorted(set(given) - set(readers))
    if unknown:
        raise BadInput(f"A promise has {', '.join(readers)}; not {', '.join(unknown)}.", field=unknown[0])
    for name, value in given.items():
        setattr(row, name, readers[name](value))
    if not any(getattr(row, field) for field in _PROMISED):
        raise BadInput("Promise a first reply, a next reply or a resolution, in seconds.", field=_PROMISED[0])


def _conditions(actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - {*_CONDITIONS, "contact"})
    if unknown:
        raise BadInput(
            f"Conditions are {', '.join(_CONDITIONS)} and contact; not {unknown[0]!r}.",
            field=f"conditions.{unknown[0]}",
        )
    kept: dict[str, Any] = {name: [str(each) for each in given.get(name) or []] for name in _CONDITIONS}
    wrong = sorted(set(kept["priorities"]) - set(PRIORITIES))
    if wrong:
        raise BadInput(
            f"A priority is one of {', '.join(PRIORITIES)}, not {wrong[0]!r}.", field="conditions.priorities"
        )
    check_channels(actor, kept["channels"], "conditions.channels")
    check_teams(actor, kept["teams"], "conditions.teams")
    kept["contact"] = {str(name): value for name, value in (given.get("contact") or {}).items()}
    return {name: value for name, value in kept.items() if value}


def _on_breach(actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - {"team", "priority", "mail"})
    if unknown:
        raise BadInput(f"When it is late: team, priority or mail; not {unknown[0]!r}.", field=f"on_breach.{unknown[0]}")
    kept: dict[str, Any] = {}
    if team := given.get("team"):
        check_teams(actor, [str(team)], "on_breach.team")
        kept["team"] = str(team)
    if priority := given.get("priority"):
        if priority not in PRIORITIES:
            raise BadInput(
                f"A priority is one of {', '.join(PRIORITIES)}, not {priority!r}.", field="on_breach.priority"
            )
        kept["priority"] = priority
    if given.get("mail"):
        kept["mail"] = True
    return kept


def _store(row: SlaPolicy, **how: bool) -> None:
    try:
        with transaction.atomic():
            row.save(**how)
    except IntegrityError:
        raise Conflict(f"There is a promise {row.name!r} already.", name=row.name) from None


def _shown(row: SlaPolicy) -> dict[str, Any]:
    return {name: value for name, value in vars(policy_info(row)).items() if name != "id"}


def _name(name: str) -> str:
    if not 0 < len(name.strip()) <= 100:
        raise BadInput("A promise's name has 1 to 100 characters.", field="name")
    return name.strip()


def _promised(value: int | None, *, field: str) -> int | None:
    return None if value is None else _seconds(value, field, least=1)


def _seconds(value: int, field: str, *, least: int = 0, most: int = _LONGEST) -> int:
    if type(value) is not int or not least <= value <= most:
        raise BadInput(f"{field} is a number from {least} to {most:,}, not {value!r}.", field=field)
    return value
