"""What a model is examined on: texts with a label, and texts that are out of scope."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kefu.contracts.dataset import Dataset, Example
from kefu.factory.data.read import read
from kefu.kit.errors import BadInput


@dataclass(frozen=True)
class Exam:
    """`data` as read; `inside` are its labelled rows, `outside` its rows out of scope and those of another file."""

    name: str
    data: Dataset
    inside: tuple[Example, ...]
    outside: tuple[str, ...]

    @property
    def texts(self) -> list[str]:
        """The labelled texts, then those out of scope."""
        return [*(each.text for each in self.inside), *self.outside]

    @property
    def truth(self) -> list[str]:
        """The label of each text that has one."""
        return [str(each.label) for each in self.inside]


def exam_of(data: Dataset, name: str, *, outside: Sequence[str] = ()) -> Exam:
    """Raises BadInput for data that hold no label."""
    inside = tuple(each for each in data.examples if each.label is not None)
    if "label" not in data.mapping or not inside:
        raise BadInput(f"{name} holds no labels to compare answers with; it needs a column such as label.", name=name)
    own = tuple(each.text for each in data.examples if each.label is None)
    return Exam(name, data, inside, (*own, *outside))


def read_exam(file: str, oos: str = "") -> Exam:
    """The exam in a file; every text of the file `oos` is out of scope, whatever it is labelled."""
    path = Path(file)
    return exam_of(read(path), path.name, outside=texts_of(Path(oos)) if oos else ())


def texts_of(path: Path) -> list[str]:
    """The texts of a file, whatever they are labelled. Raises BadInput."""
    return [text for _, text in texts_to_ask(path)]


def texts_to_ask(path: Path) -> list[tuple[Any, str]]:
    """Each text of a file with its `id`, None where there is none: a line each of a .txt, else the text column.

    Blank lines of a .txt are no texts. Raises BadInput.
    """
    if path.suffix.lower() == ".txt":
        return [(None, line.strip()) for line in _content(path).splitlines() if line.strip()]
    rows = read(path, labelled=False).examples
    # A dataset's cells are texts; an id that was a number in JSON comes back as one.
    ids = _ids(path) if path.suffix.lower() in {".jsonl", ".ndjson"} else {}
    return [(ids.get(each.row, each.extra.get("id")), each.text) for each in rows]


def _ids(path: Path) -> dict[int, Any]:
    """The `id` of each line that has one."""
    objects = ((row, json.loads(line)) for row, line in enumerate(_content(path).split("\n"), start=1) if line.strip())
    return {row: value["id"] for row, value in objects if isinstance(value, dict) and "id" in value}


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", path=str(path)) from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8 text.", path=str(path)) from None


def scored_rows(data: Dataset, name: str) -> list[Example]:
    """The rows with a number. Raises BadInput where there is none."""
    rows = [each for each in data.examples if each.score is not None]
    if not rows:
        raise BadInput(f"{name} holds no numbers to compare with; it needs a column score.", name=name)
    return rows
