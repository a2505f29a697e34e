"""What training starts from: Kefu's own encoders dequantised, and Hugging-Face-style folders."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kefu.factory.bases import load_base, new_network, trained_network  # noqa: E402
from kefu.factory.batches import pad, tokenize  # noqa: E402
from kefu.factory.export import write_torch  # noqa: E402
from kefu.factory.vectors import encode  # noqa: E402
from kefu.kit.errors import BadInput, BadInstallation  # noqa: E402

from .tiny_bert import make  # noqa: E402

TEXTS = {
    "package:minilm-en": ["where is my parcel?", "I want my money back", "how do I reset the password of my account"],
    "package:e5-small-zh-en": ["我的快递到哪里了?", "I want my money back", "这家酒店的早餐很好,但是房间太小"],
}


@pytest.mark.slow
@pytest.mark.parametrize("reference", list(TEXTS))
def test_a_dequantised_encoder_is_the_one_that_is_served(reference: str) -> None:
    """Its own prefix included: the encoder puts it before a question, the base has it in its tokenizer."""
    base = load_base(reference)
    network = new_network(base, 2, dropout=0.0).eval()
    with torch.no_grad():
        rows = [
            network.embed(*pad([ids], base.pad_id)) for ids in tokenize(base.tokenizer, TEXTS[reference], max_tokens=64)
        ]
    served, card = encode(reference, TEXTS[reference], threads=1)
    assert float((torch.cat(rows).numpy() * served).sum(1).min()) > 0.99
    assert base.sha256 == card.version
    assert base.licence in ("Apache-2.0", "MIT")


def test_a_folder_is_read_with_and_without_a_head(tmp_path: Path) -> None:
    plain = load_base(f"path:{make(tmp_path / 'plain')}")
    assert plain.head is None
    with pytest.raises(BadInput, match="without a head"):
        trained_network(plain)
    network = new_network(plain, 3, dropout=0.0)
    again = tmp_path / "again"
    again.mkdir()
    write_torch(again, network, ("a", "b", "c"), pad_id=plain.pad_id)
    plain.tokenizer.save(str(again / "tokenizer.json"))
    read = trained_network(load_base(f"path:{again}"))
    tensors = network.state_dict()
    assert all(torch.equal(each, tensors[name]) for name, each in read.state_dict().items())
    assert json.loads((again / "config.json").read_text())["id2label"] == {"0": "a", "1": "b", "2": "c"}


@pytest.mark.parametrize("reference", ["minilm", "package:none", "hub:owner/name", "path:/nowhere"])
def test_a_reference_that_cannot_be_trained_from(reference: str) -> None:
    with pytest.raises(BadInput):
        load_base(reference)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    folder = make(tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-64])
    with pytest.raises(BadInstallation, match="cannot be read"):
        load_base(f"path:{folder}")


def test_weights_that_lack_a_tensor_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = make(tmp_path)
    tensors: dict[str, np.ndarray] = load_file(folder / "model.safetensors")
    del tensors["bert.encoder.layer.1.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(BadInstallation, match="lack 1 tensor"):
        load_base(f"path:{folder}")
