"""Make Django ready: once a process, by whoever needs rows first."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from kefu.kit.errors import BadInstallation
from kefu.kit.settings import settings

_DAMAGED = "The database {path} is damaged. Restore a backup: kefu restore FILE"


def boot() -> None:
    """Prepare the home folder and Django. Safe to call again.

    Raises BadInstallation when the folder cannot be written or the database file is damaged.
    """
    make_home(settings().folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kefu.desk.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()


def make_home(folder: Path) -> None:
    """Create the home folder, readable by its owner alone.

    Raises BadInstallation when it cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".write-test-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadInstallation(
            f"The folder {folder} cannot be written ({error.strerror}). "
            "Choose another with KEFU_HOME, or mend its permissions.",
            folder=str(folder),
        ) from None


def check_database_file() -> None:
    """Raise BadInstallation when the SQLite file is not a sound database. PostgreSQL checks itself."""
    path = settings().folder / "kefu.db"
    if not settings().database_url and path.exists() and not is_sound(path):
        raise BadInstallation(_DAMAGED.format(path=path), file=str(path))


def is_sound(path: Path) -> bool:
    """Whether a file is an undamaged SQLite database."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError:
        return False
    return bool(verdict == "ok")


def migrate() -> list[str]:
    """Bring the schema up to date; gives the names of the migrations applied."""
    pending = pending_migrations()
    if pending:
        from django.core.management import call_command

        call_command("migrate", interactive=False, verbosity=0)
    return pending


def is_new() -> bool:
    """Whether no migration was ever applied: an empty database that may simply be filled."""
    boot()
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    with _answering():
        return not MigrationRecorder(connection).applied_migrations()


def pending_migrations() -> list[str]:
    """Names of migrations that `migrate` would apply. Raises BadInstallation when the database does not answer."""
    boot()
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    with _answering():
        executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    from django.db import OperationalError

    try:
        yield
    except OperationalError as error:
        reason = str(error).strip().partition("\n")[0]  # the driver names host and user, never the password
        what = "KEFU_DATABASE_URL names a database that" if settings().database_url else "The database"
        raise BadInstallation(f"{what} cannot be used: {reason}") from None
