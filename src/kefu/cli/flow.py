"""`kefu flow` and `kefu tool`: a company's own business logic and the systems it calls, in files and git."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kefu.cli.flow_folder import Folder, note_state, require_sound, require_unchanged, text_of, written
from kefu.cli.session import (
    failures_told,
    json_option,
    print_json,
    ready,
    workspace_actor,
    workspace_option,
    workspace_or_new,
)
from kefu.kit.errors import BadInput

if TYPE_CHECKING:
    from kefu.desk.actor import Actor
    from kefu.desk.by_hand import HandAnswer

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def flow() -> None:
    """The company's own business logic: list, show, history, validate, pull, push, diff, publish, simulate, traffic."""


@flow.command("list")
@workspace_option
@json_option
def list_(workspace: str, as_json: bool) -> None:
    """List the flows with their state."""
    ready()
    from kefu.desk.assistants.queries import flows

    found = flows(workspace_actor(workspace))
    if as_json:
        print_json({"flows": [{**vars(each), "updated_at": each.updated_at.isoformat()} for each in found]})
        return
    for each in found:
        number = f"version {each.live_number}" if each.live_number else "never published"
        changed = ", draft differs" if each.has_draft_changes and each.live_number else ""
        wrong = f", {each.problems} problems" if each.problems else ""
        click.echo(f"{each.key}  {each.state} ({number}{changed}{wrong})  {each.name}")


@flow.command()
@click.option("--draft", "drafts", multiple=True, type=_FILE, help="A flow's file, in place of the live one of its id.")
@click.option("--by-hand", is_flag=True, help="Answer tools yourself: sample N, error CODE, timeout, or JSON outputs.")
@click.option(
    "--trace", is_flag=True, help="Also the steps gone through, the slots filled, tools called, how it ended."
)
@workspace_option
def simulate(drafts: tuple[Path, ...], by_hand: bool, trace: bool, workspace: str) -> None:
    """Converse with the assistant as a customer would: a message a line, until an empty one. Nothing is kept."""
    ready()
    from kefu.desk.by_hand import HandAnswer
    from kefu.desk.simulation import Simulation

    simulation = Simulation(workspace_actor(workspace), drafts=[text_of(path) for path in drafts])
    for line in iter(_line_said, ""):
        answers: list[HandAnswer] | None = [] if by_hand else None
        said = simulation.say(line, answers=answers)
        while said.asked is not None and answers is not None:
            click.echo(f"  {said.asked.tool} {json.dumps(dict(said.asked.arguments), ensure_ascii=False)}")
            for number, sample in enumerate(said.asked.samples):
                click.echo(f"    sample {number}: {json.dumps(sample, ensure_ascii=False)[:200]}")
            answers.append(_by_hand(click.prompt("  answer")))
            said = simulation.say(line, answers=answers)
        click.echo(f"assistant: {said.text}")
        for told in _traced(said.flow) if trace and said.flow else ():
            click.echo(f"  {told}")


@flow.command()
@click.option("--from", "first", default="", help="The first day, such as 2026-11-01; seven days ago without it.")
@click.option("--to", "last", default="", help="The last day; today without it.")
@click.option("--steps", is_flag=True, help="Also each step: how many came to it, and how many were lost there.")
@workspace_option
@json_option
def traffic(first: str, last: str, steps: bool, workspace: str, as_json: bool) -> None:
    """Count how often flows were started, finished, cancelled, dropped and handed over within a period."""
    ready()
    from kefu.desk.flow_traffic import flow_traffic, traffic_json

    period, found = flow_traffic(workspace_actor(workspace), first=first, last=last)
    if as_json:
        print_json(traffic_json(period, found))
        return
    columns = ("started", "finished", "cancelled", "dropped", "handed_over", "under_way")
    click.echo(f"{period.first} to {period.last}, {period.time_zone}")
    click.echo("  ".join(["flow".ljust(24), *(name.replace("_", " ").rjust(11) for name in columns)]))
    for each in found:
        click.echo("  ".join([each.key.ljust(24), *(str(getattr(each, name)).rjust(11) for name in columns)]))
        for name, step in each.steps.items() if steps else ():
            lost = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in vars(step).items() if count)
            click.echo(f"    {name}: {lost}")


