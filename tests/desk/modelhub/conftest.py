"""Models of the factory for these tests, trained once: two that are good, one that is bad."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kefu.contracts.job import Job
from kefu.factory.run import run

from .samples import TEST_TAILS, rows, write_rows

Trained = Callable[[str], Path]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Folders of models: `good`, `better` and `bad`, whose labels were shuffled; all judged on the same test."""
    folder = tmp_path_factory.mktemp("models")
    test = write_rows(folder / "test.jsonl", rows(TEST_TAILS))
    labels = [label for _, label in rows()]
    data = {
        "good": rows(),
        "better": [*rows(), ("Hello there", "delivery")],
        "bad": [(text, label) for (text, _), label in zip(rows(), labels[40:] + labels[:40], strict=True)],
    }
    for name, pairs in data.items():
        train = write_rows(folder / f"{name}.jsonl", pairs)
        job = Job("train", recipe="linear", data=str(train), valid=str(test), out=str(folder / name))
        run(job, lambda told, fields: None)
    return lambda name: folder / name
