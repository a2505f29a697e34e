"""How well the extracted sentences hold the answer, given the passage that has it.

    python benchmarks/extraction.py --data DIR

Reads `helpcentre_en/doc2dial_questions.jsonl` with `doc2dial_passages.jsonl` (questions without history; the passage
is the first gold one; answers that are only a section's heading are left out) and `retrieval_zh/cmrc2018_*.json` (the
passage is the answer's part of the context, cut at sentences to about 260 characters). Prints for each set:

hit       share of answers of which the extracted text holds at least half the characters, in one run
whole     share of answers that the extracted text holds entirely
F1        overlap of words (Chinese: characters) with the answer, as in SQuAD
length    characters of the extracted text, and of the passage
lead      the same figures for the passage's first 400 characters (Chinese: 216), the easy way
"""

import argparse
import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from kefu.brain.extract import MOST_CHARACTERS, extract
from kefu.knowledge.sentences import sentences

_CJK = re.compile(r"[\u3400-\u9fff]")
# The size of Chinese passages that the chunker aims at.
_CHINESE_PASSAGE = 260


@dataclass(frozen=True)
class Case:
    """A question with a passage that answers it."""

    question: str
    passage: str
    answers: tuple[str, ...]
    language: str


@dataclass(frozen=True)
class Score:
    """What one extract is worth."""

    hit: float
    whole: float
    f1: float
    length: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with helpcentre_en and retrieval_zh")
    parser.add_argument("--show", type=int, default=0, help="print this many misses of each set")
    arguments = parser.parse_args()
    print(
        f"{'set':<10} {'n':>5} {'hit':>6} {'whole':>6} {'F1':>6} {'length':>7} {'passage':>8} {'lead hit':>9} {'us':>6}"
    )
    for name, cases in (("Doc2Dial", list(doc2dial(arguments.data))), ("CMRC2018", list(cmrc(arguments.data)))):
        report(name, cases, arguments.show)


def report(name: str, cases: list[Case], show: int) -> None:
    start = perf_counter()
    texts = [_extracted(case) for case in cases]
    each = (perf_counter() - start) / len(cases) * 1e6
    scores = [score(text, case) for text, case in zip(texts, cases, strict=True)]
    leads = [score(_lead(case), case) for case in cases]
    print(
        f"{name:<10} {len(cases):>5} {mean(s.hit for s in scores):>6.3f} {mean(s.whole for s in scores):>6.3f}"
        f" {mean(s.f1 for s in scores):>6.3f} {mean(s.length for s in scores):>7.0f}"
        f" {mean(len(case.passage) for case in cases):>8.0f} {mean(s.hit for s in leads):>9.3f} {each:>6.0f}"
    )
    misses = [(case, text) for case, text, s in zip(cases, texts, scores, strict=True) if not s.hit]
    for case, text in misses[:show]:
        print(f"\nQ {case.question}\nA {case.answers}\nE {text!r}\nP {case.passage!r}")


def doc2dial(data: Path) -> Iterator[Case]:
    folder = data / "helpcentre_en"
    passages = {row["passage_id"]: row["text"] for row in _rows(folder / "doc2dial_passages.jsonl")}
    for row in _rows(folder / "doc2dial_questions.jsonl"):
        # An answer span that opens with a blank line is the section's heading; Kefu never quotes a heading alone.
        if row["standalone"] and row["answers"][0].strip() and not row["answers"][0].startswith("\n"):
            passage = passages[row["gold_passages"][0]]
            yield Case(row["question"], passage.strip(), tuple(a.strip() for a in row["answers"]), "en")


def cmrc(data: Path) -> Iterator[Case]:
    for path in sorted((data / "retrieval_zh").glob("cmrc2018_*.json")):
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                for qa in paragraph["qas"]:
                    answers = tuple(dict.fromkeys(answer["text"] for answer in qa["answers"]))
                    passage = _passage_around(paragraph["context"], answers[0])
                    yield Case(qa["question"], passage, answers, "zh")


def _passage_around(context: str, answer: str) -> str:
    """Consecutive sentences of about 260 characters, cut from the start as the chunker does, that hold the answer."""
    at = max(0, context.find(answer))
    start = end = 0
    for _, sentence_end in sentences(context):
        if sentence_end - start > _CHINESE_PASSAGE and end > start:
            if at < end:
                break
            start = end
        end = sentence_end
    return context[start:end].strip()


def score(text: str, case: Case) -> Score:
    best = Score(0.0, 0.0, 0.0, len(text))
    for answer in case.answers:
        run = difflib.SequenceMatcher(None, text, answer, autojunk=False).find_longest_match().size
        now = Score(float(2 * run >= len(answer)), float(answer in text), f1(text, answer), len(text))
        best = max(best, now, key=lambda one: (one.hit, one.whole, one.f1))
    return best


def f1(text: str, answer: str) -> float:
    said, wanted = Counter(_words(text)), Counter(_words(answer))
    common = sum((said & wanted).values())
    return 2 * common / (sum(said.values()) + sum(wanted.values())) if common else 0.0


def mean(figures: Iterable[float]) -> float:
    values = list(figures)
    return sum(values) / len(values)


def _extracted(case: Case) -> str:
    found = extract(case.question, case.passage, case.language)
    return found.text if found else ""


def _lead(case: Case) -> str:
    return case.passage[: MOST_CHARACTERS if case.language == "en" else round(MOST_CHARACTERS * 0.54)]


def _words(text: str) -> list[str]:
    return re.findall(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+", text.lower())


def _rows(path: Path) -> Iterator[dict]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    main()