@flow.command()
@click.argument("name")
@click.option("--version", "number", type=int, help="A published version; the draft without it.")
@workspace_option
def show(name: str, number: int | None, workspace: str) -> None:
    """Print a flow's YAML."""
    ready()
    from kefu.desk.assistants.queries import flow as of_actor
    from kefu.desk.assistants.queries import flow_version

    actor = workspace_actor(workspace)
    text = of_actor(actor, name).text if number is None else flow_version(actor, name, number).text
    click.echo(text, nl=not text.endswith("\n"))


@flow.command()
@click.argument("name")
@click.option("--from", "old", default="", help="Show what changed since this version; a number, live or draft.")
@click.option("--to", "new", default="draft", help="Until this one; the draft without it.")
@workspace_option
@json_option
def history(name: str, old: str, new: str, workspace: str, as_json: bool) -> None:
    """List what was published of a flow, newest first; or, with --from, what changed between two versions."""
    ready()
    from kefu.desk.assistants.queries import flow_diff, flow_versions

    actor = workspace_actor(workspace)
    if old:
        click.echo(flow_diff(actor, name, old=old, new=new).unified)
        return
    found = flow_versions(actor, name)
    if as_json:
        told = [(each.number, each.created_at.isoformat(), each.is_live, each.author, each.note) for each in found]
        columns = ("number", "created_at", "is_live", "author", "note")
        print_json({"versions": [dict(zip(columns, each, strict=True)) for each in told]})
        return
    for each in found:
        live = "live" if each.is_live else ""
        click.echo(f"{each.number:>4}  {each.created_at:%Y-%m-%d %H:%M}  {live:4}  {each.author}  {each.note}".rstrip())


@flow.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@json_option
def validate(files: tuple[Path, ...], as_json: bool) -> None:
    """Check files of flows: what is wrong, in which line, and what mends it. Needs no workspace."""
    from kefu.brain.flow import check_flow

    # Files that are checked together may call each other; which tools there are, only a workspace knows.
    read = {path: check_flow(text_of(path)) for path in files}
    names = {found.flow.id for found in read.values() if found.flow is not None}
    checked = {path: check_flow(text_of(path), flows=names or None) for path in files}
    errors = sum(problem.severity == "error" for found in checked.values() for problem in found.problems)
    if as_json:
        print_json({str(path): [vars(problem) for problem in found.problems] for path, found in checked.items()})
    else:
        for path, found in checked.items():
            for problem in found.problems:
                place = f"{path}:{problem.line}:{problem.column}"
                click.echo(f"{place}: {problem.severity}: {problem.sentence} {problem.fix}".rstrip())
        click.echo(f"{len(files)} files, {errors} errors.")
    if errors:
        raise click.exceptions.Exit(1)


@flow.command()
@click.argument("folder", type=_FOLDER)
@workspace_option
def pull(folder: Path, workspace: str) -> None:
    """Write the workspace's flows, tools and tests into a folder; what is there of the same names is replaced."""
    ready()
    actor = workspace_actor(workspace)
    files = written(actor)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    note_state(folder, actor.workspace_id, files)
    click.echo(f"{len(files)} files in {folder}.")


