"""Slots on RESTAURANTS-8K: python benchmarks/tagger.py slots_en/restaurant8k_train_1.json --out DIR

Trains `tagger_linear` and, where torch is there, `tagger` as `kefu train` does: a tenth of the training file is kept
apart (no text has a variant on the other side, seed 0), the rest is learnt. A span is right where slot, beginning and
end are. A model that DIR holds already is only read: every figure stands on its card, and its seconds in its events.
Writes results/tagger.json and prints its table.
"""

import argparse
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kefu.contracts.job import Job
from kefu.contracts.model_card import CARD_FILE, read_card
from kefu.factory.__main__ import do
from kefu.factory.config import recipe_and_options

RESULTS = Path(__file__).parent / "results/tagger.json"
RECIPES = ("tagger_linear", "tagger")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="where the models go")
    given = parser.parse_args()
    found = {recipe: judged(recipe, given.data, given.out / recipe) for recipe in RECIPES if can_train(recipe)}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"data": given.data.name, "models": found}, indent=1) + "\n", encoding="utf-8")
    print("| recipe | span F1 | precision | recall | rows right | asked | unasked | p50 / p95 ms | MB | seconds |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for recipe, each in found.items():
        print(line(recipe, each))
    for recipe, each in found.items():
        said = ", ".join(f"{slot} {one['f1']:.3f}" for slot, one in each["slots"].items())
        print(f"\n{recipe}, F1 of each slot: {said}")


def can_train(recipe: str) -> bool:
    return recipe == "tagger_linear" or find_spec("torch") is not None


def judged(recipe: str, data: Path, folder: Path) -> dict[str, Any]:
    """The model's figures on the rows that were kept apart."""
    if not (folder / CARD_FILE).exists():
        name, options = recipe_and_options(recipe)
        if do(Job("train", recipe=name, data=str(data), out=str(folder), options=options), lambda told, fields: None):
            raise SystemExit(f"{recipe} was not trained; see {folder}/events.jsonl")
    card = read_card(folder)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    events = [json.loads(each) for each in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    names = ("span_f1", "span_precision", "span_recall", "rows_right", "latency_p50_ms", "latency_p95_ms", "size_mb")
    return {
        **{name: card.metrics[name] for name in names},
        "valid_rows": report["data"]["rows"],
        "valid_sha256": card.valid_sha256,
        "data_sha256": card.data_sha256,
        "serve": card.serve,
        "options": dict(card.options),
        "slots": report["per_label"],
        "slices": {name: each["accuracy"] for name, each in report["slices"].items()},
        "seconds": next(each["seconds"] for each in events if each["event"] == "finished"),
        "comparisons": [each["sentence"] for each in report["comparisons"]],
    }


def line(recipe: str, each: dict[str, Any]) -> str:
    slices = each["slices"]
    cells = (
        f"{each['span_f1']:.3f}", f"{each['span_precision']:.3f}", f"{each['span_recall']:.3f}",
        f"{each['rows_right']:.1%}", f"{slices['asked for a slot']:.1%}", f"{slices['unasked']:.1%}",
        f"{each['latency_p50_ms']:.1f} / {each['latency_p95_ms']:.1f}", f"{each['size_mb']:.1f}",
        f"{each['seconds']:.0f}",
    )  # fmt: skip
    return f"| {recipe} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
