"""`kefu test`: a company's conversations run with what is expected of them, in a workspace or in a folder."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kefu.cli.progress import Progress
from kefu.cli.session import print_json
from kefu.kit.errors import BadInput

if TYPE_CHECKING:
    from kefu.brain.flow_tests import CaseResult, SuiteReport, TestFile, ToolSample
    from kefu.contracts.flow import Flow

_ENDINGS = (".yaml", ".yml")
_FLOW, _TESTS = "kefu.flow/", "kefu.flow-test/"


@click.command("test")
@click.argument("directory", required=False, metavar="[DIR]")
@click.option(
    "--workspace", "-w", default="", help="The workspace whose knowledge, models and (without DIR) tests run."
)
@click.option("--junit", default="", metavar="FILE", help="Write the results as JUnit XML.")
@click.option("--only", default="", help="Only tests whose file or name holds this.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def test(directory: str | None, workspace: str, junit: str, only: str, as_json: bool) -> None:
    """Run the tests in DIR, its flows, tools and tests as YAML files, or those of a workspace; exit code 1 on failure.

    Tools are answered by samples, never by a real system. In a folder without --workspace no knowledge is there, so
    tests of knowledge answers fail.
    """
    from kefu.kit import log

    log.configure("warning")
    folder = read_folder(Path(directory)) if directory else None
    with Progress() as progress:
        told = _teller(progress, as_json)
        if folder is not None and not workspace:
            report = _in_folder(folder, only, told)
        else:
            report = _in_workspace(workspace, only, told, folder)
    if not report.cases:
        raise BadInput(
            f"There is no test{f' that holds {only!r}' if only else ''} in {directory or workspace or 'the workspace'}."
        )
    if junit:
        _write(Path(junit), report.junit())
    if as_json:
        print_json(report.as_json())
    else:
        click.echo(report.table())
    if not report.passed:
        sys.exit(1)


def _teller(progress: Progress, quiet: bool) -> "Callable[[CaseResult], None]":
    """Says a failing test at once: a long suite need not end to be worked on."""

    def told(result: "CaseResult") -> None:
        if not result.passed and not quiet and sys.stderr.isatty():
            progress.say(f"FAIL {result.file}: {result.name}", err=True)

    return told


@dataclass(frozen=True)
class Folder:
    """What a folder holds: flows, tests, and the samples of its tools."""

    flows: "tuple[Flow, ...]"
    texts: tuple[str, ...]
    tests: "tuple[TestFile, ...]"
    samples: "Mapping[str, tuple[ToolSample, ...]]" = field(default_factory=dict)


def read_folder(folder: Path) -> Folder:
    """Every YAML file below a folder, by what it says it is; others are passed over.

    Raises BadInput for a folder that cannot be read, and for a file that is not what it says.
    """
    import yaml

    from kefu.brain.flow import load_flow
    from kefu.brain.flow_tests import read_tests

    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder.", path=str(folder))
    flows, texts, tests, tools = [], [], [], []
    for path in sorted(each for each in folder.rglob("*") if each.suffix.lower() in _ENDINGS and each.is_file()):
        text = _text(path)
        name = path.relative_to(folder).as_posix()
        kind = _kind(text)
        if kind.startswith(_FLOW):
            flows.append(_named(name, lambda text=text: load_flow(text)))
            texts.append(text)
        elif kind.startswith(_TESTS):
            tests.append(read_tests(text, name))
        elif not kind:
            try:
                tools += _tools(yaml.safe_load(text))
            except (yaml.YAMLError, RecursionError) as error:
                raise BadInput(f"{name} is not YAML: {str(error).splitlines()[0]}.", path=name) from None
    return Folder(tuple(flows), tuple(texts), tuple(tests), samples_of(tools))


def samples_of(definitions: Sequence[Any]) -> "dict[str, tuple[ToolSample, ...]]":
    """What tools' own samples answer, as a flow gets it. Raises BadInput for a definition that is no tool's."""
    from kefu.brain.flow_tests import ToolSample
    from kefu.desk.assistants.tools.answer import read_answer
    from kefu.desk.assistants.tools.spec import checked_spec

    found: dict[str, tuple[ToolSample, ...]] = {}
    for definition in definitions:
        spec = checked_spec(definition)
        read = [(sample, read_answer(spec, sample.status, sample.body)) for sample in spec.samples]
        found[spec.name] = tuple(
            ToolSample(sample.when or None, dict(told.outputs), told.problem, told.message) for sample, told in read
        )
    return found


def _in_folder(found: Folder, only: str, told: "Callable[[CaseResult], None]") -> "SuiteReport":
    from kefu.brain.flow import Shelf
    from kefu.brain.flow_tests import on_shelf, run_suite

    shelf = Shelf(found.flows)
    return run_suite(_chosen(found.tests, only), on_shelf(shelf, samples=found.samples), flows=found.flows, told=told)


def _chosen(tests: "Sequence[TestFile]", only: str) -> "list[TestFile]":
    from dataclasses import replace

    if not only:
        return list(tests)
    kept = [
        replace(each, cases=tuple(case for case in each.cases if only in each.name or only in case.name))
        for each in tests
    ]
    return [each for each in kept if each.cases]


def _in_workspace(
    workspace: str, only: str, told: "Callable[[CaseResult], None]", folder: Folder | None
) -> "SuiteReport":
    """The workspace's own tests; or a folder's, with its flows in place of the live ones."""
    from kefu.brain.flow_tests import read_tests
    from kefu.cli.session import ready, workspace_actor

    ready()
    from kefu.desk import suites
    from kefu.desk.assistants.queries import suite_files

    actor = workspace_actor(workspace)
    tests = folder.tests if folder else tuple(read_tests(each.text, each.name) for each in suite_files(actor))
    drafts = folder.texts if folder else ()
    return suites.report_of(
        actor, tests=_chosen(tests, only), drafts=drafts, samples=folder.samples if folder else {}, told=told
    )


def _tools(table: Any) -> list[Any]:
    """The tools in a file: one, a list, or below `tools`; a table that is no tool's is passed over."""
    if isinstance(table, dict) and isinstance(table.get("tools"), list):
        table = table["tools"]
    listed = table if isinstance(table, list) else [table]
    return [each for each in listed if isinstance(each, dict) and "url" in each and "name" in each]


def _kind(text: str) -> str:
    """What a file's `schema:` line says."""
    for line in text.splitlines():
        if line.startswith("schema:"):
            return line.partition(":")[2].split("#")[0].strip().strip("'\"")
    return ""


def _named(name: str, load: Any) -> Any:
    try:
        return load()
    except BadInput as error:
        raise BadInput(f"{name}: {error.sentence}", **error.fields) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", path=str(path)) from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8 text.", path=str(path)) from None


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.", path=str(path)) from None
