"""Chats as a generator reads and writes them: by its own template, with the answers alone to be learnt."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kefu.contracts.dataset import BadRow, Dataset, Example
from kefu.factory.language.corpus import REPLIES
from kefu.factory.language.generators import Generator
from kefu.factory.language.lessons import Turns
from kefu.kit.errors import BadInput
from kefu.knowledge.labels.read import BadRows
from kefu.knowledge.masking import mask

Message = Mapping[str, str]
ROLES = ("system", "user", "assistant")
_NO_ANSWER = ("messages", "no answer of the assistant", "give one the role assistant, or add a column reply")


def chats_of(data: Dataset, name: str) -> list[list[Message]]:
    """The chats of a dataset, each with at least one answer, personal data masked.

    Rows are chats (`messages`, ShareGPT's `conversations`), Alpaca's instructions, or a text with a reply beside it.
    Raises BadRows that name the rows without an answer or with a role that no generator knows, BadInput where no row
    has an answer: then the whole file is of another kind, as one of labels.
    """
    found: list[list[Message]] = []
    bad: list[BadRow] = []
    for each in data.examples:
        chat = _messages(each)
        problem = _problem(chat)
        if problem:
            bad.append(BadRow(each.row, *problem))
        else:
            found.append(_masked(chat))
    if bad and all(each.problem == _NO_ANSWER[1] for each in bad) and not found:
        raise BadInput(
            f"None of the {len(bad):,} rows has an answer to learn from. A generator learns from chats: JSON lines "
            "with messages, the answers in the role assistant, or a table with a column reply.",
            rows=len(bad),
        )
    if bad:
        raise BadRows(name, bad, len(found))
    return found


def _messages(example: Example) -> list[Message]:
    if written := example.extra.get("messages"):
        return list(json.loads(written))
    reply = next((example.extra[name] for name in REPLIES if example.extra.get(name)), "")
    system = example.extra.get("system")
    said = [{"role": "system", "content": system}] if system else []
    return [*said, {"role": "user", "content": example.text}, {"role": "assistant", "content": reply}]


def _problem(chat: Sequence[Message]) -> tuple[str, str, str] | None:
    """Column, what is wrong and how to mend it."""
    strange = next((each["role"] for each in chat if each["role"] not in ROLES), None)
    if strange is not None:
        return "messages", f"the role {strange!r}", f"use {', '.join(ROLES)}"
    if not any(each["role"] == "assistant" and each["content"].strip() for each in chat):
        return _NO_ANSWER
    if any(each["role"] == "system" for each in chat[1:]):
        return "messages", "a system message in the middle", "put it first, or leave it out"
    return None


def _masked(chat: Sequence[Message]) -> list[Message]:
    """Placeholders are numbered over the whole chat: an answer names the one that the question has."""
    known: dict[str, str] = {}
    found: list[Message] = []
    for each in chat:
        done = mask(each["content"], None, known, masked_before=True)
        known = dict(done.placeholders)
        found.append({"role": each["role"], "content": done.text})
    return found


def turns_of(generator: Generator, chat: Sequence[Message]) -> Turns:
    """A chat's tokens, its answers to be learnt, each with the token that ends it.

    Raises BadInput for a generator without a template, or one that writes a chat otherwise once it goes on.
    """
    tokens: list[int] = []
    learnt: list[bool] = []
    done = ""
    for at, each in enumerate(chat):
        if each["role"] != "assistant":
            continue
        asked, whole = written(generator, chat[:at], asking=True), written(generator, chat[: at + 1])
        if not (asked.startswith(done) and whole.startswith(asked)):
            raise BadInput(
                "The generator's chat template writes a chat otherwise once it goes on, so what is answer and what "
                "is question cannot be told apart.",
                reference=generator.reference,
            )
        question, answer = (_ids(generator, part) for part in (asked[len(done) :], whole[len(asked) :]))
        end = answer.index(generator.end_id) + 1 if generator.end_id in answer else len(answer)
        tokens += [*question, *answer]
        learnt += [*[False] * len(question), *[True] * end, *[False] * (len(answer) - end)]
        done = whole
    return Turns(tokens, learnt)


def written(generator: Generator, chat: Sequence[Message], *, asking: bool = False) -> str:
    """A chat as the generator reads it; `asking`: up to where its answer begins."""
    if not generator.template:
        raise BadInput(
            f"{generator.reference} has no chat template: it was not made for answers. Put one into its "
            "tokenizer_config.json as chat_template.",
            reference=generator.reference,
        )
    names = {"bos_token": generator.start_id, "eos_token": generator.end_id}
    marks = {name: "" if at is None else generator.tokenizer.id_to_token(at) for name, at in names.items()}
    try:
        return _template(generator.template).render(messages=list(chat), add_generation_prompt=asking, **marks)
    except TemplateError as error:
        raise BadInput(f"The chat template of {generator.reference} cannot write a chat: {error}.") from error


@cache
def _template(source: str) -> Template:
    """As transformers and llama.cpp read it; in a sandbox, since it comes with other people's weights."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = _refuse
    return environment.from_string(source)


def _refuse(sentence: str) -> Any:
    raise TemplateError(sentence)


def _ids(generator: Generator, text: str) -> list[int]:
    return list(generator.tokenizer.encode(text, add_special_tokens=False).ids)
