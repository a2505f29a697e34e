"""Tokenizers: a company's own words become tokens of one that is there, or a new one is made from its texts.

The words are put into the tokenizer's model itself, not beside it: whoever serves it, llama.cpp too, cuts texts alike.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rjieba
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn

from kefu.kit.errors import BadInput
from kefu.knowledge.masking.entity import PLACEHOLDER

PAD, UNKNOWN, START, END, GAP = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
# Special tokens come first in a tokenizer that is made here, in the order above.
PAD_ID = 0
# How other families call a gap.
GAPS = (GAP, "<mask>")
# Shorter ones save nothing; longer ones are addresses and codes.
_SHORTEST, _LONGEST = 4, 30
_BYTE_SPACE, _WORD_BEGINS = "Ġ", "▁"
# Of a unigram model: how much likelier a new word is than its pieces, so that it is taken whole.
_BONUS = 1.0


# Words that a note names.
_NAMED = 10


@dataclass(frozen=True)
class Extended:
    """A tokenizer with more words, and the pieces that each new token was cut into before, by the token's number."""

    tokenizer: Tokenizer
    words: tuple[str, ...]
    pieces: Mapping[int, tuple[int, ...]]

    @property
    def sentence(self) -> str:
        more = " …" if len(self.words) > _NAMED else ""
        return f"{len(self.words)} words became tokens: {', '.join(self.words[:_NAMED])}{more}"


def extended(tokenizer: Tokenizer, texts: Sequence[str], *, most: int, least: int) -> Extended:
    """Up to `most` words that stand `least` times in the texts and are cut into pieces, those that save most first."""
    words = _worth(tokenizer, texts, most=most, least=least) if most else []
    if not words:
        return Extended(tokenizer, (), {})
    table = json.loads(tokenizer.to_str())
    model = table["model"]
    if tokenizer.get_vocab_size(with_added_tokens=True) != len(model["vocab"]):
        # New words would get the numbers of tokens that stand beside the model.
        raise BadInput("This tokenizer keeps tokens beside its model, so no words can be put in: set new_words=0.")
    add = {"WordPiece": _into_word_pieces, "BPE": _into_pairs, "Unigram": _into_unigrams}.get(model["type"])
    if add is None:
        raise BadInput(f"Words cannot be put into a tokenizer of the kind {model['type']}: set new_words=0.")
    pieces: dict[int, tuple[int, ...]] = {}
    for word in words:
        pieces.update(add(model, word, tuple(_ids(tokenizer, word))))
    return Extended(Tokenizer.from_str(json.dumps(table, ensure_ascii=False)), tuple(words), pieces)


@torch.no_grad()
def grow(encoder: nn.Module, found: Extended) -> None:
    """Give an encoder a row for each new token: the mean of those of its pieces, so that it begins where they were."""
    if not found.pieces:
        return
    network: Any = encoder
    before = network.get_input_embeddings().weight.detach().clone()
    network.resize_token_embeddings(found.tokenizer.get_vocab_size(), mean_resizing=False)
    table = network.get_input_embeddings().weight
    table[: len(before)] = before
    for token, pieces in sorted(found.pieces.items()):  # a piece may be a token that was new just before
        table[token] = table[list(pieces)].mean(0)


def gap_of(tokenizer: Tokenizer) -> int:
    """The number of the token that stands for a gap. Raises BadInput for a tokenizer without one."""
    found = next((tokenizer.token_to_id(name) for name in GAPS if tokenizer.token_to_id(name) is not None), None)
    if found is None:
        raise BadInput(f"The encoder's tokenizer has no token for a gap ({' or '.join(GAPS)}): it cannot fill any.")
    return int(found)


def special_ids(tokenizer: Tokenizer) -> frozenset[int]:
    """The numbers of tokens that are no words."""
    return frozenset(int(each) for each, token in tokenizer.get_added_tokens_decoder().items() if token.special)


def made_for(texts: Sequence[str], *, size: int) -> Tokenizer:
    """A tokenizer made from texts alone: lower case, Chinese character by character, pairs joined within words.

    Word pieces would be the custom of encoders, but the library's trainer of them gives others each time; pairs do not.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    special = [PAD, UNKNOWN, START, END, GAP]
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False, min_frequency=2)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}",
        special_tokens=[(START, special.index(START)), (END, special.index(END))],
    )
    return tokenizer


# which words


def _worth(tokenizer: Tokenizer, texts: Sequence[str], *, most: int, least: int) -> list[str]:
    """Words by how many tokens they would save; equal ones by name."""
    form = tokenizer.normalizer.normalize_str if tokenizer.normalizer is not None else str
    counts = Counter(form(word).strip() for text in texts for word in _words(text))
    saved: dict[str, int] = {}
    for word, count in counts.items():
        if count >= least and _is_one_word(tokenizer, word):
            pieces = _ids(tokenizer, word)
            if len(pieces) > 1:
                saved[word] = count * (len(pieces) - 1)
    return sorted(saved, key=lambda word: (-saved[word], word))[:most]


def _words(text: str) -> Iterator[str]:
    """Words as a person sees them: letters of one script, Chinese by its dictionary; placeholders are none."""
    for word in rjieba.cut(PLACEHOLDER.sub(" ", text)):
        is_han = any("\u3400" <= char <= "\u9fff" for char in word)
        if word.isalpha() and ((is_han and len(word) > 1) or _SHORTEST <= len(word) <= _LONGEST):
            yield word


def _is_one_word(tokenizer: Tokenizer, word: str) -> bool:
    """Whether the tokenizer would ever look at it as a whole: those of encoders often take Chinese apart first."""
    if tokenizer.pre_tokenizer is None:
        return True
    return bool(word) and len(tokenizer.pre_tokenizer.pre_tokenize_str(word)) == 1


def _ids(tokenizer: Tokenizer, word: str) -> list[int]:
    """The pieces of a word as it stands in the middle of a text; a mark of the blank before it is none of them."""
    # In byte-level tokenizers the blank belongs to the word that follows.
    spaced = f" {word}" if tokenizer.token_to_id(_BYTE_SPACE) is not None else word
    found = tokenizer.encode(spaced, add_special_tokens=False)
    bare = found.tokens[:1] == [_WORD_BEGINS]
    return list(found.ids[1:] if bare else found.ids)


# how they are put in


def _into_word_pieces(model: dict[str, Any], word: str, pieces: tuple[int, ...]) -> dict[int, tuple[int, ...]]:
    token = len(model["vocab"])
    model["vocab"][word] = token
    return {token: pieces}


def _into_unigrams(model: dict[str, Any], word: str, pieces: tuple[int, ...]) -> dict[int, tuple[int, ...]]:
    token = len(model["vocab"])
    name = "".join(model["vocab"][each][0] for each in pieces)
    model["vocab"].append([name, sum(model["vocab"][each][1] for each in pieces) + _BONUS])
    return {token: pieces}


def _into_pairs(model: dict[str, Any], word: str, pieces: tuple[int, ...]) -> dict[int, tuple[int, ...]]:
    """Its pieces are joined from the left; what they are on the way is a token, too, as in every model of pairs."""
    names = {number: name for name, number in model["vocab"].items()}
    made: dict[int, tuple[int, ...]] = {}
    whole = names[pieces[0]]
    for at, piece in enumerate(pieces[1:], start=2):
        model["merges"].append([whole, names[piece]])
        whole += names[piece]
        if whole not in model["vocab"]:
            made[len(model["vocab"])] = pieces[:at]
            model["vocab"][whole] = len(model["vocab"])
    return made
