"""What every channel must do: subclass the suite, say how to make the channel and its requests, and pytest runs it.

    class TestMine(ChannelSuite):
        kind = "mine"

        def make(self) -> Channel: ...
        def message(self, text, *, key="1") -> Request: ...

`kind` is the entry point's name. `provider` plays whom the channel calls: it is made anew for each test, and told by
`answers` how to answer the next sending. Tests run on Kefu's own background loop, where channels live in production.
"""

import inspect
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
import yaml

from kefu.contracts.channel import (
    Channel,
    Check,
    Manifest,
    Memory,
    NotKnown,
    Outgoing,
    Parsed,
    QuotaUsedUp,
    RefusedForEver,
    Request,
    RequestRefused,
    SendResult,
    Sent,
    Setup,
    ShowsTyping,
    TryLater,
    manifest,
)
from kefu.kit import registry
from kefu.kit.runtime import run

TIMEOUT = 60.0
CONTACT = "42"
# What a quality.yaml speaks of; each is done, or exempt with its reason.
RULES = (
    "signature_checked",
    "replay_refused",
    "repeated_message_stored_once",
    "files_received",
    "files_sent",
    "choices_offered",
    "long_replies_split",
    "sending_idempotent",
    "failures_told_apart",
    "quota_kept",
    "settings_checked_live",
    "texts_in_english_and_chinese",
    "independent_implementation_in_tests",
)
_DAMAGED = (b"", b"\0", b"\xff\xfe", b"{", b"<xml>", b"[]", b"null", b'"text"', b"<xml></xml>", b"x" * 10_000)


