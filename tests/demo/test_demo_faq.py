"""The demo FAQ says the same in both languages, and each held-out question can be judged from the demo's knowledge."""

import csv
import json
import re
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import kefu

DEMO = Path(kefu.__file__).parent / "demo"
QUESTIONS = Path(__file__).parent / "questions.jsonl"
# Written by those who build Kefu, knowing the articles, to choose constants on; the others judge.
DEV_QUESTIONS = Path(__file__).parent / "dev_questions.jsonl"
LANGUAGES = ("en", "zh")
COLUMNS = ["question", "answer", "more_questions"]
LEAST_ENTRIES = 120
# How many held-out questions there are of each kind, in each language.
FROM_ARTICLES, FROM_FAQ, UNANSWERABLE = 50, 30, 20
SENTENCE_END = re.compile(r"[.!?](?=\s|$)|[。！？]")
# English writes "1 November" where Chinese writes "11月1日".
MONTHS = {"January": "1", "November": "11", "December": "12"}
NUMBER = re.compile(r"\d+(?:\.\d+)?")
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
# A space that parts a full stop or comma from a figure stays: "for ¥12. 2 days" is not ¥12.2.
IDLE_SPACE = re.compile(r"(?<![.,])\s+|\s+(?!\d)")


@cache
def entries(language: str) -> list[dict[str, str]]:
    with (DEMO / "faq" / f"{language}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def questions() -> list[dict[str, Any]]:
    return [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]


@cache
def dev_questions() -> list[dict[str, Any]]:
    return [json.loads(line) for line in DEV_QUESTIONS.read_text(encoding="utf-8").splitlines()]


def kind(row: dict[str, Any]) -> str:
    if not row["answerable"]:
        return "unanswerable"
    return "faq" if row["source"] == "faq" else "article"


def phrasings(entry: dict[str, str]) -> list[str]:
    return [entry["question"], *entry["more_questions"].split(" | ")]


def numbers(text: str) -> Counter[str]:
    for month, index in MONTHS.items():
        text = re.sub(rf"\b{month}\b", index, text)
    return Counter(NUMBER.findall(THOUSANDS.sub("", text)))


def normalised(text: str) -> str:
    """Text without case, idle spaces, thousands separators and full-width forms, for comparing facts."""
    return IDLE_SPACE.sub("", unicodedata.normalize("NFKC", THOUSANDS.sub("", text)).casefold())


def says(text: str, spelling: str) -> bool:
    """Whether a normalised text holds a spelling; "2 days" is not found in "12 days", nor "¥5" in "¥50"."""
    wanted = normalised(spelling)
    before = r"(?<!\d)(?<!\d\.)" if wanted[0].isdigit() else ""
    after = r"(?![\d%]|\.\d)" if wanted[-1].isdigit() else ""
    return re.search(before + re.escape(wanted) + after, text) is not None


def states(text: str, facts: list[list[str]]) -> bool:
    return all(any(says(normalised(text), spelling) for spelling in fact) for fact in facts)


def section_texts(language: str, slug: str) -> list[str]:
    page = (DEMO / "articles" / language / f"{slug}.md").read_text(encoding="utf-8")
    return re.split(r"(?m)^#+ ", page)


def where_answers_stand(row: dict[str, Any]) -> list[str]:
    if row["source"] == "faq":
        return [entry["answer"] for entry in entries(row["language"])]
    return section_texts(row["language"], row["source"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_faq_is_large_enough_and_complete(language: str) -> None:
    assert len(entries(language)) >= LEAST_ENTRIES
    for entry in entries(language):
        assert list(entry) == COLUMNS, entry
        assert all(value and value == value.strip() for value in entry.values()), entry


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrasing_leads_to_two_answers(language: str) -> None:
    counts = Counter(phrasing.casefold() for entry in entries(language) for phrasing in phrasings(entry))
    assert [phrasing for phrasing, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_entry_has_two_to_ten_other_phrasings(language: str) -> None:
    for entry in entries(language):
        others = entry["more_questions"].split(" | ")
        assert 2 <= len(others) <= 10, entry["question"]
        assert all(others), entry["question"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_are_one_to_three_whole_sentences(language: str) -> None:
    for entry in entries(language):
        assert 1 <= len(SENTENCE_END.findall(entry["answer"])) <= 3, entry["answer"]
        assert entry["answer"][-1] in ".!。！", entry["answer"]


def test_both_languages_state_the_same_figures_in_the_same_order() -> None:
    for english, chinese in zip(entries("en"), entries("zh"), strict=True):
        assert numbers(english["answer"]) == numbers(chinese["answer"]), english["question"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figures_of_an_answer_stand_in_the_articles(language: str) -> None:
    pages = [path.read_text(encoding="utf-8") for path in sorted((DEMO / "articles" / language).glob("*.md"))]
    known = set().union(*(numbers(page) for page in pages))
    for entry in entries(language):
        assert set(numbers(entry["answer"])) <= known, entry["answer"]


def test_there_are_as_many_questions_of_each_kind_as_planned() -> None:
    planned = {"article": FROM_ARTICLES, "faq": FROM_FAQ, "unanswerable": UNANSWERABLE}
    counts = Counter((row["language"], kind(row)) for row in questions())
    assert counts == {(language, each): count for language in LANGUAGES for each, count in planned.items()}


def test_questions_have_their_own_ids_and_wording() -> None:
    assert len({row["id"] for row in questions()}) == len(questions())
    assert len({normalised(row["question"]) for row in questions()}) == len(questions())


def test_no_question_repeats_a_phrasing_of_the_faq() -> None:
    known = {normalised(p) for language in LANGUAGES for entry in entries(language) for p in phrasings(entry)}
    assert [row["id"] for row in questions() if normalised(row["question"]) in known] == []


def test_the_questions_to_choose_on_are_none_of_those_that_judge_nor_of_the_faq() -> None:
    known = {normalised(p) for language in LANGUAGES for entry in entries(language) for p in phrasings(entry)}
    known |= {normalised(row["question"]) for row in questions()}
    assert [row["id"] for row in dev_questions() if normalised(row["question"]) in known] == []
    assert len({row["id"] for row in (*questions(), *dev_questions())}) == len(questions()) + len(dev_questions())


@pytest.mark.parametrize("row", [*questions(), *dev_questions()], ids=lambda row: row["id"])
def test_a_question_can_be_judged(row: dict[str, Any]) -> None:
    if not row["answerable"]:
        assert (row["facts"], row["forbidden"], row["source"]) == ([], [], "none")
        return
    assert row["facts"]
    assert all(row["facts"])
    right = [text for text in where_answers_stand(row) if states(text, row["facts"])]
    assert right, "no entry or section states all the facts"
    assert any(not any(says(normalised(text), wrong) for wrong in row["forbidden"]) for text in right)
