"""Which texts of a passage become vectors, and making them in batches."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from kefu.contracts.engine import Encoder, TextKind
from kefu.contracts.index import IndexedPassage, PassageVectors
from kefu.knowledge.chunk import weight

ANY_LANGUAGE = "*"
# Large enough to fill the processor, small enough that a customer's question waits some 50 ms behind a batch.
BATCH = 16


# Counted up whenever `passage_texts` gives other texts, so that stored vectors of the old ones are made again.
_TEXTS = 2
# Letters below which a text says too little without the title above it: "Free WiFi is available."
_SHORT = 80


def passage_texts(passage: IndexedPassage, *, titled: bool) -> list[str]:
    """What is embedded of a passage: its text (of a FAQ entry the answer), then each question.

    With `titled` a short one stands under its title. A longer one does not: a title shared by many passages makes them
    alike (Doc2Dial, MiniLM: R@1 of vectors 0.31 with, 0.46 without; DSTC9, one sentence each: 0.79 with, 0.68 without).
    """
    texts = [passage.answer or passage.text, *passage.questions]
    if not titled or not passage.title:
        return texts
    return [f"{passage.title}\n{text}" if weight(text) < _SHORT else text for text in texts]


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
    total = sum(1 + len(passage.questions) for passage in passages)
    done = 0
    for encoder, places in _by_encoder(passages, encoders):
        rows: dict[int, list[np.ndarray]] = {}
        # The multilingual encoder finds less under titles, even short texts (TiDB FAQ: R@1 0.62 without, 0.57 with).
        titled = encoder is not encoders.get(ANY_LANGUAGE)
        texts = {place: passage_texts(passages[place], titled=titled) for place in places}
        for kind, batch in _batches(texts):
            vectors = await encoder.embed([text for _, _, text in batch], kind)
            for (place, part, _), vector in zip(batch, vectors, strict=True):
                rows.setdefault(place, [np.zeros(0)] * (1 + len(passages[place].questions)))[part] = vector
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


def _batches(texts: Mapping[int, Sequence[str]]) -> Iterator[tuple[TextKind, list[tuple[int, int, str]]]]:
    """Batches of (place, part, text) of one kind, sorted by length so that little of a batch is padding."""
    parts = [(place, part, text) for place, own in texts.items() for part, text in enumerate(own)]
    kinds: tuple[tuple[TextKind, list[tuple[int, int, str]]], ...] = (
        ("passage", [item for item in parts if item[1] == 0]),
        ("query", [item for item in parts if item[1] > 0]),
    )
    for kind, items in kinds:
        items.sort(key=lambda item: len(item[2]))
        for at in range(0, len(items), BATCH):
            yield kind, items[at : at + BATCH]
