"""`kefu knowledge`: adding, listing, removing and searching."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kefu.cli.session import (
    batches,
    failures_told,
    json_lines,
    json_option,
    named,
    print_json,
    ready,
    workspace_actor,
    workspace_option,
    workspace_or_new,
)

if TYPE_CHECKING:
    from kefu.contracts.index import Evidence, Hit
    from kefu.desk.actor import Actor
    from kefu.desk.library.due import Report
    from kefu.desk.library.queries import SourceInfo
    from kefu.desk.wiring import Mind


@click.group()
def knowledge() -> None:
    """Add, list, remove and search what the assistant knows."""


@knowledge.command()
@click.argument("places", nargs=-1, required=True, metavar="PATH|URL…")
@workspace_option
@json_option
@click.option("--allow-private", is_flag=True, help="Also fetch from private and loopback addresses.")
def add(places: tuple[str, ...], workspace: str, as_json: bool, allow_private: bool) -> None:
    """Add files, folders or addresses; again: only what changed is read. A new workspace is made."""
    if allow_private:
        _allow_private()
    ready()
    info, actor = workspace_or_new(workspace)
    report = _read(actor, places, quiet=as_json)
    if as_json:
        done = {"added": report.added, "unchanged": report.unchanged, "failed": report.failed}
        print_json({**done, "held": report.held} if report.held else done)
    else:
        _tell(report, info.slug)
    if not report.added and not report.unchanged:
        raise SystemExit(1)


@knowledge.command("list")
@workspace_option
@json_option
def list_(workspace: str, as_json: bool) -> None:
    """List sources with their state."""
    ready()
    from kefu.desk.library.queries import sources

    found = sources(workspace_actor(workspace))
    if as_json:
        print_json({"sources": [_source_row(each) for each in found]})
        return
    for each in found:
        click.echo(f"{each.id}  {each.state:9}  {each.documents:5} documents  {each.name}")
        if each.state == "failed" and each.failures:
            click.secho(f"    {each.failures[0]['reason']}", fg="red")
        if each.held is not None:
            _tell_held(each)
    if not found:
        click.echo(f"Nothing yet. Add help pages with: kefu knowledge add PATH{named(workspace)}")


@knowledge.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME|ID|URL…")
@workspace_option
@click.option("--override", is_flag=True, help="Also if the workspace's tests fail without them; needs --reason.")
@click.option("--reason", default="", help="Why; kept in the audit trail.")
@json_option
def remove(names: tuple[str, ...], workspace: str, override: bool, reason: str, as_json: bool) -> None:
    """Remove sources, if the workspace's tests pass without them; their passages are gone at once."""
    ready()
    from kefu.desk import going_live
    from kefu.desk.library import queries
    from kefu.kit.errors import NotFound

    actor = workspace_actor(workspace)
    removed = []
    for name in names:
        found = queries.sources_named(actor, name)
        if not found:
            raise NotFound(f"There is no source {name!r}. See: kefu knowledge list{named(workspace)}")
        for each in found:
            with failures_told():
                going_live.remove_source(actor, source_id=each.id, override=override, reason=reason.strip())
            removed.append(each.name)
    if as_json:
        print_json({"removed": removed})
    else:
        click.echo("\n".join(f"Removed {name}" for name in removed))


@knowledge.command()
@click.argument("name", metavar="NAME|ID")
@click.option("--reason", required=True, help="Why it may answer although tests fail; kept in the audit trail.")
@workspace_option
@json_option
def publish(name: str, reason: str, workspace: str, as_json: bool) -> None:
    """Let a source that the workspace's tests hold back answer customers anyway."""
    ready()
    from kefu.desk.going_live import read_sources
    from kefu.desk.library import actions, queries
    from kefu.desk.wiring import wiring
    from kefu.kit.errors import NotFound

    actor = workspace_actor(workspace)
    found = queries.sources_named(actor, name)
    if not found:
        raise NotFound(f"There is no source {name!r}. See: kefu knowledge list{named(workspace)}")
    for each in found:
        actions.publish_held(actor, source_id=each.id, reason=reason)
    embed = partial(wiring().embed, workspace_id=actor.workspace_id)
    read_sources(actor.workspace_id, [each.id for each in found], embed=embed)
    if as_json:
        print_json({"sources": [_source_row(queries.source(actor, each.id)) for each in found]})
    else:
        click.echo("\n".join(f"{each.name} answers customers now." for each in found))


@knowledge.command()
@click.argument("document")
@workspace_option
@json_option
def show(document: str, workspace: str, as_json: bool) -> None:
    """Show a document (by id or name) as it was read, with its passages."""
    ready()
    from kefu.desk.library import queries

    actor = workspace_actor(workspace)
    page = queries.document_named(actor, document)
    pieces = queries.passages(actor, page.id)
    if as_json:
        print_json(
            {
                "id": page.id,
                "name": page.name,
                "title": page.title,
                "language": page.language,
                "text": page.text,
                "passages": [{"start": each.start, "end": each.end, "headings": each.heading_path} for each in pieces],
            }
        )
        return
    for each in pieces:
        click.secho(f"[{each.start}:{each.end}] {' > '.join(each.heading_path)}", bold=True)
        click.echo(each.text.strip() + "\n")


