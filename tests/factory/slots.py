"""Made slot data that a small tagger can learn: people and days in sentences, and alone after a question."""

import json
import random
from pathlib import Path
from typing import Any

DAYS = ("monday", "tuesday", "friday", "today")
TEMPLATES = (
    "a table for {people} on {day}",
    "{people} please",
    "on {day} for {people}",
    "is the door open",
    "on {day}",
)


def rows(number: int, seed: int = 0) -> list[dict[str, Any]]:
    """Rows as they are written in a file."""
    chance = random.Random(seed)
    made = []
    for _ in range(number):
        values = {"people": str(chance.randint(1, 30)), "day": chance.choice(DAYS)}
        if chance.random() < 0.2:
            slot = chance.choice(("people", "day"))
            made.append({"text": values[slot], "slots": [_span(slot, 0, values[slot])], "requested": slot})
            continue
        template = chance.choice(TEMPLATES)
        text = template.format(**values)
        spans = [_span(slot, text.index(values[slot]), values[slot]) for slot in values if f"{{{slot}}}" in template]
        made.append({"text": text, "slots": spans, "requested": ""})
    return made


def write_rows(path: Path, made: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    return path


def _span(slot: str, start: int, value: str) -> dict[str, Any]:
    return {"slot": slot, "start": start, "end": start + len(value)}
