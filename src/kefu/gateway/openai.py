"""The OpenAI-compatible door: the assistant as a model, for programs that speak that protocol already.

Models go by role (`assistant`, `embed`, `transcribe`, `speak`) or by the real name of what has the role. The company's
own policy answers: instructions that a caller sends as system messages are not obeyed.
"""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response, StreamingResponse

from kefu.brain.turn import answer
from kefu.contracts.engine import Encoder, Said
from kefu.contracts.turn import TurnRequest
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.facts import facts
from kefu.desk.inbox import actions, queries
from kefu.desk.inbox.actions import Incoming
from kefu.desk.wiring import wiring
from kefu.gateway import shapes
from kefu.gateway.hub import Delta
from kefu.gateway.openai_shapes import Chat, Embeddings, completion, error_body, error_status, piece, said_of, usage
from kefu.gateway.state import Gateway, entered
from kefu.gateway.stream import as_said
from kefu.kit import problem
from kefu.kit.errors import BadInput, KefuError, NotFound
from kefu.kit.ids import new_id
from kefu.knowledge.embedding import ANY_LANGUAGE
from kefu.knowledge.masking import mask, unmask

ROLES = ("assistant", "embed", "transcribe", "speak")
_WAIT_SECONDS = 120.0


class OpenAIRoute(APIRoute):
    """Shows errors as OpenAI's clients read them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handle(request)
            except KefuError as error:
                document = problem.of_error(error)
            except RequestValidationError as error:
                first = error.errors()[0]
                place = tuple(part for part in first["loc"] if part != "body")
                document = problem.of_bad_shape(place, first["msg"])
            return JSONResponse(error_body(document), status_code=error_status(document), headers=document.headers)

        return shown


router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"], route_class=OpenAIRoute)


@router.get("/models")
async def models(request: Request) -> dict[str, Any]:
    """What can be asked, by role and by name."""
    gateway, actor = await _entered(request)
    names = await gateway.rows.long(_names, actor.workspace_id)
    listed = {**{role: role for role in ROLES}, **names}
    return {"object": "list", "data": [_model(name, role) for name, role in listed.items()]}


@router.get("/models/{name:path}")
async def model(request: Request, name: str) -> dict[str, Any]:
    """One of them."""
    gateway, actor = await _entered(request)
    names = await gateway.rows.long(_names, actor.workspace_id)
    role = name if name in ROLES else names.get(name)
    if role is None:
        raise NotFound(f"There is no model {name!r}. There are: {', '.join([*ROLES, *names])}.", param="model")
    return _model(name, role)


@router.post("/chat/completions")
async def chat(
    request: Request, body: Chat, key: Annotated[str | None, Header(alias="Idempotency-Key")] = None
) -> Response:
    """Ask the assistant. With `user` the conversation is kept, in the inbox too, and may pass to a person.

    Without it the messages given are all that is known and nothing is kept: the company's rules, hours and knowledge
    answer, but no flow begins, since it could not go on and its systems would not know for whom they work. Sources are
    in the message's `citations`; `kefu` holds decision, confidence and the conversation's id.
    """
    gateway, actor = await _entered(request)
    await _role(gateway, actor, body.model, "assistant")
    said, question = said_of(body)
    made = _kept(gateway, actor, body, question, key) if body.user else _unkept(gateway, actor, said, question)
    if not body.stream:
        whole: dict[str, Any] = {"content": "", "kefu": {}}
        async for name, value in made:
            whole = value if name == "done" else whole
        return JSONResponse(completion(body, whole["content"], whole["kefu"], question))
    # The first step runs before the answer begins, so that what is refused is refused with its status.
    first = await anext(made)
    events = _events(body, first, made, question)
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


@router.post("/embeddings")
async def embeddings(request: Request, body: Embeddings) -> dict[str, Any]:
    """Vectors of texts: `embed` is the encoder that knows every language."""
    gateway, actor = await _entered(request)
    encoder = await gateway.rows.long(_encoder, actor.workspace_id, body.model)
    rows = await encoder.embed(body.input, body.input_type)
    if body.dimensions is not None and body.dimensions != rows.shape[1]:
        raise BadInput(f"This model has {rows.shape[1]} dimensions, not {body.dimensions}.", param="dimensions")
    tokens = sum(len(text) for text in body.input) // 4
    return {
        "object": "list",
        "model": body.model,
        "data": [
            {"object": "embedding", "index": number, "embedding": _written(row, body.encoding_format)}
            for number, row in enumerate(rows)
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


Made = AsyncIterator[tuple[str, Any]]


async def _unkept(gateway: Gateway, actor: Actor, said: list[Said], question: str) -> Made:
    """Answer from what the caller gave; gives ("text", piece)… and ("done", whole)."""
    mind = await gateway.rows.long(wiring().mind, actor.workspace_id)
    pieces: asyncio.Queue[str | None] = asyncio.Queue()
    (*before, last), originals = _masked([*(each.text for each in said), question])
    hour = await gateway.rows.read(facts, actor.workspace_id)
    asked = TurnRequest(
        turn_id=new_id("turn"),
        workspace_id=actor.workspace_id,
        conversation_id="",
        text=last,
        history=tuple(Said(each.author, text) for each, text in zip(said, before, strict=True)),
        policy=mind.policy,
        now=hour.now,
        is_open=hour.is_open,
    )
    yield "begun", None
    cancel = asyncio.Event()
    task = asyncio.create_task(answer(asked, mind.tools, pieces.put_nowait, cancel=cancel))
    task.add_done_callback(lambda _: pieces.put_nowait(None))
    try:
        while (text := await pieces.get()) is not None:
            yield "text", unmask(text, originals)
        outcome = await task
    finally:
        cancel.set()  # the caller hung up
    about = shapes.outcome_json(outcome)
    content = unmask(about.pop("answer"), originals)  # the caller's own words come back to nobody else
    yield "done", {"content": content, "kefu": {**about, "conversation": None, "status": None}}


def _masked(texts: list[str]) -> tuple[list[str], Mapping[str, str]]:
    """Texts of one conversation without personal data, and what the placeholders stand for.

    A value has the same placeholder in all of them, and no other shares it.
    """
    known: Mapping[str, str] = {}
    shown = []
    for text in texts:
        masked = mask(text, None, known=known)
        known = masked.placeholders
        shown.append(masked.text)
    return shown, known


async def _kept(gateway: Gateway, actor: Actor, body: Chat, question: str, key: str | None) -> Made:
    """Store the question in the user's conversation and wait for its turn."""
    thread = await gateway.rows.write(actions.go_on, actor, external_id=str(body.user))
    with gateway.hub.subscribed(actor.workspace_id, {thread.id}) as subscription:
        stored = await gateway.intake.receive(Incoming(actor, thread.id, question, (), key))
        is_due = stored.turn_id and stored.message.outcome in {"pending", ""}  # not where it was answered before
        reply = gateway.dispatch.expect(str(stored.turn_id)) if is_due else None
        gateway.dispatch.wake()
        gateway.hub.wake()
        yield "begun", None
        async for text in _said_meanwhile(gateway, actor, subscription.queue, reply):
            yield "text", text
    about = {"conversation": thread.id, "status": "open" if stored.turn_id is None else "bot"}
    found = None
    if stored.turn_id:
        found = await gateway.rows.read(queries.reply_of, actor, stored.turn_id)
        about["status"] = (await gateway.rows.read(queries.conversation, actor, thread.id)).status
    shown = shapes.answer_json(found.text, found.answer) if found else None
    shown = shown or {"answer": "", "citations": []}
    yield "done", {"content": shown.pop("answer"), "kefu": {**shown, **about}}


