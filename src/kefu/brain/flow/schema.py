"""The JSON Schema of a flow's YAML, for editors; `contracts/flow.schema.json` is this, published."""

from typing import Any

from kefu.brain.flow.listed import ASPECTS
from kefu.brain.flow.reading_flow import (
    DIRECTIONS,
    MOST_QUESTIONS,
    MOST_ROUNDS,
    OTHER_FLOWS,
    QUESTIONS,
)
from kefu.contracts.flow import SCHEMA, SlotType

_ID = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,63}$"}
_NAME = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"}
_TEXT = {"type": "string"}
_TRUTH = {"type": "boolean"}
_LIST = {"oneOf": [_TEXT, {"type": "array", "items": _TEXT}]}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _table(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    table = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**table, "required": list(required)} if required else table


def _said(what: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "description": what}


def flow_schema() -> dict[str, Any]:
    """The schema as plain data."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Kefu flow",
        "description": "A company's own business logic: slots, steps, replies. Reference: docs/reference/flows.md",
        **_table(
            {
                "schema": {"const": SCHEMA},
                "id": _ID,
                "name": _ref("texts"),
                "version": {"type": "integer", "minimum": 1},
                "languages": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]{2,3}$"}, "minItems": 1},
                "description": _TEXT,
                "when": _when(),
                "slots": {"type": "object", "propertyNames": _NAME, "additionalProperties": _ref("slot")},
                "steps": _ref("steps"),
                "replies": {"type": "object", "additionalProperties": _ref("texts")},
                "interrupts": _interrupts(),
            },
            ("schema", "id", "languages", "steps"),
        ),
        "$defs": {
            "texts": _said(
                "A template in each language of the flow; a plain text if it has one language.",
                {"oneOf": [_TEXT, {"type": "object", "additionalProperties": _TEXT}]},
            ),
            "words": _said(
                "Words in each language, or a list for all languages.",
                {
                    "oneOf": [
                        _TEXT,
                        {"type": "array", "items": _TEXT},
                        {"type": "object", "additionalProperties": _LIST},
                    ]
                },
            ),
            "choice": {"oneOf": [_TEXT, _table(_choice(), ("value",))]},
            "option": {"oneOf": [_TEXT, _table({**_choice(), "steps": _ref("steps")}, ("value",))]},
            "values": {"type": "object"},
            "slot": _slot(),
            "steps": {"oneOf": [{"type": "null"}, {"type": "array", "items": _ref("step")}]},
            "step": {"oneOf": [_table({"id": _ID, **fields}, tuple(fields)[:1]) for fields in _steps()]},
        },
    }


def _when() -> dict[str, Any]:
    return _table({"intents": _LIST, "keywords": _ref("words"), "patterns": _LIST, "called": _TRUTH})


def _interrupts() -> dict[str, Any]:
    return _table(
        {
            "questions": {"enum": list(QUESTIONS)},
            "cancel": _ref("words"),
            "may_cancel": _TRUTH,
            "corrections": _TRUTH,
            "other_flows": {"enum": list(OTHER_FLOWS)},
        }
    )


def _choice() -> dict[str, Any]:
    return {"value": _TEXT, "label": _ref("texts"), "synonyms": _ref("words")}


def _slot() -> dict[str, Any]:
    bound = {"type": ["number", "string"]}
    return _table(
        {
            "type": {"enum": [kind.value for kind in SlotType]},
            "question": _ref("texts"),
            "again": _said("The question after an answer that was not understood.", _ref("texts")),
            "invalid": _said("Said when a value was understood but is not allowed.", _ref("texts")),
            "examples": _ref("words"),
            "hint": _said('What customers call it: "date" in "change the date".', _ref("words")),
            "pattern": _said("A regular expression of RE2.", _TEXT),
            "choices": {"type": "array", "items": _ref("choice")},
            "min": bound,
            "max": bound,
            "direction": {"enum": list(DIRECTIONS)},
            "currency": _TEXT,
            "ask_again": {"type": "integer", "minimum": 0, "maximum": MOST_QUESTIONS},
            "if_missing": _said("hand_over, skip, end, or the id of a step.", _TEXT),
            "attribute": _said("The contact's attribute that the value is taken from.", _TEXT),
            "remember": {"type": "string", "pattern": r"^(flow|conversation|contact|\d{1,4} days?)$"},
            "confirm": {"oneOf": [_TRUTH, {"type": "object", "additionalProperties": _TEXT}]},
            "volunteer": _TRUTH,
        }
    )


def _steps() -> list[dict[str, Any]]:
    """The fields of each kind of step, the one that names it first."""
    again = {"type": "integer", "minimum": 0, "maximum": MOST_QUESTIONS}
    steps = _ref("steps")
    hand_over = _table({"reason": _TEXT, "team": _TEXT, "note": _TEXT, "say": _ref("texts")})
    return [
        {"say": _ref("texts"), "quick_replies": _ref("words")},
        {"ask": _LIST, "confirm": _ref("texts"), "unknown": steps, "afresh": _TRUTH},
        {
            "choose": _ref("texts"),
            "options": {"type": "array", "items": _ref("option")},
            "from": _said("Instead of options: an expression that gives a list, such as a tool's result.", _TEXT),
            "label": _said("What an item of the list is called; it may name item and place.", _ref("texts")),
            "compare": _said("The item's field by which customers compare.", _table(dict.fromkeys(ASPECTS, _NAME))),
            "into": _NAME,
            "ask_again": again,
            "otherwise": steps,
        },
        {"call": _TEXT, "with": _ref("values"), "save": _ref("values"), "repeatable": _TRUTH, "on_error": steps},
        {"set": _ref("values")},
        {"if": {"type": ["string", "boolean", "number"]}, "then": steps, "else": steps},
        {
            "repeat": {"type": "integer", "minimum": 1, "maximum": MOST_ROUNDS},
            "while": {"type": ["string", "boolean", "number"]},
            "steps": steps,
            "otherwise": steps,
        },
        {"goto": _ID},
        {"call_flow": _TEXT, "with": _ref("values"), "save": _ref("values")},
        {"hand_over": {"oneOf": [_TEXT, hand_over]}},
        {"rate": _ref("texts"), "scale": {"type": "integer", "minimum": 2, "maximum": 10}, "into": _NAME},
        {"end": _TEXT},
    ]
