"""One loaded model: tokenizer and onnxruntime session. Synchronous; used by one thread at a time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Matrix
from kefu.engines.resolve import ModelFiles
from kefu.kit.errors import BadInstallation

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

# Queries that arrive together may share a run of so many: past it the gain is gone and the first one waits.
LARGEST_BATCH = 16
# What a text's vector may differ by beside another text before they are run apart: float32 noise is 1e-6.
SAME = 1e-4
# Longer than a token of any language; what is surely past `max_tokens` is cut before it is tokenised.
CHARACTERS_A_TOKEN = 40


class TextSession:
    """A model ready to run on texts: its tokenizer and its graph."""

    def __init__(self, model: ModelFiles, *, threads: int, max_tokens: int) -> None:
        self.max_tokens = min(max_tokens, int(model.card.get("max_tokens", max_tokens)))
        self._tokenizer = _tokenizer(model, self.max_tokens)
        self._session = _session(model, threads)
        self._inputs = {given.name for given in self._session.get_inputs()}
        self.outputs = [given.name for given in self._session.get_outputs()]

    def compute(self, names: Sequence[str], texts: Sequence[str]) -> tuple[list[Any], npt.NDArray[np.int64]]:
        """The outputs of these names and the attention mask, padded no longer than the longest text."""
        ids, mask = self._tokens(texts)
        return self.compute_ids(names, ids, mask), mask

    def encode(self, text: str) -> Any:
        """The tokenizer's encoding of a text: ids and offsets, cut to `max_tokens`."""
        return self._tokenizer.encode(self._cut(text))

    def compute_ids(self, names: Sequence[str], ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> list[Any]:
        """The outputs of these names for tokens [texts, tokens]."""
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        given = {name: value for name, value in feed.items() if name in self._inputs}
        found: list[Any] = self._session.run(list(names), given)
        return found

    def _tokens(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        # One by one: the library's batch form starts a thread for each core, and gains nothing on short texts.
        encoded = [self._tokenizer.encode(self._cut(text)).ids for text in texts]
        # A text without a single token still needs one column, masked out.
        width = max(1, *(len(ids) for ids in encoded))
        ids = np.zeros((len(encoded), width), np.int64)
        mask = np.zeros((len(encoded), width), np.int64)
        for row, found in enumerate(encoded):
            ids[row, : len(found)] = found
            mask[row, : len(found)] = 1
        return ids, mask

    def _cut(self, text: str) -> str:
        short = text[: self.max_tokens * CHARACTERS_A_TOKEN]
        # Half a surrogate pair is no character; the tokenizer would raise.
        return short.encode("utf-8", "replace").decode("utf-8")


class EncoderSession(TextSession):
    """A sentence encoder: texts to unit vectors."""

    def __init__(self, model: ModelFiles, *, threads: int, max_tokens: int) -> None:
        super().__init__(model, threads=threads, max_tokens=max_tokens)
        self._pooling = str(model.card.get("pooling", "mean"))
        probe = self.run(("first",))
        self.dimension = probe.shape[1]
        self.batch = self._batch(probe)

    def run(self, texts: Sequence[str]) -> Matrix:
        """float32 [len(texts), dimension], each row of unit length."""
        (output,), mask = self.compute(self.outputs[:1], texts)
        return _unit(_pooled(output, mask, self._pooling))

    def _batch(self, alone: Matrix) -> int:
        """How many texts one run may take.

        Dynamically quantised models scale activations over the whole batch, so that a text's vector depends on its
        neighbours (cosine 0.97 to 0.997 for the default encoders): an answer would depend on what others asked at the
        same moment. Such a model runs one text at a time; on one thread this costs a third of the rate of short
        texts and nothing of long ones.
        """
        beside = self.run(("first", "a second text that is longer, and about something else: 42 Main Street"))[:1]
        return LARGEST_BATCH if float(np.abs(beside - alone).max()) < SAME else 1


def _tokenizer(model: ModelFiles, max_tokens: int) -> "Tokenizer":
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(model.files[model.one("tokenizer.json")]))
    except Exception as error:  # the library raises bare Exception
        raise BadInstallation(f"The tokenizer of model {model.name} cannot be read.", model=model.name) from error
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


def _session(model: ModelFiles, threads: int) -> "InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Idle threads would otherwise spin and take the other cores from the server.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The arena keeps the largest run's memory for good: 183 MB resident instead of 105 after long texts, same speed.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3  # errors only: its warnings are about graphs, and not in our log format
    try:
        return onnxruntime.InferenceSession(
            str(model.files[model.one(".onnx")]), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its exceptions share no base of their own
        raise BadInstallation(f"The weights of model {model.name} cannot be loaded.", model=model.name) from error


def _pooled(output: npt.NDArray[np.float32], mask: npt.NDArray[np.int64], pooling: str) -> Matrix:
    if output.ndim == 2:  # pooled inside the graph
        return output
    if pooling == "cls":
        return np.ascontiguousarray(output[:, 0])
    weight = mask[:, :, None].astype(np.float32)
    return np.asarray((output * weight).sum(1) / np.maximum(weight.sum(1), 1.0), dtype=np.float32)


def _unit(rows: Matrix) -> Matrix:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-12), dtype=np.float32)
