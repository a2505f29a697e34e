"""What a quick model makes of each row when it has not seen it: logistic regression on frozen vectors, in folds."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from kefu.contracts.job import Tell, Told
from kefu.factory.data.label_errors import Labels, Matrix
from kefu.knowledge.language import detect

Vectors = npt.NDArray[np.float32]
OutOfFold = Callable[[Sequence[str], Labels, int], Matrix]

FOLDS = 5
# Vectors are centred and scaled to about unit variance, where this penalty and few steps are enough: on CLINC150 with
# a tenth of the labels wrong, 30 steps at 0.0075 found more of them than 100 steps or a penalty ten times as weak.
_INVERSE_PENALTY = 0.0075
_STEPS = 30
# Dimensions that letters are reduced to where no encoder is: as many as an encoder gives, roughly.
_LETTER_DIMENSIONS = 300


def encoder_for(texts: Sequence[str]) -> str:
    """The default encoder of the language that most of some texts are in."""
    sample = texts[:: max(1, len(texts) // 200)]
    english = sum(1 for text in sample if detect(text) == "en")
    return "package:minilm-en" if english > len(sample) / 2 else "package:e5-small-zh-en"


def by_encoder(reference: str, *, threads: int = 0, seed: int = 0, tell: Tell | None = None) -> OutOfFold:
    """Probabilities from an encoder's vectors; `reference` as engines take it, such as package:minilm-en."""

    def probabilities(texts: Sequence[str], labels: Labels, classes: int) -> Matrix:
        from kefu.factory.vectors import encode

        vectors, _ = encode(reference, texts, threads=threads, tell=tell)
        return out_of_fold(vectors, labels, classes, seed=seed, tell=tell)

    return probabilities


def by_letters(*, seed: int = 0, tell: Tell | None = None) -> OutOfFold:
    """Probabilities from letters and words alone, for languages and machines without an encoder."""

    def probabilities(texts: Sequence[str], labels: Labels, classes: int) -> Matrix:
        return out_of_fold(letter_vectors(texts, seed=seed), labels, classes, seed=seed, tell=tell)

    return probabilities


def out_of_fold(vectors: Vectors, labels: Labels, classes: int, *, seed: int = 0, tell: Tell | None = None) -> Matrix:
    """float64 [n, classes]: each row's probabilities by a model of the other folds; zero for labels unseen there."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    scaled = (vectors - vectors.mean(axis=0)) / (vectors.std() or 1.0)
    found = np.zeros((len(labels), classes))
    folds = min(FOLDS, int(np.bincount(labels).max()))
    if folds < 2 or len(np.unique(labels)) < 2:
        return found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # few steps are meant
        warnings.simplefilter("ignore", UserWarning)  # labels with fewer rows than folds are left out later
        for done, (seen, unseen) in enumerate(
            StratifiedKFold(folds, shuffle=True, random_state=seed).split(scaled, labels)
        ):
            model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=_STEPS).fit(scaled[seen], labels[seen])
            found[unseen[:, None], model.classes_] = model.predict_proba(scaled[unseen])
            if tell is not None:
                tell(Told.PROGRESS, {"done": done + 1, "total": folds, "unit": "folds"})
    return found


def letter_vectors(texts: Sequence[str], *, seed: int = 0) -> Vectors:
    """float32 [n, up to 300]: TF-IDF of letter runs, reduced by a singular value decomposition."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    weights = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, min_df=2 if len(texts) > 50 else 1
    )
    letters = weights.fit_transform(texts)
    size = min(_LETTER_DIMENSIONS, min(letters.shape) - 1)
    if size < 1:
        return np.asarray(letters.toarray(), np.float32)
    return np.asarray(TruncatedSVD(size, random_state=seed).fit_transform(letters), np.float32)
