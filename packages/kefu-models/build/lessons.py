"""What encoders are taught with: what companies that do not exist say, and how their customers ask for it."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

SHOPS = Path(__file__).parent / "data"
AT_ONCE = 18  # paragraphs of a batch: those of two or three shops
ASKED = 3  # questions of a paragraph in one batch
FEWEST = 8  # fewer paragraphs are too few wrong ones to learn from


@dataclass(frozen=True)
class Lesson:
    """A paragraph, what it answers, and what sounds like it but is not answered by it.

    `titled`: its topic stands above it on the shop's page, as those of paragraphs do and those of FAQ entries do not.
    """

    shop: str
    topic: str
    passage: str
    questions: tuple[str, ...]
    near: tuple[str, ...] = ()
    held: bool = False
    titled: bool = False


def shops(language: str) -> list[Lesson]:
    """Paragraphs of shops."""
    return [replace(lesson, titled=True) for lesson in read(f"shops_{language}")]


def read(name: str) -> list[Lesson]:
    """The lessons of a file, in its order."""
    return [
        Lesson(
            row["shop"],
            row["topic"],
            row["passage"],
            tuple(row["questions"]),
            tuple(row["near"]),
            row.get("held", False),
        )
        for row in _rows(SHOPS / f"{name}.jsonl")
    ]


def batches(lessons: Sequence[Lesson], chance: random.Random) -> list[list[Lesson]]:
    """Each question once, in batches of few shops, since a shop's other paragraphs are the hardest wrong ones.

    A lesson in a batch holds at most ASKED of its questions and one of those that are near.
    """
    made = []
    left = [(lesson, chance.sample(lesson.questions, len(lesson.questions))) for lesson in lessons]
    while left:
        order = {lesson.shop: chance.random() for lesson, _ in left}
        left.sort(key=lambda pair: (order[pair[0].shop], chance.random()))
        parts = [_part(lesson, questions[:ASKED], chance) for lesson, questions in left]
        cut = [parts[at : at + AT_ONCE] for at in range(0, len(parts), AT_ONCE)]
        made += [batch for batch in cut if len(batch) >= FEWEST]
        left = [(lesson, questions[ASKED:]) for lesson, questions in left if len(questions) > ASKED]
    return made


def _part(lesson: Lesson, questions: Sequence[str], chance: random.Random) -> Lesson:
    """A part of a lesson, half of the time with its topic as a title, as passages are embedded with and without."""
    has_title = bool(lesson.topic) and chance.random() < 0.5
    passage = f"{lesson.topic}\n{lesson.passage}" if has_title else lesson.passage
    near = (chance.choice(lesson.near),) if lesson.near else ()
    return Lesson(lesson.shop, lesson.topic, passage, tuple(questions), near)


def _rows(path: Path) -> Iterator[dict]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)
