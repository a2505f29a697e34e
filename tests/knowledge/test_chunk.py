"""Passages: exact, complete, short enough, and cut where a reader would cut."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.knowledge.chunk import Passage, chunk, weight
from kefu.knowledge.parsing import ParsedDocument, Section, parse

SENTENCE = "Refunds go to the card that you paid with. "
CHINESE = "退款会原路返回到您付款时使用的账户。"


def text_document(text: str) -> ParsedDocument:
    (document,) = parse("page.txt", text.encode()).documents
    return document


def texts(document: ParsedDocument) -> list[str]:
    return [document.text[passage.start : passage.end] for passage in chunk(document)]


def test_each_heading_begins_a_passage_and_stays_with_its_text() -> None:
    document = text_document("\n\nFees \nIt costs $5. \n\nWho can apply? \nAll members can. \n")
    assert [(p.heading_path, document.text[p.start : p.end]) for p in chunk(document)] == [
        (("Fees",), "Fees \nIt costs $5."),
        (("Who can apply?",), "Who can apply? \nAll members can."),
    ]


def test_a_heading_without_text_joins_what_follows() -> None:
    (document,) = parse("a.md", b"# Help\n\n## Orders\n\n### Cancel\n\nPress cancel.\n").documents
    (passage,) = chunk(document)
    assert document.text[passage.start : passage.end] == "Help\n\nOrders\n\nCancel\n\nPress cancel."
    assert passage.heading_path == ("Help", "Orders", "Cancel")


def test_a_last_heading_without_text_joins_what_precedes() -> None:
    (document,) = parse("a.md", b"# Help\n\nPress cancel.\n\n## See also\n").documents
    assert texts(document) == ["Help\n\nPress cancel.\n\nSee also"]


def test_short_paragraphs_are_merged_up_to_the_target() -> None:
    paragraph = SENTENCE * 4
    pieces = texts(text_document("\n\n".join([paragraph] * 7)))
    assert [len(piece) for piece in pieces] == [345, 345, 345, 171]


def test_a_long_paragraph_is_cut_evenly_at_sentences() -> None:
    pieces = texts(text_document(SENTENCE * 40))
    assert all(piece.startswith("Refunds") and piece.endswith("with.") for piece in pieces)
    assert all(300 <= len(piece) <= 620 for piece in pieces)


def test_a_chinese_passage_is_about_260_characters() -> None:
    pieces = texts(text_document(CHINESE * 60))
    assert all(piece.endswith("。") for piece in pieces)
    assert 200 <= sum(map(len, pieces)) / len(pieces) <= 320


def test_a_lead_in_stays_with_its_list() -> None:
    filler = SENTENCE * 11
    pieces = texts(text_document(f"{filler}\n\nYou need:\n\n- a passport\n- {SENTENCE * 3}\n"))
    assert pieces[-1] == f"You need:\n\n- a passport\n- {SENTENCE * 3}".strip()


def test_text_without_sentences_is_cut_between_words_and_outside_numbers() -> None:
    document = text_document("item 1,250.00 " * 300)
    for first, second in itertools.pairwise(chunk(document)):
        assert document.text[first.end : second.start].isspace()
        assert document.text[first.start : first.end].split()[-1] in ("item", "1,250.00")


def test_a_faq_entry_is_one_passage_and_a_long_one_several_of_the_same_entry() -> None:
    sheet = f"question,answer\nHow?,So.\nWhy?,{SENTENCE * 30}\n"
    (document,) = parse("faq.csv", sheet.encode()).documents
    passages = chunk(document)
    assert {passage.kind for passage in passages} == {"faq"}
    assert [passage.faq_index for passage in passages] == [0] + [1] * (len(passages) - 1)
    assert document.text[passages[0].start : passages[0].end] == "How?\nSo."
    assert document.text[passages[1].start : passages[1].end].startswith("Why?\nRefunds")


@pytest.mark.parametrize("text", ["x" * 5_000, "中" * 5_000, "e\u0301" * 3_000, "=" * 2_000 + " end"])
def test_text_without_any_gap_still_fits(text: str) -> None:
    document = text_document(text)
    assert "".join(texts(document)).replace(" ", "") == text.replace(" ", "")
    assert all(len(piece) <= 800 for piece in texts(document))


def test_many_headings_take_linear_time() -> None:
    (document,) = parse("a.md", "".join(f"## Part {i}\n\nText {i}.\n\n" for i in range(20_000)).encode()).documents
    assert len(chunk(document)) == 20_000


LINES = st.sampled_from(
    [
        "", "", " ", "Fees", "退款政策", "Can I return it?", "- a passport", "1. Open the app", "You need:", "a | b",
        SENTENCE, SENTENCE * 9, CHINESE, CHINESE * 30, "word " * 220, "It costs 1,250.00 e.g. on 2026-11-21. ",
        "x" * 900, "\u200b", "a\tb",
    ]
)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> ParsedDocument:
    text = draw(st.sampled_from(["\n", "\r\n"])).join(draw(st.lists(LINES, max_size=25)))
    starts = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]
    chosen = sorted(draw(st.sets(st.sampled_from(starts), max_size=6)))
    sections = tuple(Section(draw(st.integers(1, 3)), f"heading {at}", at) for at in chosen)
    return ParsedDocument("d", "d", text, "text/plain", sections)


@settings(deadline=None)
@given(documents())
def test_passages_hold_all_text_in_order_within_the_limit(document: ParsedDocument) -> None:
    passages = chunk(document)
    for passage in passages:
        piece = document.text[passage.start : passage.end]
        assert 0 < len(piece) <= 800
        assert piece == piece.strip()
    bounds = itertools.pairwise([0, *itertools.chain(*((p.start, p.end) for p in passages)), len(document.text)])
    gaps = list(bounds)[::2]
    assert all(before <= after and not document.text[before:after].strip() for before, after in gaps)


@settings(deadline=None)
@given(documents())
def test_no_passage_parts_a_word_or_a_number(document: ParsedDocument) -> None:
    text = document.text
    for first, second in itertools.pairwise(chunk(document)):
        if first.end == second.start and "x" * 800 not in text[first.start : second.end]:
            around = text[first.end - 1 : first.end + 1]
            assert not (around.isascii() and around.isalnum())
            assert not (around[0].isdigit() and text[first.end : first.end + 2].lstrip(".,:-").isdigit())


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from([SENTENCE, SENTENCE * 30, CHINESE * 40])), max_size=8))
def test_a_heading_with_text_under_it_always_begins_a_passage(parts: list[tuple[int, str]]) -> None:
    text, sections = "Before.\n\n", []
    for level, body in parts:
        sections.append(Section(level, "Heading", len(text)))
        text += f"Heading\n\n{body}\n\n"
    passages = chunk(ParsedDocument("d", "d", text, "text/markdown", tuple(sections)))
    assert {section.start for section in sections} <= {passage.start for passage in passages}
    assert all(text[p.start : p.end] != "Heading" for p in passages)


def test_weight_counts_a_chinese_character_as_much_as_it_says() -> None:
    assert weight("abc") == 3
    assert weight("退款") == pytest.approx(3.7)


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="target"):
        chunk(text_document("Some text."), target_chars=900, max_chars=800)


def test_passage_is_a_plain_value() -> None:
    assert Passage(0, 1, (), "text", None) == Passage(0, 1, (), "text", None)
