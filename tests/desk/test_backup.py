"""Backups: everything goes in and comes back; what is no backup changes nothing."""

import contextlib
import io
import json
import os
import random
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from kefu import __version__
from kefu.desk.backup import backup_before, in_use, restore_backup, write_backup
from kefu.kit import settings
from kefu.kit.errors import BadInput, Conflict

on_postgres = pytest.mark.skipif(
    not os.environ.get("KEFU_DATABASE_URL") or shutil.which("pg_dump") is None, reason="needs PostgreSQL and pg_dump"
)


@pytest.fixture
def home(kefu_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a SQLite database, whichever database the run uses, and a little of everything."""
    monkeypatch.delenv("KEFU_DATABASE_URL", raising=False)
    settings.reload()
    fill(kefu_home, "first")
    return kefu_home


def fill(home: Path, what: str) -> None:
    with contextlib.closing(sqlite3.connect(home / "kefu.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE IF NOT EXISTS said (text TEXT)")
        database.execute("INSERT INTO said VALUES (?)", [what])
        database.commit()
    (home / "secret.key").write_text(f"key of {what}")
    (home / "config.toml").write_text(f"# {what}\nport = 8123\n")
    (home / "files" / "ws_1").mkdir(parents=True, exist_ok=True)
    (home / "files" / "ws_1" / f"{what}-帮助").write_bytes(what.encode() * 1_000)


def said(home: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(home / "kefu.db")) as database:
        return [row[0] for row in database.execute("SELECT text FROM said")]


def state(home: Path) -> dict[str, bytes]:
    """What a home holds, by path; the database by its rows."""
    files = {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and not path.name.startswith("kefu.db") and path.name != "kefu.lock"
    }
    return {**files, "kefu.db": json.dumps(said(home)).encode()}


def test_what_was_backed_up_comes_back_and_what_was_there_is_kept(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "备份.tar.gz"
    before = state(home)
    assert write_backup(file) == file.stat().st_size
    fill(home, "second")
    changed = state(home)
    kept = Path(restore_backup(file))
    assert {name: data for name, data in state(home).items() if not name.startswith(kept.name)} == before
    assert state(kept) == changed
    restore_backup(file)  # twice within a second


def test_a_backup_of_a_database_in_use_has_all_that_was_committed(home: Path, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(home / "kefu.db")) as writer:
        writer.execute("INSERT INTO said VALUES ('committed')")
        writer.commit()
        writer.execute("INSERT INTO said VALUES ('not yet')")
        write_backup(tmp_path / "b.tar.gz")
        writer.rollback()
    restore_backup(tmp_path / "b.tar.gz")
    assert said(home) == ["first", "committed"]


def test_only_its_owner_may_read_a_backup_since_it_holds_the_key(home: Path, tmp_path: Path) -> None:
    write_backup(tmp_path / "b.tar.gz")
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o777 == 0o600


def test_a_backup_is_never_overwritten_and_none_is_left_half_written(home: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").write_text("precious")
    with pytest.raises(BadInput, match="there already"):
        write_backup(tmp_path / "b.tar.gz")
    with pytest.raises(BadInput, match="cannot be written"):
        write_backup(tmp_path / "nowhere" / "b.tar.gz")
    assert (tmp_path / "b.tar.gz").read_text() == "precious"
    (home / "kefu.db").unlink()
    with pytest.raises(BadInput, match="nothing to back up"):
        write_backup(tmp_path / "c.tar.gz")
    assert {path.name for path in tmp_path.iterdir()} == {"home", "b.tar.gz"}


def test_a_backup_before_a_change_lies_beside_the_database(home: Path) -> None:
    first, second = backup_before("migrate"), backup_before("migrate")
    assert first is not None
    assert second is not None
    assert first != second
    assert first.parent == home / "backups"
    (home / "kefu.db").unlink()
    assert backup_before("migrate") is None


def test_servers_share_the_folder_and_restoring_needs_it_alone(home: Path) -> None:
    with in_use(), in_use(), pytest.raises(Conflict, match="Stop it first"), in_use(alone=True):
        raise AssertionError("restored beside a server")
    with in_use(alone=True), pytest.raises(Conflict), in_use():
        raise AssertionError("started while restoring")
    with in_use(alone=True):
        """Free again."""


def archive(path: Path, **members: bytes | tarfile.TarInfo) -> Path:
    """A tar.gz of our own; underscores in names stand for dots."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name.replace("__", "-").replace("_", "."))
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def about(version: str = __version__) -> bytes:
    return json.dumps({"kefu": version, "made_at": "2026-11-01T00:00:00+00:00"}).encode()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def refused(file: Path, home: Path, match: str) -> None:
    """Restoring says why not in one sentence, and leaves the home as it was."""
    before = state(home)
    with pytest.raises(BadInput, match=match) as error:
        restore_backup(file)
    assert "\n" not in error.value.sentence
    assert file.name in error.value.sentence
    assert state(home) == before


@pytest.mark.parametrize("length", [0, 1, 30, 0.5, 0.99])
def test_a_backup_that_breaks_off_is_refused(home: Path, tmp_path: Path, length: float) -> None:
    write_backup(tmp_path / "whole.tar.gz")
    data = (tmp_path / "whole.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(data[: int(length * len(data)) if 0 < length < 1 else int(length)])
    refused(tmp_path / "cut.tar.gz", home, "damaged or not a backup")


@pytest.mark.parametrize("seed", range(12))
def test_a_backup_with_changed_bytes_is_refused(home: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    write_backup(tmp_path / "whole.tar.gz")
    data = bytearray((tmp_path / "whole.tar.gz").read_bytes())
    for place in chance.sample(range(20, len(data)), 8):
        data[place] ^= 0xFF
    (tmp_path / "damaged.tar.gz").write_bytes(data)
    refused(tmp_path / "damaged.tar.gz", home, "damaged")


def test_what_is_no_backup_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "text.tar.gz").write_text("no archive at all")
    refused(tmp_path / "text.tar.gz", home, "not a backup")
    refused(tmp_path / "nowhere.tar.gz", home, "There is no file")
    refused(archive(tmp_path / "other.tar.gz", notes_txt=b"x"), home, "not a backup of Kefu")
    refused(archive(tmp_path / "no-db.tar.gz", kefu__backup_json=about()), home, "not a backup of Kefu")
    for number, bad in enumerate([b"", b"[]", b"{}", b"\xff", b'{"kefu": 5}']):
        file = archive(tmp_path / f"about-{number}.tar.gz", kefu__backup_json=bad, kefu_db=b"x")
        refused(file, home, "not a backup of Kefu")


def test_a_backup_of_a_later_version_is_refused_and_says_which(home: Path, tmp_path: Path) -> None:
    for version in ("99.0.0", "0.1.1", "1.0", "0.2.0rc1"):
        file = archive(tmp_path / f"{version}.tar.gz", kefu__backup_json=about(version), kefu_db=b"x")
        refused(file, home, f"made by Kefu {version}")


def test_a_backup_of_the_other_kind_of_database_is_refused(home: Path, tmp_path: Path) -> None:
    file = archive(tmp_path / "pg.tar.gz", kefu__backup_json=about(), kefu_pgdump=b"x")
    refused(file, home, "holds a PostgreSQL database")


def test_a_backup_whose_database_is_damaged_is_refused(home: Path, tmp_path: Path) -> None:
    file = archive(tmp_path / "b.tar.gz", kefu__backup_json=about(), kefu_db=b"SQLite format 3\x00" + b"x" * 5_000)
    refused(file, home, "damaged")


@pytest.mark.parametrize(
    "trap",
    [
        tarfile.TarInfo("../escaped"),
        tarfile.TarInfo("files/../../escaped"),
        link("files", "/etc"),
        link("files/shadow", "../../../../../../etc/shadow"),
        link("files/hard", "/etc/hostname", tarfile.LNKTYPE),
        link("files/device", "", tarfile.CHRTYPE),
    ],
    ids=lambda trap: trap.name,
)
def test_an_archive_cannot_write_or_read_outside_the_home(home: Path, tmp_path: Path, trap: tarfile.TarInfo) -> None:
    write_backup(tmp_path / "b.tar.gz")
    with tarfile.open(tmp_path / "b.tar.gz") as whole:
        database = whole.extractfile("kefu.db")
        assert database is not None
        data = database.read()
    file = archive(tmp_path / "trap.tar.gz", kefu__backup_json=about(), kefu_db=data, trap=trap)
    refused(file, home, "damaged or not a backup")
    assert not list(tmp_path.rglob("escaped"))


@on_postgres
def test_a_postgres_database_comes_back_too(tmp_path: Path) -> None:
    with new_database() as url:
        environment = {**os.environ, "KEFU_HOME": str(tmp_path / "home"), "KEFU_DATABASE_URL": url}

        def kefu(*arguments: str) -> str:
            command = [sys.executable, "-m", "kefu.cli", *arguments]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            return done.stdout

        kefu("keys", "create", "kept", "-w", "shop")
        kefu("backup", str(tmp_path / "b.tar.gz"))
        kefu("keys", "create", "lost", "-w", "shop")
        kefu("keys", "create", "lost", "-w", "other")
        kefu("restore", str(tmp_path / "b.tar.gz"), "--yes")
        keys = json.loads(kefu("keys", "list", "-w", "shop", "--json"))["keys"]
        assert [key["name"] for key in keys] == ["kept"]


@contextlib.contextmanager
def new_database() -> Iterator[str]:
    """A database of its own on the run's server; gives its address."""
    import psycopg

    url = os.environ["KEFU_DATABASE_URL"]
    name = f"kefu_backup_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
