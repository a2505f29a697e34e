"""A small generator taught to answer from passages: python benchmarks/generators.py faq_en/dstc9_faq_kb.csv --out DIR

Each question of a hotel's or restaurant's FAQ comes with two answers of the same place: among them its own, which is to
be given word for word, or, for one in four, neither, where NO_ANSWER is meant. Places whose questions are held are none
of those that are learnt. Trains `sft_lora` as `kefu train` does; the base's figures on the held questions are those of
the same run, before its first step. A model that DIR holds already is only read: every figure stands on its card, and
its seconds in its events. Writes results/generators.json and prints its table.
"""

import argparse
import csv
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

from few import HELP

from kefu.contracts.job import Job
from kefu.contracts.model_card import CARD_FILE, read_card
from kefu.factory.__main__ import do
from kefu.factory.config import recipe_and_options

RESULTS = Path(__file__).parent / "results/generators.json"
INSTRUCTIONS = (
    "Answer with the sentence of a passage, word for word. If no passage answers, write NO_ANSWER.\nPassages:\n"
)
REFUSAL = "NO_ANSWER"
# Of the questions: those that no passage answers.
UNANSWERED = 0.25
# Longer answers make longer rows, and a longer run.
LONGEST = 120
FIGURES = ("perplexity", "accuracy", "exact", "refused_rightly", "refused_wrongly", "grounded")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="where the model and its data go")
    parser.add_argument("--rows", type=int, default=560, help="questions to learn")
    parser.add_argument("--held", type=int, default=60, help="questions that are held")
    parser.add_argument("--set", dest="options", action="append", default=[], metavar="KEY=VALUE", help="an option")
    parser.add_argument("--limit", type=int, default=0, help=HELP)
    given = parser.parse_args()
    if given.limit:
        given.rows = given.held = given.limit
    found = trained(given)
    if not given.limit:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{found['steps']} steps, {found['seconds']:.0f} s, {found['trainable_parameters']:,} numbers learnt")
    print("| figure | before | after |")
    print("| --- | ---: | ---: |")
    for name in FIGURES:
        print(f"| {name} | {shown(found['before'].get(name))} | {shown(found['after'].get(name))} |")
    print(f"\np50 / p95 of an answer {found['latency']} ms as served; {found['size_mb']} MB")


def trained(given: argparse.Namespace) -> dict[str, Any]:
    """The model's figures on the questions that were held."""
    folder = given.out / "model"
    if not (folder / CARD_FILE).exists():
        learnt, held = (given.out / name for name in ("learn.jsonl", "held.jsonl"))
        given.out.mkdir(parents=True, exist_ok=True)
        write(given.data, learnt, held, given.rows, given.held)
        typed = ["max_tokens=256", "per_device_train_batch_size=2", f"questions={given.held}", *given.options]
        name, options = recipe_and_options("sft_lora", typed)
        job = Job("train", recipe=name, data=str(learnt), valid=str(held), out=str(folder), options=options)
        if do(job, lambda told, fields: None):
            raise SystemExit(f"It was not trained; see {folder}/events.jsonl")
    card = read_card(folder)
    events = [json.loads(each) for each in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    losses = [each["loss"] for each in events if each["event"] == "step"]
    return {
        "data": given.data.name,
        "steps": max(each["step"] for each in events if each["event"] == "step"),
        "first_loss": losses[0],
        "last_loss": losses[-1],
        "seconds": card.metrics["train_seconds"],
        "trainable_parameters": card.metrics["trainable_parameters"],
        "before": {name: card.metrics.get(f"before_{name}") for name in FIGURES},
        "after": {name: card.metrics.get(name) for name in FIGURES},
        "held": json.loads((folder / "report.json").read_text(encoding="utf-8"))["data"]["rows"],
        "latency": f"{card.metrics.get('latency_p50_ms')} / {card.metrics.get('latency_p95_ms')}",
        "size_mb": card.metrics["size_mb"],
        "options": dict(card.options),
    }


def write(data: Path, learnt: Path, held: Path, rows: int, kept: int) -> None:
    """Chats of two sets of places."""
    chance = random.Random(0)
    places: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    with data.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if len(row["answer"]) <= LONGEST:
                places[(row["domain"], row["entity_id"])].append((row["question"], row["answer"]))
    names = sorted(name for name, faq in places.items() if len(faq) >= 3)
    chance.shuffle(names)
    apart = len(names) // 5
    for path, part, number in ((held, names[:apart], kept), (learnt, names[apart:], rows)):
        chats = [each for name in part for each in chats_of(places[name], chance)]
        chance.shuffle(chats)
        path.write_text("".join(json.dumps({"messages": each}) + "\n" for each in chats[:number]), encoding="utf-8")


def chats_of(faq: list[tuple[str, str]], chance: random.Random) -> list[list[dict[str, str]]]:
    """One chat for each question of a place."""
    found = []
    for question, answer in faq:
        others = [each for _, each in faq if each != answer]
        if len(others) < 2:
            continue
        is_answered = chance.random() >= UNANSWERED
        passages = [answer, chance.choice(others)] if is_answered else chance.sample(others, 2)
        chance.shuffle(passages)
        system = INSTRUCTIONS + "\n".join(f"[{at}] {each}" for at, each in enumerate(passages, start=1))
        said = (("system", system), ("user", question), ("assistant", answer if is_answered else REFUSAL))
        found.append([{"role": role, "content": content} for role, content in said])
    return found


def shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
