"""Routes of the assistant: policy, engines, calibration, questions tried."""

import json
import time
from importlib.resources import files
from typing import Any

from django.http import HttpRequest
from ninja import Router

from kefu.brain.texts import BUILT_IN
from kefu.contracts.engine import Generator, Prompt, Said
from kefu.contracts.turn import Policy
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants import actions, queries
from kefu.desk.assistants.schemas import assistants as schemas
from kefu.desk.encoders import load_encoder
from kefu.desk.generators import checked, choose, located
from kefu.desk.http.entry import member
from kefu.desk.inbox.queries import confidences
from kefu.desk.modelhub.queries import generators
from kefu.desk.trial import try_question
from kefu.desk.wiring import engine_of, load_engine
from kefu.kit import registry
from kefu.kit.errors import BadInput, KefuError, NotAllowed
from kefu.kit.runtime import run
from kefu.knowledge.confidence import default_thresholds
from kefu.knowledge.embedding import DEFAULT_ENCODERS

router = Router(auth=member, tags=["Assistant"])

_CHECK_SECONDS = 60.0  # loading a model of a few gigabytes
_STEPS = 20  # points of the curve of recent questions


@router.get("/assistant", response=schemas.Assistant)
def assistant(request: HttpRequest) -> dict[str, Any]:
    """How the assistant answers, beside the defaults."""
    return _assistant(_actor(request))


@router.patch("/assistant", response=schemas.Assistant)
def change(request: HttpRequest, body: schemas.AssistantChange) -> dict[str, Any]:
    """Change what is given of the assistant."""
    actions.set_up(_actor(request), name=body.name, policy=body.policy.given())
    return _assistant(_actor(request))


@router.get("/assistant/engines", response=schemas.InstalledEngines)
def engines(request: HttpRequest) -> dict[str, Any]:
    """The engines that are installed, with their options, and the workspace's own versions that write answers."""
    own = generators(_actor(request))
    found = registry.manifests("engines").values()
    return {"engines": [schemas.engine(each) for each in found], "generators": own}


@router.put("/assistant/engines/generator", response=schemas.Assistant)
def set_generator(request: HttpRequest, body: schemas.GeneratorChange) -> dict[str, Any]:
    """Choose the generator; an empty reference switches it off.

    The files of one that runs here are checked first: they are there, and as their card says.
    """
    choose(_actor(request), reference=body.reference, options=body.options)
    return _assistant(_actor(request))


@router.post("/assistant/engines/generator/check", response=schemas.Check)
def check_generator(request: HttpRequest, body: schemas.GeneratorChange) -> dict[str, Any]:
    """Load a generator and have it say a word, before it is chosen."""
    actor = _actor(request)
    options = actions.merged_options(actor, body.reference, body.options)
    begun = time.perf_counter()
    try:
        reference = checked(actor, body.reference.strip(), options)
        said = _said(engine_of(reference), located(actor.workspace_id, reference), options)
    except KefuError as error:
        return {"ok": False, "detail": error.sentence, "ms": _since(begun)}
    except TimeoutError:
        return {"ok": False, "detail": "It did not answer within a minute.", "ms": _since(begun)}
    return {"ok": True, "detail": said, "ms": _since(begun)}


@router.put("/assistant/engines/encoders", response=schemas.Assistant)
def choose_encoder(request: HttpRequest, body: schemas.EncoderChange) -> dict[str, Any]:
    """Choose the encoder of a language, `*` for all others; an empty reference for the default.

    It is loaded and tried first. Then all passages get its vectors in the background, and the old ones serve until the
    last is made.
    """
    actor, reference = _actor(request), body.reference.strip()
    if reference:
        try:
            _embedded(reference, actions.encoder_options(actor, reference, body.options))
        except KefuError as error:
            if isinstance(error, NotAllowed):
                raise
            raise BadInput(error.sentence, field="reference") from None
        except TimeoutError:
            raise BadInput("It did not answer within a minute.", field="reference") from None
    actions.choose_encoder(actor, language=body.language, reference=reference, options=body.options)
    return _assistant(actor)


