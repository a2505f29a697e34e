"""Listens to one side of a call: sound becomes utterances, and these are recognised while the speaker may yet go on."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kefu.brain.listen import listen_to
from kefu.contracts.engine import Sound, Transcriber
from kefu.kit.errors import KefuError
from kefu.kit.log import Log
from kefu.knowledge.sound.utterances import Change, Utterances
from kefu.knowledge.sound.voice import Samples, detector

_log = Log(__name__)

_RATE = 16_000
_FULL_SCALE = 32_768
# Utterances that may wait to be written down; somebody would have to speak for minutes while nothing is recognised.
_WAITING = 16
# A window takes a third of a millisecond: one thread hears a hundred people at a time.
_hearing = ThreadPoolExecutor(1, thread_name_prefix="kefu-ear")


@dataclass(frozen=True, eq=False)
class Utterance:
    """What was said: the sound, and its words. `text` is None where they could not be recognised now."""

    samples: Samples
    text: str | None
    language: str

    @property
    def sound(self) -> Sound:
        return Sound(self.samples, _RATE)


class Listener(Protocol):
    """Whoever wants to know what is said on a side."""

    def began(self) -> None:
        """Somebody began to speak."""

    def understood(self, text: str) -> None:
        """What was said so far, as it seems now."""

    async def said(self, utterance: Utterance) -> None:
        """An utterance has ended. They come one at a time, in order."""


class Ear:
    """One side. `feed` it sound; `language` is asked for whenever something is recognised."""

    def __init__(self, transcriber: Transcriber, listener: Listener, language: Callable[[], str | None]) -> None:
        self._transcriber = transcriber
        self._listener = listener
        self._language = language
        self._utterances = Utterances(detector())
        self._guess: asyncio.Task[Utterance] | None = None
        self._ended: asyncio.Queue[Awaitable[Utterance]] = asyncio.Queue(_WAITING)
        self._writing = asyncio.create_task(self._write_down())

    @property
    def hears(self) -> bool:
        """Whether somebody is speaking."""
        return self._utterances.speaking

    async def feed(self, pcm: bytes, *, guarded: bool) -> None:
        """16-bit samples as they come; `guarded` while an answer is played that may be picked up."""
        samples: Samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float32)
        samples /= _FULL_SCALE

        def hear() -> list[Change]:
            return list(self._utterances.feed(samples, guarded=guarded))

        for change in await asyncio.get_running_loop().run_in_executor(_hearing, hear):
            await self._take(change)

    async def finish(self, seconds: float) -> None:
        """The sound has ended: what was being said is written down as well, if that takes no more than `seconds`."""
        for change in self._utterances.end():
            await self._take(change)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.join(), seconds)

    async def close(self) -> None:
        """Listen no more."""
        for task in (self._writing, self._guess):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _take(self, change: Change) -> None:
        if change.stage == "began":
            self._listener.began()
        elif change.stage == "paused":
            self._guess = asyncio.create_task(self._recognise(change.samples, tell=True))
        elif change.stage == "went_on":
            self._drop_guess()
        else:
            guess, self._guess = self._guess, None
            await self._ended.put(guess or asyncio.create_task(self._recognise(change.samples, tell=False)))

    def _drop_guess(self) -> None:
        # What a thread recognises already goes on to its end there; what still waits for it never begins.
        if self._guess is not None:
            self._guess.cancel()
            self._guess = None

    async def _recognise(self, samples: Samples, *, tell: bool) -> Utterance:
        try:
            heard = await listen_to(Sound(samples, _RATE), self._transcriber, language=self._language())
        except KefuError as error:  # it is kept as sound, and its turn listens again
            _log.warning("utterance_not_recognised", reason=error.code)
            return Utterance(samples, None, "")
        if tell and heard.text:
            self._listener.understood(heard.text)
        return Utterance(samples, heard.text, heard.language)

    async def _write_down(self) -> None:
        while True:
            ended = await self._ended.get()
            try:
                await self._listener.said(await ended)
            except Exception as error:  # the line goes on; whoever spoke is told
                _log.error("utterance_lost", exception=error)
            finally:
                self._ended.task_done()
