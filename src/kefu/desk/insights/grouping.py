"""Putting questions that mean the same together, as they come in: each joins the nearest group or begins one."""

from dataclasses import dataclass

import numpy as np

# How near a question's vector must be to the middle of a group. Encoders fill the sphere differently: MiniLM puts
# unrelated questions far apart, e5 all close together, so each has its own. Of ten questions of each of forty intents
# of BANKING77, whose intents are as near to each other as a shop's, nine in ten then stand with others of their intent.
_NEAR = {"minilm-en": 0.7, "minilm-service-en": 0.78}
_NEAR_ELSE = 0.92


@dataclass
class Group:
    """A group's middle (the mean of its unit vectors) and what it is called by: the question nearest to it."""

    middle: np.ndarray
    size: int
    question: str
    nearness: float


def near(encoder: str) -> float:
    """The least cosine at which a question belongs to a group, by the key of the encoder."""
    return next((limit for name, limit in _NEAR.items() if name in encoder), _NEAR_ELSE)


def nearest(vector: np.ndarray, groups: list[Group], least: float) -> int | None:
    """The place of the group that a unit vector belongs to."""
    if not groups:
        return None
    middles = np.stack([group.middle for group in groups])
    cosines = middles @ vector / np.maximum(np.linalg.norm(middles, axis=1), 1e-9)
    best = int(np.argmax(cosines))
    return best if cosines[best] >= least else None


def join(group: Group, vector: np.ndarray, question: str) -> None:
    """Take a question into a group."""
    group.middle = (group.middle * group.size + vector) / (group.size + 1)
    group.size += 1
    nearness = float(group.middle @ vector / max(float(np.linalg.norm(group.middle)), 1e-9))
    if nearness > group.nearness:
        group.question, group.nearness = question, nearness


def begun(vector: np.ndarray, question: str) -> Group:
    return Group(vector, 1, question, 0.0)  # the next question that is nearer to the middle names the group


def unit(vector: np.ndarray) -> np.ndarray:
    wide = vector.astype(np.float32)
    return wide / max(float(np.linalg.norm(wide)), 1e-9)  # type: ignore[no-any-return]
