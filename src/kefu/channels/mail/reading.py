"""A mail as bytes to what a customer said: threads, quotes, signatures, and who must not be answered."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from email.utils import parseaddr, parsedate_to_datetime

from mailparser_reply import EmailReplyParser
from selectolax.lexbor import LexborHTMLParser

from kefu.contracts.channel import Incoming, Part, Reason
from kefu.kit.settings import settings

# Languages whose "wrote:" lines and signatures are known; what they have in common does no harm in others.
_LANGUAGES = ["en", "zh", "de", "fr", "es", "it", "nl", "pl", "ja", "ko", "sv", "da", "cs", "pt"]
# Mail programs of Chinese providers put these before what they quote.
_QUOTED_BELOW = re.compile(
    r"\n\s*(?:-{2,}\s*(?:原始邮件|原邮件|Original(?: Message)?|转发邮件)\s*-{2,}"
    r"|(?:在|于)?\s*\d{4}[-年/]\d{1,2}[-月/]\d{1,2}.{0,80}写道[:：])"
)
# How the ids that we give look: kefu.<thread>.<key>@domain.
OURS = re.compile(r"<?kefu\.([0-9a-f]{24})\.[^@\s>]+@[^\s>]+>?")
_IDS = re.compile(r"<[^<>\s]+>")
_MACHINES = re.compile(r"^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)(?:[+.@-]|$)", re.IGNORECASE)
_REFERENCES = 10
_PARTS = 20
_TEXT = 20_000  # characters that are kept of one mail's text; what is longer was pasted


@dataclass(frozen=True)
class Read:
    """What a mail brings, or why nobody answers it."""

    incoming: Incoming | None
    refused: Reason | None = None


def read_mail(raw: bytes, own_address: str) -> Read:
    """A customer's mail. Machines, lists, bounces and our own mails are `unknown_sender`: answering them would loop."""
    try:
        mail = message_from_bytes(raw, policy=policy.default)
        if not isinstance(mail, EmailMessage):
            return Read(None, "damaged")
        return _read(mail, raw, own_address.lower())
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        # The parser of the standard library gives up on headers that are damaged enough.
        return Read(None, "damaged")


def _read(mail: EmailMessage, raw: bytes, own_address: str) -> Read:
    name, sender = parseaddr(str(mail.get("Reply-To") or mail.get("From", "")))
    sender = sender.lower()
    if "@" not in sender or sender == own_address or _is_automatic(mail, sender):
        return Read(None, "unknown_sender")
    parts = tuple(_parts(mail))
    if not parts:
        return Read(None, "damaged")
    message_id = _first_id(mail, "Message-ID") or f"<{hashlib.sha256(raw).hexdigest()[:32]}@unnamed>"
    references = _references(mail)
    incoming = Incoming(
        contact=sender,
        external_id=message_id,
        parts=parts,
        at=_date(mail),
        thread=_thread(references, message_id),
        profile={"name": name[:200], "email": sender},
        context={
            "message_id": message_id,
            "references": " ".join([*references, message_id][-_REFERENCES:]),
            "subject": _subject(mail),
        },
    )
    return Read(incoming)


def _is_automatic(mail: EmailMessage, sender: str) -> bool:
    """RFC 3834 and what programs do that do not know it."""
    if str(mail.get("Auto-Submitted", "no")).split(";")[0].strip().lower() != "no":
        return True
    if str(mail.get("Precedence", "")).lower() in {"bulk", "junk", "list", "auto_reply"}:
        return True
    if any(mail.get(header) for header in ("List-Id", "List-Unsubscribe", "X-Autoreply", "X-Autorespond", "X-Loop")):
        return True
    if str(mail.get("Return-Path", "x")).strip() == "<>" or mail.get_content_type() == "multipart/report":
        return True
    return bool(_MACHINES.match(sender))


def _parts(mail: EmailMessage) -> Iterator[Part]:
    body = mail.get_body(("plain", "html"))
    text = _said(body) if body is not None else ""
    if text:
        yield Part("text", text[:_TEXT])
    most = settings().attachment_megabytes * 2**20
    for number, part in enumerate(mail.iter_attachments()):
        if number >= _PARTS:
            return
        data = part.get_payload(decode=True)
        if isinstance(data, bytes) and 0 < len(data) <= most:
            family = part.get_content_maintype()
            kind = family if family in {"image", "audio"} else "file"
            yield Part(kind, data=data, name=(part.get_filename() or "")[:200])  # type: ignore[arg-type]


def _said(body: MIMEPart) -> str:
    """What the customer wrote themselves: without what they quote and their signature."""
    text = str(body.get_content())
    if body.get_content_subtype() == "html":
        text = _plain(text)
    text = text.replace("\r\n", "\n").replace("\u00a0", " ").strip()
    if cut := _QUOTED_BELOW.search(f"\n{text}"):
        text = text[: max(cut.start() - 1, 0)]
    said = _own_words(text) if text else ""
    # A mail that is nothing but a quotation or a signature is taken as it is: better too much than nothing.
    return said or text.strip()


def _own_words(text: str) -> str:
    """The newest part of a mail's text without its signature; "-- " on a line of its own begins one (RFC 3676)."""
    replies = EmailReplyParser(languages=_LANGUAGES).read(text=text).replies
    newest = str(replies[0].body or "") if replies else ""
    lines = re.split(r"(?m)^-- ?$", newest)[0].strip().split("\n")
    # Some programs quote below without a line that says who wrote it. Quotes between an answer's lines belong to it.
    while lines and (not lines[-1].strip() or lines[-1].startswith(">")):
        lines.pop()
    return "\n".join(lines).strip()


def _plain(html: str) -> str:
    tree = LexborHTMLParser(html)
    for gone in tree.css("style, script, head, blockquote, .gmail_quote, .gmail_signature, #appendonsend ~ *"):
        gone.decompose()
    for line in tree.css("br, p, div, li, tr"):
        line.insert_before("\n")
    root = tree.body or tree.root
    text = root.text(separator="") if root is not None else ""
    return re.sub(r"\n\s*\n+", "\n\n", re.sub(r"[ \t]+", " ", text))


def _references(mail: EmailMessage) -> list[str]:
    known = _IDS.findall(str(mail.get("References", "")))
    answered = _first_id(mail, "In-Reply-To")
    return [*known, *([answered] if answered and answered not in known else [])]


def _thread(references: list[str], message_id: str) -> str:
    """The same for all mails of a thread: ours carry it, and the first mail's id makes it."""
    for each in references:
        if ours := OURS.fullmatch(each):
            return ours[1]
    return hashlib.sha256((references[0] if references else message_id).encode()).hexdigest()[:24]


def _first_id(mail: EmailMessage, header: str) -> str:
    found = _IDS.search(str(mail.get(header, "")))
    return found[0][:300] if found else ""


def _subject(mail: EmailMessage) -> str:
    return re.sub(r"\s+", " ", str(mail.get("Subject", ""))).strip()[:300]


def _date(mail: EmailMessage) -> datetime | None:
    try:
        at = parsedate_to_datetime(str(mail.get("Date", "")))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
