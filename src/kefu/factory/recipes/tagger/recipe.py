"""The recipe `tagger`: every weight of a sentence encoder learns which pieces of a text are which slot.

Each token gets one of O, B-slot, I-slot by cross-entropy; what is served is the best tagging that is one at all. The
slots that had been asked for stand before the text as words, so that "7" after "what time?" is a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory import checkpoints
from kefu.factory.bases import Base, load_base
from kefu.factory.compress.int8 import quantise
from kefu.factory.course import base_for, draft, prepare, started_with
from kefu.factory.evaluate.spans import span_f1
from kefu.factory.evaluate.tagging import served_spans
from kefu.factory.export import INT8_FILE, ONNX_FILE, write_network
from kefu.factory.loop import LoopOptions, fit
from kefu.factory.network import TextNetwork, TokenNetwork
from kefu.factory.options import read_options
from kefu.factory.seal import fit_temperature, write_card
from kefu.factory.tagging import Read, TagLesson, read_rows, token_logits
from kefu.kit.errors import BadInput
from kefu.knowledge.tagging.lattice import tag_names
from kefu.knowledge.tagging.rows import slots_of, tagged_rows


class TaggerOptions(LoopOptions):
    """Options of `tagger`."""

    int8: bool = Field(default=True, description="whether the 8-bit form is served where it costs little")
    int8_allow: float = Field(default=0.5, ge=0, le=100, description="points of span F1 that the 8-bit form may cost")


class TaggerRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(TaggerOptions, "tagger", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        if job.extend:
            raise BadInput("A tagger cannot be extended; train it on all the rows.", extend=job.extend)
        options, out = self._options, Path(job.out)
        prepare(options)
        rows, checked = tagged_rows(data, "the data"), tagged_rows(valid, "the validation data")
        slots = slots_of(rows)
        if not slots:
            raise BadInput("No row of the data has a slot in it.")
        texts = [row.text for row in rows]
        base = load_base(options.base_model or base_for(texts))
        network = TokenNetwork(base.encoder, len(tag_names(slots)), dropout=options.dropout)
        taught = read_rows(base.tokenizer, rows, slots, max_tokens=options.max_tokens)
        lesson = TagLesson(
            tokens=taught.tokens,
            targets=taught.targets,
            valid=read_rows(base.tokenizer, checked, slots, max_tokens=options.max_tokens),
            slots=slots,
            pad_id=base.pad_id,
            batch=options.per_device_train_batch_size,
            seed=options.seed,
            bf16=options.bf16,
        )
        started = started_with(options, base, data, "tagger")
        fitted = fit(network, lesson, options, out=out, tell=tell, started_with=started, resume=job.resume)
        card = draft(out, options, base, fitted, recipe="tagger", task="tag", texts=texts, data=data)
        card = replace(card, labels=slots, valid_sha256=valid.sha256)
        card = replace(card, temperature=temperature(network, lesson.valid, base.pad_id))
        card = _exported(out, card, network, base, tell)
        if options.int8:
            card = _smaller(out, card, lesson.valid, options.int8_allow, tell)
        checkpoints.remove(out)
        return card


def _exported(out: Path, card: ModelCard, network: TextNetwork, base: Base, tell: Tell) -> ModelCard:
    """Write the network and what serves it, compare both, write the card."""
    tags = tag_names(card.labels)
    written = write_network(out, network, base.tokenizer, tags, pad_id=base.pad_id, max_tokens=card.max_tokens)
    sentence = f"Exported, loaded again and compared: the largest difference is {written.largest:.2g}."
    tell(Told.NOTE, {"sentence": sentence})
    return write_card(out, replace(card, metrics={**card.metrics, "export_difference": written.largest}))


def temperature(network: TextNetwork, read: Read, pad_id: int) -> float:
    """The most likely temperature over all pieces of the validation rows."""
    logits = token_logits(network, read, pad_id)
    meant = [tag for row in read.targets for tag in row if tag >= 0]
    return fit_temperature(np.concatenate(logits), np.array(meant, np.int64)) if meant else 1.0


def _smaller(out: Path, card: ModelCard, valid: Read, allow: float, tell: Tell) -> ModelCard:
    """The card that serves the 8-bit form, or the card as it was where that form costs more than `allow` points."""
    quantise(out / ONNX_FILE, out / INT8_FILE, tables=True)
    smaller = write_card(out, replace(card, serve=INT8_FILE, variant="int8"))
    before, after = float(card.metrics["valid_span_f1"]), _served_f1(out, valid)
    lost = 100 * (before - after)
    tell(Told.NOTE, {"sentence": f"8-bit: span F1 {before:.4f} before, {after:.4f} after."})
    if lost <= allow:
        (out / ONNX_FILE).unlink()
        return write_card(out, smaller)
    (out / INT8_FILE).unlink()
    tell(Told.NOTE, {"sentence": f"It costs {lost:.2f} points, {allow:g} are allowed: the 32-bit form is served."})
    return write_card(out, card)


def _served_f1(folder: Path, valid: Read) -> float:
    rows: Sequence[Any] = valid.rows
    return span_f1(rows, served_spans(folder, rows))