@knowledge.command()
@click.argument("question", required=False)
@click.option("--questions", "file", help='A JSON-lines file of {"id","question"} rows; - for standard input.')
@click.option("-k", "k", default=5, show_default=True, type=click.IntRange(1, 100), help="How many passages.")
@workspace_option
@json_option
@click.option("--json-lines", "lines", is_flag=True, help="Print one JSON object a question.")
def search(question: str | None, file: str | None, k: int, workspace: str, as_json: bool, lines: bool) -> None:
    """Find the passages that fit a QUESTION, or each question of a file."""
    if (question is None) == (file is None):
        raise click.UsageError("Give either a QUESTION or --questions FILE.")
    ready()
    from kefu.gateway.shapes import hit_json

    mind = _mind(workspace)
    if question is not None:
        hits = _search(mind, [question], k)[0].hits
        if as_json or lines:
            print_json({"results": [hit_json(hit) for hit in hits]})
        else:
            _show(hits)
        return
    for some in batches(json_lines(str(file), needs=("id", "question"))):
        found = _search(mind, [str(row["question"]) for row in some], k)
        for row, evidence in zip(some, found, strict=True):
            print_json({"id": row["id"], "results": [hit_json(hit) for hit in evidence.hits]})


def _read(actor: "Actor", places: tuple[str, ...], *, quiet: bool) -> "Report":
    from tqdm import tqdm

    from kefu.desk.going_live import read_sources
    from kefu.desk.library.due import Report
    from kefu.desk.wiring import wiring

    bar = tqdm(unit=" documents", disable=None if not quiet else True, leave=False)

    def step(name: str, done: int, found: int) -> None:
        bar.total, bar.n = found, done
        bar.set_postfix_str(name[-40:], refresh=False)
        bar.refresh()

    report = Report()
    try:
        embed = partial(wiring().embed, workspace_id=actor.workspace_id)
        read = read_sources(actor.workspace_id, _sources(actor, places, report), embed=embed, progress=step)
    finally:
        bar.close()
    wiring().rehearse(actor.workspace_id)
    read.failed[:0] = report.failed
    return read


def _sources(actor: "Actor", places: tuple[str, ...], report: "Report") -> Iterator[str]:
    """Ids of the sources that the places name, stored one by one as they are read."""
    from kefu.desk.library.actions import add_file, add_url
    from kefu.kit.errors import KefuError

    for place in places:
        if "://" in place:
            try:
                yield add_url(actor, url=place).id
            except KefuError as error:
                report.failed.append({"name": place, "reason": error.sentence})
            continue
        for path, name in _files(place, report):
            try:
                yield add_file(actor, name=name, data=path.read_bytes()).id
            except KefuError as error:
                report.failed.append({"name": name, "reason": error.sentence})
            except OSError as error:
                report.failed.append({"name": name, "reason": f"The file cannot be read: {error.strerror}."})


def _files(place: str, report: "Report") -> Iterator[tuple[Path, str]]:
    """Files with the names they get: a folder's are named by their path below it."""
    path = Path(place)
    if path.is_dir():
        for each in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in each.relative_to(path).parts)
            if each.is_file() and not hidden:
                yield each, each.relative_to(path).as_posix()
    elif path.exists():
        yield path, path.name
    else:
        report.failed.append({"name": place, "reason": "There is no such file or folder."})


def _tell(report: "Report", workspace: str) -> None:
    for failure in report.failed:
        click.secho(f"{failure['name']}: {failure['reason']}", fg="red", err=True)
    click.echo(f"{len(report.added)} added, {len(report.unchanged)} unchanged, {len(report.failed)} failed.")
    for name in report.held:
        click.secho(f"{name}: held back, since tests fail with it. See: kefu knowledge list", fg="red", err=True)
    if report.added or report.unchanged:
        click.echo(f'Ask something: kefu ask "…" --workspace {workspace}')


def _tell_held(each: "SourceInfo") -> None:
    held = each.held or {}
    click.secho(
        f"    {held['failed']} of {held['total']} tests fail with it, so what it said before answers:", fg="red"
    )
    for failure in held["failures"]:
        click.echo(f"    {failure['file']} {failure['test']}: expected {failure['wanted']}; got {failure['got']}")


def _allow_private() -> None:
    import os

    from kefu.kit import settings

    os.environ["KEFU_ALLOW_PRIVATE_ADDRESSES"] = "true"
    settings.reload()


def _mind(workspace: str) -> "Mind":
    from kefu.desk.wiring import wiring

    return wiring().mind(workspace_actor(workspace).workspace_id)


def _search(mind: "Mind", questions: list[str], k: int) -> "list[Evidence]":
    from kefu.kit.runtime import run
    from kefu.knowledge.language import detect

    async def all_of_them() -> "list[Evidence]":
        return await asyncio.gather(*(mind.index.search(each, detect(each), k) for each in questions))

    return run(all_of_them())


def _show(hits: "tuple[Hit, ...]") -> None:
    from kefu.brain.decide import label

    for number, hit in enumerate(hits, start=1):
        click.secho(f"{number}. {label(hit)}  ({hit.passage.document}, {hit.score:.2f})", bold=True)
        click.echo(f"   {' '.join(hit.passage.text.split())}\n")
    if not hits:
        click.echo("Nothing found.")


def _source_row(each: Any) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "kind": each.kind,
        "state": each.state,
        "documents": each.documents,
        "failures": list(each.failures),
        "held": each.held,
        "updated_at": each.updated_at.isoformat(),
    }
