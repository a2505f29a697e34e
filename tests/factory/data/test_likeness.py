"""Training texts about something else than the validation texts are left out, and only those."""

import random
from collections import Counter

import pytest

from kefu.contracts.dataset import Dataset, Example
from kefu.contracts.job import Told
from kefu.factory.data.likeness import likeness, without_unlike
from kefu.knowledge.labels import dataset_of

BOOKS = "chapter author plot pages cover reader story novel".split()
HOTELS = "room breakfast lobby pool towel lift bed reception".split()
MOODS = {"good": "lovely great pleased fine".split(), "bad": "awful poor broken dull".split()}


def reviews(subjects: dict[str, int], seed: int) -> list[Example]:
    """So many reviews of each subject and mood, in turn."""
    chance = random.Random(seed)
    made = []
    for subject, count in subjects.items():
        words = BOOKS if subject == "books" else HOTELS
        for number in range(count):
            mood = ("good", "bad")[number % 2]
            said = [*chance.choices(words, k=4), *chance.choices(MOODS[mood], k=2)]
            chance.shuffle(said)
            made.append(Example(" ".join(said), mood, len(made) + 1))
    return made


def dataset(examples: list[Example]) -> Dataset:
    return dataset_of(examples, mapping={"text": "text", "label": "label"}, format="csv")


@pytest.fixture(scope="module")
def old() -> Dataset:
    return dataset(reviews({"books": 200, "hotels": 200}, 0))


def about(data: Dataset, words: list[str]) -> int:
    return sum(1 for each in data.examples if set(each.text.split()) & set(words))


def test_texts_about_something_else_are_left_out(old: Dataset) -> None:
    said: list[str] = []
    valid = dataset(reviews({"hotels": 100}, 1))
    kept = without_unlike(old, valid, 0.35, lambda told, fields: said.append(str(fields["sentence"])))
    assert about(kept, HOTELS) >= 195
    assert about(kept, BOOKS) <= 20
    [sentence] = said
    assert sentence.startswith(f"{400 - len(kept.examples)} of 400 training texts look unlike the validation texts")
    assert kept.mapping == old.mapping


def test_files_of_one_source_keep_all(old: Dataset) -> None:
    assert without_unlike(old, dataset(reviews({"books": 60, "hotels": 60}, 2)), 0.35, told_nothing) is old


def test_all_stay_unless_asked_for(old: Dataset) -> None:
    assert without_unlike(old, dataset(reviews({"hotels": 100}, 1)), 0.0, told_nothing) is old


def test_too_few_rows_say_nothing(old: Dataset) -> None:
    assert without_unlike(old, dataset(reviews({"hotels": 20}, 1)), 0.35, told_nothing) is old
    assert without_unlike(old, old, 0.35, told_nothing) is old


def test_no_label_is_forgotten() -> None:
    """A label that only the other texts have keeps its likest third."""
    books = [Example(each.text, "other", each.row) for each in reviews({"books": 180}, 3)]
    data = dataset([*books, *reviews({"hotels": 200}, 4)])
    kept = without_unlike(data, dataset(reviews({"hotels": 100}, 5)), 0.35, lambda told, fields: None)
    assert Counter(each.label for each in kept.examples)["other"] == 60


def test_likeness_orders_texts_by_their_file() -> None:
    hotels = [each.text for each in reviews({"hotels": 80}, 6)]
    books = [each.text for each in reviews({"books": 80}, 7)]
    alike, apart = likeness([*hotels[:40], *books], hotels[40:])
    assert alike[:40].mean() > alike[40:].mean() + 0.2
    assert apart > 0.6


def told_nothing(told: Told, fields: object) -> None:
    raise AssertionError(f"nothing was to be told, but {told}: {fields}")
