"""What a check finds: duplicates, contradictions, leaks, wrong labels, personal data."""

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.contracts.dataset import Dataset
from kefu.factory.data import near
from kefu.factory.data.check import check, shown
from kefu.factory.data.label_errors import confident_joint, label_errors, self_confidence
from kefu.factory.data.near import near_pairs, wording
from kefu.factory.data.probabilities import by_letters, letter_vectors, out_of_fold
from kefu.factory.data.read import read_bytes
from kefu.factory.data.report import lines

TOPICS = {
    "track": "where is my parcel|when does the parcel come|track the delivery|shipping status please|has it been sent",
    "refund": "I want my money back|refund the payment|return the money|reimburse what I paid|give me a refund now",
    "invoice": "send an invoice|need the bill as pdf|invoice for the company|tax receipt please|print the bill again",
}


def table(rows: str) -> Dataset:
    return read_bytes(rows.encode(), name="data.csv")


def topics(wrong: int = 0) -> tuple[Dataset, set[int]]:
    """180 texts of three topics, of which `wrong` bear another's label; and the rows of these."""
    chance = random.Random(4)
    rows = []
    for label, texts in TOPICS.items():
        for text in texts.split("|"):
            for _ in range(12):
                words = text.split()
                words.insert(
                    chance.randrange(len(words) + 1), chance.choice("please now today again hello really".split())
                )
                rows.append([" ".join(words), label])
    places = chance.sample(range(len(rows)), wrong)
    for at in places:
        rows[at][1] = chance.choice([label for label in TOPICS if label != rows[at][1]])
    data = "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)
    return table(data), {at + 2 for at in places}


# near pairs


def test_no_near_pair_is_missed() -> None:
    chance = random.Random(1)
    words = "parcel refund invoice address coupon points exchange repair price voucher late early".split()
    texts = [" ".join(chance.choices(words, k=9)) for _ in range(300)]
    texts += [text + "s" for text in texts[:100]] + [text.replace("e", "", 1) for text in texts[:100]]
    weights = near._weights(texts)
    cosines = (weights @ weights.T).toarray()
    for threshold in (0.7, 0.9, 0.95):
        found = {(first, second) for first, second, _ in near_pairs(texts, threshold=threshold).pairs}
        above, at_least = (np.argwhere(np.triu(cosines >= threshold + by, k=1)).tolist() for by in (1e-5, -1e-5))
        assert {tuple(pair) for pair in above} <= found <= {tuple(pair) for pair in at_least}
        assert above


def test_a_file_of_one_template_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "MOST_PAIRS", 10)
    found = near_pairs(["the very same words of a longer sentence here"] * 20)
    assert (len(found.pairs), found.complete) == (10, False)


@settings(deadline=None)  # the first example loads scikit-learn
@given(st.lists(st.text(max_size=20), max_size=8))
def test_any_texts_can_be_compared(texts: list[str]) -> None:
    for first, second, cosine in near_pairs(texts).pairs:
        assert first < second
        assert near.NEAR - 0.001 <= cosine <= 1


def test_wordings() -> None:
    assert wording("Where's my ORDER?!") == wording("where’s my order")
    assert wording("ＡＢＣ　退款。") == wording("abc退款")
    assert wording("?!") == "?!"


# label errors


def test_the_confident_joint_is_counted_as_in_the_paper() -> None:
    probabilities = np.array([[0.9, 0.1]] * 5 + [[0.2, 0.8]] + [[0.1, 0.9]] * 5 + [[0.4, 0.6]])
    labels = np.array([0] * 6 + [1] * 6)
    # self-confidence: (5 x 0.9 + 0.2) / 6 and (5 x 0.9 + 0.6) / 6
    assert self_confidence(probabilities, labels) == pytest.approx([4.7 / 6, 5.1 / 6])
    # the row at 0.8 does not reach 0.85, the row at 0.6 reaches neither
    assert confident_joint(probabilities, labels).tolist() == [[5, 0], [0, 5]]
    surer = probabilities.copy()
    surer[5] = [0.1, 0.9]
    assert confident_joint(surer, labels).tolist() == [[5, 1], [0, 5]]
    [found] = label_errors(surer, labels)
    assert (found.place, found.suggested, found.confidence, found.margin) == (5, 1, 0.9, pytest.approx(-0.8))


