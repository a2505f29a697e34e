import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kefu.knowledge.keyword import FIELDS, KeywordIndex

WORDS = st.lists(st.sampled_from(["refund", "ship", "card", "lamp", "fee", "day"]), max_size=8)
FIELD_TERMS = st.fixed_dictionaries(dict.fromkeys(FIELDS, WORDS))


def index_of(rows: dict[int, dict[str, list[str]]]) -> KeywordIndex:
    index = KeywordIndex()
    for row, fields in rows.items():
        index.add(row, fields)
    return index


def test_the_row_with_the_rare_word_is_first() -> None:
    index = index_of({0: {"text": ["ship", "fee"]}, 1: {"text": ["ship", "lamp"]}, 2: {"text": ["ship", "card"]}})
    assert int(np.argmax(index.scores(["ship", "lamp"]))) == 1


def test_a_word_counts_more_in_a_short_text() -> None:
    index = index_of({0: {"text": ["refund"] + ["ship"] * 30}, 1: {"text": ["refund", "ship"]}})
    scores = index.scores(["refund"])
    assert scores[1] > scores[0] > 0


def test_a_word_is_found_in_every_field() -> None:
    index = index_of({at: {name: ["refund"]} for at, name in enumerate(FIELDS)})
    assert (index.scores(["refund"]) > 0).all()


def test_unknown_words_score_nothing_and_are_the_rarest() -> None:
    index = index_of({0: {"text": ["refund"]}, 1: {"text": ["ship"]}})
    assert not index.scores(["helicopter"]).any()
    assert index.idf("helicopter") > index.idf("refund")


def test_a_removed_row_scores_nothing_and_unknown_rows_are_ignored() -> None:
    index = index_of({0: {"text": ["refund"]}, 1: {"text": ["refund"]}})
    index.remove(0)
    index.remove(7)
    assert index.scores(["refund"])[0] == 0
    assert len(index) == 1


def test_counts_past_a_byte_do_not_spill_into_the_next_field() -> None:
    index = index_of({0: {"title": ["lamp"] * 1000}, 1: {"heading": ["lamp"]}})
    scores = index.scores(["lamp"])
    assert np.isfinite(scores).all()
    assert scores[0] > scores[1]


@given(st.lists(FIELD_TERMS, min_size=1, max_size=12), st.data())
def test_adding_and_removing_in_any_order_equals_a_fresh_index(
    rows: list[dict[str, list[str]]], data: st.DataObject
) -> None:
    index = index_of(dict(enumerate(rows)))
    gone = data.draw(st.sets(st.integers(0, len(rows) - 1)))
    for row in gone:
        index.remove(row)
        index.scores(["refund"])  # a search in between must not leave stale weights
    kept = {row: fields for row, fields in enumerate(rows) if row not in gone}
    fresh = index_of(kept)
    for term in ("refund", "ship", "lamp"):
        np.testing.assert_allclose(
            [index.scores([term])[row] for row in kept], [fresh.scores([term])[row] for row in kept], rtol=1e-6
        )
        assert index.idf(term) == fresh.idf(term)


@given(st.lists(FIELD_TERMS, min_size=2, max_size=12), st.data())
def test_renumbering_keeps_every_score(rows: list[dict[str, list[str]]], data: st.DataObject) -> None:
    index = index_of(dict(enumerate(rows)))
    for row in data.draw(st.sets(st.integers(0, len(rows) - 1), max_size=len(rows) - 1)):
        index.remove(row)
    kept = [row for row in range(len(rows)) if index.terms(row) or row in index._terms_of]
    before = index.scores(["refund", "lamp"])[kept]
    new_of = np.full(len(rows), -1, np.int64)
    new_of[kept] = np.arange(len(kept))
    index.renumber(new_of)
    np.testing.assert_allclose(index.scores(["refund", "lamp"], len(kept)), before, rtol=1e-6)
    index.add(len(kept), {"text": ["refund"]})
    assert index.scores(["refund"])[len(kept)] > 0
