"""Choose the pieces of multilingual-e5-small that Chinese and English texts need, and make its tokenizer."""

import re
from collections.abc import Iterable, Iterator

import regex
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from wordfreq import top_n_list

Pieces = list[tuple[str, float]]

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
# The 100,000 most frequent words use 37,000 pieces; the next 50,000, mostly foreign names, would add 5,000 (2 MB).
ENGLISH_WORDS = 100_000

# Chinese text, digits, punctuation and symbols in any mixture; the two marks belong to emoji and keycaps.
SYMBOLS = regex.compile(
    r"(?: \p{Han} | \p{Bopomofo} | [[\p{P}\p{S}\p{N}]&&\p{Script=Common}] | \p{ASCII} | \uFE0F | \u20E3 )*",
    regex.VERSION1 | regex.VERBOSE,
)
# Syllables and codes fall back on short pieces, borrowed letters on single ones.
SHORT = regex.compile(r"[A-Za-z]{1,3} | \p{Latin} | [\p{Hiragana}\p{Katakana}ー]", regex.VERSION1 | regex.VERBOSE)
# iPhone, PayPal, MySQL: brands that a list of lower-case words lacks.
CAMEL = re.compile(r"[A-Za-z]*[a-z][A-Z][A-Za-z]*")
LETTERS = re.compile(r"[A-Za-z]+")


def trim(pieces: Pieces) -> list[int]:
    """Return the ids to keep, in their order: special pieces, those the rules name, those that English words use."""
    return sorted(_kept_by_rule(pieces) | _used(pieces, _english()))


def make_tokenizer(pieces: Pieces) -> Tokenizer:
    """Return the XLM-RoBERTa unigram tokenizer over these pieces; unknown characters become one <unk> a run."""
    ids = {piece: number for number, (piece, _score) in enumerate(pieces)}
    tokenizer = Tokenizer(models.Unigram(pieces, ids["<unk>"], byte_fallback=False))
    tokenizer.normalizer = _normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(piece, ids[piece]) for piece in ("<s>", "</s>")],
    )
    tokenizer.add_special_tokens([AddedToken(piece, special=True, normalized=False) for piece in SPECIAL])
    return tokenizer


def _normalizer() -> normalizers.Normalizer:
    """SentencePiece's nmt_nfkc rules: NFKC, but controls vanish, odd blanks are spaces, and the full-width tilde stays.

    Compared character by character with the table in the packed e5 file, only letters that Unicode gained since differ.
    """
    tilde_away = "\ue000"  # private use: no font or text means anything by it
    return normalizers.Sequence(
        [
            normalizers.Replace(Regex("[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]"), ""),
            normalizers.Replace(Regex("[\t\n\x0c\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]"), " "),
            normalizers.Replace("～", tilde_away),
            normalizers.NFKC(),
            normalizers.Replace(tilde_away, "～"),
        ]
    )


def _kept_by_rule(pieces: Pieces) -> set[int]:
    return {number for number, (piece, _score) in enumerate(pieces) if piece in SPECIAL or _is_kept(_bare(piece))}


def _is_kept(text: str) -> bool:
    if LETTERS.fullmatch(text):
        return bool(SHORT.fullmatch(text) or CAMEL.fullmatch(text))
    return bool(SYMBOLS.fullmatch(text) or SHORT.fullmatch(text))


def _bare(piece: str) -> str:
    return piece.replace("▁", "")


def _english() -> Iterator[str]:
    """Yield each frequent word in three cases, after a space and, as in Chinese text, straight after a character."""
    for word in top_n_list("en", ENGLISH_WORDS, wordlist="large"):
        for form in (word, word.title(), word.upper()):
            yield form
            yield f"的{form}"


def _used(pieces: Pieces, texts: Iterable[str]) -> set[int]:
    encodings = make_tokenizer(pieces).encode_batch(list(texts))
    return {number for encoding in encodings for number in encoding.ids}
