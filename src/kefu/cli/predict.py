"""`kefu predict`: what a model says of texts."""

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from kefu.cli.session import print_json
from kefu.kit.errors import BadInput

# Texts that are asked at once: they share runs of the network, and the first answers come soon.
_AT_ONCE = 64
# What models are for that say nothing of a text.
_NO_LABELS = {
    "language": "it is an encoder for other recipes to train on, base_model=path:DIR",
    "embed": "it is an encoder for search, path:DIR as a workspace's encoder",
}
# Labels that a line for people shows.
_SHOWN = 3


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--text", help="One text.")
@click.option("--file", "file", help="A .txt file, a text a line, or CSV or JSON lines with a text column.")
@click.option("--picture", help="One picture's file, for a model of pictures.")
@click.option("--passage", "passages", multiple=True, help="Of a reranker: a passage, once for each of them.")
@click.option("--asked", default="", help="Of a tagger: the slots just asked for, with commas between.")
@click.option(
    "--explain", "method", help="Say which words told: occlusion, ig, attention, shap or lime. Needs kefu[explain]."
)
@click.option("--json-lines", "--json", "lines", is_flag=True, help="Print one JSON object a text.")
def predict(
    model: str,
    text: str | None,
    file: str | None,
    picture: str | None,
    passages: Sequence[str],
    asked: str,
    method: str | None,
    lines: bool,
) -> None:
    """Say what a model, a folder or an exported zip, takes a text for, or each text of a file.

    A reranker says how well passages answer: --text QUESTION with --passage, or a file of questions and passages.
    """
    if sum(each is not None for each in (text, file, picture)) != 1:
        raise click.UsageError("Give either --text TEXT, --file FILE or --picture FILE.")
    from kefu.contracts.model_card import read_card
    from kefu.engines.packed import unpacked
    from kefu.kit import log

    log.configure("warning")
    card = read_card(unpacked(Path(model)))
    if method and card.task == "rerank":
        raise BadInput(f"{card.name} gives no label to explain: it reads passages.", model=card.name)
    if passages and card.task != "rerank":
        raise BadInput(f"{card.name} reads no passages: --passage is for a reranker.", model=card.name)
    if card.task == "rerank":
        _order(model, text, file, passages, as_json=lines or file is not None or not sys.stdout.isatty())
        return
    rows = _rows(file) if file is not None else [{"text": _picture(picture) if picture is not None else str(text)}]
    # Whoever pipes the answers is a program.
    as_json = lines or file is not None or not sys.stdout.isatty()
    if method:
        _explain(unpacked(Path(model)), rows, method, as_json=as_json)
        return
    if card.task in {"language", "embed"}:
        raise BadInput(f"{card.name} gives no labels: {_NO_LABELS[card.task]}.", model=card.name)
    requested = tuple(name.strip() for name in asked.split(",") if name.strip())
    if card.task == "generate":
        answers = _generated(model, rows)
    elif card.task == "tag":
        answers = _tagged(model, rows, requested)
    else:
        answers = _answered(model, card.task, rows)
    for row in answers:
        if as_json:
            print_json(row)
        else:
            _print(row)


def _order(model: str, text: str | None, file: str | None, passages: Sequence[str], *, as_json: bool) -> None:
    """Print each passage with how well it answers: those of a question best first, those of a file as they come."""
    if file is None and (text is None or not passages):
        raise BadInput("A reranker reads --text QUESTION with a --passage or more, or --file FILE.", option="passage")
    found: Iterator[tuple[str, str, float]]
    if file is not None:
        from kefu.factory.data.read import read
        from kefu.knowledge.pairs import pairs_of

        pairs = [(each.question, each.passage) for each in pairs_of(read(Path(file)), Path(file).name)]
        found = _relevance(model, [(question, [passage]) for question, passage in pairs])
    else:
        found = iter(sorted(_relevance(model, [(str(text), passages)]), key=lambda row: -row[2]))
    for question, passage, relevance in found:
        if as_json:
            print_json({"text": question, "passage": passage, "relevance": round(relevance, 6)})
        else:
            click.echo(f"{relevance:+.3f}  {passage}")


