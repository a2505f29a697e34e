"""Looking at data, cleaning and splitting them as jobs, for whoever may not wait for it: the console."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.factory.data.check import check as look
from kefu.factory.data.check import holds_pictures
from kefu.factory.data.clean import clean as cleaned
from kefu.factory.data.probabilities import OutOfFold, by_encoder, by_letters, encoder_for
from kefu.factory.data.read import read, write
from kefu.factory.data.split import split as parts_of
from kefu.kit.errors import BadInput
from kefu.knowledge.labels.content import write_bytes

REPORT, CLEANED, TRAIN, TEST = "report.json", "cleaned.jsonl.gz", "train.jsonl.gz", "test.jsonl.gz"


class CheckOptions(BaseModel):
    """Options of a check. `encoder`: package:NAME or path:DIR, letters for none, empty for the language's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label_errors: bool = True
    encoder: str = ""
    threads: int = Field(default=0, ge=0, le=256)
    seed: int = Field(default=0, ge=0)


class CleanOptions(BaseModel):
    """Options of a cleaning: stray blanks and hidden characters, duplicates, personal data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tidy: bool = True
    duplicates: bool = True
    mask: bool = True


class SplitOptions(BaseModel):
    """Options of a split: the share that becomes the test."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(default=0.2, gt=0, lt=1)
    seed: int = Field(default=0, ge=0)


def check(job: Job, tell: Tell) -> Mapping[str, Any]:
    """Write what is wrong with `job.data` (and, with `job.valid`, what both hold) to report.json; gives its summary."""
    try:
        options = CheckOptions(**job.options)
    except ValidationError as error:
        raise _bad_option("check", error) from None
    train, valid = read(Path(job.data)), read(Path(job.valid)) if job.valid else None
    tell(Told.STARTED, {"kind": "check", "rows": len(train.examples), "labels": len(train.labels)})
    wanted = options.label_errors and len(train.labels) > 1 and not holds_pictures(train)
    report = look(train, valid, probabilities=_probabilities(train, options, tell) if wanted else None, tell=tell)
    table = report.to_json()
    write_bytes(Path(job.out) / REPORT, (json.dumps(table, ensure_ascii=False) + "\n").encode())
    counted = ("duplicates", "contradictions", "near_contradictions", "leaks", "suspects", "personal")
    return {name: len(table[name]) for name in counted}


def clean(job: Job, tell: Tell) -> Mapping[str, Any]:
    """Write `job.data` as cleaned.jsonl.gz; gives how many rows were changed and dropped."""
    try:
        options = CleanOptions(**job.options)
    except ValidationError as error:
        raise _bad_option("clean", error) from None
    data = read(Path(job.data))
    tell(Told.STARTED, {"kind": "clean", "rows": len(data.examples), "labels": len(data.labels)})
    left, changes = cleaned(
        data, tidy=options.tidy, drop_duplicates=options.duplicates, mask_personal=options.mask, tell=tell
    )
    write(left, Path(job.out) / CLEANED)
    dropped = len(data.examples) - len(left.examples)
    changed = len({each.row for each in changes}) - dropped
    return {"rows": len(left.examples), "changed": changed, "dropped": dropped}


def split(job: Job, tell: Tell) -> Mapping[str, Any]:
    """Write `job.data` as train.jsonl.gz and test.jsonl.gz; variants of a text stay on one side."""
    try:
        options = SplitOptions(**job.options)
    except ValidationError as error:
        raise _bad_option("split", error) from None
    data = read(Path(job.data))
    tell(Told.STARTED, {"kind": "split", "rows": len(data.examples), "labels": len(data.labels)})
    train, test = parts_of(data, (1 - options.share, options.share), seed=options.seed)
    for part, name in ((train, TRAIN), (test, TEST)):
        write(part, Path(job.out) / name)
    return {"train_rows": len(train.examples), "test_rows": len(test.examples)}


def _probabilities(train: Dataset, options: CheckOptions, tell: Tell) -> OutOfFold:
    if options.encoder == "letters":
        return by_letters(seed=options.seed, tell=tell)
    encoder = options.encoder or encoder_for([each.text for each in train.examples])
    return by_encoder(encoder, threads=options.threads, seed=options.seed, tell=tell)


def _bad_option(kind: str, error: ValidationError) -> BadInput:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    return BadInput(f"Option {name!r} of a {kind}: {first['msg']}.", option=name)
