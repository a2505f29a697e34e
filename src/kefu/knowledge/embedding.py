"""Which texts of a passage become vectors, and making them in batches."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from kefu.contracts.engine import Encoder, TextKind
from kefu.contracts.index import IndexedPassage, PassageVectors
from kefu.knowledge.chunk import weight
from kefu.knowledge.sentences import sentences
from kefu.knowledge.words import simplified

ANY_LANGUAGE = "*"
# What searches where nothing else was chosen, by language, and what heads are trained on, so that a question has one
# vector for both. MiniLM is the better encoder of English, e5 of Chinese and across languages.
DEFAULT_ENCODERS: Mapping[str, str] = {"en": "package:minilm-service-en", ANY_LANGUAGE: "package:e5-small-zh-en"}
# Large enough to fill the processor, small enough that a customer's question waits some 50 ms behind a batch.
BATCH = 16


# Counted up whenever `passage_texts` gives other texts, so that stored vectors of the old ones are made again.
_TEXTS = 3
# Characters below which a sentence is a label or a list number.
_TELLING = 20
# A passage of 800 characters has fewer; a table of short rows may have more, which cost more than they tell.
_MOST_SENTENCES = 16
# Letters below which a text says too little without the title above it: "Free WiFi is available."
_SHORT = 80


def passage_texts(passage: IndexedPassage, *, finely: bool) -> list[str]:
    """What is embedded of a passage: its text (of a FAQ entry the answer), then each question.

    `finely`, which suits MiniLM, a short one stands under its title, and the sentences of a longer text come last. A
    title shared by many passages would make the longer ones alike (Doc2Dial: R@1 of vectors 0.31 with, 0.46 without;
    DSTC9, one sentence each: 0.79 with, 0.68 without).
    """
    texts = [simplified(text) for text in (passage.answer or passage.text, *passage.questions)]
    if not finely:
        return texts
    pieces = [] if passage.questions else _sentences(passage.text)
    if passage.title:
        texts = [f"{passage.title}\n{text}" if weight(text) < _SHORT else text for text in texts]
    return texts + pieces


def _sentences(text: str) -> list[str]:
    found = [text[start:end] for start, end in sentences(text)]
    telling = [sentence for sentence in found if len(sentence) >= _TELLING]
    return telling[:_MOST_SENTENCES] if len(telling) > 1 else []


def encoder_for(language: str, encoders: Mapping[str, Encoder]) -> Encoder:
    """The encoder of a language, else the one for any."""
    return encoders.get(language) or encoders[ANY_LANGUAGE]


def encoder_key(encoder: Encoder) -> str:
    """What vectors are filed under: those of other weights or of other texts of a passage are not comparable."""
    card = encoder.card()
    return f"{card.name}@{card.version[:16]}.{_TEXTS}"


async def embed_passages(
    passages: Sequence[IndexedPassage],
    encoders: Mapping[str, Encoder],
    progress: Callable[[int, int], None] | None = None,
) -> list[PassageVectors]:
    """Embed each passage with the encoder of its language, in the order given.

    `progress` is called with (texts done, texts in all) after each batch. To cancel, cancel the task.
    """
    made: dict[int, PassageVectors] = {}
    groups = list(_by_encoder(passages, encoders))
    # The multilingual encoder gains nothing from titles (TiDB FAQ: R@1 0.62 without, 0.57 with) or from sentences.
    finely = {id(encoder): encoder is not encoders.get(ANY_LANGUAGE) for encoder, _ in groups}
    texts = {
        place: passage_texts(passages[place], finely=finely[id(encoder)]) for encoder, own in groups for place in own
    }
    total = sum(map(len, texts.values()))
    done = 0
    for encoder, places in groups:
        rows: dict[int, list[np.ndarray]] = {}
        for kind, batch in _batches({place: texts[place] for place in places}, passages):
            vectors = await encoder.embed([text for _, _, text in batch], kind)
            for (place, part, _), vector in zip(batch, vectors, strict=True):
                rows.setdefault(place, [np.zeros(0)] * len(texts[place]))[part] = vector
            done += len(batch)
            if progress is not None:
                progress(done, total)
        key = encoder_key(encoder) if rows else ""
        for place, parts in rows.items():
            made[place] = PassageVectors(key, np.stack(parts).astype(np.float16))
    return [made[place] for place in range(len(passages))]


def _by_encoder(
    passages: Sequence[IndexedPassage], encoders: Mapping[str, Encoder]
) -> Iterable[tuple[Encoder, list[int]]]:
    groups: dict[int, tuple[Encoder, list[int]]] = {}
    for place, passage in enumerate(passages):
        encoder = encoder_for(passage.language, encoders)
        groups.setdefault(id(encoder), (encoder, []))[1].append(place)
    return groups.values()


def _batches(
    texts: Mapping[int, Sequence[str]], passages: Sequence[IndexedPassage]
) -> Iterator[tuple[TextKind, list[tuple[int, int, str]]]]:
    """Batches of (place, part, text) of one kind, sorted by length so that little of a batch is padding."""
    of_kind: dict[TextKind, list[tuple[int, int, str]]] = {"passage": [], "query": []}
    for place, own in texts.items():
        for part, text in enumerate(own):
            of_kind["query" if 0 < part <= len(passages[place].questions) else "passage"].append((place, part, text))
    for kind, items in of_kind.items():
        items.sort(key=lambda item: len(item[2]))
        for at in range(0, len(items), BATCH):
            yield kind, items[at : at + BATCH]
