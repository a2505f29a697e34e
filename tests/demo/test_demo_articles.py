"""The demo help centre says the same in English and in Chinese."""

import re
from pathlib import Path

import pytest

import kefu

ARTICLES = Path(kefu.__file__).parent / "demo" / "articles"
# The demo needs enough pages that search has something to choose from.
LEAST_ARTICLES = 60
# A page is short enough to read on a phone and long enough to hold several facts.
ENGLISH_WORDS = range(130, 351)
# The months that the articles name, so that "1 November" equals "11 月 1 日".
MONTHS = {"January": 1, "November": 11, "December": 12}
NUMBER = re.compile(r"(?P<yuan>¥)?(?P<number>\d[\d,]*(?:[.:]\d+)*)(?P<percent>%)?")
# A unit follows its number directly: "7-day", "7 days", "7 天". Between the two numbers of a range
# ("2–4 working days") only the second one carries the unit.
UNITS = {
    "working day": (r"working days?", r"个?工作日"),
    "day": (r"days?", r"天"),
    "hour": (r"hours?", r"个?小时"),
    "minute": (r"minutes?", r"分钟"),
    "second": (r"seconds?", r"秒"),
    "month": (r"months?", r"个?月(?!\s*\d)"),
    "week": (r"weeks?", r"周"),
    "year": (r"years?", r"年"),
    "point": (r"points?", r"积分"),
}


def slugs(language: str) -> set[str]:
    return {path.stem for path in (ARTICLES / language).glob("*.md")}


def read(language: str, slug: str) -> str:
    return (ARTICLES / language / f"{slug}.md").read_text(encoding="utf-8")


def english_dates_as_numbers(text: str) -> str:
    """Write "1 November" as "11 / 1", the numbers that the Chinese date has."""
    for month, index in MONTHS.items():
        text = re.sub(rf"(\d+) {month}\b", rf"{index} / \1", text)
    return text


def facts(language: str, text: str) -> set[str]:
    """Every figure of a page with its sign or unit, such as ¥12, 8%, 21:00, "7 day" or 120."""
    if language == "en":
        text = english_dates_as_numbers(text)
    return {figure(match, unit_at(language, text[match.end() :])) for match in NUMBER.finditer(text)}


def unit_at(language: str, rest: str) -> str:
    column = 0 if language == "en" else 1
    return next((unit for unit, forms in UNITS.items() if re.match(rf"[ -]?(?:{forms[column]})", rest)), "")


def figure(match: re.Match[str], unit: str) -> str:
    number = match["number"].replace(",", "")
    return f"{match['yuan'] or ''}{number}{match['percent'] or ''} {unit}".strip()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_there_are_enough_articles(language: str) -> None:
    assert len(slugs(language)) >= LEAST_ARTICLES


def test_both_languages_have_the_same_articles() -> None:
    assert slugs("en") == slugs("zh")


@pytest.mark.parametrize("slug", sorted(slugs("en") | slugs("zh")))
def test_both_languages_state_the_same_figures(slug: str) -> None:
    assert facts("en", read("en", slug)) == facts("zh", read("zh", slug))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_articles_have_one_title_and_sections(language: str) -> None:
    for slug in slugs(language):
        lines = read(language, slug).splitlines()
        assert lines[0].startswith("# "), slug
        assert sum(line.startswith("# ") for line in lines) == 1, slug
        assert sum(line.startswith("## ") for line in lines) >= 3, slug


def test_english_articles_have_a_readable_length() -> None:
    lengths = {slug: len(read("en", slug).split()) for slug in slugs("en")}
    assert {slug: words for slug, words in lengths.items() if words not in ENGLISH_WORDS} == {}


def test_phone_numbers_and_addresses_are_fictional() -> None:
    for language in ("en", "zh"):
        for slug in slugs(language):
            text = read(language, slug)
            assert all(phone.startswith("400-555-01") for phone in re.findall(r"400-[\d-]+", text)), slug
            assert all(host == "lumenloom.example" for host in re.findall(r"@([\w.]+\w)", text)), slug
