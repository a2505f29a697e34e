"""The public corpora that the retrieval and refusal benchmarks read, as passages and questions.

`--data DIR` is a folder laid out as docs/benchmarks.md describes: helpcentre_en, faq_en, retrieval_zh, helpcentre_zh.
"""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kefu.contracts.index import IndexedPassage
from kefu.knowledge.chunk import chunk
from kefu.knowledge.parsing import FaqEntry, ParsedDocument, parse
from kefu.knowledge.parsing.text import headings

Span = tuple[str, int, int]
DEMO = Path(__file__).parent.parent / "src/kefu/demo"
SHOPS = Path(__file__).parent.parent / "packages/kefu-models/build/data"
# Questions of a company's entry that are in the index; a FAQ seldom has more.
SHOWN = 3


@dataclass(frozen=True)
class Question:
    """A question and where its answer stands; `group` keeps together what must not be split between the halves.

    No gold: nothing here answers it. A question that is one of a FAQ entry's phrasings is asked with this phrasing
    taken out (`cases.Filed.asking`).
    """

    id: str
    text: str
    gold: frozenset[str]
    group: str


@dataclass(frozen=True)
class Corpus:
    """Passages of one help centre and the questions asked of it; `gold` of a question are passage ids."""

    name: str
    language: str
    passages: tuple[IndexedPassage, ...]
    questions: tuple[Question, ...]


def load(name: str, data: Path) -> Corpus:
    """Read a corpus by its name in CORPORA."""
    return CORPORA[name](data)


def half(group: str) -> int:
    """0 or 1: weights and thresholds are chosen on the questions of half 0 and reported on those of half 1."""
    return hashlib.sha256(group.encode()).digest()[0] & 1


def doc2dial(data: Path) -> Corpus:
    """Whole pages cut by Kefu's own chunker; gold is every passage that overlaps the annotated span."""
    pages = _lines(data / "helpcentre_en/doc2dial_docs.jsonl")
    passages = [p for page in pages for p in pieces(page["doc_id"], page["title"], page["text"], "en")]
    return Corpus("doc2dial", "en", tuple(passages), tuple(_doc2dial_questions(data, _overlapping(passages))))


def doc2dial_given(data: Path) -> Corpus:
    """The passages as the data set cuts them; gold is its own passage ids."""
    titles = {page["doc_id"]: page["title"] for page in _lines(data / "helpcentre_en/doc2dial_docs.jsonl")}
    passages = tuple(
        _passage(row["passage_id"], row["doc_id"], titles[row["doc_id"]], row["text"].strip(), "en")
        for row in _lines(data / "helpcentre_en/doc2dial_passages.jsonl")
    )
    return Corpus("doc2dial_given", "en", passages, tuple(_doc2dial_questions(data, None)))


def dstc11(data: Path) -> Corpus:
    """FAQ entries of 143 hotels and restaurants; what customers asked in their last turn, the place being known."""
    places = json.loads((data / "faq_en/dstc11_track5_knowledge.json").read_text(encoding="utf-8"))
    passages = [
        _faq(f"{domain}:{entity}:{number}", f"{domain}:{entity}", place["name"], entry["question"], entry["answer"])
        for domain, entities in places.items()
        for entity, place in entities.items()
        for number, entry in place["faqs"].items()
    ]
    return Corpus("dstc11", "en", tuple(passages), tuple(_dstc11_questions(data, places)))


def dstc9(data: Path) -> Corpus:
    """Question to answer text: the questions are not indexed; equal answers of one place are equally right."""
    rows = list(_csv(data / "faq_en/dstc9_faq_kb.csv"))
    ids = [f"{row['domain']}:{row['entity_id']}:{row['doc_id']}" for row in rows]
    passages = [
        _passage(row_id, f"{row['domain']}:{row['entity_id']}", _place(row), row["answer"], "en")
        for row_id, row in zip(ids, rows, strict=True)
    ]
    same: dict[tuple[str, str], set[str]] = {}
    for row_id, row in zip(ids, rows, strict=True):
        same.setdefault((row["entity_id"], row["answer"]), set()).add(row_id)
    questions = [
        Question(
            row_id,
            _about(_place(row), row["question"]),
            frozenset(same[row["entity_id"], row["answer"]]),
            f"dstc9:{row['entity_id']}",
        )
        for row_id, row in zip(ids, rows, strict=True)
    ]
    return Corpus("dstc9", "en", tuple(passages), tuple(questions))


