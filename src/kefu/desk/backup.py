"""One file that holds an installation: database, files, secret key, settings; and putting it back."""

import contextlib
import fcntl
import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from kefu import __version__
from kefu.desk.boot import is_sound
from kefu.kit.errors import BadInput, BadInstallation, Conflict, MissingExtra
from kefu.kit.settings import settings

_ABOUT = "kefu-backup.json"
_SQLITE = "kefu.db"
_POSTGRES = "kefu.pgdump"
_PLAIN = ("secret.key", "config.toml")


@contextlib.contextmanager
def in_use(*, alone: bool = False) -> Iterator[None]:
    """Hold the home folder: servers together, `alone` for what must not run beside a server.

    Raises Conflict when somebody else holds it in a way that does not go together. Ends with the process.
    """
    path = settings().folder / "kefu.lock"
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            raise Conflict("Kefu is running on this folder, or being restored. Stop it first.") from None
        yield


def write_backup(path: Path) -> int:
    """Write a backup of a running or stopped installation; gives its size in bytes.

    Raises BadInput when the file cannot be written, or is there already.
    """
    if path.exists():
        raise BadInput(f"{path} is there already; a backup is never overwritten. Choose another name.")
    home = settings().folder
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".kefu-backup-") as folder:
            database = _dump(Path(folder))
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with (
                os.fdopen(descriptor, "wb") as file,
                tarfile.open(fileobj=file, mode="w:gz", compresslevel=5) as archive,
            ):
                _add_about(archive, Path(folder))
                archive.add(database, database.name)
                for name in _PLAIN:
                    if (home / name).exists():
                        archive.add(home / name, name)
                if (home / "files").exists():
                    archive.add(home / "files", "files")
        unfinished.rename(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from None
    return path.stat().st_size


def restore_backup(path: Path) -> str:
    """Put an installation back as the backup holds it; what was there is kept beside it. Gives where it is kept.

    Nothing is changed unless the whole backup is sound. Raises BadInput for a file that is no backup of Kefu, damaged,
    or of a later version.
    """
    home = settings().folder
    with tempfile.TemporaryDirectory(dir=home, prefix=".restore-") as folder:
        unpacked = Path(folder)
        _unpack(path, unpacked)
        kept = home / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
        kept.mkdir(mode=0o700)
        for name in (_SQLITE, f"{_SQLITE}-wal", f"{_SQLITE}-shm", *_PLAIN, "files"):
            if (home / name).exists():
                (home / name).rename(kept / name)
        for name in (_SQLITE, *_PLAIN, "files"):
            if (unpacked / name).exists():
                (unpacked / name).rename(home / name)
        if (unpacked / _POSTGRES).exists():
            _postgres("pg_restore", "--clean", "--if-exists", "--no-owner", "-d", _url(), str(unpacked / _POSTGRES))
    return str(kept)


def holds_something() -> bool:
    """Whether a restore would take the place of a database or a secret key."""
    home = settings().folder
    return bool(settings().database_url) or any((home / name).exists() for name in (_SQLITE, *_PLAIN))


def backup_before(what: str) -> Path | None:
    """A backup beside the database before it is changed; none of a database that is not there."""
    home = settings().folder
    if not settings().database_url and not (home / _SQLITE).exists():
        return None
    folder = home / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"before-{what}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.tar.gz"
    write_backup(path)
    return path


def _dump(folder: Path) -> Path:
    if settings().database_url:
        target = folder / _POSTGRES
        _postgres("pg_dump", "--format=custom", "--no-owner", f"--file={target}", _url())
        return target
    source = settings().folder / _SQLITE
    if not source.exists():
        raise BadInput(f"There is nothing to back up in {settings().folder} yet.")
    target = folder / _SQLITE
    # SQLite's own copy is consistent while others write, where copying the file is not.
    with contextlib.closing(sqlite3.connect(source)) as live, contextlib.closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
    return target


def _add_about(archive: tarfile.TarFile, folder: Path) -> None:
    about = {"kefu": __version__, "made_at": datetime.now(UTC).isoformat()}
    (folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
    archive.add(folder / _ABOUT, _ABOUT)


def _unpack(path: Path, folder: Path) -> None:
    try:
        _read_to_its_end(path)
        with tarfile.open(path, "r:gz") as archive:
            names = archive.getnames()
            if _ABOUT not in names or not {_SQLITE, _POSTGRES} & set(names):
                raise BadInput(f"{path} is not a backup of Kefu.")
            archive.extractall(folder, filter="data")  # refuses absolute paths, links outside and devices
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}.") from None
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise BadInput(f"{path} is damaged or not a backup of Kefu ({type(error).__name__}).") from None
    version = _version(path, folder)
    if _numbers(version) > _numbers(__version__):
        raise BadInput(f"{path} was made by Kefu {version}; this is {__version__}. Install that one first.")
    if (folder / _POSTGRES).exists() != bool(settings().database_url):
        kind = "PostgreSQL" if (folder / _POSTGRES).exists() else "SQLite"
        raise BadInput(f"{path} holds a {kind} database; set KEFU_DATABASE_URL to match.")
    if (folder / _SQLITE).exists() and not is_sound(folder / _SQLITE):
        raise BadInput(f"{path} is damaged: its database cannot be read.")


def _read_to_its_end(path: Path) -> None:
    # The check sum is at the end, and tar stops before it: a file cut between two members would look whole.
    with gzip.open(path) as whole:
        while whole.read(2**20):
            pass


def _version(path: Path, folder: Path) -> str:
    try:
        version = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))["kefu"]
    except (OSError, ValueError, LookupError, TypeError):
        version = None
    if not isinstance(version, str):
        raise BadInput(f"{path} is not a backup of Kefu.")
    return version


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _url() -> str:
    return settings().database_url


def _postgres(program: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise MissingExtra(f"{program} is not installed. Install it with: apt-get install postgresql-client")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - our own list
    if done.returncode:
        raise BadInstallation(f"{program} failed: {done.stderr.strip().splitlines()[-1] if done.stderr else 'no word'}")
