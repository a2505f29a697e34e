"""The recipe `sft_lora`: a small language model learns to answer as chats show it, by low-rank products (Hu 2021).

Only answers are learnt. Afterwards the products are merged and the generator is written as GGUF: what `kefu up` runs.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory.language.answering import answers
from kefu.factory.language.chats import chats_of, turns_of
from kefu.factory.language.judging import asked_of, figures, spread
from kefu.factory.language.teaching import GeneratorOptions, begin, fitting, teach_generator
from kefu.factory.options import read_options


class SftLoraOptions(GeneratorOptions):
    """Options of `sft_lora`."""

    learning_rate: float = Field(default=5e-4, gt=0, lt=1, description="the products' highest learning rate")
    num_train_epochs: int = Field(default=2, ge=1, le=1000, description="how often every chat is seen")
    questions: int = Field(default=60, ge=1, le=100_000, description="held chats that are answered before and after")
    answer_tokens: int = Field(default=96, ge=1, le=2048, description="the longest answer to them")


class SftLoraRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(SftLoraOptions, "sft_lora", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        options = self._options
        chats, held = chats_of(data, "the data"), chats_of(valid, "the validation data")
        base = begin(options, job)
        turns, measured = (
            fitting([turns_of(base, chat) for chat in each], options, tell, "chats") for each in (chats, held)
        )
        asked = [asked_of(chat) for chat in spread(held, options.questions)]
        given = answers(base.network(), base, [each.chat for each in asked], most=options.answer_tokens)
        before = {name: value for name, value in figures(asked, given).items() if value is not None}
        tell(Told.NOTE, {"sentence": f"Before: {before['accuracy']:.1%} of {len(asked)} held questions right."})
        return teach_generator(
            job,
            data,
            valid,
            tell,
            recipe="sft_lora",
            options=options,
            base=base,
            texts=(turns, measured),
            words=[each["content"] for chat in chats for each in chat if each["role"] != "system"],
            before=before,
        )
