"""Precision and recall of masking by kind, counted in characters, and what a message costs.

    python benchmarks/masking.py --data FOLDER
    python benchmarks/masking.py --file rows.jsonl --errors 20

A row is `{"text": …, "entities": [[start, end, kind], …]}`. A character counts as found only under its exact kind.
"""

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kefu.knowledge.masking import find

# Names and addresses have no form of their own and are reported apart from what has digits, check digits or an "@".
OPEN_KINDS = {"ZH_NAME", "EN_NAME", "ZH_ADDRESS", "US_ADDRESS", "UK_ADDRESS"}
ROUNDS = 5  # timings of a message; the least of them is the message's


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="folder with adversarial/pii_rule_generated.jsonl"
    )
    parser.add_argument("--file", type=Path, action="append", help="rows to measure instead; may be repeated")
    parser.add_argument("--errors", type=int, default=0, help="print this many rows that differ")
    options = parser.parse_args()
    files = options.file or [options.data / "adversarial" / "pii_rule_generated.jsonl"]
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    print(table(rows))
    print()
    print(speed(rows))
    for row in list(differing(rows))[: options.errors]:
        print(json.dumps(row, ensure_ascii=False))


def counts(rows: Iterable[dict[str, Any]]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Return characters found rightly, found at all, and to be found, by kind."""
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    for row in rows:
        truth = {(place, kind) for start, end, kind in row["entities"] for place in range(start, end)}
        ours = {(place, one.kind) for one in find(row["text"]) for place in range(one.start, one.end)}
        right.update(kind for _, kind in truth & ours)
        found.update(kind for _, kind in ours)
        wanted.update(kind for _, kind in truth)
    return right, found, wanted


def table(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table: a line for each kind, then one for each of the two groups."""
    right, found, wanted = counts(rows)
    kinds = sorted(found | wanted, key=lambda kind: (kind in OPEN_KINDS, kind))
    lines = ["| kind | characters | precision | recall |", "| --- | ---: | ---: | ---: |"]
    lines += [_line(kind, [kind], right, found, wanted) for kind in kinds]
    lines.append(
        _line("**numbers, mail and the like**", [k for k in kinds if k not in OPEN_KINDS], right, found, wanted)
    )
    lines.append(_line("**names and addresses**", [k for k in kinds if k in OPEN_KINDS], right, found, wanted))
    return "\n".join(lines)


def _line(name: str, kinds: list[str], right: Counter[str], found: Counter[str], wanted: Counter[str]) -> str:
    hits, ours, truth = (sum(counter[kind] for kind in kinds) for counter in (right, found, wanted))
    precision = f"{hits / ours:.4f}" if ours else "–"
    recall = f"{hits / truth:.4f}" if truth else "–"
    return f"| {name} | {truth} | {precision} | {recall} |"


def speed(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table of microseconds a message, of messages with and without personal data."""
    lines = [
        "| messages | rows | median length | median µs | 99th percentile µs |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, chosen in (
        ("with personal data", [row["text"] for row in rows if row["entities"]]),
        ("without", [row["text"] for row in rows if not row["entities"]]),
    ):
        if not chosen:
            continue
        times = sorted(_microseconds(text) for text in chosen)
        length, middle = statistics.median(map(len, chosen)), statistics.median(times)
        lines.append(f"| {name} | {len(chosen)} | {length:.0f} | {middle:.0f} | {times[int(len(times) * 0.99)]:.0f} |")
    return "\n".join(lines)


def _microseconds(text: str) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        find(text)
        times.append(time.perf_counter() - start)
    return min(times) * 1e6


def differing(rows: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Yield the rows where what we find is not what is there."""
    for row in rows:
        ours = [[one.start, one.end, one.kind] for one in find(row["text"])]
        if ours != [list(entity) for entity in row["entities"]]:
            yield {
                "text": row["text"],
                "wanted": [[row["text"][start:end], kind] for start, end, kind in row["entities"]],
                "found": [[row["text"][start:end], kind] for start, end, kind in ours],
            }


if __name__ == "__main__":
    main()
