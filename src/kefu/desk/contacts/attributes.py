"""What a workspace keeps of its contacts: attributes with a kind, checked whoever sets them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.contacts.models import Attribute
from kefu.kit.errors import BadInput, NotFound

KINDS = ("text", "number", "date", "choice", "yes_no")
# Every contact has these without anybody defining them; a workspace may define them to keep them from the assistant.
COMMON = ("name", "email", "phone")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MOST = 50  # attributes of a workspace, and choices of one
_TEXT = 500
_YES, _NO = frozenset({"true", "yes", "1", "y", "是"}), frozenset({"false", "no", "0", "n", "否"})


@dataclass(frozen=True)
class AttributeInfo:
    """`is_told`: the assistant may know and use it."""

    id: str
    key: str
    title: str
    kind: str
    choices: tuple[str, ...]
    is_told: bool


def attributes(actor: Actor) -> list[AttributeInfo]:
    """Those that the workspace has defined, by title. Raises NotAllowed."""
    actor.require(scope=Scope.CONTACTS, or_scope=Scope.CONVERSATIONS, role=Role.AGENT)
    return defined(actor.workspace_id)


def defined(workspace_id: str) -> list[AttributeInfo]:
    return [_info(row) for row in Attribute.objects.of(workspace_id).order_by("title", "key")]


def define(
    actor: Actor,
    *,
    key: str,
    title: str = "",
    kind: str = "text",
    choices: list[str] | None = None,
    is_told: bool = False,
) -> AttributeInfo:
    """Define an attribute, or define it anew; what contacts have already stays as it is.

    Raises BadInput that names the field, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    wanted = [each.strip() for each in choices or [] if each.strip()]
    _check(key, title, kind, wanted)
    with transaction.atomic():
        row = Attribute.objects.of(actor.workspace_id).filter(key=key).first()
        if row is None and Attribute.objects.of(actor.workspace_id).count() >= _MOST:
            raise BadInput(f"A workspace has at most {_MOST} attributes.", field="key")
        before = _kept(row) if row else None
        row = row or Attribute(workspace_id=actor.workspace_id, key=key)
        row.title, row.kind, row.choices, row.is_told = title.strip() or key, kind, wanted, is_told
        row.save()
        announce(actor.workspace_id, "contact.attributes", row.id)
        audit(actor, "attribute.defined", row.id, before=before, after=_kept(row))
    return _info(row)


def remove_attribute(actor: Actor, *, key: str) -> None:
    """Define an attribute no more; its values stay with the contacts, as plain texts. Raises NotFound, NotAllowed."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = Attribute.objects.of(actor.workspace_id).filter(key=key).first()
        if row is None:
            raise NotFound("There is no such attribute.", attribute=key)
        before, row_id = _kept(row), row.id
        row.delete()
        announce(actor.workspace_id, "contact.attributes", row_id)
        audit(actor, "attribute.removed", row_id, before=before)


def checked(workspace_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as their attributes' kinds want them; what is not defined, and None, as it came.

    Raises BadInput that names the attribute.
    """
    known = {each.key: each for each in defined(workspace_id)} if values else {}
    return {
        name: value if value is None or name not in known else read(known[name], value)
        for name, value in values.items()
    }


def read(attribute: AttributeInfo, value: Any) -> Any:
    """A value of an attribute's kind, from what a form, a file or a program gives. Raises BadInput."""
    text = str(value).strip()
    try:
        return _READERS[attribute.kind](attribute, value, text)
    except ValueError:
        wanted = {
            "number": "a number such as 12.5",
            "date": "a date such as 2026-03-01",
            "choice": f"one of {', '.join(attribute.choices)}",
            "yes_no": "yes or no",
            "text": f"a text of at most {_TEXT} characters",
        }[attribute.kind]
        raise BadInput(f"{attribute.title} is {wanted}, not {text[:80]!r}.", field=attribute.key) from None


def told(workspace_id: str, profile: Mapping[str, Any]) -> dict[str, Any]:
    """Of a profile what the assistant may know: all but what the workspace has defined and keeps from it."""
    if not profile:
        return {}
    kept_back = set(
        Attribute.objects.of(workspace_id).filter(key__in=list(profile), is_told=False).values_list("key", flat=True)
    )
    return {name: value for name, value in profile.items() if name not in kept_back}


def _number(attribute: AttributeInfo, value: Any, text: str) -> float | int:
    number = float(text.replace(",", ""))
    if not abs(number) <= 1e15:  # nor not-a-number
        raise ValueError
    return int(number) if number.is_integer() else number


def _choice(attribute: AttributeInfo, value: Any, text: str) -> str:
    return {each.lower(): each for each in attribute.choices}.get(text.lower()) or _no(text)


def _no(text: str) -> str:
    raise ValueError(text)


def _yes_no(attribute: AttributeInfo, value: Any, text: str) -> bool:
    if isinstance(value, bool) or text.lower() in _YES | _NO:
        return value if isinstance(value, bool) else text.lower() in _YES
    raise ValueError(text)


def _text(attribute: AttributeInfo, value: Any, text: str) -> str:
    return text if len(text) <= _TEXT else _no(text)


_READERS = {
    "text": _text,
    "number": _number,
    "date": lambda attribute, value, text: date.fromisoformat(text).isoformat(),
    "choice": _choice,
    "yes_no": _yes_no,
}


def _check(key: str, title: str, kind: str, choices: list[str]) -> None:
    if not _KEY.fullmatch(key):
        raise BadInput("A key has small letters, digits and _, and begins with a letter.", field="key")
    if len(title) > 100:
        raise BadInput("A title has at most 100 characters.", field="title")
    if kind not in KINDS:
        raise BadInput(f"A kind is {', '.join(KINDS)}, not {kind!r}.", field="kind")
    if (kind == "choice") != bool(choices) or len(choices) > _MOST or any(len(each) > 100 for each in choices):
        raise BadInput(
            f"A choice has 1 to {_MOST} choices of at most 100 characters, other kinds none.", field="choices"
        )


def _kept(row: Attribute) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("key", "title", "kind", "choices", "is_told")}


def _info(row: Attribute) -> AttributeInfo:
    return AttributeInfo(row.id, row.key, row.title, row.kind, tuple(row.choices), row.is_told)
