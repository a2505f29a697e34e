"""Settings: from the environment, then the file, then the default; refused by name when they cannot be used."""

from pathlib import Path

import pytest

from kefu.kit.errors import BadInput
from kefu.kit.settings import Settings, reload, settings


def write(home: Path, text: str) -> None:
    (home / "config.toml").write_text(text, encoding="utf-8")


def test_defaults_need_nothing(kefu_home: Path) -> None:
    assert settings().port == 8000
    assert settings().folder == kefu_home


def test_the_file_is_read_and_the_environment_wins(kefu_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(kefu_home, 'port = 9000\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("KEFU_PORT", "9100")
    monkeypatch.setenv("KEFU_HOST", "")  # as compose files write what is not set
    found = reload()
    assert (found.port, found.host) == (9100, "0.0.0.0")


def test_a_log_level_may_be_written_in_capitals(kefu_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_LOG_LEVEL", "INFO")
    assert reload().log_level == "info"


def test_the_home_is_not_the_files_to_say(kefu_home: Path) -> None:
    write(kefu_home, 'home = "/elsewhere"\n')
    assert reload().folder == kefu_home


def test_settings_are_read_once(kefu_home: Path) -> None:
    first = settings()
    write(kefu_home, "port = 9000\n")
    assert settings() is first
    assert reload().port == 9000


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("KEFU_PORT", "http", "KEFU_PORT.*integer.*The port"),
        ("KEFU_PORT", "70000", "KEFU_PORT.*65535"),
        ("KEFU_THREADS", "0", "KEFU_THREADS"),
        ("KEFU_SQLITE_SYNCHRONOUS", "OFF", "KEFU_SQLITE_SYNCHRONOUS"),
        ("KEFU_LOG_LEVEL", "loud", "KEFU_LOG_LEVEL.*debug, info, warning or error"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    kefu_home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=says) as caught:
        reload()
    assert "\n" not in caught.value.sentence


def test_an_unknown_name_in_the_file_lists_the_known(kefu_home: Path) -> None:
    write(kefu_home, "prot = 9000\n")
    with pytest.raises(BadInput, match=r"KEFU_PROT.*port"):
        reload()


def test_an_unreadable_file_is_named(kefu_home: Path) -> None:
    write(kefu_home, "port = ")
    with pytest.raises(BadInput, match=r"config\.toml cannot be read"):
        reload()


def test_other_variables_of_the_environment_are_left_alone(kefu_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEFU_TEST_DATABASE_URL", "postgresql://localhost/test")
    assert reload().database_url == ""


def test_a_secret_is_not_in_an_error(kefu_home: Path) -> None:
    write(kefu_home, 'secret_key = ["c2VjcmV0"]\n')
    with pytest.raises(BadInput) as caught:
        reload()
    assert "c2VjcmV0" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "http://localhost:8000"),
        ({"KEFU_HOST": "0.0.0.0", "KEFU_PORT": "9000"}, "http://localhost:9000"),
        ({"KEFU_HOST": "fd00::7"}, "http://[fd00::7]:8000"),
        ({"KEFU_PUBLIC_URL": "https://help.example.com/"}, "https://help.example.com"),
    ],
)
def test_pages_have_a_whole_address_whatever_is_set(
    kefu_home: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], address: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert reload().address == address


def test_every_setting_says_what_it_is() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