@flow.command()
@click.argument("folder", type=_FOLDER)
@click.option("--publish", is_flag=True, help="Let the folder's flows run for customers, all or none.")
@click.option("--note", default="", help="Why, for the history.")
@click.option("--no-tests", is_flag=True, help="Publish without running the workspace's tests; --note must say why.")
@click.option("--overwrite", is_flag=True, help="Also what was changed in the workspace since the folder was pulled.")
@workspace_option
def push(folder: Path, publish: bool, note: str, no_tests: bool, overwrite: bool, workspace: str) -> None:
    """Store the flows (as drafts), tools and tests of a folder.

    Nothing is stored if a flow is not sound, or if somebody changed one of these in the workspace since the folder was
    pulled or pushed.
    """
    ready()
    from kefu.desk.assistants import actions

    found = Folder.read(folder)
    _, actor = workspace_or_new(workspace)
    keys = require_sound(actor, found)
    if not overwrite:
        require_unchanged(folder, actor, found, keys)
    for definition in found.tools:
        actions.save_tool(actor, definition=definition)
    for name, text in found.tests.items():
        actions.save_suite_file(actor, name=name, text=text)
    saved = [actions.save_flow(actor, text=text) for text in found.flows.values()]
    note_state(folder, actor.workspace_id, written(actor))
    click.echo(f"{len(saved)} flows, {len(found.tools)} tools, {len(found.tests)} files of tests.")
    waiting = [each.info.key for each in saved if each.info.state != "live" or each.text != each.live_text]
    if publish and waiting:
        _publish(actor, waiting, note, run_tests=not no_tests)
    elif publish:
        click.echo("All of them are live already.")


@flow.command()
@click.argument("folder", type=_FOLDER)
@workspace_option
def diff(folder: Path, workspace: str) -> None:
    """Show how a folder differs from the workspace; ends with 1 if it does."""
    ready()
    import difflib

    here = written(workspace_actor(workspace))
    there = {path.relative_to(folder).as_posix(): text_of(path) for path in sorted(folder.rglob("*.yaml"))}
    differs = False
    for name in sorted({*here, *there}):
        old, new = here.get(name, ""), there.get(name, "")
        for line in difflib.unified_diff(old.splitlines(), new.splitlines(), f"a/{name}", f"b/{name}", lineterm=""):
            differs = True
            click.echo(line)
    if differs:
        raise click.exceptions.Exit(1)


@flow.command("publish")
@click.argument("names", nargs=-1, required=True)
@click.option("--note", default="", help="Why, for the history.")
@click.option("--no-tests", is_flag=True, help="Without running the workspace's tests; --note must say why.")
@workspace_option
def publish_(names: tuple[str, ...], note: str, no_tests: bool, workspace: str) -> None:
    """Let drafts run for customers, all or none, if the workspace's tests pass with them together."""
    ready()
    _publish(workspace_actor(workspace), names, note, run_tests=not no_tests)


@flow.command()
@click.argument("name")
@click.argument("number", type=int)
@click.option("--note", default="", help="Why, for the history.")
@click.option("--no-tests", is_flag=True, help="Without running the workspace's tests; --note must say why.")
@workspace_option
def rollback(name: str, number: int, note: str, no_tests: bool, workspace: str) -> None:
    """Let an earlier version run again."""
    ready()
    from kefu.desk.assistants.actions import roll_back_flow

    actor = workspace_actor(workspace)
    with failures_told():
        roll_back_flow(actor, flow_id=name, number=number, note=note, run_tests=not no_tests)
    click.echo(f"{name}: version {number} is live.")


@flow.command()
@click.argument("name")
@workspace_option
def pause(name: str, workspace: str) -> None:
    """Start a flow for nobody any more; runs under way go on."""
    ready()
    from kefu.desk.assistants.actions import pause_flow

    pause_flow(workspace_actor(workspace), flow_id=name)
    click.echo(f"{name} is paused.")


@flow.command()
@click.argument("name")
@click.option("--override", is_flag=True, help="Also if the workspace's tests fail with it; needs --reason.")
@click.option("--reason", default="", help="Why; kept in the audit trail.")
@workspace_option
def resume(name: str, override: bool, reason: str, workspace: str) -> None:
    """Start a flow for customers again, if the workspace's tests let it."""
    ready()
    from kefu.desk.going_live import resume_flow

    with failures_told():
        resume_flow(workspace_actor(workspace), flow_id=name, override=override, reason=reason)
    click.echo(f"{name} is live.")


