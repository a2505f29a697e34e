"""What a model answers to a few texts, as numbers, whatever its task: two folders that answer alike are one model."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from kefu.contracts.engine import Matrix
from kefu.contracts.model_card import ModelCard, Task, read_card
from kefu.factory.evaluate.served import encoder, reranker, tagger
from kefu.factory.seal import outputs
from kefu.kit.optional import require
from kefu.kit.runtime import run
from kefu.knowledge.pictures import array_url

# Pictures in place of texts: dark and light ones, grey and in colour, of sides that have to be fitted.
_SHADES = ((28, 0), (28, 255), (64, 96), (40, 200))


def answers_of(folder: Path, texts: Sequence[str]) -> Matrix:
    """float32 [rows, columns] of the model in a folder, through the engine that serves it; its files are checked.

    Logits, the vectors of an encoder, the relevance of each text as a passage of each other, or the slots that are
    found. What no engine serves is read as its training reads it, which takes torch. Raises MissingExtra,
    BadInstallation for a model that cannot be loaded.
    """
    card = read_card(folder)
    if card.runtime == "picture":
        return outputs(folder, _pictures()).logits
    return _BY_TASK.get(card.task, _logits)(folder, card, texts)


def _logits(folder: Path, card: ModelCard, texts: Sequence[str]) -> Matrix:
    return outputs(folder, texts).logits


def _slots(folder: Path, card: ModelCard, texts: Sequence[str]) -> Matrix:
    with tagger(folder) as engine:
        found = [each for text in texts for each in run(engine.tag(text))]
    return np.array([[each.start, each.end, each.confidence] for each in found], np.float32).reshape(len(found), 3)


def _vectors(folder: Path, card: ModelCard, texts: Sequence[str]) -> Matrix:
    with encoder(f"path:{folder}") as engine:
        return np.concatenate([run(engine.embed([text], "query")) for text in texts])


def _relevance(folder: Path, card: ModelCard, texts: Sequence[str]) -> Matrix:
    with reranker(folder) as engine:
        return np.array([run(engine.relevance(text, texts)) for text in texts], np.float32)


def _encoded(folder: Path, card: ModelCard, texts: Sequence[str]) -> Matrix:
    """The vectors of an encoder that others are trained from."""
    require("torch", extra="train")
    from kefu.factory.bases import from_folder, new_network
    from kefu.factory.batches import tokenize
    from kefu.factory.lessons import predict

    base = from_folder(folder)
    tokens = tokenize(base.tokenizer, texts, max_tokens=card.max_tokens)
    return np.asarray(predict(new_network(base, 1, dropout=0.0), tokens, base.pad_id)[1].numpy(), np.float32)


def _states(folder: Path, card: ModelCard, texts: Sequence[str]) -> Matrix:
    """The last hidden states of a generator's file, of each text's last token."""
    torch = require("torch", extra="train")
    from kefu.factory.language.gguf_file import read_gguf

    base = read_gguf(folder / card.serve)
    network = base.network().eval()
    found = []
    with torch.no_grad():
        for text in texts:
            ids = torch.tensor([base.tokenizer.encode(text).ids])
            found.append(network(ids, torch.ones_like(ids))[0][0, -1].float().numpy())
    return np.array(found, np.float32)


_BY_TASK: Mapping[Task, Callable[[Path, ModelCard, Sequence[str]], Matrix]] = {
    "tag": _slots,
    "embed": _vectors,
    "rerank": _relevance,
    "language": _encoded,
    "generate": _states,
}


def _pictures() -> list[str]:
    grey = [array_url(np.full((side, side), shade, np.uint8)) for side, shade in _SHADES]
    return [*grey, array_url(np.arange(48 * 32 * 3, dtype=np.uint8).reshape(48, 32, 3))]
