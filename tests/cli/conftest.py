"""Homes whose database has its tables already: making them takes longer than most commands."""

import shutil
from pathlib import Path

import pytest

from .homes import Home


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Home(tmp_path_factory.mktemp("made") / "home")
    assert home.kefu("migrate").code == 0
    return home.path


@pytest.fixture
def home(made_home: Path, tmp_path: Path) -> Home:
    """A home that nobody has used."""
    shutil.copytree(made_home, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def new_home(tmp_path: Path) -> Home:
    """A home that is not there yet."""
    return Home(tmp_path / "home")
