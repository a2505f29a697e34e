"""Pictures with labels as a dataset: a folder a label, a table of files, or IDX; each picture is its data URL."""

import csv
import gzip
import io
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from kefu.contracts.dataset import BadRow, Dataset, Example
from kefu.kit.errors import BadInput, TooLarge
from kefu.knowledge.labels.content import dataset_of
from kefu.knowledge.pictures import array_url, data_url

# IDX: two zero bytes, the type (8: unsigned bytes), and how many dimensions: 3 for pictures, 1 for their labels.
_PICTURES_IDX, _LABELS_IDX = b"\x00\x00\x08\x03", b"\x00\x00\x08\x01"
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
# Beside a file of pictures lies that of its labels, by the names that MNIST gave them.
_RENAMED = (("images-idx3", "labels-idx1"), ("images", "labels"))
_MOST = 200_000
_FILE_COLUMNS = ("file", "path", "image", "picture", "filename", "图片", "文件")
_HEAD = 4096  # characters in which a table's first row ends


def is_idx(data: bytes) -> bool:
    """Whether bytes are an IDX file of pictures or of their labels."""
    return data[:4] in {_PICTURES_IDX, _LABELS_IDX}


def file_column(text: str, *, tabs: bool) -> str | None:
    """The column of a table that holds pictures' file names, told from its first row; None where there is none."""
    rows = csv.reader(io.StringIO(text[:_HEAD]), delimiter="\t" if tabs else ",")
    head, first = next(rows, []), next(rows, [])
    found = (
        name
        for name, cell in zip(head, first, strict=False)
        if name.strip().lower() in _FILE_COLUMNS and names_a_picture(cell)
    )
    return next(found, None)


def names_a_picture(value: str) -> bool:
    """Whether a cell of a table is a picture's file name."""
    return value.strip().lower().endswith(ENDINGS)


def read_folder(folder: Path, *, skip_bad: bool = False) -> Dataset:
    """A folder whose folders are the labels. Raises BadInput for one without pictures or with broken ones."""
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in ENDINGS and path.is_file()]
    if not found:
        raise BadInput(
            f"{folder} holds no pictures; name a file of texts with labels, or a folder with a folder of pictures for "
            "each label.",
            path=str(folder),
        )
    if any(path.parent == folder for path in found):
        raise BadInput(
            f"{folder} holds pictures without a label: put them into a folder for each label.", path=str(folder)
        )
    labelled = [(path, path.relative_to(folder).parts[-2]) for path in found]
    return _dataset(labelled, "pictures in folders", {"text": "file", "label": "folder"}, skip_bad=skip_bad)


def read_table(rows: Sequence[Example], base: Path, *, skip_bad: bool = False) -> Dataset:
    """A table whose texts are the names of picture files beside it."""
    labelled = [(base / each.text.strip(), each.label) for each in rows]
    for path, _ in labelled:
        if not path.resolve().is_relative_to(base.resolve()):
            raise BadInput(f"{path} lies outside of the table's folder.", path=str(path))
    return _dataset(labelled, "pictures in a table", {"text": "file", "label": "label"}, skip_bad=skip_bad)


def read_idx(path: Path, data: bytes) -> Dataset:
    """IDX pictures with the labels that lie beside them, and names from classes.json if that is there.

    Raises BadInput for a file of labels alone, labels that are missing, or numbers that do not fit together.
    """
    if data[:4] == _LABELS_IDX:
        raise BadInput(f"{path.name} is an IDX file of labels; name the file of pictures that lies beside it.")
    count, height, width = _header(data, path.name, 3)
    if len(data) != 16 + count * height * width:
        raise BadInput(f"{path.name} should hold {count:,} pictures of {height} x {width}, but is cut.", path=str(path))
    labels = _labels_beside(path, count)
    pictures = np.frombuffer(data, np.uint8, offset=16).reshape(count, height, width)
    examples = (
        Example(array_url(picture), None if labels is None else labels[at], at + 1)
        for at, picture in enumerate(pictures)
    )
    mapping = {"text": "picture"} | ({"label": "label"} if labels is not None else {})
    return dataset_of(examples, mapping=mapping, format="IDX pictures")


def _dataset(
    labelled: Sequence[tuple[Path, str | None]], form: str, mapping: dict[str, str], *, skip_bad: bool
) -> Dataset:
    if len(labelled) > _MOST:
        raise TooLarge(f"There are {len(labelled):,} pictures; the most is {_MOST:,}.")
    bad: list[BadRow] = []
    examples: list[Example] = []
    for row, (path, label) in enumerate(labelled, start=1):
        try:
            examples.append(Example(data_url(path.read_bytes(), path.name), label, row))
        except (OSError, BadInput) as error:
            why = error.sentence if isinstance(error, BadInput) else f"{path.name} cannot be read"
            bad.append(BadRow(row, "file", why.rstrip("."), "replace the file, or take it out"))
    if bad and (not skip_bad or not examples):
        listed = "; ".join(each.problem for each in bad[:5])
        raise BadInput(f"{len(bad):,} of {len(labelled):,} pictures cannot be used: {listed}.", count=len(bad))
    return dataset_of(examples, mapping=mapping, format=form, bad=bad)


def _labels_beside(path: Path, count: int) -> list[str] | None:
    beside = next(_candidates(path), None)
    if beside is None:
        return None
    data = beside.read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    (labels,) = _header(data, beside.name, 1)
    if labels != count or len(data) != 8 + count:
        raise BadInput(f"{beside.name} holds {labels:,} labels for {count:,} pictures.", path=str(beside))
    names = _class_names(path.parent)
    return [names.get(int(each), str(int(each))) for each in data[8:]]


def _candidates(path: Path) -> Iterator[Path]:
    for one, other in _RENAMED:
        beside = path.with_name(path.name.replace(one, other))
        if beside != path and beside.is_file():
            yield beside


def _class_names(folder: Path) -> dict[int, str]:
    import json

    try:
        found = json.loads((folder / "classes.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    pairs = enumerate(found) if isinstance(found, list) else found.items() if isinstance(found, dict) else ()
    return {int(number): str(name) for number, name in pairs if str(number).isdigit()}


def _header(data: bytes, name: str, dimensions: int) -> tuple[int, ...]:
    size = 4 + 4 * dimensions
    if len(data) < size or data[:4] not in {_PICTURES_IDX, _LABELS_IDX} or data[3] != dimensions:
        raise BadInput(f"{name} is not an IDX file of {'pictures' if dimensions > 1 else 'labels'}.", name=name)
    sizes = struct.unpack(f">{dimensions}I", data[4:size])
    if sizes[0] > _MOST:
        raise TooLarge(f"{name} says it holds {sizes[0]:,}; the most is {_MOST:,}.", name=name)
    return sizes
