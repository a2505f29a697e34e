"""`kefu transcribe` and `kefu speak`: the recogniser and the voice that customers meet."""

from pathlib import Path

import click

from kefu.cli.session import json_option, print_json

LANGUAGE = click.option("--language", help="en, zh or another ISO 639-1 code; told from the recording without it.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@LANGUAGE
@json_option
def transcribe(file: Path, language: str | None, as_json: bool) -> None:
    """Write down what is said in FILE, a recording of any usual format."""
    from kefu.desk.speech import Speech
    from kefu.kit.errors import BadInput
    from kefu.kit.runtime import run
    from kefu.kit.settings import settings
    from kefu.knowledge.sound import decode

    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.", file=str(file)) from error
    sound = decode(data, most_seconds=settings().recording_seconds)
    engines = Speech()
    try:
        heard = run(engines.transcriber().transcribe(sound, language))
    finally:
        engines.close()
    if as_json:
        print_json(
            {"text": heard.text, "language": heard.language, "segments": [vars(each) for each in heard.segments]}
        )
    elif heard.text:
        click.echo(heard.text)
    else:
        click.echo("Nobody speaks in this recording.", err=True)


@click.command()
@click.argument("text")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@click.option("--language", help="en or zh; told from the text without it.")
@click.option("--format", "form", help="wav, mp3, opus, aac, flac, pcm or amr; by the file's ending without it.")
def speak(text: str, out: Path, language: str | None, form: str | None) -> None:
    """Read TEXT aloud into a file."""
    from kefu.brain.listen import speech
    from kefu.desk.speech import Speech
    from kefu.kit.errors import BadInput
    from kefu.kit.runtime import run
    from kefu.knowledge.language import detect
    from kefu.knowledge.sound import FORMATS

    chosen = form or {"ogg": "opus"}.get(out.suffix.lower()[1:], out.suffix.lower()[1:])
    if chosen not in FORMATS:
        raise BadInput(f"{chosen or 'No'!s} is no format of sound; one of {', '.join(FORMATS)} is.", format=chosen)
    if not out.absolute().parent.is_dir():
        raise BadInput(f"There is no folder {out.absolute().parent}.", file=str(out))
    engines = Speech()
    try:
        made = run(speech(text, engines.speaker(), language=language or detect(text, "en"), form=chosen))
    finally:
        engines.close()
    if not made:
        raise BadInput("The text holds no words to read aloud.")
    out.write_bytes(made)
    click.echo(f"{out}: {len(made):,} bytes")
