"""Making a model's folder in a given form, always anew from the fp32 files of the model that is compressed."""

import hashlib
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Tell, Told
from kefu.contracts.model_card import CARD_FILE, ModelCard
from kefu.factory.compress.int8 import quantise
from kefu.factory.compress.stored import store_in_8_bits
from kefu.factory.compress.trim import trim
from kefu.factory.compress.zeros import pack_zeros
from kefu.factory.evaluate.paired import LEVEL, paired
from kefu.factory.evaluate.retrieval import judged_pairs
from kefu.factory.export import INT8_FILE, ONNX_FILE, check_files
from kefu.factory.near import NEAR_FILE
from kefu.factory.probing import answers_of
from kefu.factory.seal import SCOPE_FILE, outputs, seal, write_card
from kefu.kit.errors import BadInput, BadInstallation
from kefu.kit.optional import require
from kefu.knowledge.pairs import pairs_of

Flags = npt.NDArray[np.bool_]

_FLOOR = "linear"
# Beside the network, what a form is made from.
_WEIGHTS = ("model.safetensors", "config.json", "tokenizer.json")
# A trimmed network computes the very same sums for tokens that stayed; more is a row that went to the wrong place.
_LARGEST_DIFFERENCE = 1e-4
_PROBES = 8
# What `retriever` itself makes; an encoder that went down the ladder is of another variant, or says its speed.
_TRAINED = ("fp32", "int8")
# What an examination said of the model in its old form.
_EXAMINED = "Worst on the slice"


@dataclass(frozen=True)
class Form:
    """What a model is reduced to: `layers` 0 for all of them; shares of its heads, neurons and weights that go."""

    layers: int = 0
    heads: float = 0.0
    neurons: float = 0.0
    weights: float = 0.0
    trimmed: bool = False
    int8: bool = False
    floor: bool = True

    @property
    def cuts(self) -> tuple[tuple[str, float], ...]:
        """What needs teaching again, in the order in which it is done: zeros last, for teaching would fill them."""
        asked = (("layers", self.layers), ("heads", self.heads), ("neurons", self.neurons), ("weights", self.weights))
        return tuple((kind, amount) for kind, amount in asked if amount)

    @property
    def variant(self) -> str:
        """In a word, for the card."""
        parts = ["int8" if self.int8 else "fp32"]
        if self.layers:
            parts.append(f"{self.layers} layers")
        parts += [f"{amount:.0%} fewer {kind}" for kind, amount in self.cuts if kind != "layers"]
        if self.trimmed:
            parts.append("trimmed vocabulary")
        if not self.floor:
            parts.append("no floor")
        return ", ".join(parts)


@dataclass(frozen=True)
class Source:
    """The model that is compressed, checked, with what it was taught and what it is judged on.

    `network` is where its fp32 files are, if elsewhere.
    """

    folder: Path
    card: ModelCard
    train: Dataset
    valid: Dataset
    network: Path | None = None

    @property
    def start(self) -> Path:
        """The folder with the fp32 network: the model's own, unless that keeps only what serves it."""
        return self.network or self.folder

    @property
    def has_floor(self) -> bool:
        return (self.folder / _FLOOR / "linear.safetensors").exists()

    @property
    def taught(self) -> list[str]:
        """The texts that it was taught, as its network read them."""
        if self.card.task == "embed":
            return taught_texts(self.card, self.train)
        return [each.text for each in self.train.examples]


@dataclass(frozen=True)
class Manner:
    """How forms are made: `epochs` of training after each cut, `frequent` tokens kept beside the texts'."""

    epochs: int
    frequent: int
    seed: int
    threads: int


def checked_source(folder: Path, card: ModelCard, train: Dataset, valid: Dataset) -> Source:
    """Raises BadInput for a model that has nothing to compress, BadInstallation for one that was tampered with."""
    if card.task == "tag":
        raise BadInput("A tagger makes its 8-bit form itself when it is trained: see its option int8.", task=card.task)
    if card.task == "rerank":
        raise BadInput(
            "A reranker makes its 8-bit form itself when it is trained: see its option int8.", task=card.task
        )
    if card.task == "language":
        raise BadInput(
            f"{card.name} is an encoder to train from, and serves nobody: compress what is trained on it.",
            task=card.task,
        )
    if card.task == "generate":
        raise BadInput("A generator makes its 8-bit form itself when it is trained: see its option gguf.")
    if card.runtime not in {"onnx", "picture"}:
        raise BadInput(
            f"{card.name} runs as `{card.runtime}`: it has no network of its own to compress. Compress a model that "
            "finetune, fewshot, score, retriever or cnn has trained.",
            runtime=card.runtime,
        )
    whole = (folder / ONNX_FILE).is_file() or (card.task == "embed" and card.variant in _TRAINED)
    if not whole:
        raise BadInput(
            f"{folder} has no {ONNX_FILE} to start from: it was compressed already. Name the model it was made from.",
            folder=str(folder),
        )
    check_files(folder, card)
    return Source(folder, card, train, valid)


