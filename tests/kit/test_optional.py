"""Optional packages and the line that installs them."""

import json
from pathlib import Path

import pytest

from kefu.kit.errors import MissingExtra
from kefu.kit.optional import require


def test_an_installed_package_is_given() -> None:
    assert require("json", extra="any") is json


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.inner", "json.no_such_part"])
def test_a_missing_one_says_the_install_line(module: str) -> None:
    with pytest.raises(MissingExtra, match=rf"{module} is not installed.*pip install 'kefu\[fast\]'") as caught:
        require(module, extra="fast")
    assert caught.value.fields == {"module": module, "extra": "fast"}


def test_what_a_package_itself_lacks_is_another_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "optional_lame.py").write_text("import optional_l")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="optional_l"):
        require("optional_lame", extra="fast")
