"""Which texts of a passage become vectors, and making them in batches."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from kefu.contracts.engine import Encoder, TextKind
from kefu.contracts.index import IndexedPassage, PassageVectors

ANY_LANGUAGE = "*"
# Large enough to fill the processor, small enough that a customer's question waits some 50 ms behind a batch.
BATCH = 16


def passage_text(passage: IndexedPassage) -> str:
    """What is embedded of a passage: where it stands, then what it says (of a FAQ entry its answer)."""
    place = " > ".join(dict.fromkeys(part for part in (passage.title, *passage.heading_path) if part))
    says = passage.answer or passage.text
    return f"{place}\n{says}" if place else says


def encoder_for(language: str, encoders: Mapping[str, Encoder]) -> Encoder:
    """The encoder of a language, else the one for any."""
    return encoders.get(language) or encoders[ANY_LANGUAGE]


def encoder_key(encoder: Encoder) -> str:
    """What vectors are filed under: those of other weights are not comparable, even under the same name."""
    card = encoder.card()
    return f"{card.name}@{card.version[:16]}"


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
        for kind, batch in _batches([(place, passages[place]) for place in places]):
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


def _batches(
    passages: Sequence[tuple[int, IndexedPassage]],
) -> Iterator[tuple[TextKind, list[tuple[int, int, str]]]]:
    """Batches of (place, part, text) of one kind, sorted by length so that little of a batch is padding."""
    texts = [(place, 0, passage_text(passage)) for place, passage in passages]
    questions = [
        (place, part, question)
        for place, passage in passages
        for part, question in enumerate(passage.questions, start=1)
    ]
    kinds: tuple[tuple[TextKind, list[tuple[int, int, str]]], ...] = (("passage", texts), ("query", questions))
    for kind, items in kinds:
        items.sort(key=lambda item: len(item[2]))
        for at in range(0, len(items), BATCH):
            yield kind, items[at : at + BATCH]
