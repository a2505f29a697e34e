"""The ladder: a trained network made smaller and faster rung by rung, each judged against the fp32 model.

A rung adds one reduction to the last form that was kept. It is sealed again (temperature, scope, threshold), asked all
validation rows as it is served, and refused with its figures when it loses more than is allowed.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard, read_card
from kefu.factory.card import README
from kefu.factory.compress.measure import Measured, measure, race
from kefu.factory.compress.table import LADDER, MEASURES, Ladder, Rung, readme_section, write_ladder
from kefu.factory.compress.workshop import Form, Manner, Source, Workshop, checked_source, with_network
from kefu.factory.data.read import read
from kefu.factory.data.version import keep, kept
from kefu.factory.evaluate.exam import Exam, exam_of, texts_of
from kefu.factory.evaluate.paired import paired
from kefu.factory.options import RecipeOptions, read_options
from kefu.factory.seal import write_card
from kefu.kit.errors import BadInput, MissingExtra
from kefu.kit.optional import require
from kefu.knowledge.pairs import pairs_of

FP32, INT8, TRIM, FLOOR, LAYERS = "fp32", "int8", "trim-vocabulary", "drop-floor", "drop-layers"
HEADS, NEURONS, WEIGHTS = "prune-heads", "prune-neurons", "prune-weights"
RUNGS = (INT8, TRIM, FLOOR, LAYERS, HEADS, NEURONS, WEIGHTS)
# What bare prune rungs leave out: a fifth to two fifths of heads hardly matter (Michel 2019); of weights that are
# taught again, half (Gordon 2020 finds 30 to 40% free without).
_SHARES = {HEADS: 0.25, NEURONS: 0.25, WEIGHTS: 0.5}
# An area under the curve of a few hundred texts moves by about as much from one draw of them to the next.
_SCOPE_ALLOWED = 0.01
# What bare `drop-layers` keeps: fewer lose points even after training (DistilBERT keeps half and loses 3%).
_KEPT_LAYERS = 2 / 3
_EVENTS = "events.jsonl"


class CompressOptions(RecipeOptions):
    """Options of `compress`."""

    rungs: str | list[str] = Field(
        default=",".join(RUNGS), description=f"of {', '.join(RUNGS)}; drop-layers:N keeps N, prune-…:S takes that share"
    )
    allow: float = Field(default=0.5, ge=0, le=100, description="points that a rung may lose against fp32")
    frequent: int = Field(default=3000, ge=0, description="tokens kept by trim-vocabulary beside those of the texts")
    epochs: int = Field(
        default=1, ge=0, le=100, description="of training after drop-layers and each prune rung; 0 for none"
    )
    keep: str = Field(default="", description="a folder that every rung's model is put into")

    @property
    def asked(self) -> list[str]:
        """The rungs in order."""
        given = self.rungs.split(",") if isinstance(self.rungs, str) else self.rungs
        return [each.strip() for each in given if each.strip() and each.strip() != FP32]

    @property
    def manner(self) -> Manner:
        """What the workshop needs of it."""
        return Manner(self.epochs, self.frequent, self.seed, self.processor_threads)


def compress(job: Job, tell: Tell) -> Mapping[str, Any]:
    """Climb the ladder with the model `job.model` and write the best rung that passed into `job.out`.

    `job.valid` is what it is judged and calibrated on, its own copy of the validation data by default; `job.oos` holds
    texts out of scope; `job.data` is read only where the model keeps no copy of what it was taught. Gives the best
    rung's metrics and `rungs`. Raises BadInput, MissingExtra, BadInstallation for a model that was tampered with.
    """
    for name in ("model", "out"):
        if not getattr(job, name):
            raise BadInput(f"Compressing needs {name}.", missing=name)
    options = read_options(CompressOptions, "compress", job.options)
    _check_rungs(options.asked)
    out = Path(job.out)
    _must_be_new(out)
    source, exam = _source(job)
    _check_extras(options.asked, wanted="rungs" in job.options)
    _make_folder(out)
    rows = len(exam.inside) or len(exam.data.examples)
    tell(Told.STARTED, {"kind": "compress", "recipe": source.card.recipe, "rows": rows} | _labels(source.card))
    with tempfile.TemporaryDirectory(prefix="kefu-ladder-", dir=out.parent) as scratch:
        source = with_network(source, Path(scratch) / "whole")
        workshop = Workshop(source, Path(scratch), options.manner, tell)
        _check_layers(options.asked, source)
        ladder = _Ladder(source, exam, workshop, options, tell)
        ladder.climb(options.asked, wanted="rungs" in job.options)
        if options.keep:
            ladder.keep(Path(options.keep))
        shutil.copytree(ladder.best.folder, out, dirs_exist_ok=True)
    card = _finished(out, ladder, source, options, tell)
    metrics = {name: value for name, value in card.metrics.items() if isinstance(value, int | float)}
    return {**metrics, "out": str(out), "best": ladder.best.name, "rungs": [each.table() for each in ladder.rungs]}


@dataclass(frozen=True)
class Made:
    """A rung that was made: its folder and what it answered."""

    name: str
    form: Form
    folder: Path
    card: ModelCard
    measured: Measured


def refusal(made: Made, fp32: Made, best: Made, *, allow: float) -> str:
    """Why a rung is not kept, with the figures; empty where it is. `best` is the smallest that was kept before it."""
    lost = -100 * paired("fp32", made.measured.right, fp32.measured.right).difference
    if lost > allow:
        return f"it loses {lost:.2f} points; {allow:g} are allowed."
    now, before = made.measured.figures.get("oos_auroc"), fp32.measured.figures.get("oos_auroc")
    if now is not None and before is not None and before - now > _SCOPE_ALLOWED:
        return f"its out-of-scope AUROC falls from {before:.4f} to {now:.4f}; {_SCOPE_ALLOWED:g} is allowed."
    size, least = made.card.metrics["size_mb"], best.card.metrics["size_mb"]
    return f"it saves nothing: {size:g} MB after {least:g}." if size >= least else ""


class _Ladder:
    """The climb: `rungs` are what came of each, `best` the last that was kept."""

    def __init__(self, source: Source, exam: Exam, workshop: Workshop, options: CompressOptions, tell: Tell) -> None:
        self._source, self._exam, self._workshop = source, exam, workshop
        self._options, self._tell = options, tell
        self.rungs: list[Rung] = []
        self._made: list[Made] = []
        self._fp32 = self._make(FP32, Form())
        self.best = self._fp32
        self._note(self._rung(self._fp32, "kept", ""))

    def climb(self, asked: Sequence[str], *, wanted: bool) -> None:
        """Try each rung; one that cannot be made here is skipped unless it was `wanted` by name."""
        for done, name in enumerate(asked):
            self._tell(Told.PROGRESS, {"done": done, "total": len(asked), "unit": "rungs"})
            form, why_not = self._form(name)
            if form is None:
                self._note(Rung(name, "", "skipped", why_not))
                continue
            try:
                made = self._make(name, form)
            except (MissingExtra, BadInput) as error:
                if wanted:
                    raise
                self._note(Rung(name, form.variant, "skipped", error.sentence))
                continue
            refused = refusal(made, self._fp32, self.best, allow=self._options.allow)
            self._note(self._rung(made, "refused" if refused else "kept", refused))
            if not refused:
                self.best = made

    def keep(self, folder: Path) -> None:
        """Put every rung's model below a folder."""
        for each in self._made:
            shutil.copytree(each.folder, folder / _slug(each.name), dirs_exist_ok=True)

    def _form(self, name: str) -> tuple[Form | None, str]:
        """The best form with one more reduction, or why there is none."""
        before = self.best.form
        kind, _, number = name.partition(":")
        if kind == FLOOR and not self._source.has_floor:
            return None, "The model has no linear floor."
        if kind == FLOOR and not self._exam.outside:
            return None, "Without texts out of scope nothing tells whether the floor is needed; give some with --oos."
        if kind != INT8 and self._source.card.runtime == "picture":
            return None, "A network of pictures has neither words nor such layers: int8 is its only rung."
        if kind in {HEADS, NEURONS} and self._source.card.task == "embed":
            return None, f"What {kind} may take is told by labels, and an encoder has none; use {LAYERS}."
        changed: dict[str, Any] = {INT8: {"int8": True}, TRIM: {"trimmed": True}, FLOOR: {"floor": False}}.get(kind, {})
        if kind == LAYERS:
            changed = {"layers": int(number) if number else self._usual_layers()}
        elif kind in _SHARES:
            changed = {kind.removeprefix("prune-"): float(number) if number else _SHARES[kind]}
        return replace(before, **changed), ""

    def _usual_layers(self) -> int:
        return max(1, round(_KEPT_LAYERS * (_layers(self._source) or 1)))

    def _make(self, name: str, form: Form) -> Made:
        folder, card = self._workshop.make(form, f"{len(self._made)}-{_slug(name)}")
        made = Made(name, form, folder, card, measure(folder, card, self._exam))
        self._made.append(made)
        return made

    def _rung(self, made: Made, outcome: Any, reason: str) -> Rung:
        first = self._fp32
        texts = [each.text for each in self._exam.inside or self._exam.data.examples]
        own, theirs = race(first.folder, made.folder, made.card, texts)
        against = paired("fp32", made.measured.right, first.measured.right) if made is not first else None
        return Rung(
            name=made.name,
            variant=made.form.variant,
            outcome=outcome,
            reason=reason,
            size_mb=made.card.metrics["size_mb"],
            pace=theirs if made is not first else own,
            accuracy=made.measured.accuracy,
            figures=made.measured.figures,
            against_fp32=against,
        )

    def _note(self, rung: Rung) -> None:
        self.rungs.append(rung)
        fields = {"rung": rung.name, "outcome": rung.outcome, "size_mb": rung.size_mb, "accuracy": rung.accuracy}
        self._tell(Told.NOTE, {"sentence": _sentence(rung), **fields})


