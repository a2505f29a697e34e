"""What a small network makes of small pictures: python benchmarks/pictures.py --data DIR [--out DIR]

Fashion-MNIST's 8,000 pictures of DIR/images: for each seed 100 of each class are kept apart, `cnn` learns from the
other 7,000, and what it serves (int8) is judged on those kept apart. The options are the recipe's own. Prints accuracy,
weights and minutes, and writes results/factory/pictures.json. Needs: pip install 'kefu[train]'
"""

import argparse
import gzip
import json
import shutil
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from kefu.contracts.job import Job
from kefu.contracts.model_card import read_card
from kefu.factory.__main__ import do

RESULTS = Path(__file__).parent / "results" / "factory" / "pictures.json"
NAME = "fashion_train8000"
APART = 100  # of each class
IMAGES, LABELS = 2051, 2049  # what an IDX file of each kind begins with


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with images")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", dest="options", action="append", default=[], metavar="KEY=VALUE", help="an option")
    parser.add_argument("--out", type=Path, help="where the models stay; a folder that is removed where left out")
    given = parser.parse_args()
    options = dict(each.split("=", 1) for each in given.options)
    with tempfile.TemporaryDirectory() as place:
        folder = given.out or Path(place)
        rows = [judged(given.data / "images", folder / str(seed), seed, options) for seed in range(given.seeds)]
    RESULTS.write_text(json.dumps({"options": options, "seeds": rows}, indent=1) + "\n", encoding="utf-8")
    print("| seed | accuracy | MB | p50 ms | seconds of training |\n| --- | --- | --- | --- | --- |")
    for seed, row in enumerate(rows):
        print(
            f"| {seed} | {row['accuracy']:.3f} | {row['size_mb']:.2f} | {row['latency_p50_ms']:.2f} "
            f"| {row['train_seconds']:.0f} |"
        )
    found = [row["accuracy"] for row in rows]
    print(f"| all | {np.mean(found):.4f} | | | {sum(row['train_seconds'] for row in rows):.0f} |")


def judged(data: Path, folder: Path, seed: int, options: dict[str, str]) -> dict[str, Any]:
    """The served model's figures on the pictures that its seed kept apart."""
    pictures, labels = (numbers(data / f"{NAME}-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
    order = np.random.default_rng(seed).permutation(len(labels))
    apart = np.concatenate([order[labels[order] == label][:APART] for label in np.unique(labels)])
    parts = {"train": np.setdiff1d(order, apart), "valid": apart}
    for name, places in parts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(data / "classes.json", folder / name)
        write(folder / name / "images-idx3-ubyte", IMAGES, pictures[places])
        write(folder / name / "labels-idx1-ubyte", LABELS, labels[places])
    train, valid = (str(folder / name / "images-idx3-ubyte") for name in parts)
    job = Job(
        "train", recipe="cnn", data=train, valid=valid, out=str(folder / "model"), options={"seed": seed, **options}
    )
    if do(job, lambda told, fields: print(fields["sentence"], flush=True) if "sentence" in fields else None):
        raise SystemExit(f"Not trained; see {folder}/model/events.jsonl")
    metrics = read_card(folder / "model").metrics
    return {name: metrics[name] for name in ("accuracy", "size_mb", "latency_p50_ms", "train_seconds")}


def numbers(path: Path) -> np.ndarray:
    """What an IDX file of bytes holds, in its shape."""
    data = gzip.decompress(path.read_bytes())
    dimensions = data[3]
    shape = struct.unpack(f">{dimensions}I", data[4 : 4 + 4 * dimensions])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def write(path: Path, kind: int, values: np.ndarray) -> None:
    path.write_bytes(struct.pack(f">I{values.ndim}I", kind, *values.shape) + values.tobytes())


if __name__ == "__main__":
    main()
