"""What commands share: a ready database, a workspace by name, rows in and out."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kefu.kit import log
from kefu.kit.errors import BadInput, KefuError, NotFound
from kefu.kit.settings import settings

if TYPE_CHECKING:
    from kefu.desk.accounts.queries import WorkspaceInfo
    from kefu.desk.actor import Actor

# Before a workspace exists, and among several, this one is meant where none is named.
_USUAL = "default"

workspace_option = click.option(
    "--workspace", "-w", default="", help="The workspace, by name; where there is only one, that one."
)
member_option = click.option("--member", required=True, help="Who does it: a member's address or id.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def ready() -> None:
    """Make the database ready; a new one gets its tables.

    Raises BadInstallation when it is damaged, BadInput when it is of an older Kefu.
    """
    from kefu.desk import boot

    log.configure(settings().log_level if settings().log_level != "info" else "warning")
    boot.make_home(settings().folder)
    boot.check_database_file()
    boot.boot()
    pending = boot.pending_migrations()
    if not pending:
        return
    if boot.is_new():
        boot.migrate()
    else:
        raise BadInput("The database is of an older Kefu. Bring it up to date with: kefu migrate")


def workspace_actor(name: str) -> "Actor":
    """Kefu itself in the workspace of that name, or with "" in the only one.

    Raises NotFound with the names that exist, BadInput where one of several must be named.
    """
    from kefu.desk.accounts.queries import workspace_named
    from kefu.desk.actor import system

    return system(workspace_named(name or _meant()).id, "command line")


def workspace_or_new(name: str) -> "tuple[WorkspaceInfo, Actor]":
    """As `workspace_actor`, but a workspace that is not there is made."""
    from kefu.desk.accounts.actions import workspace_made_if_new
    from kefu.desk.actor import system

    info, _ = workspace_made_if_new(name or _meant())
    return info, system(info.id, "command line")


def named(workspace: str) -> str:
    """The option as it was given, for a command line that is suggested; empty where it was not."""
    return f" --workspace {workspace}" if workspace else ""


def _meant() -> str:
    from kefu.desk.accounts.queries import workspaces

    names = sorted(each.slug for each in workspaces())
    if len(names) == 1:
        return names[0]
    if not names or _USUAL in names:
        return _USUAL
    raise BadInput(f"Which workspace? Name one with --workspace: {', '.join(names)}.", field="workspace")


def json_lines(path: str, *, needs: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Rows of a JSON-lines file, `-` for standard input; what they need, but for an `id`, are texts.

    Raises BadInput that names file, line and what is wrong.
    """
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadInput(f"{path}, line {number}: not JSON ({error.msg} at column {error.colno}).") from None
        except (ValueError, RecursionError):  # a number of thousands of digits, or brackets as deep
            raise BadInput(
                f"{path}, line {number}: not JSON that can be read (too long a number, or too deep)."
            ) from None
        missing = [name for name in needs if not isinstance(row, dict) or name not in row]
        if missing:
            raise BadInput(f"{path}, line {number}: the row lacks {', '.join(missing)}.")
        for name in needs:
            if name != "id" and not isinstance(row[name], str):
                raise BadInput(f"{path}, line {number}: {name} is not a text.")
        yield row


def batches(rows: Iterator[dict[str, Any]], size: int = 32) -> Iterator[list[dict[str, Any]]]:
    """Rows a few at a time: questions that are asked together share a run of the encoder."""
    while some := list(itertools.islice(rows, size)):
        yield some


def member_called(actor: "Actor", name: str) -> str:
    """A member's id by their mail address or id. Raises NotFound."""
    from kefu.desk.accounts.queries import members

    wanted = name.strip().lower()
    for each in members(actor):
        if wanted in (each.id, each.email):
            return each.id
    raise NotFound(f"No member of this workspace has the address {name}.", email=name)


def as_member(workspace: str, name: str) -> "Actor":
    """A member of a workspace, by mail address or id. Raises NotFound."""
    from kefu.desk.accounts.queries import actor_of_member

    actor = workspace_actor(workspace)
    return actor_of_member(actor.workspace_id, member_called(actor, name))


def print_rows(rows: Sequence[Any], *, name: str, as_json: bool, line: Callable[[Any], str]) -> None:
    """Rows as one JSON object under a name, or a line each."""
    if as_json:
        print_json({name: [vars(each) for each in rows]})
        return
    for each in rows:
        click.echo(line(each))


def write_private(out: str, pieces: Iterable[str]) -> None:
    """Write a file that nobody else may read: it holds personal data. Raises BadInput where it cannot be written."""
    path = Path(out)
    try:
        path.touch(mode=0o600)
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}.") from None
    click.echo(f"Wrote {out}.")


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def _lines(path: str) -> Iterator[str]:
    try:
        # Standard input by its number: what the terminal's locale is does not matter.
        with open(0 if path == "-" else path, encoding="utf-8-sig", closefd=path != "-") as file:
            yield from file
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8 text.") from None


@contextmanager
def failures_told() -> Iterator[None]:
    """Names the tests that keep something from going live, before the one sentence that refuses it."""
    try:
        yield
    except KefuError as error:
        for failure in error.fields.get("report", {}).get("failures", ()):
            where = f"{failure['file']}:{failure['line']}: {failure['test']}"
            after = f" after {failure['said']!r}" if failure["said"] else ""
            click.echo(f"{where}:{after} expected {failure['wanted']}; got {failure['got']}", err=True)
        raise
