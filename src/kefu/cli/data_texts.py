"""`kefu data gather`: what a workspace knows and what was said in it, as texts to learn language from."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kefu.cli.session import json_option, print_json, ready, workspace_actor, workspace_option

if TYPE_CHECKING:
    from kefu.desk.actor import Actor

_USED_BY = {"texts": "pretrain_mlm or pretrain_clm", "chats": "sft_lora", "pairs": "retriever or reranker"}
_LACKING = {"texts": "text", "chats": "conversation with an answer", "pairs": "answer that a customer found good"}
_AGREED = "Only conversations of contacts who agreed to training count: kefu contacts consent --help"


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file that is written: .jsonl.")
@click.option("--chats", is_flag=True, help="Conversations alone, with question and answer apart, for sft_lora.")
@click.option(
    "--pairs", is_flag=True, help="Questions with the passages that customers found good, for retriever, reranker."
)
@click.option("--conversations/--no-conversations", default=True, help="Beside knowledge, also what was said.")
@workspace_option
@json_option
def gather(out: Path, *, chats: bool, pairs: bool, conversations: bool, workspace: str, as_json: bool) -> None:
    """Write a workspace's knowledge and conversations as texts, personal data masked.

    They are what `pretrain_mlm` and `pretrain_clm` learn from; with --chats, what `sft_lora` does; with --pairs, what
    `retriever` and `reranker` do. Conversations are taken only of contacts who agreed to training, as `kefu contacts
    consent`, a member or a program with a key notes it.
    """
    ready()
    from kefu.kit.errors import BadInput
    from kefu.knowledge.labels.content import write_bytes

    if out.suffix.lower() != ".jsonl":
        raise BadInput(f"{out.name}: texts are written as .jsonl; choose this ending.")
    if chats and pairs:
        raise BadInput("Chats and pairs are two files: choose one of --chats and --pairs.")
    actor = workspace_actor(workspace)
    kind = "chats" if chats else "pairs" if pairs else "texts"
    if kind == "texts":
        rows = [*_documents(actor), *(_said(actor) if conversations else ())]
    else:
        rows = list(_chats(actor) if chats else _pairs(actor))
    if not rows:
        raise BadInput(f"The workspace has no {_LACKING[kind]} yet. {_AGREED}.")
    write_bytes(out, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows).encode())
    if as_json:
        print_json({"out": str(out), kind: len(rows)})
        return
    click.echo(f"{len(rows):,} {kind} are in {out}: data for {_USED_BY[kind]}.")


def _documents(actor: "Actor") -> Iterator[Mapping[str, Any]]:
    """Documents in parts of whole paragraphs: a row of a table has a longest length."""
    from kefu.desk.library.queries import documents, sources
    from kefu.factory.language.corpus import parts
    from kefu.knowledge.masking import mask

    for source in sources(actor):
        for each in documents(actor, source.id):
            for text in parts(each.text):
                yield {"text": mask(text, each.language, masked_before=True).text, "group": each.name}


def _said(actor: "Actor") -> Iterator[Mapping[str, Any]]:
    from kefu.desk.inbox.queries.chats import chats

    for number, chat in enumerate(chats(actor), start=1):
        yield {"text": "\n".join(each["content"] for each in chat), "group": f"conversation {number}"}


def _pairs(actor: "Actor") -> Iterator[Mapping[str, Any]]:
    from kefu.desk.inbox.queries.found import found

    for each in found(actor):
        wrong = {"negative": json.dumps(each.negatives, ensure_ascii=False)} if each.negatives else {}
        for passage in each.passages:
            yield {"question": each.question, "passage": passage, **wrong}


def _chats(actor: "Actor") -> Iterator[Mapping[str, Any]]:
    """Up to the last answer; what was never answered teaches none."""
    from kefu.desk.inbox.queries.chats import chats

    for chat in chats(actor):
        last = max((at for at, each in enumerate(chat) if each["role"] == "assistant"), default=-1)
        asked = next((at for at, each in enumerate(chat) if each["role"] == "user"), last)
        if asked < last:
            yield {"messages": chat[asked : last + 1]}
