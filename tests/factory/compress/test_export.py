"""`kefu export` and `kefu compress` as commands: what is shipped, loaded again, and refused."""

import json
import zipfile
from pathlib import Path

import pytest

from kefu.contracts.model_card import read_card
from kefu.factory.export import PROBES, check_files
from kefu.factory.seal import outputs

from ..commands import VALID, Trained, kefu, refused


def test_an_export_serves_as_its_model_does(linear: Trained, tmp_path: Path) -> None:
    out = tmp_path / "shipped"
    found = json.loads(kefu("export", linear.folder, "--out", out, "--json"))
    assert found["largest_difference"] == 0
    assert (outputs(out, PROBES).logits == outputs(linear.folder, PROBES).logits).all()
    card = read_card(out)
    check_files(out, card)
    assert not (out / "data").exists()
    assert (card.temperature, card.labels) == (linear.card.temperature, linear.card.labels)
    assert "license" in (out / "README.md").read_text("utf-8")
    assert "not empty" in refused("export", linear.folder, "--out", out)


def test_a_zip_holds_the_same_folder_and_is_the_same_each_time(linear: Trained, tmp_path: Path) -> None:
    one, two = tmp_path / "one" / "faq.zip", tmp_path / "two" / "faq.zip"
    for each in (one, two):
        kefu("export", linear.folder, "--out", each)
    assert one.read_bytes() == two.read_bytes()
    zipfile.ZipFile(one).extractall(tmp_path)
    said = json.loads(kefu("predict", tmp_path / "faq", "--text", "where is my parcel", "--json-lines"))
    before = json.loads(kefu("predict", linear.folder, "--text", "where is my parcel", "--json-lines"))
    assert said == before
    for _ in range(2):  # unpacked, and found unpacked
        assert json.loads(kefu("predict", one, "--text", "where is my parcel", "--json-lines")) == before
    assert "is there already" in refused("export", linear.folder, "--out", one)


@pytest.mark.parametrize("name", ["../outside.json", "faq/run.py", "/card.md", "other/more.json"])
def test_a_zip_with_anything_else_in_it_is_refused(linear: Trained, tmp_path: Path, name: str) -> None:
    path = tmp_path / "faq.zip"
    kefu("export", linear.folder, "--out", path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "{}")
    assert "no part of a model" in refused("predict", path, "--text", "x")
    assert not (tmp_path / "outside.json").exists()


def test_nothing_that_is_pickled_is_shipped(linear: Trained, tmp_path: Path) -> None:
    kefu("export", linear.folder, "--out", tmp_path / "shipped")
    endings = {each.suffix for each in (tmp_path / "shipped").rglob("*") if each.is_file()}
    assert endings <= {".json", ".safetensors", ".onnx", ".md"}


def test_an_altered_model_is_not_exported(linear: Trained, tmp_path: Path) -> None:
    kefu("export", linear.folder, "--out", tmp_path / "mine")
    vocabulary = tmp_path / "mine" / "vocabulary.json"
    vocabulary.write_text(vocabulary.read_text("utf-8") + " ", encoding="utf-8")
    assert "altered" in refused("export", tmp_path / "mine", "--out", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_only_networks_can_be_compressed(linear: Trained, tmp_path: Path) -> None:
    assert "no network of its own" in refused("compress", linear.folder, "--out", tmp_path / "small")


def test_compress_prints_the_ladder_and_its_model_is_evaluated(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from .models import trained

    model, _ = trained(tmp_path)
    said = kefu("compress", model, "--out", tmp_path / "small", "--rungs", "int8", "--allow", "100")
    assert "| fp32 |" in said
    assert "| int8 |" in said
    assert "The best rung that passed is" in said
    assert "compressed already" in refused("compress", tmp_path / "small", "--out", tmp_path / "smaller")
    found = json.loads(kefu("export", tmp_path / "small", "--out", tmp_path / "shipped", "--json"))
    assert found["largest_difference"] == 0
    assert not (tmp_path / "shipped" / "model.safetensors").exists()
    assert kefu("predict", tmp_path / "shipped", "--file", VALID)