class ShortMemory(Memory):
    """What a channel's processes share, in this one, without an end."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def recall(self, name: str) -> str | None:
        return self.values.get(name) or None

    async def remember(self, name: str, value: str, *, seconds: float) -> None:
        assert seconds > 0
        self.values[name] = value


class ChannelSuite:
    """Conformance of a channel.

    To override: `kind`; `values` (its form, for the provider); `message` (a genuine request); `forged` (one that is not
    from whom it says). `answers` makes the provider end the next sending in a way, and gives False where it cannot.
    """

    kind = ""

    def provider(self) -> AbstractContextManager[Any]:
        """Plays whom the channel calls; nobody, unless overridden."""
        return nullcontext()

    def values(self, provider: Any) -> dict[str, Any]:
        raise NotImplementedError

    def message(self, provider: Any, text: str, *, key: str = "1") -> Request:
        """A genuine request that brings a text of CONTACT's; the same key is the same message again."""
        raise NotImplementedError

    def forged(self, provider: Any) -> Request:
        """A request as `message` gives, but not from whom it says."""
        raise NotImplementedError

    def stale(self, provider: Any) -> Request | None:
        """A request that was genuine long ago; None where the protocol knows no time."""
        return None

    def answers(self, provider: Any, result: type[SendResult]) -> bool:
        """Make the next sending end so. False where the provider cannot."""
        return False

    def pressed(self, provider: Any, number: int) -> Request:
        """The request that comes when CONTACT presses a button of the reply that was sent last."""
        raise NotImplementedError

    def prepare(self, provider: Any) -> None:
        """Make the provider know CONTACT, where it must."""

    # --- fixtures ---

    @pytest.fixture
    def playing(self) -> Iterator[Any]:
        with self.provider() as provider:
            self.prepare(provider)
            yield provider

    @pytest.fixture
    def channel(self, playing: Any) -> Iterator[Channel]:
        channel = self.make(playing)
        yield channel
        run(channel.close(), timeout=TIMEOUT)
        run(channel.close(), timeout=TIMEOUT)  # twice is harmless

    def make(self, provider: Any) -> Channel:
        made = registry.load("channels", self.kind, Channel)  # type: ignore[type-abstract]
        values = manifest(self.kind).checked(self.values(provider))
        hook = "https://help.example.com/v1/hooks/ch_1"
        channel: Channel = made(Setup("ch_1", values, ShortMemory(), hook, allow_private=True))
        return channel

    @property
    def manifest(self) -> Manifest:
        return manifest(self.kind)

    # --- what it says of itself ---

    def test_the_manifest_speaks_english_and_chinese(self) -> None:
        found = self.manifest
        texts = [found.title, found.help, *(text for each in found.fields for text in (each.label, each.help))]
        assert all({"en", "zh"} <= set(text) for text in texts)
        for each in found.fields:
            assert all({"en", "zh"} <= set(label) for label in each.choices.values()), each.key
            assert (each.kind == "select") == bool(each.choices), each.key
        assert len({each.key for each in found.fields}) == len(found.fields)

    def test_the_quality_file_speaks_of_every_rule(self) -> None:
        package = registry.manifests("channels")[self.kind].target.rpartition(".")[0]
        held = yaml.safe_load(resources.files(package).joinpath("quality.yaml").read_text(encoding="utf-8"))["rules"]
        assert list(held) == list(RULES)
        for rule, said in held.items():
            status = said if isinstance(said, str) else said["status"]
            assert status in {"done", "exempt"}, rule
            assert status == "done" or said.get("reason"), f"{rule} is exempt without a reason"

    def test_is_a_channel(self, channel: Channel) -> None:
        assert isinstance(channel, Channel)
        assert inspect.isasyncgenfunction(type(channel).poll)

    # --- what comes in ---

    def test_a_message_is_read(self, playing: Any, channel: Channel) -> None:
        parsed = self._parse(channel, self.message(playing, "Where is my order?"))
        [incoming] = parsed.incoming
        assert "".join(part.text for part in incoming.parts if part.kind == "text") == "Where is my order?"
        assert incoming.contact
        assert incoming.external_id
        assert parsed.answer.status < 300

    @pytest.mark.parametrize("text", ["你好，订单到哪了？", "😀 & <b> \"quoted\" 'x' ]", "a\nb", "x" * 1500])
    def test_every_letter_arrives(self, playing: Any, channel: Channel, text: str) -> None:
        [incoming] = self._parse(channel, self.message(playing, text)).incoming
        assert incoming.parts[0].text == text

    def test_a_repeated_message_has_the_same_id_and_another_one_its_own(self, playing: Any, channel: Channel) -> None:
        first, again, other = (
            self._parse(channel, self.message(playing, "Hi", key=key)).incoming[0].external_id
            for key in ("1", "1", "2")
        )
        assert first == again != other

    def test_what_is_forged_is_refused(self, playing: Any, channel: Channel) -> None:
        with pytest.raises(RequestRefused) as refused:
            self._parse(channel, self.forged(playing))
        assert refused.value.reason in {"signature", "unknown_sender"}

    def test_what_is_stale_is_refused(self, playing: Any, channel: Channel) -> None:
        stale = self.stale(playing)
        if stale is None:
            pytest.skip("the protocol signs no time")
        with pytest.raises(RequestRefused) as refused:
            self._parse(channel, stale)
        assert refused.value.reason == "replay"

    @pytest.mark.parametrize("body", _DAMAGED)
    def test_a_damaged_body_is_refused_and_nothing_worse(self, playing: Any, channel: Channel, body: bytes) -> None:
        whole = self.message(playing, "Hi")
        with pytest.raises(RequestRefused):
            self._parse(channel, replace(whole, body=body))

    def test_a_bare_request_is_refused(self, channel: Channel) -> None:
        for method in ("GET", "POST"):
            with pytest.raises(RequestRefused):
                self._parse(channel, Request(method, {}, {}, b""))

    # --- what goes out ---

    def test_a_reply_is_sent(self, playing: Any, channel: Channel) -> None:
        for piece in channel.pieces(_reply("We are open from 9 to 21.")):
            assert isinstance(self._send(channel, piece), Sent)

    def test_pieces_are_the_same_each_time_with_keys_of_their_own(self, channel: Channel) -> None:
        reply = _reply("A sentence of a long reply. " * 600)
        pieces = list(channel.pieces(reply))
        assert pieces == list(channel.pieces(reply))
        assert len({piece.key for piece in pieces}) == len(pieces)
        assert all(piece.to == CONTACT for piece in pieces)

    @pytest.mark.parametrize("sentence", ["A sentence of a long reply. ", "这是一条很长的回复中的一句话。", "😀"])
    def test_a_long_reply_loses_nothing_and_fits(self, playing: Any, channel: Channel, sentence: str) -> None:
        text = (sentence * 400)[:7500]
        pieces = list(channel.pieces(_reply(text)))
        joined = "".join("".join(piece.text.split()) for piece in pieces)
        assert joined == "".join(text.split())
        limit = self.manifest.capabilities.length
        assert not limit or max(len(piece.text) for piece in pieces) <= limit
        assert isinstance(self._send(channel, pieces[0]), Sent)

    def test_choices_are_not_lost(self, channel: Channel) -> None:
        choices = ("Track an order", "退货", "Talk to a person")
        pieces = channel.pieces(replace(_reply("Which one?"), quick_replies=choices))
        shown = " ".join(piece.text for piece in pieces), [each for piece in pieces for each in piece.quick_replies]
        assert all(choice in shown[0] or choice in shown[1] for choice in choices)

    def test_what_is_pressed_comes_in_as_its_value(self, playing: Any, channel: Channel) -> None:
        if not self.manifest.capabilities.buttons:
            pytest.skip("the channel has no buttons")
        choices, values = ("My phone", "My phone", "All of it"), ("old", "新手机", "all" * 150)
        asked = replace(_reply("Which one?"), quick_replies=choices, quick_reply_values=values)
        for piece in channel.pieces(asked):
            assert isinstance(self._send(channel, piece), Sent)
        for number, (choice, value) in enumerate(zip(choices, values, strict=True)):
            [incoming] = self._parse(channel, self.pressed(playing, number)).incoming
            [part] = incoming.parts
            assert part.text == choice
            # A value that the channel has no room for is none, and the words are read.
            assert part.pressed == value or (len(value) > 64 and part.pressed not in values)

    @pytest.mark.parametrize("result", [TryLater, RefusedForEver, QuotaUsedUp, NotKnown])
    def test_failures_are_told_apart(self, playing: Any, channel: Channel, result: type[SendResult]) -> None:
        if not self.answers(playing, result):
            pytest.skip("the provider never ends a sending so")
        [piece] = channel.pieces(_reply("Hello"))
        found = self._send(channel, piece)
        assert isinstance(found, result)
        assert found.reason  # type: ignore[union-attr]

    def test_nobody_at_the_other_end_is_tried_again(self) -> None:
        with self.provider() as provider:
            self.prepare(provider)
            channel = self.make(provider)
        if provider is None:
            pytest.skip("the channel calls nobody")
        [piece] = channel.pieces(_reply("Hello"))
        assert isinstance(self._send(channel, piece), TryLater)
        run(channel.close(), timeout=TIMEOUT)

    # --- settings ---

    def test_typing_is_shown_where_the_manifest_says_so(self, playing: Any, channel: Channel) -> None:
        assert isinstance(channel, ShowsTyping) == self.manifest.capabilities.typing
        if isinstance(channel, ShowsTyping):
            run(channel.show_typing(CONTACT), timeout=TIMEOUT)

    def test_settings_are_checked_in_both_languages(self, channel: Channel) -> None:
        found = run(channel.check_settings(), timeout=TIMEOUT)
        assert found
        assert all(isinstance(each, Check) and {"en", "zh"} <= set(each.sentence) for each in found)
        assert {each.field for each in found} <= {"", *(each.key for each in self.manifest.fields)}

    @staticmethod
    def _parse(channel: Channel, request: Request) -> Parsed:
        parsed: Parsed = run(channel.parse(request), timeout=TIMEOUT)
        return parsed

    @staticmethod
    def _send(channel: Channel, piece: Outgoing) -> SendResult:
        result: SendResult = run(channel.send(piece), timeout=TIMEOUT)
        return result


def _reply(text: str) -> Outgoing:
    return Outgoing("dlv_1", CONTACT, text, conversation="conv_1", messages=("msg_1",), language="en")
