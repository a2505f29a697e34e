"""Whom we call: one mailbox by IMAP and SMTP. Blocking; every call is made in a thread.

A host is resolved once, its addresses are checked, and the connection goes to the one that was checked.
"""

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from kefu.contracts.channel import NotKnown, RefusedForEver, SendResult, Sent, TryLater
from kefu.kit.errors import Unavailable
from kefu.kit.settings import settings
from kefu.knowledge.guarded_http import AddressRefused, check_addresses

_SECONDS = 30.0
_PORTS = {"tls": (993, 465), "starttls": (143, 587), "none": (143, 25)}
# What these ports speak by convention, whichever of the two is chosen: many providers have IMAP at 993 and SMTP at 587.
_SPOKEN = {993: "tls", 465: "tls", 143: "starttls", 587: "starttls"}
# Lines end as SMTP wants it; an id that is cut into two lines is not found again by every program.
_WIRE = policy.SMTP.clone(max_line_length=998)
# Mails fetched at a time: what one answer of a server holds in memory.
_AT_ONCE = 10


@dataclass(frozen=True)
class Mailbox:
    """Where a mailbox is and how to enter it."""

    user: str
    imap: str
    smtp: str
    security: str
    folder: str
    allow_private: bool
    password: str = field(repr=False)


@dataclass(frozen=True)
class Fetched:
    """A mail with its number in the folder; `raw` is None for one that is too large."""

    uid: int
    raw: bytes | None


class Folder:
    """The watched folder on an open connection."""

    def __init__(self, client: IMAPClient, validity: int, next_uid: int) -> None:
        self._client = client
        self.validity = validity
        self.next_uid = next_uid

    def after(self, uid: int) -> list[Fetched]:
        """Mails that came after the one of this number, oldest first."""
        # "n:*" names the last mail even where its number is below n.
        numbers = sorted(each for each in self._client.search(["UID", f"{uid + 1}:*"]) if each > uid)[:_AT_ONCE]
        if not numbers:
            return []
        most = settings().attachment_megabytes * 2**20 * 4 // 3 + 2**20
        sizes = {each: data[b"RFC822.SIZE"] for each, data in self._client.fetch(numbers, ["RFC822.SIZE"]).items()}
        small = [each for each in numbers if sizes.get(each, 0) <= most]
        bodies = self._client.fetch(small, ["BODY.PEEK[]"]) if small else {}
        return [Fetched(each, bodies.get(each, {}).get(b"BODY[]")) for each in numbers]

    def mark_seen(self, uids: list[int]) -> None:
        self._client.add_flags(uids, [b"\\Seen"])

    def wait(self, seconds: float) -> None:
        """Until something happens in the folder, or the time is over."""
        if self._client.has_capability("IDLE"):
            self._client.idle()
            try:
                self._client.idle_check(timeout=seconds)
            finally:
                self._client.idle_done()
        else:
            self._client.noop()


@contextmanager
def open_folder(box: Mailbox) -> Iterator[Folder]:
    """Raises Unavailable with what the server said."""
    host, port = _place(box.imap, _PORTS[box.security][0])
    address = _checked(host, port, box.allow_private)
    try:
        client = IMAPClient(
            address,
            port=port,
            ssl=encryption(box, port) == "tls",
            ssl_context=_Context(host),
            timeout=_SECONDS,
            use_uid=True,
        )
    except (OSError, IMAPClientError) as error:
        raise Unavailable(f"The IMAP server {host}:{port} does not answer: {_reason(error)}.", field="imap") from error
    try:
        if encryption(box, port) == "starttls":
            client.starttls(_Context(host))
        _log_in(client, box)
        selected = _select(client, box)
        yield Folder(client, int(selected[b"UIDVALIDITY"]), int(selected.get(b"UIDNEXT", 1)))
    except (OSError, IMAPClientError) as error:
        raise Unavailable(f"The IMAP server {host}:{port}: {_reason(error)}.", field="imap") from error
    finally:
        with contextlib.suppress(OSError, IMAPClientError):
            client.logout()


def encryption(box: Mailbox, port: int) -> str:
    """How a connection to this port is encrypted: as the mailbox says, unless the port is known for the other way."""
    return box.security if box.security == "none" else _SPOKEN.get(port, box.security)


