"""Writes of canned replies, and their filling in for one conversation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from kefu.brain.flow.templates import render, text_template
from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.queries import member_names, workspace
from kefu.desk.actor import Actor, Role
from kefu.desk.contacts.queries import contact
from kefu.desk.inbox.actions.privacy import mask_found
from kefu.desk.inbox.models import CannedReply, Conversation
from kefu.desk.inbox.queries import get
from kefu.desk.inbox.queries.canned import CannedInfo, canned_info, canned_row
from kefu.kit.errors import BadInput, Conflict

LONGEST = 4_000  # characters, as of what a template comes to
VARIABLES = ("contact", "member", "workspace", "channel", "conversation")
_SHORTCUT = re.compile(r"[^\s/]{1,40}")
_LANGUAGE = re.compile(r"(?:[a-z]{2,3}(?:-[A-Za-z]{2,4})?)?")
_PLAIN = re.compile(r"\{\{\s*((?:" + "|".join(VARIABLES) + r")\.[A-Za-z_]\w*)\s*\}\}")
_CONTACTS = re.compile(r"\bcontact\.([A-Za-z_]\w*)")
# What a profile's fields hold whole; in others personal data are looked for.
_FAMILIES = {"name": "NAME", "email": "EMAIL", "phone": "PHONE"}
_SHORTEST_NAME = 2  # characters: a single one would be masked wherever it stands


@dataclass(frozen=True)
class Filled:
    """A canned reply for one conversation. `missing`: what has no value here and stands in the text as it was."""

    text: str
    missing: tuple[str, ...]


def add_canned(actor: Actor, *, shortcut: str, text: str, language: str = "", is_shared: bool = False) -> CannedInfo:
    """Keep a reply under a shortcut, for oneself or for everybody.

    Raises BadInput for a shortcut or text that cannot be used, Conflict for a shortcut that there is, NotAllowed.
    """
    actor.require_role(Role.SUPERVISOR if is_shared else Role.AGENT)
    row = CannedReply(workspace_id=actor.workspace_id, member_id="" if is_shared else actor.id)
    row.shortcut, row.text, row.language = _shortcut(shortcut), _text(text), _language(language)
    _stored(actor, row, "canned.created")
    return canned_info(row)


def change_canned(
    actor: Actor,
    *,
    canned_id: str,
    shortcut: str | None = None,
    text: str | None = None,
    language: str | None = None,
) -> CannedInfo:
    """Change what is given of a canned reply. Raises BadInput, Conflict, NotFound, NotAllowed."""
    row = _own(actor, canned_id)
    row.shortcut = row.shortcut if shortcut is None else _shortcut(shortcut)
    row.text = row.text if text is None else _text(text)
    row.language = row.language if language is None else _language(language)
    _stored(actor, row, "canned.updated")
    return canned_info(row)


def remove_canned(actor: Actor, *, canned_id: str) -> None:
    """Raises NotFound, NotAllowed."""
    row = _own(actor, canned_id)
    with transaction.atomic():
        announce(actor.workspace_id, "canned.removed", row.id)
        if not row.member_id:
            audit(actor, "canned.removed", row.id, before={"shortcut": row.shortcut, "text": row.text})
        row.delete()


def fill_canned(actor: Actor, *, canned_id: str, conversation_id: str) -> Filled:
    """A canned reply with the values of a conversation, as the member would say it.

    What it tells of the contact becomes placeholders of the conversation, so that it is masked once it is said. Raises
    NotFound, NotAllowed.
    """
    actor.require_role(Role.AGENT)
    row = canned_row(actor, canned_id)
    thread = get(actor, conversation_id)
    values = _values(actor, thread)
    told = {name: values["contact"][name] for name in _CONTACTS.findall(row.text) if values["contact"].get(name)}
    told = {name: each for name, each in told.items() if len(str(each)) >= _SHORTEST_NAME}
    if told:
        kinds = {name: family for name, family in _FAMILIES.items() if name in told}
        mask_found(actor, conversation_id=thread.id, values=told, kinds=kinds)
    missing = [path for path in dict.fromkeys(_PLAIN.findall(row.text)) if _value(values, path) in (None, "")]
    source = _PLAIN.sub(lambda found: _kept(found[1]) if found[1] in missing else found[0], row.text)
    return Filled(render(source, values), tuple(missing))


def _values(actor: Actor, thread: Conversation) -> dict[str, Any]:
    person = contact(actor, thread.contact_id)
    return {
        "contact": dict(person.profile),
        "member": {"name": member_names(actor.workspace_id, {actor.id}).get(actor.id, "")},
        "workspace": {"title": workspace(actor.workspace_id).title},
        "channel": {"name": thread.channel.name},
        "conversation": {"id": thread.id, "language": thread.language},
        "language": thread.language,
    }


def _value(values: Mapping[str, Any], path: str) -> Any:
    first, _, second = path.partition(".")
    return values[first].get(second)


def _kept(path: str) -> str:
    """A template of the variable itself, so that it stands in the text for the member to fill in."""
    return "{{ '{{" + path + "}}' }}"


def _own(actor: Actor, canned_id: str) -> CannedReply:
    actor.require_role(Role.AGENT)
    row = canned_row(actor, canned_id)
    if not row.member_id:
        actor.require_role(Role.SUPERVISOR)
    return row


def _stored(actor: Actor, row: CannedReply, kind: str) -> None:
    try:
        with transaction.atomic():
            row.save()
            announce(actor.workspace_id, kind, row.id)
            if not row.member_id:
                audit(actor, kind, row.id, after={"shortcut": row.shortcut, "text": row.text})
    except IntegrityError:
        raise Conflict(f"There is a canned reply /{row.shortcut} already.", field="shortcut") from None


def _shortcut(shortcut: str) -> str:
    shortcut = shortcut.strip().removeprefix("/")
    if not _SHORTCUT.fullmatch(shortcut):
        raise BadInput("A shortcut has 1 to 40 characters, without spaces and slashes.", field="shortcut")
    return shortcut


def _text(text: str) -> str:
    if not 0 < len(text.strip()) <= LONGEST:
        raise BadInput(f"A canned reply has 1 to {LONGEST:,} characters.", field="text")
    try:
        unknown = text_template(text).names - {*VARIABLES, "language"}
    except BadInput as error:
        raise BadInput(error.sentence, field="text") from None
    if unknown:
        raise BadInput(
            f"There is no {', '.join(sorted(unknown))}; a reply may name {', '.join(VARIABLES)}.", field="text"
        )
    return text.strip()


def _language(language: str) -> str:
    if not _LANGUAGE.fullmatch(language):
        raise BadInput(f"A language is a code such as en or zh, not {language!r}.", field="language")
    return language
