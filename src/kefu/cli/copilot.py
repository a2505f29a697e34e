"""`kefu copilot`: what helps members answer, on the command line."""

import json
from pathlib import Path

import click

from kefu.cli.session import json_option, print_json, ready, workspace_actor, workspace_option
from kefu.kit.errors import Conflict


@click.group()
def copilot() -> None:
    """Suggested replies, other words, summaries, FAQ entries, and what members changed."""


@copilot.command()
@click.argument("conversation_id")
@workspace_option
@json_option
def suggest(conversation_id: str, workspace: str, as_json: bool) -> None:
    """What may be replied to the customer's last question, and where it stands."""
    ready()
    from kefu.desk.copilot.schemas import suggestion_json
    from kefu.desk.copilot.suggesting import suggestion

    made = suggestion(workspace_actor(workspace), conversation_id)
    if as_json:
        print_json(suggestion_json(made, None))
        return
    if not made.text:
        asked = made.reason != "nothing_asked"
        click.echo("Nothing in knowledge answers this." if asked else "The customer has not asked anything yet.")
        return
    click.echo(made.text)
    for source in made.citations:
        click.echo(f"  {source.title} ({source.document})")


@copilot.command()
@click.argument("conversation_id")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.option("--written", is_flag=True, help="By the language model, if one is set up.")
@workspace_option
@json_option
def summary(conversation_id: str, language: str, written: bool, workspace: str, as_json: bool) -> None:
    """What the customer asked, what was answered, what is still open."""
    ready()
    from kefu.desk.copilot.schemas import summary_json
    from kefu.desk.copilot.summing import summary as summary_of

    made = summary_of(workspace_actor(workspace), conversation_id, language=language, written=written)
    if as_json:
        print_json(summary_json(made))
    else:
        click.echo(made.text)


@copilot.command()
@click.argument("conversation_id")
@workspace_option
@json_option
def similar(conversation_id: str, workspace: str, as_json: bool) -> None:
    """Resolved conversations that began with much the same question."""
    ready()
    from kefu.desk.copilot.schemas import similar_json
    from kefu.desk.copilot.similar import similar as similar_to

    found = similar_to(workspace_actor(workspace), conversation_id)
    if as_json:
        print_json(similar_json(found))
        return
    for each in found:
        click.echo(f"{each.id}  {each.score:.2f}  {' '.join(each.question.split())}")
    if not found:
        click.echo("None.")


@copilot.command()
@click.argument("text")
@click.option("--way", type=click.Choice(["shorter", "warmer", "translate"]), required=True)
@click.option("--language", default="", help="Into which it is translated: en, zh, ja, ko, de, fr, es, it, pt or ru.")
@workspace_option
@json_option
def rewrite(text: str, way: str, language: str, workspace: str, as_json: bool) -> None:
    """Say a reply in other words, by the language model; every figure, date, code and link stays."""
    ready()
    from kefu.desk.copilot.rewriting import rewrite as rewritten

    written = rewritten(workspace_actor(workspace), text=text, way=way, language=language)
    print_json({"text": written}) if as_json else click.echo(written)


@copilot.command("faq-draft")
@click.argument("conversation_id")
@click.option("--save", is_flag=True, help="Add it to knowledge, as it is.")
@workspace_option
@json_option
def faq_draft(conversation_id: str, save: bool, workspace: str, as_json: bool) -> None:
    """The FAQ entry that a conversation could become: its last question that a person answered, with the answer."""
    ready()
    from kefu.desk.copilot.queries import faq_draft as draft_of
    from kefu.desk.library.actions import add_faq

    actor = workspace_actor(workspace)
    made = draft_of(actor, conversation_id)
    if save and made.is_masked:
        raise Conflict("This draft holds placeholders of personal data; write the entry in other words instead.")
    source = add_faq(actor, question=made.question, answer=made.answer).id if save else None
    if as_json:
        print_json({**vars(made), "source": source})
        return
    click.echo(f"Q: {made.question}\nA: {made.answer}")
    if source:
        click.echo(f"Added as {source}.")


@copilot.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file; standard output without it.")
@workspace_option
def export(out: Path | None, workspace: str) -> None:
    """Write what members sent in place of suggestions as JSON lines, personal data masked, to train on.

    Nothing is kept until the workspace wants it: Settings, Learning from replies.
    """
    ready()
    from kefu.desk.copilot.queries import edits

    count = 0
    with click.open_file(str(out) if out else "-", "w", encoding="utf-8") as file:
        for each in edits(workspace_actor(workspace)):
            file.write(json.dumps(each.row(), ensure_ascii=False) + "\n")
            count += 1
    if out is not None:
        click.echo(f"{count} examples in {out}.", err=True)
