"""The mail channel: a mailbox that is watched, and answers in the thread that they belong to."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import partial
from typing import Any

from kefu.channels.mail.client import Fetched, Folder, Mailbox, open_folder, open_smtp, send_mail
from kefu.channels.mail.reading import read_mail
from kefu.channels.wording import with_choices, with_sources
from kefu.contracts.channel import (
    Check,
    Incoming,
    Media,
    Outgoing,
    Parsed,
    Polled,
    Reason,
    RefusedForEver,
    Request,
    RequestRefused,
    SendResult,
    Setup,
)
from kefu.kit.errors import Unavailable

# Shorter than the lease that a watched channel is held with, and than the 29 minutes after which IDLE ends (RFC 2177).
_WAIT_SECONDS = 25.0
_YEAR = 365 * 24 * 3600.0
# Answers of the assistant to one sender within an hour. Nobody writes and reads so many mails; two machines do.
_MOST_ANSWERS = 12
_HOUR = 3600.0
# How a check went: of the mailbox, and of the server that sends.
_ENTERED = {
    "imap": {"en": "The mailbox can be read.", "zh": "可以读取邮箱。"},
    "smtp": {"en": "The SMTP server takes this user's mails.", "zh": "SMTP 服务器接受该用户发信。"},
}
_CHINESE = {
    ("imap", "password"): "邮箱不接受该用户名和密码。",
    ("smtp", "password"): "SMTP 服务器不接受该用户名和密码。",
    ("imap", "folder"): "邮箱中没有该邮件夹：{said}",
    ("imap", "imap"): "无法使用 IMAP 邮箱：{said}",
    ("smtp", "smtp"): "无法使用 SMTP 服务器：{said}",
}
_RE = re.compile(r"^(?:re|aw|sv|回复|答复)\s*[:：]", re.IGNORECASE)


@dataclass(frozen=True)
class _Mark:
    """Up to which mail the folder was read; numbers mean nothing once the folder's validity has changed."""

    validity: int
    uid: int

    @classmethod
    def of(cls, written: str | None) -> "_Mark | None":
        if not written:
            return None
        validity, _, uid = written.partition(":")
        return cls(int(validity), int(uid))

    def __str__(self) -> str:
        return f"{self.validity}:{self.uid}"


