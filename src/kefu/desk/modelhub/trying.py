"""Trying a version: what it makes of texts that somebody types, whether it is live or not."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from kefu.contracts.engine import Classifier, Scorer, Tagger
from kefu.desk.actor import Actor, Role
from kefu.desk.modelhub.queries.registry import get_version, served_version
from kefu.desk.wiring import wiring
from kefu.kit.errors import BadInput, Unavailable
from kefu.kit.runtime import run
from kefu.knowledge.pictures import data_url, is_picture

_MOST_CHARACTERS = 2_000
_OF_PICTURES = "picture"  # the runtime of models that look at pictures
_SECONDS = 60.0
_SHOWN = 5  # labels of each text
# What says something of a text by itself, and where other models are tried.
_TRIED = ("classify", "score", "tag")
_UNTRIED = {"rerank": "puts what search finds in order: ask a question of the knowledge while it is live"}
# What a model that gives no labels leaves out.
_BLANK: Mapping[str, Any] = {"label": None, "confidence": None, "out_of_scope": None, "scope": None, "scores": {}}


def guesses(actor: Actor, *, version_id: str, texts: Sequence[str]) -> list[dict[str, Any]]:
    """A label with its probability, or a number, or the slots in it, for each text; pictures are data URLs.

    Raises BadInput for texts that are empty or too long, Unavailable, BadInstallation, NotFound, NotAllowed.
    """
    actor.require_role(Role.AGENT)
    row = get_version(actor.workspace_id, version_id)
    if texts and row.card["runtime"] == _OF_PICTURES:
        texts = [_shown(text) for text in texts]
    elif not texts or any(not text.strip() or len(text) > _MOST_CHARACTERS for text in texts):
        raise BadInput(f"One text or more, of 1 to {_MOST_CHARACTERS:,} characters.", field="texts")
    if row.card["task"] not in _TRIED:
        raise BadInput(f"{row.model.name} {_UNTRIED.get(row.card['task'], 'says nothing of a text')}.", field="texts")
    engine = wiring().version(served_version(row))
    try:
        if row.card["task"] == "score":
            return run(_scores(engine, texts), timeout=_SECONDS)
        if row.card["task"] == "tag":
            return run(_slots(engine, texts), timeout=_SECONDS)
        return run(_labels(engine, texts), timeout=_SECONDS)
    except TimeoutError:
        raise Unavailable("The model did not answer within a minute.") from None


def _shown(url: str) -> str:
    """A picture of any size as models look at it. Raises BadInput."""
    if not is_picture(url):
        raise BadInput("This model looks at pictures, each a data URL.", field="texts")
    try:
        return data_url(base64.b64decode(url.partition(",")[2], validate=True), "The file")
    except binascii.Error:
        raise BadInput("This text is not a picture's data URL.", field="texts") from None


async def _labels(engine: Classifier, texts: Sequence[str]) -> list[dict[str, Any]]:
    found = await engine.classify(texts)
    return [
        {
            "text": text,
            "label": one.label,
            "confidence": one.confidence,
            "out_of_scope": one.out_of_scope,
            "scope": one.scope if one.scope == one.scope else None,
            "score": None,
            "scores": dict(list(one.scores.items())[:_SHOWN]),
        }
        for text, one in zip(texts, found, strict=True)
    ]


async def _scores(engine: Scorer, texts: Sequence[str]) -> list[dict[str, Any]]:
    found = await engine.score(texts)
    return [{**_BLANK, "text": text, "score": float(one)} for text, one in zip(texts, found, strict=True)]


async def _slots(engine: Tagger, texts: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {**_BLANK, "text": text, "score": None, "slots": [asdict(each) for each in await engine.tag(text)]}
        for text in texts
    ]
