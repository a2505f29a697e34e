"""Search that is taught: python benchmarks/search_models.py --data DIR --out DIR [--corpora dstc9 …] [--recipes …]

Questions of half 0 teach (Doc2Dial's follow-ups, too), those of half 1 judge (`corpora.half`: no document is on both
sides), each searched among all passages of its corpus. `doc2dial_turns` judges by all turns of the conversations,
`doc2dial_given` by those that open one. `retriever` is judged by vectors alone beside the encoder it
began with, `reranker` on what Kefu's own search finds, and `both` is a reranker that reads what search finds with the
taught encoder. Questions with several right passages are left out: a pair has one. A model that --out holds already is
only read. Writes results/factory/search_models.json and prints its table. Needs: pip install 'kefu[train]'
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corpora import Corpus, Question, half, load
from few import HELP, few

from kefu.contracts.job import Job
from kefu.contracts.model_card import CARD_FILE, read_card
from kefu.factory.__main__ import do

RESULTS = Path(__file__).parent / "results/factory/search_models.json"
RECIPES = ("retriever", "reranker", "both")
TURNS = "doc2dial_turns"
FIGURES = ("recall_1", "recall_5", "mrr", "latency_p95_ms", "size_mb", "train_seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder laid out as docs/benchmarks.md describes")
    parser.add_argument("--out", type=Path, required=True, help="where pairs and models go")
    parser.add_argument("--corpora", nargs="+", default=["doc2dial_turns", "doc2dial_given", "dstc9"])
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=RECIPES)
    parser.add_argument("--option", action="append", default=[], help="name=value of every recipe, such as threads=2")
    parser.add_argument("--label", default="", help="what the results call the encoder, where an option names another")
    parser.add_argument("--limit", type=int, default=0, help=HELP)
    given = parser.parse_args()
    options = dict(each.split("=", 1) for each in given.option)
    found = {
        f"{name}, {given.label}" if given.label else name: taught(
            name, given.data, given.out / name, given.recipes, options, given.limit
        )
        for name in given.corpora
    }
    if not given.limit:
        keep(found)
    print("| corpus | model | questions | R@1 before, after | R@5 | MRR | p95 ms | MB | seconds of training |")
    print("| --- | --- | ---: | --- | --- | --- | ---: | ---: | ---: |")
    for name, models in found.items():
        for recipe, each in models.items():
            print(line(name, recipe, each))


def keep(found: Mapping[str, Any]) -> None:
    """Write the figures beside those of other corpora and recipes."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kept |= {name: {**kept.get(name, {}), **models} for name, models in found.items()}
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def taught(
    name: str, data: Path, folder: Path, recipes: Sequence[str], options: Mapping[str, str], limit: int = 0
) -> dict[str, Any]:
    """The figures of each recipe's model on the questions of half 1."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = load("doc2dial_given" if name == TURNS else name, data)
    for part, file in ((0, "train"), (1, "valid")):
        more = followups(data) if name == TURNS or ("doc2dial" in name and not part) else ()
        write(corpus, part, folder / f"{file}.jsonl", more, limit)
    found = {}
    for recipe in recipes:
        own = dict(options)
        if recipe == "both":
            own["encoder"] = f"path:{folder / 'retriever'}"
        found[recipe] = judged("retriever" if recipe == "retriever" else "reranker", folder, folder / recipe, own)
    return found


def followups(data: Path) -> list[Question]:
    """What Doc2Dial's customers asked further, after their first question: a turn searches it so."""
    rows = map(json.loads, (data / "helpcentre_en/doc2dial_questions.jsonl").read_text(encoding="utf-8").splitlines())
    return [
        Question(
            row["id"], f"{row['history'][0]['text']} {row['question']}", frozenset(row["gold_passages"]), row["doc_id"]
        )
        for row in rows
        if not row["standalone"] and row["question_role"] == "user"
    ]


def write(corpus: Corpus, part: int, path: Path, more: Sequence[Question] = (), limit: int = 0) -> None:
    """The pairs of a half; what is judged on names all other passages, so that they are searched, too."""
    says = {each.id: f"{each.title}\n{each.text}" if corpus.name == "dstc9" else each.text for each in corpus.passages}
    rows: list[dict[str, Any]] = []
    for question, text in ((each, only(each, says)) for each in (*corpus.questions, *more) if half(each.group) == part):
        if text:
            rows.append({"question": question.text, "passage": text})
    rows = few(rows, limit)
    if part == 1:
        rows[0]["negative"] = few(sorted(set(says.values()) - {row["passage"] for row in rows}), limit)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def only(question: Question, says: Mapping[str, str]) -> str:
    """The text of a question's only right passage; empty where there are several, or none."""
    texts = {says[each] for each in question.gold if each in says}
    return texts.pop() if len(texts) == 1 else ""


def judged(recipe: str, pairs: Path, folder: Path, options: Mapping[str, str]) -> dict[str, Any]:
    if not (folder / CARD_FILE).exists():
        data, valid = (str(pairs / f"{name}.jsonl") for name in ("train", "valid"))
        job = Job("train", recipe=recipe, data=data, valid=valid, out=str(folder), options=dict(options))
        if do(job, lambda told, fields: print(fields["sentence"], flush=True) if "sentence" in fields else None):
            raise SystemExit(f"{recipe} was not trained; see {folder}/events.jsonl")
    card = read_card(folder)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    found = {name: card.metrics[name] for name in FIGURES}
    found |= {f"before_{name}": card.metrics[f"before_{name}"] for name in ("recall_1", "recall_5", "mrr")}
    said = [each["sentence"] for each in report["comparisons"]]
    weight = {"weight": card.rerank_weight, "found": card.metrics["found"]} if card.task == "rerank" else {}
    return {**found, **weight, "rows": report["data"]["rows"], "comparisons": said}


def line(corpus: str, recipe: str, found: Mapping[str, Any]) -> str:
    pairs = [f"{found[f'before_{name}']:.3f}, {found[name]:.3f}" for name in ("recall_1", "recall_5", "mrr")]
    cost = f"{found['latency_p95_ms']:.0f} | {found['size_mb']:.1f} | {found['train_seconds']:.0f}"
    return f"| {corpus} | `{recipe}` | {found['rows']} | {' | '.join(pairs)} | {cost} |"


if __name__ == "__main__":
    main()
