"""`kefu models`: a workspace's own models, the versions that are live, and what the gate says of others."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kefu.cli.session import (
    failures_told,
    json_option,
    named,
    print_json,
    ready,
    workspace_actor,
    workspace_option,
    workspace_or_new,
)
from kefu.kit.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from kefu.contracts.gate import Verdict
    from kefu.desk.actor import Actor
    from kefu.desk.modelhub.queries import Comparison, ModelInfo, VersionInfo

_ROLES = click.Choice(["intent", "mood", "slots", "picture", "rerank"])
_CARD = ("task", "recipe", "runtime", "variant", "base_model", "seed", "licence")


@click.group()
def models() -> None:
    """A workspace's models: list, show, register, promote, rollback, compare."""


@models.command("list")
@workspace_option
@json_option
def list_(workspace: str, as_json: bool) -> None:
    """List models with the versions that are live."""
    ready()
    from kefu.desk.modelhub.queries import models as of_actor

    found = of_actor(workspace_actor(workspace))
    if as_json:
        print_json({"models": [_model_row(each) for each in found]})
        return
    for each in found:
        live = f"champion v{each.champion.number}" if each.champion else "no champion"
        click.echo(
            f"{each.name:30}  {each.role or '-':7}  {live:14}  {each.versions} version{'s' * (each.versions != 1)}"
        )
    if not found:
        click.echo(f"No models yet. Keep one with: kefu models register DIR --name NAME{named(workspace)}")


@models.command()
@click.argument("name")
@workspace_option
@json_option
def show(name: str, workspace: str, as_json: bool) -> None:
    """Show a model with its versions."""
    ready()
    from kefu.desk.modelhub import queries

    actor = workspace_actor(workspace)
    model = queries.model_named(actor, name)
    versions = queries.versions(actor, model.id)
    if as_json:
        print_json({**_model_row(model), "versions": [_version_row(each) for each in versions]})
        return
    click.echo(f"{model.name}; role: {model.role or 'none'}; test: {_test(model)}")
    for each in versions:
        aliases = ", ".join(each.aliases) or "-"
        click.echo(f"  v{each.number:<3}  {aliases:20}  {each.card.recipe:10}  {_figures(each.card.metrics)}")


@models.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--name", required=True, help="The model's name; a new one is made.")
@click.option("--role", type=_ROLES, help="What the workspace uses it for, if no other model is used for that.")
@click.option("--test", type=click.Path(path_type=Path), help="A labelled file: versions are judged on it from now on.")
@click.option("--note", default="", help="A line on where the version comes from.")
@workspace_option
@json_option
def register(
    folder: Path, name: str, role: str | None, test: Path | None, note: str, workspace: str, as_json: bool
) -> None:
    """Keep the model in DIR as a version; a first one goes live if the gate lets it. A new workspace is made."""
    ready()
    from kefu.desk import going_live

    _, actor = workspace_or_new(workspace)
    if test is not None:
        _set_test(actor, name, test)
    made, tests = going_live.register_folder(actor, name=name, folder=folder.expanduser(), role=role or "", note=note)
    if as_json:
        live = {"live": made.is_live, "tests_failed": tests.failed if tests else 0}
        print_json({**_version_row(made.version), **live, "verdict": _verdict_row(made.verdict)})
        return
    click.echo(f"{name} v{made.version.number}{', live' if made.is_live else ''}")
    if not made.is_live:
        _say(made.verdict)
        if tests is not None:
            click.echo(f"{tests.failed} of {tests.total} of the workspace's tests fail with it: kefu test")
        told = f"{shlex.quote(name)} {made.version.number}{named(workspace)}"
        click.echo(f"Make it live with: kefu models promote {told}")


@models.command()
@click.argument("name")
@click.argument("version", type=click.IntRange(min=1))
@click.option("--challenger", is_flag=True, help="Name it challenger; the champion stays.")
@click.option("--override", is_flag=True, help="Go past a gate that refuses; needs a reason.")
@click.option("--reason", default="", help="Why; kept in the audit trail.")
@workspace_option
@json_option
def promote(
    name: str, version: int, challenger: bool, override: bool, reason: str, workspace: str, as_json: bool
) -> None:
    """Make VERSION (a number) of a model champion if the gate lets it. A running server changes over at once."""
    ready()
    from kefu.desk import going_live
    from kefu.desk.modelhub import actions, queries

    actor = workspace_actor(workspace)
    model = queries.model_named(actor, name)
    chosen = queries.version_numbered(actor, model.id, number=version)
    if not challenger:
        _judge_where_needed(actor, model, chosen, quiet=as_json)
    try:
        with failures_told():
            done = going_live.promote(
                actor,
                model_id=model.id,
                version_id=chosen.id,
                alias="challenger" if challenger else "champion",
                override=override,
                reason=reason,
            )
    except actions.GateRefused as error:
        if not as_json:
            _say_checks(error.fields["checks"])
            raise
        print_json({"error": error.code, "sentence": error.sentence, "checks": error.fields["checks"]})
        raise SystemExit(1) from None
    if as_json:
        print_json(_model_row(done))
    else:
        click.echo(f"{done.name}: v{version} is {'challenger' if challenger else 'champion'}.")


