"""Answers of a generator: by its torch weights, many at once, or as customers get them."""

import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from kefu.contracts.engine import Generator as Engine
from kefu.contracts.engine import Prompt, Said
from kefu.contracts.job import Tell, Told
from kefu.factory.language.chats import Message, written
from kefu.factory.language.generators import Generator
from kefu.factory.language.network import NextNetwork
from kefu.kit import registry
from kefu.kit.runtime import run

# Chats that are answered at once. A step reads every weight, whether for one answer or for many.
_AT_ONCE = 16
_AUTHORS = {"user": "contact", "assistant": "assistant"}


@torch.no_grad()
def answers(network: NextNetwork, generator: Generator, chats: Sequence[Sequence[Message]], *, most: int) -> list[str]:
    """The likeliest answer to each chat, of at most `most` tokens."""
    was_training = network.training
    network.eval()
    prompts = [
        list(generator.tokenizer.encode(written(generator, chat, asking=True), add_special_tokens=False).ids)
        for chat in chats
    ]
    found = [""] * len(chats)
    order = sorted(range(len(chats)), key=lambda at: len(prompts[at]))
    for start in range(0, len(order), _AT_ONCE):
        some = order[start : start + _AT_ONCE]
        for at, ids in zip(some, _gone_on(network, generator, [prompts[at] for at in some], most), strict=True):
            found[at] = generator.tokenizer.decode(ids).strip()
    network.train(was_training)
    return found


def _gone_on(network: NextNetwork, generator: Generator, prompts: Sequence[list[int]], most: int) -> list[list[int]]:
    """What follows each prompt, up to its end. Shorter prompts are padded before their beginning."""
    width = max(map(len, prompts))
    ids = torch.tensor([[generator.pad_id] * (width - len(each)) + each for each in prompts])
    mask = torch.tensor([[0] * (width - len(each)) + [1] * len(each) for each in prompts])
    places = (mask.cumsum(1) - 1).clamp(min=0)
    encoder = cast(Any, network.encoder)
    made: list[Tensor] = []
    ended = torch.zeros(len(prompts), dtype=torch.bool)
    known = None
    for _ in range(most):
        out = encoder(input_ids=ids, attention_mask=mask, position_ids=places, past_key_values=known, use_cache=True)
        known = out.past_key_values
        chosen = network.tell(out[0][:, -1]).argmax(1)
        made.append(torch.where(ended, generator.end_id, chosen))
        ended |= chosen == generator.end_id
        if bool(ended.all()):
            break
        ids, places = chosen[:, None], places[:, -1:] + 1
        mask = torch.cat([mask, torch.ones(len(prompts), 1, dtype=mask.dtype)], dim=1)
    rows = torch.stack(made, dim=1).tolist()
    return [row[: row.index(generator.end_id)] if generator.end_id in row else row for row in rows]


def can_serve() -> bool:
    """Whether what serves generators is installed."""
    return find_spec("xllamacpp") is not None


def served_answers(
    folder: Path, chats: Sequence[Sequence[Message]], *, most: int, context: int, tell: Tell | None = None
) -> tuple[list[str], list[float]]:
    """The same by the engine that serves the generator in a folder, and the milliseconds of each answer."""
    engine = registry.load("engines", "llamacpp", Engine)(f"path:{folder}", {"context": max(256, context)})
    found: list[str] = []
    taken: list[float] = []
    try:
        run(engine.load())
        for chat in chats:
            began = time.perf_counter()
            found.append(run(_said(engine, prompt_of(chat, most=most))))
            taken.append(1000 * (time.perf_counter() - began))
            if tell is not None:
                tell(Told.PROGRESS, {"done": len(found), "total": len(chats), "unit": "answers"})
    finally:
        run(engine.close())
    return found, taken


async def _said(engine: Engine, prompt: Prompt) -> str:
    return "".join([piece async for piece in engine.generate(prompt)]).strip()


def prompt_of(chat: Sequence[Message], *, most: int) -> Prompt:
    """A chat as engines are asked."""
    system = "\n\n".join(each["content"] for each in chat if each["role"] == "system")
    said = tuple(Said(_AUTHORS[each["role"]], each["content"]) for each in chat if each["role"] != "system")
    return Prompt(system, said, max_tokens=most)
