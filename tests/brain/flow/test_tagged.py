"""A tagger finds that a slot holds another value: the flow goes back to what used it, never past what was done."""

from dataclasses import replace
from datetime import UTC, datetime

from kefu.brain.flow import Shelf, begin, go_on, load_flow
from kefu.contracts.flow_state import CallTool, Candidate, FlowState, Stepped, ToolResult, Understood

BOOK = """schema: kefu.flow/v1
id: room
name: {en: A room}
languages: [en]
when: {keywords: {en: [a room]}}
slots:
  hotel: {type: pattern, pattern: '[A-Z][a-z]+', question: {en: Which hotel?}}
  sure: {type: yes_no, question: {en: Shall I book?}, volunteer: false}
  wish: {type: text, question: {en: What else?}, volunteer: false}
steps:
  - ask: hotel
    id: which
  - call: hotel.look
    id: look
    with: {hotel: "{{ hotel }}"}
    repeatable: true
  - ask: sure
    id: really
  - call: hotel.book
    id: book
    with: {hotel: "{{ hotel }}"}
  - ask: wish
    id: more
  - end: solved
    id: done
"""
HEARD = Understood("c", "t0", datetime(2026, 11, 22, tzinfo=UTC))
FLOW = load_flow(BOOK)
SHELF = Shelf([FLOW])


def said(state: FlowState | None, turn: str, text: str, hotel: str = "") -> Stepped:
    """A message with what a tagger found in it, and the answers of the tools that it leads to."""
    heard = replace(HEARD, turn_id=turn, text=text, candidates=(Candidate("hotel", hotel),) if hotel else ())
    stepped = begin(FLOW, heard, SHELF) if state is None else go_on(state, heard, SHELF)
    path = list(stepped.path)
    while stepped.effects and isinstance(call := stepped.effects[-1], CallTool):
        stepped = go_on(stepped.state, replace(heard, tool_result=ToolResult(call.call_id)), SHELF)
        path += stepped.path
    return replace(stepped, path=tuple(path))


def test_it_goes_back_to_the_look_up_and_not_past_the_booking() -> None:
    first = said(None, "t1", "a room at the Hilton", "Hilton")
    assert first.path == ("room/which", "room/look", "room/really")
    other = said(first.state, "t2", "the Hyatt would be nicer", "Hyatt")
    assert other.path == ("room/which", "room/look", "room/really")
    assert other.state.frames[0].values["hotel"].value == "Hyatt"
    booked = said(other.state, "t3", "yes")
    assert booked.path == ("room/book", "room/more")
    late = said(booked.state, "t4", "I would rather have the Ritz", "Ritz")
    assert late.path == ("room/done",)
