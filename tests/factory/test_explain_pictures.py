"""Why a model of pictures said what it said: the places where a shape was drawn are the ones that are named."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from kefu.cli.predict import predict
from kefu.contracts.job import Job
from kefu.factory.data.check import check
from kefu.factory.explain.cells import SIDE, cells_of, values_of, without_cells
from kefu.factory.explain.report import explain, explainer
from kefu.factory.run import run
from kefu.kit.errors import BadInput
from kefu.knowledge.labels import read, read_bytes
from kefu.knowledge.pictures import array_url

pytest.importorskip("torch")


def quiet(told: object, fields: object) -> None:
    """Nobody listens."""


def drawn(label: str, number: int) -> str:
    """A bright square on the left or on the right of a dark picture."""
    values = np.random.default_rng(number).integers(0, 30, (28, 28)).astype(np.uint8)
    left = 4 if label == "left" else 16
    values[8:20, left : left + 8] = 220
    return array_url(values)


def bytes_of(picture: str) -> bytes:
    out = io.BytesIO()
    from PIL import Image

    Image.fromarray(values_of(picture)).save(out, "PNG")
    return out.getvalue()


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def shapes(many: int = 24) -> bytes:
    names = {f"all/{label}/{number}.png": (label, number) for label in ("left", "right") for number in range(many)}
    return packed({name: bytes_of(drawn(*what)) for name, what in names.items()})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from kefu.factory.recipes.cnn.recipe import CnnRecipe

    out = tmp_path_factory.mktemp("models") / "sides"
    data = read_bytes(shapes(), name="shapes.zip")
    options = {"flip": False, "shift": 0.0, "rotate": 0.0, "erase": 0.0, "widths": "6,8", "num_train_epochs": 6}
    CnnRecipe(options).train(Job("train", out=str(out)), data, data, quiet)
    return out


@pytest.mark.parametrize("method", ["occlusion", "ig", "shap", "lime"])
def test_the_place_that_tells_is_named(method: str, model: Path) -> None:
    pytest.importorskip({"occlusion": "torch", "ig": "captum"}.get(method, method))
    with explainer(model, method) as by:
        found = by.explain(drawn("left", 100))
    assert found.label == "left"
    best = max(zip(found.words, found.weights, strict=True), key=lambda pair: pair[1])[0].text
    row, column = (int(each.split()[1]) for each in best.split(", "))
    assert 2 <= row <= 5
    assert column <= 4 if method != "lime" else column <= SIDE
    assert len(found.table()["cells"]) == SIDE * SIDE


def test_deleting_the_named_places_hurts_more_than_random_ones(model: Path, tmp_path: Path) -> None:
    asked = tmp_path / "asked.zip"
    asked.write_bytes(shapes(8))
    found = explain(Job("explain", model=str(model), data=str(asked), out=str(tmp_path / "out")), quiet)
    assert found["lost_without_top_words"] > found["lost_without_random_words"]
    kept = json.loads((tmp_path / "out" / "explanations.json").read_text(encoding="utf-8"))
    assert kept["texts"][0]["text"].startswith("data:image/png")


def test_what_is_no_picture_and_what_has_no_attention_is_said(model: Path, tmp_path: Path) -> None:
    with explainer(model, "occlusion") as by, pytest.raises(BadInput, match="reads pictures"):
        by.explain("hello")
    with pytest.raises(BadInput, match="without attention"), explainer(model, "attention"):
        pass
    (tmp_path / "one.png").write_bytes(bytes_of(drawn("right", 7)))
    told = CliRunner().invoke(predict, [str(model), "--picture", str(tmp_path / "one.png"), "--explain", "occlusion"])
    assert '"label": "right"' in told.output


def test_cells_cover_a_picture_once_and_are_filled_with_its_ground() -> None:
    picture = array_url(np.full((20, 33), 9, np.uint8))
    cells = cells_of(picture)
    area = sum((each.right - each.left) * (each.bottom - each.top) for each in cells)
    assert (len(cells), area) == (SIDE * SIDE, 20 * 33)
    assert without_cells(picture, cells, ()) == picture
    assert (values_of(without_cells(picture, cells, range(len(cells)))) == 9).all()
    assert len(cells_of(array_url(np.zeros((2, 3), np.uint8)))) == 6


def test_a_zip_holds_folders_a_table_or_one_file_of_texts() -> None:
    assert read_bytes(shapes(2), name="shapes.zip").labels == ("left", "right")
    one = bytes_of(drawn("left", 1))
    table = packed({"t/all.csv": b"file,label\na.png,thing\n", "t/a.png": one, "__MACOSX/t/._a.png": b"x"})
    [row] = read_bytes(table, name="table.zip").examples
    assert row.label == "thing"
    texts = read_bytes(packed({"rows.csv": b"text,label\nhello,greeting\n"}), name="texts.zip")
    assert texts.labels == ("greeting",)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (packed({"readme.md": b"nothing"}), "0 files to choose from"),
        (packed({"a.csv": b"text,label\nx,y\n", "b.csv": b"text,label\nx,y\n"}), "2 files to choose from"),
        (packed({"a.png": b"no picture"}), "without a label"),
        (packed({"../a.csv": b"text,label\nx,y\n"}), "0 files"),
        (b"PK\x03\x04 cut off", "damaged"),
    ],
)
def test_a_zip_that_cannot_be_read_says_why(data: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=said):
        read_bytes(data, name="bad.zip")
    (tmp_path / "bad.zip").write_bytes(data)
    with pytest.raises(BadInput, match=said):
        read(tmp_path / "bad.zip")


def test_recipes_of_texts_refuse_pictures(tmp_path: Path) -> None:
    (tmp_path / "shapes.zip").write_bytes(shapes(10))
    job = Job("train", recipe="linear", data=str(tmp_path / "shapes.zip"), out=str(tmp_path / "out"))
    with pytest.raises(BadInput, match="cnn learns from those"):
        run(job, quiet)


def test_a_check_of_pictures_looks_which_are_the_same() -> None:
    one, other = bytes_of(drawn("left", 1)), bytes_of(drawn("right", 2))
    files = {f"{place}/{name}.png": data for place, name, data in [("a", "1", one), ("a", "2", one), ("b", "3", other)]}
    found = check(read_bytes(packed(files), name="twice.zip"))
    assert (len(found.duplicates), found.personal, found.suspects) == (1, (), ())
    assert "pictures" in found.notes[-1]
