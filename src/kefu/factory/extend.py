"""More labels later: what a model was taught before is taught again with the new, so that nothing is forgotten."""

import hashlib
from pathlib import Path

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import CARD_FILE, read_card
from kefu.factory.data.version import combined, keep, kept
from kefu.kit.errors import BadInput


def with_earlier_examples(job: Job, data: Dataset, tell: Tell) -> tuple[Dataset, tuple[str, ...]]:
    """The data with the examples that the model `job.extend` was trained on, and the hashes of the parents' cards.

    All of them are kept in `job.out` for the next time. Raises BadInput when that model has no copy of its data.
    """
    if not job.extend:
        return data, ()
    folder = Path(job.extend)
    card = read_card(folder)
    earlier = kept(folder / "data", name="train")
    if earlier is None:
        raise BadInput(
            f"{folder} keeps no copy of the data it was trained on, so its labels would be forgotten. "
            "Train with all the data instead.",
            model=str(folder),
        )
    new = sorted(set(data.labels) - set(card.labels))
    tell(Told.NOTE, {"sentence": f"{card.name} knows {len(card.labels)} labels; {len(new)} are new: {', '.join(new)}."})
    together = combined(earlier, data)
    keep(together, Path(job.out) / "data", name="train")
    return together, (*card.parents, _digest(folder / CARD_FILE))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
