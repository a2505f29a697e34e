"""Slots of STAR's customers: a linear tagger taught on the half of the dialogues that flows were written from.

What a customer's words mean is found by looking for the values of the wizard's calls in them; each turn is taught
several times with other names, numbers, hotels and doctors in the places of its own, masked as every message is. Of the
other half of the dialogues nothing is used.
"""

import json
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kefu.brain.hear import hear
from kefu.contracts.engine import Tagger
from kefu.contracts.flow_state import Candidate
from kefu.contracts.job import Job
from kefu.factory.recipes.tagger_linear.recipe import TaggerLinearRecipe
from kefu.kit import registry
from kefu.kit.runtime import run
from kefu.knowledge.labels import read
from kefu.knowledge.masking import mask

Find = Callable[[str, str], tuple[Candidate, ...]]

# The slots that the arguments of calls are of; `Name` is a hotel or a doctor.
SLOTS = {
    "FullName": "name", "CustomerName": "name", "PatientName": "name", "AccountNumber": "account_number", "PIN": "pin",
    "DateOfBirth": "birthday", "SecurityAnswer1": "maiden_name", "SecurityAnswer2": "pet", "RoomNumber": "room",
    "Time": "time", "StartDate": "arrival", "EndDate": "departure", "id": "reference", "FraudReport": "details",
    "ChangeDescription": "change", "CustomerRequest": "request",
}  # fmt: skip
ASKED = {
    "ask_name": "name", "bank_ask_account_number": "account_number", "bank_ask_pin": "pin", "bank_ask_dob": "birthday",
    "bank_ask_mothers_maiden_name": "maiden_name", "bank_ask_childhood_pets_name": "pet",
    "bank_ask_fraud_details": "details", "doctor_ask_doctor_name": "doctor", "hotel_ask_hotel": "hotel",
    "hotel_ask_date_from": "arrival", "hotel_ask_date_to": "departure", "hotel_ask_room_number": "room",
    "hotel_ask_service_request": "request", "hotel_ask_time": "time", "plane_ask_flight_id": "reference",
    "ride_ask_booking_number": "reference", "ride_ask_change": "change", "hotel_ask_confirm_booking": "go_ahead",
    "plane_flight_available": "go_ahead",
}  # fmt: skip
FREE = {"details", "change", "request"}
COPIES = 12
FIRST = (
    "Emma Liam Olivia Noah Ava Lucas Mia Ethan Grace Oscar Nina Peter Laura Simon Julia David Paula Victor Irene Adam"
).split()
LAST = "Taylor Evans Wright Cooper Hughes Bennett Foster Reed Ward Morris Bailey Perry Hayes Russell".split()
PETS = "Rex Bella Max Daisy Charlie Luna Rocky Molly Spot Tiger Oreo Coco".split()
HOTELS = ("Hilton", "Hyatt", "Shadyside", "Old Town", "Hilton Hotel", "Hyatt Hotel", "Shadyside Inn", "Old Town Inn")
DOCTORS = ("Johnson", "Morgan", "Alexis")
ORDINALS = ("st", "nd", "rd")
_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")


def taught(dialogues: Sequence[Mapping[str, Any]], *, seed: int = 0) -> Find:
    """What finds slots in a masked text: (text, the slot asked for) -> candidates."""
    rows = [row for dialogue in dialogues for row in _rows(dialogue, random.Random(f"{seed}.{dialogue['DialogueID']}"))]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "rows.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        data, out = read(file), Path(place) / "tagger"
        TaggerLinearRecipe({}).train(Job("train", out=str(out)), data, data, lambda told, fields: None)
        engine = registry.load("engines", "tagger", Tagger)(f"path:{out}", {})
        run(engine.load())

    def find(text: str, asked: str) -> tuple[Candidate, ...]:
        spans = run(engine.tag(text, (asked,) if asked else ()))
        return tuple(Candidate(each.slot, each.text, each.confidence) for each in spans)

    return find


def _rows(dialogue: Mapping[str, Any], chance: random.Random) -> Iterator[dict[str, Any]]:
    """Each customer turn with its slots, as it was said and with other values."""
    values = _values(dialogue)
    turns, asked = [], ""
    for event in dialogue["Events"]:
        if event["Action"] == "pick_suggestion":
            asked = ASKED.get(event["ActionLabel"], "")
        elif event["Action"] == "utter" and event["Agent"] == "User":
            turns.append((hear(event["Text"], "en", "en").text, asked))
    for copy in range(COPIES + 1):
        other = {pair: pair[1] if not copy else _other(*pair, chance) for pair in values}
        names: Mapping[str, str] = {}
        for text, requested in turns:
            found = _Turn(text, values, other)
            said = mask(found.text, "en", names)
            names = said.placeholders
            # An assistant may have asked something else than the wizard did.
            wanted = requested if not copy % 2 else chance.choice(("", "", *sorted(set(ASKED.values()))))
            yield {"text": said.text, "slots": found.spans(said), "requested": wanted}


