"""What a channel can do: hear customers and answer them. Channels are plug-ins of the kind `channels`.

A channel turns requests into `Incoming` and `Outgoing` into requests; it stores nothing and knows no rows. What Kefu
stores, retries, counts and keeps in order is the same for all of them:

    parse | poll  -> stored, acknowledged, answered -> pieces -> send -> Sent | TryLater | RefusedForEver | QuotaUsedUp
                                                                       | NotKnown

`manifest.toml` says, without code, what the channel is called, what its form asks for, and what it can carry.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, runtime_checkable

from kefu.kit import registry
from kefu.kit.errors import BadInput, BadInstallation, KefuError, NotFound

Texts = Mapping[str, str]  # by language code, `en` being the last resort
FieldKind = Literal["text", "secret", "select", "bool"]
PartKind = Literal["text", "audio", "image", "file", "location", "event"]
BUILT_IN = ("web", "api")  # kinds that are no plug-ins: made by name alone
# Why a request was not taken; each is counted apart.
Reason = Literal["signature", "replay", "unknown_sender", "too_large", "damaged"]
_STATUS: Mapping[str, int] = {
    "signature": 401,
    "replay": 409,
    "unknown_sender": 403,
    "too_large": 413,
    "damaged": 400,
}


class RequestRefused(KefuError):
    """A request that is not from whom it says, or cannot be used: counted by `reason`, and nothing of it stored."""

    code = "request_refused"

    def __init__(self, reason: Reason, sentence: str, **fields: Any) -> None:
        super().__init__(sentence, reason=reason, **fields)
        self.reason = reason
        self.status = _STATUS[reason]


# --- what the manifest says -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FormField:
    """One thing that setting up a channel asks for. `pattern` is what its value looks like, whole.

    Values are texts, for `bool` true or false, for `select` one of `choices` (value to label). A `secret` is kept
    sealed and never shown again; one that is left empty is made up of `generated` letters and digits, and shown once.
    `before` names the field whose former value this one keeps when that is changed, for what is still on its way.
    """

    key: str
    label: Texts
    kind: FieldKind = "text"
    help: Texts = field(default_factory=dict)
    required: bool = False
    default: str | bool = ""
    pattern: str = ""
    choices: Mapping[str, Texts] = field(default_factory=dict)
    generated: int = 0
    before: str = ""


@dataclass(frozen=True)
class Quota:
    """At most so many pushed messages within so many seconds of the customer's last; each of theirs opens it anew."""

    messages: int
    seconds: int


@dataclass(frozen=True)
class Capabilities:
    """What a channel can carry.

    `sound_format` is what its voice messages are (knowledge.sound.FORMATS). `length` is the longest text of one message
    in characters, 0 for any. `idempotent`: sending the same key twice is
    received once, so what was interrupted is sent again; else a person looks at it. `merges`: replies that wait for the
    same customer go as one. `typing`: the customer can be shown that somebody writes (`ShowsTyping`). `polls`: it
    fetches messages itself, if its settings say so. `called`: its provider calls it at its address (`Setup.hook`).
    `greets`: customers subscribe before they write, which is answered with the channel's greeting.
    """

    sound: bool = False
    sound_format: str = "opus"
    images: bool = False
    files: bool = False
    buttons: bool = False
    typing: bool = False
    idempotent: bool = False
    merges: bool = False
    polls: bool = False
    called: bool = True
    greets: bool = False
    length: int = 0
    quota: Quota | None = None


@dataclass(frozen=True)
class Manifest:
    """A kind of channel as people see it."""

    kind: str
    title: Texts
    help: Texts
    fields: tuple[FormField, ...]
    capabilities: Capabilities

    def checked(self, values: Mapping[str, Any]) -> dict[str, str | bool]:
        """The form's values, whole and in the fields' order; defaults where nothing was given or a field was emptied.

        Raises BadInput that names the field and what it should be.
        """
        unknown = set(values) - {each.key for each in self.fields}
        if unknown:
            known = ", ".join(each.key for each in self.fields)
            raise BadInput(f"A {self.kind} channel has no {sorted(unknown)[0]!r}; it has {known}.", field=min(unknown))
        return {each.key: _checked(each, values.get(each.key)) for each in self.fields}

    def changed(self, known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, str | bool]:
        """The form's values after a change: None takes one away, and what a field's former value is kept in keeps it.

        Raises BadInput as `checked`.
        """
        mine = {key: value for key, value in known.items() if key in {each.key for each in self.fields}}
        whole = self.checked({key: value for key, value in {**mine, **given}.items() if value is not None})
        kept = [each for each in self.fields if each.before and each.key not in given]
        changed = [each for each in kept if mine.get(each.before) not in (None, "", whole[each.before])]
        return {**whole, **{each.key: mine[each.before] for each in changed}}

    @property
    def secrets(self) -> frozenset[str]:
        """The keys of fields that are never shown."""
        return frozenset(each.key for each in self.fields if each.kind == "secret")


