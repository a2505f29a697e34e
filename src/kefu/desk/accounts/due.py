"""What dispatch runs: sending members' mail, and forgetting what has passed. All safe to run twice."""

import base64
import json
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any
from urllib.parse import unquote, urlsplit

from django.contrib.sessions.models import Session
from django.db import OperationalError, connection, transaction

from kefu.desk.accounts.actions import forget_events
from kefu.desk.accounts.models import LiveTicket, Notification
from kefu.desk.accounts.queries import workspace_key
from kefu.desk.crypto import unseal
from kefu.desk.rows import now
from kefu.desk.statements import execute
from kefu.kit.log import Log
from kefu.kit.settings import settings

_LEASE = timedelta(minutes=2)  # longer than a mail server may take for one mail
_TIMEOUT = 30.0  # seconds for each answer of the mail server
_ATTEMPTS = 6  # at 1, 2, 4, 8, 16 minutes: a mail server that is away for half an hour loses nothing
_FIRST_WAIT = timedelta(minutes=1)
_EVENTS_KEPT = timedelta(days=7)  # no reader is away for so long without reading everything again
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}

_log = Log(__name__)


def send_mail(*, limit: int = 20) -> int:
    """Send the mails that are due; gives how many went. Those that fail are due again later, up to six times.

    Each is claimed by moving its due time, so another process leaves it alone, and one that dies is followed by
    another. A process that dies between sending and storing sends a mail twice.
    """
    claimed = _claim(limit)
    if not claimed:
        return 0
    sent = 0
    try:
        with _server() as server:
            for row in claimed:
                sent += _sent(row, server)
    except (OSError, smtplib.SMTPException) as error:
        _log.warning("mail_server_failed", error=type(error).__name__)
        for row in claimed:
            if row.state == "pending":
                _again(row, type(error).__name__)
    return sent


def forget_old() -> None:
    """Drop sessions and tickets that have ended, and events that nobody reads any more."""
    at = now()
    Session.objects.filter(expire_date__lt=at).delete()
    LiveTicket.objects.across_workspaces("housekeeping of the installation").filter(expires_at__lt=at).delete()
    forget_events(before=at - _EVENTS_KEPT)
    if connection.vendor == "sqlite":
        _count_values()


def _count_values() -> None:
    """Let SQLite's planner know how many rows a value has. PostgreSQL sees to it by itself.

    In a transaction of its own, which waits for other writers: begun by a read, it could not become one that writes.
    """
    try:
        with transaction.atomic():
            execute(
                "PRAGMA analysis_limit = 400", []
            )  # rows of an index, SQLite's own advice: milliseconds at any size
            execute("PRAGMA optimize", [])
    except OperationalError as error:  # somebody writes for longer than we wait; what the planner knows is good enough
        _log.warning("planner_not_told", error=type(error).__name__)


def _claim(limit: int) -> list[Notification]:
    at = now()
    with transaction.atomic():
        everywhere = Notification.objects.across_workspaces("dispatch works for all")
        due = everywhere.select_for_update(skip_locked=True).filter(due_at__lte=at).order_by("due_at")
        rows = list(due[:limit])
        for row in rows:
            row.due_at, row.attempts = at + _LEASE, row.attempts + 1
            row.save(update_fields=["due_at", "attempts"])
    return rows


def _sent(row: Notification, server: smtplib.SMTP) -> int:
    try:
        server.send_message(_message(row))
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        _again(row, type(error).__name__)
        return 0
    row.state, row.due_at = "sent", None
    row.save(update_fields=["state", "due_at"])
    return 1


def _again(row: Notification, reason: str) -> None:
    row.reason = reason
    if row.attempts >= _ATTEMPTS:
        row.state, row.due_at = "failed", None
        _log.warning("mail_failed", notification=row.id, workspace=row.workspace_id, reason=reason)
    else:
        row.due_at = now() + _FIRST_WAIT * 2 ** (row.attempts - 1)
    row.save(update_fields=["state", "due_at", "reason"])


def _message(row: Notification) -> EmailMessage:
    key = workspace_key(row.workspace_id)
    mail: dict[str, Any] = json.loads(unseal(key, row.sealed_mail, about=row.about))
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings().mail_from, mail["to"], mail["subject"]
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(idstring=row.id, domain=settings().mail_from.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office reply comes back
    message.set_content(mail["text"])
    if mail.get("html"):
        message.add_alternative(mail["html"], subtype="html")
    for file in mail.get("files", ()):
        kind, _, subkind = file["media_type"].partition("/")
        data = base64.b64decode(file["base64"])
        message.add_attachment(data, maintype=kind, subtype=subkind, filename=file["name"])
    return message


@contextmanager
def _server() -> Iterator[smtplib.SMTP]:
    """A session with the mail server of the settings, logged in if they hold a user."""
    url = urlsplit(settings().smtp_url)
    host, port = url.hostname or "localhost", url.port or _PORTS[url.scheme]
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(host, port, timeout=_TIMEOUT)
    with server:
        if url.scheme == "smtp+starttls":
            server.starttls(context=ssl.create_default_context())
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        yield server
