"""The recipe `pretrain_clm`: a generator goes on learning its language, on a company's own texts.

Words that the company often uses become tokens of their own. Texts that are shorter than a row share it, and none of
them sees another. The result is a base: `base_model=path:DIR` of `sft_lora`, and may be served as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory.language.corpus import texts_of
from kefu.factory.language.generators import Generator
from kefu.factory.language.lessons import rows_of
from kefu.factory.language.teaching import GeneratorOptions, begin, fitting, teach_generator
from kefu.factory.language.words import extended, grow
from kefu.factory.options import read_options
from kefu.kit.errors import BadInput


class PretrainClmOptions(GeneratorOptions):
    """Options of `pretrain_clm`."""

    learning_rate: float = Field(default=1e-4, gt=0, lt=1, description="the generator's highest learning rate")
    num_train_epochs: int = Field(default=2, ge=1, le=1000, description="how often every text is seen")
    max_tokens: int = Field(default=256, ge=16, le=8192, description="tokens of a row; longer texts become several")
    lora_r: int = Field(default=0, ge=0, le=256, description="the rank of each product; 0: every weight learns")
    new_words: int = Field(default=200, ge=0, le=20_000, description="at most so many words become tokens; 0: none")
    new_word_count: int = Field(default=20, ge=2, description="how often a word stands in the texts at least")


class PretrainClmRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(PretrainClmOptions, "pretrain_clm", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        options = self._options
        base = begin(options, job)
        texts = texts_of(data)
        base = with_words(base, texts, most=options.new_words, least=options.new_word_count, tell=tell)
        parts = tuple(
            fitting(
                rows_of(base.tokenizer, each, end_id=base.end_id, max_tokens=options.max_tokens), options, tell, "texts"
            )
            for each in (texts, texts_of(valid))
        )
        return teach_generator(
            job,
            data,
            valid,
            tell,
            recipe="pretrain_clm",
            options=options,
            base=base,
            texts=(parts[0], parts[1]),
            words=texts,
        )


def with_words(base: Generator, texts: Sequence[str], *, most: int, least: int, tell: Tell) -> Generator:
    """The base with the company's words in its tokenizer, and a row for each of them in its tables."""
    found = extended(base.tokenizer, texts, most=most, least=least)
    if not found.words:
        return base
    if base.own_table is not None:
        raise BadInput(
            f"{base.reference} tells words by a table of its own, which cannot grow: set new_words=0.",
            reference=base.reference,
        )
    grow(base.encoder, found)
    tell(Told.NOTE, {"sentence": found.sentence})
    return replace(base, tokenizer=found.tokenizer, is_grown=True)
