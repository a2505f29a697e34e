"""Precision and recall on rows made by rule, by characters and exact kind, and what masking loads."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kefu.knowledge.masking import find

from .made_rows import rows

SAMPLE = Path(__file__).parent / "fixtures" / "pii_sample.jsonl"
OPEN = {"ZH_NAME", "EN_NAME", "ZH_ADDRESS", "US_ADDRESS", "UK_ADDRESS"}


def measure(all_rows, open_kinds):
    """Return precision and recall over the characters of open kinds (names, addresses) or of all the others."""
    right = found = wanted = 0
    for row in all_rows:
        truth = {(place, kind) for start, end, kind in row["entities"] for place in range(start, end)}
        ours = {(place, one.kind) for one in find(row["text"]) for place in range(one.start, one.end)}
        truth = {item for item in truth if (item[1] in OPEN) is open_kinds}
        ours = {item for item in ours if (item[1] in OPEN) is open_kinds}
        right, found, wanted = right + len(truth & ours), found + len(ours), wanted + len(truth)
    return right / found, right / wanted


def sample():
    return [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]


def test_numbers_of_the_sample():
    precision, recall = measure(sample(), open_kinds=False)
    assert precision >= 0.98
    assert recall >= 0.98


def test_names_and_addresses_of_the_sample():
    precision, recall = measure(sample(), open_kinds=True)
    assert precision >= 0.95
    assert recall >= 0.95


@pytest.mark.parametrize("language", ["zh", "en"])
def test_numbers_in_other_phrasings(language):
    precision, recall = measure(rows(language, seed=41, repeats=2), open_kinds=False)
    assert precision >= 0.98
    assert recall >= 0.98


@pytest.mark.parametrize("language", ["zh", "en"])
def test_names_and_addresses_in_other_phrasings(language):
    precision, recall = measure(rows(language, seed=42, repeats=2), open_kinds=True)
    assert precision >= 0.95
    assert recall >= 0.9


def test_a_message_without_numbers_loads_no_library_for_numbers():
    program = (
        "import sys; from kefu.knowledge.masking import mask\n"
        "mask('你好，我的包裹还没有到'); mask('Where is my order?')\n"
        "print([name for name in ('phonenumbers', 'stdnum', 'torch', 'django') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