def _source(job: Job) -> tuple[Source, Exam]:
    folder = Path(job.model)
    card = read_card(folder)
    train = kept(folder / "data", name="train") or (read(Path(job.data)) if job.data else None)
    valid = read(Path(job.valid)) if job.valid else kept(folder / "data", name="valid")
    if train is None or valid is None:
        missing = "--data FILE (what it was taught)" if train is None else "--valid FILE"
        raise BadInput(f"{folder} keeps no copy of its data: pass {missing}.", folder=str(folder))
    return checked_source(folder, card, train, valid), _exam(card, valid, job.oos)


def _exam(card: ModelCard, valid: Dataset, oos: str) -> Exam:
    if card.task == "embed":
        pairs_of(valid, "the validation data")
    if card.task in {"score", "embed"}:
        return Exam("the validation data", valid, (), ())
    return exam_of(valid, "the validation data", outside=texts_of(Path(oos)) if oos else ())


def _finished(out: Path, ladder: _Ladder, source: Source, options: CompressOptions, tell: Tell) -> ModelCard:
    """The best rung's folder made whole: its data, report, card, README and the ladder."""
    from kefu.factory.evaluate.bench import judged_and_reported

    measure = MEASURES.get(source.card.task, "accuracy")
    climbed = Ladder(ladder.rungs, len(ladder.best.measured.right), options.allow, measure)
    keep(source.train, out / "data", name="train")
    keep(source.valid, out / "data", name="valid")
    write_ladder(out, climbed)
    card = judged_and_reported(out, ladder.best.card, source.valid, tell)
    found = {name: round(value, 6) for name, value in ladder.best.measured.figures.items() if value is not None}
    faster = ladder.rungs[_place(ladder)].pace
    added = {"times_fp32_speed": faster.faster} if faster is not None else {}
    # The exam here may hold texts out of scope that the validation data do not.
    card = write_card(out, replace(card, metrics={**card.metrics, **_scope_only(found), **added}))
    with (out / README).open("a", encoding="utf-8") as stream:
        stream.write(readme_section(climbed))
    return card


