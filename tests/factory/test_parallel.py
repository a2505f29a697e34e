"""A training on several processes: what one process learns, and nothing lost with a process that is killed."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.distributed as dist  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from kefu.contracts.dataset import Dataset, Example  # noqa: E402
from kefu.contracts.job import Job, Told  # noqa: E402
from kefu.contracts.model_card import ModelCard  # noqa: E402
from kefu.factory.loop import LoopOptions  # noqa: E402
from kefu.factory.parallel import ProcessLost, _WholeChance, _WholeMeans  # noqa: E402
from kefu.factory.recipes.cnn.recipe import CnnRecipe  # noqa: E402
from kefu.factory.task import shared  # noqa: E402
from kefu.kit.errors import BadInput  # noqa: E402
from kefu.knowledge.labels import dataset_of  # noqa: E402
from kefu.knowledge.pictures import array_url  # noqa: E402

from .lessons import Heard, network_on  # noqa: E402
from .tiny_bert import make  # noqa: E402

STEPS = 8  # 64 pictures in batches of 16, two epochs
Weights = dict[str, Tensor]


OPTIONS: dict[str, Any] = {
    **{"side": 14, "widths": "4,8", "flip": False, "shift": 0.1, "rotate": 5.0, "erase": 0.2, "dropout": 0.2},
    **{"num_train_epochs": 2, "min_steps": 0, "per_device_train_batch_size": 16, "bf16": False, "threads": 1},
    **{"logging_steps": 1, "save_steps": 3},
}


def pictures(rows: int, seed: int) -> Dataset:
    """Noise, brighter on the left or on the right."""
    chance = np.random.default_rng(seed)
    examples = []
    for row in range(rows):
        shown = chance.integers(0, 120, (14, 14)).astype(np.uint8)
        label = "left" if row % 2 else "right"
        shown[:, slice(0, 7) if row % 2 else slice(7, 14)] += 100
        examples.append(Example(array_url(shown), label, row + 1))
    return dataset_of(examples, mapping={"text": "text", "label": "label"}, format="jsonl")


def train(out: Path, heard: Heard, *, processes: int, resume: bool = False) -> tuple[Weights, ModelCard]:
    options = {**OPTIONS, "processes": processes}
    job = Job("train", recipe="cnn", out=str(out), resume=resume, options=options)
    data, valid = pictures(64, 0), pictures(32, 1)
    out.mkdir(exist_ok=True)
    with shared(job, data, valid):
        card = CnnRecipe(options).train(job, data, valid, heard)
    return load_file(out / "model.safetensors"), card


def figures(card: ModelCard) -> dict[str, float]:
    """All that does not hang on the clock or on how a file was written."""
    kept = {name: each for name, each in card.metrics.items() if name.startswith("valid_") or "accuracy" in name}
    assert kept
    return kept


def kill_the_other() -> None:
    """Kill the process that this one has started."""
    task = Path(f"/proc/self/task/{os.getpid()}/children")
    for process in task.read_text().split():
        os.kill(int(process), signal.SIGKILL)


def of_steps(heard: Heard) -> list[float]:
    return [each["loss"] for each in heard.of(Told.STEP)]


def test_two_processes_learn_what_one_does_and_a_killed_one_takes_nothing_with_it(tmp_path: Path) -> None:
    alone, shared = Heard(), Heard()
    weights, card = train(tmp_path / "alone", alone, processes=1)
    kept = Heard({4: lambda: shutil.copytree(tmp_path / "shared", tmp_path / "killed")})
    together, of_two = train(tmp_path / "shared", kept, processes=2)
    shared = kept
    assert figures(of_two) == pytest.approx(figures(card), abs=1e-5)
    assert of_steps(shared) == pytest.approx(of_steps(alone), abs=1e-5)
    assert all(torch.allclose(each, together[name], atol=1e-4) for name, each in weights.items())

    # Gone on from the third step's checkpoint, and killed after the fifth.
    broken = Heard({5: kill_the_other})
    with pytest.raises(ProcessLost, match="killed by SIGKILL"):
        train(tmp_path / "killed", broken, processes=2, resume=True)
    assert broken.of(Told.CHECKPOINT)[-1] == {"step": 5}
    rest = Heard()
    again, _ = train(tmp_path / "killed", rest, processes=2, resume=True)
    assert [each["step"] for each in rest.of(Told.STEP)] == [6, 7, STEPS]
    assert all(torch.equal(each, again[name]) for name, each in together.items())


def test_what_a_batch_is_normalised_by_is_exact_in_bfloat16(tmp_path: Path) -> None:
    """Several processes normalise by the whole batch; halves of a batch in bfloat16 are summed in full."""
    shown = torch.randn(6, 3, 4, 4, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    means, variances = torch.zeros(3), torch.ones(3)
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'meeting'}", rank=0, world_size=1)
    try:
        with _WholeMeans(slice(0, 6), 6):
            found = functional.batch_norm(shown, means, variances, training=True)
    finally:
        dist.destroy_process_group()
    wanted = functional.batch_norm(shown.float(), torch.zeros(3), torch.ones(3), training=True)
    assert found.dtype == torch.bfloat16
    assert torch.allclose(found.float(), wanted, atol=0.02)
    assert torch.allclose(means, 0.1 * shown.float().mean((0, 2, 3)), atol=1e-6)


def test_a_training_of_no_job_is_done_by_one_process(tmp_path: Path) -> None:
    options = {**OPTIONS, "processes": 2}
    with pytest.raises(BadInput, match="of a job"):
        CnnRecipe(options).train(Job("train", out=str(tmp_path)), pictures(64, 0), pictures(32, 1), Heard())


def test_chance_is_drawn_for_a_whole_batch(tmp_path: Path) -> None:
    """Attention and layers leave out for each text what they would leave out if all were computed together."""
    network, _ = network_on(make(tmp_path), dropout=0.3)
    network.train()
    ids = torch.arange(5 * 6).view(5, 6) % 20 + 5
    mask = torch.ones_like(ids)

    def outputs(place: slice) -> Tensor:
        torch.manual_seed(1)
        with _WholeChance(place, len(ids)):
            found: Tensor = network(ids[place], mask[place])[0]
        return found

    whole = outputs(slice(0, 5))
    torch.manual_seed(1)
    assert torch.equal(whole, network(ids, mask)[0])
    drawn = torch.get_rng_state()
    for place in (slice(0, 2), slice(2, 5)):
        assert torch.allclose(outputs(place), whole[place], atol=1e-6)
        assert torch.equal(torch.get_rng_state(), drawn)


def test_what_is_no_part_of_a_batch_is_drawn_as_it_is() -> None:
    several = nn.Dropout(0.5)
    torch.manual_seed(2)
    whole = several(torch.ones(6, 4))  # three rows for each of two
    torch.manual_seed(2)
    with _WholeChance(slice(1, 2), 2):
        assert torch.equal(several(torch.ones(3, 4)), whole[3:])
    torch.manual_seed(3)
    meant = functional.dropout(torch.ones(7), 0.5)
    torch.manual_seed(3)
    with _WholeChance(slice(0, 2), 4):
        assert torch.equal(functional.dropout(torch.ones(7), 0.5), meant)


def test_the_number_of_processes_has_bounds() -> None:
    options: dict[str, Any] = {"processes": 0}
    with pytest.raises(ValueError, match="processes"):
        LoopOptions(**options)
