"""Pruned heads, neurons and weights: what goes, what is learnt again, how it is written and read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from kefu.contracts.job import Job, Told  # noqa: E402
from kefu.contracts.model_card import read_card  # noqa: E402
from kefu.factory.bases import from_folder, trained_network  # noqa: E402
from kefu.factory.compress.ladder import compress  # noqa: E402
from kefu.factory.compress.prune import ThinningNetwork, _kept, prune_heads, prune_neurons  # noqa: E402
from kefu.factory.compress.table import read_ladder  # noqa: E402
from kefu.factory.compress.zeros import bits_and_rest, pack_zeros  # noqa: E402
from kefu.factory.export import PROBES  # noqa: E402
from kefu.factory.narrow import layers_of  # noqa: E402
from kefu.factory.seal import outputs  # noqa: E402
from kefu.kit.errors import BadInput  # noqa: E402

from ..lessons import Heard, network_on  # noqa: E402
from ..tiny_bert import make  # noqa: E402
from .models import trained  # noqa: E402

TOKENS = [[2, 5, 6, 3], [2, 7, 3], [2, 8, 9, 10, 3]]
TARGETS = torch.tensor([0, 1, 2])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("prune"), floor=False)[0]


def climb(model: Path, out: Path, tell: Any = None, **given: Any) -> Mapping[str, Any]:
    return compress(Job("compress", model=str(model), out=str(out), options={"allow": 100, **given}), tell or Heard())


def test_heads_and_neurons_go_and_the_result_is_a_model_to_train_on(model: Path, tmp_path: Path) -> None:
    heard, out = Heard(), tmp_path / "small"
    climb(model, out, heard, rungs="prune-heads:0.5,prune-neurons:0.5")
    assert [each.outcome for each in read_ladder(out).rungs] == ["kept"] * 3
    config = json.loads((out / "config.json").read_text("utf-8"))
    assert sum(config["head_counts"]) == 4
    assert all(count % 16 == 0 for count in config["neuron_counts"])
    assert sum(config["neuron_counts"]) < 128
    card = read_card(out)
    assert card.variant == "fp32, 50% fewer heads, 50% fewer neurons"
    assert card.scope_threshold is not None
    assert len(heard.of(Told.EPOCH)) == 2  # taught again after each cut, and never twice for the same one
    network = trained_network(from_folder(out))
    assert [each.mixed.in_features // 8 for each in layers_of(network.encoder)] == config["head_counts"]
    assert outputs(out, PROBES).logits.shape == (len(PROBES), 3)


def test_single_weights_go_and_what_is_left_is_all_that_is_written(model: Path, tmp_path: Path) -> None:
    climb(model, tmp_path / "small", rungs="prune-weights:0.8")
    fp32, thin = read_ladder(tmp_path / "small").rungs
    assert thin.outcome == "kept"
    assert (thin.size_mb or 1) < (fp32.size_mb or 0)
    network = trained_network(from_folder(tmp_path / "small"))
    zeros = [float((each.up.weight == 0).float().mean()) for each in layers_of(network.encoder)]
    assert all(share == pytest.approx(0.8, abs=0.01) for share in zeros)


def test_layers_go_from_a_network_that_lost_heads(model: Path, tmp_path: Path) -> None:
    climb(model, tmp_path / "small", rungs="prune-heads:0.25,drop-layers:1", epochs=0)
    config = json.loads((tmp_path / "small" / "config.json").read_text("utf-8"))
    assert len(config["head_counts"]) == config["num_hidden_layers"] == 1
    trained_network(from_folder(tmp_path / "small"))


def test_what_hardly_matters_goes_first(tmp_path: Path) -> None:
    network, base = network_on(make(tmp_path), dropout=0.0)
    with torch.no_grad():
        lower, upper = layers_of(network.encoder)
        lower.mixed.weight[:, :8] = 0  # the first head of four gives nothing
        upper.down.weight[:, 16:48] = 0
    vectors = network.embed(*(torch.tensor([each]) for each in ([2, 5, 6, 3], [1, 1, 1, 1])))
    assert prune_heads(network, TOKENS, TARGETS, base.pad_id, 0.125) == [3, 4]
    assert prune_neurons(network, TOKENS, TARGETS, base.pad_id, 0.25) == [64, 32]
    after = network.embed(*(torch.tensor([each]) for each in ([2, 5, 6, 3], [1, 1, 1, 1])))
    assert torch.allclose(vectors, after, atol=1e-6)


def test_a_layer_keeps_a_part_and_whole_blocks() -> None:
    worth = [torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1e-9, 1e-9, 1e-9])]
    assert all(len(each) >= 1 for each in _kept(worth, 0.9))
    assert [len(each) for each in _kept([torch.arange(64.0)], 0.5, block=16)] == [32]


def test_weights_go_little_by_little_and_stay_away(tmp_path: Path) -> None:
    network = ThinningNetwork(network_on(make(tmp_path))[0], 0.5)
    network.planned(10)
    matrix = layers_of(network.encoder)[0].up.weight
    shares = []
    for step in range(1, 11):
        with torch.no_grad():
            matrix.add_(torch.linspace(-1e-3, 1e-3, matrix.numel()).view_as(matrix))  # what an optimiser does
        network.stepped(step)
        shares.append(float((matrix == 0).float().mean()))
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.5
    assert shares[-1] == pytest.approx(0.5, abs=0.01)


def test_packed_zeros_are_the_same_matrix_in_fewer_bytes(tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    chance = np.random.default_rng(0)
    matrix = chance.normal(size=(65, 67)).astype(np.float32) * (chance.random((65, 67)) < 0.3)
    bits, rest = bits_and_rest(matrix)
    assert len(rest) == 1 + int((matrix != 0).sum())
    assert len(bits) == -(-matrix.size // 8)
    kind, make_node = onnx.TensorProto.FLOAT, onnx.helper.make_node
    graph = onnx.helper.make_graph(
        [make_node("MatMul", ["given", "matrix"], ["found"], "product")],
        "network",
        [onnx.helper.make_tensor_value_info("given", kind, ["rows", 65])],
        [onnx.helper.make_tensor_value_info("found", kind, ["rows", 67])],
        [onnx.numpy_helper.from_array(matrix, "matrix")],
    )
    path = tmp_path / "model.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), str(path))
    given, before = chance.normal(size=(3, 65)).astype(np.float32), path.stat().st_size

    def found() -> Any:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return session.run(None, {"given": given})[0]

    dense = found()
    assert pack_zeros(path) == 1
    assert np.array_equal(found(), dense)
    assert path.stat().st_size < 0.6 * before
    assert pack_zeros(path) == 0  # what is packed is no matrix any more


@pytest.mark.parametrize("rung", ["prune-heads:0", "prune-weights:1", "prune-neurons:x", "int8:2", "prune-tails"])
def test_a_rung_that_cannot_be_is_said(rung: str, model: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"no rung '{rung}'"):
        climb(model, tmp_path / "out", rungs=rung)
