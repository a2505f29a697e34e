"""A tagger within a turn: what it is told, what becomes of its spans, and the rules alone where it fails."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from kefu.brain import tag
from kefu.brain.flow import Shelf, load_flow
from kefu.contracts.engine import EngineCard, TaggedSpan
from kefu.kit.errors import Unavailable

from .test_turn_flow import Customer, step_of

ROOM = """
schema: kefu.flow/v1
id: room
name: {en: A room}
languages: [en]
when: {keywords: {en: [book a room]}}
slots:
  hotel: {type: text, question: {en: "Which hotel?"}}
  wish: {type: text, question: {en: "What else?"}, volunteer: false}
steps:
  - ask: hotel
  - ask: wish
  - say: {en: "{{ hotel }} it is."}
"""
TAXI = ROOM.replace("room", "taxi").replace("hotel", "stand").replace("book a", "call a")


class Words:
    """Finds given words for their slots, and keeps what it was asked."""

    def __init__(self, *known: tuple[str, str], breaks: Callable[[], Any] | None = None) -> None:
        self.known = known
        self.breaks = breaks
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def card(self) -> EngineCard:
        return EngineCard("words", "1")

    async def load(self) -> None: ...

    async def close(self) -> None: ...

    async def tag(self, text: str, requested: Sequence[str] = ()) -> tuple[TaggedSpan, ...]:
        self.asked.append((text, tuple(requested)))
        if self.breaks is not None:
            await self.breaks()
        places = [(slot, text.find(word), word) for slot, word in self.known]
        return tuple(TaggedSpan(slot, at, at + len(word), word, 0.9) for slot, at, word in places if at >= 0)


def customer(tagger: Words, *flows: str) -> Customer:
    made = Customer()
    made.tools = replace(made.tools, slots=tagger, flows=Shelf([load_flow(each) for each in flows or (ROOM,)]))  # type: ignore[arg-type]
    return made


async def test_it_is_told_the_slot_that_was_asked_for() -> None:
    tagger = Words(("hotel", "Ritz"))
    talk = customer(tagger)
    await talk.say("I want to book a room")
    told = await talk.say("the Ritz would be nice")
    assert tagger.asked == [("I want to book a room", ()), ("the Ritz would be nice", ("hotel",))]
    assert step_of(told, "slots")["spans"] == [{"slot": "hotel", "text": "Ritz", "confidence": 0.9}]
    assert step_of(told)["slots"]["hotel"] == "Ritz"


async def test_it_is_not_asked_without_a_flow_or_of_a_pressed_button() -> None:
    tagger = Words()
    talk = customer(tagger)
    await talk.say("How much is standard delivery?")
    assert tagger.asked == []
    await talk.say("book a room")
    talk.request = replace(talk.request, pressed="Ritz")
    await talk.say("Ritz")
    assert len(tagger.asked) == 1


async def test_a_flow_that_is_changed_to_is_read_for_its_own_slots() -> None:
    tagger = Words(("stand", "station"))
    talk = customer(tagger, ROOM.replace("hotel: {type: text", "hotel: {type: number"), TAXI)
    await talk.say("book a room")
    switched = await talk.say("call a taxi from the station")
    if step_of(switched)["flow"] == "room":  # it asks first whether to change over
        switched = await talk.say("yes")
    assert step_of(switched)["flow"] == "taxi"
    assert step_of(switched)["slots"]["stand"] == "station"
    assert tagger.asked[-1] == ("call a taxi from the station", ())


async def test_a_span_that_cuts_a_placeholder_holds_the_whole_of_it() -> None:
    found = await tag.tag(Words(("hotel", "NAME_1")), "ask for <NAME_1> please", (), "words")
    assert [each.text for each in found.candidates] == ["<NAME_1>"]


async def broken() -> None:
    raise Unavailable("The model is away.")


async def never() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(("breaks", "reason"), [(broken, "Unavailable"), (never, "TimeoutError")])
async def test_without_it_the_rules_go_on(breaks: Any, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag, "SECONDS", 0.01)
    talk = customer(Words(breaks=breaks))
    asked = await talk.say("book a room")
    assert asked.text == "Which hotel?"
    assert step_of(asked, "slots")["failed"] == reason
