"""A dataset's content: one canonical form whatever file it came from, its hash, and files written from it."""

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kefu.contracts.dataset import BadRow, Dataset, Example
from kefu.kit.errors import BadInput

# How files name texts that belong to no label; the first is how we write it.
OUT_OF_SCOPE = ("oos", "out_of_scope", "out-of-scope")


def dataset_of(
    examples: Iterable[Example],
    *,
    mapping: Mapping[str, str],
    format: str,
    bad: Sequence[BadRow] = (),
) -> Dataset:
    """A dataset of these examples, with its labels and its hash. `mapping` has "label" if the texts are labelled."""
    kept = tuple(examples)
    labels = tuple(sorted({each.label for each in kept if each.label is not None}))
    digest = content_hash(kept, labelled="label" in mapping)
    return Dataset(kept, labels, dict(mapping), format, digest, tuple(bad))


def content_hash(examples: Sequence[Example], *, labelled: bool) -> str:
    """SHA-256, in hexadecimal, of the canonical lines in their order; row numbers do not count."""
    digest = hashlib.sha256()
    for line in canonical_lines(examples, labelled=labelled):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def canonical_lines(examples: Iterable[Example], *, labelled: bool) -> Iterator[str]:
    """One JSON object an example: sorted names, no blanks, and nothing that is empty."""
    for example in examples:
        yield json.dumps(_row(example, labelled), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def write(dataset: Dataset, path: Path) -> None:
    """Write a dataset as .csv, .tsv, .jsonl or .jsonl.gz, all or nothing; reading it again gives the same hash.

    Raises BadInput for another ending and for a folder that cannot be written.
    """
    name = path.name.lower()
    labelled = "label" in dataset.mapping
    if name.endswith((".csv", ".tsv")):
        data = _table(dataset, "\t" if name.endswith(".tsv") else ",", labelled).encode()
    elif name.endswith((".jsonl", ".jsonl.gz")):
        data = "".join(line + "\n" for line in canonical_lines(dataset.examples, labelled=labelled)).encode()
    else:
        raise BadInput(f"{path.name}: data is written as .csv, .tsv, .jsonl or .jsonl.gz; choose one of these endings.")
    if name.endswith(".gz"):
        import gzip

        data = gzip.compress(data, mtime=0)  # the same content is the same file
    write_bytes(path, data)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all. Raises BadInput when it cannot be written."""
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadInput(f"{path} cannot be written: {error.strerror}.", path=str(path)) from error


def _row(example: Example, labelled: bool) -> dict[str, Any]:
    named = {
        "text": example.text,
        "label": (OUT_OF_SCOPE[0] if example.label is None else example.label) if labelled else None,
        "language": example.language,
        "group": example.group,
        "score": example.score,
    }
    row = {name: value for name, value in example.extra.items() if value and name not in named}
    return row | {name: value for name, value in named.items() if value is not None}


def _table(dataset: Dataset, delimiter: str, labelled: bool) -> str:
    """Cells stay as they are: programs read them. The console's exports, for spreadsheets, escape formulas."""
    rows = [_row(example, labelled) for example in dataset.examples]
    columns = ["text", *(["label"] if labelled else [])]
    columns = list(dict.fromkeys(columns + [name for row in rows for name in row]))
    out = io.StringIO()
    writer = csv.DictWriter(_Lines(out), columns, delimiter=delimiter, lineterminator="\r\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


class _Lines:
    """Ends rows with a line feed. Until Python 3.13 `csv` quotes a carriage return only if rows end with one."""

    def __init__(self, out: io.StringIO) -> None:
        self._out = out

    def write(self, row: str) -> int:
        return self._out.write(row.removesuffix("\r\n") + "\n")
