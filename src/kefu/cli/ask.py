"""`kefu ask`: a question answered as a customer's would be, without a conversation being kept."""

import asyncio
from typing import TYPE_CHECKING, Any

import click

from kefu.cli.session import batches, json_lines, json_option, print_json, ready, workspace_actor, workspace_option

if TYPE_CHECKING:
    from kefu.contracts.turn import TurnOutcome
    from kefu.desk.wiring import Mind


@click.command()
@click.argument("question", required=False)
@click.option("--questions", "file", help='A JSON-lines file of {"id","question"} rows; - for standard input.')
@workspace_option
@json_option
@click.option("--json-lines", "lines", is_flag=True, help="Print one JSON object a question.")
def ask(question: str | None, file: str | None, workspace: str, as_json: bool, lines: bool) -> None:
    """Ask a QUESTION as a customer would, or each question of a file."""
    if (question is None) == (file is None):
        raise click.UsageError("Give either a QUESTION or --questions FILE.")
    ready()
    from kefu.desk.wiring import wiring
    from kefu.gateway.shapes import outcome_json

    mind = wiring().mind(workspace_actor(workspace).workspace_id)
    if file is not None:
        for some in batches(json_lines(file, needs=("id", "question"))):
            outcomes = _answers(mind, [str(row["question"]) for row in some])
            for row, outcome in zip(some, outcomes, strict=True):
                print_json({"id": row["id"], **outcome_json(outcome)})
        return
    outcome = _answers(mind, [str(question)])[0]
    if as_json or lines:
        print_json(outcome_json(outcome))
    else:
        _show(outcome)


def _answers(mind: "Mind", questions: list[str]) -> "list[TurnOutcome]":
    from kefu.kit.runtime import run

    async def together() -> "list[TurnOutcome]":
        return await asyncio.gather(*(_answer(mind, each) for each in questions))

    return run(together())


async def _answer(mind: "Mind", question: str) -> "TurnOutcome":
    from kefu.brain.turn import answer
    from kefu.contracts.turn import TurnRequest
    from kefu.kit.ids import new_id
    from kefu.knowledge.masking import mask

    request = TurnRequest(
        turn_id=new_id("turn"),
        workspace_id="",
        conversation_id="",
        text=mask(question).text,
        policy=mind.policy,
    )
    return await answer(request, mind.tools)


def _show(outcome: Any) -> None:
    click.echo(outcome.text)
    for each in outcome.quick_replies:
        click.echo(f"  - {each}")
    click.secho(f"\n[{outcome.decision}, confidence {outcome.confidence:.2f}, {outcome.language}]", dim=True)
    for citation in outcome.citations:
        where = citation.url or citation.document
        click.secho(f"  {citation.title} ({where}, {citation.start}-{citation.end})", dim=True)