@models.command()
@click.argument("name")
@click.option("--override", is_flag=True, help="Also if the workspace's tests fail with it; needs --reason.")
@click.option("--reason", default="", help="Why; kept in the audit trail.")
@workspace_option
@json_option
def rollback(name: str, override: bool, reason: str, workspace: str, as_json: bool) -> None:
    """Make the version champion that was it before, if the workspace's tests let it."""
    ready()
    from kefu.desk import going_live
    from kefu.desk.modelhub import queries

    actor = workspace_actor(workspace)
    model_id = queries.model_named(actor, name).id
    with failures_told():
        done = going_live.roll_back(actor, model_id=model_id, override=override, reason=reason)
    if as_json:
        print_json(_model_row(done))
    else:
        click.echo(f"{done.name}: v{done.champion.number if done.champion else '?'} is champion.")


@models.command()
@click.argument("name")
@click.argument("candidate", type=click.IntRange(min=1))
@click.argument("champion", type=click.IntRange(min=1), required=False)
@workspace_option
@json_option
def compare(name: str, candidate: int, champion: int | None, workspace: str, as_json: bool) -> None:
    """Compare CANDIDATE (a number) with the champion, or with another version. Judges what was not judged yet."""
    ready()
    from kefu.desk.modelhub import queries

    actor = workspace_actor(workspace)
    model = queries.model_named(actor, name)
    first = queries.version_numbered(actor, model.id, number=candidate)
    other = queries.version_numbered(actor, model.id, number=champion).id if champion else None
    _judge_where_needed(actor, model, first, other, quiet=as_json)
    found = queries.compare(actor, model.id, candidate=first.id, champion=other)
    if as_json:
        print_json(_comparison_row(found))
        return
    click.echo(f"{'':24} v{found.candidate.number:<9} {f'v{found.champion.number}' if found.champion else '-'}")
    for line in (*found.metrics, *found.slices):
        click.echo(f"{line['name'][:24]:24} {_number(line['candidate']):10} {_number(line['champion'])}")
    _say(found.verdict)


def _set_test(actor: "Actor", name: str, file: Path) -> None:
    """Keep a file as a dataset and judge the model's versions on it."""
    from kefu.desk.modelhub import actions, queries

    try:
        data = file.expanduser().read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from None
    known = {each.name: each for each in queries.datasets(actor)}
    title = f"{name} test"
    if title in known:
        kept = actions.add_version(actor, dataset_id=known[title].id, file_name=file.name, data=data)
    else:
        kept = actions.add_dataset(actor, name=title, file_name=file.name, data=data)
    model = next((each for each in queries.models(actor) if each.name == name), None)
    model = model or actions.make_model(actor, name=name)
    actions.change_model(actor, model_id=model.id, changes={"test": kept.latest.id})


def _judge_where_needed(
    actor: "Actor", model: "ModelInfo", candidate: "VersionInfo", champion: str | None = None, *, quiet: bool
) -> None:
    """Have the frozen test see what it has not seen yet, here and now."""
    from kefu.desk.modelhub import actions, due, queries

    for version_id in queries.compare(actor, model.id, candidate=candidate.id, champion=champion).needs_judging:
        if not quiet:
            click.echo(f"Judging on {_test(model)} …", err=True)
        asked = actions.judge(actor, version_id=version_id)
        done = due.finish(actor.workspace_id, asked.id)
        if done.state != "finished":
            sentence = (done.problem or {}).get("sentence", f"The evaluation is {done.state}.")
            raise Unavailable(f"It could not be judged: {sentence}")


def _say(verdict: "Verdict") -> None:
    _say_checks([vars(check) for check in verdict.checks])


def _say_checks(checks: Sequence[Mapping[str, Any]]) -> None:
    for check in checks:
        click.secho(f"{'ok' if check['passed'] else 'NO':3} {check['sentence']}", fg=None if check["passed"] else "red")


def _figures(metrics: Mapping[str, float]) -> str:
    shown = ("span_f1", "accuracy", "macro_f1", "latency_p95_ms", "size_mb")
    return "  ".join(f"{name} {_number(metrics[name])}" for name in shown if name in metrics)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _test(model: "ModelInfo") -> str:
    return f"{model.test['name']} v{model.test['number']}" if model.test else "none"


def _model_row(each: "ModelInfo") -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "role": each.role or None,
        "test": each.test,
        "champion": each.champion.number if each.champion else None,
        "challenger": each.challenger.number if each.challenger else None,
        "versions": each.versions,
        "updated_at": each.updated_at.isoformat(),
    }


def _version_row(each: "VersionInfo") -> dict[str, Any]:
    return {
        "id": each.id,
        "model": each.model,
        "number": each.number,
        "aliases": list(each.aliases),
        **{name: getattr(each.card, name) for name in _CARD},
        "labels": list(each.card.labels),
        "metrics": dict(each.card.metrics),
        "judged": each.is_judged,
        "sha256": each.sha256,
        "bytes": each.size_bytes,
        "created_at": each.created_at.isoformat(),
    }


def _verdict_row(verdict: "Verdict") -> dict[str, Any]:
    return {"passed": verdict.passed, "checks": [vars(check) for check in verdict.checks]}


def _comparison_row(found: "Comparison") -> dict[str, Any]:
    return {
        "candidate": _version_row(found.candidate),
        "champion": _version_row(found.champion) if found.champion else None,
        "verdict": _verdict_row(found.verdict),
        "metrics": found.metrics,
        "slices": found.slices,
    }
