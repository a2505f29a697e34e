"""Two models on the same rows: which one is better, and whether that is chance."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.gate import mcnemar

Flags = npt.NDArray[np.bool_]

# Enough that the ends of a 95% interval move by less than a tenth of a point from seed to seed.
RESAMPLES = 2000
_SEED = 0
_ENDS = (2.5, 97.5)
# The usual level, one-sided, at which a loss is taken for no chance: as the gate does.
LEVEL = 0.05
# Half of it for a lead that is told: the 95% interval beside it, which is two-sided, then leaves out 0, too.
_TOLD = LEVEL / 2


@dataclass(frozen=True)
class Paired:
    """A model beside another.

    `difference` is of their accuracies with its 95% bootstrap interval; the model alone is right on `wins` rows, the
    other alone on `losses`; `p` is the chance of so large a lead between equals (exact McNemar, one-sided).
    """

    name: str
    accuracy: float
    macro_f1: float
    oos_auroc: float | None
    difference: float
    low: float
    high: float
    wins: int
    losses: int
    p: float

    @property
    def sentence(self) -> str:
        points = f"{100 * self.difference:+.1f} points, 95% from {100 * self.low:+.1f} to {100 * self.high:+.1f}"
        rows = f"right alone on {self.wins}, wrong alone on {self.losses}, p = {self.p:.3g}"
        if self.p >= _TOLD:
            return f"Not told apart from {self.name}: {points}; {rows}."
        return f"{'Better' if self.wins > self.losses else 'Worse'} than {self.name}: {points}; {rows}."

    def table(self) -> dict[str, Any]:
        return {**asdict(self), "sentence": self.sentence}


def paired(name: str, mine: Flags, other: Flags, *, macro_f1: float = 0.0, oos_auroc: float | None = None) -> Paired:
    """Compare what a model has right with what another has right on the same rows."""
    wins, losses = int((mine & ~other).sum()), int((~mine & other).sum())
    rows = len(mine)
    low, high = _interval(np.array([wins, losses, rows - wins - losses]), np.array([1.0, -1.0, 0.0]))
    return Paired(
        name=name,
        accuracy=float(other.mean()) if rows else 0.0,
        macro_f1=macro_f1,
        oos_auroc=oos_auroc,
        difference=(wins - losses) / rows if rows else 0.0,
        low=low,
        high=high,
        wins=wins,
        losses=losses,
        p=mcnemar(min(wins, losses), max(wins, losses)),
    )


def accuracy_interval(right: Flags) -> tuple[float, float]:
    """The 95% bootstrap interval of an accuracy."""
    count = int(right.sum())
    return _interval(np.array([count, len(right) - count]), np.array([1.0, 0.0]))


def _interval(counts: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Of the mean of `values` that occur `counts` times. Rows of one value are alike: a resample is a multinomial."""
    rows = int(counts.sum())
    if not rows:
        return 0.0, 0.0
    drawn = np.random.default_rng(_SEED).multinomial(rows, counts / rows, size=RESAMPLES)
    low, high = np.percentile(drawn @ values / rows, _ENDS)
    return float(low), float(high)
