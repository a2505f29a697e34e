"""How well search finds the right passage: python benchmarks/retrieval.py --data DIR

For each corpus the share of questions whose answer is the first hit (R@1), among the first five (R@5), and the mean
of 1 / rank (MRR, 0 beyond 50), by keyword alone, vector alone and both fused. `half 1` are the questions on which no
weight was chosen.
"""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import corpora
import numpy as np
from cases import Filed
from corpora import Question

from engines import encoders
from kefu.knowledge.embedding import embed_passages
from kefu.knowledge.search import Fusion, WorkspaceIndex

DEPTH = 50
NAMES = ("doc2dial", "doc2dial_given", "dstc11", "dstc9", "cmrc", "tidb", "demo_en", "demo_zh", "shops_en", "shops_zh")
WAYS = {
    "keyword": Fusion(vector=0.0, text=1.0, faq=1.0, lift=0.0),
    "vector": Fusion(vector=1.0, text=0.0, faq=0.0, lift=0.0),
    "fused": None,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--corpus", choices=sorted(corpora.CORPORA), action="append", help="only these")
    given = parser.parse_args()
    asyncio.run(measure(given.data, given.corpus or NAMES))


async def measure(data: Path, names: Sequence[str]) -> None:
    engines = await encoders()
    print("| corpus | passages | questions | way | R@1 | R@5 | MRR | half 1: R@1 | R@5 | MRR |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in names:
        corpus = corpora.load(name, data)
        vectors = await embed_passages(corpus.passages, engines)
        for way, fusion in WAYS.items():
            filed = Filed(corpus, vectors, WorkspaceIndex(engines, fusion))
            answerable = [question for question in corpus.questions if question.gold]
            ranks = await ask(filed, answerable)
            unseen = ranks[[corpora.half(question.group) == 1 for question in answerable]]
            print(
                f"| {name} | {len(corpus.passages)} | {len(ranks)} | {way} | {scores(ranks)} | {scores(unseen)} |",
                flush=True,
            )


async def ask(filed: Filed, questions: Sequence[Question]) -> np.ndarray:
    """The rank of each question's first right hit, infinite if none."""
    found = [(question, await filed.asking(question, DEPTH)) for question in questions]
    return np.array([rank(question, [hit.passage.id for hit in evidence.hits]) for question, evidence in found])


def rank(question: Question, found: Sequence[str]) -> float:
    return next((at for at, passage_id in enumerate(found, start=1) if passage_id in question.gold), np.inf)


def scores(ranks: np.ndarray) -> str:
    return f"{np.mean(ranks <= 1):.3f} | {np.mean(ranks <= 5):.3f} | {np.mean(1 / ranks):.3f}"


if __name__ == "__main__":
    main()
