"""`kefu data gather`: what a workspace knows and what was said in it, as texts to learn language from."""

from pathlib import Path

import click

from kefu.cli.session import json_option, print_json, ready, workspace_actor, workspace_option

_USED_BY = {"texts": "pretrain_mlm or pretrain_clm", "chats": "sft_lora", "pairs": "retriever or reranker"}


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
    from kefu.desk import own_data

    kind: own_data.Kind = "chats" if chats else "pairs" if pairs else "texts"
    found = own_data.gather(workspace_actor(workspace), kind=kind, conversations=conversations)
    write_bytes(out, found.as_lines())
    if as_json:
        print_json({"out": str(out), kind: len(found.rows), "left_out": found.left_out})
        return
    click.echo(f"{len(found.rows):,} {kind} are in {out}: data for {_USED_BY[kind]}.")
    for sentence in found.sentences():
        click.echo(f"Left out: {sentence}")
