"""The recipe `score`: every weight of a sentence encoder learns to give a number from -1 to 1."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell
from kefu.contracts.model_card import ModelCard
from kefu.factory.bases import Base, load_base, new_network
from kefu.factory.batches import tokenize
from kefu.factory.course import base_for, draft, finish, prepare, started_with
from kefu.factory.lessons import Checked, ScoreLesson
from kefu.factory.loop import LoopOptions, fit
from kefu.factory.options import read_options
from kefu.kit.errors import BadInput


class ScoreRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(LoopOptions, "score", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        if job.extend:
            raise BadInput("A model that gives numbers has no labels to extend.", extend=job.extend)
        options, out = self._options, Path(job.out)
        prepare(options)
        texts, scores = scored(data)
        base = load_base(options.base_model or base_for(texts))
        network = new_network(base, 1, dropout=options.dropout)
        with torch.no_grad():  # the mean is the best guess of a network that knows nothing yet
            network.head.weight.zero_()
            network.head.bias.fill_(sum(scores) / len(scores))
        lesson = ScoreLesson(
            tokens=tokenize(base.tokenizer, texts, max_tokens=options.max_tokens),
            pad_id=base.pad_id,
            scores=torch.tensor(scores),
            valid=self._checked(base, valid),
            batch=options.per_device_train_batch_size,
            seed=options.seed,
            bf16=options.bf16,
        )
        started = started_with(options, base, data, "score")
        fitted = fit(network, lesson, options, out=out, tell=tell, started_with=started, resume=job.resume)
        card = draft(out, options, base, fitted, recipe="score", task="score", texts=texts, data=data)
        return finish(out, replace(card, valid_sha256=valid.sha256), network, base, data=data, valid=valid, tell=tell)

    def _checked(self, base: Base, valid: Dataset) -> Checked:
        rows = [(each.text, each.score) for each in valid.examples if each.score is not None]
        tokens = tokenize(base.tokenizer, [text for text, _ in rows], max_tokens=self._options.max_tokens)
        return Checked(tokens, torch.tensor([score for _, score in rows], dtype=torch.float32))


def scored(data: Dataset) -> tuple[list[str], list[float]]:
    """Texts and their numbers. Raises BadInput for data without numbers, or with one that is not from -1 to 1."""
    rows = [(each.text, each.score, each.row) for each in data.examples if each.score is not None]
    if not rows:
        raise BadInput("The data hold no numbers; the recipe score needs a column `score`.")
    for _, score, row in rows:
        if not -1 <= score <= 1:
            raise BadInput(
                f"Row {row} has the score {score}; scores are from -1 to 1. Divide all by the largest.", row=row
            )
    return [text for text, _, _ in rows], [score for _, score, _ in rows]