def manifest(kind: str) -> Manifest:
    """What a kind of channel says of itself; no code of it is imported. Raises NotFound, BadInstallation."""
    found = registry.manifests("channels").get(kind)
    if kind in BUILT_IN:
        raise NotFound(f"Channels of the kind {kind!r} are built in: they have no connection to set up.", kind=kind)
    if found is None:
        if error := registry.broken("channels").get(kind):
            raise BadInstallation(error.sentence, **error.fields)
        known = ", ".join(registry.manifests("channels")) or "none"
        raise NotFound(f"There is no kind of channel {kind!r}. Installed: {known}.", kind=kind)
    return _manifest(found)


def manifests(*, for_tests: bool = False) -> list[Manifest]:
    """Every kind of channel that can be added."""
    found = registry.manifests("channels").values()
    return [_manifest(each) for each in found if for_tests or not each.for_tests]


# --- what comes in --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """A request to a channel's hook. Header names are in lower case; none of them is ever kept."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Part:
    """A piece of what a customer sent.

    `text`: what was said; an event's name (`subscribe`, `unsubscribe`); a location's name. `media` names a file for
    `Channel.fetch`; `data` is the file itself where it came along. `latitude` and `longitude` are a location's, in
    degrees. `pressed` is the value of the button that the text was said with (`Outgoing.quick_reply_values`).
    """

    kind: PartKind
    text: str = ""
    media: str = ""
    data: bytes | None = None
    name: str = ""
    latitude: float = 0.0
    longitude: float = 0.0
    pressed: str = ""


@dataclass(frozen=True)
class Incoming:
    """What a customer sent through a channel.

    `contact` is how the channel knows them, `external_id` what names this message on the channel, once for ever.
    `thread` tells several conversations of one customer apart; empty where there is one. `profile` may hold name and
    email. `context` is a few small facts that answering needs (a subject, a message id); it is kept sealed, given back
    with each `Outgoing`, and replaced by the next message's.
    """

    contact: str
    external_id: str
    parts: tuple[Part, ...]
    at: datetime | None = None
    thread: str = ""
    profile: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Media:
    """A file, fetched. What it is is told from its bytes; `name` may be empty."""

    data: bytes
    name: str = ""


@dataclass(frozen=True)
class Answer:
    """What a hook says to who called it."""

    status: int = 200
    body: bytes = b""
    media_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Hold:
    """The reply may go back as the answer to the request: for accounts that may not send by themselves.

    A reply that is there within `seconds` becomes `respond(reply)`. Otherwise the request is left open for `drop`
    seconds, after which its sender asks again, up to `tries` times; the last of them is answered with what there is.
    """

    seconds: float
    drop: float
    tries: int
    respond: "Callable[[Outgoing], Answer]"


@dataclass(frozen=True)
class Parsed:
    """What a request brought, and what it is answered with once that is stored.

    `refused` counts what came in a genuine request and is not taken, where refusing the request would only repeat it.
    """

    incoming: tuple[Incoming, ...] = ()
    answer: Answer = Answer()
    hold: Hold | None = None
    refused: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Polled:
    """What was fetched, perhaps nothing. `confirm` is awaited once it is stored; what is not confirmed comes again."""

    incoming: tuple[Incoming, ...]
    confirm: Callable[[], Awaitable[None]]
    refused: tuple[Reason, ...] = ()


# --- what goes out --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class File:
    """A file that goes with a reply."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Cited:
    """A source that an answer stands on."""

    title: str
    url: str = ""


@dataclass(frozen=True)
class Outgoing:
    """A reply on its way.

    `key` is the same for each try of the same content. `to` is the contact as the channel knows them, `reply_to` the
    external id of their last message, `context` what that message brought. `author` is assistant, member or system.
    `spoken`: it answers a voice message, so it is read aloud into `audio` where the channel can carry sound.
    `quick_reply_values` are what buttons mean, one for each of `quick_replies`, or none: their words.
    """

    key: str
    to: str
    text: str
    conversation: str = ""
    messages: tuple[str, ...] = ()
    author: str = "assistant"
    author_name: str = ""
    language: str = ""
    thread: str = ""
    citations: tuple[Cited, ...] = ()
    quick_replies: tuple[str, ...] = ()
    attachments: tuple[File, ...] = ()
    audio: File | None = None
    spoken: bool = False
    reply_to: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    quick_reply_values: tuple[str, ...] = ()

    def buttons(self, longest: int) -> list[tuple[str, str]]:
        """Each quick reply with what is told when it is pressed, of at most `longest` bytes.

        A longer value becomes a number, which means nothing: the words are read then.
        """
        values = self.quick_reply_values or self.quick_replies
        pairs = enumerate(zip(self.quick_replies, values, strict=True))
        return [(text, value if len(value.encode()) <= longest else f"#{place}") for place, (text, value) in pairs]


@dataclass(frozen=True)
class Sent:
    """The channel has it. `external_id` is its own name of the message, empty where it gives none."""

    external_id: str = ""


@dataclass(frozen=True)
class TryLater:
    """It was not sent, and may be later: in `seconds`, or when Kefu thinks fit. `reason` is shown to members."""

    reason: str
    seconds: float | None = None


@dataclass(frozen=True)
class RefusedForEver:
    """It was not sent and never will be as it is: a member decides."""

    reason: str


@dataclass(frozen=True)
class QuotaUsedUp:
    """The customer may be sent no more until they write: it is kept, and goes with the next."""

    reason: str


@dataclass(frozen=True)
class NotKnown:
    """The connection broke after the request had gone: it may have been sent."""

    reason: str


SendResult = Sent | TryLater | RefusedForEver | QuotaUsedUp | NotKnown


# --- the plug-in ----------------------------------------------------------------------------------------------------


class Memory(Protocol):
    """A few values that a channel's processes share, sealed: a token, an offset."""

    async def recall(self, name: str) -> str | None:
        """The value, or None where there is none or its time is over."""

    async def remember(self, name: str, value: str, *, seconds: float) -> None:
        """Keep a value for so long; an empty one is forgotten."""