def _place(ladder: _Ladder) -> int:
    return max(place for place, each in enumerate(ladder.rungs) if each.outcome == "kept")


def _scope_only(found: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in found.items() if name.startswith("oos_")}


def _check_rungs(asked: Sequence[str]) -> None:
    for name in asked:
        kind, colon, number = name.partition(":")
        if kind not in RUNGS or (colon and not _is_amount(kind, number)):
            raise BadInput(
                f"There is no rung {name!r}. Rungs: {', '.join(RUNGS)}; {LAYERS}:N keeps N layers, {HEADS}:0.3 leaves "
                "out 30% of the heads, and likewise neurons and weights.",
                rung=name,
            )


def _is_amount(kind: str, number: str) -> bool:
    if kind == LAYERS:
        return number.isdigit() and int(number) >= 1
    try:
        return kind in _SHARES and 0 < float(number) < 1
    except ValueError:
        return False


def _check_layers(asked: Sequence[str], source: Source) -> None:
    """Raises BadInput before the first rung: a number that no cut can keep would be told after all rungs before it."""
    layers = _layers(source)
    for name in asked:
        kind, _, number = name.partition(":")
        if kind == LAYERS and number and layers and int(number) >= layers:
            raise BadInput(f"{name}: the network has {layers} layers; keep fewer.", rung=name, layers=layers)


def _layers(source: Source) -> int:
    """How many the network has; 0 where its configuration does not say so."""
    config = source.folder / "config.json"
    table = json.loads(config.read_text(encoding="utf-8")) if config.exists() else {}
    return int(table.get("num_hidden_layers") or table.get("n_layers") or 0)


def _check_extras(asked: Sequence[str], *, wanted: bool) -> None:
    """Raises MissingExtra before any work: without onnx nothing gets smaller, without torch nothing can be cut."""
    kinds = {name.partition(":")[0] for name in asked}
    if {INT8, TRIM} & kinds:
        require("onnx", extra="train")
    if wanted and kinds & {LAYERS, *_SHARES}:
        require("torch", extra="train")


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}.", out=str(out)) from error


def _must_be_new(out: Path) -> None:
    if out.is_file():
        raise BadInput(f"{out} is a file; --out takes a folder.", out=str(out))
    if out.is_dir() and any(each.name != _EVENTS for each in out.iterdir()):
        raise BadInput(f"{out} is not empty; choose another folder.", out=str(out))


def _labels(card: ModelCard) -> dict[str, int]:
    return {"labels": len(card.labels)} if card.labels else {}


def _sentence(rung: Rung) -> str:
    if rung.pace is None or rung.accuracy is None:
        return f"{rung.name}: {rung.outcome}. {rung.reason}"
    figures = f"{rung.size_mb:.1f} MB, {rung.pace.p50:.1f} ms, {100 * rung.accuracy:.2f}%"
    return f"{rung.name}: {rung.outcome}, {figures}. {rung.reason[:1].upper()}{rung.reason[1:]}".rstrip()


def _slug(name: str) -> str:
    return name.replace(":", "-")


__all__ = ["FP32", "LADDER", "RUNGS", "CompressOptions", "Made", "compress", "refusal"]
