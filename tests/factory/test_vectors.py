"""Texts are embedded once: in bulk where a head learns, one at a time where it is calibrated."""

from collections.abc import Sequence

import numpy as np
import pytest

from kefu.contracts.engine import Matrix, TextKind
from kefu.contracts.job import Told
from kefu.engines.scripted_encoder.engine import ScriptedEncoder
from kefu.factory.vectors import RememberingEncoder, embedded
from kefu.kit.runtime import run


class Counting(ScriptedEncoder):
    """Keeps the texts of each call."""

    calls: list[tuple[str, ...]]

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        self.calls.append(tuple(texts))
        return await super().embed(texts, kind)


@pytest.fixture
def inner() -> Counting:
    made = Counting("scripted:letters", {"dimension": 16})
    made.calls = []
    run(made.load())
    return made


def test_bulk_is_by_length_and_rows_keep_their_order(inner: Counting) -> None:
    encoder, texts = RememberingEncoder(inner), ["a long question about parcels", "hi", "a refund", "hi"]
    told: list[Told] = []
    vectors = embedded(encoder, texts, lambda what, fields: told.append(what))
    assert inner.calls == [("hi", "a refund", "a long question about parcels")]
    assert told == [Told.PROGRESS]
    np.testing.assert_array_equal(vectors, run(ScriptedEncoder.embed(inner, texts, "query")))


def test_what_is_known_is_not_embedded_again_and_the_rest_one_at_a_time(inner: Counting) -> None:
    encoder = RememberingEncoder(inner)
    embedded(encoder, ["hi", "a refund"])
    run(encoder.embed(["hi", "new", "other"], "query"))
    assert inner.calls[1:] == [("new",), ("other",)]


def test_passages_are_passed_on(inner: Counting) -> None:
    encoder = RememberingEncoder(inner)
    embedded(encoder, ["hi"])
    run(encoder.embed(["hi"], "passage"))
    assert inner.calls == [("hi",), ("hi",)]


def test_no_texts_are_no_rows(inner: Counting) -> None:
    assert embedded(RememberingEncoder(inner), []).shape == (0, 16)
