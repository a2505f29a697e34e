"""Speaks answers into a call sentence by sentence while they are written, and stops when somebody interrupts."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import numpy as np

from kefu.brain.listen import pieces, sounds
from kefu.contracts.call import Origin, sound_frame
from kefu.contracts.engine import Sound, Speaker
from kefu.gateway.calls.line import Line
from kefu.kit.errors import KefuError
from kefu.kit.log import Log
from kefu.knowledge.sound import resampled

_log = Log(__name__)

# The voices' own rate: a browser plays it as it is.
_RATE = 24_000
# A fifth of a second: what is said to the browser meanwhile waits no longer behind it.
_PIECE = _RATE // 5
_FULL_SCALE = 32_767
# Replies whose sentences are remembered; an interruption concerns the last one or two.
_REPLIES = 8


@dataclass(eq=False)
class Sentence:
    """A piece of a reply: where it stands in the text, and how far it has come."""

    number: int
    reply: str
    text: str
    start: int
    language: str
    begun: bool = False
    played: bool = False


@dataclass(eq=False)
class _Reply:
    """What is known of a reply: how much of its text has been cut into sentences, and from where it was not heard."""

    cut: int = 0
    message_id: str = ""
    sentences: list[Sentence] = field(default_factory=list)
    unheard_from: int | None = None
    said_to_be: int | None = None


class Voice:
    """Speaks on one line. Replies are named by their turn, or by their message where no turn made them.

    `unheard` is told of a message, and the character from which on it was not heard.
    """

    def __init__(self, speaker: Speaker, unheard: Callable[[str, int], None]) -> None:
        self._speaker = speaker
        self._unheard = unheard
        self._line: Line | None = None
        self._waiting: deque[Sentence] = deque()
        self._wanted = asyncio.Event()
        self._sent: OrderedDict[int, Sentence] = OrderedDict()
        self._held: list[Sentence] = []
        self._replies: OrderedDict[str, _Reply] = OrderedDict()
        self._number = 0
        self._listening = False
        self._making: asyncio.Task[None] | None = None
        self._speaking = asyncio.create_task(self._speak())

    @property
    def sounds(self) -> bool:
        """Whether something is being played, or is about to be."""
        return bool(self._waiting or self._sent)

    def attach(self, line: Line | None) -> None:
        """Speak on this line from now on; what the one before did not play is spoken again."""
        self._line, self._listening = line, False
        if self._making is not None:
            self._making.cancel()
        unplayed = [each for each in self._sent.values() if not each.played]
        self._sent.clear()
        self._waiting.extendleft(reversed(unplayed))
        self._wake()

    def add(self, reply: str, text: str, language: str) -> None:
        """More of a reply that is being written."""
        self._cut(self._known(reply), reply, text, language)

    def complete(self, reply: str, message_id: str, text: str, language: str) -> None:
        """A reply as it is stored: what of it has not been spoken yet is."""
        known = self._known(reply)
        if not known.message_id:
            known.message_id = message_id
            self._cut(known, reply, text[known.cut :], language)
        self._note(known)

    def played(self, number: int, *, begun: bool) -> None:
        """The browser begins to play a sentence, or has played it."""
        sentence = self._sent.get(number)
        if sentence is None:
            return
        sentence.begun = True
        if not begun:
            sentence.played = True
            del self._sent[number]

    def interrupt(self) -> bool:
        """Say nothing while somebody speaks; keep what was not heard until it is clear what they said.

        Gives whether there was anything to stop.
        """
        self._listening = True
        if not self.sounds:
            return False
        self._held = [*self._sent.values(), *self._waiting]
        last = next(iter(self._sent), 0)
        self._sent.clear()
        self._waiting.clear()
        if self._making is not None:
            self._making.cancel()
        if self._line is not None:
            self._line.forget_sound()
            self._line.tell("interrupt", sentence=last)
        return True

    def go_on(self) -> None:
        """Nobody said anything after all: speak on with the sentence that was cut."""
        held, self._held = self._held, []
        self._listening = False
        self._waiting.extendleft(reversed(held))
        self._wake()

    def give_up(self) -> None:
        """Something was said: what was kept is not spoken, and of its replies nothing that is still written."""
        held, self._held = self._held, []
        for sentence in held:
            known = self._known(sentence.reply)
            place = sentence.start + len(sentence.text) if sentence.begun else sentence.start
            known.unheard_from = place if known.unheard_from is None else min(known.unheard_from, place)
        given_up = {sentence.reply for sentence in held}
        self._waiting = deque(each for each in self._waiting if each.reply not in given_up)
        for reply in given_up:
            self._note(self._known(reply))
        self._listening = False
        self._wake()

    async def close(self) -> None:
        self._speaking.cancel()
        if self._making is not None:
            self._making.cancel()

    def _known(self, reply: str) -> _Reply:
        known = self._replies.setdefault(reply, _Reply())
        self._replies.move_to_end(reply)
        while len(self._replies) > _REPLIES:
            self._replies.popitem(last=False)
        return known

    def _note(self, known: _Reply) -> None:
        if known.message_id and known.unheard_from is not None and known.unheard_from != known.said_to_be:
            known.said_to_be = known.unheard_from
            self._unheard(known.message_id, known.unheard_from)

    def _cut(self, known: _Reply, reply: str, text: str, language: str) -> None:
        begin, known.cut = known.cut, known.cut + len(text)
        if known.unheard_from is not None:
            return  # it was interrupted: the rest is written, not spoken
        at = 0
        for piece in pieces(text, language, is_first=begin == 0):
            found = text.find(piece, at)
            at = found + len(piece) if found >= 0 else at
            self._number += 1
            start = begin + max(found, 0)
            self._waiting.append(Sentence(self._number, reply, piece, start, language))
        self._wake()

    def _wake(self) -> None:
        if self._waiting and self._line is not None:
            self._wanted.set()

    async def _speak(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting and self._line is not None and not self._listening:
                sentence = self._waiting.popleft()
                self._sent[sentence.number] = sentence
                self._making = asyncio.create_task(self._say(sentence, self._line))
                await asyncio.wait([self._making])
                self._making = None

    async def _say(self, sentence: Sentence, line: Line) -> None:
        known = self._known(sentence.reply)
        line.tell("reply.sentence", sentence=sentence.number, text=sentence.text, message=known.message_id or None)
        try:
            async for sound in sounds(sentence.text, self._speaker, sentence.language):
                async for frame in _frames(sound, sentence.number):
                    await line.play(frame)
        except KefuError as error:  # the customer reads it
            _log.warning("sentence_not_spoken", reason=error.code)
        line.tell("reply.spoken", sentence=sentence.number)


async def _frames(sound: Sound, number: int) -> AsyncIterator[bytes]:
    samples = (await asyncio.to_thread(resampled, sound, _RATE)).samples if sound.rate != _RATE else sound.samples
    pcm = (np.clip(samples, -1, 1) * _FULL_SCALE).astype("<i2")
    for start in range(0, len(pcm), _PIECE):
        yield sound_frame(Origin.ANSWER, pcm[start : start + _PIECE].tobytes(), rate=_RATE, sentence=number)
