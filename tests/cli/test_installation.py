"""What may be wrong with an installation, each said in one sentence; backups, migrations, starting and stopping."""

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from ..ports import free_port
from .homes import Home, Server, running


def with_settings(home: Home, **settings: str) -> Home:
    return Home(home.path, {f"KEFU_{name.upper()}": value for name, value in settings.items()})


def test_settings_are_listed_with_their_meaning_and_secrets_hidden(home: Home) -> None:
    secret = "postgresql://kefu:hunter2@127.0.0.1/kefu"
    here = with_settings(home, database_url=secret, smtp_url="smtp://me:hunter2@mail", port="8123")
    listed = here.kefu("settings", "--json")
    rows = {row["name"]: row for row in listed.json["settings"]}
    assert set(rows["KEFU_PORT"]) == {"name", "value", "default", "help"}
    assert (rows["KEFU_PORT"]["value"], rows["KEFU_PORT"]["default"]) == ("8123", "8000")
    assert "hunter2" not in listed.out
    assert all(row["help"] for row in rows.values())


@pytest.mark.parametrize(("name", "value"), [("port", "http"), ("port", "0"), ("log_level", "loud"), ("threads", "-1")])
def test_a_bad_setting_is_named(home: Home, name: str, value: str) -> None:
    said = with_settings(home, **{name: value}).refuses("keys", "list")
    assert f"KEFU_{name.upper()}" in said


def test_a_garbled_settings_file_is_named(home: Home) -> None:
    (home.path / "config.toml").write_text("port = ")
    assert "config.toml cannot be read" in home.refuses("keys", "list")


@pytest.mark.parametrize(
    "arguments", [["keys", "list"], ["ask", "q"], ["up"], ["doctor"], ["migrate"], ["backup", "b"]]
)
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "file").write_text("a file where the folder should be")
    home = Home(tmp_path / "file" / "home", {"KEFU_PORT": str(free_port())})
    done = home.kefu(*arguments, folder=tmp_path)
    assert done.code == 1
    assert str(home.path) in done.out + done.err
    assert "cannot be written" in done.out + done.err


