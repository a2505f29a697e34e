"""A model's card: what a version is, what it was made from, what it reached, and the hash of each of its files.

A model is a folder. `card.json` in it is this card; `README.md` says the same to people.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from kefu.kit.errors import BadInstallation

CARD_FILE = "card.json"
# A language's code, which names a folder of the model.
_LANGUAGE = re.compile(r"[a-z]{2,3}")

# A label for a text, a number for it, the slots in it, a vector by which it is found; an order of passages; words in
# its gaps; an answer.
Task = Literal["classify", "score", "tag", "embed", "rerank", "language", "generate"]
# What runs a model without torch: TF-IDF weights, a linear head on a frozen encoder, a whole network as ONNX, of texts
# or of pictures (each a data URL in place of a text), or a generator's GGUF. A base of others is for torch alone.
Runtime = Literal["linear", "head", "onnx", "picture", "gguf", "torch"]


@dataclass(frozen=True)
class ModelFile:
    """A file of the model by its path in the folder."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Slice:
    """How a part of the test did: `right` of `rows`."""

    rows: int
    right: int

    @property
    def accuracy(self) -> float:
        return self.right / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class OwnHead:
    """What tells a language's texts from the vectors of an encoder of its own.

    Its files are in the model's folder of the language's name; its logits are divided by its own `temperature`.
    """

    language: str
    base_model: str
    base_sha256: str
    temperature: float = 1.0


@dataclass(frozen=True)
class Judged:
    """What a version answered on a test, so that two versions can be compared row by row.

    `right` holds a character for each row of the test in its order, 1 for a right answer and 0 for a wrong one.
    """

    data_sha256: str
    right: str
    slices: Mapping[str, Slice] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelCard:
    """What there is to say of a model version.

    `labels` are in the order of its logits; a tagger's are its slots, of which each has two tags. `serve` is the
    file that the runtime runs. Logits are divided by `temperature` before their softmax; a text whose scope (0 to
    1) is below `scope_threshold` is out of scope. A network's logits are added to `floor_weight` times those of the
    linear floor, where it has one beside it. Texts of a language with one of `own_heads` are told by that, all others
    by the model itself. An encoder wants its prefixes before questions and passages. A
    reranker reads the first `rerank_reads` passages; its logits count `rerank_weight` beside search's scores.
    `metrics` are shares from 0 to 1 unless their name says a unit (`latency_p95_ms`, `size_mb`).
    """

    name: str
    task: Task
    recipe: str
    runtime: Runtime
    serve: str
    labels: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    base_model: str | None = None
    base_sha256: str | None = None
    variant: str = "fp32"
    own_heads: tuple[OwnHead, ...] = ()
    max_tokens: int = 64
    query_prefix: str = ""
    passage_prefix: str = ""
    temperature: float = 1.0
    scope_threshold: float | None = None
    floor_weight: float = 0.0
    rerank_reads: int = 0
    rerank_weight: float = 0.0
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    data_sha256: str = ""
    valid_sha256: str = ""
    parents: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    judged: Judged | None = None
    licence: str = ""
    limits: tuple[str, ...] = ()
    created: str = ""
    kefu: str = ""
    files: tuple[ModelFile, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> "ModelCard":
        """The card that a JSON table holds; fields of a later Kefu are ignored.

        Raises BadInstallation for a table that is not a card.
        """
        known = {each.name for each in fields(cls)}
        try:
            given = {name: value for name, value in table.items() if name in known}
            for name in ("labels", "languages", "parents", "limits"):
                given[name] = tuple(given.get(name, ()))
            given["files"] = tuple(ModelFile(**each) for each in given.get("files", ()))
            given["judged"] = _judged(given.get("judged"))
            given["own_heads"] = _own_heads(given.get("own_heads", ()))
            return cls(**given)
        except (AttributeError, TypeError, ValueError, KeyError) as error:
            raise BadInstallation(f"The model's card cannot be understood: {error}.") from error


def _judged(table: Mapping[str, Any] | None) -> Judged | None:
    if table is None:
        return None
    slices = {name: Slice(**each) for name, each in table.get("slices", {}).items()}
    return Judged(table["data_sha256"], table["right"], slices)


def _own_heads(table: Iterable[Mapping[str, Any]]) -> tuple[OwnHead, ...]:
    found = tuple(OwnHead(**each) for each in table)
    languages = [each.language for each in found]
    if not all(_LANGUAGE.fullmatch(each) for each in languages) or len(set(languages)) < len(languages):
        raise ValueError(f"its own heads are of the languages {', '.join(map(repr, languages))}")
    if any(not each.temperature > 0 for each in found):
        raise ValueError("the temperature of a head must be above 0")
    return found


def read_card(folder: Path) -> ModelCard:
    """The card of the model in a folder. Raises BadInstallation for a folder without a readable one."""
    try:
        table = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInstallation(
            f"{folder} holds no model: its {CARD_FILE} cannot be read.", folder=str(folder)
        ) from error
    if not isinstance(table, dict):
        raise BadInstallation(f"{folder / CARD_FILE} does not hold a table.", folder=str(folder))
    return ModelCard.from_table(table)
