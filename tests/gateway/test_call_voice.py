"""What is spoken into a call: sentence by sentence, stopped, resumed, and kept account of."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import numpy as np

from kefu.contracts.engine import EngineCard, Sound
from kefu.gateway.calls.voice import Voice

REPLY = "First one. Second one. Third one."


class Tone:
    """A voice that says everything as a tenth of a second of silence."""

    def __init__(self, reference: str = "", options: Mapping[str, Any] | None = None) -> None:
        self.said: list[str] = []

    def card(self) -> EngineCard:
        return EngineCard("tone", "1")

    async def load(self) -> None: ...

    async def close(self) -> None: ...

    async def speak(self, text: str, language: str) -> AsyncIterator[Sound]:
        self.said.append(text)
        yield Sound(np.zeros(2_400, np.float32), 24_000)


class Wire:
    """Stands where a line is: keeps what it is given."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.frames = 0
        self.forgotten = 0
        self.changed = asyncio.Event()

    def tell(self, kind: str, **fields: Any) -> None:
        self.told.append((kind, fields.get("sentence")))
        self.changed.set()

    async def play(self, frame: bytes) -> None:
        self.frames += 1

    def forget_sound(self) -> None:
        self.forgotten += 1


class Scene:
    def __init__(self) -> None:
        self.tone, self.wire = Tone(), Wire()
        self.unheard: list[tuple[str, int]] = []
        self.voice = Voice(self.tone, lambda message, start: self.unheard.append((message, start)))
        self.voice.attach(self.wire)  # type: ignore[arg-type]

    async def spoken(self, count: int) -> None:
        """Go on until so many sentences were spoken whole."""
        while sum(kind == "reply.spoken" for kind, _ in self.wire.told) < count:
            self.wire.changed.clear()
            await self.wire.changed.wait()


async def test_a_reply_is_spoken_sentence_by_sentence_once() -> None:
    scene = Scene()
    scene.voice.add("turn", "First one. ", "en")
    scene.voice.add("turn", "Second one. ", "en")
    scene.voice.complete("turn", "message", REPLY, "en")
    scene.voice.complete("turn", "message", REPLY, "en")
    await scene.spoken(3)
    assert scene.tone.said == ["First one.", "Second one.", "Third one."]
    assert scene.wire.frames == 3
    assert scene.voice.sounds
    for number in (1, 2, 3):
        scene.voice.played(number, begun=False)
    assert not scene.voice.sounds
    await scene.voice.close()


async def test_what_was_not_begun_is_not_heard() -> None:
    scene = Scene()
    scene.voice.complete("turn", "message", REPLY, "en")
    await scene.spoken(3)
    scene.voice.played(1, begun=False)
    scene.voice.played(2, begun=True)
    assert scene.voice.interrupt()
    assert scene.wire.told[-1][0] == "interrupt"
    assert scene.wire.forgotten == 1
    scene.voice.give_up()
    assert scene.unheard == [("message", len("First one. Second one."))]
    await scene.voice.close()


async def test_an_interruption_without_words_lets_it_go_on() -> None:
    scene = Scene()
    scene.voice.complete("turn", "message", REPLY, "en")
    await scene.spoken(3)
    scene.voice.played(1, begun=False)
    scene.voice.interrupt()
    scene.voice.go_on()
    await scene.spoken(5)
    assert scene.tone.said[3:] == ["Second one.", "Third one."]
    assert scene.unheard == []
    await scene.voice.close()


async def test_what_is_written_after_the_interruption_is_not_spoken() -> None:
    scene = Scene()
    scene.voice.add("turn", "First one. ", "en")
    await scene.spoken(1)
    scene.voice.interrupt()
    scene.voice.add("turn", "Second one. ", "en")
    scene.voice.give_up()
    scene.voice.complete("turn", "message", REPLY, "en")
    scene.voice.complete("other", "next", "Another reply.", "en")
    await scene.spoken(2)
    assert scene.tone.said == ["First one.", "Another reply."]
    assert scene.unheard == [("message", 0)]
    await scene.voice.close()


async def test_nothing_is_said_while_the_customer_speaks() -> None:
    scene = Scene()
    assert not scene.voice.interrupt()
    scene.voice.complete("turn", "message", "An answer.", "en")
    for _ in range(20):
        await asyncio.sleep(0)
    assert scene.tone.said == []
    scene.voice.give_up()
    await scene.spoken(1)
    await scene.voice.close()


async def test_a_new_line_hears_what_the_old_one_did_not_play() -> None:
    scene = Scene()
    scene.voice.complete("turn", "message", REPLY, "en")
    await scene.spoken(3)
    scene.voice.played(1, begun=False)
    scene.voice.attach(None)
    scene.voice.attach(scene.wire)  # type: ignore[arg-type]
    await scene.spoken(5)
    assert scene.tone.said[3:] == ["Second one.", "Third one."]
    await scene.voice.close()
