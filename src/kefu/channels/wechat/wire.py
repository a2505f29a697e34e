"""WeChat's XML: what its servers post, and the passive replies that go back."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from defusedxml.ElementTree import fromstring

from kefu.contracts.channel import Incoming, Part

_MEDIA = {"image": "image", "voice": "audio", "video": "file", "shortvideo": "file"}
_BODY = 64 * 1024  # bytes; WeChat's messages have at most some thousand


def fields(body: bytes) -> dict[str, str]:
    """The elements of a message by name, those below one below another as `Outer.Inner`. Raises ValueError."""
    if len(body) > _BODY:
        raise ValueError("too long")
    try:
        root = fromstring(body.decode("utf-8"))
    except Exception as error:  # the parser's own errors have no base in common
        raise ValueError("not XML") from error
    found: dict[str, str] = {}
    for element in root:
        found[element.tag] = (element.text or "").strip()
        found.update({f"{element.tag}.{inner.tag}": (inner.text or "").strip() for inner in element})
    return found


def incoming(message: Mapping[str, str]) -> Incoming | None:
    """What a message brings; None for an event that says nothing. Raises KeyError, ValueError for a damaged one."""
    person, at = message["FromUserName"], int(message["CreateTime"])
    if not person:
        raise ValueError("nobody sent it")
    parts = _event(message) if message["MsgType"] == "event" else _parts(message)
    if not parts:
        return None
    # Events have no id of their own; a second holds at most one of a kind from one person.
    external_id = message.get("MsgId") or ":".join(
        (person, str(at), message.get("Event", ""), message.get("EventKey", ""))
    )
    return Incoming(person, external_id, parts, at=datetime.fromtimestamp(at, UTC))


def text_reply(to: str, account: str, text: str) -> bytes:
    """A passive reply."""
    return (
        f"<xml><ToUserName>{_cdata(to)}</ToUserName><FromUserName>{_cdata(account)}</FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType>{_cdata('text')}</MsgType>"
        f"<Content>{_cdata(text)}</Content></xml>"
    ).encode()


def envelope(sealed: str, signature: str, timestamp: str, nonce: str) -> bytes:
    """An encrypted passive reply."""
    return (
        f"<xml><Encrypt>{_cdata(sealed)}</Encrypt><MsgSignature>{_cdata(signature)}</MsgSignature>"
        f"<TimeStamp>{escape(timestamp)}</TimeStamp><Nonce>{_cdata(nonce)}</Nonce></xml>"
    ).encode()


def _parts(message: Mapping[str, str]) -> tuple[Part, ...]:
    kind = message["MsgType"]
    if kind == "text":
        # An entry of a message's menu comes as its words, with the entry's id beside them.
        said = Part("text", message["Content"], pressed=message.get("bizmsgmenuid", ""))
        return (said,) if said.text else ()
    if kind in _MEDIA:
        # What WeChat recognised of a voice is being withdrawn: it is heard like any other.
        suffix = message.get("Format", "").lower()
        name = f"voice.{suffix}" if kind == "voice" and suffix.isalnum() else ""
        return (Part(_MEDIA[kind], media=message["MediaId"], name=name),)  # type: ignore[arg-type]
    if kind == "location":
        latitude, longitude = float(message["Location_X"]), float(message["Location_Y"])
        return (Part("location", message.get("Label", ""), latitude=latitude, longitude=longitude),)
    if kind == "link":
        lines = (message.get("Title", ""), message.get("Description", ""), message["Url"])
        return (Part("text", "\n".join(line for line in lines if line)),)
    return ()


def _event(message: Mapping[str, str]) -> tuple[Part, ...]:
    event = message["Event"]
    if event in {"subscribe", "unsubscribe"}:
        return (Part("event", event),)
    if event == "CLICK" and message.get("EventKey"):
        # An entry of the account's own menu says what its key says.
        return (Part("text", message["EventKey"], pressed=message["EventKey"]),)
    return ()


def _cdata(text: str) -> str:
    inner = text.replace("]]>", "]]]]><![CDATA[>")
    return f"<![CDATA[{inner}]]>"
