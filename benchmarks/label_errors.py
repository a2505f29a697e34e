"""How many planted label errors the check finds: python benchmarks/label_errors.py --data DIR

A share of CLINC150's training labels is replaced, seeded, by another label at random; the check does not know which.
Printed are the recall and the precision of the rows it names, and the seconds, by the encoder and by letters alone.
"""

import argparse
import random
import time
from dataclasses import replace
from pathlib import Path

from kefu.contracts.dataset import Dataset
from kefu.factory.data.check import check
from kefu.factory.data.probabilities import OutOfFold, by_encoder, by_letters
from kefu.factory.data.read import dataset_of, read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with intent_en/clinc150_train.csv")
    parser.add_argument("--share", type=float, default=0.1, help="of the labels that are replaced")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--encoder", default="package:minilm-en")
    given = parser.parse_args()
    data = read(given.data / "intent_en" / "clinc150_train.csv")
    print("| vectors | seed | planted | named | recall | precision | seconds |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, probabilities in ((given.encoder, by_encoder(given.encoder)), ("letters", by_letters())):
        for seed in range(given.seeds):
            print(f"| {name} | {seed} | {measured(data, given.share, seed, probabilities)} |", flush=True)


def measured(data: Dataset, share: float, seed: int, probabilities: OutOfFold) -> str:
    planted, rows = plant(data, share, seed)
    began = time.perf_counter()
    named = {suspect.row for suspect in check(planted, probabilities=probabilities).suspects}
    seconds = time.perf_counter() - began
    right = len(named & rows)
    return f"{len(rows)} | {len(named)} | {right / len(rows):.3f} | {right / max(len(named), 1):.3f} | {seconds:.0f}"


def plant(data: Dataset, share: float, seed: int) -> tuple[Dataset, set[int]]:
    """The data with a share of its labels replaced by other ones, and the rows where."""
    chance = random.Random(seed)
    examples = list(data.examples)
    places = chance.sample(range(len(examples)), round(share * len(examples)))
    for at in places:
        others = [label for label in data.labels if label != examples[at].label]
        examples[at] = replace(examples[at], label=chance.choice(others))
    planted = dataset_of(examples, mapping=data.mapping, format=data.format)
    return planted, {examples[at].row for at in places}


if __name__ == "__main__":
    main()
