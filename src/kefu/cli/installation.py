"""`kefu doctor`, `migrate`, `backup`, `restore`, `settings`."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

import kefu
from kefu.cli.session import json_option, print_json
from kefu.kit.errors import KefuError
from kefu.kit.settings import PREFIX, Settings, settings


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `mend` is the exact command, empty where all is well."""

    name: str
    is_well: bool
    says: str
    mend: str = ""


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Say what is missing and the exact command that mends it."""
    findings = list(_findings())
    if as_json:
        print_json({"findings": [vars(each) for each in findings]})
    else:
        for each in findings:
            mark = click.style("ok  ", fg="green") if each.is_well else click.style("MEND", fg="red")
            click.echo(f"{mark} {each.name}: {each.says}" + (f"\n     {each.mend}" if each.mend else ""))
    if not all(each.is_well for each in findings):
        raise SystemExit(1)


@click.command()
def migrate() -> None:
    """Bring the database up to date; backs up first."""
    from kefu.desk import backup, boot

    boot.make_home(settings().folder)
    boot.check_database_file()
    if not boot.pending_migrations():
        click.echo("The database is up to date.")
        return
    with backup.in_use(alone=True):
        kept = None if boot.is_new() else backup.backup_before("migrate")
        applied = boot.migrate()
    click.echo(f"Applied {len(applied)}: {', '.join(applied)}." + (f" Backup: {kept}" if kept else ""))


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write database, files, secret key and settings to one FILE; a server may go on meanwhile."""
    from kefu.desk import backup as backups
    from kefu.desk import boot

    boot.make_home(settings().folder)
    boot.check_database_file()
    size = backups.write_backup(file)
    click.echo(f"Wrote {file} ({size:,} bytes). It holds the secret key: keep it as you keep passwords.")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(file: Path, yes: bool) -> None:
    """Put back what the backup FILE holds. What is there now is kept beside it."""
    from kefu.desk import backup as backups
    from kefu.desk import boot

    # A file that is not there, and a home that holds nothing yet, are no reason to ask.
    if not yes and file.exists() and backups.holds_something():
        click.confirm(f"Replace what is in {settings().folder} by {file}?", abort=True)
    boot.make_home(settings().folder)
    with backups.in_use(alone=True):
        kept = backups.restore_backup(file)
    click.echo(f"Restored {file}. What was there before is in {kept}.")


@click.command("settings")
@json_option
def settings_(as_json: bool) -> None:
    """List every setting with its value here, its default and its meaning."""
    now = settings()
    rows = [
        {
            "name": f"{PREFIX}{name.upper()}",
            "value": "(set)" if _is_secret(name) and getattr(now, name) else str(getattr(now, name)),
            "default": str(field.default),
            "help": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]
    if as_json:
        print_json({"settings": rows})
        return
    for row in rows:
        click.secho(f"{row['name']} = {row['value']}", bold=True)
        click.echo(f"    {row['help']} Default: {row['default'] or 'empty'}.")


def _is_secret(name: str) -> bool:
    return any(part in name for part in ("secret", "password", "database_url", "smtp"))


def _findings() -> Iterator[Finding]:
    for look in (_home, _extras, _pages, _database, _encoders, _generators, _runs):
        try:
            found = look()
        except KefuError as error:
            found = Finding(look.__name__.strip("_"), False, error.sentence, _mend(error))
        yield found
        if not found.is_well and look in {_home, _database}:
            return  # the rest stands on it


def _home() -> Finding:
    from kefu.desk.boot import make_home

    make_home(settings().folder)
    return Finding("home", True, str(settings().folder))


def _extras() -> Finding:
    if settings().database_url and importlib.util.find_spec("psycopg") is None:
        return Finding("extras", False, "psycopg is missing for PostgreSQL.", "pip install 'kefu[postgres]'")
    if settings().storage and importlib.util.find_spec("storages") is None:
        return Finding("extras", False, "django-storages is missing for S3.", "pip install 'kefu[s3]'")
    return Finding("extras", True, "all that the settings need is installed")


def _database() -> Finding:
    from kefu.desk import boot

    boot.check_database_file()
    pending = boot.pending_migrations()
    if pending:
        return Finding("database", False, f"{len(pending)} migrations are not applied.", "kefu migrate")
    return Finding("database", True, "sound and up to date")


def _runs() -> Finding:
    if settings().runner == "local":
        return Finding("runs", True, f"on this machine, {settings().runs_at_once} at a time")
    if importlib.util.find_spec("ray") is None:
        return Finding("runs", False, "ray is missing for KEFU_RUNNER=ray.", "pip install 'kefu[ray]'")
    says = f"on the Ray cluster at {settings().ray_address}, {settings().runs_at_once} at a time"
    return Finding("runs", True, says)


def _encoders() -> Finding:
    from kefu.desk.wiring import wiring

    cards = {encoder.card().name for encoder in wiring().encoders().values()}
    return Finding("encoders", True, f"{', '.join(sorted(cards))}, files as they were shipped")


def _pages() -> Finding:
    if not (Path(kefu.__file__).parent / "static" / "widget" / "index.html").exists():
        return Finding("pages", False, "The web pages are not built.", "make web")
    return Finding("pages", True, "built")


def _generators() -> Finding:
    from kefu.desk.accounts.queries import workspaces
    from kefu.desk.assistants.queries import for_workspace
    from kefu.desk.wiring import engine_of

    references = {for_workspace(each.id).generator for each in workspaces()} - {""}
    needs_gguf = any(engine_of(reference) == "llamacpp" for reference in references)
    if needs_gguf and importlib.util.find_spec("xllamacpp") is None:
        return Finding("generators", False, "xllamacpp is missing for a GGUF.", "pip install 'kefu[gguf]'")
    return Finding("generators", True, f"{len(references)} set up" if references else "none set up, none needed")


def _mend(error: KefuError) -> str:
    """The command in an error's sentence, which ends with it after a colon."""
    _, colon, command = error.sentence.rpartition(": ")
    return command if colon and command.startswith(("kefu ", "pip ", "make ", "apt-get ")) else ""