class MailChannel:
    """One mailbox."""

    def __init__(self, setup: Setup) -> None:
        values = {key: str(value) for key, value in setup.values.items()}
        self._address = values["address"]
        self._name = values.get("name", "")
        self._memory = setup.memory
        self._box = Mailbox(
            user=values.get("user") or self._address,
            password=values["password"],
            imap=values["imap"],
            smtp=values["smtp"],
            security=values["security"],
            folder=values["folder"],
            allow_private=setup.allow_private,
        )
        self._counting = asyncio.Lock()
        self._closed = False

    async def parse(self, request: Request) -> Parsed:
        """Nobody calls a mailbox. Raises RequestRefused."""
        raise RequestRefused("damaged", "Mails are fetched; this channel takes no requests.")

    async def fetch(self, media: str) -> Media:
        raise RequestRefused("damaged", "A mail brings its files along.")

    def pieces(self, outgoing: Outgoing) -> Sequence[Outgoing]:
        text = with_choices(outgoing.text, outgoing.quick_replies)
        return [replace(outgoing, text=with_sources(text, outgoing.citations, outgoing.language), quick_replies=())]

    async def send(self, piece: Outgoing) -> SendResult:
        if piece.author == "assistant" and not await self._may_answer(piece.to):
            return RefusedForEver(f"{_MOST_ANSWERS} answers went to this sender within an hour: perhaps a machine.")
        mail = self._written(piece)
        return await asyncio.to_thread(send_mail, self._box, self._address, piece.to, mail)

    async def check_settings(self) -> Sequence[Check]:
        """Enter the mailbox both ways; nothing is read or sent."""
        if self._box.security == "none" and not self._box.allow_private:
            sentence = {
                "en": "Without encryption the password can be read by anybody on the way: choose TLS.",
                "zh": "不加密时密码会被窃取，请选择 TLS。",
            }
            return [Check("security", False, sentence, "security")]
        found = []
        for name, entered in (("imap", self._enter_folder), ("smtp", self._enter_smtp)):
            try:
                await asyncio.to_thread(entered)
            except Unavailable as error:
                field = str(error.fields.get("field", name))
                chinese = _CHINESE.get((name, field), "{said}").format(said=error.sentence)
                found.append(Check(name, False, {"en": error.sentence, "zh": chinese}, field))
            else:
                found.append(Check(name, True, _ENTERED[name], name))
        return found

    async def poll(self) -> AsyncGenerator[Polled, None]:
        """Watch the folder. Mails that were there before the channel was set up are left alone."""
        while not self._closed:
            known = _Mark.of(await self._memory.recall("mark"))
            mark, fetched = await asyncio.to_thread(self._look, known)
            if known != mark:  # the first time: what comes from now on is new, even if we are stopped before it does
                await self._memory.remember("mark", str(mark), seconds=_YEAR)
            incoming, refused = self._read(fetched)
            last = max((each.uid for each in fetched), default=mark.uid)
            yield Polled(incoming, partial(self._confirm, _Mark(mark.validity, last), fetched), refused)

    async def close(self) -> None:
        self._closed = True

    def _look(self, mark: _Mark | None) -> tuple[_Mark, list[Fetched]]:
        """What is new, after waiting for it where there is nothing."""
        with open_folder(self._box) as folder:
            known = _known(mark, folder)
            fetched = folder.after(known.uid)
            if not fetched and mark is not None:
                folder.wait(_WAIT_SECONDS)
                fetched = folder.after(known.uid)
            return known, fetched

    def _read(self, fetched: list[Fetched]) -> tuple[tuple[Incoming, ...], tuple[Reason, ...]]:
        incoming: list[Incoming] = []
        refused: list[Reason] = []
        for each in fetched:
            if each.raw is None:
                refused.append("too_large")
                continue
            read = read_mail(each.raw, self._address)
            if read.incoming is not None:
                incoming.append(read.incoming)
            elif read.refused is not None:
                refused.append(read.refused)
        return tuple(incoming), tuple(refused)

    async def _confirm(self, mark: _Mark, fetched: list[Fetched]) -> None:
        await self._memory.remember("mark", str(mark), seconds=_YEAR)
        if fetched:
            await asyncio.to_thread(self._mark_seen, [each.uid for each in fetched])

    def _mark_seen(self, uids: list[int]) -> None:
        with open_folder(self._box) as folder:
            folder.mark_seen(uids)

    async def _may_answer(self, receiver: str) -> bool:
        """Count an answer; the hour begins with the first of them."""
        name = f"answers:{receiver}"
        async with self._counting:  # replies in several threads of one sender go at a time
            count = int(await self._memory.recall(name) or 0) + 1
            await self._memory.remember(name, str(count), seconds=_HOUR)
        return count <= _MOST_ANSWERS

    def _written(self, piece: Outgoing) -> EmailMessage:
        mail = EmailMessage()
        context = piece.context
        subject = context.get("subject", "")
        # Only what we write first answers nothing: a test message.
        answered = subject if not subject or _RE.match(subject) else f"Re: {subject}"
        mail["Subject"] = answered or self._name or self._address
        mail["From"] = _named(self._name or piece.author_name, self._address)
        mail["To"] = _named("", piece.to)
        mail["Date"] = formatdate(localtime=False)
        mail["Message-ID"] = self._message_id(piece)
        if context.get("message_id"):
            mail["In-Reply-To"] = context["message_id"]
            mail["References"] = context.get("references") or context["message_id"]
        if piece.author != "member":
            mail["Auto-Submitted"] = "auto-replied"  # RFC 3834: no machine answers this
            mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(piece.text)
        for file in [*piece.attachments, *([piece.audio] if piece.audio else [])]:
            family, _, kind = file.media_type.partition("/")
            mail.add_attachment(file.data, maintype=family, subtype=kind or "octet-stream", filename=file.name)
        return mail

    def _message_id(self, piece: Outgoing) -> str:
        """The same for each try of a reply; it carries the thread for programs that drop the references."""
        domain = self._address.rpartition("@")[2]
        key = re.sub(r"[^A-Za-z0-9.-]", "", piece.key)
        if not piece.thread:
            return make_msgid(idstring=key, domain=domain)
        return f"<kefu.{piece.thread}.{key}@{domain}>"

    def _enter_folder(self) -> None:
        with open_folder(self._box):
            pass

    def _enter_smtp(self) -> None:
        with open_smtp(self._box):
            pass


def _known(mark: _Mark | None, folder: Folder) -> _Mark:
    """Where to read on: at the folder's end the first time, and when its numbers have been given anew."""
    if mark is None or mark.validity != folder.validity:
        return _Mark(folder.validity, folder.next_uid - 1)
    return mark


def _named(name: str, address: str) -> Any:
    user, _, domain = address.rpartition("@")
    return Address(name, user, domain)
