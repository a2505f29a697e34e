"""A run keeps its data: the same content in the same bytes, refused when it was changed."""

import gzip
from pathlib import Path

import pytest

from kefu.factory.data.read import read_bytes
from kefu.factory.data.version import combined, keep, kept
from kefu.kit.errors import BadInstallation

CSV = b"text,label,domain\nwhere is it,track,post\nwhat is life,oos,\n"
JSONL = b'{"intent": "track", "text": "where is it", "domain": "post"}\n{"text": "what is life", "intent": "oos"}\n'


def test_equal_content_is_kept_as_equal_bytes(tmp_path: Path) -> None:
    first = keep(read_bytes(CSV, name="a.csv"), tmp_path / "a", name="train")
    second = keep(read_bytes(JSONL, name="b.jsonl"), tmp_path / "b", name="train")
    assert first.read_bytes() == second.read_bytes()
    again = kept(tmp_path / "a", name="train")
    assert again is not None
    assert again.sha256 == read_bytes(CSV, name="a.csv").sha256
    assert [(each.text, each.label) for each in again.examples] == [("where is it", "track"), ("what is life", None)]
    assert kept(tmp_path / "a", name="valid") is None


def test_changed_data_are_refused(tmp_path: Path) -> None:
    path = keep(read_bytes(CSV, name="a.csv"), tmp_path, name="train")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"track", b"trick")))
    with pytest.raises(BadInstallation, match="its hash differs"):
        kept(tmp_path, name="train")


def test_combining_keeps_each_labelled_text_once() -> None:
    first = read_bytes(CSV, name="a.csv")
    second = read_bytes(b"text,label\nwhere is it,track\nnew one,more\n", name="b.csv")
    both = combined(first, second)
    assert [each.text for each in both.examples] == ["where is it", "what is life", "new one"]
    assert both.labels == ("more", "track")