def cmrc(data: Path) -> Corpus:
    """Chinese encyclopaedia paragraphs, each a document; gold is any passage of the paragraph asked about."""
    passages: list[IndexedPassage] = []
    questions: list[Question] = []
    for file in ("cmrc2018_trial.json", "cmrc2018_dev_part_dev.json"):
        for article in json.loads((data / "retrieval_zh" / file).read_text(encoding="utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                own = pieces(paragraph["id"], article.get("title", ""), paragraph["context"], "zh")
                gold = frozenset(passage.id for passage in own)
                passages += own
                questions += [Question(qa["id"], qa["question"], gold, paragraph["id"]) for qa in paragraph["qas"]]
    return Corpus("cmrc", "zh", tuple(passages), tuple(questions))


def tidb(data: Path) -> Corpus:
    """A database's FAQ in Chinese: question to answer text, the questions not indexed."""
    passages: list[IndexedPassage] = []
    questions: list[Question] = []
    for number, row in enumerate(_csv(data / "helpcentre_zh/tidb_faq_zh.csv")):
        own = pieces(f"tidb:{number}", row["page_title"], row["answer"], "zh")
        passages += own
        gold = frozenset(passage.id for passage in own)
        questions.append(Question(f"tidb:{number}", row["question"], gold, f"tidb:{number}"))
    return Corpus("tidb", "zh", tuple(passages), tuple(questions))


def demo_en(data: Path) -> Corpus:
    """The demo shop in English: articles, and FAQ entries, each asked in one of its other phrasings.

    Gold is the entry, each passage of an article with all figures of its answer, and each entry that answers the same.
    """
    return _demo("en")


def demo_zh(data: Path) -> Corpus:
    """The demo shop in Chinese, as `demo_en`."""
    return _demo("zh")


def demo_faq_en(data: Path) -> Corpus:
    """The demo's English FAQ without the articles, which answer most of the same questions."""
    return _faq_alone(demo_en(data))


def demo_faq_zh(data: Path) -> Corpus:
    """The demo's Chinese FAQ without the articles."""
    return _faq_alone(demo_zh(data))


def shops_en(data: Path) -> Corpus:
    """Ten English shops that do not exist, their paragraphs in one index; neither encoder was taught with them.

    Two questions for each paragraph sound like it and are answered nowhere: they have no gold.
    """
    return _shops("en")


def shops_zh(data: Path) -> Corpus:
    """Ten Chinese shops, as `shops_en`."""
    return _shops("zh")


def company_en(place: int) -> Corpus:
    """The FAQ of one of six companies that do not exist, which no encoder was taught with.

    An entry shows its question and two others; the rest are asked. Two for each entry sound like it and are answered
    nowhere: they have no gold.
    """
    rows = [row for row in _lines(SHOPS / "service_en.jsonl") if row.get("held")]
    name = sorted({row["shop"] for row in rows})[place]
    passages: list[IndexedPassage] = []
    questions: list[Question] = []
    for number, row in enumerate(row for row in rows if row["shop"] == name):
        shown, asked = row["questions"][:SHOWN], row["questions"][SHOWN:]
        entry = _faq(f"{name}:{number}", f"{name}:{number}", name, shown[0], row["passage"])
        passages.append(replace(entry, questions=tuple(shown)))
        group = f"{name}:{number}"
        questions += [Question(f"{group}.{at}", text, frozenset({entry.id}), group) for at, text in enumerate(asked)]
        questions += [Question(f"{group}.n{at}", text, frozenset(), group) for at, text in enumerate(row["near"])]
    return Corpus(f"company{place + 1}_en", "en", tuple(passages), tuple(questions))


COMPANIES = tuple(f"company{place + 1}_en" for place in range(6))
CORPORA: dict[str, Callable[[Path], Corpus]] = {
    "doc2dial": doc2dial,
    "doc2dial_given": doc2dial_given,
    "dstc11": dstc11,
    "dstc9": dstc9,
    "cmrc": cmrc,
    "tidb": tidb,
    "demo_en": demo_en,
    "demo_zh": demo_zh,
    "demo_faq_en": demo_faq_en,
    "demo_faq_zh": demo_faq_zh,
    "shops_en": shops_en,
    "shops_zh": shops_zh,
    **{name: lambda data, place=place: company_en(place) for place, name in enumerate(COMPANIES)},
}


def pieces(document_id: str, title: str, text: str, language: str) -> list[IndexedPassage]:
    """A document's passages by Kefu's chunker."""
    document = ParsedDocument(document_id, title, text, "text/plain", headings(text))
    return _passages(document, language)


def _passages(document: ParsedDocument, language: str) -> list[IndexedPassage]:
    return [
        IndexedPassage(
            f"{document.name}@{piece.start}",
            document.name,
            document.name,
            document.title,
            document.text[piece.start : piece.end],
            piece.start,
            piece.end,
            language,
            piece.heading_path,
        )
        for piece in chunk(document)
    ]


def _demo(language: str) -> Corpus:
    passages: list[IndexedPassage] = []
    for path in sorted((DEMO / "articles" / language).glob("*.md")):
        for document in parse(path.name, path.read_bytes()).documents:
            passages += _passages(document, language)
    questions: list[Question] = []
    (sheet,) = parse(f"{language}.csv", (DEMO / "faq" / f"{language}.csv").read_bytes()).documents
    entries = [_entry(f"faq:{number}", sheet, entry, language) for number, entry in enumerate(sheet.faqs)]
    for number, (entry, passage) in enumerate(zip(sheet.faqs, entries, strict=True)):
        same = [other.id for other in entries if _answers_same(entry.answer, other.answer or "")]
        gold = frozenset({passage.id, *same, *_same_figures(entry.answer, passages)})
        wording = entry.more_questions[number % len(entry.more_questions)]
        questions.append(Question(f"{number}", wording, gold, f"demo:{number}"))
    passages += entries
    return Corpus(f"demo_{language}", language, tuple(passages), tuple(questions))


def _shops(language: str) -> Corpus:
    passages, questions = [], []
    rows = [row for row in _lines(SHOPS / f"shops_{language}.jsonl") if row.get("held")]
    for number, row in enumerate(rows):
        passage = _passage(f"{language}:{number}", f"{language}:{number}", row["topic"], row["passage"], language)
        passages.append(passage)
        group = f"{row['shop']}:{row['topic']}"
        gold = frozenset({passage.id})
        questions += [Question(f"{number}.{at}", text, gold, group) for at, text in enumerate(row["questions"])]
        questions += [Question(f"{number}.n{at}", text, frozenset(), group) for at, text in enumerate(row["near"])]
    return Corpus(f"shops_{language}", language, tuple(passages), tuple(questions))


def _answers_same(answer: str, other: str) -> bool:
    """Whether two entries' answers are equal, or the other holds all of at least two figures of this one."""
    figures = _figures(answer)
    return answer == other or (len(figures) > 1 and figures <= _figures(other))


def _same_figures(answer: str, passages: Iterable[IndexedPassage]) -> list[str]:
    """The articles' passages that hold every figure of an answer, and so answer the question too."""
    figures = _figures(answer)
    return [passage.id for passage in passages if figures and figures <= _figures(passage.text)]


def _figures(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:[.:]\d+)*", text.replace(",", "")))


def _faq_alone(corpus: Corpus) -> Corpus:
    entries = tuple(passage for passage in corpus.passages if passage.kind == "faq")
    ids = {passage.id for passage in entries}
    questions = tuple(replace(question, gold=question.gold & ids) for question in corpus.questions)
    return replace(corpus, name=corpus.name.replace("demo", "demo_faq"), passages=entries, questions=questions)


def _entry(entry_id: str, sheet: ParsedDocument, entry: FaqEntry, language: str) -> IndexedPassage:
    """A FAQ entry as a document of its own, so that it can be left out."""
    return IndexedPassage(
        entry_id,
        entry_id,
        sheet.name,
        sheet.title,
        sheet.text[entry.start : entry.end],
        entry.start,
        entry.end,
        language,
        (),
        "faq",
        (entry.question, *entry.more_questions),
        entry.answer,
    )


def _doc2dial_questions(data: Path, find: Callable[[Span], frozenset[str]] | None) -> Iterator[Question]:
    for row in _lines(data / "helpcentre_en/doc2dial_questions.jsonl"):
        if not row["standalone"]:
            continue
        if find is None:
            gold = frozenset(row["gold_passages"])
        else:
            spans = zip(row["answer_start"], row["answers"], strict=True)
            gold = frozenset().union(*(find((row["doc_id"], start, start + len(text))) for start, text in spans))
        yield Question(row["id"], row["question"], gold, row["doc_id"])


def _overlapping(passages: Iterable[IndexedPassage]) -> Callable[[Span], frozenset[str]]:
    of_document: dict[str, list[IndexedPassage]] = {}
    for passage in passages:
        of_document.setdefault(passage.document_id, []).append(passage)

    def find(span: Span) -> frozenset[str]:
        document, start, end = span
        return frozenset(p.id for p in of_document[document] if p.start < end and start < p.end)

    return find


def _dstc11_questions(data: Path, places: dict[str, Any]) -> Iterator[Question]:
    for row in _lines(data / "faq_en/dstc11_track5_val.jsonl"):
        gold = [known for known in row.get("knowledge", ()) if known["doc_type"] == "faq"]
        if not gold:
            continue
        names = dict.fromkeys(places[known["domain"]][str(known["entity_id"])]["name"] for known in gold)
        ids = frozenset(f"{known['domain']}:{known['entity_id']}:{known['doc_id']}" for known in gold)
        yield Question(str(row["id"]), _about(", ".join(names), row["turns"][-1]["text"]), ids, f"dstc11:{row['id']}")


def _about(place: str, question: str) -> str:
    """A question that names its place, as the turn makes of a follow-up."""
    return question if not place or place.lower() in question.lower() else f"{place.title()}: {question}"


def _place(row: dict[str, str]) -> str:
    return row["entity"] if row["entity"] not in ("", "*") else row["domain"]


def _passage(passage_id: str, document: str, title: str, text: str, language: str, start: int = 0) -> IndexedPassage:
    return IndexedPassage(passage_id, document, document, title, text, start, start + len(text), language)


def _faq(passage_id: str, document: str, title: str, question: str, answer: str) -> IndexedPassage:
    text = f"{question}\n{answer}"
    return IndexedPassage(
        passage_id, document, document, title, text, 0, len(text), "en", (), "faq", (question,), answer
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _csv(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
