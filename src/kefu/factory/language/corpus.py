"""Texts without labels: what language is learnt from. Pages, tables, chats, alone or as a folder; masked.

A page becomes parts of whole paragraphs that share a `group`, a chat one text, a row of a table its text.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from kefu.contracts.dataset import BadRow, Dataset, Example
from kefu.factory.data.read import dataset_of, read
from kefu.kit import registry
from kefu.kit.errors import BadInput, TooLarge
from kefu.knowledge.labels.read import MOST_BYTES, BadRows
from kefu.knowledge.masking import mask
from kefu.knowledge.paragraphs import parts
from kefu.knowledge.parsing import parse

# Tables and lines of JSON are read row by row; everything else is a page.
_ROWS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".jsonl.gz", ".csv.gz")
# What follows a text in a table: an answer to it.
REPLIES = ("reply", "answer", "response", "output", "completion")
# With fewer pages than this, parts are kept apart.
_FEW_GROUPS = 10


def read_corpus(path: Path, *, skip_bad: bool = False) -> Dataset:
    """A file or a folder of texts, personal data masked.

    Raises BadInput for what cannot be read or holds no text, BadRows for rows of a table that cannot be used.
    """
    if path.is_dir():
        files = [each for each in sorted(path.rglob("*")) if each.is_file() and not each.name.startswith(".")]
        examples = [each for file in files for each in _of_file(file, str(file.relative_to(path)), skip_bad)]
        form = f"{len(files)} files"
    else:
        examples = list(_of_file(path, path.name, skip_bad))
        form = "texts"
    if not examples:
        raise BadInput(f"{path} holds no text to learn from.", path=str(path))
    return dataset_of((_masked(each) for each in examples), mapping={"text": "text"}, format=form)


def read_for(task: str, path: Path, *, skip_bad: bool = False) -> Dataset:
    """What a model of a task is taught or examined on: a corpus for language, chats or a corpus for a generator."""
    if task not in {"language", "generate"}:
        return read(path, skip_bad=skip_bad)
    if task == "generate" and not path.is_dir() and path.name.lower().endswith(_ROWS):
        data = read(path, labelled=False, skip_bad=skip_bad)
        if has_chats(data):
            return data
    return read_corpus(path, skip_bad=skip_bad)


def read_as(recipe: str, path: Path, *, skip_bad: bool = False) -> Dataset:
    """A file as a recipe wants it: texts without labels where language is learnt."""
    roles = registry.manifests("recipes")[recipe].roles
    return read_for(roles[0] if roles else "", path, skip_bad=skip_bad)


def has_chats(data: Dataset) -> bool:
    """Whether the rows of a dataset are chats or texts with a reply."""
    return bool(data.examples) and any(name in data.examples[0].extra for name in ("messages", *REPLIES))


def kept_apart(data: Dataset, *, seed: int, share: float = 0.1) -> tuple[Dataset, Dataset]:
    """What is learnt and what is measured on: whole pages are kept apart where there are enough of them.

    Raises BadInput for a corpus of a single part.
    """
    keys = [each.group or f"row {at}" for at, each in enumerate(data.examples)]
    if len(set(keys)) < _FEW_GROUPS:
        keys = [f"row {at}" for at in range(len(keys))]
    names = list(dict.fromkeys(keys))
    if len(names) < 2:
        raise BadInput("The corpus is a single short text: nothing can be kept apart to measure on.")
    random.Random(seed).shuffle(names)  # noqa: S311  a split, no secret
    held = set(names[: max(1, round(share * len(names)))])
    parts = [[each for each, key in zip(data.examples, keys, strict=True) if (key in held) is is_held]
             for is_held in (False, True)]  # fmt: skip
    learnt, measured = (dataset_of(part, mapping=data.mapping, format=data.format) for part in parts)
    return learnt, measured


def corpus_text(example: Example) -> str:
    """What there is to read in a row: all that was said in a chat, question and reply, or the text."""
    if messages := example.extra.get("messages"):
        return "\n".join(str(each["content"]) for each in json.loads(messages))
    reply = example.extra.get("reply")
    return f"{example.text}\n{reply}" if reply else example.text


def _of_file(path: Path, name: str, skip_bad: bool) -> Iterator[Example]:
    if path.name.lower().endswith(_ROWS):
        for each in read(path, labelled=False, skip_bad=skip_bad).examples:
            for part in _parts(corpus_text(each), f"{name} {each.row}", each.row):
                yield replace(part, group=each.group or part.group)
        return
    try:
        if path.stat().st_size > MOST_BYTES:
            raise TooLarge(f"{name} is too large: the most is {MOST_BYTES // 2**20} MB.", path=str(path))
        found = parse(name, path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", path=str(path)) from None
    if found.failures and not skip_bad:
        bad = [BadRow(0, each.name, each.reason.rstrip("."), "mend it, or take it out") for each in found.failures]
        raise BadRows(name, bad, len(found.documents))
    for page in found.documents:
        for example in _parts(page.text, page.name, 1):
            yield replace(example, group=page.name)


def _parts(text: str, name: str, row: int) -> Iterator[Example]:
    """The text in parts, each as an example of that row; several of them are a group of that name."""
    found = list(parts(text))
    for part in found:
        yield Example(part, None, row, group=name if len(found) > 1 else None)


def _masked(example: Example) -> Example:
    return replace(example, text=mask(example.text, example.language, masked_before=True).text)


def texts_of(data: Dataset) -> Sequence[str]:
    """The texts of a corpus. Raises BadInput where there is none."""
    found = [corpus_text(each) for each in data.examples if each.text.strip()]
    if not found:
        raise BadInput("The data hold no text to learn from.")
    return found
