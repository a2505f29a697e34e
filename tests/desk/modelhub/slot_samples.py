"""Made slot data: dishes, which no rule reads, in orders and alone after a question."""

import json
from pathlib import Path
from typing import Any

DISHES = ("spicy noodles", "fried rice", "green curry", "onion soup", "lemon cake", "roast duck")
TEMPLATES = ("I would like {} please", "bring me {}", "can I have {} tonight", "one order of {} thanks", "{}")
PLAIN = ("are you open today", "hello there", "thank you so much", "where is my parcel")


def slot_rows(dishes: tuple[str, ...] = DISHES) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [{"text": text, "slots": [], "requested": ""} for text in PLAIN]
    for dish in dishes:
        for template in TEMPLATES:
            start = template.index("{}")
            slot = {"slot": "dish", "start": start, "end": start + len(dish)}
            made.append(
                {"text": template.format(dish), "slots": [slot], "requested": "dish" if template == "{}" else ""}
            )
    return made


def slot_lines(made: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in made).encode()


def write_slots(path: Path, made: list[dict[str, Any]]) -> Path:
    path.write_bytes(slot_lines(made))
    return path


FLOW = """schema: kefu.flow/v1
id: order
name: {en: Order food}
languages: [en]
when: {keywords: {en: [I would like, bring me]}}
slots:
  dish: {type: text, question: {en: "Which dish?"}}
  day: {type: date, question: {en: "For which day?"}}
steps:
  - ask: dish
  - ask: day
  - say: {en: "{{ dish }} it is."}
  - end: solved
"""