def _values(dialogue: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(slot, value) of every call of the dialogue, the longest values first."""
    found = set()
    for event in dialogue["Events"]:
        for name, written in ((n, str(v)) for each in event.get("Constraints", ()) for n, v in each.items()):
            wrapped = re.fullmatch(r'api\.is_equal_to\("?(.*?)"?\)', written.strip())
            value = (wrapped[1] if wrapped else written).strip().strip('"').strip(" .")
            if not value or value == "null" or value.startswith("api."):
                continue
            slot = SLOTS.get(name) or ("doctor" if value.startswith("Dr") else "hotel" if name == "Name" else "")
            if slot == "doctor":
                value = value.removeprefix("Dr.").strip()
            if slot == "hotel":
                value = re.sub(r" (Hotel|Inn)$", "", value)
            if slot:
                found.add((slot, value))
    return sorted(found, key=lambda pair: -len(pair[1]))


def _other(slot: str, value: str, chance: random.Random) -> str:
    """Another value of the same kind."""
    if slot == "name":
        return chance.choice(FIRST) + (f" {chance.choice(LAST)}" if " " in value else "")
    if slot in {"maiden_name", "pet", "doctor"}:
        return chance.choice({"maiden_name": LAST, "pet": PETS, "doctor": DOCTORS}[slot])
    if slot == "hotel":
        return chance.choice(HOTELS)
    if slot in {"arrival", "departure"}:
        return str(chance.randint(1, 30))
    if slot == "birthday":
        return f"{chance.randint(1, 28):02}/{chance.randint(1, 12):02}/{chance.randint(1940, 2002)}"
    if value.isdigit():
        return "".join(chance.choice("123456789") for _ in value)
    return value


class _Turn:
    """A turn with its values replaced by others, and where they stand."""

    def __init__(self, text: str, values: Sequence[tuple[str, str]], other: Mapping[tuple[str, str], str]) -> None:
        places: list[tuple[int, int, str, str]] = []
        for slot, value in sorted(values, key=lambda pair: pair[0] in FREE):
            for start, end in _places(slot, value, text):
                # A request ends where its time begins.
                times = [one for one, _, kind, _ in places if slot in FREE and start < one < end and kind == "time"]
                last = min([end, *times])
                if all(last <= one or start >= two for one, two, *_ in places):
                    places.append((start, last, slot, text[start:last] if slot in FREE else other[slot, value]))
                    if slot not in {"name", "doctor", "hotel", "pin"}:
                        break
        self._spans: list[tuple[int, int, str]] = []
        parts, at, length = [], 0, 0
        for start, end, slot, value in sorted(places):
            said = value + (_ending(text[start:end], value) if slot in {"arrival", "departure"} else "")
            parts += [text[at:start], said]
            length += start - at
            self._spans.append((length, length + len(said), slot))
            length += len(said)
            at = end
        self.text = "".join([*parts, text[at:]])

    def spans(self, said: Any) -> list[dict[str, Any]]:
        """The places in the masked text."""
        return [
            {"slot": slot, "start": start, "end": end}
            for first, last, slot in self._spans
            for start, end in [(_moved(first, said, False), _moved(last, said, True))]
            if start < end <= len(said.text)
        ]


def _moved(at: int, said: Any, is_end: bool) -> int:
    """Where a character of the original is in the masked text."""
    by_value = {value: placeholder for placeholder, value in said.placeholders.items()}
    shift = 0
    for entity in said.entities:
        placeholder = by_value.get(entity.text, "")
        if entity.end <= at and not (is_end and entity.start >= at):
            shift += len(placeholder) - (entity.end - entity.start)
        elif entity.start < at < entity.end:
            return entity.start + shift + (len(placeholder) if is_end else 0)
    return at + shift


def _places(slot: str, value: str, text: str) -> Iterator[tuple[int, int]]:
    if slot in FREE:
        yield from _nearest(value, text)
        return
    if slot in {"arrival", "departure"}:
        day = re.sub(r"\D", "", value)
        pattern = rf"\b{day}(?:st|nd|rd|th)?\b" if day else "(?!)"
    elif slot == "time":
        pattern = re.escape(value).replace(r"\ ", r"\s*")
    else:
        pattern = rf"\b{re.escape(value)}\b"
        if slot == "hotel":
            pattern += r"(?: (?:hotel|inn)\b)?"
    for match in re.finditer(pattern, text, re.IGNORECASE):
        yield match.span()


def _nearest(value: str, text: str) -> Iterator[tuple[int, int]]:
    """The sentence that shares most words with a free text that a wizard wrote down, if it shares half of them."""
    wanted = {word.lower() for word in _WORD.findall(value)}
    best, place = 0.0, (0, 0)
    for match in _SENTENCE.finditer(text):
        words = {word.lower() for word in _WORD.findall(match[0])}
        shared = len(words & wanted) / max(1, min(len(wanted), len(words)))
        if len(words) > 2 and shared > best:
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            best, place = shared, (start, match.end())
    if best >= 0.5:
        yield place


def _ending(old: str, new: str) -> str:
    """`1st` becomes `2nd` where there was an ending."""
    if not old[-1].isalpha() or not new.isdigit():
        return ""
    last, teen = int(new) % 10, 10 < int(new) % 100 < 14
    return "th" if teen or not 0 < last < 4 else ORDINALS[last - 1]
