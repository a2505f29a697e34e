"""A real mail server for tests: Dovecot keeps the mailboxes, aiosmtpd takes mails and hands them over by LMTP."""

import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from imapclient import IMAPClient

from ..ports import free_port

PASSWORD = "seven-slow-mails"
DOVECOT = shutil.which("dovecot") or "/usr/sbin/dovecot"
_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%n
mail_uid = {user}
mail_gid = {group}
auth_username_format = %n
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%n allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
"""


@dataclass
class MailServer:
    """Every address of shop.example and customers.example has a mailbox."""

    imap: int
    smtp: int
    lmtp: int
    taken: list[EmailMessage] = field(default_factory=list)
    refuse: str = ""  # what the SMTP server says to the next receiver

    def values(self, **changed: str) -> dict[str, str]:
        """The mail channel's form for help@shop.example."""
        own = {"address": "help@shop.example", "name": "Lamp Shop", "password": PASSWORD, "security": "none"}
        return {**own, "imap": f"127.0.0.1:{self.imap}", "smtp": f"127.0.0.1:{self.smtp}", **changed}

    def deliver(self, mail: EmailMessage | bytes, to: str = "help@shop.example", sender: str = "") -> None:
        """Put a mail into a mailbox, as the world does."""
        raw = mail if isinstance(mail, bytes) else mail.as_bytes()
        with smtplib.LMTP("127.0.0.1", self.lmtp) as server:
            server.sendmail(sender or "anna@customers.example", [to], raw)

    def flags(self, user: str = "help") -> list[set[bytes]]:
        """The flags of each mail in a mailbox."""
        with IMAPClient("127.0.0.1", self.imap, ssl=False) as client:
            client.login(user, PASSWORD)
            client.select_folder("INBOX", readonly=True)
            return [set(each[b"FLAGS"]) for each in client.fetch(client.search(), ["FLAGS"]).values()]


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """One on free ports, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kefu-mail-") as folder:
        made = MailServer(free_port(), free_port(), free_port())
        process = _dovecot(Path(folder), made)
        controller = Controller(
            _Taker(made),
            hostname="127.0.0.1",
            port=made.smtp,
            authenticator=_authenticated,
            auth_require_tls=False,
            enable_SMTPUTF8=True,
        )
        controller.start()
        try:
            yield made
        finally:
            controller.stop()
            process.terminate()
            process.wait(10)


class _Taker:
    """Keeps what is sent and delivers it, so that it can be read by IMAP as well."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self._server.refuse:
            said, self._server.refuse = self._server.refuse, ""
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        from email import message_from_bytes, policy

        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self._server.taken.append(mail)
        return "250 OK"


def _authenticated(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    known = isinstance(data, LoginPassword) and data.password.decode() == PASSWORD
    return AuthResult(success=known, handled=False)


def _dovecot(folder: Path, server: MailServer) -> "subprocess.Popen[bytes]":
    for name in ("run", "state", "mail"):
        (folder / name).mkdir()
    os.chmod(folder, 0o755)
    os.chmod(folder / "mail", 0o777)
    text = _CONFIG.format(
        folder=folder, user="mail", group="mail", password=PASSWORD, imap=server.imap, lmtp=server.lmtp
    )
    (folder / "dovecot.conf").write_text(text)
    process = subprocess.Popen([DOVECOT, "-F", "-c", str(folder / "dovecot.conf")], stderr=subprocess.PIPE)
    for port in (server.imap, server.lmtp):
        _wait_for(port, process, folder / "log")
    return process


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    import time

    until = time.monotonic() + 90
    while time.monotonic() < until:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, log.read_text() if log.exists() else process.stderr and process.stderr.read()
        time.sleep(0.05)
    raise AssertionError(f"Dovecot does not listen: {log.read_text() if log.exists() else ''}")