def test_rare_labels_are_neither_doubted_nor_suggested() -> None:
    probabilities = np.array([[0.9, 0.05, 0.05]] * 6 + [[0.05, 0.9, 0.05]] * 6 + [[0.9, 0.05, 0.05], [0.0, 0.1, 0.9]])
    labels = np.array([0] * 6 + [1] * 6 + [2, 1])
    assert {each.place for each in label_errors(probabilities, labels)} <= {13}
    assert all(each.suggested != 2 for each in label_errors(probabilities, labels))


def test_planted_errors_are_found() -> None:
    data, wrong = topics(wrong=18)
    report = check(data, probabilities=by_letters())
    named = {each.row for each in report.suspects}
    assert len(named & wrong) >= 0.8 * len(wrong)
    assert len(named & wrong) >= 0.7 * len(named)
    assert all(each.label != each.suggested for each in report.suspects)
    assert check(topics()[0], probabilities=by_letters()).suspects == ()


def test_probabilities_are_out_of_fold_and_repeat() -> None:
    data, _ = topics(wrong=5)
    labels = np.array([data.labels.index(str(each.label)) for each in data.examples])
    vectors = letter_vectors([each.text for each in data.examples])
    first, again = (out_of_fold(vectors, labels, 3, seed=1) for _ in range(2))
    assert np.array_equal(first, again)
    assert np.allclose(first.sum(axis=1), 1)
    one = out_of_fold(vectors, np.zeros(len(labels), np.int64), 3)
    assert not one.any()


# the report


MESSY = """text,label
Where is my parcel?,track
where is my parcel,track
WHERE is my parcel!,refund
I would like to return the blue shoes that I bought last week,return
I would like to return the blue shoes that I bought last weeks,refund
call me: 13812345678,refund
something entirely different,oos
"""


def test_everything_is_named_by_its_line() -> None:
    report = check(table(MESSY), table("text,label\nwhere IS my parcel,track\nnever seen before,new\n"))
    assert (report.rows, report.valid_rows, report.out_of_scope) == (7, 2, 1)
    assert report.labels == {"refund": 3, "track": 2, "return": 1}
    assert report.imbalance == 3
    [contradiction] = report.contradictions
    assert (contradiction.rows, contradiction.labels) == ((2, 3, 4), ("refund", "track"))
    [near_one] = report.near_contradictions
    assert (near_one.rows, near_one.labels) == ((5, 6), ("return", "refund"))
    [leak] = report.leaks
    assert (leak.valid_row, leak.train_row, leak.similarity) == (2, 2, 1.0)
    assert report.unknown_labels == ("new",)
    [personal] = report.personal
    assert personal.row == 7
    assert report.languages == {"en": 7}
    assert report.serious


def test_near_leaks_are_found() -> None:
    valid = table("text,label\nI would like to return the blue shoes that last week I bought,return\n")
    [leak] = check(table(MESSY), valid).leaks
    assert leak.valid_row == 2
    assert leak.train_row in (5, 6)
    assert leak.similarity >= near.NEAR


def test_reports_never_show_personal_data() -> None:
    report = check(table(MESSY + "call me: 13812345678,track\n"))
    whole = json.dumps(report.to_json(), ensure_ascii=False) + "\n".join(lines(report))
    assert "13812345678" not in whole
    assert report.contradictions[-1].rows == (7, 9)
    assert len(shown("word " * 100)) == 120


def test_the_lines_say_what_the_report_holds() -> None:
    text = "\n".join(lines(check(table(MESSY))))
    assert text.startswith("7 examples\n3 labels, from 1 (return) to 3 (refund) examples each, 1 : 3.0\n1 out of scope")
    assert "1 wordings have several labels:\n  lines 2, 3, 4: Where is my parcel? → refund / track" in text
    assert text.endswith("Something needs a look.")


def test_notes_say_what_was_not_looked_at() -> None:
    few = check(table("text,label\na b c,x\nd e f,y\n"), probabilities=by_letters())
    assert any("needs two labels" in note for note in few.notes)
    assert any("fewer than 5 examples" in note for note in few.notes)
    unlabelled = check(table("question\nhow?\n"))
    assert any("--label-column" in note for note in unlabelled.notes)
    assert not unlabelled.serious


def test_labels_that_texts_do_not_tell_are_said_to_be_unclear() -> None:
    chance = random.Random(2)
    rows = "".join(
        f"where is my {word} number {at},{chance.choice('ab')}\n" for at in range(40) for word in ("box", "lid")
    )
    report = check(table("text,label\n" + rows), probabilities=by_letters())
    assert len(report.suspects) > 16
    assert any("the texts alone do not tell these labels apart" in note for note in report.notes)
