"""`kefu mask`: personal data in texts to placeholders."""

import click

from kefu.cli.session import json_lines, print_json


@click.command("mask")
@click.argument("text", required=False)
@click.option("--file", "file", help='A JSON-lines file of {"text"} rows; - for standard input.')
@click.option("--json-lines", "lines", is_flag=True, help="Print one JSON object a row.")
def mask_(text: str | None, file: str | None, lines: bool) -> None:
    """Replace personal data in TEXT, or in each row of a file, by placeholders such as <PHONE_1>."""
    if (text is None) == (file is None):
        raise click.UsageError("Give either a TEXT or --file FILE.")
    rows = json_lines(file, needs=("text",)) if file else iter([{"text": text}])
    for row in rows:
        _print(str(row["text"]), row.get("lang") or row.get("language"), as_json=lines or file is not None)


def _print(text: str, language: str | None, *, as_json: bool) -> None:
    from kefu.knowledge.masking import mask

    masked = mask(text, language)
    if not as_json:
        click.echo(masked.text)
        return
    print_json({"text": masked.text, "entities": [[each.start, each.end, each.kind] for each in masked.entities]})
