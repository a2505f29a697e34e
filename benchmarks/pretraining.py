"""Pre-training, and what it does for few examples: python benchmarks/pretraining.py intent_en --out DIR

Reads banking77_train.csv and banking77_valid.csv. `pretrain_mlm` fills gaps in the training file's texts without their
labels; then `fewshot` learns ten examples a label on the encoder as it was and as it became, three seeds each, as
`kefu trial` does. With --new an encoder begins from nothing, its tokenizer too. A model that DIR holds already is only
read. Writes results/pretraining.json and prints its tables.
"""

import argparse
import csv
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

from few import HELP, few_of

from kefu.contracts.job import Job
from kefu.contracts.model_card import CARD_FILE, read_card
from kefu.factory.__main__ import do
from kefu.factory.config import recipe_and_options
from kefu.factory.language.trial import TRIAL_FILE

RESULTS = Path(__file__).parent / "results/pretraining.json"
# Examples of a label; the few that a company has before it has many.
SHOTS = 10
FIGURES = ("before_perplexity", "valid_perplexity", "before_token_accuracy", "valid_token_accuracy", "train_seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with banking77_train.csv and banking77_valid.csv")
    parser.add_argument("--out", type=Path, required=True, help="where models and samples go")
    parser.add_argument("--new", action="store_true", help="also one from nothing")
    parser.add_argument("--no-trial", action="store_true", help="only what it does for perplexity")
    parser.add_argument("--set", dest="options", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--limit", type=int, default=0, help=HELP)
    given = parser.parse_args()
    files = [
        few_of(given.data / f"banking77_{part}.csv", given.limit, given.out / "few") for part in ("train", "valid")
    ]
    given.data = files[0].parent
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    found["minilm-en"] = pretrained(given, "minilm", [])
    if given.new:
        small = ["base_model=new", "vocabulary_size=3000", "hidden_size=128", "layers=2", "learning_rate=1e-3"]
        found["new"] = pretrained(given, "new", small)
    if not given.no_trial:
        found["trial"] = tried(given)
    if not given.limit:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("| encoder | perplexity before | after | right words before | after | seconds |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in ("minilm-en", "new"):
        if name in found:
            print(f"| {name} | " + " | ".join(f"{found[name][each]:.3f}" for each in FIGURES) + " |")
    if "trial" in found:
        print(f"\n{found['trial']['sentence']} {found['trial']['comparison']['sentence']}")


def pretrained(given: argparse.Namespace, name: str, typed: list[str]) -> dict[str, Any]:
    """The figures of an encoder that filled gaps in the training texts."""
    folder = given.out / name
    if not (folder / CARD_FILE).exists():
        recipe, options = recipe_and_options("pretrain_mlm", [*typed, *given.options])
        data, valid = (str(given.data / f"banking77_{part}.csv") for part in ("train", "valid"))
        if do(Job("train", recipe=recipe, data=data, valid=valid, out=str(folder), options=options), lambda *_: None):
            raise SystemExit(f"It was not trained; see {folder}/events.jsonl")
    card = read_card(folder)
    return {**{each: card.metrics[each] for each in FIGURES}, "options": dict(card.options)}


def tried(given: argparse.Namespace) -> dict[str, Any]:
    """What `kefu trial` says of it, on few examples."""
    folder, few = given.out / "minilm", given.out / "few.csv"
    if not (folder / TRIAL_FILE).exists():
        write_few(given.data / "banking77_train.csv", few)
        recipe, options = recipe_and_options("fewshot", [each for each in given.options if each.startswith("threads=")])
        valid = str(given.data / "banking77_valid.csv")
        job = Job("trial", model=str(folder), recipe=recipe, data=str(few), valid=valid, options=options)
        if do(job, lambda *_: None):
            raise SystemExit("The trial failed.")
    found: dict[str, Any] = json.loads((folder / TRIAL_FILE).read_text(encoding="utf-8"))
    return found


def write_few(data: Path, few: Path) -> None:
    """So many examples of each label."""
    rows: dict[str, list[str]] = defaultdict(list)
    with data.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["category" if "category" in row else "label"]].append(row["text"])
    chance = random.Random(0)
    with few.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows(
            (text, label) for label in sorted(rows) for text in chance.sample(rows[label], min(SHOTS, len(rows[label])))
        )


if __name__ == "__main__":
    main()
