"""Pictures as text: bounded, stripped of what else the file says, and back as pixels."""

import base64
import gzip
import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kefu.kit.errors import BadInput, TooLarge
from kefu.knowledge import pictures
from kefu.knowledge.labels import read
from kefu.knowledge.pictures import data_url, is_picture, pixels, size_of


def png(size: tuple[int, int] = (20, 10), color: object = (200, 10, 10), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, color).save(out, "PNG")  # type: ignore[arg-type]
    return out.getvalue()


def test_a_picture_goes_there_and_back() -> None:
    found = pixels(data_url(png()), side=20, channels=3)
    assert found.shape == (3, 20, 20)
    assert found[0, 10, 10] == pytest.approx(200 / 255, abs=0.01)
    assert found[0, 0, 0] == 0  # the whole of it is shown, on black


def test_large_ones_become_small_and_grey_ones_stay_grey() -> None:
    text = data_url(png((1000, 500)))
    assert size_of(text) == (224, 112, 3)
    assert size_of(data_url(png((30, 30), 90, "L"))) == (30, 30, 1)


def test_what_else_a_photo_says_is_not_kept() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "at home, 5 Elm Street"
    exif[0x0112] = 6  # held sideways
    Image.new("RGB", (60, 30), (9, 9, 9)).save(out, "JPEG", exif=exif)
    text = data_url(out.getvalue())
    assert b"Elm" not in base64.b64decode(text.partition(",")[2])
    assert size_of(text)[:2] == (30, 60)


@pytest.mark.parametrize("data", [b"", b"hello", png()[:40], b"%PDF-1.4", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        data_url(data, "it")


def test_a_picture_made_to_harm_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 100)
    with pytest.raises(TooLarge, match="pixels"):
        data_url(png())


@given(st.text(max_size=60))
def test_no_text_is_taken_for_a_picture_by_mistake(text: str) -> None:
    for written in (text, f"data:image/png;base64,{text}"):
        with pytest.raises(BadInput):
            pixels(written, side=28, channels=1)
    assert not is_picture(text) or text.startswith("data:image/")


def test_a_folder_for_each_label_is_a_dataset(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for number in range(2):
            (tmp_path / label / f"{number}.png").write_bytes(png(color=(number, 0, 0)))
    found = read(tmp_path)
    assert found.labels == ("cat", "dog")
    assert len(found.examples) == 4
    (tmp_path / "cat" / "2.png").write_bytes(b"no picture")
    with pytest.raises(BadInput, match=r"2\.png"):
        read(tmp_path)
    assert len(read(tmp_path, skip_bad=True).examples) == 4


def test_a_table_of_files_is_a_dataset(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "table.csv").write_text("file,label\na.png,damaged\n", encoding="utf-8")
    (example,) = read(tmp_path / "table.csv").examples
    assert is_picture(example.text)
    assert example.label == "damaged"


def test_a_table_reads_nothing_outside_of_its_folder(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.png").write_bytes(png())
    (inner / "table.csv").write_text("file,label\n../secret.png,x\n", encoding="utf-8")
    with pytest.raises(BadInput, match="outside"):
        read(inner / "table.csv")


def idx(folder: Path, *, labels: bool = True, cut: int = 0) -> Path:
    shown = np.arange(3 * 4 * 4, dtype=np.uint8)
    head = b"\x00\x00\x08\x03" + struct.pack(">3I", 3, 4, 4)
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress((head + shown.tobytes())[: None if not cut else -cut]))
    if labels:
        told = b"\x00\x00\x08\x01" + struct.pack(">I", 3) + bytes([0, 1, 1])
        (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(told))
    return path


def test_idx_pictures_come_with_their_labels_and_names(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text(json.dumps(["shirt", "bag"]), encoding="utf-8")
    found = read(idx(tmp_path))
    assert [each.label for each in found.examples] == ["shirt", "bag", "bag"]
    assert np.rint(pixels(found.examples[1].text, side=4, channels=1) * 255).astype(int).ravel().tolist() == list(
        range(16, 32)
    )


def test_a_cut_idx_file_and_one_of_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cut"):
        read(idx(tmp_path, cut=5))
    with pytest.raises(BadInput, match="labels"):
        read(tmp_path / "train-labels-idx1-ubyte.gz")