@flow.command()
@click.argument("name")
@workspace_option
def remove(name: str, workspace: str) -> None:
    """Delete a flow with its versions."""
    ready()
    from kefu.desk.assistants.actions import remove_flow

    remove_flow(workspace_actor(workspace), flow_id=name)
    click.echo(f"{name} is deleted.")


@click.group()
def tool() -> None:
    """Calls to the company's own systems: list, show, add, import, try, remove."""


@tool.command("list")
@workspace_option
@json_option
def list_tools(workspace: str, as_json: bool) -> None:
    """List the tools."""
    ready()
    from kefu.desk.assistants.queries import tools

    found = tools(workspace_actor(workspace))
    if as_json:
        print_json({"tools": [_tool_json(each) for each in found]})
        return
    for each in found:
        click.echo(f"{each.spec.name}  {each.spec.method} {each.spec.url}  {each.spec.description}".rstrip())


@tool.command("show")
@click.argument("name")
@workspace_option
def show_tool(name: str, workspace: str) -> None:
    """Print a tool's definition; never its credentials."""
    ready()
    from kefu.desk.assistants.queries import tool as of_actor

    print_json(_tool_json(of_actor(workspace_actor(workspace), name)))


@tool.command()
@click.argument("file", type=_FILE)
@click.option("--credentials-env", help='The environment variable that holds them: {"kind": "bearer", "token": "…"}.')
@workspace_option
def add(file: Path, credentials_env: str | None, workspace: str) -> None:
    """Store the tools of a YAML or JSON file; those of the same names are replaced."""
    ready()
    from kefu.desk.assistants.actions import save_tool
    from kefu.desk.assistants.tools.files import tools_of

    _, actor = workspace_or_new(workspace)
    for definition in tools_of(text_of(file)):
        saved = save_tool(actor, definition=definition, credentials=_credentials(credentials_env))
        click.echo(f"{saved.spec.name}  {saved.spec.method} {saved.spec.url}")


@tool.command("import")
@click.argument("file", type=_FILE)
@click.option("--server", default="", help="The address to call, instead of the one that the file names.")
@click.option("--only", "names", multiple=True, help="An operation to take, by the tool's name; all without it.")
@click.option("--credentials-env", help='The environment variable that holds them: {"kind": "bearer", "token": "…"}.')
@click.option("--dry-run", is_flag=True, help="Show what would be stored.")
@workspace_option
def import_(
    file: Path, server: str, names: tuple[str, ...], credentials_env: str | None, dry_run: bool, workspace: str
) -> None:
    """Make a tool of each operation of an OpenAPI 3 file."""
    ready()
    from kefu.desk.assistants.actions import import_tools

    _, actor = workspace_or_new(workspace)
    found = import_tools(
        actor,
        data=file.read_bytes(),
        server=server,
        names=names or None,
        credentials=_credentials(credentials_env),
        save=not dry_run,
    )
    for spec in found.found:
        click.echo(f"{spec.name}  {spec.method} {spec.url}")
    for problem in found.problems:
        click.echo(f"left out: {problem}", err=True)


@tool.command("try")
@click.argument("name")
@click.argument("arguments", nargs=-1, metavar="NAME=VALUE…")
@click.option("--sample", is_flag=True, help="Send nothing: the tool's samples answer.")
@workspace_option
def try_(name: str, arguments: tuple[str, ...], sample: bool, workspace: str) -> None:
    """Send a test call: the request (secrets hidden), the status, and what a flow would get of the answer."""
    ready()
    from kefu.desk.assistants.queries import tool as of_actor
    from kefu.desk.assistants.tools.spec import stored_spec
    from kefu.desk.tool_trial import try_tool

    actor = workspace_actor(workspace)
    found = of_actor(actor, name)
    types = {key: each.type for key, each in found.spec.declared().items()}
    pairs = dict(_pair(each) for each in arguments)
    given = {key: _as_type(types.get(key, "text"), value) for key, value in pairs.items()}
    request, sent = try_tool(
        actor, definition=stored_spec(found.spec), arguments=given, tool_id=found.id, sample=sample
    )
    answered = sent.answered
    print_json(
        {
            "request": request.shown(),
            "state": answered.state.value,
            "status": answered.status,
            "problem": answered.problem,
            "outputs": request.hidden_in(answered.outputs),
            "tries": sent.tries,
            "ms": sent.ms,
        }
    )


