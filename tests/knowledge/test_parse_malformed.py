"""Every malformed file behaves as its index says, and nothing makes `parse` raise."""

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.knowledge.parsing import ParseResult, parse

FILES = Path(__file__).parent / "fixtures/malformed"
PDF = (FILES / "control_valid.pdf").read_bytes()
INDEX = [row["file"] for row in csv.DictReader((FILES / "INDEX.csv").open(encoding="utf-8"))]

# What of each file is read (the text, or None) and what is said of the rest.
EXPECTED: dict[str, tuple[str | None, str | None]] = {
    "control_valid.pdf": ("Returns are accepted within 30 days.", None),
    "control_valid.docx": ("Returns are accepted within 30 days. 七天无理由退货。", None),
    "control_valid.csv": ("How long do refunds take?\n5 days\n\n怎么退货？\n在订单页申请\n\n", None),
    "truncated.pdf": (None, "The PDF is damaged"),
    "zero_bytes.pdf": (None, "The file is empty."),
    "bad_xref.pdf": ("Returns are accepted within 30 days.", None),
    "html_named.pdf": (None, "The name ends in .pdf but the content is HTML"),
    "truncated.docx": (None, "its zip directory cannot be read"),
    "no_document_xml.docx": (None, "no main document part"),
    "broken_xml.docx": (None, "its XML breaks off or is wrong"),
    "xxe.docx": (None, "declares XML entities"),
    "gbk.csv": ("多久退款\n三天到账\n\n", None),
    "utf16le_bom.csv": ("多久退款\n三天\n\n", None),
    "nul_bytes.csv": (None, "line 2 holds a NUL character in column 1"),
    "unbalanced_quotes.csv": (None, "line 2 opens a quote in column 1 that is not closed"),
    "ragged_rows.csv": (None, "line 2 has no answer; line 3 has 4 cells but the header has 2"),
    "formula_injection.csv": ("+cmd|' /C calc'!A0\n-1+1\n\n", "line 2 cannot be split into cells"),
    "dup_header.csv": ("a\nc\n\n", None),
    "truncated.png": (None, "PNG files cannot be read"),
    "huge_dims.png": (None, "PNG files cannot be read"),
    "script.svg": (None, "SVG files cannot be read"),
    "zero_rate.wav": (None, "WAV files cannot be read"),
    "claims_4gb.wav": (None, "WAV files cannot be read"),
    "silence.wav": (None, "WAV files cannot be read"),
    "nan_dup.json": (None, "JSON files cannot be read"),
    "bidi_zero_width.txt": ("退款\u202etxe\u202c \u200b\u200d\ufeff test\n", None),
    "invalid_utf8.txt": (None, "not valid UTF-8 (line 1, byte 5)"),
}


@pytest.mark.parametrize("name", INDEX)
def test_a_malformed_file_is_read_or_refused_with_its_reason(name: str) -> None:
    text, reason = EXPECTED[name]
    result = parse(name, (FILES / name).read_bytes())
    assert [document.text for document in result.documents] == ([] if text is None else [text])
    assert [failure.name for failure in result.failures] == ([] if reason is None else [name])
    assert all(reason and reason in failure.reason for failure in result.failures)
    assert all(_is_sentence(failure.reason) for failure in result.failures)


def _is_sentence(reason: str) -> bool:
    return reason.endswith(".") and "\n" not in reason and len(reason) < 400


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("a.csv", (FILES / "truncated.png").read_bytes(), "The name ends in .csv but the content is PNG"),
        ("a.txt", (FILES / "silence.wav").read_bytes(), "The name ends in .txt but the content is WAV"),
        ("a.pdf", b"Just some words.", "The name ends in .pdf but the content is not PDF."),
        ("a.docx", b"Just some words.", "The name ends in .docx but the content is not Word (.docx)."),
        ("a.docx", PDF, "The name ends in .docx but the content is PDF"),
        ("a.png", PDF, "The name ends in .png but the content is PDF"),
        ("a.csv", b"<!DOCTYPE html><html><body>Log in</body></html>", "The name ends in .csv but the content is HTML"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 100, "encrypted or in the Office 97-2003 format"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 100, "Office 97-2003 format"),
        ("a.xml", b"<?xml version='1.0'?><a>b</a>", "XML files cannot be read"),
        ("a.rtf", rb"{\rtf1 words}", "RTF files cannot be read"),
        ("a", b"\x7fELF" + b"\x00" * 50, "Program files cannot be read"),
        ("a.txt", b"\x00" * 100, "empty"),
        ("a.txt", bytes(range(256)) * 4, "not valid UTF-8"),
    ],
)
def test_a_name_that_lies_or_a_kind_we_do_not_read_is_said(name: str, data: bytes, what: str) -> None:
    (failure,) = parse(name, data).failures
    assert failure.name == name
    assert what in failure.reason
    assert _is_sentence(failure.reason)


@pytest.mark.parametrize(
    ("name", "data", "media_type"),
    [
        ("readme", b"Just some words.", "text/plain"),
        ("notes.log", b"Just some words.", "text/plain"),
        ("https://shop.example/help?a=b.pdf", b"<!doctype html><p>Words.</p>", "text/html"),
        ("BMW.txt", b"BMW drivers get a discount.", "text/plain"),
        ("a.txt", b"<html> is a tag.", "text/plain"),
        ("A.PDF", PDF, "application/pdf"),
    ],
)
def test_content_decides_where_the_name_says_nothing(name: str, data: bytes, media_type: str) -> None:
    (document,) = parse(name, data).documents
    assert document.media_type == media_type


def test_a_servers_word_is_believed_where_name_and_content_do_not_tell() -> None:
    (document,) = parse("https://shop.example/help", b"<p>Words.</p>", media_type="text/html; charset=utf-8").documents
    assert (document.text, document.media_type) == ("Words.", "text/html")


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(INDEX),
    st.integers(0, 2_000),
    st.binary(max_size=4),
    st.sampled_from([".csv", ".txt", ".html", ".md", ""]),
)
def test_no_damage_makes_parse_raise(name: str, at: int, noise: bytes, ending: str) -> None:
    data = (FILES / name).read_bytes()[:4_000]
    at %= len(data) + 1
    damaged = data[:at] + noise + data[at + len(noise) :]
    if name.endswith(".pdf"):  # each PDF costs a process; the name then decides against it
        damaged = damaged.replace(b"%PDF", b"%FDP")
    for given_name in (name, f"x{ending}"):
        result = parse(given_name, damaged)
        assert isinstance(result, ParseResult)
        assert result.documents or result.failures
