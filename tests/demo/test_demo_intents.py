"""The demo's labelled questions: enough of each, in both languages, and none of those outside among them."""

from collections import Counter
from pathlib import Path

import pytest

import kefu
from kefu.contracts.dataset import Dataset
from kefu.desk.demo_intents import RULES
from kefu.factory.data.split import split
from kefu.knowledge.labels import read
from kefu.knowledge.language import detect
from kefu.knowledge.words import fold

FOLDER = Path(kefu.__file__).parent / "demo/intents"
LANGUAGES = ("en", "zh")


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def intents(language: str) -> Dataset:
    return read(FOLDER / f"{language}.csv")


def test_each_intent_has_25_to_40_texts(language: str) -> None:
    data = intents(language)
    counts = Counter(each.label for each in data.examples)
    assert len(data.labels) >= 30
    assert not data.bad
    assert {label: count for label, count in counts.items() if not 25 <= count <= 40} == {}


def test_both_languages_have_the_same_intents_and_the_policy_knows_its_own() -> None:
    assert intents("en").labels == intents("zh").labels
    assert set(RULES) <= set(intents("en").labels)


def test_no_text_stands_twice(language: str) -> None:
    counts = Counter(fold(each.text) for each in intents(language).examples)
    assert [text for text, count in counts.items() if count > 1] == []


def test_texts_are_in_their_language(language: str) -> None:
    strange = [each.text for each in intents(language).examples if detect(each.text, language) != language]
    assert len(strange) <= 0.01 * len(intents(language).examples), strange  # "b2b", "SELECT"


def test_texts_outside_have_no_label_and_are_not_learnt(language: str) -> None:
    outside = read(FOLDER / f"outside_{language}.csv")
    assert len(outside.examples) >= 60
    assert {each.label for each in outside.examples} == {None}
    known = {fold(each.text) for each in intents(language).examples}
    assert [each.text for each in outside.examples if fold(each.text) in known] == []


def test_a_fifth_can_be_kept_apart_with_every_intent_in_it(language: str) -> None:
    learnt, apart = split(intents(language), (0.8, 0.2))
    assert learnt.labels == apart.labels == intents(language).labels