def _relevance(model: str, asked: Sequence[tuple[str, Sequence[str]]]) -> Iterator[tuple[str, str, float]]:
    from kefu.contracts.engine import Reranker
    from kefu.kit import registry
    from kefu.kit.runtime import run

    engine = registry.load("engines", "reranker", Reranker)(f"path:{model}", {})
    try:
        run(engine.load())
        for question, passages in asked:
            said = run(engine.relevance(question, passages))
            yield from ((question, passage, float(one)) for passage, one in zip(passages, said, strict=True))
    finally:
        run(engine.close())


def _picture(file: str) -> str:
    from kefu.knowledge.pictures import data_url

    try:
        return data_url(Path(file).read_bytes(), file)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.", path=file) from None


def _explain(model: Path, rows: Sequence[Mapping[str, Any]], method: str, *, as_json: bool) -> None:
    from kefu.factory.explain.report import explainer

    with explainer(model, method) as by:
        for row in rows:
            found = by.explain(str(row["text"]))
            if as_json:
                print_json({**row, **found.table()})
                continue
            click.echo(f"{found.label} {found.share:.3f}")
            for word, weight in sorted(zip(found.words, found.weights, strict=True), key=lambda pair: -pair[1]):
                click.echo(f"  {weight:+.3f}  {word.text}")


def _answered(model: str, task: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    from kefu.contracts.engine import Classifier, Scorer
    from kefu.kit import registry
    from kefu.kit.runtime import run

    kind: Any = Scorer if task == "score" else Classifier
    engine = registry.load("engines", "classifier", kind)(f"path:{model}", {})
    try:
        run(engine.load())
        left = iter(rows)
        while some := list(itertools.islice(left, _AT_ONCE)):
            texts = [str(row["text"]) for row in some]
            said = run(engine.score(texts)) if task == "score" else run(engine.classify(texts))
            for row, one in zip(some, said, strict=True):
                yield {**row, **(_number(one) if task == "score" else _label(one))}
    finally:
        run(engine.close())


def _tagged(model: str, rows: Sequence[Mapping[str, Any]], requested: Sequence[str]) -> Iterator[dict[str, Any]]:
    from dataclasses import asdict

    from kefu.contracts.engine import Tagger
    from kefu.kit import registry
    from kefu.kit.runtime import run

    engine = registry.load("engines", "tagger", Tagger)(f"path:{model}", {})
    try:
        run(engine.load())
        for row in rows:
            spans = run(engine.tag(str(row["text"]), requested))
            yield {**row, "slots": [{**asdict(each), "confidence": round(each.confidence, 6)} for each in spans]}
    finally:
        run(engine.close())


def _generated(model: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    from kefu.contracts.engine import Generator, Prompt, Said
    from kefu.kit import registry
    from kefu.kit.runtime import run

    engine = registry.load("engines", "llamacpp", Generator)(f"path:{model}", {})

    async def answer(text: str) -> str:
        return "".join([piece async for piece in engine.generate(Prompt("", (Said("contact", text),)))])

    try:
        run(engine.load())
        for row in rows:
            yield {**row, "answer": run(answer(str(row["text"]))).strip()}
    finally:
        run(engine.close())


def _label(said: Any) -> dict[str, Any]:
    scores = {label: round(share, 6) for label, share in said.scores.items()}
    confidence = round(said.confidence, 6)
    return {"label": said.label, "confidence": confidence, "out_of_scope": said.out_of_scope, "scores": scores}


def _number(said: Any) -> dict[str, Any]:
    return {"score": round(float(said), 6)}


def _print(row: Mapping[str, Any]) -> None:
    if "answer" in row:
        click.echo(row["answer"])
        return
    if "score" in row:
        click.echo(f"{row['score']:+.3f}")
        return
    if "slots" in row:
        found = (f"{each['slot']} {each['text']!r} {each['confidence']:.3f}" for each in row["slots"])
        click.echo("  ".join(found) or "No slot is in it.")
        return
    best = list(row["scores"].items())[:_SHOWN]
    click.echo("  ".join(f"{label} {share:.3f}" for label, share in best))
    if row["out_of_scope"]:
        click.echo("Probably none of the labels: it looks out of scope.")


def _rows(file: str) -> list[dict[str, Any]]:
    """The texts of a file, with its column `id` where it has one."""
    from kefu.factory.evaluate.exam import texts_to_ask

    return [{**({"id": name} if name is not None else {}), "text": text} for name, text in texts_to_ask(Path(file))]
