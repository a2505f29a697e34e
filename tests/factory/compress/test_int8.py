"""int8 word tables by rows, and trimmed vocabularies, on tokenizers of each kind."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

from kefu.factory.compress.int8 import by_rows, rounded_by_chance
from kefu.factory.compress.trim import kept_ids, with_ids
from kefu.kit.errors import BadInput, MissingExtra

WORDS = ["the", "parcel", "refund", "track", "ing", "##ing", "##s", "zebra", "##zebra"]
LETTERS = sorted(set("abcdeghiklnoprstz"))


def test_each_row_is_rounded_by_itself() -> None:
    table = np.array([[0.001, -0.002, 0.0005], [100.0, 50.0, -25.0], [0.0, 0.0, 0.0]], np.float32)
    whole, scale = by_rows(table)
    assert whole.dtype == np.int8
    half_a_step = np.abs(table).max(axis=1) / 254
    assert (np.abs(whole * scale - table).max(axis=1) <= 1.001 * half_a_step).all()


def test_what_was_learnt_since_the_last_rounding_is_kept() -> None:
    chance = np.random.default_rng(0)
    whole = chance.integers(-126, 127, (384, 64)).astype(np.float32)
    whole[0] = 127
    learnt = chance.normal(scale=0.15, size=whole.shape).astype(np.float32)
    learnt[0] = 0
    scale = chance.uniform(0.001, 0.01, (1, 64)).astype(np.float32)
    texts = chance.normal(size=(50, 384)).astype(np.float32)
    meant = texts @ (learnt * scale)
    nearest = texts @ ((np.round(whole + learnt) - whole) * scale)
    kept = texts @ (rounded_by_chance((whole + learnt) * scale, chance) - whole * scale)
    assert _agreement(nearest, meant) < 0.2
    assert _agreement(kept, meant) > 0.35
    steps = rounded_by_chance((whole + learnt) * scale, chance) / scale
    assert np.abs(steps - np.round(steps)).max() < 1e-3


def test_a_matrix_of_any_other_origin_is_left_to_the_nearest_step() -> None:
    chance = np.random.default_rng(0)
    matrix = chance.normal(size=(384, 64)).astype(np.float32)
    assert rounded_by_chance(matrix, chance) is matrix
    pruned = np.where(chance.random(matrix.shape) < 0.8, 0, matrix).astype(np.float32)
    assert rounded_by_chance(pruned, chance) is pruned
    nothing = np.zeros((8, 8), np.float32)
    assert rounded_by_chance(nothing, chance) is nothing


def test_large_tables_of_a_network_become_int8(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    from kefu.factory.compress.int8 import quantise

    path, target = tmp_path / "model.onnx", tmp_path / "int8" / "model.onnx"
    _write_network(onnx, path)
    quantise(path, target, tables=True)
    ids = np.array([[3, 299, 0]], np.int64)
    before, after = (
        onnxruntime.InferenceSession(str(each), providers=["CPUExecutionProvider"]).run(None, {"input_ids": ids})[0]
        for each in (path, target)
    )
    assert np.abs(after - before).max() < 0.02 * np.abs(before).max()
    kinds = {each.name: each.data_type for each in onnx.load(str(target)).graph.initializer}
    assert kinds["words_rows"] == onnx.TensorProto.INT8
    assert "words" not in kinds
    assert target.stat().st_size < 0.4 * path.stat().st_size


def test_without_onnx_the_install_line_is_told(tmp_path: Path) -> None:
    from importlib.util import find_spec

    if find_spec("onnx") is not None:
        pytest.skip("onnx is installed")
    from kefu.factory.compress.int8 import quantise

    with pytest.raises(MissingExtra, match=r"pip install 'kefu\[train\]'"):
        quantise(tmp_path / "model.onnx", tmp_path / "int8.onnx", tables=True)


@pytest.mark.parametrize("kind", ["wordpiece", "unigram"])
def test_a_trimmed_vocabulary_cuts_known_texts_as_before(kind: str) -> None:
    tokenizer = _wordpiece() if kind == "wordpiece" else _unigram()
    texts = ["track the parcels", "refund the parcel"]
    before = [tokenizer.encode(text).tokens for text in texts]
    used = {place for text in texts for place in tokenizer.encode(text).ids}
    table = _table(tokenizer)
    kept = kept_ids(table, used, 0)
    trimmed = Tokenizer.from_str(_text(with_ids(table, kept)))
    assert [trimmed.encode(text).tokens for text in texts] == before
    assert trimmed.get_vocab_size() == len(kept) < tokenizer.get_vocab_size()
    # The network's row of a token is the one that its old id had.
    assert [kept[place] for place in trimmed.encode(texts[0]).ids] == tokenizer.encode(texts[0]).ids
    # What is gone can still be spelt.
    assert "[UNK]" not in trimmed.encode("zebra").tokens


def test_the_most_frequent_tokens_stay_but_no_unused_place() -> None:
    table = _table(_wordpiece())
    few, more = kept_ids(table, set(), 0), kept_ids(table, set(), 6)
    names = {place: name for name, place in table["model"]["vocab"].items()}
    # [CLS], [SEP] and [UNK] stay for the tokenizer's own sake.
    assert [names[place] for place in more if place not in few] == ["[PAD]", *WORDS[:2]]
    assert not any("unused" in names[place] for place in more)


def test_pairs_cannot_be_trimmed() -> None:
    table = _table(Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")])))
    with pytest.raises(BadInput, match="BPE"):
        kept_ids(table, {0}, 0)


def _agreement(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum() / np.linalg.norm(one) / np.linalg.norm(other))


def _write_network(onnx: Any, path: Path) -> None:
    chance = np.random.default_rng(0)
    words, matrix = (chance.normal(size=size).astype(np.float32) for size in ((300, 32), (32, 16)))
    make, kind = onnx.helper, onnx.TensorProto
    graph = make.make_graph(
        [
            make.make_node("Gather", ["words", "input_ids"], ["hidden"], "gather"),
            make.make_node("MatMul", ["hidden", "matrix"], ["logits"], "dense"),
        ],
        "network",
        [make.make_tensor_value_info("input_ids", kind.INT64, ["batch", "tokens"])],
        [make.make_tensor_value_info("logits", kind.FLOAT, ["batch", "tokens", 16])],
        [onnx.numpy_helper.from_array(words, "words"), onnx.numpy_helper.from_array(matrix, "matrix")],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))


def _wordpiece() -> Tokenizer:
    names = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", *LETTERS, *(f"##{each}" for each in LETTERS), *WORDS]
    tokenizer = Tokenizer(models.WordPiece({name: place for place, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 4), ("[CLS]", 3))
    return tokenizer


def _unigram() -> Tokenizer:
    pieces = [("<s>", 0.0), ("</s>", 0.0), ("[UNK]", 0.0), *((f"▁{each}", -2.0) for each in ("the", "track", "zebra"))]
    pieces += [("▁parcel", -3.0), ("▁refund", -4.0), ("s", -5.0), ("▁", -6.0), *((each, -9.0) for each in LETTERS[:-1])]
    pieces += [("z", -9.0)]
    unique = list(dict(pieces).items())
    tokenizer = Tokenizer(models.Unigram(unique, 2, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    tokenizer.add_special_tokens([AddedToken("<s>", special=True), AddedToken("</s>", special=True)])
    return tokenizer


def _table(tokenizer: Tokenizer) -> dict[str, Any]:
    import json

    found: dict[str, Any] = json.loads(tokenizer.to_str())
    return found


def _text(table: dict[str, Any]) -> str:
    import json

    return json.dumps(table, ensure_ascii=False)