def with_network(source: Source, place: Path) -> Source:
    """The source with an fp32 network to start from: an encoder that serves in 8 bits keeps only its weights.

    Raises MissingExtra without torch, which writes the network anew in `place`.
    """
    if (source.folder / ONNX_FILE).is_file():
        return source
    require("torch", extra="train")
    from kefu.factory.bases import from_folder, new_network
    from kefu.factory.search.course import write_encoder

    base = from_folder(source.folder)
    write_encoder(place, new_network(base, 1, dropout=0.0), base)
    return replace(source, network=place)


def taught_texts(card: ModelCard, train: Dataset) -> list[str]:
    """The questions and passages that an encoder was taught, each once, with its prefixes."""
    pairs = pairs_of(train, "what it was taught")
    passages = dict.fromkeys(text for each in pairs for text in (each.passage, *each.negatives))
    questions = dict.fromkeys(each.question for each in pairs)
    return [*(card.query_prefix + each for each in questions), *(card.passage_prefix + each for each in passages)]


class Workshop:
    """Makes forms of one source in a scratch folder."""

    def __init__(self, source: Source, scratch: Path, manner: Manner, tell: Tell) -> None:
        self._source, self._scratch, self._manner, self._tell = source, scratch, manner, tell
        self._cut: dict[tuple[tuple[str, float], ...], Path] = {}

    def make(self, form: Form, name: str) -> tuple[Path, ModelCard]:
        """A sealed model folder in that form. Raises what the step that fails raises."""
        source, folder = self._source, self._scratch / name
        self._start(form, folder)
        card = replace(
            source.card,
            serve=ONNX_FILE,
            variant=form.variant,
            parents=(*source.card.parents, _digest(source.folder / CARD_FILE)),
            limits=tuple(each for each in source.card.limits if not each.startswith(_EXAMINED)),
            judged=None,
            created="",
        )
        if form.trimmed:
            self._trim(folder, card)
        if form.int8:
            card = self._quantise(folder, card)
        if form.weights:
            self._pack(folder, card)
        if form == Form() and self._is_sealed():
            return folder, self._as_it_was(folder, card)
        return folder, seal(folder, card, source.train, source.valid)

    def _start(self, form: Form, folder: Path) -> None:
        """The fp32 files of the network with the form's cuts."""
        source = self._source.start
        network = self._reduced(form.cuts)
        (folder / ONNX_FILE).parent.mkdir(parents=True)
        for name in (ONNX_FILE, *_WEIGHTS):
            if (network / name).exists():
                _link(network / name, folder / name)
        if not form.cuts and (source / NEAR_FILE).exists():  # of a network that was taught again, vectors lie elsewhere
            _link(source / NEAR_FILE, folder / NEAR_FILE)
        if form.floor and self._source.has_floor:
            shutil.copytree(source / _FLOOR, folder / _FLOOR)

    def _reduced(self, cuts: tuple[tuple[str, float], ...]) -> Path:
        """The folder of the network with these cuts, each made from the one with those before it."""
        if not cuts:
            return self._source.start
        if cuts not in self._cut:
            torch = require("torch", extra="train")
            from kefu.factory.compress.cuts import Lessons, cut

            torch.set_num_threads(self._manner.threads)
            source, manner = self._source, self._manner
            out = self._scratch / "-".join(["cut", *(f"{kind}{amount:g}" for kind, amount in cuts)])
            before, (kind, amount) = self._reduced(cuts[:-1]), cuts[-1]
            lessons = Lessons(source.card, source.train, source.start, manner.epochs, manner.seed)
            cut(before, out, kind=cast(Any, kind), amount=amount, lessons=lessons, tell=self._tell)
            self._cut[cuts] = out
        return self._cut[cuts]

    def _trim(self, folder: Path, card: ModelCard) -> None:
        probes = self._source.taught[:_PROBES]
        write_card(folder, card)
        before = answers_of(folder, probes)
        _own(folder / ONNX_FILE)
        _own(folder / "tokenizer.json")
        _own(folder / "config.json")
        trimmed = trim(folder, folder / ONNX_FILE, self._source.taught, frequent=self._manner.frequent)
        write_card(folder, card)
        largest = float(np.abs(answers_of(folder, probes) - before).max(initial=0.0))
        if largest > _LARGEST_DIFFERENCE:
            raise BadInstallation(f"The trimmed network differs by {largest:.2g} on texts it was taught.")
        sentence = f"The vocabulary has {trimmed.after:,} of {trimmed.before:,} tokens."
        self._tell(Told.NOTE, {"sentence": sentence, "tokens": trimmed.after})

    def _quantise(self, folder: Path, card: ModelCard) -> ModelCard:
        """int8 matrices; int8 tables, too, unless the paired test says that they lose rows."""
        card = replace(card, serve=INT8_FILE)
        whole = self._scratch / f"{folder.name}.onnx"  # an encoder's folder has a single file that serves
        os.replace(folder / ONNX_FILE, whole)
        if card.runtime == "picture":
            stored = store_in_8_bits(whole, folder / INT8_FILE)
            whole.unlink()
            self._tell(Told.NOTE, {"sentence": f"The weights of {stored} layers are stored in 8 bits."})
            return card
        quantise(whole, folder / INT8_FILE, tables=False)
        before = self._right(folder, card)
        quantise(whole, folder / INT8_FILE, tables=True)
        found = paired("int8 with float tables", self._right(folder, card), before)
        if found.losses > found.wins and found.p < LEVEL:
            quantise(whole, folder / INT8_FILE, tables=False)
            self._tell(Told.NOTE, {"sentence": f"The word tables stay float: int8 ones are {_lower(found.sentence)}"})
        else:
            self._tell(Told.NOTE, {"sentence": f"The word tables are int8: {_lower(found.sentence)}"})
        whole.unlink()
        return card

    def _pack(self, folder: Path, card: ModelCard) -> None:
        """Write the file that is served without its zeros; it must answer as before, to the last digit."""
        probes = self._source.taught[:_PROBES]
        write_card(folder, card)
        before = answers_of(folder, probes)
        _own(folder / card.serve)
        packed = pack_zeros(folder / card.serve)
        write_card(folder, card)
        if not np.array_equal(answers_of(folder, probes), before):
            raise BadInstallation("The network answers otherwise when its zeros are packed.")
        self._tell(Told.NOTE, {"sentence": f"Of {packed} matrices only what is not zero is kept."})

    def _right(self, folder: Path, card: ModelCard) -> Flags:
        """Which validation rows a folder has right, before it is sealed."""
        write_card(folder, card)
        if card.task == "embed":
            return judged_pairs(f"path:{folder}", card, self._source.valid, "the validation data")[0]
        if card.task == "score":
            scored = [each for each in self._source.valid.examples if each.score is not None]
            given = outputs(folder, [each.text for each in scored]).logits[:, 0]
            return np.asarray(np.sign(given) == np.sign([each.score or 0.0 for each in scored]), np.bool_)
        rows = [each for each in self._source.valid.examples if each.label is not None]
        best = outputs(folder, [each.text for each in rows]).logits.argmax(axis=1)
        return np.array([card.labels[place] == each.label for place, each in zip(best, rows, strict=True)])

    def _is_sealed(self) -> bool:
        """Whether the source was calibrated in this very form on the same validation rows."""
        card = self._source.card
        same = card.serve == ONNX_FILE and card.valid_sha256 == self._source.valid.sha256
        return same and (card.task in {"score", "embed"} or (self._source.folder / SCOPE_FILE).exists())

    def _as_it_was(self, folder: Path, card: ModelCard) -> ModelCard:
        if (self._source.folder / SCOPE_FILE).exists():
            shutil.copyfile(self._source.folder / SCOPE_FILE, folder / SCOPE_FILE)
        return write_card(folder, card)


def _link(source: Path, target: Path) -> None:
    """The same file twice where the disk can do that: weights are large, and a ladder has many rungs."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _own(path: Path) -> None:
    """Make a linked file the folder's own before it is written to."""
    if path.exists():
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
