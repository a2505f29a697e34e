"""Training texts that are about something else than the validation texts: told apart by their words, and left out.

A company's old data often hold goods that it no longer sells. How much a text looks like the validation file's is the
probability of a classifier between the two files, out of fold (Shimodaira 2000 weighs by its odds; leaving out what has
next to none also trains faster). The validation file's labels are not looked at.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Tell, Told
from kefu.knowledge.labels import dataset_of
from kefu.knowledge.ngrams import ngrams

_FEATURES = 20_000
# Simple enough that single words decide little: on Chinese reviews of hotels and books, told from hotels alone, 0.35
# then keeps 98% of the hotels and 12% of the books; with a penalty ten times weaker, 66% and 3%.
_INVERSE_PENALTY = 0.3
_FOLDS = 3
# The chance that a validation text looks more like its file than a training text does. Of one source it is 0.5
# (BANKING77: 0.497), of hotels against hotels and books 0.69; below this the two files are taken for one source.
_TOLD_APART = 0.6
# Of each label's texts so many are kept, the likest, lest a label be forgotten that was seldom asked for of late.
_LEAST_SHARE = 1 / 3
_LEAST_ROWS = 30


def without_unlike(data: Dataset, valid: Dataset, least: float, tell: Tell) -> Dataset:
    """The data without texts that look less than `least` (0 to 1) like the validation texts; 0 leaves all in.

    All stay where the two files cannot be told apart, or are too small to say.
    """
    if not least or min(len(data.examples), len(valid.examples)) < _LEAST_ROWS or data.sha256 == valid.sha256:
        return data
    texts = [each.text for each in data.examples]
    alike, apart = likeness(texts, [each.text for each in valid.examples])
    if apart < _TOLD_APART:
        return data
    kept = _kept(alike, [each.label for each in data.examples], least)
    left = len(texts) - len(kept)
    sentence = f"{left} of {len(texts)} training texts look unlike the validation texts ({apart:.2f}) and are left out."
    tell(Told.NOTE, {"sentence": sentence})
    chosen = tuple(data.examples[place] for place in kept)
    return dataset_of(chosen, mapping=data.mapping, format=data.format)


def likeness(texts: Sequence[str], others: Sequence[str]) -> tuple[npt.NDArray[np.float64], float]:
    """How much each of `texts` looks like `others` (0 to 1), and how well the two are told apart (0.5 to 1, AUROC)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict

    from kefu.factory.recipes.linear.recipe import features_of

    rows = features_of([Counter(ngrams(text)) for text in (*texts, *others)], _FEATURES)
    is_other = np.r_[np.zeros(len(texts)), np.ones(len(others))]
    model = LogisticRegression(C=_INVERSE_PENALTY, class_weight="balanced", solver="liblinear", random_state=0)
    shares = cross_val_predict(model, rows, is_other, cv=_FOLDS, method="predict_proba")[:, 1]
    return np.asarray(shares[: len(texts)], np.float64), float(roc_auc_score(is_other, shares))


def _kept(alike: npt.NDArray[np.float64], labels: Sequence[str | None], least: float) -> list[int]:
    by_label: dict[str | None, list[int]] = defaultdict(list)
    for place, label in enumerate(labels):
        by_label[label].append(place)
    kept: list[int] = []
    for places in by_label.values():
        ranked = sorted(places, key=lambda place: (-alike[place], place))
        above = sum(1 for place in ranked if alike[place] >= least)
        kept += ranked[: max(above, round(len(ranked) * _LEAST_SHARE), 1)]
    return sorted(kept)