@dataclass(frozen=True)
class Setup:
    """What a channel is made with.

    `values` are the form's, secrets included; `hook` is the address that it is called at; `allow_private` lets it call
    addresses within private networks.
    """

    channel_id: str
    values: Mapping[str, Any]
    memory: Memory
    hook: str = ""
    allow_private: bool = False


@dataclass(frozen=True)
class Check:
    """One thing that was looked at when a channel was checked. `field` names the form's field that mends it."""

    name: str
    passed: bool
    sentence: Texts
    field: str = ""


@runtime_checkable
class Channel(Protocol):
    """One channel of a workspace. `__init__` is light; connections are opened when they are needed.

    `parse` and `fetch` raise RequestRefused; `send` raises nothing but bugs.
    """

    def __init__(self, setup: Setup) -> None: ...

    async def parse(self, request: Request) -> Parsed:
        """What a request brings. Raises RequestRefused for a bad signature, a replay, a damaged body."""

    async def fetch(self, media: str) -> Media:
        """A file that a part names. Raises RequestRefused (`too_large`), Unavailable where it may be there later."""

    def pieces(self, outgoing: Outgoing) -> Sequence[Outgoing]:
        """The messages that a reply takes here, each within the channel's limits; the same for the same reply."""

    async def send(self, piece: Outgoing) -> SendResult:
        """Send one message."""

    async def check_settings(self) -> Sequence[Check]:
        """Try what the settings say, live; changes nothing but what the channel needs at its provider's."""

    def poll(self) -> AsyncIterator[Polled]:
        """Fetch messages for as long as it is iterated, where the settings say so; ends at once where they do not.

        Yields at least once a minute, if only to show that it lives.
        """

    async def close(self) -> None:
        """Close connections; safe to call twice."""


@runtime_checkable
class ShowsTyping(Protocol):
    """What a channel beside that is whose manifest says `typing`."""

    async def show_typing(self, to: str) -> None:
        """Let a customer see for some seconds that somebody writes. Raises KefuError where it cannot be shown."""


def _checked(field_: FormField, value: Any) -> str | bool:
    name = field_.label.get("en", field_.key)
    if value is None or value == "":
        if field_.required:
            raise BadInput(f"{name} is needed.", field=field_.key)
        return False if value == "" and field_.kind == "bool" else field_.default
    if field_.kind == "bool":
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise BadInput(f"{name} is true or false, not {value!r}.", field=field_.key)
        return value
    if not isinstance(value, str):
        raise BadInput(f"{name} is a text, not {value!r}.", field=field_.key)
    text = value.strip()
    if field_.kind == "select" and text not in field_.choices:
        raise BadInput(f"{name} is one of {', '.join(field_.choices)}, not {value!r}.", field=field_.key)
    if field_.pattern and not re.fullmatch(field_.pattern, text):
        # A secret is not repeated in an error, which is shown and logged.
        given = "what was given" if field_.kind == "secret" else repr(value)
        hint = field_.help.get("en", "")
        raise BadInput(f"{name} cannot be {given}. {hint}".strip(), field=field_.key)
    return text


def _manifest(found: registry.Manifest) -> Manifest:
    whole = found.whole
    try:
        quota = whole.get("quota")
        capabilities = Capabilities(**whole.get("capabilities", {}), quota=Quota(**quota) if quota else None)
        return Manifest(
            kind=found.name,
            title=_texts(whole.get("titles", {"en": found.title})),
            help=_texts(whole.get("help", {})),
            fields=tuple(_field(each) for each in whole.get("fields", ())),
            capabilities=capabilities,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInstallation(f"The manifest.toml of channel {found.name!r} cannot be used: {error}.") from error


def _field(raw: Mapping[str, Any]) -> FormField:
    made = FormField(**{**raw, "label": _texts(raw["label"]), "help": _texts(raw.get("help", {}))})
    if made.kind not in ("text", "secret", "select", "bool"):
        raise ValueError(f"field {made.key!r} is of kind {made.kind!r}")
    re.compile(made.pattern)
    return made


def _texts(raw: str | Texts) -> Texts:
    return {"en": raw} if isinstance(raw, str) else raw
