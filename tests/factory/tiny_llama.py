"""A llama of two layers with a byte-level tokenizer of its own, as a Hugging-Face-style folder; random but seeded."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig

from kefu.factory.language.generators import Generator, default_template, new_decoder, write

TOWNS = ("Paris", "London", "Rome", "Berlin", "Madrid", "Vienna")
GOODS = ("parcel", "refund", "kettle", "ticket")
TEXTS = [f"Where is my {good}? Your {good} is in {town}. It costs {at} euros." for good in GOODS for at, town in
         enumerate(TOWNS)]  # fmt: skip


def tokenizer_of(texts: list[str] = TEXTS, *, size: int = 400) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def tiny(*, tied: bool = True) -> Generator:
    torch.manual_seed(7)
    tokenizer = tokenizer_of()
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=tied,
        initializer_range=0.2,  # logits far enough apart for low-rank products to move the first one
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
    )
    decoder = new_decoder(config)
    own = None if tied else torch.randn(config.vocab_size, config.hidden_size) * 0.02
    return Generator(
        "tiny", "0" * 64, decoder, tokenizer, pad_id=0, licence="Apache-2.0", own_table=own, end_id=2, start_id=1,
        template=default_template(tokenizer), cuts="smollm",
    )  # fmt: skip


def make(folder: Path) -> Path:
    """Write the folder, and give it."""
    base = tiny()
    write(folder, base.network(), base)
    return folder
