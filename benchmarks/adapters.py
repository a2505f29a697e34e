"""What adapters reach beside training every weight: python benchmarks/adapters.py --data DIR

Each recipe is trained on BANKING77's training file in a process of its own and measured as it is served on the
validation file, which nothing was chosen on. Prints accuracy, how many numbers learnt, the process's largest memory and
its processor minutes; writes benchmarks/results/factory/adapters.json. Needs: pip install 'kefu[train]'
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from few import HELP, few_of

from kefu.contracts.job import Job
from kefu.contracts.model_card import read_card

RESULTS = Path(__file__).parent / "results" / "factory" / "adapters.json"
RECIPES = ("finetune", "lora", "adalora", "prefix", "prompt", "adapter")
# The options that the row of `finetune` in docs/benchmarks.md was made with; adapters have their own defaults.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "finetune": {"label_smoothing": 0.1, "learning_rate": 1.2e-4},
}
HEADER = "| recipe | accuracy | trainable | MB at most | processor minutes | MB of the adapter |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with intent_en")
    parser.add_argument("--recipes", nargs="*", default=RECIPES, choices=RECIPES)
    parser.add_argument("--train", type=Path, help="another training file; with --valid for choosing options")
    parser.add_argument("--valid", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], help="options of every recipe: learning_rate=1e-3 …")
    parser.add_argument("--limit", type=int, default=0, help=HELP)
    given = parser.parse_args()
    files = (
        given.train or given.data / "intent_en/banking77_train.csv",
        given.valid or (given.data / "intent_en/banking77_valid.csv"),
    )
    with tempfile.TemporaryDirectory() as place:
        show_all(given, (few_of(files[0], given.limit, Path(place)), few_of(files[1], given.limit, Path(place))))


def show_all(given: argparse.Namespace, files: tuple[Path, Path]) -> None:
    """A row of the table for each recipe; those of the usual data are kept."""
    more = {name: json.loads(value) for name, _, value in (pair.partition("=") for pair in given.set)}
    print(f"{HEADER}\n|{' --- |' * 6}", flush=True)
    rows = []
    for recipe in given.recipes:
        rows.append(row_of(recipe, files, {**OPTIONS.get(recipe, {}), "threads": given.threads, **more}))
        show(rows[-1])
    if not given.train and not given.limit:
        kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
        others = [each for each in kept if each["recipe"] not in given.recipes]
        order = sorted([*others, *rows], key=lambda each: RECIPES.index(each["recipe"]))
        RESULTS.write_text(json.dumps(order, indent=1) + "\n")


def row_of(recipe: str, files: tuple[Path, Path], options: Mapping[str, Any]) -> dict[str, Any]:
    """Train in a process of its own, and read its card and what the system says it used."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / recipe
        job = Path(scratch) / "job.json"
        data, valid = (str(each) for each in files)
        job.write_text(Job("train", out=str(out), recipe=recipe, data=data, valid=valid, options=options).to_json())
        began = subprocess.Popen(
            [sys.executable, "-m", "kefu.factory", "run", str(job)], stdout=subprocess.DEVNULL, stderr=sys.stderr
        )
        _, status, used = os.wait4(began.pid, 0)
        if status:
            raise SystemExit(f"{recipe} failed: {os.waitstatus_to_exitcode(status)}.")
        card = read_card(out)
        adapter = out / "adapter" / "adapter_model.safetensors"
        size = adapter.stat().st_size / 1e6 if adapter.exists() else 0.0
    return {
        "recipe": recipe,
        "options": dict(options),
        "accuracy": card.metrics["accuracy"],
        "trainable_parameters": int(card.metrics["trainable_parameters"]),
        "memory_mb": round(used.ru_maxrss / 1024),
        "processor_minutes": round((used.ru_utime + used.ru_stime) / 60, 1),
        "adapter_mb": round(size, 2),
    }


def show(row: Mapping[str, Any]) -> None:
    adapter = f"{row['adapter_mb']:.2f}" if row["adapter_mb"] else ""
    print(
        f"| `{row['recipe']}` | {row['accuracy']:.3f} | {row['trainable_parameters']:,} | {row['memory_mb']} | "
        f"{row['processor_minutes']} | {adapter} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