def _select(client: IMAPClient, box: Mailbox) -> Any:
    try:
        return client.select_folder(box.folder)
    except IMAPClientError as error:
        raise Unavailable(f"The mailbox has no folder {box.folder!r}: {_reason(error)}.", field="folder") from error


def _log_in(client: IMAPClient, box: Mailbox) -> None:
    try:
        client.login(box.user, box.password)
    except IMAPClientError as error:
        raise Unavailable("The mailbox does not take this user and password.", field="password") from error


def send_mail(box: Mailbox, sender: str, receiver: str, mail: EmailMessage) -> SendResult:
    """Send one mail; honest about whether one that failed may have arrived."""
    try:
        with open_smtp(box) as server:
            return _handed_over(server, sender, receiver, mail)
    except Unavailable as error:
        return TryLater(error.sentence)


@contextmanager
def open_smtp(box: Mailbox) -> Iterator[smtplib.SMTP]:
    """A server that knows us. Raises Unavailable with what it said."""
    host, port = _place(box.smtp, _PORTS[box.security][1])
    address = _checked(host, port, box.allow_private)
    try:
        server = _connected(box, address, host, port)
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(f"The SMTP server {host}:{port} does not answer: {_reason(error)}.", field="smtp") from error
    try:
        _prove(server, box, f"{host}:{port}")
        yield server
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()


def _prove(server: smtplib.SMTP, box: Mailbox, name: str) -> None:
    """Log in, where the server wants that."""
    try:
        if server.has_extn("auth"):
            server.login(box.user, box.password)
    except smtplib.SMTPAuthenticationError as error:
        raise Unavailable("The SMTP server does not take this user and password.", field="password") from error
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(f"The SMTP server {name} broke off: {_reason(error)}.", field="smtp") from error


def _connected(box: Mailbox, address: str, host: str, port: int) -> smtplib.SMTP:
    if encryption(box, port) == "tls":
        context: Any = _Context(host)
        server: smtplib.SMTP = smtplib.SMTP_SSL(address, port, timeout=_SECONDS, context=context)
    else:
        server = smtplib.SMTP(address, port, timeout=_SECONDS)
    server.ehlo()
    if encryption(box, port) == "starttls":
        server.starttls(context=_Context(host))  # type: ignore[call-overload]
        server.ehlo()
    return server


def _handed_over(server: smtplib.SMTP, sender: str, receiver: str, mail: EmailMessage) -> SendResult:
    """The steps of a delivery one by one: until the data are sent, nothing has arrived."""
    options = ["SMTPUTF8"] if server.has_extn("smtputf8") and not (sender + receiver).isascii() else []
    try:
        for code, said in (server.mail(sender, options), server.rcpt(receiver)):
            if code >= 400:
                return _refused(code, said)
    except (OSError, smtplib.SMTPException) as error:
        return TryLater(f"The SMTP server broke off: {_reason(error)}.")
    try:
        code, said = server.data(mail.as_bytes(policy=_WIRE))
    except (OSError, smtplib.SMTPException) as error:
        return NotKnown(f"The SMTP server broke off in the middle of the mail: {_reason(error)}.")
    return Sent(str(mail["Message-ID"])) if code < 400 else _refused(code, said)


def _refused(code: int, said: bytes) -> SendResult:
    words = f"{code} {said.decode('utf-8', 'replace')[:200]}"
    return RefusedForEver(words) if code >= 500 else TryLater(words)


class _Context:
    """TLS to an address that was checked, with the certificate of the name that it was found by."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._context = ssl.create_default_context()

    def wrap_socket(self, sock: socket.socket, *, server_hostname: str | None = None, **options: Any) -> ssl.SSLSocket:
        return self._context.wrap_socket(sock, server_hostname=self._host, **options)


def _place(given: str, default: int) -> tuple[str, int]:
    host, _, port = given.partition(":")
    return host, int(port) if port else default


def _checked(host: str, port: int, allow_private: bool) -> str:
    """An address of the host that may be connected to. Raises Unavailable."""
    try:
        found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        check_addresses(host, found, allow_private=allow_private)
    except AddressRefused as error:
        raise Unavailable(error.sentence) from error
    except OSError as error:
        raise Unavailable(f"The host {host} is not found.") from error
    return found[0]


def _reason(error: Exception) -> str:
    said = error.args[-1] if error.args else ""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return words.strip()[:200].rstrip(".") or type(error).__name__