@tool.command("remove")
@click.argument("name")
@workspace_option
def remove_tool(name: str, workspace: str) -> None:
    """Delete a tool."""
    ready()
    from kefu.desk.assistants.actions import remove_tool as remove_one

    remove_one(workspace_actor(workspace), tool_id=name)
    click.echo(f"{name} is deleted.")


def _line_said() -> str:
    """The next message; an empty one at the end of what is piped in."""
    try:
        return str(click.prompt("customer", default="", show_default=False))
    except click.Abort:
        return ""


def _traced(step: Mapping[str, Any]) -> Iterator[str]:
    """What a flow did in a turn: where it went, what it holds, whom it asked, how it ended."""
    waits = f", waits at {step['step']}" if step["step"] else ""
    yield f"{' '.join(step['path']) or step['flow']}{waits}"
    held = {name: value for name, value in step["slots"].items() if value is not None}
    if held:
        yield f"slots {json.dumps(held, ensure_ascii=False)}"
    for call in step["tool_calls"]:
        answered = call["problem"] or json.dumps(call["outputs"], ensure_ascii=False)
        yield f"called {call['tool']} {json.dumps(call['arguments'], ensure_ascii=False)}: {answered}"
    if step["outcome"]:
        yield f"ended: {step['outcome']}"


def _by_hand(written: str) -> "HandAnswer":
    """An answer as it is typed: `sample 0`, `error not_found`, `timeout`, or outputs as JSON. Raises BadInput."""
    from kefu.desk.by_hand import HandAnswer

    word, _, rest = written.strip().partition(" ")
    if word == "timeout":
        return HandAnswer(problem="timeout")
    if word == "error":
        return HandAnswer(problem=rest.strip() or "server_error")
    if word == "sample" and rest.strip().isdigit():
        return HandAnswer(sample=int(rest))
    try:
        outputs = json.loads(written)
    except json.JSONDecodeError:
        outputs = None
    if not isinstance(outputs, dict):
        raise BadInput("An answer is: sample 0, error not_found, timeout, or outputs as JSON in braces.")
    return HandAnswer(outputs=outputs)


def _publish(actor: "Actor", names: Sequence[str], note: str, *, run_tests: bool) -> None:
    from kefu.desk.assistants.actions import publish_flows

    with failures_told():
        published = publish_flows(actor, flow_ids=names, note=note, run_tests=run_tests)
    for each in published:
        click.echo(f"{each.info.key}: version {each.info.live_number} is live.")


def _tool_json(info: Any) -> dict[str, Any]:
    from kefu.desk.assistants.tools.spec import stored_spec

    return {"id": info.id, "credentials": info.credentials, **stored_spec(info.spec)}


def _credentials(variable: str | None) -> dict[str, Any] | None:
    import os

    if variable is None:
        return None
    try:
        found = json.loads(os.environ.get(variable, ""))
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise BadInput(f'The environment variable {variable} holds no JSON such as {{"kind": "bearer", "token": "…"}}.')
    return found


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadInput(f"{text!r} is not NAME=VALUE.")
    return name.strip(), value


def _as_type(kind: str, written: str) -> Any:
    """An argument as its tool takes it: `true`, `["a"]` and `{"b": 1}` are JSON where the tool wants no text."""
    if kind == "text":
        return written
    try:
        return json.loads(written)
    except json.JSONDecodeError:
        return written
