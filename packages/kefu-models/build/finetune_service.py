"""Teach MiniLM which entry of a FAQ answers: python finetune_service.py --data FOLDER

Trains on data/service_en.jsonl and data/shops_en.jsonl (written for Kefu: entries of companies that do not exist, each
asked in many ways, with questions that sound like it and are not answered by it) and on half of the Doc2Dial documents
in FOLDER/helpcentre_en (CC BY 3.0). A batch holds entries that stand beside each other in their company's FAQ, since
these are the hardest to tell apart; three guides to places that differ in nothing but their names keep its ear for
names. Held-out companies are measured before and after. Writes .finetuned/minilm-service-en.safetensors, which
`encoders.load_taught` mixes with the original.
"""

import argparse
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch
from encoders import FINETUNED, load_original, mixed
from finetune_minilm import doc2dial
from lessons import Lesson, read, shops
from safetensors.torch import save_file
from teaching import Course, Reader, measure, train

NAME = "minilm-service-en"
TOKENS = 96
COURSE = Course(scale=20.0, frozen_layers=0, learning_rate=7e-5)
AT_ONCE = 12  # entries of a batch
FEWEST = 6  # fewer entries are too few wrong ones to learn from
ASKED = 3  # questions of an entry in one batch
SIBLINGS = 5  # entries that stand beside each other and stay together
NAMED = 0.2  # batches of named places for each other batch
PLACES = 3  # at which an entry is said in such a batch
DOC2DIAL = "doc2dial"
GUIDES = "Guide"  # ends the name of a guide to places
# Parts of the names of places that do not exist.
FIRST = (
    "Amber Ash Birch Bramble Bridge Canal Castle Cedar Chapel Cinder Clover Copper Coral Crane Crescent Dapple "
    "Dawn Dove Eagle Elder Ember Falcon Fern Finch Forge Fox Garnet Glen Granary Hazel Heron Hollow Indigo Ivy "
    "Jasper Juniper Kestrel Lantern Lark Laurel Linden Lotus Maple Marble Marigold Meadow Mill Mint Mulberry "
    "Nettle Oak Olive Opal Orchard Otter Pearl Pepper Plum Poppy Quarry Quince Raven Reed River Robin Rowan "
    "Saffron Sable Sage Salt Silver Slate Sparrow Spruce Stable Sundial Swallow Tansy Thistle Thyme Tulip Velvet "
    "Violet Walnut Wharf Willow Wren Yarrow"
).split()
SECOND = (
    "Hotel;Inn;House;Lodge;Guest House;Bistro;Kitchen;Garden;Grill;Tavern;Museum;Bakery;Hall;Spa;Hostel;Rooms;Court;"
    "Manor;Noodle Bar;Curry House;Pizzeria;Cafe;Store;Cars;Stadium;Gallery"
).split(";")
ASKS = (
    "{place}: {question}",
    "{place}: {question}",
    "{question} ({place})",
    "at {place}, {question}",
    "{place} {question}",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    chance = random.Random(1)
    encoder = load_original(NAME)
    encoder.tokenizer.enable_truncation(TOKENS)
    reader = Reader(encoder, "", "", in_16_bits=True)
    original = {name: value.clone() for name, value in encoder.module.state_dict().items()}
    entries = read("service_en")
    held = [lesson for lesson in entries if lesson.held]
    measure("before", reader, held)
    paragraphs = [lesson for lesson in shops("en") if not lesson.held]
    known = [*(each for each in entries if not each.held), *paragraphs, *pages(given.data)]
    steps = batches(known, chance)
    steps += named([lesson for lesson in known if _kind(lesson) == "companies"], round(NAMED * len(steps)), chance)
    chance.shuffle(steps)
    train(reader, steps, COURSE)
    taught = {name: value.contiguous() for name, value in encoder.module.state_dict().items()}
    FINETUNED.mkdir(exist_ok=True)
    save_file(taught, str(FINETUNED / f"{NAME}.safetensors"))
    encoder.module.load_state_dict(mixed(NAME, original, taught))
    measure("after", reader, held)


def pages(data: Path) -> list[Lesson]:
    """The passages of every second Doc2Dial document with their standalone questions."""
    asked: dict[str, list[str]] = defaultdict(list)
    passages = {}
    for pair in doc2dial(data, random.Random(1)):
        asked[pair.key].append(pair.question)
        passages[pair.key] = pair.passage
    return [Lesson(DOC2DIAL, "", passages[key], tuple(questions)) for key, questions in asked.items()]


def batches(lessons: Sequence[Lesson], chance: random.Random) -> list[list[Lesson]]:
    """Each question once, in batches of one kind, siblings together and companies side by side."""
    made = []
    left = [(lesson, chance.sample(lesson.questions, len(lesson.questions))) for lesson in lessons]
    while left:
        places = _shuffled([lesson for lesson, _ in left], chance)
        of_kind: dict[str, list[Lesson]] = defaultdict(list)
        for at in places:
            lesson, questions = left[at]
            of_kind[_kind(lesson)].append(_part(lesson, questions[:ASKED], chance))
        for parts in of_kind.values():
            cut = [parts[start : start + AT_ONCE] for start in range(0, len(parts), AT_ONCE)]
            made += [batch for batch in cut if len(batch) >= FEWEST]
        left = [(lesson, questions[ASKED:]) for lesson, questions in left if len(questions) > ASKED]
    return made


def named(lessons: Sequence[Lesson], count: int, chance: random.Random) -> list[list[Lesson]]:
    """Batches in which each entry is said of several places, and each question names the one that is meant."""
    made = []
    for _ in range(count):
        start = chance.randrange(len(lessons) - AT_ONCE // PLACES)
        places = [f"{chance.choice(FIRST)} {chance.choice(SECOND)}" for _ in range(PLACES)]
        some = lessons[start : start + AT_ONCE // PLACES]
        made.append([_said_of(place, lesson, chance) for lesson in some for place in places])
    return made


def _said_of(place: str, lesson: Lesson, chance: random.Random) -> Lesson:
    """An entry of a place, named above its text, as the title of a FAQ stands above a short answer."""
    asked = chance.sample(lesson.questions, min(2, len(lesson.questions)))
    questions = [chance.choice(ASKS).format(place=place, question=question) for question in asked]
    return Lesson(place, lesson.topic, f"{place}\n{lesson.passage}", tuple(questions))


def _kind(lesson: Lesson) -> str:
    if lesson.shop == DOC2DIAL:
        return DOC2DIAL
    return "guides" if lesson.shop.endswith(GUIDES) else "companies"


def _shuffled(lessons: Sequence[Lesson], chance: random.Random) -> list[int]:
    """The places of lessons with companies in any order, and in each of them groups of siblings in any order.

    A guide's entries are in any order: what is alike there is another place's.
    """
    order: dict[object, float] = defaultdict(chance.random)
    seen: Counter[str] = Counter()
    keys = []
    for at, lesson in enumerate(lessons):
        group = seen[lesson.shop] // SIBLINGS
        seen[lesson.shop] += 1
        within = order[lesson.shop, group] if _kind(lesson) == "companies" else chance.random()
        keys.append((order[lesson.shop], within, at))
    return [at for _, _, at in sorted(keys)]


def _part(lesson: Lesson, questions: Sequence[str], chance: random.Random) -> Lesson:
    """A part of a lesson; a shop's paragraph half of the time with its topic as a title, as passages are embedded."""
    has_title = lesson.titled and chance.random() < 0.5
    passage = f"{lesson.topic}\n{lesson.passage}" if has_title else lesson.passage
    near = (chance.choice(lesson.near),) if lesson.near else ()
    return Lesson(lesson.shop, lesson.topic, passage, tuple(questions), near)


if __name__ == "__main__":
    main()
