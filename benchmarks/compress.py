"""How small and fast a network becomes, and what that costs: python benchmarks/compress.py --data DIR [--model DIR]

Climbs the ladder of `kefu compress` with a network fine-tuned on BANKING77 (trained first unless --model names one) and
prints each rung. Then PyTorch fp32 and each rung in ONNX take turns, text by text, on the validation texts: one text
at a time, one thread each, tokenising included, so that a busy machine slows both alike; the ratio is the median of the
texts' own. Texts of CLINC150 that are out of its scope stand in for those out of scope here. Writes
benchmarks/results/factory/compress.json. Needs: pip install 'kefu[train]'
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from few import HELP, few_of

from kefu.contracts.job import Job, Told
from kefu.contracts.model_card import ModelCard, read_card
from kefu.factory.compress.table import ladder_table, read_ladder
from kefu.factory.run import run

RESULTS = Path(__file__).parent / "results" / "factory" / "compress.json"
TRAIN, VALID, OUTSIDE = ("banking77_train.csv", "banking77_valid.csv", "clinc150_oos_val.csv")
RUNGS = "int8,trim-vocabulary,drop-floor,drop-layers:5,drop-layers:4,prune-heads,prune-neurons,prune-weights"
RECIPE = {"label_smoothing": 0.1, "learning_rate": 1.2e-4}
TEXTS, WARM_UP = 300, 10

Answer = Callable[[str], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with intent_en")
    parser.add_argument("--model", type=Path, help="a model that finetune has trained on BANKING77")
    parser.add_argument("--rungs", default=RUNGS)
    parser.add_argument("--allow", type=float, default=0.5, help="points that a rung may lose")
    parser.add_argument("--epochs", type=int, default=1, help="of training after each cut")
    parser.add_argument("--frequent", type=int, default=3000)
    parser.add_argument("--limit", type=int, default=0, help=HELP)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = given.model or trained(folder / "model", given)
        found = climbed(model, folder, given)
        print("\n".join(ladder_table(read_ladder(folder / "small"))), flush=True)
        speeds = raced(model, folder / "rungs", texts_of(folder / "small"))
        show(speeds)
    if given.limit:
        return
    write({"ladder": found, "against_pytorch": speeds, "options": {"allow": given.allow, "rungs": given.rungs}})


def trained(out: Path, given: argparse.Namespace) -> Path:
    data, valid = files_of(given, out.parent)
    options = {**RECIPE, "num_train_epochs": 1} if given.limit else RECIPE
    run(Job("train", recipe="finetune", data=str(data), valid=str(valid), out=str(out), options=options), said)
    return out


def files_of(given: argparse.Namespace, folder: Path) -> tuple[Path, Path]:
    data = given.data / "intent_en"
    train, valid = (few_of(data / name, given.limit, folder / "few") for name in (TRAIN, VALID))
    return train, valid


def climbed(model: Path, folder: Path, given: argparse.Namespace) -> Mapping[str, Any]:
    """The ladder's report; the output is in folder/small, every rung's model below folder/rungs."""
    data, valid = files_of(given, folder)
    names = ("rungs", "allow", "epochs", "frequent")
    options = {**{name: getattr(given, name) for name in names}, "keep": str(folder / "rungs")}
    job = Job(
        "compress",
        model=str(model),
        out=str(folder / "small"),
        data=str(data),
        valid=str(valid),
        oos=str(given.data / "intent_en" / OUTSIDE),
        options=options,
    )
    found = run(job, said)
    assert isinstance(found, Mapping)
    return found


def said(told: Told, fields: Mapping[str, Any]) -> None:
    if told in (Told.NOTE, Told.EPOCH):
        print(time.strftime("%H:%M:%S"), json.dumps(dict(fields), ensure_ascii=False), flush=True)


def texts_of(folder: Path) -> list[str]:
    from kefu.factory.data.version import kept

    valid = kept(folder / "data", name="valid")
    assert valid is not None
    step = max(1, len(valid.examples) // TEXTS)
    return [each.text for each in valid.examples[::step]][:TEXTS]


def raced(model: Path, rungs: Path, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Milliseconds of PyTorch fp32 and of each rung on the same texts in turns."""
    answers = {"PyTorch fp32": pytorch(model)}
    for each in sorted(rungs.iterdir(), key=lambda one: one.stat().st_mtime):
        answers[each.name] = onnx(each, read_card(each))
    taken = {name: np.zeros(len(texts)) for name in answers}
    for text in texts[:WARM_UP]:
        for answer in answers.values():
            answer(text)
    for row, text in enumerate(texts):
        for name, answer in answers.items():
            began = time.perf_counter()
            answer(text)
            taken[name][row] = 1000 * (time.perf_counter() - began)
    first = taken["PyTorch fp32"]
    return [
        {
            "what": name,
            "p50_ms": round(float(np.percentile(found, 50)), 2),
            "p95_ms": round(float(np.percentile(found, 95)), 2),
            "times_pytorch": round(float(np.median(first / found)), 2),
        }
        for name, found in taken.items()
    ]


def pytorch(folder: Path) -> Answer:
    import torch

    from kefu.factory.bases import from_folder, trained_network
    from kefu.factory.batches import pad, tokenize

    torch.set_num_threads(1)
    base, most = from_folder(folder), read_card(folder).max_tokens
    network = trained_network(base)

    def answer(text: str) -> Any:
        with torch.inference_mode():
            return network(*pad(tokenize(base.tokenizer, [text], max_tokens=most), base.pad_id))

    return answer


def onnx(folder: Path, card: ModelCard) -> Answer:
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / card.serve), options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(card.max_tokens)

    def answer(text: str) -> Any:
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        return session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})

    return answer


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    print("\n| network, one text, one thread | p50 ms | p95 ms | times PyTorch fp32 |\n| --- | ---: | ---: | ---: |")
    for row in rows:
        print(f"| {row['what']} | {row['p50_ms']:.2f} | {row['p95_ms']:.2f} | {row['times_pytorch']:.2f} |", flush=True)


def write(table: Mapping[str, Any]) -> None:
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    ladder = {name: value for name, value in table["ladder"].items() if name != "out"}  # a folder of this machine
    text = json.dumps({**table, "ladder": ladder}, indent=1, ensure_ascii=False) + "\n"
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