async def _said_meanwhile(
    gateway: Gateway, actor: Actor, queue: "asyncio.Queue[Any]", reply: "asyncio.Future[Any] | None"
) -> AsyncIterator[str]:
    """What is generated until the turn ends, or the caller's patience does."""
    if reply is None:
        return
    until = time.monotonic() + _WAIT_SECONDS
    while not reply.done() and time.monotonic() < until:
        waiting = asyncio.ensure_future(queue.get())
        await asyncio.wait({waiting, reply}, timeout=until - time.monotonic(), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting
            continue
        happened = waiting.result()
        if happened is None:
            return
        if isinstance(happened, Delta):
            yield await as_said(gateway, actor, happened)


async def _events(body: Chat, first: tuple[str, Any], made: Made, question: str) -> AsyncIterator[str]:
    """Chunks as OpenAI's clients read them; what was not streamed as it was made comes whole."""
    head = piece(body, {"role": "assistant", "content": ""})
    yield _line(head)
    shown = ""
    name, value = first
    while True:
        if name == "text":
            shown += value
            yield _line(piece(body, {"content": value}, head))
        elif name == "done":
            whole = value["content"]
            # What was shown cannot be taken back: where the reply became another one meanwhile, it ends with that.
            rest = whole[len(shown) :] if whole.startswith(shown) else f"\n\n{whole}"
            if rest:
                yield _line(piece(body, {"content": rest}, head))
            end = piece(body, {"citations": value["kefu"].get("citations", [])}, head, finish="stop")
            yield _line({**end, "kefu": {**value["kefu"], "answer": whole}})
            if body.stream_options and body.stream_options.include_usage:
                yield _line({**end, "choices": [], "usage": usage(question, whole)})
        try:
            name, value = await anext(made)
        except StopAsyncIteration:
            break
        except KefuError as error:
            yield _line(error_body(problem.of_error(error)))
            break
    yield "data: [DONE]\n\n"


def _line(event: dict[str, Any]) -> str:
    return f"data: {json.dumps(event, ensure_ascii=False)}\n\n"


async def _entered(request: Request) -> tuple[Gateway, Actor]:
    gateway, actor = await entered(request)
    actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    return gateway, actor


async def _role(gateway: Gateway, actor: Actor, name: str, wanted: str) -> None:
    """Raises NotFound for a model that does not exist or does something else."""
    if name == wanted:
        return
    names = await gateway.rows.long(_names, actor.workspace_id)
    if names.get(name) != wanted:
        known = ", ".join([wanted, *(each for each, role in names.items() if role == wanted)])
        raise NotFound(f"There is no model {name!r} for this. There are: {known}.", param="model")


def _names(workspace_id: str) -> dict[str, str]:
    """The role of each model by its real name."""
    mind = wiring().mind(workspace_id)
    names = {encoder.card().name: "embed" for encoder in wiring().encoders_of(workspace_id).values()}
    if mind.tools.generator is not None:
        names[mind.tools.generator.card().name] = "assistant"
    return {**names, **wiring().speech.names()}


def _encoder(workspace_id: str, name: str) -> Encoder:
    encoders = wiring().encoders_of(workspace_id)
    if name == "embed":
        return encoders[ANY_LANGUAGE]
    found = {encoder.card().name: encoder for encoder in encoders.values()}
    if name not in found:
        raise NotFound(f"There is no encoder {name!r}. There are: embed, {', '.join(found)}.", param="model")
    return found[name]


def _model(name: str, role: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "kefu", "role": role}


def _written(row: "np.ndarray[Any, np.dtype[np.float32]]", form: str) -> Any:
    return base64.b64encode(row.astype("<f4").tobytes()).decode() if form == "base64" else row.tolist()
