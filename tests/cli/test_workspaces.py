"""Which workspace a command means that names none."""

import pytest

from .homes import Home


def keys(home: Home, *given: str) -> int:
    return len(home.kefu("keys", "list", "--json", *given).json["keys"])


def test_the_only_one_is_meant(home: Home) -> None:
    home.kefu("keys", "create", "first", "--workspace", "shop")
    assert keys(home) == keys(home, "-w", "shop") == 1
    home.kefu("keys", "create", "second")
    assert keys(home, "-w", "shop") == 2


def test_the_first_is_made_under_the_usual_name_and_stays_meant(home: Home) -> None:
    home.kefu("keys", "create", "first")
    home.kefu("keys", "create", "first", "--workspace", "shop")
    home.kefu("keys", "create", "second")
    assert keys(home, "-w", "default") == 2


@pytest.mark.parametrize("command", [["keys", "list"], ["knowledge", "list"], ["keys", "create", "another"]])
def test_of_several_one_must_be_named(home: Home, command: list[str]) -> None:
    for name in ("shop", "bakery"):
        home.kefu("keys", "create", "first", "--workspace", name)
    done = home.kefu(*command)
    assert done.code == 1
    assert "Which workspace? Name one with --workspace: bakery, shop." in done.err