@pytest.mark.parametrize("damage", ["no database", "middle", "cut"])
def test_a_damaged_database_is_said_with_what_mends_it(home: Home, damage: str) -> None:
    home.kefu("keys", "create", "k")
    with closing(sqlite3.connect(home.path / "kefu.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = home.path / "kefu.db"
    data = bytearray(path.read_bytes())
    if damage == "middle":
        data[4096 * 2 : 4096 * 8] = b"\xff" * 4096 * 6
    path.write_bytes({"no database": b"not a database at all" * 100, "cut": data[: 4096 * 5]}.get(damage, data))
    for arguments in (["keys", "list"], ["up", "--port", str(free_port())], ["migrate"], ["backup", "b.tar.gz"]):
        said = home.refuses(*arguments, folder=home.path.parent)
        assert said == f"The database {path} is damaged. Restore a backup: kefu restore FILE"
    checked = home.kefu("doctor", "--json")
    assert checked.code == 1
    findings = {finding["name"]: finding for finding in checked.json["findings"]}
    assert findings["database"]["mend"] == "kefu restore FILE"


def test_a_postgres_that_does_not_answer_is_said(home: Home) -> None:
    away = with_settings(home, database_url="postgresql://kefu:hunter2@127.0.0.1:1/kefu")
    for arguments in (["keys", "list"], ["migrate"], ["up", "--port", str(free_port())]):
        said = away.refuses(*arguments)
        assert "KEFU_DATABASE_URL" in said
        assert "hunter2" not in said
    assert away.kefu("doctor").code == 1
    assert "postgresql://" in with_settings(home, database_url="mysql://x/y").refuses("keys", "list")


def test_an_older_database_wants_to_be_migrated_and_is_backed_up_first(new_home: Home) -> None:
    as_it_was(new_home, "assistants", "zero")
    assert new_home.refuses("ask", "hello").endswith("kefu migrate")
    assert new_home.refuses("up", "--port", str(free_port())).endswith("kefu migrate")
    findings = new_home.kefu("doctor", "--json").json["findings"]
    assert {finding["mend"] for finding in findings if finding["name"] == "database"} == {"kefu migrate"}
    done = new_home.kefu("migrate")
    assert done.code == 0
    assert "assistants.0001" in done.out
    [kept] = (new_home.path / "backups").iterdir()
    assert str(kept) in done.out
    assert new_home.kefu("keys", "create", "k").code == 0
    assert new_home.kefu("migrate").out == "The database is up to date.\n"
    new_home.kefu("restore", kept, "--yes")
    assert new_home.refuses("keys", "list").endswith("kefu migrate")


def as_it_was(home: Home, app: str, migration: str) -> None:
    """Make the database that an older Kefu would have left."""
    program = (
        "from kefu.kit.settings import settings; from kefu.desk import boot; boot.boot(); boot.migrate()\n"
        f"from django.core.management import call_command; call_command('migrate', '{app}', '{migration}', verbosity=0)"
    )
    subprocess.run([sys.executable, "-c", program], env=home.environment, check=True, capture_output=True)


def test_another_secret_key_opens_nothing_and_says_so(home: Home) -> None:
    home.kefu("assistant", "set", "tone=formal", "--base-url", "http://127.0.0.1:9", "-w", "shop")
    (home.path / "secret.key").unlink()
    assert "secret.key" in home.refuses("assistant", "set", "--base-url", "http://127.0.0.1:8", "-w", "shop")


def test_a_backup_brings_everything_back(home: Home, tmp_path: Path) -> None:
    (tmp_path / "help.md").write_text("# Delivery\n\nDelivery costs ¥12.")
    home.kefu("knowledge", "add", tmp_path / "help.md", "-w", "shop")
    assert home.kefu("backup", tmp_path / "备份.tar.gz").code == 0
    assert "there already" in home.refuses("backup", tmp_path / "备份.tar.gz")
    shutil.rmtree(home.path)
    assert home.kefu("restore", tmp_path / "备份.tar.gz").code == 0, "there is nothing to ask about"
    refused = home.kefu("restore", tmp_path / "备份.tar.gz", stdin="n\n")
    assert (refused.code, "Replace what is in" in refused.out + refused.err) == (130, True)
    again = home.kefu("knowledge", "add", tmp_path / "help.md", "-w", "shop", "--json")
    assert again.json == {"added": [], "unchanged": ["help.md"], "failed": []}
    stored = [path for path in (home.path / "files").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in stored] == [(tmp_path / "help.md").read_bytes()]
    assert "not a backup" in home.refuses("restore", tmp_path / "help.md", "--yes")
    assert "There is no file" in home.refuses("restore", tmp_path / "nowhere")


def test_a_model_file_that_was_altered_is_not_loaded(home: Home, tmp_path: Path) -> None:
    """The models are a Python package: one that comes first on the path stands for a damaged installation."""
    import kefu_models

    package = Path(kefu_models.__file__).parent
    copy = tmp_path / "models" / "kefu_models"
    shutil.copytree(package, copy, copy_function=lambda source, target: Path(target).symlink_to(source))
    altered = max(copy.rglob("*.onnx"), key=lambda path: path.stat().st_size)
    data = bytearray(altered.read_bytes())
    data[len(data) // 2] ^= 1
    altered.unlink()
    altered.write_bytes(data)
    (tmp_path / "help.md").write_text("# Delivery\n\nDelivery costs ¥12.")
    damaged = Home(home.path, {"PYTHONPATH": str(copy.parent)})
    said = damaged.refuses("knowledge", "add", tmp_path / "help.md")
    assert altered.name in said
    checked = damaged.kefu("doctor")
    assert checked.code == 1
    assert altered.name in checked.out


def test_doctor_says_that_all_is_well_or_what_mends_it(home: Home) -> None:
    home.kefu("keys", "create", "k")
    checked = home.kefu("doctor", "--json")
    findings = {finding["name"]: finding for finding in checked.json["findings"]}
    assert all(set(finding) == {"name", "is_well", "says", "mend"} for finding in findings.values())
    wrong = {name for name, finding in findings.items() if not finding["is_well"]}
    assert wrong <= {"pages"}, findings  # built by make web, not by the tests
    assert checked.code == (1 if wrong else 0)
    assert all(finding["mend"] for name, finding in findings.items() if name in wrong)


def test_a_taken_port_is_said_at_once(new_home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = new_home.refuses("up", "--port", str(port))
    assert said.startswith(f"Port {port} on 127.0.0.1 cannot be used")
    assert f"kefu up --port {port + 1}" in said
    assert not (new_home.path / "kefu.db").exists()


@pytest.mark.slow
def test_a_server_starts_answers_learns_and_stops(home: Home, tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("question,answer\nWhat are your opening hours?,From 9:00 to 21:00.\n")
    key = home.kefu("keys", "create", "k", "--json").json["key"]
    with running(home) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        assert "Stop it first" in home.refuses("restore", tmp_path / "nowhere", "--yes")
        assert "Port" in home.refuses("up", "--port", str(server.port))
        assert home.kefu("backup", tmp_path / "running.tar.gz").code == 0
        # What the command line adds and revokes is so in the running server at once.
        home.kefu("knowledge", "add", tmp_path / "faq.csv")
        thread = client.post("/v1/conversations", json={}).json()["id"]
        said = client.post(f"/v1/conversations/{thread}/messages?wait=60", json={"text": "what are your opening hours"})
        assert said.json()["reply"]["answer"] == "From 9:00 to 21:00."
        [key_id] = [each["id"] for each in home.kefu("keys", "list", "--json").json["keys"]]
        home.kefu("keys", "revoke", key_id)
        codes = [client.get("/v1/conversations").status_code for _ in range(200)]
        assert codes[-1] == 401
        assert server.stop() in {0, -signal.SIGTERM}  # it ends in order, then as the signal says
    log = (home.path.parent / "server.log").read_text()
    assert "Traceback" not in log
    assert "password" in log
    for line in log.splitlines():
        if line.startswith("{"):
            json.loads(line)


@pytest.mark.slow
def test_a_second_server_that_starts_at_the_same_moment_says_that_the_port_is_taken(home: Home) -> None:
    home.kefu("keys", "create", "k")
    port = free_port()
    first, second = Server(home, port), Server(home, port)
    first.start()
    second.start()
    try:
        codes: list[int | None] = [None, None]
        while codes == [None, None]:
            codes = [first.ended(within=0.2), second.ended(within=0.2)]
        assert sorted(codes, key=str) == [1, None], "both ended, or one without saying why"
    finally:
        first.kill()
        second.kill()
    assert "Traceback" not in (home.path.parent / "server.log").read_text()