@router.get("/assistant/calibration", response=schemas.Calibration)
def calibration(request: HttpRequest) -> dict[str, Any]:
    """What each threshold lets through: as measured on the calibration questions, and on this workspace's own."""
    recent = confidences(_actor(request))
    return {"curves": _curves(), "recent": _recent(recent), "thresholds": default_thresholds()}


@router.post("/assistant/try", response=schemas.Trial)
def try_draft(request: HttpRequest, body: schemas.QuestionWithDraft) -> dict[str, Any]:
    """What would be answered with a policy that is not stored yet."""
    return _trial(request, body, body.policy.given())


@router.post("/library/try", response=schemas.Trial, tags=["Knowledge"])
def try_knowledge(request: HttpRequest, body: schemas.Question) -> dict[str, Any]:
    """What would be answered now, and from where."""
    return _trial(request, body, None)


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]


def _trial(request: HttpRequest, body: schemas.Question, policy: dict[str, Any] | None) -> dict[str, Any]:
    history = tuple(Said(each.author, each.text) for each in body.history)
    return schemas.trial(try_question(_actor(request), question=body.question, history=history, policy=policy))


def _assistant(actor: Actor) -> dict[str, Any]:
    found = queries.assistant(actor)
    stored, language = queries.stored_policy(actor.workspace_id)
    may_see = actor.role in {Role.OWNER, Role.ADMIN}
    options, secrets = queries.shown_options(actor) if may_see else ({}, [])
    return {
        "name": found.name,
        "policy": schemas.policy(found.policy),
        "defaults": schemas.policy(queries.policy_of({}, language)),
        "set": sorted(set(stored) & set(Policy.__dataclass_fields__)),
        "texts": BUILT_IN,
        "thresholds": default_thresholds(),
        "engines": {
            "generator": {"reference": found.generator, "options": options, "secrets": secrets},
            **_encoders(actor),
        },
    }


def _encoders(actor: Actor) -> dict[str, Any]:
    choice = queries.shown_encoders(actor)

    def shown(language: str, default: str) -> dict[str, Any]:
        reference = choice.live.get(language, default)
        wanted = None if choice.wanted is None else choice.wanted.get(language, default)
        return {
            "language": language,
            "reference": reference,
            "default": default,
            "options": choice.options.get(wanted or reference, {}),
            "wanted": wanted if wanted != reference else None,
        }

    return {
        "encoders": [shown(language, default) for language, default in DEFAULT_ENCODERS.items()],
        "work": {"done": choice.done, "total": choice.total, "problem": choice.problem},
    }


def _embedded(reference: str, options: dict[str, Any]) -> str:
    """Load an encoder and embed a word; gives how long its vectors are."""
    encoder = load_encoder(reference, options)
    try:
        return str(run(encoder.embed(["Are you there?"], "query"), timeout=_CHECK_SECONDS).shape[1])
    finally:
        run(encoder.close())


def _said(engine: str, reference: str, options: dict[str, Any]) -> str:
    generator = load_engine(engine, reference, options, Generator)

    async def word() -> str:
        prompt = Prompt("Answer with one word.", (Said("contact", "Are you there?"),), max_tokens=8)
        return "".join([piece async for piece in generator.generate(prompt)])

    try:
        return run(word(), timeout=_CHECK_SECONDS)
    finally:
        run(generator.close())


def _since(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 1)


def _curves() -> dict[str, list[dict[str, float]]]:
    text = files("kefu.knowledge").joinpath("calibration.json").read_text(encoding="utf-8")
    names = ("threshold", "answered", "refused")
    return {
        language: [dict(zip(names, point, strict=True)) for point in group.get("curve", [])]
        for language, group in json.loads(text)["groups"].items()
    }


def _recent(found: list[float]) -> dict[str, Any]:
    thresholds = [step / _STEPS for step in range(_STEPS + 1)]
    points = [
        {"threshold": each, "answered": round(sum(value >= each for value in found) / len(found), 4)}
        for each in thresholds
        if found
    ]
    return {"questions": len(found), "points": points}
